"""Glyph outlines as polygons, so that text can be drawn straight through a perspective at any size.

Bitmaps suit pages of running text; a few labels or display digits on a tilted panel are sharper and cheaper as polygons
whose corners go through the homography.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import freetype
import numpy as np
from numpy.typing import NDArray

from ocrsmith.errors import FontError


@dataclass(frozen=True, eq=False)
class GlyphOutline:
    """One glyph in units of the font's em: y down, baseline at 0; contours are closed (P, 2) polygons."""

    contours: tuple[NDArray[np.float32], ...]
    advance: float
    box: tuple[float, float, float, float]  # left, top, right, bottom of the ink; zeros where there is none


@lru_cache(maxsize=256)
def _face(path: str) -> freetype.Face:
    try:
        return freetype.Face(path)
    except freetype.FT_Exception as error:
        raise FontError(
            f"The font {path} cannot be opened ({error}). A TrueType or OpenType file was expected."
        ) from None


def _face_with_glyph(path: str | Path, character: str) -> freetype.Face:
    """The face with the character's glyph loaded in font units; raises FontError where it has none."""
    face = _face(str(path))
    index = face.get_char_index(character)
    if index == 0:
        raise FontError(f"The font {Path(path).name} has no glyph for {character!r} (U+{ord(character):04X}).")
    face.load_glyph(index, freetype.FT_LOAD_NO_SCALE | freetype.FT_LOAD_NO_BITMAP)
    return face


@lru_cache(maxsize=8192)
def glyph_outline(path: str | Path, character: str) -> GlyphOutline:
    """The outline of one character; raises FontError where the font has no glyph for it."""
    face = _face_with_glyph(path, character)
    outline, em = face.glyph.outline, float(face.units_per_EM)
    contours: list[NDArray[np.float32]] = []
    start = 0
    for end in outline.contours:
        points = np.array(outline.points[start : end + 1], np.float32).reshape(-1, 2)
        on_curve = [bool(tag & 1) for tag in outline.tags[start : end + 1]]
        start = end + 1
        if len(points) >= 3:
            flat = _flatten(points, on_curve) / em
            flat[:, 1] *= -1
            contours.append(flat)
    if contours:
        every = np.concatenate(contours)
        left, top = every.min(axis=0)
        right, bottom = every.max(axis=0)
        box = (float(left), float(top), float(right), float(bottom))
    else:
        box = (0.0, 0.0, 0.0, 0.0)
    return GlyphOutline(tuple(contours), face.glyph.advance.x / em, box)


@lru_cache(maxsize=8192)
def glyph_extent(path: str | Path, character: str) -> tuple[tuple[float, float, float, float], float]:
    """The box of a glyph's curves and their handles, and its advance, as in `GlyphOutline`, many times faster.

    Raises FontError where the font has no glyph for the character.
    """
    face = _face_with_glyph(path, character)
    metrics, em = face.glyph.metrics, float(face.units_per_EM)
    left, top = metrics.horiBearingX / em, -metrics.horiBearingY / em
    return (left, top, left + metrics.width / em, top + metrics.height / em), face.glyph.advance.x / em


# Where along an arc its chords meet.
_JOINTS = np.linspace(0, 1, 4)[1:-1, None]


def _flatten(points: NDArray[np.float32], on_curve: list[bool]) -> NDArray[np.float32]:
    """Turns quadratic TrueType arcs into three chords each (cubic handles, where a font has them, become corners)."""
    on = np.array(on_curve)
    # Between two handles lies a point of the curve that the font does not store.
    between = np.flatnonzero(~on & ~np.roll(on, -1)) + 1
    middles = (points + np.roll(points, -1, axis=0))[between - 1] / 2
    full, on = np.insert(points, between, middles, axis=0), np.insert(on, between, True)
    first = int(on.argmax())
    full, on = np.roll(full, -first, axis=0), np.roll(on, -first)
    handles = np.flatnonzero(~on)
    begin, end = full[handles - 1], full[(handles + 1) % len(full)]
    far, near, rest = _JOINTS**2, 2 * (1 - _JOINTS) * _JOINTS, (1 - _JOINTS) ** 2
    joints = rest * begin[:, None] + near * full[handles, None] + far * end[:, None]
    flat = np.repeat(full, np.where(on, 1, len(_JOINTS)), axis=0)
    flat[np.repeat(~on, np.where(on, 1, len(_JOINTS)))] = joints.reshape(-1, 2)
    return flat
