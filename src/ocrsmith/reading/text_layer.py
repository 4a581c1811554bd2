"""The text that a PDF page carries: its words where PDFium places them, and whether its encoding can be trusted."""

from __future__ import annotations

import ctypes
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import pypdfium2
import pypdfium2.raw
from pypdfium2 import PdfPage

from ocrsmith.geometry import bounds, box_quad
from ocrsmith.reading.crops import turn_quad
from ocrsmith.reading.page import LayerState, ReadCharacter, Word

# "use" takes the layer where there is one, "ignore" always reads the picture, "check" does both and compares.
LayerChoice = Literal["ignore", "use", "check"]
LAYER_CHOICES: tuple[LayerChoice, ...] = ("ignore", "use", "check")

# The share of characters without a meaning (private codes, control characters, outside the page) that breaks a layer.
MAX_BROKEN = 0.05
# The share of words in common below which a layer and what was read are not the same text.
MIN_AGREEMENT = 0.5
# PDFium's conversion gives whole px; sixteenths keep the boxes exact.
_FINE = 16
_HYPHENS = frozenset({"\u0002", "\ufffe", "\u00ad"})
_BROKEN_CATEGORIES = frozenset({"Cc", "Cn", "Co", "Cs"})


@dataclass(frozen=True, eq=False)
class TextLayer:
    """The text of one PDF page.

    Attributes:
        words: in the file's own order, in px of the rendered page, each of confidence 1.
        num_characters: spaces not counted.
        num_broken: those that stand for no character, or outside the page.
    """

    words: tuple[Word, ...]
    num_characters: int
    num_broken: int

    @property
    def state(self) -> LayerState:
        """Whether there is a layer, and whether its characters mean something."""
        if self.num_characters == 0:
            return "absent"
        return "broken" if self.num_broken > MAX_BROKEN * self.num_characters else "whole"

    @property
    def text(self) -> str:
        """The words, one space between."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True)
class _Glyph:
    text: str
    box: tuple[float, float, float, float]
    broken: bool


def read_text_layer(page: PdfPage, size: tuple[int, int]) -> TextLayer:
    """The layer of a page that is rendered at this (width, height) px."""
    textpage = page.get_textpage()
    try:
        groups = list(_words(_glyphs(page, textpage, size)))
    finally:
        textpage.close()
    glyphs = [glyph for group in groups for glyph in group]
    return TextLayer(tuple(map(_word, groups)), len(glyphs), sum(glyph.broken for glyph in glyphs))


def _glyphs(page: PdfPage, textpage: pypdfium2.PdfTextPage, size: tuple[int, int]) -> Iterator[_Glyph | None]:
    """The characters in order; None where a word ends."""
    high = 0
    for index in range(textpage.count_chars()):
        code = int(pypdfium2.raw.FPDFText_GetUnicode(textpage, index))
        if 0xD800 <= code < 0xDC00:
            high = code
            continue
        if 0xDC00 <= code < 0xE000 and high:
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)
        high = 0
        text = chr(code) if code <= 0x10FFFF else "\ufffd"
        if text.isspace() or code == 0:
            yield None
            continue
        if text in _HYPHENS:
            text = "-"
        box = _box(page, textpage, index, size)
        outside = box[2] <= 0 or box[3] <= 0 or box[0] >= size[0] or box[1] >= size[1]
        meaningless = text == "\ufffd" or unicodedata.category(text) in _BROKEN_CATEGORIES
        yield _Glyph(text, box, outside or meaningless)


def _box(
    page: PdfPage, textpage: pypdfium2.PdfTextPage, index: int, size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) px of a character: its advance wide and its font's height high."""
    loose = pypdfium2.raw.FS_RECTF()
    pypdfium2.raw.FPDFText_GetLooseCharBox(textpage, index, loose)
    x, y = ctypes.c_int(), ctypes.c_int()
    corners = []
    for across, up in ((loose.left, loose.top), (loose.right, loose.bottom)):
        pypdfium2.raw.FPDF_PageToDevice(page, 0, 0, _FINE * size[0], _FINE * size[1], 0, across, up, x, y)
        corners.append((x.value / _FINE, y.value / _FINE))
    (x0, y0), (x1, y1) = corners
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _words(glyphs: Iterable[_Glyph | None]) -> Iterator[list[_Glyph]]:
    """Groups at spaces, and where the next character stands somewhere else: PDFs may leave spaces out."""
    word: list[_Glyph] = []
    for glyph in glyphs:
        if word and (glyph is None or _apart(word[-1], glyph)):
            yield word
            word = []
        if glyph is not None:
            word.append(glyph)
    if word:
        yield word


def _apart(before: _Glyph, after: _Glyph) -> bool:
    size = max(1.0, *(min(g.box[2] - g.box[0], g.box[3] - g.box[1]) for g in (before, after)))
    gap_x = max(before.box[0], after.box[0]) - min(before.box[2], after.box[2])
    gap_y = max(before.box[1], after.box[1]) - min(before.box[3], after.box[3])
    return max(gap_x, gap_y) > 1.5 * size


def _word(glyphs: Sequence[_Glyph]) -> Word:
    first, last = glyphs[0].box, glyphs[-1].box
    across, down = (last[0] + last[2] - first[0] - first[2]), (last[1] + last[3] - first[1] - first[3])
    # Which way the text runs is told by where its last character stands.
    turns = (1 if down > 0 else 3) if abs(down) > abs(across) else (2 if across < 0 else 0)
    characters = tuple(ReadCharacter(glyph.text, turn_quad(box_quad(*glyph.box), turns), 1.0) for glyph in glyphs)
    hull = box_quad(*bounds([character.quad for character in characters]))
    return Word("".join(glyph.text for glyph in glyphs), turn_quad(hull, turns), 1.0, characters)


def agreement(first: Iterable[Word], second: Iterable[Word]) -> float:
    """The share (0 to 1) of two texts' words that they have in common: twice those by all, letters and digits only."""
    bags = [Counter(_letters(word.text) for word in words) for words in (first, second)]
    for bag in bags:
        del bag[""]
    total = sum(bag.total() for bag in bags)
    return 2 * (bags[0] & bags[1]).total() / total if total else 1.0


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text)).casefold()
