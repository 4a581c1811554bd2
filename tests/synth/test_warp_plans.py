"""Every warp that is drawn moves pixels and points alike: a flat box is warped as a picture and as a quad."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warp_agreement import HEIGHT, WIDTH, assert_agree

from ocrsmith.errors import RecipeError
from ocrsmith.synth.warp_plans import WARPS, WarpStep, build_warp, plan_warps


@pytest.mark.parametrize("kind", WARPS)
@pytest.mark.parametrize("strength", [0.2, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_every_kind_moves_pixels_and_points_alike(kind: str, strength: float, seed: int) -> None:
    warp = build_warp([WarpStep(kind, strength, seed)], WIDTH, HEIGHT)
    assert_agree(warp, (60, 30, 90, 66))
    assert_agree(warp, (250, 24, 268, 60))


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1), st.integers(40, 700), st.integers(16, 300))
def test_composed_plans_move_pixels_and_points_alike(seed: int, strength: float, width: int, height: int) -> None:
    steps = plan_warps(np.random.default_rng(seed), strength)
    warp = build_warp(steps, width, height)
    box = (width // 4, height // 4, width // 4 + max(6, width // 8), height // 4 + max(6, height // 3))
    source = np.array([[box[0], box[1]], [box[2], box[3]]], np.float64)
    assert np.allclose(warp.backward(warp.points(source).astype(np.float64)), source, atol=0.05)
    assert_agree(warp, box, width, height)


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
