"""Print on displays and on the plates round them (units, icons, headings): its place, and its glyphs' outlines.

Lengths are in units of the digits' height, as in `panels`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocrsmith.errors import FontError
from ocrsmith.geometry import box_quad
from ocrsmith.synth.outlines import glyph_extent, glyph_outline

Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Label:
    """Print on a panel that is not the reading: a unit, an icon's box, a heading. Never part of the text."""

    text: str
    font: str  # path of a font file
    x: float  # left end, panel units
    y: float  # baseline
    height: float  # of the font's em, panel units
    strength: float = 1.0  # 0..1, how much of the ink's contrast
    boxed: bool = False


def label_contours(label: Label) -> list[list[NDArray[np.float32]]]:
    """A label's glyphs as lists of closed contours, panel units; raises FontError where the font lacks one."""
    glyphs, x = [], label.x
    for character in label.text:
        outline = glyph_outline(label.font, character)
        origin = np.array([x, label.y], np.float32)
        glyphs.append([contour * label.height + origin for contour in outline.contours])
        x += outline.advance * label.height
    if label.boxed:
        left, top, right, bottom = _frame(label, x)
        inset = 0.07 * label.height
        glyphs.append(
            [
                box_quad(left, top, right, bottom),
                box_quad(left + inset, top + inset, right - inset, bottom - inset),
            ]
        )
    return glyphs


def label_box(label: Label) -> Box:
    """The box of a label's ink and frame, panel units; raises FontError where the font lacks a glyph."""
    boxes, x = [], label.x
    for character in label.text:
        extent, advance = glyph_extent(label.font, character)
        left, top, right, bottom = (side * label.height for side in extent)
        if right > left:
            boxes.append((x + left, label.y + top, x + right, label.y + bottom))
        x += advance * label.height
    if label.boxed:
        boxes.append(_frame(label, x))
    lefts, tops, rights, bottoms = zip(*boxes or [(label.x, label.y, label.x, label.y)])
    return min(lefts), min(tops), max(rights), max(bottoms)


def fits(label: Label, taken: list[Box], gap: float, within: Box | None = None) -> bool:
    """Whether a label stands `gap` clear of what is `taken`, and `within` a box; its own box is then taken, too.

    A font that lacks one of its glyphs is no place for a label either: fonts of digits alone are among users' fonts.
    """
    try:
        box = label_box(label)
    except FontError:
        return False
    if within is not None and not _inside(box, within):
        return False
    if any(_meet(box, other, gap) for other in taken):
        return False
    taken.append(box)
    return True


def grown(box: Box, margins: Iterable[float]) -> Box:
    """A box with margins left, top, right, bottom added."""
    left, top, right, bottom = margins
    return box[0] - left, box[1] - top, box[2] + right, box[3] + bottom


def _frame(label: Label, end: float) -> Box:
    pad = 0.12 * label.height
    return label.x - pad, label.y - 0.8 * label.height, end + pad, label.y + 0.14 * label.height


def _inside(box: Box, around: Box) -> bool:
    return around[0] <= box[0] and around[1] <= box[1] and box[2] <= around[2] and box[3] <= around[3]


def _meet(first: Box, second: Box, gap: float) -> bool:
    across = first[0] < second[2] + gap and second[0] < first[2] + gap
    return across and first[1] < second[3] + gap and second[1] < first[3] + gap
