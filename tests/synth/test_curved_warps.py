"""Arches, circles and folds move pixels and points alike, and as far as can be worked out."""

from __future__ import annotations

import numpy as np
import pytest
from warp_agreement import HEIGHT, WIDTH, assert_agree

from ocrsmith.synth.curved_warps import arch, circle, fold
from ocrsmith.synth.warps import compose, matrix_warp


@pytest.mark.parametrize("rise_px", [-8.0, 8.0])
def test_arch_bends_the_middle_up(rise_px: float) -> None:
    warp = arch(WIDTH, HEIGHT, rise_px)
    assert_agree(warp, (150, 30, 170, 66))
    middle, end = warp.points([[WIDTH / 2, 48], [WIDTH, 48]])
    assert end[1] - middle[1] == pytest.approx(rise_px, abs=0.1)


@pytest.mark.parametrize("radius_px", [90.0, -90.0, 400.0, -250.0])
def test_a_circle_moves_pixels_and_points_alike(radius_px: float) -> None:
    """Drawn through a shift that keeps the whole ring in the picture; also where the map has its cut."""
    bent = circle(WIDTH, HEIGHT, radius_px, 60.0)
    warp = compose(bent, matrix_warp([[1, 0, 80], [0, 1, 200], [0, 0, 1]], (WIDTH, HEIGHT), (480, 600)))
    for box in ((150, 30, 170, 66), (60, 30, 76, 60), (250, 24, 268, 60)):
        assert_agree(warp, box)
    picture = np.full((HEIGHT, WIDTH), 255, np.uint8)
    assert warp.image(picture, border=0).sum() / 255 == pytest.approx(_ring_area(radius_px), rel=0.03)


def _ring_area(radius_px: float) -> float:
    """Of what a full canvas becomes: a sector between the circles of its top and its foot."""
    top, foot = abs(radius_px + 60.0), abs(radius_px - (HEIGHT - 60.0))
    return abs(top**2 - foot**2) * (WIDTH / abs(radius_px)) / 2


def test_a_circle_keeps_lengths_along_its_baseline_and_its_middle() -> None:
    warp = circle(WIDTH, HEIGHT, 100.0, 60.0)
    assert np.allclose(warp.points([[WIDTH / 2, 60], [WIDTH / 2, 10]]), [[WIDTH / 2, 60], [WIDTH / 2, 10]], atol=1e-3)
    quarter = warp.points([[WIDTH / 2 + 50 * np.pi, 60.0]])
    assert np.allclose(quarter, [[WIDTH / 2 + 100, 160]], atol=1e-3)
    under = circle(WIDTH, HEIGHT, -100.0, 60.0)
    assert np.allclose(under.points([[WIDTH / 2 + 50 * np.pi, 60.0]]), [[WIDTH / 2 + 100, -40]], atol=1e-3)


@pytest.mark.parametrize("vertical", [False, True])
def test_a_fold_bends_at_its_crease_alone(vertical: bool) -> None:
    warp = fold(WIDTH, WIDTH, 0.5, 20.0, vertical)
    line = np.stack([np.linspace(0, WIDTH, 33), np.full(33, 100.0)], axis=1)
    moved = warp.points(line[:, ::-1] if vertical else line)[:, 0 if vertical else 1]
    assert moved[0] == pytest.approx(110, abs=0.3) and moved[16] == pytest.approx(101, abs=0.1)
    steps = np.diff(moved)
    assert np.ptp(steps[:8]) < 0.1 and np.ptp(steps[-8:]) < 0.1
