"""Whether text can still be read, measured: how far ink and the ground about it lie apart after everything was done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.errors import SynthesisError
from ocrsmith.geometry import Polygon, bounds
from ocrsmith.samples import Image


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


# Grey levels of standard deviation below which a display's reading is washed out: seen by eye at 3 to 4.
LEAST_SPREAD = 4.0


def is_washed_out(image: Image, polygon: Polygon) -> bool:
    """Whether a display's reading has drowned in glare, haze or darkness: grey values in its upright box hardly differ.

    A panel's ink is too thin and its ground too uneven for `ink_separation`; digits leave their box half ink, half
    ground, so that the box's own deviation tells, after a mean of 3 x 3 px that takes the sensor's noise off. True
    outside the picture.
    """
    left, top, right, bottom = (max(0, round(v)) for v in bounds(polygon))
    inside = image[top:bottom, left:right]
    return not inside.size or float(cv2.blur(inside.mean(axis=2), (3, 3)).std()) < LEAST_SPREAD
