"""Words found where lines are labelled."""

from __future__ import annotations

import numpy as np

from ocrsmith.evaluation.joined_boxes import join_words_by_line
from ocrsmith.geometry import area, bounds, box_quad

LINES = [box_quad(0, 0, 100, 10), box_quad(0, 20, 100, 30)]


def test_the_words_of_a_line_are_joined_and_others_stay() -> None:
    words = [box_quad(0, 0, 30, 10), box_quad(40, 1, 100, 9), box_quad(10, 21, 50, 29), box_quad(0, 50, 10, 60)]
    joined = sorted(join_words_by_line(words, LINES), key=lambda polygon: bounds(polygon)[1])
    assert [bounds(polygon) for polygon in joined] == [(0, 0, 100, 10), (10, 21, 50, 29), (0, 50, 10, 60)]
    assert area(joined[0]) < 1000


def test_a_word_half_outside_belongs_to_no_line() -> None:
    words = [box_quad(0, 5, 30, 15), box_quad(40, 0, 100, 10)]
    assert len(join_words_by_line(words, LINES)) == 2


def test_nothing_found_and_nothing_labelled() -> None:
    assert join_words_by_line([], LINES) == []
    (only,) = join_words_by_line([box_quad(0, 0, 3, 3)], [])
    np.testing.assert_array_equal(only, box_quad(0, 0, 3, 3))
