"""Places on a background: calm, free, and the colours that lie there."""

from __future__ import annotations

import numpy as np
import pytest

from ocrsmith.geometry import box_quad
from ocrsmith.synth.ground import Ground, luma_of


def test_calm_places_are_found() -> None:
    image = np.random.default_rng(0).integers(0, 255, (320, 320, 3), dtype=np.uint8)
    image[160:] = 90
    ground = Ground(image)
    for seed in range(10):
        place = ground.find_place(box_quad(-40, -10, 40, 10), np.random.default_rng(seed))
        assert place is not None and place[1] > 160
    assert ground.luma(box_quad(10, 200, 100, 240)) == pytest.approx((90, 0), abs=0.1)


def test_what_is_taken_is_not_given_twice() -> None:
    ground, outline = Ground(np.zeros((320, 320, 3), np.uint8)), box_quad(-50, -20, 50, 20)
    rng, placed = np.random.default_rng(0), []
    while (place := ground.find_place(outline, rng)) is not None:
        polygon = outline + np.array(place, np.float32)
        ground.take(polygon)
        placed.append(polygon)
    assert 8 <= len(placed) <= 25
    for i, first in enumerate(placed):
        assert first.min() >= -0.01 and first.max() <= 320.01
        for second in placed[:i]:
            apart = (np.abs(first[0] - second[0]) >= (100 - 8, 40 - 8)).any()
            assert apart


def test_what_is_larger_than_the_picture_finds_no_place() -> None:
    ground = Ground(np.zeros((64, 64, 3), np.uint8))
    assert ground.find_place(box_quad(-40, -5, 40, 5), np.random.default_rng(0)) is None
    assert ground.find_place(box_quad(-40, -5, 40, 5), np.random.default_rng(0), reach_px=10) is not None


def test_a_polygon_outside_still_has_a_cell() -> None:
    ground = Ground(np.full((64, 64, 3), 10, np.uint8))
    assert ground.luma(box_quad(-500, -500, -400, -400))[0] == pytest.approx(10, abs=0.1)


def test_the_luma_under_a_polygon_is_the_mean_and_deviation_of_its_cells() -> None:
    image = np.full((64, 64, 3), 20, np.uint8)
    image[:, 32:] = 120
    mean, spread = Ground(image).luma(box_quad(0, 0, 63, 63))
    assert mean == pytest.approx(70, abs=0.1) and spread == pytest.approx(50, abs=0.1)
    assert luma_of((255, 255, 255)) == pytest.approx(255)
