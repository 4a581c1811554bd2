"""What a DB detector learns: a map of shrunk text kernels and a map of their borders.

Liao et al., "Real-time Scene Text Detection with Differentiable Binarization" (AAAI 2020), section 3.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pyclipper
from numpy.typing import NDArray

from ocrsmith.geometry import area, bounds, clip_polygon
from ocrsmith.samples import TextInstance

Map = NDArray[np.float32]

# Clipper counts in integers: sixteenths of a pixel.
_GRID = 16
# px; text whose shorter side is below this is not trained on, nor counted as ground.
_MIN_SIDE_PX = 4.0


@dataclass(frozen=True, eq=False)
class DbTargets:
    """Four (H, W) float32 maps of a page.

    Attributes:
        probability: 1 in the shrunk polygons, else 0.
        probability_mask: 0 where nothing is known (ignored or too small text), else 1.
        threshold: `low` away from text, rising to `high` on the polygons' borders.
        threshold_mask: 1 in the grown polygons, where the threshold is trained.
    """

    probability: Map
    probability_mask: Map
    threshold: Map
    threshold_mask: Map


def db_targets(
    instances: Sequence[TextInstance],
    height: int,
    width: int,
    shrink_ratio: float = 0.4,
    *,
    low: float = 0.3,
    high: float = 0.7,
) -> DbTargets:
    """The maps of a page of (height, width) px; the instances are words or lines, as the detector is to find them.

    A polygon of area A and perimeter L is shrunk, and for the threshold grown, by D = A (1 - r^2) / L with r the shrink
    ratio (Vatti clipping). The threshold falls linearly from the border over the distance D to both sides.
    """
    probability = np.zeros((height, width), np.float32)
    probability_mask = np.ones((height, width), np.float32)
    border = np.zeros((height, width), np.float32)
    threshold_mask = np.zeros((height, width), np.float32)
    kernels: list[NDArray[np.float32]] = []
    for instance in instances:
        polygon = _on_page(instance.polygon, height, width)
        if len(polygon) < 3:
            continue
        distance = area(polygon) * (1 - shrink_ratio**2) / _perimeter(polygon)
        pieces = [] if instance.ignore or _shorter_side(polygon) < _MIN_SIDE_PX else _offset(polygon, -distance)
        if not pieces:
            _fill(probability_mask, polygon, 0.0)
            continue
        kernels += pieces
        _draw_border(border, threshold_mask, polygon, distance)
    # Drawn last, so that an ignored neighbour's polygon hides no text that is known.
    for kernel in kernels:
        _fill(probability, kernel, 1.0)
        _fill(probability_mask, kernel, 1.0)
    return DbTargets(probability, probability_mask, low + (high - low) * border, threshold_mask)


def _on_page(polygon: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """The part of a polygon on the page."""
    left, top, right, bottom = bounds(polygon)
    inside = left >= 0 and top >= 0 and right <= width and bottom <= height
    return polygon if inside else clip_polygon(polygon, width, height)


def _perimeter(polygon: NDArray[np.float32]) -> float:
    return max(float(np.linalg.norm(polygon - np.roll(polygon, 1, axis=0), axis=1).sum()), 1e-6)


def _shorter_side(polygon: NDArray[np.float32]) -> float:
    return min(cv2.minAreaRect(np.ascontiguousarray(polygon, np.float32))[1])


def _offset(polygon: NDArray[np.float32], distance: float) -> list[NDArray[np.float32]]:
    """The polygon grown (or shrunk, below 0) by `distance` px: no, one or several pieces."""
    path = np.round(polygon * _GRID).astype(np.int64).tolist()
    offset = pyclipper.PyclipperOffset()
    offset.AddPath(path, pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    return [
        np.array(piece, np.float32) / np.float32(_GRID) for piece in offset.Execute(distance * _GRID) if len(piece) >= 3
    ]


def _fill(target: Map, polygon: NDArray[np.float32], value: float) -> None:
    # A pixel's centre is a whole number in OpenCV and a half in our pixels; four bits of fraction are kept.
    cv2.fillPoly(target, [np.round((polygon - 0.5) * 16).astype(np.int32)], value, shift=4)


def _draw_border(border: Map, mask: Map, polygon: NDArray[np.float32], distance: float) -> None:
    """Draws 1 - (distance to the nearest side) / `distance` where that is more, in the polygon's window."""
    height, width = border.shape
    for grown in _offset(polygon, distance):
        _fill(mask, grown, 1.0)
        left, top, right, bottom = bounds(grown)
        rows = slice(max(0, int(top)), min(height, int(bottom) + 2))
        columns = slice(max(0, int(left)), min(width, int(right) + 2))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            continue
        near = 1 - _distance_to_sides(polygon, rows, columns) / max(distance, 1e-6)
        window = border[rows, columns]
        np.maximum(window, near, out=window)


def _distance_to_sides(polygon: NDArray[np.float32], rows: slice, columns: slice) -> Map:
    """(h, w) px from each pixel's centre of a window to the nearest side of the polygon."""
    y, x = np.mgrid[rows, columns].astype(np.float32) + np.float32(0.5)
    nearest = np.full(x.shape, np.inf, np.float32)
    for start, end in zip(polygon, np.roll(polygon, -1, axis=0)):
        side = end - start
        length = max(float(side @ side), 1e-6)
        along = np.clip(((x - start[0]) * side[0] + (y - start[1]) * side[1]) / length, 0, 1)
        squared = (x - start[0] - along * side[0]) ** 2 + (y - start[1] - along * side[1]) ** 2
        np.minimum(nearest, squared, out=nearest)
    return np.sqrt(nearest)
