"""What goes over a page's print: framed stamps, round seals, notes as if by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ocrsmith.errors import FontError
from ocrsmith.synth.block_lines import ink_box, run_of
from ocrsmith.synth.choices import Rng
from ocrsmith.synth.font_stretches import other_fonts
from ocrsmith.synth.layout import rotation_homography, translation
from ocrsmith.synth.page_looks import PEN_INKS
from ocrsmith.synth.page_parts import FontShelf
from ocrsmith.synth.page_settings import PageSettings
from ocrsmith.synth.page_sheet import Sheet
from ocrsmith.synth.scene_plans import BendPlan, BlockPlan, Box, Colour, InkPlan, LinePlan, PanelPlan

_STAMP_INKS: tuple[Colour, ...] = ((176, 30, 44), (34, 52, 150), (70, 40, 120), (24, 100, 66), (40, 40, 44))


def draw_stamps(rng: Rng, settings: PageSettings, shelf: FontShelf, sheet: Sheet) -> tuple[BlockPlan, ...]:
    """Stamps and handwriting-like notes at random places of the window, over whatever is there."""
    stamps: list[BlockPlan] = []
    if rng.random() < settings.stamp_share:
        stamps += (_seal if rng.random() < settings.seal_share else _stamp)(rng, shelf, sheet)
    if rng.random() < settings.note_share:
        stamps += _note(rng, shelf, sheet)
    return tuple(stamps)


def _stamp(rng: Rng, shelf: FontShelf, sheet: Sheet) -> list[BlockPlan]:
    """One to three lines in a frame, turned a little, in stamp ink."""
    size = max(10.0, round(sheet.em * float(rng.uniform(1.0, 2.2))))
    lines = _lines(sheet, shelf.pick(shelf.body, rng), size, int(rng.integers(1, 4)), 9 * size)
    if not lines:
        return []
    boxes = np.array([ink_box(line, run_of(line, sheet.faces)) for line in lines])
    pad = 0.5 * size
    box = (*(boxes[:, :2].min(axis=0) - pad), *(boxes[:, 2:].max(axis=0) + pad))
    left, top, right, bottom = (round(float(value), 1) for value in box)
    ink = _stamp_ink(rng)
    frame = _frame((left, top, right, bottom), round(float(rng.random()) * size, 1), ink, max(1, round(size / 8)))
    return [BlockPlan(lines, _place(rng, sheet, 25.0), ink, frame)]


def _seal(rng: Rng, shelf: FontShelf, sheet: Sheet) -> list[BlockPlan]:
    """Words round a circle between two rings, and a line or two in the middle; the middle is a block of its own."""
    size = max(10.0, round(sheet.em * float(rng.uniform(0.9, 1.4))))
    radius = round(size * float(rng.uniform(3.2, 5.5)), 1)
    font, ink, matrix = shelf.pick(shelf.body, rng), _stamp_ink(rng), _place(rng, sheet, 60.0)
    turn = 2 * math.pi * float(rng.uniform(0.4, 0.85))
    ring = _lines(sheet, font, size, 1, turn * radius, most_words=8)
    if not ring:
        return []
    thick = max(1, round(size / 9))
    outer, inner = radius + 1.35 * size, radius - 0.6 * size
    frame = _frame((-outer, -outer, outer, outer), outer, ink, thick)
    blocks = [BlockPlan((replace(ring[0], y=-round(radius)),), matrix, ink, frame, BendPlan("circle", round(radius)))]
    middle = _lines(sheet, font, round(0.8 * size), int(rng.integers(1, 3)), 1.5 * inner)
    if middle:
        middle = tuple(replace(line, y=line.y + round(0.25 * size)) for line in middle)
        blocks.append(BlockPlan(middle, matrix, ink, _frame((-inner, -inner, inner, inner), inner, ink, thick)))
    return blocks


def _note(rng: Rng, shelf: FontShelf, sheet: Sheet) -> list[BlockPlan]:
    """A line or two by hand."""
    size = max(12.0, round(sheet.em * float(rng.uniform(1.3, 2.4))))
    lines = _lines(sheet, shelf.pick(shelf.hand, rng), size, int(rng.integers(1, 3)), 9 * size)
    if not lines:
        return []
    ink = InkPlan(PEN_INKS[int(rng.random() * len(PEN_INKS))], opacity=round(float(rng.uniform(0.75, 1.0)), 2))
    return [BlockPlan(lines, _place(rng, sheet, 12.0), ink)]


def _lines(
    sheet: Sheet, font: str, size: float, count: int, width: float, most_words: int = 3
) -> tuple[LinePlan, ...]:  # fmt: skip
    """Centred lines of a few words about the origin; none where no word fits or the font lacks a glyph."""
    style = replace(sheet.body, font=font, size_px=size)
    lines: list[LinePlan] = []
    for index in range(count):
        number = int(sheet.rng.integers(1, most_words + 1)) if most_words < 4 else most_words
        words: Sequence[str] = sheet.fitting(width, style, most_words=number, numbers=sheet.chance(0.3))
        if not words:
            return ()
        text = " ".join(words) if sheet.source.spaced else words[0]
        y = round((index - (count - 1) / 2) * 1.45 * size)
        try:
            others = other_fonts(text, sheet.faces[font], sheet.faces, sheet.rng)
            line = LinePlan(text, font, size, 0.0, True, 0, y, others=others)
            advance = run_of(line, sheet.faces).advance_px
        except FontError:
            sheet.refusals["GlyphMissing"] += 1
            return ()
        lines.append(replace(line, x=-round(advance / 2)))
    return tuple(lines)


def _stamp_ink(rng: Rng) -> InkPlan:
    colour = _STAMP_INKS[int(rng.random() * len(_STAMP_INKS))]
    return InkPlan(colour, opacity=round(float(rng.uniform(0.55, 0.95)), 2))


def _frame(box: Box, radius_px: float, ink: InkPlan, thick_px: int) -> PanelPlan:
    """A border without a plate, as faint as the ink that it is stamped with."""
    r, g, b = (int(255 - (255 - value) * ink.opacity) for value in ink.colour)
    return PanelPlan(
        box=box,
        radius_px=radius_px,
        colour=(255, 255, 255),
        second=None,
        opacity=0.0,
        border_px=thick_px,
        border_colour=(r, g, b),
        border_inset_px=1.0,
        shadow_px=0.0,
        screws=False,
    )


def _place(rng: Rng, sheet: Sheet, most_degrees: float) -> tuple[float, ...]:
    """Block px to page px: somewhere in the window, turned a little."""
    left, top, right, bottom = sheet.window
    x, y = float(rng.uniform(left, right)), float(rng.uniform(top, bottom))
    draw = float(rng.uniform(-1, 1))
    turn = rotation_homography(0, 0, draw * abs(draw) * most_degrees, 1000.0)
    matrix = translation(round(x, 1), round(y, 1)) @ turn
    return tuple(matrix.reshape(-1).tolist())
