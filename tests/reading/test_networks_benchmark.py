"""The benchmark of the networks alone: it times what the networks are given, and leaves the reader as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ocrsmith import Reader

BENCHMARKS = str(Path(__file__).parents[2] / "benchmarks")


def test_the_first_two_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    from networks import milliseconds

    calls: list[int] = []
    least, median = milliseconds(lambda: calls.append(0), 3)
    assert len(calls) == 5
    assert 0 <= least <= median


@pytest.mark.parametrize("count", [1, 5])
def test_a_line_for_each_network(count: int, make_bundle: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    from networks import recognizer_inputs, rows

    reader = Reader(make_bundle("db"), engine="onnxruntime", threads=1)
    crops = [np.full((8, 16, 3), 255, np.uint8)] * count
    engine = reader._recognizer.engine
    inputs = recognizer_inputs(reader._recognizer, crops)
    assert sum(len(batch) for batch in inputs) == count
    assert reader._recognizer.engine is engine
    detector, recogniser = rows(reader, crops, 1)
    assert detector.startswith("detector, 640x640, onnxruntime: ")
    assert recogniser.startswith(f"recogniser, a crop of {count} in {len(inputs)} batches, onnxruntime: ")
