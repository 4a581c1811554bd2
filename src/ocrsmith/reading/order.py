"""Words or lines on a page -> lines in reading order: skew, rows, columns.

Columns are found by recursive cuts at empty lanes (Nagy and Seth's X-Y cut, ICPR 1984), of which only lanes between
running text count: a table's lanes leave its rows together.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import ManyQuads, as_quads
from ocrsmith.reading.page import Line, Word

# In heights of the text: the widest gap within a line, and what makes a column of running text.
MAX_GAP = 1.5
MIN_COLUMN_WIDTH = 8.0
MIN_COLUMN_ROWS = 3
# Of a column's width: what a usual row of running text fills.
MIN_FILL = 0.6
# Of the lower of two words' heights: the vertical overlap that puts them on one line.
MIN_OVERLAP = 0.5
# Pairs of words are looked at so many words at a time, which bounds memory on pages of thousands.
_ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class _Boxes:
    """Upright boxes after the page's skew is taken out: left, right, top, bottom, each (N,)."""

    left: NDArray[np.float64]
    right: NDArray[np.float64]
    top: NDArray[np.float64]
    bottom: NDArray[np.float64]

    def take(self, indexes: Sequence[int] | NDArray[np.int64]) -> _Boxes:
        at = np.asarray(indexes, dtype=np.int64)
        return _Boxes(self.left[at], self.right[at], self.top[at], self.bottom[at])


def skew_degrees(quads: ManyQuads) -> float:
    """The page's skew: the median direction of the quads' top and bottom sides, weighted by their lengths.

    Quads that run more steeply than 45 degrees have no say; 0 where none is left.
    """
    if not len(quads):
        return 0.0
    stacked = as_quads(quads).astype(np.float64)
    across = stacked[:, 1] - stacked[:, 0] + stacked[:, 2] - stacked[:, 3]
    angles = np.degrees(np.arctan2(across[:, 1], across[:, 0]))
    lengths = np.hypot(across[:, 0], across[:, 1])
    level = (np.abs(angles) < 45) & (lengths > 0)
    if not level.any():
        return 0.0
    order = np.argsort(angles[level])
    cumulative = np.cumsum(lengths[level][order])
    return float(angles[level][order][np.searchsorted(cumulative, cumulative[-1] / 2)])


def arrange(quads: ManyQuads, counts: Sequence[int] | None = None) -> list[list[int]]:
    """Quads of words (or of pieces of lines) -> lines of indexes, both in reading order, left to right and down.

    `counts`, where given, says how many quads each unit has, at least one; a unit goes as one, and indexes are units'.
    """
    if not len(quads):
        return []
    boxes = _level(quads, counts)
    lines = _lines(boxes)
    order = [index for line in lines for index in line]
    starts = np.cumsum([0, *(len(line) for line in lines[:-1])])
    part = boxes.take(order)
    hulls = _Boxes(
        np.minimum.reduceat(part.left, starts),
        np.maximum.reduceat(part.right, starts),
        np.minimum.reduceat(part.top, starts),
        np.maximum.reduceat(part.bottom, starts),
    )
    blocks = _cut(list(range(len(lines))), hulls, _line_height(boxes))
    return [lines[index] for block in blocks for index in block]


def lines_of(units: Sequence[Sequence[Word]]) -> tuple[Line, ...]:
    """Units (the words of one detection each) -> lines in reading order; a unit's own words stay together."""
    quads = np.array([word.quad for unit in units for word in unit], np.float32)
    order = arrange(quads, [len(unit) for unit in units])
    return tuple(Line(tuple(word for index in line for word in units[index])) for line in order)


def _level(quads: ManyQuads, counts: Sequence[int] | None) -> _Boxes:
    """The boxes of the units, or of the quads, with the page's skew taken out."""
    angle = -np.radians(skew_degrees(quads))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (as_quads(quads).reshape(-1, 2).astype(np.float64) @ turn.T).T
    starts = 4 * (np.arange(len(quads)) if counts is None else np.cumsum([0, *counts[:-1]]))
    (left, top), (right, bottom) = (side.reduceat(points, starts, axis=1) for side in (np.minimum, np.maximum))
    return _Boxes(left, right, top, bottom)


def _line_height(boxes: _Boxes) -> float:
    return max(1.0, float(np.median(np.minimum(boxes.bottom - boxes.top, boxes.right - boxes.left))))


def _lines(boxes: _Boxes) -> list[list[int]]:
    """Joins each word to the nearest one at its right that stands on the same line and is of a like size."""
    heights = np.maximum(boxes.bottom - boxes.top, 1e-3)
    follower: dict[int, int] = {}
    leader: dict[int, int] = {}
    gaps, left, right = [], [], []
    for first in range(0, len(heights), _ROWS_AT_ONCE):
        some = slice(first, first + _ROWS_AT_ONCE)
        gap, fits = _beside(boxes, heights, some)
        here, there = np.nonzero(fits)
        gaps.append(np.abs(gap[here, there]))
        left.append(here + first)
        right.append(there)
    pairs = np.concatenate(left), np.concatenate(right)
    by_gap = np.lexsort((pairs[1], pairs[0], np.concatenate(gaps)))
    # The closest pairs first, each word with one neighbour a side.
    for index, other in zip(pairs[0][by_gap].tolist(), pairs[1][by_gap].tolist()):
        if index not in follower and other not in leader:
            follower[index], leader[other] = other, index
    lines = []
    for index in range(len(heights)):
        if index in leader:
            continue
        line = [index]
        while line[-1] in follower:
            line.append(follower[line[-1]])
        lines.append(line)
    return lines


def _beside(boxes: _Boxes, heights: NDArray[np.float64], some: slice) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """For some boxes (rows) and all (columns): the gap, and whether the second may follow the first on its line."""
    left, right, top, bottom = (side[some, None] for side in (boxes.left, boxes.right, boxes.top, boxes.bottom))
    height = heights[some, None]
    lower = np.minimum(heights, height)
    overlap = np.minimum(boxes.bottom, bottom) - np.maximum(boxes.top, top)
    gap = boxes.left - right
    fits = (
        (overlap >= MIN_OVERLAP * lower)
        & (np.maximum(heights, height) <= 2.5 * lower)
        & (gap <= MAX_GAP * lower)
        & (gap >= -0.7 * lower)
        & ((boxes.left + boxes.right) / 2 > (left + right) / 2)
    )
    return gap, fits


def _cut(indexes: list[int], lines: _Boxes, height: float) -> list[list[int]]:
    """Blocks of lines in reading order: columns are read one after the other, everything else row by row."""
    lane = _column_lane(indexes, lines, height)
    if lane is not None:
        before = [i for i in indexes if lines.right[i] <= lane]
        after = [i for i in indexes if lines.right[i] > lane]
        return _cut(before, lines, height) + _cut(after, lines, height)
    # A headline across the page hides the columns below it: try again in the parts between the page's gaps.
    groups = _stacked(indexes, lines)
    if len(groups) > 1:
        merged: list[list[int]] = []
        pending: list[int] = []
        for group in _merge_for_columns(groups, lines, height):
            if _column_lane(group, lines, height) is not None:
                merged += _rows(pending, lines)
                pending = []
                merged += _cut(group, lines, height)
            else:
                pending += group
        return merged + _rows(pending, lines)
    return _rows(indexes, lines)


def _column_lane(indexes: list[int], lines: _Boxes, height: float) -> float | None:
    """The x of the widest empty lane between two columns of these lines, else None.

    Columns are running text on both sides, or on one side with rows on the other that do not stand on its lines (a
    side bar); a table's cells are short and stand on one another's lines.
    """
    if len(indexes) < 2 * MIN_COLUMN_ROWS:
        return None
    part = lines.take(indexes)
    order = np.argsort(part.left)
    reach = np.maximum.accumulate(part.right[order])
    gaps = part.left[order][1:] - reach[:-1]
    for place in np.argsort(-gaps):
        if gaps[place] < 0.5 * height:
            return None
        first, second = part.take(order[: place + 1]), part.take(order[place + 1 :])
        fill = _fill(first, height)
        other = _fill(second, height) if fill > 0 else 0.0
        if min(fill, other) > MIN_FILL or (
            other > 0 and max(fill, other) > MIN_FILL and not _share_lines(first, second)
        ):
            return float(reach[place])
    return None


def _fill(side: _Boxes, height: float) -> float:
    """The share of its width that a side's usual row fills; 0 where it is too narrow or has too few rows for text."""
    width = float(side.right.max() - side.left.min())
    if len(side.left) < MIN_COLUMN_ROWS or width < MIN_COLUMN_WIDTH * height:
        return 0.0
    rows = _row_groups(list(range(len(side.left))), side)
    if len(rows) < MIN_COLUMN_ROWS:
        return 0.0
    widths = (side.right - side.left).tolist()
    return statistics.median(sum(widths[i] for i in row) / width for row in rows)


def _share_lines(first: _Boxes, second: _Boxes) -> bool:
    """Whether at least half of the rows of the side with fewer stand level with one of the other, to a fifth."""
    fewer, more = sorted((first, second), key=lambda side: len(side.left))
    middles = ((fewer.top + fewer.bottom) / 2)[:, None]
    apart = np.abs(middles - (more.top + more.bottom) / 2).min(axis=1)
    return float(np.mean(apart <= 0.2 * (fewer.bottom - fewer.top))) >= 0.5


def _stacked(indexes: list[int], lines: _Boxes) -> list[list[int]]:
    """Groups from top to bottom that share no height: a horizontal cut lies between each two."""
    top, bottom = lines.top.tolist(), lines.bottom.tolist()
    groups: list[list[int]] = []
    reach = -np.inf
    for index in sorted(indexes, key=lambda i: (top[i] + bottom[i]) / 2):
        if (top[index] + bottom[index]) / 2 > reach or not groups:
            groups.append([])
        groups[-1].append(index)
        reach = max(reach, bottom[index] - 0.3 * (bottom[index] - top[index]))
    return groups


def _merge_for_columns(groups: list[list[int]], lines: _Boxes, height: float) -> list[list[int]]:
    """Joins neighbouring rows as long as one lane runs through all of them; a row across the lane starts anew."""
    left, right = lines.left.tolist(), lines.right.tolist()
    merged: list[list[int]] = []
    for group in groups:
        joined = (merged[-1] + group) if merged else group
        if merged and (len(merged[-1]) > 1 or len(group) > 1) and _has_lane(joined, left, right, height):
            merged[-1] = joined
        else:
            merged.append(list(group))
    return merged


def _has_lane(indexes: list[int], left: list[float], right: list[float], height: float) -> bool:
    first, *others = sorted(indexes, key=left.__getitem__)
    reach = right[first]
    for index in others:
        if left[index] - reach >= 0.5 * height:
            return True
        reach = max(reach, right[index])
    return False


def _row_groups(indexes: list[int], lines: _Boxes) -> list[list[int]]:
    """Rows from top to bottom, each from left to right: lines whose middle lies within the row's first line."""
    top, bottom, left = lines.top.tolist(), lines.bottom.tolist(), lines.left.tolist()
    rows: list[list[int]] = []
    for index in sorted(indexes, key=lambda i: (top[i] + bottom[i]) / 2):
        head = rows[-1][0] if rows else index
        if rows and top[head] <= (top[index] + bottom[index]) / 2 <= bottom[head]:
            overlap = min(bottom[index], bottom[head]) - max(top[index], top[head])
            lower = min(bottom[index] - top[index], bottom[head] - top[head])
            if overlap >= MIN_OVERLAP * lower:
                rows[-1].append(index)
                continue
        rows.append([index])
    return [sorted(row, key=lambda i: left[i]) for row in rows]


def _rows(indexes: list[int], lines: _Boxes) -> list[list[int]]:
    return _row_groups(indexes, lines) if indexes else []
