"""Every warp moves pixels and points alike: a flat box is warped as a picture and as a quad, and the two must agree."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrsmith.errors import RecipeError
from ocrsmith.geometry import box_quad
from ocrsmith.synth import warps
from ocrsmith.synth.warp_plans import WARPS, WarpStep, build_warp, plan_warps

WIDTH, HEIGHT = 320, 96


def _edge_points(left: float, top: float, right: float, bottom: float, num: int = 24) -> np.ndarray:
    """The outline of a box as many points: a bent edge is not a straight one between its corners."""
    corners = box_quad(left, top, right, bottom)
    shares = np.linspace(0, 1, num, endpoint=False)[:, None]
    return np.concatenate([c + shares * (n - c) for c, n in zip(corners, np.roll(corners, -1, axis=0))])


def _assert_agree(warp: warps.Warp, box: tuple[int, int, int, int], width: int = WIDTH, height: int = HEIGHT) -> None:
    left, top, right, bottom = box
    picture = np.zeros((height, width), np.uint8)
    picture[top:bottom, left:right] = 255
    pixels = warp.image(picture, border=0) >= 128
    outline = warp.points(_edge_points(left, top, right, bottom))
    drawn = np.zeros((warp.out_size[1], warp.out_size[0]), np.uint8)
    # Continuous coordinates: the centre of pixel i is at i + 0.5.
    cv2.fillPoly(drawn, [np.rint((outline - 0.5) * 16).astype(np.int32)], 1, shift=4)
    kernel = np.ones((3, 3), np.uint8)
    grown, shrunk = cv2.dilate(drawn, kernel), cv2.erode(drawn, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    assert not (pixels & (grown == 0)).any(), "pixels lie more than one px outside the warped quad"
    assert not (~pixels & (shrunk == 1)).any(), "the warped quad holds holes more than one px deep"


@pytest.mark.parametrize("kind", WARPS)
@pytest.mark.parametrize("strength", [0.2, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_every_kind_moves_pixels_and_points_alike(kind: str, strength: float, seed: int) -> None:
    warp = build_warp([WarpStep(kind, strength, seed)], WIDTH, HEIGHT)
    _assert_agree(warp, (60, 30, 90, 66))
    _assert_agree(warp, (250, 24, 268, 60))


@pytest.mark.parametrize("rise_px", [-8.0, 8.0])
def test_arch_bends_the_middle_up(rise_px: float) -> None:
    warp = warps.arch(WIDTH, HEIGHT, rise_px)
    _assert_agree(warp, (150, 30, 170, 66))
    middle, end = warp.points([[WIDTH / 2, 48], [WIDTH, 48]])
    assert end[1] - middle[1] == pytest.approx(rise_px, abs=0.1)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1), st.integers(40, 700), st.integers(16, 300))
def test_composed_plans_move_pixels_and_points_alike(seed: int, strength: float, width: int, height: int) -> None:
    steps = plan_warps(np.random.default_rng(seed), strength)
    warp = build_warp(steps, width, height)
    box = (width // 4, height // 4, width // 4 + max(6, width // 8), height // 4 + max(6, height // 3))
    source = np.array([[box[0], box[1]], [box[2], box[3]]], np.float64)
    assert np.allclose(warp.backward(warp.points(source).astype(np.float64)), source, atol=0.05)
    _assert_agree(warp, box, width, height)


def test_a_matrix_is_followed_exactly() -> None:
    warp = warps.matrix_warp([[1, 0, 10], [0, 1, -4]], (40, 30), (60, 20))
    picture = np.zeros((30, 40, 3), np.uint8)
    picture[10:20, 5:9] = 200
    moved = warp.image(picture, border=0)
    assert moved.shape == (20, 60, 3)
    assert (moved[6:16, 15:19] == 200).all() and moved.sum() == picture.sum()
    assert warp.points([[5, 10]]).tolist() == [[15, 6]]


def test_composition_is_one_after_the_other() -> None:
    first, second = warps.affine(100, 80, 5.0), warps.waves(100, 80, 3.0, 90.0)
    both = warps.compose(first, second)
    points = box_quad(30, 20, 60, 50)
    assert np.allclose(both.points(points), second.points(first.points(points)), atol=0.05)
    matrices = warps.compose(first, warps.affine(100, 80, -5.0))
    assert matrices.matrix is not None and np.allclose(matrices.points(points), points, atol=1e-3)


def test_plans_replay_and_know_their_names() -> None:
    plan = plan_warps(np.random.default_rng(3), 0.8)
    assert plan == plan_warps(np.random.default_rng(3), 0.8)
    assert tuple(WarpStep(**step.to_dict()) for step in plan) == plan
    assert plan_warps(np.random.default_rng(3), 0.0) == ()
    with pytest.raises(RecipeError, match="wobble"):
        plan_warps(np.random.default_rng(3), 0.5, ["wobble"])


def test_no_points_and_one_pixel() -> None:
    warp = build_warp([WarpStep("elastic", 1.0, 1)], 1, 1)
    assert warp.image(np.full((1, 1, 3), 7, np.uint8)).tolist() == [[[7, 7, 7]]]
    assert warp.points(np.zeros((0, 4, 2))).shape == (0, 4, 2)


@pytest.mark.parametrize("radius_px", [90.0, -90.0, 400.0, -250.0])
def test_a_circle_moves_pixels_and_points_alike(radius_px: float) -> None:
    """Drawn through a shift that keeps the whole ring in the picture; also where the map has its cut."""
    bent = warps.circle(WIDTH, HEIGHT, radius_px, 60.0)
    warp = warps.compose(bent, warps.matrix_warp([[1, 0, 80], [0, 1, 200], [0, 0, 1]], (WIDTH, HEIGHT), (480, 600)))
    for box in ((150, 30, 170, 66), (60, 30, 76, 60), (250, 24, 268, 60)):
        _assert_agree(warp, box)
    picture = np.full((HEIGHT, WIDTH), 255, np.uint8)
    assert warp.image(picture, border=0).sum() / 255 == pytest.approx(_ring_area(radius_px), rel=0.03)


def _ring_area(radius_px: float) -> float:
    """Of what a full canvas becomes: a sector between the circles of its top and its foot."""
    top, foot = abs(radius_px + 60.0), abs(radius_px - (HEIGHT - 60.0))
    return abs(top**2 - foot**2) * (WIDTH / abs(radius_px)) / 2


def test_a_circle_keeps_lengths_along_its_baseline_and_its_middle() -> None:
    warp = warps.circle(WIDTH, HEIGHT, 100.0, 60.0)
    assert np.allclose(warp.points([[WIDTH / 2, 60], [WIDTH / 2, 10]]), [[WIDTH / 2, 60], [WIDTH / 2, 10]], atol=1e-3)
    quarter = warp.points([[WIDTH / 2 + 50 * np.pi, 60.0]])
    assert np.allclose(quarter, [[WIDTH / 2 + 100, 160]], atol=1e-3)
    under = warps.circle(WIDTH, HEIGHT, -100.0, 60.0)
    assert np.allclose(under.points([[WIDTH / 2 + 50 * np.pi, 60.0]]), [[WIDTH / 2 + 100, -40]], atol=1e-3)


@pytest.mark.parametrize("vertical", [False, True])
def test_a_fold_bends_at_its_crease_alone(vertical: bool) -> None:
    warp = warps.fold(WIDTH, WIDTH, 0.5, 20.0, vertical)
    line = np.stack([np.linspace(0, WIDTH, 33), np.full(33, 100.0)], axis=1)
    moved = warp.points(line[:, ::-1] if vertical else line)[:, 0 if vertical else 1]
    assert moved[0] == pytest.approx(110, abs=0.3) and moved[16] == pytest.approx(101, abs=0.1)
    steps = np.diff(moved)
    assert np.ptp(steps[:8]) < 0.1 and np.ptp(steps[-8:]) < 0.1
