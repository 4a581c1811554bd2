"""Whether text can still be read, measured: how far ink and the ground about it lie apart after everything was done."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
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
    if not cv2.countNonZero(ground):
        return Separation(0.0, 0.0)
    ink_mean, ink_spread = cv2.meanStdDev(image, mask=ink)
    ground_mean, ground_spread = cv2.meanStdDev(image, mask=ground)
    # On three numbers Python is faster than NumPy.
    differences = [abs(a - b) for a, b in zip(ink_mean[:, 0].tolist(), ground_mean[:, 0].tolist(), strict=True)]
    contrast = max(differences)
    channel = differences.index(contrast)
    noise = math.sqrt((float(ink_spread[channel, 0]) ** 2 + float(ground_spread[channel, 0]) ** 2) / 2)
    return Separation(contrast, contrast / max(noise, 1.0))


# Other ink's darkness in a character's quad as a share of its own, from which on the character is not told any more,
# and the share of such characters from which on the word is not read. Set by eye on pages with notes and stamps.
_WRITTEN_OVER, _LOST_SHARE = 0.5, 0.25
# A mark's height as a share of the word's tallest character's, up to which as much of another's ink about it loses it.
_SMALL_MARK = 0.5


def is_written_over(
    image: Image, ink: NDArray[np.uint8], other: NDArray[np.uint8], quads: Sequence[Quad] | NDArray[np.float32]
) -> bool:
    """Whether other writing across a word leaves too few of its characters to be read.

    In each character's box, what other ink is not over its own, times how far it stands from the ground, is compared
    with the same of its own ink: pale stamps do not hide black print, black print hides a pale stamp. One small
    mark that is lost in other ink is enough: without its point a price is another.

    Args:
        image: uint8 RGB (H, W, 3), finished.
        ink, other: (H, W) uint8, coverage by the word's own layer and by the others.
        quads: (N, 4, 2) of the word's characters.
    """
    boxes = [window for quad in quads if (window := window_of(quad, image.shape)) is not None]
    if not boxes or not any(cv2.countNonZero(other[box]) for box in boxes):
        return False
    rows = slice(min(box[0].start for box in boxes), max(box[0].stop for box in boxes))
    columns = slice(min(box[1].start for box in boxes), max(box[1].stop for box in boxes))
    grey = cv2.cvtColor(image[rows, columns], cv2.COLOR_RGB2GRAY).astype(np.float32)
    free = cv2.max(ink[rows, columns], other[rows, columns]) < 12
    if not free.any():
        return True
    depth = np.abs(grey - np.median(grey[free]))
    own, foreign = (
        depth * (ink[rows, columns] > 127),
        depth * ((other[rows, columns] > 127) & (ink[rows, columns] < 64)),
    )
    lost = 0
    for box in boxes:
        part = (
            slice(box[0].start - rows.start, box[0].stop - rows.start),
            slice(box[1].start - columns.start, box[1].stop - columns.start),
        )
        lost += bool(foreign[part].sum() >= _WRITTEN_OVER * max(float(own[part].sum()), 1.0))
    if lost > 0 and lost >= _LOST_SHARE * len(boxes):
        return True
    origin = np.array([columns.start, rows.start], np.float32)
    covered = own * (other[rows, columns] > 127)
    return _loses_a_mark(own, covered, foreign, [np.asarray(quad) - origin for quad in quads])


def _loses_a_mark(
    own: NDArray[np.float32], covered: NDArray[np.float32], foreign: NDArray[np.float32], quads: Sequence[Quad]
) -> bool:
    """Whether a small mark of a word (a point, a comma, a dash) has as much other ink on and about it as it has itself.

    Args:
        own, covered, foreign: (h, w) how far the word's ink, that of it which other ink lies on, and other ink beside
            it stand from the ground. quads: of the word's characters, px of the same window.
    """
    if not own.any():
        return False
    # Pale ink does not hide what it covers; how pale shows where it lies alone.
    if foreign.any() and foreign[foreign > 0].mean() < _WRITTEN_OVER * own[own > 0].mean():
        covered = np.zeros_like(covered)
    heights = [float(np.linalg.norm(quad[3] - quad[0])) for quad in quads]
    for quad, height in zip(quads, heights):
        tight, about = window_of(quad, own.shape, 0), window_of(quad, own.shape)
        if tight is None or about is None or height > _SMALL_MARK * max(heights):
            continue
        if float(foreign[about].sum() + covered[tight].sum()) >= max(float(own[tight].sum()), 1.0):
            return True
    return False


def is_washed_out(image: Image, coverage: NDArray[np.uint8], quads: Iterable[Quad]) -> bool:
    """Whether a digit of a display has drowned in glare, haze, noise or darkness: one that cannot be told is enough.

    Displays are fainter than print, so the floors are lower than `Separation.legible`'s: 4 levels and half a deviation,
    below which digits of finished crops could no longer be told by eye. Blur and smear are not seen by
    either: `display_legibility` does.

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
