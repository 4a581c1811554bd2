"""Medians of rows that lie end to end."""

from __future__ import annotations

import statistics

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ocrsmith.reading.segments import medians


def test_each_row_has_its_own_median_and_an_empty_one_none() -> None:
    assert medians([3, 1, 2, 8, 4], np.array([0, 0, 0, 2, 2]), 4).tolist() == [2.0, 0.0, 6.0, 0.0]
    assert medians([], np.zeros(0, np.int64), 2).tolist() == [0.0, 0.0]


@given(st.lists(st.lists(st.floats(-1e6, 1e6), max_size=7), max_size=5))
def test_as_one_row_after_the_other(rows: list[list[float]]) -> None:
    of = np.repeat(np.arange(len(rows)), [len(row) for row in rows]).astype(np.int64)
    found = medians([value for row in rows for value in row], of, len(rows))
    assert found.tolist() == [statistics.median(row) if row else 0.0 for row in rows]
