"""A polygon round a curved word, from the pixels of its region map.

Baek et al., "Character Region Awareness for Text Detection" (CVPR 2019), section 3.2.2 and figure 7: scan lines across
the word give a centre line, all get the greatest length found, are turned square to the centre line, and the outermost
two are moved outwards until they cover the text. Here the scan lines stand on the word's own smallest rectangle, and a
word whose centre line is straight keeps that rectangle, which says the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import Polygon, Quad, quad_size

Values = NDArray[np.float64]

# Scan lines whose means make the centre line; the paper draws five, an odd number so that one is the middle.
_NUM_LINES = 5
# A centre line that leaves its chord by less than this share of the text's height is straight.
_STRAIGHT = 0.2
# Shorter words, in heights, have no direction to follow.
_MIN_ASPECT = 1.5


def curved_polygon(pixels: NDArray[np.int64], quad: Quad, grow: int = 0) -> Polygon | None:
    """(P, 2) x, y of a word's pixels and its smallest rectangle -> a polygon (14, 2), or None where the quad will do.

    The polygon runs clockwise from the start of the rectangle's longer side and back: upper, then lower points of seven
    places. It is wider than the pixels by half of `grow` px on every side, as the rectangle is. Where the longer side
    is the rectangle's height, the text is taken to run down.
    """
    width, height = quad_size(quad)
    if height > width:
        quad, width, height = np.roll(quad, -1, axis=0), height, width
    if width < 2 * _NUM_LINES + 1:
        return None
    axes = np.stack([(quad[1] - quad[0]) / width, (quad[3] - quad[0]) / max(height, 1e-6)])
    places = (pixels - quad[0]) @ axes.T
    lines = _scan_lines(places, width)
    if lines is None:
        return None
    at, centres, lengths = lines
    bend = np.abs(centres - np.interp(at, at[[0, -1]], centres[[0, -1]])).max()
    if width < _MIN_ASPECT * lengths.max() or bend < _STRAIGHT * lengths.max():
        return None
    slopes = np.gradient(centres, at)
    # Where the text leans, its extent across the rectangle is longer than its height.
    half = float((lengths / np.hypot(1, slopes)).max()) / 2 + grow / 2
    # The two ends go on as the outermost lines lean.
    ends = np.array([places[:, 0].min(), places[:, 0].max()])
    outer = centres[[0, -1]] + slopes[[0, -1]] * (ends - at[[0, -1]])
    line = np.stack([np.r_[ends[0], at, ends[1]], np.r_[outer[0], centres, outer[1]]], axis=1)
    slopes = np.r_[slopes[0], slopes, slopes[-1]]
    tangents = np.stack([np.ones_like(slopes), slopes], axis=1) / np.hypot(1, slopes)[:, None]
    line[0] -= grow / 2 * tangents[0]
    line[-1] += grow / 2 * tangents[-1]
    normals = np.stack([-tangents[:, 1], tangents[:, 0]], axis=1)
    points = np.concatenate([line - half * normals, (line + half * normals)[::-1]])
    return np.asarray(quad[0] + points @ axes, np.float32)


def _scan_lines(places: Values, width: float) -> tuple[Values, Values, Values] | None:
    """Means over equal parts of the width: where they lie along it, their centres and their lengths across it.

    None where a part holds no text at all.
    """
    columns = np.clip(places[:, 0], 0, None).astype(np.int64)
    size = int(columns.max()) + 1
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, columns, places[:, 1])
    np.maximum.at(high, columns, places[:, 1])
    filled = np.flatnonzero(np.isfinite(low))
    parts = np.minimum((filled + 0.5) * _NUM_LINES / width, _NUM_LINES - 1).astype(np.int64)
    counts = np.bincount(parts, minlength=_NUM_LINES)
    if not counts.all():
        return None
    sums = (filled + 0.5, (low[filled] + high[filled]) / 2, high[filled] - low[filled])
    at, centres, lengths = (np.bincount(parts, values, _NUM_LINES) / counts for values in sums)
    return at, centres, lengths
