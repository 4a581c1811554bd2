"""The benchmark of what comes behind the networks: its table."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest


def test_a_row_gives_milliseconds_for_a_thousand_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    import postprocessing

    seconds = Counter(dict.fromkeys(postprocessing.STAGES, 0.001))
    # 1 ms a stage in 400 words is 2.5 ms in 1,000; there are seven stages.
    numbers = ["17.5", *["2.5"] * len(postprocessing.STAGES)]
    assert postprocessing.row("forms", seconds, 400) == f"| forms (400 words) | {' | '.join(numbers)} |"
    # Pictures without a word divide by one.
    assert postprocessing.row("none", Counter(), 0).startswith("| none (0 words) | 0.0 |")


def test_a_stopwatch_adds_up_what_it_is_put_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    from postprocessing import Stopwatch

    watch = Stopwatch()
    timed = watch.around(lambda number: sum(range(number)))
    assert timed(200_000) == sum(range(200_000))
    assert watch.seconds > 0


def test_every_stage_of_a_page_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    import postprocessing

    page = np.full((200, 640, 3), 245, np.uint8)
    cv2.putText(page, "Total amount due 12.50", (30, 110), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (20, 20, 30), 2)
    cv2.imwrite(str(tmp_path / "page.png"), page)
    reader, watches = postprocessing.watched("english", "onnxruntime")
    seconds, words = postprocessing.stage_seconds(reader, watches, tmp_path / "page.png", repetitions=1)
    assert words == 4
    assert [stage for stage in postprocessing.STAGES if not seconds[stage] > 0] == []
