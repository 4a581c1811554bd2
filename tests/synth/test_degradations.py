"""Degradations keep shape and type, follow their rng, grow with strength, and leave text where it was."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from ocrsmith.errors import RecipeError
from ocrsmith.samples import Image
from ocrsmith.synth.degradations import (
    DEGRADATIONS,
    STAGES,
    DegradationStep,
    apply_steps,
    default_text_px,
    degradation_policy,
    degrade,
)
from ocrsmith.synth.degrade_surface import apply_gain, softened
from ocrsmith.synth.legibility import ink_separation
from ocrsmith.synth.noise_tiles import TILE_PX, cut, uniform_tile


def _word(dark_on_light: bool = True, height: int = 32, width: int = 200) -> tuple[Image, np.ndarray]:
    mask = np.zeros((height, width), np.uint8)
    cv2.putText(mask, "Reading 27", (6, int(height * 0.72)), cv2.FONT_HERSHEY_SIMPLEX, 0.75, 255, 2, cv2.LINE_AA)
    ground, ink = ((236, 230, 214), (30, 36, 60)) if dark_on_light else ((28, 44, 60), (240, 226, 130))
    image = np.full((height, width, 3), ground, np.uint8)
    share = mask[..., None] / 255.0
    return (image * (1 - share) + np.array(ink) * share).astype(np.uint8), mask


@pytest.mark.parametrize("kind", DEGRADATIONS)
@pytest.mark.parametrize("shape", [(32, 200), (1, 1), (3, 400), (200, 7), (96, 96)])
@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_shape_and_type_are_kept_and_the_input_is_not_touched(
    kind: str, shape: tuple[int, int], strength: float
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    before = image.copy()
    for seed in range(3):
        out = degrade(image, kind, np.random.default_rng(seed), strength)
        assert out.shape == image.shape and out.dtype == np.uint8
    assert np.array_equal(image, before)


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_the_same_rng_gives_the_same_picture(kind: str) -> None:
    image, _ = _word()
    first = degrade(image, kind, np.random.default_rng(5), 0.7, 20)
    assert np.array_equal(first, degrade(image, kind, np.random.default_rng(5), 0.7, 20))


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_full_strength_changes_more_than_little(kind: str) -> None:
    def change(strength: float) -> float:
        image, _ = _word()
        outs = [degrade(image, kind, np.random.default_rng(seed), strength, 20) for seed in range(24)]
        return float(np.mean([np.abs(out.astype(int) - image).mean() for out in outs]))

    assert change(1.0) > 0.3
    # Fax and halves of halftone are black and white at any strength: they need not grow, but never shrink much.
    assert change(1.0) > 0.8 * change(0.1)


@pytest.mark.parametrize("kind", DEGRADATIONS)
@pytest.mark.parametrize("dark_on_light", [True, False])
def test_ink_stays_where_it_was_and_mostly_readable(kind: str, dark_on_light: bool) -> None:
    image, mask = _word(dark_on_light)
    legible = [
        ink_separation(degrade(image, kind, np.random.default_rng(seed), 0.6, 20), mask).legible() for seed in range(20)
    ]
    assert sum(legible) >= 18


def test_motion_blur_smears_no_further_than_its_bound() -> None:
    image = np.zeros((41, 41, 3), np.uint8)
    image[20, 20] = 255
    for seed in range(10):
        out = degrade(image, "motion_blur", np.random.default_rng(seed), 1.0, text_px=20)
        rows, columns = np.nonzero(out[..., 0])
        assert max(np.ptp(rows), np.ptp(columns)) <= 0.28 * 20 + 3


def test_blurs_keep_the_light() -> None:
    image, _ = _word()
    for kind in ("motion_blur", "focus_blur", "gaussian_blur", "box_blur"):
        out = degrade(image, kind, np.random.default_rng(1), 1.0, 20)
        assert abs(float(out.mean()) - float(image.mean())) < 3, kind


def test_chroma_noise_leaves_luma_alone() -> None:
    grey = np.full((64, 64, 3), 128, np.uint8)
    out = degrade(grey, "chroma_noise", np.random.default_rng(0), 0.5)
    luma = out.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    assert np.abs(luma - 128).max() < 2 and out.std() > 4


def test_policy_replays_from_its_plan() -> None:
    image, _ = _word()
    policy = degradation_policy(0.8)
    plan = policy.plan(np.random.default_rng(11))
    form = json.loads(json.dumps([step.to_dict() for step in plan]))
    again = tuple(DegradationStep(**step) for step in form)
    assert again == plan
    assert np.array_equal(apply_steps(image, plan, 20), apply_steps(image, again, 20))
    assert np.array_equal(policy(image, np.random.default_rng(11), 20), apply_steps(image, plan, 20))


def test_policy_draws_each_kind_in_the_light_s_order_and_leaves_some_clean() -> None:
    policy = degradation_policy(1.0)
    rng = np.random.default_rng(0)
    plans = [policy.plan(rng) for _ in range(6000)]
    assert {step.kind for plan in plans for step in plan} == set(DEGRADATIONS)
    order = list(STAGES)
    for plan in plans:
        stages = [order.index(DEGRADATIONS[step.kind].stage) for step in plan]
        assert stages == sorted(stages) and len(set(stages)) == len(stages)
        assert all(0 <= step.strength <= 1 for step in plan)
    # A tenth is left clean, and of the rest the product of (1 - share) over the stages draws nothing.
    nothing = float(np.prod([1 - share for share in STAGES.values()]))
    expected = 0.1 + 0.9 * nothing
    assert sum(not plan for plan in plans) / len(plans) == pytest.approx(expected, abs=0.02)


def test_strength_zero_and_chosen_kinds() -> None:
    rng = np.random.default_rng(0)
    assert all(degradation_policy(0.0).plan(rng) == () for _ in range(50))
    jpeg = degradation_policy(0.9, ["jpeg"], clean_share=0.0)
    assert {step.kind for _ in range(80) for step in jpeg.plan(rng)} == {"jpeg"}


def test_mistakes_are_told() -> None:
    with pytest.raises(RecipeError, match="Did you mean 'motion_blur'"):
        degradation_policy(0.5, ["motion_blurr"])
    with pytest.raises(RecipeError, match=r"strength came as 1\.5"):
        degradation_policy(1.5)
    with pytest.raises(RecipeError, match="No degradation is called 'rust'"):
        degrade(_word()[0], "rust", np.random.default_rng(0))


def test_text_height_is_taken_from_crops_and_set_for_pages() -> None:
    assert default_text_px(np.zeros((40, 10, 3), np.uint8)) == 24.0
    assert default_text_px(np.zeros((1000, 10, 3), np.uint8)) == 24.0


def test_tiles_go_on_beyond_their_edge_without_a_seam() -> None:
    tile = uniform_tile()
    big = cut(tile, np.random.default_rng(0), TILE_PX + 100, 50)
    assert big.shape == (TILE_PX + 100, 50)
    top = (int(np.random.default_rng(0).integers(1 << 40)) >> 20) % TILE_PX
    rows = (top + np.arange(TILE_PX + 100)) % (2 * TILE_PX)
    column = tile[:, (int(np.random.default_rng(0).integers(1 << 40)) & 0xFFFFF) % TILE_PX]
    assert np.array_equal(big[:, 0], column[np.where(rows < TILE_PX, rows, 2 * TILE_PX - 1 - rows)])
    small = cut(tile, np.random.default_rng(0), 5, 6)
    assert small.shape == (5, 6) and np.shares_memory(small, tile)


def test_gains_in_eight_bits_lose_half_a_level() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    gain = np.linspace(0.2, 1.0, 60, dtype=np.float32)[None].repeat(40, axis=0)
    for most in (1.0, 1.5):
        laid = apply_gain(image, gain, most).astype(float)
        assert np.abs(laid - image * gain[..., None]).max() <= 0.5 + 0.5 * most + 0.01


def test_separation_of_a_known_picture() -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[5:15, 5:15] = 255
    image = np.where(mask[..., None] > 0, 60, 200).astype(np.uint8).repeat(3, axis=2)
    measured = ink_separation(image, mask)
    assert measured.contrast == 140 and measured.legible()
    flat = ink_separation(np.full((20, 20, 3), 90, np.uint8), mask)
    assert flat.contrast == 0 and not flat.legible()
    assert not ink_separation(image, np.zeros_like(mask)).legible()


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_every_degradation_alone_leaves_a_character_where_it_was(kind: str) -> None:
    """A character in a flat colour, before and after: the shift that matches both best stays below a px."""
    mask = np.zeros((96, 128), np.uint8)
    cv2.putText(mask, "R", (44, 66), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 255, 5, cv2.LINE_AA)
    image = np.stack([255 - (mask.astype(np.float32) * 0.85).astype(np.uint8)] * 3, axis=-1)
    ink = np.ascontiguousarray(mask[20:76, 32:96], np.float32)
    shifts = []
    for seed in range(12):
        out = degrade(image, kind, np.random.default_rng(seed), 0.6, 36)
        dark = 255.0 - cv2.cvtColor(out, cv2.COLOR_RGB2GRAY).astype(np.float32)
        # The mask slides over the picture: where it fits best, the character is.
        fit = cv2.matchTemplate(dark[12:84, 24:104], ink, cv2.TM_CCOEFF_NORMED)
        row, column = np.unravel_index(int(fit.argmax()), fit.shape)
        shifts.append(np.hypot(row - 8, column - 8))
    assert max(shifts) <= 1.0 and np.median(shifts) == 0


@pytest.mark.parametrize("sigma", [1.0, 4.0, 12.0])
def test_a_soft_edge_has_the_deviation_asked_for(sigma: float) -> None:
    edge = np.zeros((160, 160), np.float32)
    edge[:, 80:] = 1.0
    steps = np.diff(softened(edge, sigma)[80].astype(np.float64))
    places = np.arange(len(steps))
    middle = (places * steps).sum() / steps.sum()
    deviation = ((places - middle) ** 2 * steps).sum() ** 0.5
    assert steps.sum() == pytest.approx(1.0, abs=0.01) and middle == pytest.approx(79, abs=0.1)
    assert deviation == pytest.approx(sigma, rel=0.08)
