"""The benchmark of what comes behind the networks: its table."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest


def test_a_row_gives_milliseconds_for_a_thousand_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    import postprocessing

    seconds = Counter(dict.fromkeys(postprocessing.STAGES, 0.001))
    numbers = ["15.0", *["2.5"] * len(postprocessing.STAGES)]
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
