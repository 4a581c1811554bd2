"""Seven-segment digits as polygons, in a unit cell: x from 0 to `width`, y from 0 (top) to 1 (bottom).

Displays differ in how their segments end (mitred, trapezoid, blunt), how thick they are, how far apart, how slanted,
and in whether 6, 7 and 9 carry their optional segment; a font holds one such choice, these functions hold all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ocrsmith.synth.outlines import glyph_outline

SegmentShape = Literal["trapezoid", "hexagon", "bar"]

# The usual letters: a top, b upper right, c lower right, d bottom, e lower left, f upper left, g middle.
LIT = {
    "0": "abcdef",
    "1": "bc",
    "2": "abged",
    "3": "abgcd",
    "4": "fgbc",
    "5": "afgcd",
    "6": "afgedc",
    "7": "abc",
    "8": "abcdefg",
    "9": "abcdfg",
    "-": "g",
    " ": "",
}


@dataclass(frozen=True)
class SegmentStyle:
    """How a display draws its digits; lengths are shares of the digit's height.

    Attributes:
        shape: ends of the segments. width: of the cell. thickness: of a segment. gap: between neighbouring segments.
        slant: how far the top leans right over the bottom.
        tailed_seven, flat_six, flat_nine: the optional segment of 7 lit, of 6 (top) and 9 (bottom) unlit.
    """

    shape: SegmentShape = "trapezoid"
    width: float = 0.55
    thickness: float = 0.12
    gap: float = 0.02
    slant: float = 0.1
    tailed_seven: bool = False
    flat_six: bool = False
    flat_nine: bool = False

    def lit(self, digit: str) -> str:
        """The segments lit for a digit; raises KeyError for what seven segments cannot show here."""
        if digit == "7" and self.tailed_seven:
            return "abcf"
        if digit == "6" and self.flat_six:
            return "fgedc"
        if digit == "9" and self.flat_nine:
            return "abcfg"
        return LIT[digit]


@lru_cache(maxsize=512)
def unit_segments(style: SegmentStyle) -> dict[str, NDArray[np.float32]]:
    """Each of the seven segments as a polygon (P, 2) in the unit cell, slanted."""
    w, t, g = style.width, style.thickness, style.gap
    half, mid = t / 2, 0.5
    if style.shape == "trapezoid":
        outer = {
            "a": [(g, 0), (w - g, 0), (w - t - g, t), (t + g, t)],
            "b": [(w, g), (w, mid - g), (w - half, mid - g), (w - t, mid - half - g), (w - t, t + g)],
            "c": [(w, mid + g), (w, 1 - g), (w - t, 1 - t - g), (w - t, mid + half + g), (w - half, mid + g)],
            "d": [(t + g, 1 - t), (w - t - g, 1 - t), (w - g, 1), (g, 1)],
            "e": [(0, mid + g), (half, mid + g), (t, mid + half + g), (t, 1 - t - g), (0, 1 - g)],
            "f": [(0, g), (t, t + g), (t, mid - half - g), (half, mid - g), (0, mid - g)],
        }
    elif style.shape == "hexagon":
        top, bottom, left, right = half, 1 - half, half, w - half
        outer = {
            "a": _hexagon((left, top), (right, top), half, g),
            "b": _hexagon((right, top), (right, mid), half, g),
            "c": _hexagon((right, mid), (right, bottom), half, g),
            "d": _hexagon((left, bottom), (right, bottom), half, g),
            "e": _hexagon((left, mid), (left, bottom), half, g),
            "f": _hexagon((left, top), (left, mid), half, g),
        }
    else:
        outer = {
            "a": _bar(t * 0.6 + g, 0, w - t * 0.6 - g, t),
            "b": _bar(w - t, t * 0.6 + g, w, mid - g),
            "c": _bar(w - t, mid + g, w, 1 - t * 0.6 - g),
            "d": _bar(t * 0.6 + g, 1 - t, w - t * 0.6 - g, 1),
            "e": _bar(0, mid + g, t, 1 - t * 0.6 - g),
            "f": _bar(0, t * 0.6 + g, t, mid - g),
        }
    outer["g"] = (
        _bar(t * 0.6 + g, mid - half, w - t * 0.6 - g, mid + half)
        if style.shape == "bar"
        else _hexagon((half, mid), (w - half, mid), half, g)
    )
    return {name: _slanted(np.array(points, np.float32), style.slant) for name, points in outer.items()}


def digit_polygons(style: SegmentStyle, segments: str) -> list[NDArray[np.float32]]:
    """The polygons of some segments ("abc") in the unit cell."""
    unit = unit_segments(style)
    return [unit[name] for name in segments]


def ink_box(style: SegmentStyle, segments: str) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of lit segments in the unit cell; the whole cell's rows for a lone middle bar."""
    points = np.concatenate(digit_polygons(style, segments or "abcdefg"))
    left, top = points.min(axis=0)
    right, bottom = points.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def _slanted(points: NDArray[np.float32], slant: float) -> NDArray[np.float32]:
    points[:, 0] += slant * (1.0 - points[:, 1])
    return points


def _bar(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _hexagon(start: Sequence[float], end: Sequence[float], half: float, gap: float) -> list[tuple[float, float]]:
    """A bar from point to point, `gap` shorter at both ends, with ends pointed at 45 degrees."""
    p, q = np.array(start, np.float64), np.array(end, np.float64)
    along = (q - p) / max(float(np.linalg.norm(q - p)), 1e-6)
    across = np.array([-along[1], along[0]]) * half
    p, q = p + along * gap, q - along * gap
    inner_p, inner_q = p + along * half, q - along * half
    corners = [p, inner_p - across, inner_q - across, q, inner_q + across, inner_p + across]
    return [(float(x), float(y)) for x, y in corners]


@lru_cache(maxsize=4096)
def glyph_in_cell(font: str, character: str, width: float) -> tuple[NDArray[np.float32], ...]:
    """A segment font's glyph in the unit cell, scaled by the font's own 8, so that every digit keeps its place.

    Raises FontError where the font has no glyph for the character or no 8.
    """
    left, top, right, bottom = glyph_outline(font, "8").box
    scale = np.array([width / (right - left), 1.0 / (bottom - top)], np.float32)
    origin = np.array([left, top], np.float32)
    return tuple((contour - origin) * scale for contour in glyph_outline(font, character).contours)
