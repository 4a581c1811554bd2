"""Where text goes: turns in space, the calm and free parts of a background, and what colours lie there."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ocrsmith.geometry import Polygon, transform_points
from ocrsmith.samples import Image
from ocrsmith.synth.choices import Rng

# The background is judged on a picture this many times smaller.
STRIDE_PX = 8
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def rotation_homography(
    x_degrees: float, y_degrees: float, z_degrees: float, distance_px: float
) -> NDArray[np.float64]:
    """The 3x3 matrix that turns the plane about three axes through the origin and views it from a distance.

    x tips the top away, y the right side away, z turns clockwise. A point in the plane at the origin stays where it
    is, at scale 1; the nearer the eye, the stronger the perspective.
    """
    ax, ay, az = (math.radians(angle) for angle in (x_degrees, y_degrees, z_degrees))
    about_x = np.array([[1, 0, 0], [0, math.cos(ax), -math.sin(ax)], [0, -math.sin(ax), math.cos(ax)]])
    about_y = np.array([[math.cos(ay), 0, 0], [0, 1, 0], [math.sin(ay), 0, math.cos(ay)]])
    about_z = np.array([[math.cos(az), -math.sin(az), 0], [math.sin(az), math.cos(az), 0], [0, 0, 1]])
    # The plane has depth 0, so the rotation's third column never counts. Seen from a distance, a point's scale is
    # distance / (distance + its depth).
    turned = (about_z @ about_y @ about_x)[:, :2]
    matrix = np.eye(3)
    matrix[:2, :2] = turned[:2]
    matrix[2, :2] = turned[2] / distance_px
    return matrix


def translation(x: float, y: float) -> NDArray[np.float64]:
    """The 3x3 matrix of a shift."""
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


class Ground:
    """A background seen small: how busy it is, what is taken, which colours it has.

    Args:
        image: (H, W, 3) uint8 RGB; blocks are placed in its coordinates.
    """

    def __init__(self, image: Image) -> None:
        height, width = image.shape[:2]
        self.width, self.height = width, height
        columns, rows = max(1, width // STRIDE_PX), max(1, height // STRIDE_PX)
        self._scale = np.array([columns / width, rows / height], np.float64)
        self.small: NDArray[np.uint8] = np.asarray(cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA))
        # Fine texture vanishes at an eighth; a view at half of it keeps what disturbs reading.
        middle = cv2.cvtColor(
            cv2.resize(image, (columns * 4, rows * 4), interpolation=cv2.INTER_LINEAR), cv2.COLOR_RGB2GRAY
        )
        edges = cv2.morphologyEx(middle, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
        self.busy: NDArray[np.uint8] = np.asarray(cv2.resize(edges, (columns, rows), interpolation=cv2.INTER_AREA))
        self._busy_sums = cv2.integral(self.busy)
        self.taken: NDArray[np.uint8] = np.zeros((rows, columns), np.uint8)

    def small_polygon(self, polygon: ArrayLike) -> NDArray[np.int32]:
        """A page polygon in the small picture's cells."""
        return np.floor(np.asarray(polygon, np.float64) * self._scale).astype(np.int32)

    def find_place(
        self, outline: Polygon, rng: Rng, *, candidates: int = 24, calm: bool = True, reach_px: float = 0.0
    ) -> tuple[float, float] | None:
        """Where to move an outline (about the origin) so that it lies inside, free and, if wanted, calm.

        Draws `candidates` places, keeps those whose bounding box is free, and takes the calmest of them (the first
        where `calm` is not wanted). `reach_px` lets it reach over the edge that far.

        Returns:
            (x, y) px to add, or None where nothing is free.
        """
        left, top = outline.min(axis=0) + reach_px
        right, bottom = outline.max(axis=0) - reach_px
        room_x, room_y = self.width - (right - left), self.height - (bottom - top)
        if room_x <= 0 or room_y <= 0:
            return None
        shifts = rng.random((candidates, 2)) * (room_x, room_y) - (left, top)
        rows, columns = self.taken.shape
        order = range(candidates)
        if calm:
            boxes = np.concatenate([shifts, shifts], axis=1) + np.array([left, top, right, bottom])
            cells = np.clip(np.rint(boxes * np.tile(self._scale, 2)).astype(int), 0, (columns, rows, columns, rows))
            x0, y0, x1, y1 = cells.T
            sums = self._busy_sums
            busy = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]
            order = np.argsort(busy / np.maximum(1, (x1 - x0) * (y1 - y0)), kind="stable").tolist()
        cells = np.floor((outline + shifts[:, None]) * self._scale).astype(np.int32)
        limits = (columns - 1, rows - 1)
        lows, highs = np.clip(cells.min(axis=1), 0, limits), np.clip(cells.max(axis=1), 0, limits) + 1
        sums = cv2.integral(self.taken)
        (x0, y0), (x1, y1) = lows.T, highs.T
        # What is taken within the bounding box tells most; only a box that is neither free nor cornered is filled in.
        taken = (sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]).tolist()
        corners = np.clip(cells, 0, limits)
        hit = (self.taken[corners[..., 1], corners[..., 0]].astype(bool) & (corners == cells).all(axis=2)).any(axis=1)
        for index in order:
            if not taken[index] or not (hit[index] or self._meets_taken(cells[index])):
                return float(shifts[index, 0]), float(shifts[index, 1])
        return None

    def _window(self, cells: NDArray[np.int32]) -> tuple[slice, slice]:
        rows, columns = self.taken.shape
        (left, top), (right, bottom) = cells.min(axis=0).tolist(), cells.max(axis=0).tolist()
        return (
            slice(min(max(top, 0), rows - 1), min(max(bottom, 0), rows - 1) + 1),
            slice(min(max(left, 0), columns - 1), min(max(right, 0), columns - 1) + 1),
        )

    def covered(self, polygon: ArrayLike) -> tuple[tuple[slice, slice], NDArray[np.uint8]]:
        """The window of cells round a page polygon, and which of them it covers (0 or 1); never none."""
        return self._covered(self.small_polygon(polygon))

    def _covered(self, cells: NDArray[np.int32]) -> tuple[tuple[slice, slice], NDArray[np.uint8]]:
        window = self._window(cells)
        mask = np.zeros((window[0].stop - window[0].start, window[1].stop - window[1].start), np.uint8)
        cv2.fillConvexPoly(mask, cells - (window[1].start, window[0].start), 1)
        if not mask.any():
            mask[:] = 1
        return window, mask

    def _meets_taken(self, cells: NDArray[np.int32]) -> bool:
        window, mask = self._covered(cells)
        return bool(cv2.countNonZero(cv2.bitwise_and(self.taken[window], mask)))

    def take(self, polygon: ArrayLike) -> None:
        """Marks a convex polygon as taken."""
        window, mask = self.covered(polygon)
        self.taken[window] |= mask

    def luma(self, polygon: ArrayLike) -> tuple[float, float]:
        """Mean and standard deviation (0..255) of the brightness under a convex polygon."""
        window, mask = self.covered(polygon)
        values = self.small[window][mask > 0].astype(np.float32) @ _LUMA
        return float(values.mean()), float(values.std())

    def palette_colour(self, rng: Rng) -> tuple[int, int, int]:
        """The colour of one cell of the picture."""
        rows, columns = self.taken.shape
        r, g, b = self.small[int(rng.random() * rows), int(rng.random() * columns)].tolist()
        return r, g, b


def luma_of(colour: Sequence[float]) -> float:
    """Brightness 0..255 of an RGB colour (ITU-R BT.601)."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def rounded_rectangle(box: tuple[float, float, float, float], radius: float) -> Polygon:
    """The outline of a box with round corners as a polygon, clockwise from the top left."""
    # Large rounds, as of a seal, need more corners to look round.
    steps = max(5, min(24, round(radius / 5)))
    left, top, right, bottom = box
    radius = min(radius, (right - left) / 2, (bottom - top) / 2)
    if radius < 0.5:
        return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    angles = np.linspace(np.pi, 1.5 * np.pi, steps)
    corner = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius
    centres = [(left, top, 0), (right, top, 1), (right, bottom, 2), (left, bottom, 3)]
    parts = []
    for x, y, turns in centres:
        cos, sin = round(math.cos(turns * math.pi / 2)), round(math.sin(turns * math.pi / 2))
        turned = corner @ np.array([[cos, sin], [-sin, cos]])
        inwards = np.array([radius if x == left else -radius, radius if y == top else -radius])
        parts.append(turned + inwards + np.array([x, y]))
    return np.concatenate(parts).astype(np.float32)


def sent(points: ArrayLike, matrix: Sequence[float]) -> NDArray[np.float32]:
    """Points (..., 2) through a plan's matrix (9 floats, row by row)."""
    return transform_points(points, np.asarray(matrix, np.float64).reshape(3, 3))


def box_outline(left: float, top: float, right: float, bottom: float, num: int) -> Polygon:
    """A box as (2 num, 2) points: forth along its top, back along its bottom, fine enough for what bends."""
    along = np.linspace(left, right, num, dtype=np.float32)
    tops = np.stack([along, np.full_like(along, top)], axis=1)
    return np.concatenate([tops, np.stack([along[::-1], np.full_like(along, bottom)], axis=1)])
