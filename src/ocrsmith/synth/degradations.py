"""Degradations by name, and the one policy that composes them with one knob.

    degrade(image, "motion_blur", rng, strength=0.5)          one alone
    policy = degradation_policy(0.6)                          all, composed
    policy(image, rng)                                        draws and applies
    steps = policy.plan(rng); apply_steps(image, steps)       the same in two halves: the plan is data, and replays

Order follows the light's way: the print and its wear, the light on it, the lens, the sensor, the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from ocrsmith.errors import RecipeError
from ocrsmith.samples import Image
from ocrsmith.synth import degrade_camera as camera
from ocrsmith.synth import degrade_surface as surface

Degrade = Callable[[Image, np.random.Generator, float, float], Image]


@dataclass(frozen=True)
class Degradation:
    """One degradation: its function, the stage it happens in, and how often it is drawn within that stage."""

    function: Degrade
    stage: str
    weight: float


# Stage -> how often a degraded picture gets one of it; drawn from in this order.
STAGES = {"print": 0.3, "wear": 0.22, "light": 0.35, "lens": 0.5, "sensor": 0.4, "tone": 0.35, "file": 0.4}

DEGRADATIONS: dict[str, Degradation] = {
    "ink_spread": Degradation(surface.ink_spread, "print", 2),
    "halftone": Degradation(surface.halftone, "print", 1),
    "fax": Degradation(surface.fax, "print", 1),
    "photocopy": Degradation(surface.photocopy, "print", 1.5),
    "thermal": Degradation(surface.thermal, "print", 1.5),
    "bleed_through": Degradation(surface.bleed_through, "print", 1),
    "scratches": Degradation(surface.scratches, "wear", 1),
    "stains": Degradation(surface.stains, "wear", 1),
    "streaks": Degradation(surface.streaks, "wear", 1),
    "occlusion": Degradation(surface.occlusion, "wear", 0.7),
    "uneven_light": Degradation(surface.uneven_light, "light", 2),
    "vignette": Degradation(surface.vignette, "light", 1),
    "soft_shadow": Degradation(surface.soft_shadow, "light", 2),
    "glare": Degradation(surface.glare, "light", 1.2),
    "motion_blur": Degradation(camera.motion_blur, "lens", 1.5),
    "focus_blur": Degradation(camera.focus_blur, "lens", 1.5),
    "gaussian_blur": Degradation(camera.gaussian_blur, "lens", 2),
    "box_blur": Degradation(camera.box_blur, "lens", 0.7),
    "resample": Degradation(camera.resample, "lens", 3),
    "sharpen": Degradation(camera.sharpen, "lens", 1),
    "sensor_noise": Degradation(camera.sensor_noise, "sensor", 3),
    "chroma_noise": Degradation(camera.chroma_noise, "sensor", 1),
    "salt_and_pepper": Degradation(camera.salt_and_pepper, "sensor", 0.5),
    "moire": Degradation(camera.moire, "sensor", 0.7),
    "tone": Degradation(camera.tone, "tone", 3),
    "low_contrast": Degradation(camera.low_contrast, "tone", 1.5),
    "colour_cast": Degradation(camera.colour_cast, "tone", 1.5),
    "greyscale": Degradation(camera.greyscale, "tone", 1),
    "threshold": Degradation(surface.threshold, "tone", 0.5),
    "jpeg": Degradation(camera.jpeg, "file", 3),
    "chroma_subsampling": Degradation(camera.chroma_subsampling, "file", 0.7),
    "quantisation": Degradation(camera.quantisation, "file", 0.7),
}


@dataclass(frozen=True)
class DegradationStep:
    """One drawn degradation: replayed exactly from its seed. `strength` 0 to 1."""

    kind: str
    strength: float
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able form; `DegradationStep(**form)` reads it back."""
        return asdict(self)


def default_text_px(image: Image) -> float:
    """The height that text is taken to have where nobody says: 0.6 of a line crop, 24 px on a page."""
    height = image.shape[0]
    return max(6.0, 0.6 * height) if height < 100 else 24.0


def degrade(
    image: Image, kind: str, rng: np.random.Generator, strength: float = 0.5, text_px: float | None = None
) -> Image:
    """One degradation by its name; a new uint8 RGB array of the image's shape.

    Args:
        kind: a key of DEGRADATIONS.
        strength: 0 hardly seen to 1 hard to read.
        text_px: height in px of the text that must stay readable; `default_text_px` where None.

    Raises:
        RecipeError: no degradation has that name.
    """
    check_kinds([kind])
    return DEGRADATIONS[kind].function(image, rng, strength, text_px or default_text_px(image))


def apply_steps(image: Image, steps: Iterable[DegradationStep], text_px: float | None = None) -> Image:
    """Applies drawn steps in their order; the shape stays."""
    px = text_px or default_text_px(image)
    for step in steps:
        image = DEGRADATIONS[step.kind].function(image, np.random.default_rng(step.seed), step.strength, px)
    return image


@dataclass(frozen=True)
class DegradationPolicy:
    """Draws which degradations a picture gets. Make it with `degradation_policy`."""

    strength: float
    clean_share: float
    stages: tuple[tuple[float, tuple[str, ...], tuple[float, ...]], ...]  # (share, kinds, cumulated weights)

    def plan(self, rng: np.random.Generator) -> tuple[DegradationStep, ...]:
        """The steps that one picture gets; empty for a clean one."""
        if self.strength <= 0 or rng.random() < self.clean_share:
            return ()
        draws = rng.random((len(self.stages), 3))
        chosen = []
        for (share, kinds, cumulated), (whether, which, how) in zip(self.stages, draws.tolist(), strict=True):
            if whether < share:
                index = next((i for i, limit in enumerate(cumulated) if which < limit), len(kinds) - 1)
                chosen.append((kinds[index], how))
        # Several at full strength each would leave nothing to read: what each gets falls with the root of how many.
        bound = self.strength / max(1.0, len(chosen) - 1) ** 0.5
        seeds = rng.integers(1 << 53, size=len(chosen)).tolist()
        return tuple(
            DegradationStep(kind, round(bound * how, 4), seed) for (kind, how), seed in zip(chosen, seeds, strict=True)
        )

    def __call__(self, image: Image, rng: np.random.Generator, text_px: float | None = None) -> Image:
        """Draws and applies: uint8 RGB in, uint8 RGB of the same shape out."""
        return apply_steps(image, self.plan(rng), text_px)


def degradation_policy(
    strength: float, kinds: Iterable[str] | None = None, clean_share: float | None = None
) -> DegradationPolicy:
    """The composed policy with its one knob.

    Args:
        strength: 0 leaves every picture clean, 1 degrades most, up to the limit of what a person reads.
        kinds: names out of DEGRADATIONS to draw from; all where None.
        clean_share: share of pictures left clean, 0 to 1; falls from 1 at strength 0 to 0.1 at strength 1 where None.

    Raises:
        RecipeError: a strength or share outside 0..1, or an unknown name.
    """
    share = 0.1 + 0.9 * (1.0 - strength) ** 2 if clean_share is None else clean_share
    for name, value in (("strength", strength), ("clean_share", share)):
        if not 0.0 <= value <= 1.0:
            raise RecipeError(f"The degradation {name} came as {value}. A number from 0 to 1 was expected.")
    wanted = list(DEGRADATIONS) if kinds is None else list(kinds)
    check_kinds(wanted)
    stages = []
    for stage, stage_share in STAGES.items():
        names = tuple(name for name in wanted if DEGRADATIONS[name].stage == stage)
        if names:
            weights = np.array([DEGRADATIONS[name].weight for name in names])
            cumulated = tuple((weights.cumsum() / weights.sum()).tolist())
            stages.append((stage_share, names, cumulated))
    return DegradationPolicy(strength, share, tuple(stages))


def check_kinds(kinds: Iterable[str]) -> None:
    """Raises RecipeError for the first name that is no degradation, with the nearest that is."""
    for kind in kinds:
        if kind not in DEGRADATIONS:
            near = get_close_matches(kind, DEGRADATIONS, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise RecipeError(f"No degradation is called {kind!r}. {hint}Known: {', '.join(DEGRADATIONS)}.")
