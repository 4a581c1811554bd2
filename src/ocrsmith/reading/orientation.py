"""Pages and lines that lie on their side or stand on their head, found without a network of its own.

Boxes tell whether a page lies on its side; which side, and whether a page or a line stands on its head, is told by
reading a few of the longest crops the other way round: a CTC recogniser is sure of letters only the right way up.
An upright page that reads well costs no crop more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ocrsmith.geometry import ManyQuads, as_quads, quad_sizes
from ocrsmith.reading.crops import TALL_RATIO, are_tall
from ocrsmith.reading.page import Line, Page, ReadCharacter, Word
from ocrsmith.samples import Image

# "auto" looks where the boxes or the confidences give reason to, "check" on every page, "upright" never.
Orientation = Literal["auto", "check", "upright"]
ORIENTATIONS: tuple[Orientation, ...] = ("auto", "check", "upright")

# Crops that are read the other way round to decide about a page, and the least boxes that make a page of text.
SAMPLE = 6
MIN_BOXES = 3
# The mean confidence above which a page is not doubted, and a line; what another way round must be surer by.
SURE_PAGE = 0.85
SURE_LINE = 0.7
LEAD = 0.1
# Single lines: how sure the other way round must be, and how many of a page's lines are tried.
SURE_TURNED = 0.85
TRIED_SHARE = 0.05


def lies_on_its_side(quads: ManyQuads) -> bool:
    """Whether most of the text's length stands in tall boxes, of which there are a few."""
    if not len(quads):
        return False
    sizes = quad_sizes(as_quads(quads))
    longer, shorter = sizes.max(axis=1), sizes.min(axis=1)
    running = longer >= TALL_RATIO * shorter
    tall = are_tall(quads)
    wide_length, tall_length = longer[running & ~tall].sum(), longer[running & tall].sum()
    return bool((running & tall).sum() >= MIN_BOXES and tall_length > 2 * wide_length)


def longest(quads: ManyQuads, most: int, *, tall: bool = False) -> list[int]:
    """Indexes of the longest boxes of running text, wide or tall, at most so many, longest first."""
    sizes = quad_sizes(as_quads(quads))
    along, across = sizes[:, ::-1].T if tall else sizes.T
    running = np.flatnonzero(along >= 2 * across)
    return [int(index) for index in running[np.argsort(-along[running], kind="stable")][:most]]


def weakest(quads: ManyQuads, confidences: Sequence[float], lengths: Sequence[int]) -> list[int]:
    """Indexes of wide lines of several letters whose confidence is low, the longest first: a twentieth, at least 1."""
    most = max(1, round(TRIED_SHARE * len(quads)))
    doubted = [index for index in range(len(quads)) if confidences[index] < SURE_LINE and lengths[index] > 2]
    places = longest([quads[index] for index in doubted], most)
    return [doubted[place] for place in places]


def turned_image(image: Image, quarter_turns: int) -> Image:
    """The picture of a page that lies turned clockwise by so many quarters, set upright."""
    return np.ascontiguousarray(np.rot90(image, quarter_turns))


def turned_points(points: ArrayLike, quarter_turns: int, size: tuple[int, int]) -> NDArray[np.float32]:
    """(..., 2) px of the page set upright -> px of the picture of this (width, height), as it lies."""
    values = np.asarray(points, dtype=np.float32)
    x, y = values[..., 0], values[..., 1]
    width, height = size
    placed = {0: (x, y), 1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}[quarter_turns % 4]
    return np.stack(placed, axis=-1)


def upright_points(points: ArrayLike, quarter_turns: int, size: tuple[int, int]) -> NDArray[np.float32]:
    """The way back: px of the picture of this (width, height) -> px of the page set upright."""
    inside = size if quarter_turns % 2 == 0 else size[::-1]
    return turned_points(points, -quarter_turns % 4, inside)


def turned_page(page: Page, quarter_turns: int, image: Image) -> Page:
    """A page read from `turned_image(image, quarter_turns)`, in the px of the picture itself."""
    size = (image.shape[1], image.shape[0])
    lines = tuple(Line(tuple(_turned_word(word, quarter_turns, size) for word in line.words)) for line in page.lines)
    return replace(page, lines=lines, size=size, image=image, rotation=90 * (quarter_turns % 4))


def upright_page(page: Page) -> Page:
    """The page as it reads: set upright, with its picture and all coordinates; an upright one is returned itself."""
    turns = page.rotation // 90
    if not turns:
        return page
    size = page.size if turns == 2 else page.size[::-1]
    image = None if page.image is None else turned_image(page.image, turns)
    lines = tuple(Line(tuple(_turned_word(word, -turns % 4, size) for word in line.words)) for line in page.lines)
    return replace(page, lines=lines, size=size, image=image, rotation=0)


def _turned_word(word: Word, quarter_turns: int, size: tuple[int, int]) -> Word:
    characters = tuple(
        ReadCharacter(c.text, turned_points(c.quad, quarter_turns, size), c.confidence) for c in word.characters
    )
    return replace(word, polygon=turned_points(word.polygon, quarter_turns, size), characters=characters)
