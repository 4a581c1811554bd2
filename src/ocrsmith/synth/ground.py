"""Where text goes: the calm and free parts of a background, and what colours lie there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

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

    def find_place(
        self, outline: Polygon, rng: Rng, *, candidates: int = 24, calm: bool = True, reach_px: float = 0.0
    ) -> tuple[float, float] | None:
        """Where to move an outline (about the origin) so that it lies inside, free and, if wanted, calm.

        Draws `candidates` places, keeps those whose bounding box is free, and takes the calmest of them (the first
        where `calm` is not wanted). `reach_px` lets it reach over the edge that far.

        Returns:
            (x, y) px to add, or None where nothing is free.
        """
        corners = outline.tolist()
        xs, ys = zip(*corners)
        left, top, right, bottom = min(xs) + reach_px, min(ys) + reach_px, max(xs) - reach_px, max(ys) - reach_px
        room_x, room_y = self.width - (right - left), self.height - (bottom - top)
        if room_x <= 0 or room_y <= 0:
            return None
        shifts = rng.random((candidates, 2)) * (room_x, room_y) - (left, top)
        order = self._calmest(shifts, (left, top, right, bottom)) if calm else range(candidates)
        places = shifts.tolist()
        for index in order:
            x, y = places[index]
            if self._is_free(self._cells((px + x, py + y) for px, py in corners)):
                return x, y
        return None

    def _calmest(self, shifts: NDArray[np.float64], box: tuple[float, float, float, float]) -> list[int]:
        """The order of places by how busy the background is within the moved box."""
        rows, columns = self.taken.shape
        scale = np.array([*self._scale, *self._scale])
        cells = np.rint((np.concatenate([shifts, shifts], axis=1) + box) * scale).astype(np.int64)
        x0, y0, x1, y1 = np.clip(cells, 0, (columns, rows, columns, rows)).T
        sums = self._busy_sums
        busy = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]
        order: list[int] = np.argsort(busy / np.maximum(1, (x1 - x0) * (y1 - y0)), kind="stable").tolist()
        return order

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
        window = rows, columns = self._window(cells)
        mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        cv2.fillConvexPoly(mask, np.array(cells, np.int32) - (columns.start, rows.start), 1)
        if not cv2.countNonZero(mask):
            mask[:] = 1
        return window, mask

    def _is_free(self, cells: list[Cell]) -> bool:
        """What is taken within the bounding box tells most; only a box that is neither free nor cornered is filled."""
        rows, columns = self._window(cells)
        sums, taken = self._taken_sums, self.taken
        top, bottom, left, right = rows.start, rows.stop, columns.start, columns.stop
        if sums[bottom, right] - sums[top, right] == sums[bottom, left] - sums[top, left]:
            return True
        height, width = taken.shape
        if any(0 <= x < width and 0 <= y < height and taken[y, x] for x, y in cells):
            return False
        window, mask = self._covered(cells)
        return not cv2.countNonZero(cv2.bitwise_and(taken[window], mask))

    def take(self, polygon: ArrayLike) -> None:
        """Marks a convex polygon as taken."""
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


def luma_of(colour: Sequence[float]) -> float:
    """Brightness 0..255 of an RGB colour (ITU-R BT.601)."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
