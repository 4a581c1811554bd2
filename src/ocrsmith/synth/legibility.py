"""Whether text can still be read, measured: how far ink and the ground about it lie apart after everything was done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.errors import SynthesisError
from ocrsmith.geometry import Quad
from ocrsmith.samples import Image
from ocrsmith.synth.paint import window_of


class RefusedDrawError(SynthesisError):
    """A draw that gave nothing usable. The subclass names the cause, which is what refusals are counted by."""


class IllegibleError(RefusedDrawError):
    """Ink and ground cannot be told apart any more."""


class CropTooWideError(RefusedDrawError):
    """A text longer than a crop may be wide."""


class InkTooLowError(RefusedDrawError):
    """Text of too few px of height to be read."""


class GlyphMissingError(RefusedDrawError):
    """A font that cannot draw the text."""


@dataclass(frozen=True)
class Separation:
    """How ink stands out.

    Attributes:
        contrast: the difference of ink's and ground's mean colour, 0 to 255, in the channel where it is greatest.
        detection: the same over the root mean of both variances in that channel (d' of signal detection theory).
    """

    contrast: float
    detection: float

    def legible(self, contrast_floor: float = 18.0, detection_floor: float = 0.85) -> bool:
        """Whether both are at their floors. The floors' cases were set by eye on crops of 32 px: below either, the
        text of about every second crop could not be told any more."""
        return self.contrast >= contrast_floor and self.detection >= detection_floor


_RING = np.ones((5, 5), np.uint8)


def ink_separation(image: Image, coverage: NDArray[np.uint8]) -> Separation:
    """Measures ink against the ring of ground around it.

    Args:
        image: uint8 RGB (H, W, 3), degraded.
        coverage: (H, W) uint8, how much of each pixel the ink covered before.

    Returns zeros where there is no ink or no ground.
    """
    # Thin strokes never cover a pixel: the better half of what is covered counts as ink.
    most = int(coverage.max(initial=0))
    if most == 0:
        return Separation(0.0, 0.0)
    ink: Any = cv2.threshold(coverage, most * 0.55, 255, cv2.THRESH_BINARY)[1]
    near: Any = cv2.dilate(coverage, _RING)
    ground: Any = cv2.inRange(coverage, 0, 12)
    ground = cv2.bitwise_and(ground, near)
    ink_mean, ink_spread = cv2.meanStdDev(image, mask=ink)
    ground_mean, ground_spread = cv2.meanStdDev(image, mask=ground)
    if not ground.any():
        return Separation(0.0, 0.0)
    differences = np.abs(ink_mean - ground_mean).ravel()
    channel = int(differences.argmax())
    noise = float(np.sqrt((ink_spread[channel, 0] ** 2 + ground_spread[channel, 0] ** 2) / 2))
    return Separation(float(differences[channel]), float(differences[channel]) / max(noise, 1.0))


def is_washed_out(image: Image, coverage: NDArray[np.uint8], quads: Iterable[Quad]) -> bool:
    """Whether a digit of a display has drowned in glare, haze, noise or darkness: one that cannot be told is enough.

    Displays are fainter than print, so the floors are lower than `Separation.legible`'s: 4 levels and half a deviation,
    below which digits of finished crops could no longer be told by eye.

    Args:
        image: uint8 RGB (H, W, 3), finished.
        coverage: (H, W) uint8, where the reading's ink lies.
        quads: of the digits; those outside the picture are passed over.
    """
    for quad in quads:
        window = window_of(quad, image.shape)
        if window is not None:
            separation = ink_separation(image[window], coverage[window])
            if not separation.legible(contrast_floor=4.0, detection_floor=0.5):
                return True
    return False
