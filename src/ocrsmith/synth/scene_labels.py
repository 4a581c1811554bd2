"""Labels of a photo scene by rule: what lies outside is left out; what is cut, too low or too faint is marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.samples import Image, TextInstance, characters_of
from ocrsmith.synth.block_render import DrawnLine
from ocrsmith.synth.clipping import beyond_edges, clipped
from ocrsmith.synth.paint import Window, window_of

# Characters that are measured together.
_PART_LENGTH = 3
# Coverage: text of less has no ink worth the name; from here on ink is what is covered by half; below is ground.
_LEAST_PEAK, _FULL_PEAK, _MOST_GROUND = 32, 192, 8

Points = NDArray[np.float32]


def labelled_lines(
    image: Image, ink: NDArray[np.uint8], lines: Sequence[DrawnLine], *, legible_px: float, legible_contrast: float
) -> list[TextInstance]:
    """One instance for each line that reaches into the picture.

    Args:
        image: (H, W, 3), finished: blur, glare and fading count.
        ink: (H, W) coverage of all ink.
        legible_px: least height of a line. legible_contrast: see `InkContrast`; both for the whole line and for each
            three of its characters, since half a word on ground of its own colour is not read.
    """
    if not lines:
        return []
    height, width = image.shape[:2]
    limits, edges = np.array([width, height], np.float32), (0.0, 0.0, float(width), float(height))
    contrast = InkContrast(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), ink)  # type: ignore[arg-type]
    every = np.concatenate([line.quads for line in lines])
    ends = np.cumsum([len(line.quads) for line in lines]).tolist()
    cut = np.clip(every, 0, limits)
    heights = np.hypot(*(cut[:, 3] - cut[:, 0]).T).tolist()
    lows, highs = np.floor(cut.min(axis=1)).astype(int).tolist(), np.ceil(cut.max(axis=1)).astype(int).tolist()
    inside = _inside([line.quads.reshape(-1, 2) for line in lines], limits)
    inside &= _inside([line.polygon for line in lines], limits)
    instances = []
    for line, start, end, whole in zip(lines, [0, *ends], ends, inside.tolist()):
        quads, polygon, ignore = line.quads, line.polygon, False
        if not whole:
            if beyond_edges(quads, edges):
                continue
            # One clipped character marks its whole line.
            ignore = bool(clipped(line.pieces, quads, edges, ink).any())
            if not ignore:
                quads, polygon = cut[start:end], np.clip(polygon, 0, limits)
        ignore = ignore or max(heights[start:end]) < legible_px or contrast.within(polygon) < legible_contrast
        if not ignore:
            parts = _parts(line.pieces, lows[start:end], highs[start:end])
            ignore = any(contrast.of(window) < legible_contrast for window in parts)
        instances.append(TextInstance(polygon, line.text, characters_of(line.pieces, quads), ignore))
    return instances


def _inside(points: Sequence[Points], limits: Points) -> NDArray[np.bool_]:
    """Whether all of each (P, 2) points lie between 0 and the limits (x, y)."""
    starts = np.cumsum([0, *(len(part) for part in points[:-1])])
    every = np.concatenate(points)
    beyond = ((every < 0) | (every > limits)).any(axis=1)
    return ~np.logical_or.reduceat(beyond, starts)


def _parts(pieces: Sequence[str], lows: Sequence[Sequence[int]], highs: Sequence[Sequence[int]]) -> list[Window]:
    """The windows of each three characters of a line with a letter or digit among them; none for a line of three.

    Spaces have no ink to measure, points next to none.
    """
    last = len(pieces) - _PART_LENGTH
    windows: list[Window] = []
    for start in [*range(0, last, _PART_LENGTH), last] if last > 0 else []:
        part = slice(start, start + _PART_LENGTH)
        if any(piece[0].isalnum() for piece in pieces[part]):
            (lefts, tops), (rights, bottoms) = zip(*lows[part]), zip(*highs[part])
            rows = slice(max(min(tops) - 1, 0), max(max(bottoms) + 1, 1))
            windows.append((rows, slice(max(min(lefts) - 1, 0), max(max(rights) + 1, 1))))
    return windows


class InkContrast:
    """How much the ink's brightness differs (0..255) from the ground's in windows of a finished picture.

    Args:
        grey: (H, W), of the finished picture: blur, glare and fading lower the contrast, so it tells what is no longer
            legible.
        ink: (H, W) coverage 0..255 before that. Ink is what is covered by half; of thin strokes, which never cover a
            pixel, the better half of what they cover.
    """

    def __init__(self, grey: NDArray[np.uint8], ink: NDArray[np.uint8]) -> None:
        self._grey, self._coverage = grey, ink
        self._inked: Any = cv2.threshold(ink, 127, 255, cv2.THRESH_BINARY)[1]
        self._free: Any = cv2.threshold(ink, _MOST_GROUND, 255, cv2.THRESH_BINARY_INV)[1]

    def within(self, polygon: Points) -> float:
        """The contrast within a polygon's bounding box; 0 where no ink is in the picture."""
        window = window_of(polygon, self._grey.shape, 1)
        return 0.0 if window is None else self.of(window)

    def of(self, window: Window) -> float:
        """The contrast within a window; 0 where it has no ink, 255 where it has nothing else."""
        grey, coverage, free = self._grey[window], self._coverage[window], self._free[window]
        peak = cv2.minMaxLoc(coverage)[1] if coverage.size else 0
        if peak < _LEAST_PEAK:
            return 0.0
        if not cv2.countNonZero(free):
            return 255.0
        if peak < _FULL_PEAK:
            inked: Any = cv2.threshold(coverage, peak // 2, 255, cv2.THRESH_BINARY)[1]
        else:
            inked = self._inked[window]
        return abs(cv2.mean(grey, inked)[0] - cv2.mean(grey, free)[0])
