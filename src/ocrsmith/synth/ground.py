"""Where text goes: the calm and free parts of a background, and what colours lie there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ocrsmith.geometry import Polygon
from ocrsmith.samples import Image
from ocrsmith.synth.choices import Rng

# The background is judged on a picture this many times smaller.
STRIDE_PX = 8
_LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)
_EDGE = np.ones((3, 3), np.uint8)

Cell = tuple[int, int]


class Ground:
    """A background seen small: how busy it is, what is taken, which colours it has.

    Args:
        image: (H, W, 3) uint8 RGB; blocks are placed in its coordinates.
    """

    def __init__(self, image: Image) -> None:
        height, width = image.shape[:2]
        self.width, self.height = width, height
        columns, rows = max(1, width // STRIDE_PX), max(1, height // STRIDE_PX)
        self._scale = columns / width, rows / height
        # Fine texture vanishes at an eighth; a view at half of it keeps what disturbs reading.
        half = cv2.resize(image, (columns * 4, rows * 4), interpolation=cv2.INTER_LINEAR)
        edges = cv2.morphologyEx(cv2.cvtColor(half, cv2.COLOR_RGB2GRAY), cv2.MORPH_GRADIENT, _EDGE)
        self.busy: NDArray[np.uint8] = np.asarray(cv2.resize(edges, (columns, rows), interpolation=cv2.INTER_AREA))
        self.small: NDArray[np.uint8] = np.asarray(cv2.resize(half, (columns, rows), interpolation=cv2.INTER_AREA))
        self.taken: NDArray[np.uint8] = np.zeros((rows, columns), np.uint8)
        self._luma = cv2.transform(self.small.astype(np.float32), _LUMA)
        self._busy_sums = cv2.integral(self.busy)
        self._taken_sums = np.zeros((rows + 1, columns + 1), np.int32)
        self._last_covered: tuple[list[Cell], tuple[slice, slice], NDArray[np.uint8]] = (
            [],
            (slice(0), slice(0)),
            self.taken[:0, :0],
        )

    def find_place(
        self, outline: Polygon, rng: Rng, *, candidates: int = 24, calm: bool = True, reach_px: float = 0.0
    ) -> tuple[float, float] | None:
        """Where to move an outline (about the origin) so that it lies inside, free and, if wanted, calm.

        Draws `candidates` places, keeps those whose bounding box is free, and takes the calmest of them (the first
        where `calm` is not wanted). `reach_px` lets it reach over the edge that far.

        Returns:
            (x, y) px to add, or None where nothing is free.
        """
        left, top = (outline.min(axis=0) + reach_px).tolist()
        right, bottom = (outline.max(axis=0) - reach_px).tolist()
        room_x, room_y = self.width - (right - left), self.height - (bottom - top)
        if room_x <= 0 or room_y <= 0:
            return None
        shifts = rng.random((candidates, 2)) * (room_x, room_y) - (left, top)
        rows, columns = self.taken.shape
        cells = np.floor((outline + shifts[:, None]) * self._scale).astype(np.int64)
        within = np.clip(cells, 0, (columns - 1, rows - 1))
        (x0, y0), (x1, y1) = within.min(axis=1).T, within.max(axis=1).T + 1
        order: Iterable[int] = range(candidates)
        if calm:
            busy = _sums_within(self._busy_sums, x0, y0, x1, y1)
            order = np.argsort(busy / ((x1 - x0) * (y1 - y0)), kind="stable").tolist()
        # What is taken within the bounding box tells most; only a box that is neither free nor cornered is filled in.
        taken = _sums_within(self._taken_sums, x0, y0, x1, y1).tolist()
        cornered = self.taken[within[..., 1], within[..., 0]].any(axis=1).tolist()
        for index in order:
            if taken[index] and (cornered[index] or self._meets_taken(cells[index].tolist())):
                continue
            return float(shifts[index, 0]), float(shifts[index, 1])
        return None

    def _cells(self, polygon: Iterable[Sequence[float]]) -> list[Cell]:
        """Page points in the small picture's cells. A few points: plain numbers are faster than arrays."""
        scale_x, scale_y = self._scale
        return [(math.floor(x * scale_x), math.floor(y * scale_y)) for x, y in polygon]

    def _window(self, cells: list[Cell]) -> tuple[slice, slice]:
        rows, columns = self.taken.shape
        xs, ys = zip(*cells)
        return (
            slice(min(max(min(ys), 0), rows - 1), min(max(max(ys), 0), rows - 1) + 1),
            slice(min(max(min(xs), 0), columns - 1), min(max(max(xs), 0), columns - 1) + 1),
        )

    def _covered(self, cells: list[Cell]) -> tuple[tuple[slice, slice], NDArray[np.uint8]]:
        """The window of cells round a polygon of them, and which of these it covers (0 or 1); never none."""
        # The luma of a place is mostly asked for before it is taken.
        if cells == self._last_covered[0]:
            return self._last_covered[1:]
        window = rows, columns = self._window(cells)
        mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        cv2.fillConvexPoly(mask, np.array(cells, np.int32) - (columns.start, rows.start), 1)
        if not cv2.countNonZero(mask):
            mask[:] = 1
        self._last_covered = cells, window, mask
        return window, mask

    def _meets_taken(self, cells: list[Cell]) -> bool:
        window, mask = self._covered(cells)
        return bool(cv2.countNonZero(cv2.bitwise_and(self.taken[window], mask)))

    def take(self, *polygons: ArrayLike) -> None:
        """Marks convex polygons as taken."""
        for polygon in polygons:
            window, mask = self._covered(self._cells(np.asarray(polygon, np.float64).tolist()))
            self.taken[window] |= mask
        self._taken_sums = np.asarray(cv2.integral(self.taken))

    def luma(self, polygon: ArrayLike) -> tuple[float, float]:
        """Mean and standard deviation (0..255) of the brightness under a convex polygon."""
        window, mask = self._covered(self._cells(np.asarray(polygon, np.float64).tolist()))
        mean, spread = cv2.meanStdDev(self._luma[window], mask=mask)
        return float(mean[0, 0]), float(spread[0, 0])

    def palette_colour(self, rng: Rng) -> tuple[int, int, int]:
        """The colour of one cell of the picture."""
        rows, columns = self.taken.shape
        r, g, b = self.small[int(rng.random() * rows), int(rng.random() * columns)].tolist()
        return r, g, b


def _sums_within(
    sums: NDArray[Any], x0: NDArray[np.int64], y0: NDArray[np.int64], x1: NDArray[np.int64], y1: NDArray[np.int64]
) -> NDArray[Any]:
    """What an integral image holds in boxes (N,) each, their ends excluded."""
    return np.asarray(sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0])


def luma_of(colour: Sequence[float]) -> float:
    """Brightness 0..255 of an RGB colour (ITU-R BT.601)."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
