"""The layouts of pages: articles in columns, letters, forms, tables, receipts and notices, each from top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ocrsmith.synth.page_parts import (
    FontShelf,
    Look,
    bars,
    fields,
    heading,
    listing,
    paragraph,
    picture,
    table,
    tick_boxes,
)
from ocrsmith.synth.page_sheet import Align, Sheet
from ocrsmith.synth.palettes import with_contrast

Layout = Callable[[Sheet, Look, FontShelf, float, float], None]


def article(sheet: Sheet, look: Look, shelf: FontShelf, width: float, height: float) -> None:
    """A title over one to three columns of paragraphs, headings, lists, tables and figures; running heads, numbers."""
    rng, em = sheet.rng, sheet.em
    margin = sheet.between(2.5, 6) * em
    inner = width - 2 * margin
    num_columns = int(rng.integers(1, max(2, min(4, int(inner / (15 * em)) + 1))))
    gutter = sheet.between(1.4, 2.6) * em
    column = (inner - gutter * (num_columns - 1)) / num_columns
    top, bottom = margin, height - margin - 2.5 * em
    if sheet.chance(0.4):
        note = sheet.body.sized(0.8)
        top = sheet.line(margin, margin * 0.5, inner, note, align=_any_align(sheet), most_words=6) + 0.5 * em
        if sheet.chance(0.5):
            sheet.rule(margin, margin + inner, top, look.line_colour, look.rule_px)
        top = max(top + em, margin)
    if sheet.chance(0.5):
        top = heading(sheet, look, margin, top, inner, sheet.between(1.3, 2.4), _any_align(sheet)) + em
    for index in range(num_columns):
        _column(sheet, look, margin + index * (column + gutter), top, column, bottom)
        if index and sheet.chance(0.15):
            sheet.column_rule(margin + index * (column + gutter) - gutter / 2, top, bottom, look.line_colour)
    if sheet.chance(0.7):
        sheet.line(
            margin, bottom + em, inner, sheet.body.sized(0.9), align=_any_align(sheet), most_words=1, numbers=True
        )  # fmt: skip


def _column(sheet: Sheet, look: Look, x: float, top: float, width: float, bottom: float) -> None:
    parts: list[tuple[float, Callable[[float], float], float]] = [
        (0.58, lambda y: paragraph(sheet, look, x, y, width), 10),
        (0.72, lambda y: heading(sheet, look, x, y, width, sheet.between(1.0, 1.45)), 5),
        (0.82, lambda y: listing(sheet, look, x, y, width), 26),
        (0.91, lambda y: table(sheet, look, x, y, width), 18),
        (0.95, lambda y: picture(sheet, look, x, y, width), 20),
        (1.01, lambda y: _small_print(sheet, look, x, y, width), 8),
    ]
    line = sheet.metrics.leading(sheet.body, look.leading)
    while top + 2 * line < bottom:
        drawn = sheet.rng.random()
        _, part, lines = next(entry for entry in parts if drawn < entry[0])
        if top + lines * line > bottom:
            rows = int((bottom - top) / line)
            top = sheet.paragraph(x, top, width, max(1, min(rows, 9)), sheet.body, align=look.align,
                                  leading=look.leading) + 0.6 * sheet.em  # fmt: skip
            continue
        top = part(top)


def _small_print(sheet: Sheet, look: Look, x: float, top: float, width: float) -> float:
    style = sheet.body.sized(sheet.between(0.7, 0.85))
    sheet.rule(x, x + width * 0.3, top, look.line_colour)
    top = sheet.paragraph(x, top + 0.4 * sheet.em, width, int(sheet.rng.integers(1, 5)), style)
    return top + 0.6 * sheet.em


def letter(sheet: Sheet, look: Look, shelf: FontShelf, width: float, height: float) -> None:
    """A letter head, an address, a date, paragraphs in one column, a signature and the foot's small print."""
    rng, em = sheet.rng, sheet.em
    margin = sheet.between(4, 8) * em
    inner = width - 2 * margin
    align = _any_align(sheet)
    head = look.heading.sized(sheet.between(1.5, 2.4))
    top = sheet.line(margin, margin * 0.7, inner, head, align=align, most_words=3)
    small = sheet.body.sized(0.8)
    for _ in range(int(rng.integers(1, 4))):
        top = sheet.line(margin, top, inner, small, align=align, most_words=6)
    if sheet.chance(0.6):
        sheet.rule(margin, margin + inner, top + 0.4 * em, look.line_colour, look.rule_px + 1)
    top += sheet.between(1.5, 3) * em
    for index in range(int(rng.integers(3, 6))):
        if index == 0:
            sheet.line(margin + 0.6 * inner, top, 0.4 * inner, sheet.body, align="right", most_words=2, numbers=True)
        top = sheet.line(margin, top, 0.45 * inner, sheet.body, most_words=4)
    top += 2 * em
    if sheet.chance(0.6):
        top = sheet.line(margin, top, inner, replace(look.heading, size_px=sheet.em), most_words=8) + em
    foot = height - margin - 7 * em
    while top < foot - 6 * em:
        top = paragraph(sheet, look, margin, top, inner) + 0.3 * em
        if sheet.chance(0.1) and top < foot - 16 * em:
            top = table(sheet, look, margin, top, inner, 4)
    top = sheet.line(margin, max(top, foot), 0.5 * inner, sheet.body, most_words=3)
    hand = replace(look.filled, font=shelf.pick(shelf.hand, rng)).sized(sheet.between(1.2, 2))
    top = sheet.line(margin, top + 0.2 * em, 0.5 * inner, hand, most_words=2)
    top = sheet.line(margin, top, 0.5 * inner, sheet.body, most_words=2)
    if sheet.chance(0.6) and top + em < height - 2.5 * em:
        sheet.line(margin, height - 2.5 * em, inner, small, align="centre", most_words=9)


def form(sheet: Sheet, look: Look, shelf: FontShelf, width: float, height: float) -> None:
    """Sections under bands, each with rows of fields and tick boxes."""
    em = sheet.em
    margin = sheet.between(2, 5) * em
    inner = width - 2 * margin
    top = heading(sheet, look, margin, margin * 0.7, inner, sheet.between(1.2, 1.9), _any_align(sheet))
    while top < height - margin - 4 * em:
        drawn = sheet.rng.random()
        if drawn < 0.14:
            top = _band(sheet, look, margin, top, inner)
        elif drawn < 0.28:
            top = tick_boxes(sheet, look, margin, top, inner)
        elif drawn < 0.36:
            top = sheet.paragraph(margin, top, inner, int(sheet.rng.integers(1, 4)), look.label) + 0.6 * em
        elif drawn < 0.42 and top < height - margin - 20 * em:
            top = table(sheet, look, margin, top, inner, 5)
        else:
            top = fields(sheet, look, margin, top, inner)


def _band(sheet: Sheet, look: Look, x: float, top: float, width: float) -> float:
    style = replace(look.heading, size_px=sheet.em)
    height = sheet.metrics.leading(style, 1.3)
    if look.accent is not None:
        sheet.fill(x, top, x + width, top + height, look.accent)
        style = replace(style, colour=with_contrast(style.colour, look.accent, 45.0))
    else:
        sheet.rule(x, x + width, top + height, look.line_colour, look.rule_px)
    sheet.line(x + 0.4 * sheet.em, top, width - sheet.em, style, most_words=5, leading=1.3)
    return top + height + 0.6 * sheet.em


def table_page(sheet: Sheet, look: Look, shelf: FontShelf, width: float, height: float) -> None:
    """Tables that fill the page, each under a title or a note."""
    em = sheet.em
    margin = sheet.between(1.5, 4) * em
    inner, top = width - 2 * margin, margin
    while top < height - margin - 8 * em:
        if sheet.chance(0.6):
            top = heading(sheet, look, margin, top, inner, sheet.between(1.0, 1.5), _any_align(sheet))
        rows = int((height - margin - top) / (2.2 * em)) - 1
        if rows < 3:
            break
        top = table(sheet, look, margin, top, inner, min(rows, 40))
        if sheet.chance(0.4) and top < height - margin - 4 * em:
            top = sheet.paragraph(margin, top, inner, 1, sheet.body.sized(0.8)) + em


def receipt(sheet: Sheet, look: Look, shelf: FontShelf, width: float, height: float) -> None:
    """A till's slip: a centred head, items with prices at the right, sums, bars, thanks."""
    rng, em = sheet.rng, sheet.em
    style = replace(look.mono, size_px=em)
    margin = sheet.between(0.6, 1.6) * em
    inner, top = width - 2 * margin, margin + sheet.between(0, 2) * em
    top = sheet.line(margin, top, inner, style.sized(sheet.between(1.2, 1.9)), align="centre", most_words=2)
    for _ in range(int(rng.integers(2, 5))):
        top = sheet.line(margin, top, inner, style, align="centre", most_words=4)
    price_width = 0.32 * inner
    leading = sheet.between(1.0, 1.3)
    while top < height - margin - 6 * em:
        if sheet.chance(0.12):
            top = _separator(sheet, look, margin, top, inner)
        elif sheet.chance(0.06):
            top = sheet.line(margin, top, inner, style, align="centre", most_words=4, leading=leading)
        elif sheet.chance(0.04) and top < height - margin - 14 * em:
            top = bars(sheet, margin + 0.1 * inner, top + 0.5 * em, 0.8 * inner, 3 * em, style.colour) + 0.5 * em
        else:
            big = style.sized(1.4) if sheet.chance(0.06) else style
            sheet.line(margin + inner - price_width, top, price_width, big, align="right", most_words=1, numbers=True,
                       leading=leading)  # fmt: skip
            room = inner - price_width - em
            top = sheet.line(margin, top, room, big, most_words=int(rng.integers(1, 5)), leading=leading)
    _separator(sheet, look, margin, top, inner)
    sheet.line(margin, top + em, inner, style, align="centre", most_words=4)


def _separator(sheet: Sheet, look: Look, x: float, top: float, width: float) -> float:
    middle = top + 0.5 * sheet.em
    if sheet.chance(0.5):
        sheet.rule(x, x + width, middle, look.mono.colour, look.rule_px)
    else:
        dash = max(2.0, 0.4 * sheet.em)
        for index in range(int(width / (2 * dash))):
            sheet.rule(x + 2 * index * dash, x + (2 * index + 1) * dash, middle, look.mono.colour, look.rule_px)
    return top + sheet.em


def notice(sheet: Sheet, look: Look, shelf: FontShelf, width: float, height: float) -> None:
    """Few lines of many sizes and fonts, as on notices, covers, tickets and labels; sometimes within a frame."""
    rng, em = sheet.rng, sheet.em
    margin = sheet.between(2, 4) * em
    inner, top = width - 2 * margin, margin
    if sheet.chance(0.4):
        inset = 0.4 * margin
        sheet.outline(inset, inset, width - inset, height - inset, look.line_colour, max(1, round(0.12 * em)))
    align = _any_align(sheet)
    while top < height - margin - 6 * em:
        style = replace(look.heading, font=shelf.pick(shelf.any, rng)) if sheet.chance(0.4) else look.heading
        style = style.sized(sheet.between(0.9, 1.2) if sheet.chance(0.4) else sheet.between(1.4, 4.0))
        for _ in range(int(rng.integers(1, 3))):
            if top + sheet.metrics.leading(style) > height - margin:
                break
            top = sheet.line(margin, top, inner, style, align=align, most_words=int(rng.integers(1, 7)))
        top += sheet.between(0.2, 2.5) * em
        if sheet.chance(0.12):
            sheet.rule(margin, margin + inner, top, look.line_colour, look.rule_px)
            top += 0.6 * em


def _any_align(sheet: Sheet) -> Align:
    drawn = sheet.rng.random()
    return "left" if drawn < 0.45 else "centre" if drawn < 0.8 else "right"


LAYOUTS: dict[str, Layout] = {
    "article": article,
    "letter": letter,
    "form": form,
    "table": table_page,
    "receipt": receipt,
    "notice": notice,
}
