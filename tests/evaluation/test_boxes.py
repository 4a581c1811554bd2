"""Matching on squares whose overlaps a person can work out."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrsmith.evaluation.boxes import BoxCounts, match_polygons
from ocrsmith.geometry import box_quad

SQUARE = box_quad(0, 0, 10, 10)
BOXES = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 30), st.integers(1, 30), st.booleans()), max_size=8
)


def test_two_squares() -> None:
    # Shared 10 x 5 = 50 of 100 + 100 - 50 = 150: one third.
    shifted = box_quad(0, 5, 10, 15)
    assert BoxCounts.from_page([SQUARE], [False], [shifted]).num_matched == 0
    counts = BoxCounts.from_page([SQUARE], [False], [shifted], iou=0.3)
    assert counts.num_matched == 1


def test_exactly_half_counts() -> None:
    assert BoxCounts.from_page([SQUARE], [False], [box_quad(0, 0, 10, 5)]).f_score == 1.0


def test_one_to_one() -> None:
    counts = BoxCounts.from_page([SQUARE], [False], [SQUARE, box_quad(0, 0, 10, 9)])
    assert (counts.num_matched, counts.num_predicted) == (1, 2)
    assert (counts.recall, counts.precision, counts.f_score) == (1.0, 0.5, pytest.approx(2 / 3))


def test_the_best_pair_goes_first() -> None:
    # The second prediction fits both truths; it goes to the one that it fits best, and the first takes the other.
    truth = [SQUARE, box_quad(2, 0, 12, 10)]
    matches = match_polygons(truth, [False, False], [box_quad(0, 0, 10, 8), box_quad(1, 0, 12, 10)])
    assert {(a, b) for a, b, _ in matches.pairs} == {(0, 0), (1, 1)}


def test_predictions_in_ignored_regions_are_forgiven() -> None:
    inside, half, beside = box_quad(1, 1, 3, 3), box_quad(5, 0, 15, 10), box_quad(7, 0, 17, 10)
    counts = BoxCounts.from_page([SQUARE], [True], [inside, half, beside])
    assert (counts.num_truth, counts.num_predicted, counts.num_forgiven) == (0, 2, 1)  # just half is not more than half
    assert counts.f_score == 0.0


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(np.zeros((4, 2)), id="no area"),
        pytest.param([[0, 0], [5, 5]], id="two points"),
        pytest.param([[0, 0], [np.nan, 5], [5, 0]], id="not a number"),
        pytest.param(np.zeros((0, 2)), id="no points"),
    ],
)
def test_bad_polygons_match_nothing(bad: object) -> None:
    counts = BoxCounts.from_page([SQUARE], [False], [bad])  # type: ignore[list-item]
    assert (counts.num_matched, counts.num_predicted) == (0, 1)
    assert BoxCounts.from_page([bad], [False], [SQUARE]).num_matched == 0  # type: ignore[list-item]


def test_a_polygon_that_crosses_itself_is_repaired() -> None:
    bow_tie = [[0, 0], [10, 10], [10, 0], [0, 10]]
    assert BoxCounts.from_page([SQUARE], [False], [bow_tie]).num_predicted == 1


def test_empty_pages() -> None:
    assert BoxCounts.from_page([], [], []) == BoxCounts(num_pictures=1)
    assert BoxCounts.from_page([SQUARE], [False], []).recall == 0.0
    assert BoxCounts.from_page([], [], [SQUARE]).precision == 0.0
    assert BoxCounts().f_score == 0.0


def test_flags_must_fit() -> None:
    with pytest.raises(ValueError, match="one flag a truth"):
        BoxCounts.from_page([SQUARE], [], [])


def test_a_thousand_by_a_thousand_is_quick() -> None:
    grid = [box_quad(x * 30, y * 20, x * 30 + 25, y * 20 + 15) for x in range(32) for y in range(32)]
    began = time.process_time()
    counts = BoxCounts.from_page(grid, [False] * len(grid), [quad + 1 for quad in grid])
    assert counts.num_matched == 1024
    assert time.process_time() - began < 2.0  # 0.04 s measured; all pairs one by one took 20 s


def page(boxes: list[tuple[int, int, int, int, bool]]) -> tuple[list[np.ndarray], list[bool]]:
    return [box_quad(x, y, x + w, y + h) for x, y, w, h, _ in boxes], [flag for *_, flag in boxes]


@settings(deadline=None)
@given(BOXES, BOXES)
def test_never_more_matches_than_either_side(
    truth: list[tuple[int, int, int, int, bool]], found: list[tuple[int, int, int, int, bool]]
) -> None:
    counts = BoxCounts.from_page(*page(truth), page(found)[0])
    assert 0 <= counts.num_matched <= min(counts.num_truth, counts.num_predicted)
    same = BoxCounts.from_page(page(truth)[0], [False] * len(truth), page(truth)[0])
    assert same.num_matched == len(truth)


@settings(deadline=None)
@given(st.lists(st.tuples(BOXES, BOXES), max_size=4))
def test_pages_add_up(
    pages: list[tuple[list[tuple[int, int, int, int, bool]], list[tuple[int, int, int, int, bool]]]],
) -> None:
    counts = [BoxCounts.from_page(*page(truth), page(found)[0]) for truth, found in pages]
    total = sum(counts, start=BoxCounts())
    assert total.num_matched == sum(c.num_matched for c in counts)
    assert total.num_pictures == len(pages)
    assert sum(reversed(counts), start=BoxCounts()) == total


def test_other_thresholds_do_not_add() -> None:
    with pytest.raises(ValueError, match="iou_threshold"):
        BoxCounts() + BoxCounts(iou_threshold=0.7)
