"""Turns in space, outlines, and laying colours through masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrsmith.geometry import box_quad, signed_area, transform_points
from ocrsmith.synth import paint
from ocrsmith.synth.layout import rotation_homography, rounded_rectangle, sent_box, translation

angles = st.floats(-60, 60)


def test_a_turn_about_z_alone_is_a_rotation() -> None:
    quarter = rotation_homography(0, 0, 90, 1000)
    assert transform_points([[10, 0]], quarter) == pytest.approx(np.array([[0, 10]]), abs=1e-5)


def test_tipping_narrows_the_far_side() -> None:
    tipped = transform_points(box_quad(-100, -100, 100, 100), rotation_homography(40, 0, 0, 800))
    top, bottom = tipped[1, 0] - tipped[0, 0], tipped[2, 0] - tipped[3, 0]
    assert top < 200 < bottom
    turned = transform_points(box_quad(-100, -100, 100, 100), rotation_homography(0, 40, 0, 800))
    left, right = turned[3, 1] - turned[0, 1], turned[2, 1] - turned[1, 1]
    assert right < 200 < left


@given(angles, angles, st.floats(-180, 180))
def test_the_origin_stays_and_quads_keep_their_turn(x: float, y: float, z: float) -> None:
    matrix = rotation_homography(x, y, z, 700)
    assert transform_points([[0, 0]], matrix) == pytest.approx(np.zeros((1, 2)), abs=1e-6)
    assert signed_area(transform_points(box_quad(-200, -30, 200, 30), matrix)) > 0


def test_rounded_rectangles_stay_in_their_box() -> None:
    outline = rounded_rectangle((10, 20, 110, 60), 8)
    assert outline.min(axis=0) == pytest.approx([10, 20], abs=1e-3)
    assert outline.max(axis=0) == pytest.approx([110, 60], abs=1e-3)
    assert 3900 < signed_area(outline) < 4000
    assert rounded_rectangle((0, 0, 4, 4), 0).shape == (4, 2)


def test_blending_is_exact_to_a_level() -> None:
    rng = np.random.default_rng(0)
    view = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    mask = rng.integers(0, 256, (20, 30), dtype=np.uint8)
    colour = (200, 30, 90)
    share = mask[..., None] / 255.0
    expected = view * (1 - share) + np.array(colour) * share
    paint.blend(view, mask, colour)
    assert np.abs(view - expected).max() <= 1.01


def test_a_polygon_mask_covers_its_area() -> None:
    box = box_quad(10, 10, 90.5, 80)
    window = paint.window_of(box, (100, 100, 3))
    assert window is not None
    # OpenCV's antialiased fill reaches about half a pixel past its border.
    assert paint.polygon_mask(box, window).sum() / 255 == pytest.approx(80.5 * 70, rel=0.04)
    assert paint.window_of(box_quad(-30, -30, -10, -10), (100, 100, 3)) is None


@pytest.mark.parametrize("opacity", [1.0, 0.4])
def test_filling_and_stroking_lay_a_mask_in_one_colour(opacity: float) -> None:
    page = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    quad, colour = np.array([[10.3, 8], [70, 15.5], [60, 50], [15, 44.2]]), (250, 10, 120)
    window = paint.window_of(quad, page.shape)
    assert window is not None
    filled, stroked = page.copy(), page.copy()
    paint.fill(filled[window], quad, window, colour, opacity)
    paint.stroke(stroked[window], quad, window, colour, 2, opacity)
    for drawn, mask in ((filled, paint.polygon_mask(quad, window)), (stroked, paint.outline_mask(quad, window, 2))):
        expected = page.copy()
        paint.blend(expected[window], mask, colour, opacity)
        assert np.abs(drawn.astype(int) - expected).max() <= 4 and (drawn != page).any()


def test_boxes_are_sent_as_points_are() -> None:
    matrix = rotation_homography(20, -10, 30, 500)
    quad = sent_box(-40.5, -8, 33, 12.25, matrix.ravel().tolist())
    assert quad == pytest.approx(transform_points(box_quad(-40.5, -8, 33, 12.25), matrix), abs=1e-4)


def test_translation() -> None:
    assert transform_points([[1, 2]], translation(3, 4)).tolist() == [[4, 6]]
