"""CRAFT's maps -> word quads, and character boxes from the region map.

The steps are those of the released post-processing of Baek et al., "Character Region Awareness for Text Detection"
(CVPR 2019), https://github.com/clovaai/CRAFT-pytorch, `craft_utils.py`: the same thresholds, dilation and rectangles.
They are taken on each component's own bounding box, so that the time grows with the text and not with the page.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import Quad, box_quad
from ocrsmith.reading.detections import Detection, order_quads, rectangle_corners


@dataclass(frozen=True)
class CraftThresholds:
    """What counts as text.

    Attributes:
        text: a component needs a region score of at least this somewhere (0 to 1).
        link: affinity above this joins characters.
        low_text: region above this belongs to a character.
        min_area: px of the maps; smaller components are dropped.
    """

    text: float = 0.7
    link: float = 0.4
    low_text: float = 0.4
    min_area: int = 10


def boxes_from_maps(
    maps: NDArray[np.float32], thresholds: CraftThresholds = CraftThresholds(), stride: float = 2
) -> list[Detection]:
    """Region and affinity maps (h, w, 2) -> word quads in pixels of the network's input.

    A component's score is the greatest region score in it, cut to 1. `stride` is px of input per px of the maps.
    """
    region = np.ascontiguousarray(maps[..., 0], dtype=np.float32)
    text = region > thresholds.low_text
    link = maps[..., 1] > thresholds.link
    labels: NDArray[np.int32]
    stats: NDArray[np.int32]
    _, labels, stats, _ = cv2.connectedComponentsWithStats((text | link).astype(np.uint8), connectivity=4)  # type: ignore[assignment]
    strong = np.zeros(len(stats), dtype=bool)
    strong[labels[region >= thresholds.text]] = True
    kept = np.flatnonzero(strong & (stats[:, cv2.CC_STAT_AREA] >= thresholds.min_area))
    kept = kept[kept > 0]
    upright: list[int] = []
    rectangles: list[tuple[float, float, float, float, float]] = []
    scores: list[float] = []
    quads = np.zeros((len(kept), 4, 2), np.float32)
    for index, label in enumerate(kept):
        left, top, points, score = _component(labels, text, region, stats[label], int(label))
        (centre_x, centre_y), (w, h), angle = cv2.minAreaRect(points)
        rectangles.append((centre_x + left, centre_y + top, w, h, angle))
        scores.append(score)
        # Near-square components are taken upright: the smallest rectangle round a disc has no direction.
        if abs(1 - max(w, h) / (min(w, h) + 1e-5)) <= 0.1:
            upright.append(index)
            x, y, across, down = cv2.boundingRect(points)
            quads[index] = box_quad(left + x, top + y, left + x + across - 1, top + y + down - 1)
    if not rectangles:
        return []
    parts = np.array(rectangles, dtype=np.float32)
    corners = rectangle_corners(parts[:, :2], parts[:, 2:4], parts[:, 4])
    corners[upright] = quads[upright]
    # A single row or column of pixels has no area; half a pixel a side makes it a quad.
    flat = np.flatnonzero((parts[:, 2:4] <= 0).any(axis=1))
    if len(flat):
        corners[flat] = rectangle_corners(parts[flat, :2], np.maximum(parts[flat, 2:4], 1), parts[flat, 4])
    return [Detection(quad, min(1.0, score)) for quad, score in zip(order_quads(corners) * np.float32(stride), scores)]


def _component(
    labels: NDArray[np.int32],
    text: NDArray[np.bool_],
    region: NDArray[np.float32],
    stats: NDArray[np.int32],
    label: int,
) -> tuple[int, int, NDArray[np.int32], float]:
    """(left, top) of the component's window, its dilated outline (N, 1, 2) in that window, its greatest region score.

    All the outlines of its pieces together: what is link and not text is erased, which may leave several.
    """
    x, y, w, h, area = stats.tolist()
    grow = int(math.sqrt(area * min(w, h) / (w * h)) * 2)
    left, top = max(0, x - grow), max(0, y - grow)
    window = (slice(top, y + h + grow + 1), slice(left, x + w + grow + 1))
    mask = ((labels[window] == label) & text[window]).view(np.uint8)
    score = float(cv2.minMaxLoc(region[window], mask)[1])
    if grow:
        mask = cv2.dilate(mask, np.ones((1 + grow, 1 + grow), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    outline = contours[0] if len(contours) == 1 else np.concatenate(contours)
    return left, top, outline, score


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
