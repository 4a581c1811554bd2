"""The text layer of a PDF's page as lines of characters with quads, as pdfium tells them, and where there is more.

Coordinates are shares of the page as it is shown (x to the right, y down, 0 to 1), whatever its /Rotate and boxes are.
"""

from __future__ import annotations

import ctypes
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from ocrsmith.synth.pdf_drawings import outlined_text, pictures
from ocrsmith.synth.pdf_overlaps import overlapped

# What FPDF_PageToDevice is asked for: it answers in whole px, so the page is said to be this many wide and high.
_FINE = 1 << 22
# A line goes on while the next character lies within these multiples of its height, along the line.
_LEAST_GAP, _MOST_GAP = -1.0, 2.4
# Over a break that pdfium puts in, which it also does within words that are set letter by letter.
_LEAST_JOINT, _MOST_JOINT = -0.3, 0.35
_LIGATURES = range(0xFB00, 0xFB07)
_INVISIBLE = int(pdfium.FPDF_TEXTRENDERMODE_INVISIBLE)


@dataclass(frozen=True, eq=False)
class PdfCharacter:
    """One cluster: its text, its quad in shares of the page, and what is wrong with it ("" for nothing)."""

    text: str
    quad: NDArray[np.float64]
    fault: str
    hidden: bool


@dataclass(frozen=True, eq=False)
class PdfText:
    """A page's lines, each a list of characters in reading order, spaces (with no quad of their own) between words."""

    lines: list[list[PdfCharacter]]
    counts: Counter[str]
    untold: list[NDArray[np.float64]]  # (4, 2) quads of pictures and of outlines, whose text is in no layer

    @property
    def num_characters(self) -> int:
        """Spaces not counted."""
        return sum(not character.text.isspace() for line in self.lines for character in line)


def read_text(page: pypdfium2.PdfPage) -> PdfText:
    """Reads a page's text layer.

    A ligature that pdfium tells as several characters in one box is one cluster. Text that stands askew (not along an
    edge of the page) or mirrored is told with a fault, since its boxes are not its quads; so are characters that a
    broken encoding made U+FFFD, private, control or unmapped ones, and those that another line is printed over.
    """
    text_page = page.get_textpage()
    try:
        return _Reader(page, text_page).read()
    finally:
        text_page.close()


def page_matrix(page: pypdfium2.PdfPage) -> NDArray[np.float64]:
    """(2, 3): points of the page's own space to shares of the page as shown."""
    corners = []
    for point in ((0.0, 0.0), (1000.0, 0.0), (0.0, 1000.0)):
        x, y = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDF_PageToDevice(page, 0, 0, _FINE, _FINE, 0, *point, ctypes.byref(x), ctypes.byref(y))
        corners.append((x.value / _FINE, y.value / _FINE))
    origin, right, up = (np.array(corner) for corner in corners)
    return np.stack([(right - origin) / 1000.0, (up - origin) / 1000.0, origin], axis=1)


def _without_leaders(line: list[PdfCharacter]) -> Iterator[list[PdfCharacter]]:
    """A line's parts between dots that stand alone in it, and each such dot: in a table of contents they lead from a
    title to its page, and the first and the last stand near enough to be taken for the title's and the page's."""
    start = 0
    for index, character in enumerate(line):
        apart = index == 0 or line[index - 1].text == " "
        if character.text == "." and apart and (index + 1 == len(line) or line[index + 1].text == " "):
            if index > start:
                yield line[start : index - 1]
            yield [character]
            start = index + 2
    if start < len(line):
        yield line[start:]


class _Reader:
    """The work of one `read_text`."""

    def __init__(self, page: pypdfium2.PdfPage, text_page: pypdfium2.PdfTextPage) -> None:
        self.page, self.text_page = page, text_page
        self.matrix = page_matrix(page)
        width, height = page.get_size()
        self.size = np.array([width, height])
        self.lines: list[list[PdfCharacter]] = []
        self.line: list[PdfCharacter] = []
        self.direction: int | None = None
        self.counts: Counter[str] = Counter()
        self.space_waits = self.break_waits = False
        self.last_box: tuple[float, float, float, float] | None = None

    def read(self) -> PdfText:
        pending = ""
        for index in range(self.text_page.count_chars()):
            code = pdfium.FPDFText_GetUnicode(self.text_page, index)
            if 0xD800 <= code < 0xDC00:
                pending = chr(code)
                continue
            # The hyphen of a word that goes on in the next line has a code of pdfium's own.
            text = "-" if pdfium.FPDFText_IsHyphen(self.text_page, index) == 1 else chr(code)
            if pending:
                text = (pending + text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
                pending = ""
            if text in "\r\n":
                self.break_waits = bool(self.line)
            elif text.isspace():
                self.space_waits = bool(self.line)
            else:
                self._add(index, text)
        self._end_line()
        lines = [part for line in self.lines for part in _without_leaders(line)]
        self._tell_overlaps(lines)
        return PdfText(lines, self.counts, [*pictures(self.page, self.matrix), *self._outlines()])

    def _tell_overlaps(self, lines: list[list[PdfCharacter]]) -> None:
        """Gives characters that another line is printed over a fault, in place."""
        seen = [
            [place for place, character in enumerate(line) if character.text != " " and not character.hidden]
            for line in lines
        ]
        quads = [np.array([line[place].quad for place in places]) for line, places in zip(lines, seen, strict=True)]
        marks = overlapped([line.reshape(-1, 4, 2) for line in quads])
        for line, places, covered in zip(lines, seen, marks, strict=True):
            for place in np.array(places, np.int64)[covered].tolist():
                if not line[place].fault:
                    line[place] = replace(line[place], fault="OverlappingText")
                    self.counts["OverlappingText"] += 1

    def _outlines(self) -> list[NDArray[np.float64]]:
        quads = [character.quad for line in self.lines for character in line if not character.hidden]
        centres = np.stack(quads).mean(axis=1) if quads else np.empty((0, 2))
        return outlined_text(self.page, self.matrix, centres)

    def _end_line(self) -> None:
        if self.line:
            self.lines.append(self.line)
        self.line, self.direction, self.last_box = [], None, None
        self.space_waits = self.break_waits = False

    def _add(self, index: int, text: str) -> None:
        box = self.text_page.get_charbox(index)
        if box[2] - box[0] <= 0 or box[3] - box[1] <= 0:
            # Without extent nothing is to be seen: soft hyphens, zero-width joiners, invisible fonts.
            self.counts["NoExtent"] += 1
            return
        if self.line and box == self.last_box and not self.space_waits and not self.break_waits:
            before = self.line[-1]
            self.line[-1] = PdfCharacter(before.text + text, before.quad, before.fault, before.hidden)
            return
        if len(text) == 1 and ord(text) in _LIGATURES:
            text = unicodedata.normalize("NFKC", text)
        quad, direction, fault = self._quad(index, box)
        fault = fault or self._encoding_fault(index, text)
        if fault:
            self.counts[fault] += 1
        if self.line and (direction != self.direction or not self._follows(quad, self.line[-1].quad)):
            self._end_line()
        self.break_waits = False
        if self.space_waits:
            self.line.append(PdfCharacter(" ", quad, "", False))
            self.space_waits = False
        hidden = self._render_mode(index) == _INVISIBLE
        self.counts["HiddenText"] += hidden
        self.line.append(PdfCharacter(text, quad, fault, hidden))
        self.direction, self.last_box = direction, box

    def _quad(
        self, index: int, box: tuple[float, float, float, float]
    ) -> tuple[NDArray[np.float64], int, str]:  # fmt: skip
        left, bottom, right, top = box
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        shown = corners @ self.matrix[:, :2].T + self.matrix[:, 2]
        (x0, y0), (x1, y1) = shown.min(axis=0), shown.max(axis=0)
        upright = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
        form = pdfium.FS_MATRIX()
        if not pdfium.FPDFText_GetMatrix(self.text_page, index, ctypes.byref(form)):
            return upright, 0, ""
        # A size below nothing turns the letters once more: matrices of minus one then stand for upright text.
        sign = -1.0 if pdfium.FPDFText_GetFontSize(self.text_page, index) < 0 else 1.0
        linear = self.matrix[:, :2] * self.size[:, None] * sign
        along, up = linear @ [form.a, form.b], linear @ [form.c, form.d]
        angle = float(np.degrees(np.arctan2(along[1], along[0])))
        turns = round(angle / 90.0)
        if abs(angle - 90.0 * turns) > 1.0:
            return upright, turns % 4, "AskewText"
        # On the screen y runs down, so upright text turns left from its direction to its own top.
        fault = "MirroredText" if along[0] * up[1] - along[1] * up[0] > 0 else ""
        return np.roll(upright, -(turns % 4), axis=0), turns % 4, fault

    def _encoding_fault(self, index: int, text: str) -> str:
        broken = any(unicodedata.category(c) in ("Co", "Cc", "Cn", "Cs") or c == "\ufffd" for c in text)
        unmapped = pdfium.FPDFText_HasUnicodeMapError(self.text_page, index) == 1
        return "BrokenEncoding" if broken or unmapped else ""

    def _render_mode(self, index: int) -> int:
        part = pdfium.FPDFText_GetTextObject(self.text_page, index)
        return int(pdfium.FPDFTextObj_GetTextRenderMode(part)) if part else 0

    def _follows(self, quad: NDArray[np.float64], before: NDArray[np.float64]) -> bool:
        """Whether a character stands on the line of the one before it, near its end."""
        here, there = quad * self.size, before * self.size
        along = there[1] - there[0]
        along = along / max(float(np.linalg.norm(along)), 1e-9)
        down = np.array([-along[1], along[0]])
        height = max(float((there[3] - there[0]) @ down), float((here[3] - here[0]) @ down), 1e-6)
        gap = float((here[0] - there[1]) @ along)
        shared = min(float(here[3] @ down), float(there[3] @ down)) - max(float(here[0] @ down), float(there[0] @ down))
        if self.break_waits:
            return _LEAST_JOINT * height <= gap <= _MOST_JOINT * height and shared > 0
        # Low signs (a comma behind a dash) share no height; their distance across the line then decides.
        return _LEAST_GAP * height <= gap <= _MOST_GAP * height and shared > -0.8 * height
