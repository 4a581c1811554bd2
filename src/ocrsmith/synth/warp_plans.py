"""Warps drawn at random, as plans that replay.

steps = plan_warps(rng, 0.5)
warp = build_warp(steps, width, height)
warped, quads = warp.image(picture), warp.points(quads)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ocrsmith.errors import RecipeError
from ocrsmith.synth.curved_warps import curl, cylinder, elastic, fold, lens, waves
from ocrsmith.synth.warps import Warp, affine, compose, matrix_warp, perspective

Rng = np.random.Generator
Maker = Callable[[int, int, float, Rng], Warp]


def _perspective(width: int, height: int, strength: float, rng: Rng) -> Warp:
    # A long crop may move its corners only by a share of its height, or its letters would shrink to nothing.
    limit = 0.16 * strength * np.array([min(1.0, height / width), min(1.0, width / height)])
    return perspective(width, height, rng.uniform(-1, 1, (4, 2)) * limit)


def _affine(width: int, height: int, strength: float, rng: Rng) -> Warp:
    turn, shear, squeeze = rng.uniform(-1, 1, 3) * strength
    return affine(width, height, 6.0 * turn, 0.25 * shear, float(np.exp(-0.25 * abs(squeeze))))


def _lens(width: int, height: int, strength: float, rng: Rng) -> Warp:
    return lens(width, height, 0.22 * strength * rng.uniform(-1, 1), tuple(rng.uniform(0.35, 0.65, 2).tolist()))


def _waves(width: int, height: int, strength: float, rng: Rng) -> Warp:
    period = rng.uniform(0.5, 2.0) * max(width, height)
    amplitude = (
        strength * rng.uniform(0.3, 1.0) * min(0.03 * max(width, height), 0.12 * min(width, height), 0.06 * period)
    )
    return waves(width, height, amplitude, period, rng.uniform(0, 2 * np.pi), bool(rng.random() < 0.25))


def _curl(width: int, height: int, strength: float, rng: Rng) -> Warp:
    lift = strength * rng.uniform(-1, 1) * min(0.05 * width, 0.12 * height)
    return curl(width, height, lift, rng.uniform(0.15, 0.5), bool(rng.random() < 0.5))


def _cylinder(width: int, height: int, strength: float, rng: Rng) -> Warp:
    bow = strength * rng.uniform(-1, 1) * min(0.08 * width, 0.12 * height)
    return cylinder(width, height, 0.2 + 0.55 * strength * rng.random(), bow, bool(rng.random() < 0.2))


def _fold(width: int, height: int, strength: float, rng: Rng) -> Warp:
    across = bool(rng.random() < 0.5)
    lift = strength * rng.choice([-1.0, 1.0]) * rng.uniform(0.4, 1.0) * min(0.12 * width, 0.12 * height)
    return fold(width, height, rng.uniform(0.3, 0.7), lift, across)


def _elastic(width: int, height: int, strength: float, rng: Rng) -> Warp:
    # Finer than three cells of the map's grid it would not be followed, and no paper bends so.
    smooth = max(16.0 if height <= 64 else 24.0, rng.uniform(0.15, 0.4) * min(width, height))
    return elastic(
        width, height, min(0.08 * smooth, 0.04 * height + 0.5) * strength, smooth, int(rng.integers(1 << 53))
    )


WARPS: dict[str, Maker] = {
    "perspective": _perspective,
    "affine": _affine,
    "lens": _lens,
    "waves": _waves,
    "curl": _curl,
    "cylinder": _cylinder,
    "fold": _fold,
    "elastic": _elastic,
}
_WEIGHTS = {
    "perspective": 4.0,
    "affine": 2.0,
    "lens": 1.0,
    "waves": 1.0,
    "curl": 0.7,
    "cylinder": 0.7,
    "fold": 0.4,
    "elastic": 1.0,
}


@dataclass(frozen=True)
class WarpStep:
    """One drawn warp: rebuilt exactly from its seed. `strength` 0 to 1."""

    kind: str
    strength: float
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able form; `WarpStep(**form)` reads it back."""
        return asdict(self)


def plan_warps(
    rng: Rng, strength: float, kinds: Iterable[str] | None = None, num_most: int = 2
) -> tuple[WarpStep, ...]:
    """Draws up to `num_most` different warps for one picture; with strength 0 none.

    Raises:
        RecipeError: a name that is not in WARPS, or a strength outside 0..1.
    """
    names = list(WARPS) if kinds is None else list(kinds)
    unknown = [name for name in names if name not in WARPS]
    if unknown or not 0.0 <= strength <= 1.0:
        raise RecipeError(
            f"Warps {unknown or names} came with strength {strength}. Names out of {', '.join(WARPS)} and a strength "
            "from 0 to 1 were expected."
        )
    if strength == 0 or not names:
        return ()
    weights = np.array([_WEIGHTS[name] for name in names])
    count = min(len(names), int(rng.integers(num_most + 1)))
    chosen = rng.choice(len(names), size=count, replace=False, p=weights / weights.sum())
    return tuple(
        WarpStep(names[i], round(strength * float(rng.random()), 4), int(rng.integers(1 << 53))) for i in chosen
    )


def build_warp(steps: Iterable[WarpStep], width: int, height: int) -> Warp:
    """The one warp of drawn steps on a picture of that size; without steps it leaves everything in place."""
    made = [WARPS[step.kind](width, height, step.strength, np.random.default_rng(step.seed)) for step in steps]
    return compose(*made) if made else matrix_warp(np.eye(3), (width, height))
