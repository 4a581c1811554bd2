"""What pages are put together from: headings, lists, tables, fields to fill in, tick boxes, pictures, codes of bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ocrsmith.synth.choices import Rng
from ocrsmith.synth.fonts import FontFace
from ocrsmith.synth.page_metrics import Style
from ocrsmith.synth.page_sheet import Align, Sheet
from ocrsmith.synth.palettes import lightness, with_contrast
from ocrsmith.synth.scene_plans import Colour

_BODY = ("serif", "sans", "slab")
_NOT_FOR_PAGES = ("segment",)


class FontShelf:
    """Fonts by what a page needs them for; where a kind is lacking, any other serves."""

    def __init__(self, faces: Mapping[str, FontFace]) -> None:
        names = {
            category: [name for name, face in faces.items() if face.category == category]
            for category in sorted({face.category for face in faces.values()})
        }
        anything = [name for name, face in faces.items() if face.category not in _NOT_FOR_PAGES] or list(faces)
        self.any = tuple(anything)
        self.body = tuple(name for category in _BODY for name in names.get(category, ())) or self.any
        self.mono = tuple(names.get("mono", ())) or self.body
        self.hand = tuple(names.get("handwriting", ())) or self.any

    @staticmethod
    def pick(names: tuple[str, ...], rng: Rng) -> str:
        """One of them, evenly."""
        return names[int(rng.random() * len(names))]


@dataclass(frozen=True)
class Look:
    """What a page keeps throughout: its fonts, inks, alignments and measures.

    Attributes:
        heading, label, filled, mono: styles beside the sheet's body; `filled` is what a person wrote into a form.
        line_colour: of rules and boxes. accent: of bands and table heads, None where the page has no shading.
        align: of paragraphs. leading: line height as a multiple of the font's own.
        rule_px: how thick rules are.
    """

    heading: Style
    label: Style
    filled: Style
    mono: Style
    line_colour: Colour
    accent: Colour | None
    align: Align
    leading: float
    indent: float
    rule_px: int


def heading(
    sheet: Sheet, look: Look, x: float, top: float, width: float, factor: float, align: Align = "left"
) -> float:
    """One or two larger lines, sometimes underlined."""
    rng = sheet.rng
    style = look.heading.sized(factor)
    top += 0.5 * style.size_px
    for _ in range(1 + int(rng.random() < 0.3)):
        top = sheet.line(x, top, width, style, align=align, most_words=int(rng.integers(1, 8)))
    if sheet.chance(0.15):
        sheet.rule(x, x + width, top, look.line_colour, look.rule_px)
        top += look.rule_px + 2
    return top + 0.35 * style.size_px


def paragraph(sheet: Sheet, look: Look, x: float, top: float, width: float) -> float:
    """Running text of one to nine lines."""
    num_lines = int(sheet.rng.integers(1, 10))
    top = sheet.paragraph(
        x, top, width, num_lines, sheet.body, align=look.align, leading=look.leading, indent=look.indent
    )
    return top + (0.1 if look.indent else 0.6) * sheet.em


def listing(sheet: Sheet, look: Look, x: float, top: float, width: float) -> float:
    """Items behind numbers or bullets; a bullet is a mark and no text."""
    numbered = sheet.chance(0.4)
    hang = 2.2 * sheet.em
    for _ in range(int(sheet.rng.integers(2, 7))):
        height = sheet.metrics.leading(sheet.body, look.leading)
        if numbered:
            sheet.line(x, top, hang, sheet.body, most_words=1, numbers=True, leading=look.leading)
        else:
            side = 0.28 * sheet.em
            middle = top + 0.55 * height
            sheet.fill(x + 0.8 * sheet.em, middle, x + 0.8 * sheet.em + side, middle + side, sheet.body.colour)
        num_lines = int(sheet.rng.integers(1, 4))
        top = sheet.paragraph(x + hang, top, width - hang, num_lines, sheet.body, leading=look.leading)
        top += 0.15 * sheet.em
    return top + 0.5 * sheet.em


def table(sheet: Sheet, look: Look, x: float, top: float, width: float, most_rows: int = 8) -> float:
    """Rows and columns of cells, each an instance: with all rules, level ones only, stripes, or none."""
    rng, em = sheet.rng, sheet.em
    style = sheet.body.sized(sheet.between(0.8, 1.0))
    most_columns = max(2, min(7, int(width / (5 * em))))
    shares = 0.5 + rng.random(int(rng.integers(2, most_columns + 1)))
    edges = [x]
    for share in (shares / shares.sum()).tolist():
        edges.append(edges[-1] + share * width)
    numeric = [column > 0 and sheet.chance(0.6) for column in range(len(shares))]
    look_of_rules = ("grid", "level", "stripes", "none")[int(rng.random() * 4)]
    height, pad = sheet.metrics.leading(style, sheet.between(1.15, 1.7)), 0.4 * em
    num_rows = int(rng.integers(2, max(3, most_rows) + 1))
    bottom = top + (num_rows + 1) * height
    stripe = look.accent is not None and look_of_rules == "stripes"
    for row in range(num_rows + 1):
        y = top + row * height
        text_style = replace(style, font=look.heading.font) if row == 0 else style
        if row == 0 and look.accent is not None:
            sheet.fill(x, y, x + width, y + height, look.accent)
            text_style = replace(text_style, colour=with_contrast(style.colour, look.accent, 45.0))
        elif stripe and look.accent is not None and row % 2 == 0:
            sheet.fill(x, y, x + width, y + height, _paler(look.accent, sheet.ground))
        _row(sheet, edges, y, height, pad, text_style, numeric, is_head=row == 0)
        if look_of_rules in ("grid", "level") or (row == 1 and look_of_rules == "none"):
            sheet.rule(x, x + width, y, look.line_colour, look.rule_px)
    if look_of_rules in ("grid", "level"):
        sheet.rule(x, x + width, bottom, look.line_colour, look.rule_px)
    if look_of_rules == "grid":
        for edge in edges:
            sheet.column_rule(edge, top, bottom, look.line_colour, look.rule_px)
    return bottom + 0.9 * em


def _row(
    sheet: Sheet, edges: list[float], y: float, height: float, pad: float, style: Style, numeric: list[bool], *,
    is_head: bool,
) -> None:  # fmt: skip
    for left, right, number in zip(edges, edges[1:], numeric):
        room = right - left - 2 * pad
        if not sheet.sees(left, y, right, y + height) or sheet.chance(0.06):
            continue
        inset = (height - sheet.metrics.leading(style)) / 2
        align: Align = "right" if number else "left"
        most = 1 if number and not is_head else int(sheet.rng.integers(1, 5))
        sheet.line(
            left + pad, y + inset, room, style, align=align, most_words=most, numbers=number and not is_head
        )  # fmt: skip


def _paler(colour: Colour, ground: Colour) -> Colour:
    r, g, b = (int(0.3 * c + 0.7 * w) for c, w in zip(colour, ground))
    return r, g, b


def fields(sheet: Sheet, look: Look, x: float, top: float, width: float) -> float:
    """A row of one to three fields of a form: a label, and a box, a rule or combs with what was filled in."""
    rng, em = sheet.rng, sheet.em
    count = int(rng.integers(1, max(2, min(4, int(width / (10 * em)) + 1))))
    shares = 0.6 + rng.random(count)
    lefts = x
    kind = ("box_above", "box_beside", "rule_beside", "combs")[int(rng.random() * 4)]
    filled = look.filled.sized(sheet.between(0.9, 1.25))
    label_height, value_height = sheet.metrics.leading(look.label), sheet.metrics.leading(filled, 1.15)
    height = label_height + value_height if kind == "box_above" else max(1.35 * value_height, label_height)
    for share in (shares / shares.sum()).tolist():
        right = lefts + share * width - 0.6 * em
        room = right - lefts
        if kind == "box_above":
            sheet.outline(lefts, top, right, top + height + 0.3 * em, look.line_colour, look.rule_px)
            sheet.line(lefts + 0.3 * em, top + 0.1 * em, room - 0.6 * em, look.label, most_words=3)
            _value(sheet, filled, lefts + 0.6 * em, top + label_height + 0.1 * em, room - em)
        else:
            label_width = room * sheet.between(0.25, 0.45)
            sheet.line(lefts, top + (height - label_height) / 2, label_width, look.label, most_words=3)
            start = lefts + label_width + 0.4 * em
            value_top = top + (height - value_height) / 2
            if kind == "combs":
                _combs(sheet, look, filled, start, top, right, height)
            else:
                if kind == "box_beside":
                    sheet.outline(start, top, right, top + height, look.line_colour, look.rule_px)
                else:
                    sheet.rule(start, right, top + height - 1, look.line_colour, look.rule_px)
                _value(sheet, filled, start + 0.4 * em, value_top, right - start - 0.8 * em)
        lefts = right + 0.6 * em
    return top + height + 0.7 * em


def _value(sheet: Sheet, style: Style, x: float, top: float, width: float) -> None:
    if sheet.chance(0.8) and width > 2 * style.size_px:
        numbers = sheet.chance(0.4)
        sheet.line(x, top, width, style, most_words=1 if numbers else int(sheet.rng.integers(1, 4)), numbers=numbers)


def _combs(sheet: Sheet, look: Look, style: Style, left: float, top: float, right: float, height: float) -> None:
    """A box a character; their text is one instance, its letters set apart (evenly, so in a font of even widths)."""
    style = replace(style, font=look.mono.font)
    cell = max(1.1 * style.size_px, 0.8 * height)
    count = max(1, int((right - left) / cell))
    for index in range(count):
        start = left + index * cell
        sheet.outline(start, top, start + cell, top + height, look.line_colour, look.rule_px)
    text = sheet.value() if sheet.chance(0.6) else sheet.word()
    ascent, descent = sheet.metrics.extent(style)
    baseline = top + (height - ascent - descent) / 2 + ascent
    room = text[:count]
    widths = [sheet.metrics.advance(character, style) for character in room] if sheet.faces_draw(style, room) else []
    if widths and sheet.chance(0.85):
        spacing = cell - sum(widths) / len(widths)
        spread = replace(style, spacing_px=round(spacing, 1))
        sheet.put([room], left + (cell - widths[0]) / 2, baseline, spread)


def tick_boxes(sheet: Sheet, look: Look, x: float, top: float, width: float) -> float:
    """A row of boxes, some ticked or crossed, each before a word or two."""
    em, style = sheet.em, look.label
    height, side = sheet.metrics.leading(style, 1.3), 0.95 * style.size_px
    left = x
    while left < x + width - 6 * em:
        room = min(sheet.between(5, 11) * em, x + width - left)
        y = top + (height - side) / 2
        sheet.outline(left, y, left + side, y + side, look.line_colour, look.rule_px)
        if sheet.chance(0.45):
            inner = (left + 2, y + 2, left + side - 2, y + side - 2)
            kind = "cross" if sheet.chance(0.5) else "tick"
            sheet.mark(kind, inner, look.filled.colour, max(1, round(side / 8)))
        sheet.line(left + side + 0.4 * em, top + 0.1 * em, room - side - 0.8 * em, style, most_words=2)
        left += room
    return top + height + 0.4 * em


def picture(sheet: Sheet, look: Look, x: float, top: float, width: float) -> float:
    """A grey place of a figure with its caption below."""
    height = width * sheet.between(0.25, 0.7)
    r, g, b = sheet.rng.integers(60, 225, 3).tolist()
    sheet.fill(x, top, x + width, top + height, (r, g, b))
    for _ in range(int(sheet.rng.integers(0, 6))):
        start, middle = sheet.between(0, 0.8), sheet.between(0, 0.8)
        r, g, b = sheet.rng.integers(30, 245, 3).tolist()
        box = (x + start * width, top + middle * height)
        sheet.fill(
            *box, min(box[0] + 0.3 * width, x + width), min(box[1] + 0.35 * height, top + height), (r, g, b)
        )  # fmt: skip
    caption = sheet.body.sized(0.85)
    top = sheet.paragraph(x, top + height + 0.3 * sheet.em, width, int(sheet.rng.integers(1, 3)), caption)
    return top + 0.8 * sheet.em


def bars(sheet: Sheet, x: float, top: float, width: float, height: float, colour: Colour) -> float:
    """Upright bars as of a bar code, with no meaning."""
    if sheet.sees(x, top, x + width, top + height):
        unit = max(1, round(width / 95))
        pen = x
        while pen < x + width - 4 * unit:
            bar, gap = (unit * int(step) for step in sheet.rng.integers(1, 4, 2))
            sheet.fill(pen, top, pen + bar, top + height, colour)
            pen += bar + gap
    return top + height


def band_colour(rng: Rng, ground: Colour) -> Colour:
    """A colour for bands and heads: mostly pale, sometimes strong."""
    r, g, b = (int(v) for v in rng.integers(0, 256, 3))
    share = 0.15 + 0.25 * rng.random() if rng.random() < 0.7 else 0.8
    mixed = tuple(int(share * c + (1 - share) * w) for c, w in zip((r, g, b), ground))
    # Between the two lies a lightness that neither dark nor light ink stands out on.
    if 35 < lightness(mixed) < 65:
        mixed = tuple(c // 2 for c in mixed)
    return mixed[0], mixed[1], mixed[2]
