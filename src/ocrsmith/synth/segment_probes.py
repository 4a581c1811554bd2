"""Where a seven-segment digit is looked at: points on each segment, in both holes and just outside, in its cell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.synth.segments import SegmentStyle, glyph_in_cell

SEGMENTS = "abcdefg"
DIGITS = "0123456789"
# A cell's points in their order: on the seven segments, in the upper and lower hole, outside of the six outer segments.
NUM_ON, NUM_HOLE, NUM_OUT = 14, 16, 7
HOLES = slice(7 * NUM_ON, 7 * NUM_ON + 2 * NUM_HOLE)
# Of a segment's length between the strokes that it meets; of its thickness; of a hole's width and height.
_ALONG = np.linspace(0.1, 0.9, 7)
_ACROSS = np.array([-0.2, 0.2])
_IN_HOLE = np.linspace(0.3, 0.7, 4)
# A point lies outside of its segment by half the thickness again, or by this where that is more, in digit heights.
_MOST_OUT = 0.05
_LEAST_INK = 0.15


@dataclass(frozen=True)
class CellProbes:
    """One character's probes.

    Attributes:
        points: (P, 2) float64, unit cell; see `HOLES` for the order.
        lit: (7,) bool, the segments that the character lights.
        on: (7, NUM_ON) float64, 1 for the points that count: of a lit segment those on its ink, which a font may notch.
        free: (2, NUM_HOLE) float64, 1 where a hole's point has no ink of the character's own (a slashed zero), else 0.
        rivals: (R, 7) bool, what other digits light on the same display.
    """

    points: NDArray[np.float64]
    lit: NDArray[np.bool_]
    on: NDArray[np.float64]
    free: NDArray[np.float64]
    rivals: NDArray[np.bool_]


@lru_cache(maxsize=512)
def style_probes(style: SegmentStyle, character: str) -> CellProbes:
    """The probes of a digit or minus that a style draws."""
    points = _points(style.width, style.thickness, style.slant)
    rivals = _rivals(style.tailed_seven, style.flat_six, style.flat_nine)
    return CellProbes(points, _code(style.lit(character)), np.ones((7, NUM_ON)), np.ones((2, NUM_HOLE)), rivals)


@lru_cache(maxsize=4096)
def font_probes(font: str, character: str, width: float) -> CellProbes:
    """The same where a segment font draws the character in a cell of this width; raises FontError without its glyph."""
    slant, thickness = _font_shape(font)
    lit, on, free = _font_lit(font, character)
    rivals = np.stack([_font_lit(font, digit)[0] for digit in DIGITS])
    return CellProbes(_points(width * (1 - slant), width * thickness, width * slant), lit, on, free, rivals)


@lru_cache(maxsize=16)
def _rivals(tailed_seven: bool, flat_six: bool, flat_nine: bool) -> NDArray[np.bool_]:
    style = SegmentStyle(tailed_seven=tailed_seven, flat_six=flat_six, flat_nine=flat_nine)
    return np.stack([_code(style.lit(digit)) for digit in DIGITS])


def _code(segments: str) -> NDArray[np.bool_]:
    return np.array([name in segments for name in SEGMENTS])


@lru_cache(maxsize=64)
def _font_shape(font: str) -> tuple[float, float]:
    """(slant, thickness) of a segment font in a cell of width 1, both told from its 1: an upper and a lower stroke."""
    strokes = sorted(glyph_in_cell(font, "1", 1.0), key=lambda stroke: float(stroke[:, 1].mean()))
    top, bottom = strokes[0], strokes[-1]
    (top_x, top_y), (bottom_x, bottom_y) = top.mean(axis=0).tolist(), bottom.mean(axis=0).tolist()
    slant = (top_x - bottom_x) / (bottom_y - top_y) if bottom_y - top_y > 0.2 else 0.0
    # Pointed ends take a little of the stroke's area.
    return slant, float(cv2.contourArea(top)) / float(np.ptp(top[:, 1])) / 0.93


@lru_cache(maxsize=1024)
def _font_lit(font: str, character: str) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """`CellProbes.lit`, `on` and `free` of a font's glyph, by where its own ink lies."""
    slant, thickness = _font_shape(font)
    contours = glyph_in_cell(font, character, 1.0)
    points = _points(1 - slant, thickness, slant)[: HOLES.stop].tolist()
    crossings = [sum(cv2.pointPolygonTest(contour, point, False) > 0 for contour in contours) for point in points]
    ink = np.array(crossings) % 2 == 1
    on, free = ink[: HOLES.start].reshape(7, NUM_ON), ~ink[HOLES].reshape(2, NUM_HOLE)
    # The packaged fonts' lit segments have ink at 4 of 14 points or more, their unlit ones at none.
    lit = on.mean(axis=1) > _LEAST_INK
    on[~lit], free[~free.any(axis=1)] = True, True
    return lit, on.astype(np.float64), free.astype(np.float64)


def _points(width: float, thickness: float, slant: float) -> NDArray[np.float64]:
    points = _BASIS @ np.array([1.0, width, thickness, min(thickness / 2, _MOST_OUT)])
    points[:, 0] += slant * (1.0 - points[:, 1])
    return points


def _places(width: float, thickness: float, out: float) -> NDArray[np.float64]:
    """(P, 2): the points of an upright cell; affine in all three."""
    half = thickness / 2
    left, right, top, bottom = half, width - half, half, 1 - half
    corner = {"a": (left, top), "b": (right, top), "g": (left, 0.5), "h": (right, 0.5)}
    corner |= {"d": (left, bottom), "c": (right, bottom)}
    # Begin, end, and the way out, segment by segment.
    lines: Any = [
        (corner["a"], corner["b"], (0, -1)),
        (corner["b"], corner["h"], (1, 0)),
        (corner["h"], corner["c"], (1, 0)),
        (corner["d"], corner["c"], (0, 1)),
        (corner["g"], corner["d"], (-1, 0)),
        (corner["a"], corner["g"], (-1, 0)),
        (corner["g"], corner["h"], (0, -1)),
    ]
    on, outside, holes = [], [], []
    for begin, end, way in lines:
        inward = np.array([abs(way[1]), abs(way[0])]) * half
        along = (begin + inward) + (np.array(end) - begin - 2 * inward) * _ALONG[:, None]
        on.append((along[:, None] + np.array(way) * thickness * _ACROSS[:, None]).reshape(-1, 2))
        outside.append(along + np.array(way) * (half + out))
    for begin_y, end_y in ((thickness, 0.5 - half), (0.5 + half, 1 - thickness)):
        x, y = np.meshgrid(thickness + (width - 2 * thickness) * _IN_HOLE, begin_y + (end_y - begin_y) * _IN_HOLE)
        holes.append(np.stack([x.ravel(), y.ravel()], axis=1))
    return np.concatenate([*on, *holes, *outside[:6]])


def _basis() -> NDArray[np.float64]:
    """(P, 2, 4): `_places` as a matrix on (1, width, thickness, out)."""
    start = _places(0.0, 0.0, 0.0)
    steps = [_places(*row) - start for row in np.eye(3).tolist()]
    return np.stack([start, *steps], axis=-1)


_BASIS = _basis()
