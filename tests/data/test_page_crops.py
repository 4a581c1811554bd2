"""Windows of real pages: pixels and labels move together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrsmith.data.page_crops import PageWindows, cut_window, resize_page, vary_colours
from ocrsmith.geometry import box_quad
from ocrsmith.samples import Character, PageSample, TextInstance

STILL = PageWindows(64, zoom=(1.0, 1.0), turn_degrees=0.0, colours=0.0)


def page(height: int = 200, width: int = 300) -> PageSample:
    """A grey page with one black square, which is a labelled word."""
    image = np.full((height, width, 3), 128, np.uint8)
    image[80:100, 140:160] = 0
    quad = box_quad(140, 80, 160, 100)
    return PageSample(image, (TextInstance(quad, "a", (Character("a", quad),)),))


@given(st.integers(0, 10_000), st.floats(0.3, 3.0), st.floats(0.0, 20.0))
@settings(max_examples=30, deadline=None)
def test_the_label_stays_on_its_pixels(seed: int, scale: float, degrees: float) -> None:
    windows = PageWindows(96, turn_degrees=degrees, colours=0.0)
    cut = cut_window(page(), scale, windows, np.random.default_rng(seed))
    assert cut.image.shape == (96, 96, 3)
    for instance in cut.instances:
        x, y = instance.polygon.mean(axis=0)
        if 4 <= x < 92 and 4 <= y < 92:
            assert cut.image[int(y), int(x)].max() < 64
        np.testing.assert_allclose((instance.characters or ())[0].quad, instance.polygon, atol=1e-3)


def test_one_pixel_is_one_pixel_where_nothing_is_varied() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        cut = cut_window(page(), 1.0, STILL, rng)
        if cut.instances and (cut.instances[0].polygon > 0).all() and (cut.instances[0].polygon < 64).all():
            black = np.argwhere(cut.image[..., 0] < 64)
            left, top = cut.instances[0].polygon[0]
            assert abs(black.min(axis=0) - (top, left)).max() < 1
            return
    pytest.fail("no window showed the word")


def test_a_page_smaller_than_its_window_lies_within() -> None:
    cut = cut_window(page(40, 50), 1.0, STILL, np.random.default_rng(1))
    assert (cut.image > 0).any(axis=2).sum() == pytest.approx(40 * 50, rel=0.1)


def test_an_empty_page_and_a_single_pixel_can_be_cut() -> None:
    rng = np.random.default_rng(0)
    empty = PageSample(np.zeros((1, 1, 3), np.uint8), ())
    assert cut_window(empty, 1.0, STILL, rng).instances == ()
    assert cut_window(PageSample(page().image, ()), 0.01, STILL, rng).image.shape == (64, 64, 3)


def test_labels_follow_a_resized_picture() -> None:
    doubled = resize_page(page(), np.zeros((400, 600, 3), np.uint8))
    np.testing.assert_allclose(doubled.instances[0].polygon, box_quad(280, 160, 320, 200))


def test_colours_vary_only_where_asked() -> None:
    image = page().image
    assert vary_colours(image, 0.0, np.random.default_rng(0)) is image
    varied = vary_colours(image, 0.2, np.random.default_rng(0))
    assert varied.shape == image.shape
    assert not np.array_equal(varied, image)
    np.testing.assert_array_equal(varied, vary_colours(image, 0.2, np.random.default_rng(0)))
