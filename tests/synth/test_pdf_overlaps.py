"""Boxes of characters that lie in each other."""

from __future__ import annotations

import numpy as np

from ocrsmith.geometry import box_quad
from ocrsmith.synth.pdf_overlaps import overlapped


def line(left: float, top: float, number: int) -> np.ndarray:
    """Characters of 10 x 20, side by side."""
    return np.stack([box_quad(left + 10 * i, top, left + 10 * i + 10, top + 20) for i in range(number)])


def test_a_quarter_of_a_box_may_be_covered() -> None:
    # Four of twenty rows are a fifth; six are more than a quarter.
    near, far = overlapped([line(0, 0, 3), line(0, 16, 3)])
    assert not near.any() and not far.any()
    near, far = overlapped([line(0, 0, 3), line(20, 14, 3)])
    assert near.tolist() == [False, False, True]
    assert far.tolist() == [True, False, False]


def test_two_neighbours_cover_a_character_together() -> None:
    # Each of two characters takes a fifth of the height and half of the width.
    one, other = overlapped([line(0, 0, 1), line(-5, 12, 2)])
    assert one.tolist() == [True]
    assert other.tolist() == [False, False]


def test_nothing_to_compare() -> None:
    assert overlapped([]) == []
    empty = np.zeros((0, 4, 2))
    assert [marks.tolist() for marks in overlapped([empty, line(0, 0, 2), empty])] == [[], [False, False], []]
