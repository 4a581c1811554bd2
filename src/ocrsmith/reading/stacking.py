"""Stacked text, one upright letter below the other, as on hotel signs: its letters side by side, read as a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ocrsmith.geometry import Quad, as_quad, bounds
from ocrsmith.reading.ink import ink_mask
from ocrsmith.reading.page import ReadCharacter, Recognized, RecognizedCharacter, Word
from ocrsmith.samples import Image

# In widths of the column: what a letter's height may be, and the gap below it that ends a word.
MIN_LETTER, MAX_LETTER = 0.35, 1.7
WORD_GAP = 1.0
# In heights: letters and pairs of letters of a column are narrower.
MAX_WIDE = 1.4
# Of the letters' height: what is put between two of them.
_BETWEEN = 0.15


@dataclass(frozen=True, eq=False)
class Stack:
    """Letters of a column laid side by side.

    Attributes:
        crop: (h, w, 3), the letters from left to right.
        cells: (N, 2) shares (0 to 1) of the column's height, top and bottom of each letter.
        stops: (N,) shares of the crop's width at which each letter ends.
    """

    crop: Image
    cells: NDArray[np.float64]
    stops: NDArray[np.float64]


def columns(quads: Sequence[ArrayLike]) -> list[list[int]]:
    """Indexes of boxes that stand on each other like a sign's letters, from top to bottom; two letters are too few.

    Boxes with a neighbour on their own row are a table's or a list's and not a sign's.
    """
    if len(quads) < 2:
        return []
    boxes = np.array([bounds(quad) for quad in quads], dtype=np.float64)
    left, top, right, bottom = boxes.T
    width, height = right - left, bottom - top
    middle = (left + right) / 2
    narrow = width < MAX_WIDE * height
    following: dict[int, int] = {}
    for index in np.flatnonzero(narrow & ~_has_neighbour(boxes)):
        gap = top - bottom[index]
        size = np.maximum(width, width[index])
        fits = (
            narrow
            & (np.abs(middle - middle[index]) < 0.35 * size)
            & (np.minimum(width, width[index]) > 0.4 * size)
            & (np.abs(gap) < 0.4 * width[index])
            & (top > top[index])
        )
        if fits.any():
            following[int(index)] = int(np.flatnonzero(fits)[np.argmin(gap[fits])])
    found: list[list[int]] = []
    for first in sorted(set(following) - set(following.values())):
        chain = [first]
        while chain[-1] in following:
            chain.append(following[chain[-1]])
        tall = bottom[chain].max() - top[chain].min() > 2.2 * float(np.median(width[chain]))
        if tall and not any(index in other for other in found for index in chain):
            found.append(chain)
    return found


def _has_neighbour(boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N,) whether another box shares half of a box's rows and stands within two of its heights beside it."""
    left, top, right, bottom = boxes.T
    height = np.maximum(bottom - top, 1e-6)
    shared = np.minimum(bottom[:, None], bottom) - np.maximum(top[:, None], top)
    apart = np.maximum(left[:, None], left) - np.minimum(right[:, None], right)
    beside = (shared > 0.5 * np.minimum(height[:, None], height)) & (apart < 2 * np.minimum(height[:, None], height))
    np.fill_diagonal(beside, False)
    return np.asarray(beside.any(axis=1))


def stack(column: Image) -> Stack | None:
    """A tall crop (h, w, 3) -> its letters side by side; None where its ink does not fall into letters."""
    rows = letter_rows(column)
    if len(rows) < 2:
        return None
    heights = rows[:, 1] - rows[:, 0]
    usual = float(np.median(heights))
    if not MIN_LETTER * column.shape[1] <= usual <= MAX_LETTER * column.shape[1]:
        return None
    target = int(heights.max())
    ground = np.median(column.reshape(-1, 3), axis=0).astype(np.uint8)
    between = np.broadcast_to(ground, (target, max(1, round(_BETWEEN * target)), 3))
    pieces, widths = [between], [between.shape[1]]
    for top, bottom in rows:
        letter = np.broadcast_to(ground, (target, column.shape[1], 3)).copy()
        # Letters stand on one baseline.
        letter[target - (bottom - top) :] = column[top:bottom]
        shown = _cut_to_ink(letter)
        pieces += [shown, between]
        widths.append(shown.shape[1] + between.shape[1])
    crop = np.ascontiguousarray(np.concatenate(pieces, axis=1))
    edge = round(0.1 * target)
    padded = cv2.copyMakeBorder(crop, edge, edge, 0, 0, cv2.BORDER_CONSTANT, value=ground.tolist())
    stops = np.cumsum(widths)[1:] / crop.shape[1]
    return Stack(np.asarray(padded, np.uint8), rows / column.shape[0], stops)


def letter_rows(column: Image) -> NDArray[np.int64]:
    """(N, 2) first row and the one after the last of each letter of a column, top to bottom; small marks are joined."""
    # The mask drops rules along its width and ink at its edges: here the column's length and sides.
    ink = ink_mask(np.ascontiguousarray(np.rot90(column))).any(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ink, [False]]).astype(np.int8)))
    runs = edges.reshape(-1, 2)
    least = MIN_LETTER * column.shape[1]
    joined: list[list[int]] = []
    for first, last in runs.tolist():
        # A dot belongs to the stroke below it, and a broken letter's parts to each other.
        near = bool(joined) and first - joined[-1][1] <= 0.12 * column.shape[1]
        if near and (joined[-1][1] - joined[-1][0] < least or last - first < least):
            joined[-1][1] = last
        else:
            joined.append([first, last])
    return np.array([run for run in joined if run[1] - run[0] >= 0.5 * least], np.int64).reshape(-1, 2)


def _cut_to_ink(letter: Image) -> Image:
    columns = np.flatnonzero(ink_mask(letter).any(axis=0))
    return letter[:, columns[0] : columns[-1] + 1] if len(columns) else letter


def words_in_stack(recognized: Recognized, made: Stack, quad: Quad) -> list[Word]:
    """Places what was read in a stack's crop on the page: each letter in its cell of the tall quad."""
    letters = [character for character in recognized.characters if not character.text.isspace()]
    cells = [int(np.searchsorted(made.stops, min((letter.start + letter.stop) / 2, 1.0 - 1e-9))) for letter in letters]
    heights = made.cells[:, 1] - made.cells[:, 0]
    words: list[list[tuple[RecognizedCharacter, int]]] = []
    for letter, cell in zip(letters, cells):
        cell = min(cell, len(heights) - 1)
        above = words[-1][-1][1] if words else None
        if above is None or made.cells[cell, 0] - made.cells[above, 1] > WORD_GAP * float(np.median(heights)):
            words.append([])
        words[-1].append((letter, cell))
    return [_word(word, made.cells, quad) for word in words]


def _word(letters: list[tuple[RecognizedCharacter, int]], cells: NDArray[np.float64], quad: Quad) -> Word:
    characters = tuple(ReadCharacter(c.text, _between(quad, *cells[cell]), c.confidence) for c, cell in letters)
    return Word(
        "".join(c.text for c, _ in letters),
        _between(quad, cells[letters[0][1], 0], cells[letters[-1][1], 1]),
        float(np.mean([c.confidence for c, _ in letters])),
        characters,
    )


def _between(quad: Quad, top: float, bottom: float) -> Quad:
    """The part of a quad between two shares of its height."""
    corners = as_quad(quad)
    left, right = corners[3] - corners[0], corners[2] - corners[1]
    return np.stack(
        [corners[0] + left * top, corners[1] + right * top, corners[1] + right * bottom, corners[0] + left * bottom]
    ).astype(np.float32)
