"""CRAFT's maps -> word quads or polygons, and character boxes from the region map.

The steps are those of the released post-processing of Baek et al., "Character Region Awareness for Text Detection"
(CVPR 2019), https://github.com/clovaai/CRAFT-pytorch, `craft_utils.py`: the same thresholds, dilation and rectangles.
They are taken on the runs of text in the rows of the maps, all components at once. A component's smallest rectangle
depends on the ends of its runs alone, and so does that of the dilated component: a dilation by a square moves the two
ends of each run to four corners.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import Quad, box_quad
from ocrsmith.reading.craft_polygons import curved_polygon
from ocrsmith.reading.detections import Detection, order_quads, rectangle_corners


@dataclass(frozen=True)
class CraftThresholds:
    """What counts as text.

    Attributes:
        text: a component needs a region score of at least this somewhere (0 to 1).
        link: affinity above this joins characters.
        low_text: region above this belongs to a character.
        min_area: px of the maps; smaller components are dropped.
        shape: "quad", or "polygon" to follow curved words; straight ones stay quads.
    """

    text: float = 0.7
    link: float = 0.4
    low_text: float = 0.4
    min_area: int = 10
    shape: Literal["quad", "polygon"] = "quad"


@dataclass(frozen=True, eq=False)
class _Components:
    """The text pixels of N components as R runs in rows, sorted by component. Places are px of the maps.

    Attributes:
        first: (N + 1,) where each component's runs start.
        left, right, row: (R,) the first and the last pixel of each run.
        scores: (N,) the greatest region score of each.
        grow: (N,) px by which each is dilated in all.
    """

    first: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    row: NDArray[np.int64]
    scores: NDArray[np.float32]
    grow: NDArray[np.int64]

    def pixels(self, index: int) -> NDArray[np.int64]:
        """(P, 2) x, y of a component's pixels."""
        runs = slice(self.first[index], self.first[index + 1])
        lengths = self.right[runs] - self.left[runs] + 1
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return np.stack([np.repeat(self.left[runs], lengths) + within, np.repeat(self.row[runs], lengths)], axis=1)


def boxes_from_maps(
    maps: NDArray[np.float32], thresholds: CraftThresholds = CraftThresholds(), stride: float = 2
) -> list[Detection]:
    """Region and affinity maps (h, w, 2) -> words, as quads or polygons in pixels of the network's input.

    A component's score is the greatest region score in it, cut to 1. `stride` is px of input per px of the maps.
    """
    components = _components(maps, thresholds)
    if not len(components.scores):
        return []
    corners = _quads(components, maps.shape[:2])
    scores = np.minimum(components.scores, 1.0).tolist()
    polygons: list[NDArray[np.float32]] = list(order_quads(corners) * np.float32(stride))
    if thresholds.shape == "polygon":
        for index, quad in enumerate(order_quads(corners)):
            curved = curved_polygon(components.pixels(index), quad, int(components.grow[index]))
            if curved is not None:
                polygons[index] = curved * np.float32(stride)
    return Detection.of(polygons, scores)


def _components(maps: NDArray[np.float32], thresholds: CraftThresholds) -> _Components:
    """The components of text and links that hold enough text; pixels that are link only are left out of them."""
    region = np.ascontiguousarray(maps[..., 0], dtype=np.float32)
    text = region > thresholds.low_text
    link = maps[..., 1] > thresholds.link
    both = text | link
    labels = np.asarray(cv2.connectedComponents(both.view(np.uint8), connectivity=4)[1], np.int32)
    row, left, lengths = _runs(text)
    if not len(row):
        return _Components(np.zeros(1, np.int64), left, left, row, np.zeros(0, np.float32), row)
    run_scores = np.maximum.reduceat(region[text], np.cumsum(lengths) - lengths)
    run_labels = labels[row, left]
    order = np.argsort(run_labels, kind="stable")
    found, first, counts = np.unique(run_labels[order], return_index=True, return_counts=True)
    scores = np.maximum.reduceat(run_scores[order], first)
    width, height, area = (sizes[found] for sizes in _sizes(both, labels))
    kept = (scores >= thresholds.text) & (area >= thresholds.min_area)
    order = order[np.repeat(kept, counts)]
    grow = (np.sqrt(area * np.minimum(width, height) / (width * height)) * 2).astype(np.int64)
    return _Components(
        np.concatenate([[0], np.cumsum(counts[kept])]),
        left[order],
        left[order] + lengths[order] - 1,
        row[order],
        scores[kept],
        grow[kept],
    )


def _runs(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Row, first pixel and length of every run of pixels in the rows of a mask, in the order of rows."""
    # A column of ground at the right ends every run within its row.
    padded = np.zeros((mask.shape[0], mask.shape[1] + 1), dtype=bool)
    padded[:, :-1] = mask
    edges = np.flatnonzero(np.diff(padded.reshape(-1), prepend=False))
    row, left = np.divmod(edges[0::2], padded.shape[1])
    return row, left, edges[1::2] - edges[0::2]


def _sizes(
    mask: NDArray[np.bool_], labels: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Width, height and area of each label's pixels; from runs, five times as fast as OpenCV counts them."""
    row, left, lengths = _runs(mask)
    of = labels[row, left]
    size = int(of.max(initial=0)) + 1
    ends: list[NDArray[np.int64]] = []
    for first, last in ((left, left + lengths), (row, row + 1)):
        low, high = np.full(size, np.iinfo(np.int64).max), np.zeros(size, np.int64)
        np.minimum.at(low, of, first)
        np.maximum.at(high, of, last)
        ends.append(high - low)
    return ends[0], ends[1], np.bincount(of, lengths, size).astype(np.int64)


def _quads(components: _Components, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """(N, 4, 2) corners of the smallest rectangles round the dilated components, cut to a page of `shape` pixels."""
    owner = np.repeat(np.arange(len(components.scores)), np.diff(components.first))
    # Of a component's runs in one row, the first's left end and the last's right end are enough.
    opens = np.diff(owner, prepend=-1).astype(bool) | np.diff(components.row, prepend=-1).astype(bool)
    begin = np.flatnonzero(opens)
    end = np.append(begin[1:], len(owner)) - 1
    owner, row = owner[begin], components.row[begin]
    # A kernel of 1 + grow pixels, which OpenCV centres on its pixel (1 + grow) // 2, reaches so far to each side.
    before, after = components.grow[owner] // 2, (components.grow[owner] + 1) // 2
    x0 = np.maximum(components.left[begin] - before, 0)
    x1 = np.minimum(components.right[end] + after, shape[1] - 1)
    y0, y1 = np.maximum(row - before, 0), np.minimum(row + after, shape[0] - 1)
    points = np.stack([x0, y0, x0, y1, x1, y0, x1, y1], axis=1).astype(np.int32).reshape(-1, 2)
    first = np.searchsorted(owner, np.arange(len(components.scores) + 1))
    rectangles = [cv2.minAreaRect(points[4 * start : 4 * stop]) for start, stop in itertools.pairwise(first.tolist())]
    parts = np.array([(*centre, *size, angle) for centre, size, angle in rectangles], dtype=np.float32)
    sizes = parts[:, 2:4]
    # A single row or column of pixels has no area; half a pixel a side makes it a quad.
    flat = np.asarray((sizes <= 0).any(axis=1))
    # Near-square components are taken upright: the smallest rectangle round a disc has no direction.
    square = np.asarray(np.abs(1 - sizes.max(axis=1) / (sizes.min(axis=1) + 1e-5)) <= 0.1)
    corners = rectangle_corners(parts[:, :2], np.where(flat[:, None], np.maximum(sizes, 1), sizes), parts[:, 4])
    lows = [np.minimum.reduceat(low, first[:-1]) for low in (x0, y0)]
    highs = [np.maximum.reduceat(high, first[:-1]) for high in (x1, y1)]
    boxes = np.stack([lows[0], lows[1], highs[0], lows[1], highs[0], highs[1], lows[0], highs[1]], axis=1)
    upright = square & ~flat
    corners[upright] = boxes[upright].reshape(-1, 4, 2)
    return corners


def characters_from_region(
    region: NDArray[np.float32], stride: float = 2, *, foreground: float = 0.6, background: float = 0.2
) -> list[Detection]:
    """Region map (h, w) -> upright character boxes in pixels of the network's input, by watershed from the peaks.

    Peaks above `foreground` are seeds, flooded down to `background`; the score is the peak. The region's Gaussian is
    twice as wide as its flooded part at these levels, so each box is grown by half of its size on every side, as the
    pseudo-labels of CRAFT's second stage are. Returned from left to right.
    """
    level = np.clip(region * 255, 0, 255).astype(np.uint8)
    wide = cv2.dilate(region, np.ones((3, 3), np.uint8))
    peaks = ((region >= wide) & (region > foreground)).astype(np.uint8)
    # Two neighbouring pixels of one height are one peak.
    count, seeds = cv2.connectedComponents(cv2.dilate(peaks, np.ones((3, 3), np.uint8)))
    if count <= 1:
        return []
    markers = seeds.astype(np.int32) + 1
    unknown = (seeds == 0) & (region > background)
    markers[unknown] = 0
    cv2.watershed(cv2.cvtColor(255 - level, cv2.COLOR_GRAY2BGR), markers)
    found = []
    for marker, (x, y, w, h, _) in _boxes_of(markers, count):
        grown: Quad = box_quad(x - w / 2, y - h / 2, x + 1.5 * w, y + 1.5 * h) * np.float32(stride)
        score = float(region[y : y + h, x : x + w][markers[y : y + h, x : x + w] == marker].max(initial=0.0))
        found.append(Detection(grown, min(1.0, score)))
    return sorted(found, key=lambda detection: float(detection.polygon[:, 0].mean()))


def _boxes_of(markers: NDArray[np.int32], count: int) -> list[tuple[int, tuple[int, int, int, int, int]]]:
    """(marker, (x, y, w, h, area)) of the watershed's basins 2..count; -1 is their border and 1 the ground."""
    boxes = []
    rows, columns = np.nonzero(markers > 1)
    values = markers[rows, columns]
    order = np.argsort(values, kind="stable")
    starts = np.searchsorted(values[order], np.arange(2, count + 2))
    for marker, (start, stop) in enumerate(itertools.pairwise(starts), start=2):
        if stop > start:
            y, x = rows[order[start:stop]], columns[order[start:stop]]
            left, top = int(x.min()), int(y.min())
            boxes.append((marker, (left, top, int(x.max()) - left + 1, int(y.max()) - top + 1, int(stop - start))))
    return boxes
