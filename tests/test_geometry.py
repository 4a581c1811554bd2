"""Quads and polygons: areas, clipping, overlap and direction, on numbers that a person can work out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrsmith import geometry as g

SQUARE = g.box_quad(0, 0, 10, 10)
coordinate = st.floats(-500, 500, width=32)


def test_area_and_turning_sense() -> None:
    assert g.area(SQUARE) == 100
    assert g.signed_area(SQUARE) == 100
    assert g.signed_area(SQUARE[::-1]) == -100


@pytest.mark.parametrize(("shift", "expected"), [(0, 1.0), (5, 50 / 150), (10, 0.0), (20, 0.0)])
def test_overlap_of_two_squares(shift: float, expected: float) -> None:
    assert g.intersection_over_union(SQUARE, g.box_quad(shift, 0, shift + 10, 10)) == pytest.approx(expected, abs=1e-6)


def test_overlap_with_an_empty_polygon_is_zero() -> None:
    assert g.intersection_over_union(SQUARE, g.box_quad(3, 3, 3, 3)) == 0.0


@pytest.mark.parametrize(
    ("box", "share"),
    [
        ((0, 0, 10, 10), 1.0),
        ((-5, 0, 5, 10), 0.5),
        ((-5, -5, 5, 5), 0.25),
        ((20, 20, 30, 30), 0.0),
        ((1, 1, 1, 9), 0.0),
    ],
)
def test_share_inside_a_picture(box: tuple[float, float, float, float], share: float) -> None:
    assert g.inside_share(g.box_quad(*box), 10, 10) == pytest.approx(share, abs=1e-6)


def test_bad_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="P >= 3"):
        g.as_polygon([[0, 0], [1, 1]])
    with pytest.raises(ValueError, match="NaN"):
        g.as_polygon([[0, 0], [1, 1], [np.nan, 0]])
    with pytest.raises(ValueError, match=r"\(4, 2\)"):
        g.as_quad([[0, 0], [1, 1], [0, 1]])
    with pytest.raises(ValueError, match=r"\(2, 3\) or \(3, 3\)"):
        g.transform_points(SQUARE, np.eye(2))


def test_a_quad_is_taken_to_a_quad() -> None:
    target = np.array([[1, 2], [9, 1], [11, 8], [0, 9]], np.float32)
    np.testing.assert_allclose(g.transform_points(SQUARE, g.quad_to_quad(SQUARE, target)), target, atol=1e-4)


def test_the_word_keeps_its_reading_direction() -> None:
    """Three characters upside down: the word's own top left lies at the right below."""
    letters = [g.box_quad(x, 0, x + 8, 10)[[2, 3, 0, 1]] for x in (20, 10, 0)]
    np.testing.assert_allclose(g.enclosing_quad(letters), g.box_quad(0, 0, 28, 10)[[2, 3, 0, 1]], atol=1e-4)


def test_order_starts_at_the_top_left_whatever_came_first() -> None:
    for roll in range(4):
        np.testing.assert_array_equal(g.order_clockwise(np.roll(SQUARE, roll, axis=0)), SQUARE)
    np.testing.assert_array_equal(g.order_clockwise(SQUARE[::-1]), SQUARE)


@given(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=8))
def test_clipping_never_leaves_the_picture(points: list[tuple[float, float]]) -> None:
    left = g.clip_polygon(points, 100, 50)
    assert left.shape[1] == 2
    if len(left):
        assert left.min() >= -1e-3 and left[:, 0].max() <= 100.001 and left[:, 1].max() <= 50.001


@given(coordinate, coordinate, st.floats(1, 200), st.floats(1, 200), st.floats(-1.5, 1.5))
def test_a_turned_box_keeps_its_size(x: float, y: float, width: float, height: float, angle: float) -> None:
    turn = np.array([[np.cos(angle), -np.sin(angle), x], [np.sin(angle), np.cos(angle), y]])
    quad = g.transform_points(g.box_quad(0, 0, width, height), turn)
    assert g.quad_size(quad) == pytest.approx((width, height), rel=1e-2, abs=1e-2)
    np.testing.assert_allclose(g.enclosing_quad([quad]), quad, atol=0.05)
    left, top, right, bottom = g.bounds(g.minimum_area_quad(quad))
    np.testing.assert_allclose((left, top, right, bottom), g.bounds(quad), atol=0.5)


def test_sizes_of_many_quads_are_those_of_each_alone() -> None:
    quads = np.random.default_rng(1).uniform(0, 900, (50, 4, 2)).astype(np.float32)
    assert g.quad_sizes(quads).tolist() == [list(g.quad_size(quad)) for quad in quads]
    assert g.quad_sizes([g.box_quad(2, 3, 12, 7)]).tolist() == [[10, 4]]
    assert g.quad_sizes(np.zeros((0, 4, 2))).shape == (0, 2)


def test_many_quads_are_checked_at_once() -> None:
    assert g.as_quads([]).shape == (0, 4, 2)
    assert g.as_quads([g.box_quad(0, 0, 1, 1)]).dtype == np.float32
    with pytest.raises(ValueError, match="shape"):
        g.as_quads([[[0, 0], [1, 0], [1, 1]]])
    with pytest.raises(ValueError, match="finite"):
        g.as_quads([[[0, 0], [1, 0], [1, np.nan], [0, 1]]])


def test_many_enclosing_quads_are_those_of_each_alone() -> None:
    rng = np.random.default_rng(3)
    groups = []
    for angle in (0.0, 0.4, -1.2, np.pi / 2, 3.0):
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        boxes = [g.box_quad(12 * i, 5, 12 * i + 10, 25 + i) for i in range(int(rng.integers(1, 9)))]
        groups.append((np.stack(boxes) @ turn).astype(np.float32))
    together = g.enclosing_quads(groups)
    assert g.enclosing_quads([]).shape == (0, 4, 2)
    for quad, group in zip(together, groups, strict=True):
        np.testing.assert_allclose(quad, g.enclosing_quad(group), atol=1e-3)
