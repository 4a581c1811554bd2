from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrsmith.geometry import box_quad
from ocrsmith.reading.crops import grow_quad, is_tall, rectify, turn_quad


def gradient(height: int = 60, width: int = 100) -> np.ndarray:
    """Red is x, green is y."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.arange(width)
    image[..., 1] = np.arange(height)[:, None]
    return image


def test_an_upright_quad_is_the_pages_own_pixels() -> None:
    image = gradient()
    crop = rectify(image, [box_quad(10, 20, 40, 30)])[0]
    np.testing.assert_array_equal(crop, image[20:30, 10:40])


def test_height_scales_and_keeps_the_aspect() -> None:
    crop = rectify(gradient(), [box_quad(10, 20, 40, 30)], height=20)[0]
    assert crop.shape == (20, 60, 3)


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_a_turned_quad_gives_a_turned_crop(turn: int) -> None:
    image = gradient()
    crop = rectify(image, [turn_quad(box_quad(10, 20, 40, 30), turn)])[0]
    expected = np.rot90(image[20:30, 10:40], turn)
    assert crop.shape == expected.shape
    assert np.abs(crop.astype(int) - expected.astype(int)).max() <= 1


def test_a_rotated_word_comes_out_upright() -> None:
    straight = np.full((200, 200, 3), 255, np.uint8)
    straight[90:110, 60:140] = (200, 0, 0)
    straight[90:110, 60:80] = (0, 0, 200)
    matrix = cv2.getRotationMatrix2D((100, 100), -25, 1.0)
    turned = cv2.warpAffine(straight, matrix, (200, 200), borderValue=(255, 255, 255))
    corners = np.array([[60, 90], [140, 90], [140, 110], [60, 110]]) @ matrix[:, :2].T + matrix[:, 2]
    crop = rectify(turned, [corners])[0]
    assert crop.shape[:2] == pytest.approx((20, 80), abs=1)
    assert crop[10, 10, 2] > 150
    assert crop[10, 50, 0] > 150
    small = rectify(turned, [corners], height=5)[0]
    assert small.shape[0] == 5
    assert small[2, 12, 0] > 150


def test_a_quad_half_as_tall_again_as_wide_is_tall() -> None:
    tall, wide = box_quad(0, 0, 10, 16), box_quad(0, 0, 10, 14)
    assert (is_tall(tall), is_tall(wide)) == (True, False)


def test_text_that_runs_down_starts_at_the_upper_right_corner() -> None:
    quad = box_quad(0, 0, 10, 16)
    assert [turn_quad(quad, turns)[0].tolist() for turns in range(4)] == [[0, 0], [10, 0], [10, 16], [0, 16]]


def test_a_margin_is_a_share_of_the_height() -> None:
    np.testing.assert_allclose(grow_quad(box_quad(10, 10, 50, 20), 0.5), box_quad(5, 5, 55, 25), atol=1e-4)


@pytest.mark.parametrize(
    "quad",
    [box_quad(-20, -20, 10, 5), box_quad(90, 50, 130, 90), box_quad(300, 300, 320, 310), np.zeros((4, 2))],
    ids=["over the corner", "over the other corner", "outside", "without area"],
)
def test_quads_past_the_picture_still_give_pixels(quad: np.ndarray) -> None:
    crop = rectify(gradient(), [quad])[0]
    assert crop.shape[0] >= 1
    assert crop.shape[1] >= 1


def test_no_quads_no_crops() -> None:
    assert rectify(gradient(), []) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-50, 150), st.floats(-50, 150)), min_size=4, max_size=4))
def test_any_quad_gives_an_rgb_crop(corners: list[tuple[float, float]]) -> None:
    crop = rectify(gradient(), [np.array(corners, np.float32)])[0]
    assert crop.dtype == np.uint8
    assert crop.ndim == 3
    assert min(crop.shape[:2]) >= 1
