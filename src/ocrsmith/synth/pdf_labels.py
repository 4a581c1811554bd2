"""Labels of a PDF's lines in a picture: whole good words are kept together, every other word is ignored on its own."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.alphabet import Alphabet
from ocrsmith.geometry import box_quad, enclosing_quad
from ocrsmith.samples import Character, Image, TextInstance
from ocrsmith.synth.clipping import Edges, beyond_edges, clipped
from ocrsmith.synth.legibility import ink_separation
from ocrsmith.synth.paint import window_of
from ocrsmith.synth.pdf_text import PdfCharacter

# How far a rule goes on beyond a line, as a share of the line's height.
_RULE_BEYOND = 0.25
# A px that differs by less from its ground (0..255) shows nothing.
_SEEN = 18


def line_instances(
    image: Image,
    clean: Image,
    line: list[PdfCharacter],
    quads: NDArray[np.float32],
    edges: Edges,
    alphabet: Alphabet | None,
    legible_px: float,
) -> Iterator[TextInstance]:
    """The labels of one line: stretches of good words, and each other word on its own, ignored.

    Args:
        image: the finished picture. clean: the same before its degradation, which shows where ink was.
        quads: (N, 4, 2) px of the picture, one a character; those of spaces are set here.
        edges: px of the picture within which the page is drawn.
    """
    quads = _with_gaps(line, quads)
    height, width = image.shape[:2]
    limits = np.array([width, height], np.float32)
    lost = clipped([character.text for character in line], quads, edges)
    start: int | None = None
    end = 0
    for first, last in [*_words(line), (len(line), len(line))]:
        good = first < last and not lost[first:last].any() and _readable(line[first:last], alphabet)
        good = good and _shown(image, clean, quads[first:last])
        if good and (start is None or not _ruled(clean, quads[end:first])):
            start, end = first if start is None else start, last
            continue
        if start is not None:
            kept = np.clip(quads[start:end], 0, limits)
            low = float(np.linalg.norm(kept[:, 3] - kept[:, 0], axis=1).max()) < legible_px
            yield _instance(line[start:end], kept, low)
            start = None
        if good:
            start, end = first, last
        elif first < last and not beyond_edges(quads[first:last], edges) and _something(clean, quads[first:last]):
            yield _instance(line[first:last], quads[first:last], True)


def untold_instances(clean: Image, quad: NDArray[np.float32]) -> Iterator[TextInstance]:
    """The label of a picture or of outlines in the page, `quad` (4, 2) px: ignored, where anything of it is seen.

    Margins in which nothing is seen are left out: scanned words often stand in pictures twice their height.
    """
    # pdfium draws pictures to whole px, outwards.
    window = window_of(quad, clean.shape, 1)
    if window is None:
        return
    seen = _coverage(clean[window]) > _SEEN
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if rows.size:
        x, y = window[1].start, window[0].start
        box = box_quad(x + columns[0], y + rows[0], x + columns[-1] + 1, y + rows[-1] + 1)
        yield TextInstance(box, "", ignore=True)


def _readable(word: list[PdfCharacter], alphabet: Alphabet | None) -> bool:
    if any(character.fault or character.hidden for character in word):
        return False
    return alphabet is None or alphabet.covers("".join(character.text for character in word))


def _words(line: list[PdfCharacter]) -> Iterator[tuple[int, int]]:
    start = 0
    for index, character in enumerate([*line, None]):
        if character is None or character.text == " ":
            if index > start:
                yield start, index
            start = index + 1


def _with_gaps(line: list[PdfCharacter], quads: NDArray[np.float32]) -> NDArray[np.float32]:
    """Gives each space the quad between its neighbours, of their mean height, square to the line."""
    for index, character in enumerate(line):
        if character.text != " ":
            continue
        before, after = quads[index - 1], quads[index + 1]
        along = (before[1] - before[0]) / max(float(np.linalg.norm(before[1] - before[0])), 1e-6)
        down = np.array([-along[1], along[0]])
        left = float(before[1] @ along)
        right = max(float(after[0] @ along), left + 1.0)
        top, bottom = float((before[1] + after[0]) @ down) / 2, float((before[2] + after[3]) @ down) / 2
        corners = ((left, top), (right, top), (right, bottom), (left, bottom))
        quads[index] = [x * along + y * down for x, y in corners]
    return quads


def _instance(line: list[PdfCharacter], quads: NDArray[np.float32], ignore: bool) -> TextInstance:
    characters = tuple(Character(c.text, quad) for c, quad in zip(line, quads))
    return TextInstance(enclosing_quad(list(quads)), "".join(c.text for c in line), characters, ignore)


def _coverage(picture: Image) -> NDArray[np.uint8]:
    """How far each px is from the commonest brightness of a small picture, as ink's coverage."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    ground = int(np.bincount(grey.ravel(), minlength=256).argmax())
    return np.asarray(cv2.absdiff(grey, np.full_like(grey, ground)), np.uint8)


def _something(clean: Image, quads: NDArray[np.float32]) -> bool:
    """Whether anything is to be seen under a word's quads."""
    window = window_of(quads, clean.shape, 1)
    return window is not None and int(_coverage(clean[window]).max(initial=0)) > _SEEN


def _ruled(clean: Image, gaps: NDArray[np.float32]) -> bool:
    """Whether a rule parts two words: a table's cells stand in one line without being one.

    A rule, unlike a letter's overhang, goes on above and below the line.
    """
    down = np.abs(gaps[0, 3] - gaps[0, 0])
    level = down[1] > down[0]
    corners = gaps.reshape(-1, 2)
    grow = _RULE_BEYOND * down
    low, high = np.floor(corners.min(axis=0) - grow).astype(int), np.ceil(corners.max(axis=0) + grow).astype(int)
    # Along the line only px that lie wholly in the gap.
    way = 0 if level else 1
    low[way], high[way] = int(np.ceil(corners[:, way].min())), int(np.floor(corners[:, way].max()))
    (left, top), (right, bottom) = np.maximum(low, 0).tolist(), high.tolist()
    gap = clean[top:bottom, left:right]
    return gap.size > 0 and bool((_coverage(gap) > _SEEN).all(axis=way).any())


def _shown(image: Image, clean: Image, quads: NDArray[np.float32]) -> bool:
    """Whether a word's ink stands out in the finished picture; white on white and covered text does not."""
    window = window_of(quads, image.shape)
    return window is not None and ink_separation(image[window], _coverage(clean[window])).legible()
