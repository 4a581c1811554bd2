"""Character boxes from words: what a detector that sees characters is taught where only words or lines are labelled.

Baek et al., "Character Region Awareness for Text Detection", CVPR 2019, section 3.2.2: the boxes that the present
network finds in a word are trusted as far as their number agrees with the length of the word; where it agrees in less
than half, the word is cut into equal parts. Lines are cut into words first, at gaps and by their words' lengths.

Boxes here are (N, 4) float32 rows left, top, right, bottom, in px of a crop that shows the text upright, sorted from
left to right.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import Quad, box_quad, minimum_area_quad, quad_size
from ocrsmith.samples import Character

Boxes = NDArray[np.float32]

# What an even split is trusted with, and the confidence up to which it takes the found boxes' place.
EVEN_CONFIDENCE = 0.5
# Of its width: a quad taller than this is text that runs down or up the page.
_TALL = 2.0
# Of letters that a word of a line may have more or fewer boxes than, beside the line's own surplus.
_MOST_OFF = 3


@dataclass(frozen=True, eq=False)
class WeakWord:
    """A word of a crop with its characters' boxes (N, 4), the piece of its text in each, and how far to trust them.

    `evenly`: the boxes are an even split.
    """

    text: str
    pieces: tuple[str, ...]
    boxes: Boxes
    confidence: float
    evenly: bool


def count_confidence(length: int, num_found: int) -> float:
    """How far `num_found` boxes are trusted for a word of `length` >= 1 characters, 0 to 1.

    (l - min(l, |l - lc|)) / l, equation 3 of the paper: five boxes for six letters give 5/6, twelve or none give 0.
    """
    if length < 1:
        raise ValueError(f"A word of length {length} came. It has at least one character.")
    return (length - min(length, abs(length - num_found))) / length


def reading_quad(polygon: NDArray[np.float32], text: str) -> Quad:
    """The quad (4, 2) whose first side runs along the text.

    One that is more than twice as tall as wide begins at its upper right corner, unless it holds a single character.
    """
    quad = polygon if len(polygon) == 4 else minimum_area_quad(polygon)
    width, height = quad_size(quad)
    runs_down = len(text) > 1 and height > _TALL * width
    return np.roll(quad, -1, axis=0) if runs_down else np.asarray(quad, np.float32)


def split_evenly(polygon: NDArray[np.float32], text: str) -> tuple[Character, ...]:
    """One quad a character (spaces too), equal parts of the polygon along its text.

    A polygon of an even number of points holds its upper side in the first half and its lower side, backwards, in the
    second, as curved text is labelled; both are cut into equal lengths. Others are taken as their smallest rectangle.
    """
    points = np.asarray(polygon, np.float32)
    if len(points) == 4 or len(points) % 2:
        points = reading_quad(points, text)
    half = len(points) // 2
    upper = _along(points[:half], len(text))
    lower = _along(points[half:][::-1], len(text))
    quads = np.stack([upper[:-1], upper[1:], lower[1:], lower[:-1]], axis=1)
    return tuple(Character(character, quad) for character, quad in zip(text, quads, strict=True))


def _along(side: NDArray[np.float32], parts: int) -> NDArray[np.float32]:
    """(parts + 1, 2) points at equal distances along an open line (P, 2)."""
    reached = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(side, axis=0), axis=1))])
    wanted = np.linspace(0.0, reached[-1], parts + 1)
    return np.stack([np.interp(wanted, reached, side[:, axis]) for axis in (0, 1)], axis=1).astype(np.float32)


def label_words(text: str, found: Boxes, span: tuple[float, float, float, float]) -> list[WeakWord]:
    """The words of a labelled text with boxes for their characters.

    Args:
        text: of a word or a line; at least one character that is not a space.
        found: boxes (N, 4) of the network's characters.
        span: left, top, right, bottom of the label in the crop, which an even split fills.

    Returns:
        A word each. A single word has `count_confidence`; of a line each word has its own. Where it is
        `EVEN_CONFIDENCE` or less the word (of a line that is so as a whole, the line) is split evenly.
    """
    words = text.split()
    if not words:
        raise ValueError(f"The text {text!r} has no characters to label.")
    total = sum(map(len, words))
    if len(found) < len(words) or count_confidence(total, len(found)) <= EVEN_CONFIDENCE:
        return _even_words(words, span)
    if len(words) == 1:
        return [_counted(words[0], found)]
    cuts = cut_into_words(found, [len(word) for word in words])
    labelled = []
    for word, start, stop in zip(words, [0, *cuts], [*cuts, len(found)], strict=True):
        own = found[start:stop]
        if count_confidence(len(word), len(own)) > EVEN_CONFIDENCE:
            labelled.append(_counted(word, own))
        else:
            labelled += _even_words([word], (float(own[0, 0]), span[1], float(own[-1, 2]), span[3]))
    return labelled


def _counted(word: str, found: Boxes) -> WeakWord:
    """A word by the boxes found: too many are joined, and where they are too few some hold several letters."""
    confidence = count_confidence(len(word), len(found))
    boxes = join_nearest(found, len(word))
    ends = np.linspace(0, len(word), len(boxes) + 1).round().astype(int)
    pieces = tuple(word[start:stop] for start, stop in itertools.pairwise(ends))
    return WeakWord(word, pieces, boxes, confidence, False)


def _even_words(words: Sequence[str], span: tuple[float, float, float, float]) -> list[WeakWord]:
    """Every character, and every space between words, as wide as the others."""
    left, top, right, bottom = span
    text = " ".join(words)
    edges = np.linspace(left, right, len(text) + 1)
    labelled, start = [], 0
    for word in words:
        own = edges[start : start + len(word) + 1]
        height = np.full(len(word), top), np.full(len(word), bottom)
        boxes = np.stack([own[:-1], height[0], own[1:], height[1]], axis=1).astype(np.float32)
        labelled.append(WeakWord(word, tuple(word), boxes, EVEN_CONFIDENCE, True))
        start += len(word) + 1
    return labelled


def join_nearest(boxes: Boxes, most: int) -> Boxes:
    """Joins neighbours, always the two that are narrowest together, until there are `most` >= 1 at most.

    Halves of one letter are narrower together than two letters are.
    """
    joined = [box.copy() for box in boxes]
    while len(joined) > max(most, 1):
        widths = [second[2] - first[0] for first, second in itertools.pairwise(joined)]
        place = int(np.argmin(widths))
        first, second = joined[place], joined.pop(place + 1)
        joined[place] = np.concatenate([np.minimum(first[:2], second[:2]), np.maximum(first[2:], second[2:])])
    return np.array(joined, np.float32).reshape(-1, 4)


def cut_into_words(boxes: Boxes, lengths: Sequence[int]) -> list[int]:
    """Where a line's boxes (N, 4) are cut into len(lengths) words, N >= len(lengths): the first box of each but one.

    The cheapest of all cuts: a word costs 1 for every box that it has more or fewer than letters, and a cut saves the
    gap that it is made at, in median widths of a box, 2 at most. By dynamic programming over (word, boxes used).
    """
    num_boxes, num_words = len(boxes), len(lengths)
    median = max(float(np.median(boxes[:, 2] - boxes[:, 0])), 1e-6)
    saved = np.zeros(num_boxes + 1)
    saved[1:-1] = np.clip((boxes[1:, 0] - boxes[:-1, 2]) / median, 0.0, 2.0)
    most_off = _MOST_OFF + abs(num_boxes - sum(lengths))
    cost = np.full((num_words + 1, num_boxes + 1), np.inf)
    cost[0, 0] = 0.0
    taken = np.zeros((num_words + 1, num_boxes + 1), np.int64)
    for word, length in enumerate(lengths, 1):
        for size in range(max(1, length - most_off), min(num_boxes, length + most_off) + 1):
            ends = np.arange(size, num_boxes + 1)
            offered = cost[word - 1, ends - size] + abs(size - length) - saved[ends]
            better = offered < cost[word, ends]
            cost[word, ends[better]] = offered[better]
            taken[word, ends[better]] = size
    cuts, end = [], num_boxes
    for word in range(num_words, 1, -1):
        end -= int(taken[word, end])
        cuts.append(end)
    return cuts[::-1]


def box_quads(boxes: Boxes) -> NDArray[np.float32]:
    """(N, 4) boxes as (N, 4, 2) quads."""
    return np.array([box_quad(*box) for box in boxes], np.float32).reshape(-1, 4, 2)
