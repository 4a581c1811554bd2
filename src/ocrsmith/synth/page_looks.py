"""What a page looks like as a whole: paper, inks, fonts and measures; and the stamps and notes that go over it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ocrsmith.errors import FontError
from ocrsmith.synth.blocks import ink_box, run_of
from ocrsmith.synth.choices import Rng
from ocrsmith.synth.layout import rotation_homography, translation
from ocrsmith.synth.page_parts import FontShelf, Look, band_colour
from ocrsmith.synth.page_plans import PaperPlan
from ocrsmith.synth.page_settings import PageSettings
from ocrsmith.synth.page_sheet import Align, Sheet, Style
from ocrsmith.synth.palettes import INKS, with_contrast
from ocrsmith.synth.scene_plans import BlockPlan, Colour, InkPlan, LinePlan, PanelPlan

_MAX_SEED = 1 << 53
_STAMP_INKS: tuple[Colour, ...] = ((176, 30, 44), (34, 52, 150), (70, 40, 120), (24, 100, 66), (40, 40, 44))
_PEN_INKS: tuple[Colour, ...] = ((28, 46, 132), (18, 60, 160), (30, 30, 34), (150, 28, 40), (70, 70, 74))


def draw_paper_plan(rng: Rng, settings: PageSettings) -> PaperPlan:
    """White, grey, cream or tinted; even, or with grain and clouds."""
    which, tint, grain, clouds, plain = rng.random(5).tolist()
    seed = int(rng.integers(_MAX_SEED))
    value = 255 - int(26 * tint * tint) if which < 0.6 else 210 + int(40 * tint)
    colour = (value, value, value)
    if which > 0.75:
        shade = int(6 + 30 * tint)
        colour = (248, 246 - shade // 4, 244 - shade)
        if which > 0.93:
            r, g, b = (int(v) for v in 215 + rng.integers(0, 40, 3))
            colour = (r, g, b)
    if plain < settings.plain_share:
        return PaperPlan(colour, 0.0, 0.0, seed)
    return PaperPlan(colour, round(0.5 + 4.0 * grain * grain, 2), round(9.0 * clouds * clouds, 2), seed)


def draw_look(
    rng: Rng, settings: PageSettings, shelf: FontShelf, paper: Colour, body_px: float
) -> tuple[Style, Look]:  # fmt: skip
    """The running text's style, and the rest."""
    draws = rng.random(12).tolist()
    ink = _print_ink(rng, settings, paper)
    body = Style(shelf.pick(shelf.body, rng), body_px, ink)
    heading_font = body.font if draws[0] < 0.25 else shelf.pick(shelf.any if draws[0] > 0.7 else shelf.body, rng)
    heading_ink = _print_ink(rng, settings, paper) if draws[1] < settings.colour_share else ink
    label_font = body.font if draws[2] < 0.5 else shelf.pick(shelf.body, rng)
    kinds = (shelf.hand, shelf.mono, shelf.body)
    filled_font = shelf.pick(kinds[int(draws[3] * 3)], rng)
    pen = with_contrast(_PEN_INKS[int(draws[4] * len(_PEN_INKS))], paper, settings.contrast_floor)
    line = ink if draws[5] < 0.5 else with_contrast((150, 150, 155), paper, 12.0)
    align: Align = "justify" if draws[6] < 0.45 else "left" if draws[6] < 0.96 else "centre"
    # Type of 150 dpi has rules of one or two px.
    thin = max(1, round(body_px * (0.03 + 0.07 * draws[7])))
    look = Look(
        heading=Style(heading_font, body_px, heading_ink),
        label=Style(label_font, max(settings.least_px, round(2 * body_px * (0.75 + 0.3 * draws[8])) / 2), ink),
        filled=Style(filled_font, body_px, pen if draws[9] < 0.8 else ink),
        mono=Style(shelf.pick(shelf.mono if draws[10] < 0.8 else shelf.body, rng), body_px, ink),
        line_colour=line,
        accent=band_colour(rng, paper) if rng.random() < settings.shade_share else None,
        align=align,
        leading=1.0 + 0.45 * draws[11] ** 2,
        indent=2.0 * body_px if rng.random() < 0.3 else 0.0,
        rule_px=thin,
    )
    return body, look


def _print_ink(rng: Rng, settings: PageSettings, paper: Colour) -> Colour:
    coloured, which, *shift = rng.random(5).tolist()
    if coloured >= settings.colour_share:
        r = g = b = int(70 * which * which)
    else:
        r, g, b = (min(255, int(c * 0.8 + 30 * s)) for c, s in zip(INKS[int(which * 6)], shift))
    return with_contrast((r, g, b), paper, settings.contrast_floor)


def draw_stamps(rng: Rng, settings: PageSettings, shelf: FontShelf, sheet: Sheet) -> tuple[BlockPlan, ...]:
    """Stamps and handwriting-like notes at random places of the window, over whatever is there."""
    stamps = []
    for share, make in ((settings.stamp_share, _stamp), (settings.note_share, _note)):
        if rng.random() < share:
            block = make(rng, shelf, sheet)
            if block is not None:
                stamps.append(block)
    return tuple(stamps)


def _stamp(rng: Rng, shelf: FontShelf, sheet: Sheet) -> BlockPlan | None:
    """One to three lines in a frame, turned a little, in stamp ink."""
    size = max(10.0, round(sheet.em * float(rng.uniform(1.0, 2.2))))
    lines = _lines(sheet, shelf.pick(shelf.body, rng), size, int(rng.integers(1, 4)))
    if lines is None:
        return None
    boxes = np.array([ink_box(line, run_of(line, sheet.faces)) for line in lines])
    pad = 0.5 * size
    box = (*(boxes[:, :2].min(axis=0) - pad), *(boxes[:, 2:].max(axis=0) + pad))
    left, top, right, bottom = (round(float(value), 1) for value in box)
    colour = _STAMP_INKS[int(rng.random() * len(_STAMP_INKS))]
    opacity = round(float(rng.uniform(0.55, 0.95)), 2)
    faded = tuple(int(255 - (255 - c) * opacity) for c in colour)
    panel = PanelPlan(
        box=(left, top, right, bottom),
        radius_px=round(float(rng.random()) * size, 1),
        colour=(255, 255, 255),
        second=None,
        opacity=0.0,
        border_px=max(1, round(size / 8)),
        border_colour=(faded[0], faded[1], faded[2]),
        border_inset_px=1.0,
        shadow_px=0.0,
        screws=False,
    )
    return _set_down(rng, sheet, lines, InkPlan(colour, opacity=opacity), panel, 25.0)


def _note(rng: Rng, shelf: FontShelf, sheet: Sheet) -> BlockPlan | None:
    """A line or two by hand."""
    size = max(12.0, round(sheet.em * float(rng.uniform(1.3, 2.4))))
    lines = _lines(sheet, shelf.pick(shelf.hand, rng), size, int(rng.integers(1, 3)))
    if lines is None:
        return None
    ink = InkPlan(_PEN_INKS[int(rng.random() * len(_PEN_INKS))], opacity=round(float(rng.uniform(0.75, 1.0)), 2))
    return _set_down(rng, sheet, lines, ink, None, 12.0)


def _lines(sheet: Sheet, font: str, size: float, count: int) -> tuple[LinePlan, ...] | None:
    """Centred lines of a few words about the origin; None where the font lacks a glyph."""
    style = replace(sheet.body, font=font, size_px=size)
    lines = []
    for index in range(count):
        words = sheet.fitting(9 * size, style, most_words=int(sheet.rng.integers(1, 4)), numbers=sheet.chance(0.3))
        if not words:
            return None
        text = (" " if sheet.source.spaced else "").join(words if sheet.source.spaced else words[:1])
        y = round((index - (count - 1) / 2) * 1.45 * size)
        line = LinePlan(text, font, size, 0.0, True, 0, y)
        try:
            width = run_of(line, sheet.faces).advance_px
        except FontError:
            sheet.refusals["GlyphMissing"] += 1
            return None
        lines.append(replace(line, x=-round(width / 2)))
    return tuple(lines)


def _set_down(
    rng: Rng, sheet: Sheet, lines: tuple[LinePlan, ...], ink: InkPlan, panel: PanelPlan | None, most_degrees: float
) -> BlockPlan:
    left, top, right, bottom = sheet.window
    x, y = float(rng.uniform(left, right)), float(rng.uniform(top, bottom))
    draw = float(rng.uniform(-1, 1))
    turn = rotation_homography(0, 0, draw * abs(draw) * most_degrees, 1000.0)
    matrix = translation(round(x, 1), round(y, 1)) @ turn
    return BlockPlan(lines, tuple(matrix.reshape(-1).tolist()), ink, panel)
