"""Bent baselines of a photo scene's blocks: arched, wavy, or laid round a circle as on seals and signs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import bounds
from ocrsmith.synth.choices import Rng
from ocrsmith.synth.curved_warps import arch, circle, waves
from ocrsmith.synth.scene_plans import BendPlan, Box
from ocrsmith.synth.warps import Warp

# A line round a circle takes at most this share of it, so that its ends stay apart.
_WIDEST_TURN = 0.86
_EDGE_POINTS = 33


def draw_bend(rng: Rng, kind: str, box: Box) -> BendPlan | None:
    """A bend of that kind for a line whose ink fills `box`.

    None where the line is too short for it: a circle no wider than two of its letters' heights would crush them.
    """
    width, height = box[2] - box[0], box[3] - box[1]
    if kind == "arch":
        return BendPlan("arch", round(width * (rng.random() - 0.5) * 0.4, 1))
    if kind == "wave":
        period = round(width * (0.4 + 0.8 * rng.random()), 1)
        # A slope of 0.5 at most: a steeper wave shears its letters beyond what is painted on signs.
        amplitude = min(0.45 * height, 0.08 * period) * (0.35 + 0.65 * rng.random())
        return BendPlan("wave", round(amplitude, 1), period, round(2 * math.pi * rng.random(), 2))
    turn = 2 * math.pi * (0.15 + (_WIDEST_TURN - 0.15) * rng.random())
    radius = max(width / turn, 2.0 * height)
    if width < 1.5 * height:
        return None
    return BendPlan("circle", round(radius if rng.random() < 0.65 else -radius, 1))


def build_bend(plan: BendPlan, width: int, height: int, baseline_px: float) -> Warp:
    """The warp of a flat canvas of that size, whose text stands on `baseline_px`."""
    if plan.kind == "arch":
        return arch(width, height, plan.amount_px)
    if plan.kind == "wave":
        return waves(width, height, plan.amount_px, plan.period_px, plan.phase)
    return circle(width, height, plan.amount_px, baseline_px)


def bent_box(plan: BendPlan | None, box: Box, baseline: float) -> Box:
    """The upright box of a bent box; both, and the baseline, in block px."""
    if plan is None:
        return box
    left, top, right, bottom = box
    warp = build_bend(plan, max(1, round(right - left)), max(1, round(bottom - top)), baseline - top)
    x = np.linspace(0, right - left, _EDGE_POINTS)
    edges = np.concatenate([np.stack([x, np.full_like(x, y)], axis=1) for y in (0.0, bottom - top)])
    moved = bounds(warp.points(edges))
    return moved[0] + left, moved[1] + top, moved[2] + left, moved[3] + top


def circle_quads(warp: Warp, quads: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 4, 2) upright flat quads -> the rectangles round them on the circle, each turned as its character is.

    Corners alone would cut a wide letter's middle off: its top bows out between them.
    """
    middles = (quads + np.roll(quads, -1, axis=1)) / 2  # of the top, right, bottom and left edge
    moved = warp.points(np.concatenate([quads, middles], axis=1)).astype(np.float64)
    along = moved[:, 5] - moved[:, 7]
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    axes = np.stack([along, np.stack([-along[:, 1], along[:, 0]], axis=1)], axis=1)  # (N, 2, 2): right, down
    local = np.einsum("npc,nac->npa", moved, axes)
    low, high = local.min(axis=1), local.max(axis=1)
    corners = np.stack(
        [low, np.stack([high[:, 0], low[:, 1]], axis=1), high, np.stack([low[:, 0], high[:, 1]], axis=1)], axis=1
    )
    return np.einsum("npa,nac->npc", corners, axes).astype(np.float32)
