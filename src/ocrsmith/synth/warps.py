"""Geometric warps that move pixels and points through one map, so that labels stay true.

A `Warp` knows where every output pixel comes from (the backward map). Pictures are sampled through it; points go the
other way, by the exact inverse of a matrix or by Newton's method on the same map. Coordinates are continuous: pixel
(0, 0) covers 0..1 in x and y, so a box's right edge is its first column outside.

    warp = compose(arch(width, height, 6.0), affine(width, height, rotation_degrees=3.0))
    warped, quads = warp.image(picture), warp.points(quads)

`curved_warps` has those that no matrix describes (`arch` is one), and `warp_plans` draws warps at random.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ocrsmith.geometry import box_quad, quad_to_quad

Points = NDArray[np.float64]
Backward = Callable[[Points], Points]

# Smooth maps are worked out every few pixels and interpolated between: 16 to 64 times cheaper, and off by less than
# stride^2 / 8 times the map's curvature, 0.1 px for the strongest waves drawn here.
_STRIDE_PX, _SMALL_STRIDE_PX = 8, 4
_NEWTON_STEPS = 6
_TO_CENTRES = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
_FROM_CENTRES = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
_LAST_ROW = np.array([[0.0, 0.0, 1.0]])
_PROBES = np.array([[[0.0, 0.0]], [[0.5, 0.0]], [[0.0, 0.5]]])


@dataclass(frozen=True, eq=False)
class Warp:
    """One map from pictures of `size` (width, height) to pictures of `out_size`.

    Attributes:
        backward: (..., 2) output points -> (..., 2) source points.
        matrix: the 3x3 forward matrix where the map is one, else None.
        forward: the inverse of `backward` where it is known in closed form; Newton's method stands in for it.
        exact: the map is worked out for every pixel, since it may not be interpolated (it has a cut).
    """

    size: tuple[int, int]
    out_size: tuple[int, int]
    backward: Backward
    matrix: NDArray[np.float64] | None = None
    forward: Backward | None = None
    exact: bool = False

    def image(self, image: NDArray[np.uint8], border: int | Sequence[int] | None = None) -> NDArray[np.uint8]:
        """Warps (H, W) or (H, W, C) uint8. Outside the source lies `border`, or where None the edge goes on."""
        mode = cv2.BORDER_REPLICATE if border is None else cv2.BORDER_CONSTANT
        values: Any = (border,) * 4 if isinstance(border, int) else tuple(border or (0, 0, 0, 0))
        if self.matrix is None:
            places: Any = self._map()
            return cv2.remap(image, places, None, cv2.INTER_LINEAR, borderMode=mode, borderValue=values)  # type: ignore[call-overload]
        # OpenCV counts from pixel centres: half a pixel is added before the matrix and taken off behind it.
        centred = _FROM_CENTRES @ self.matrix @ _TO_CENTRES
        if abs(centred[2, 0]) + abs(centred[2, 1]) < 1e-12:
            return cv2.warpAffine(  # type: ignore[return-value]
                image,
                centred[:2] / centred[2, 2],
                self.out_size,
                flags=cv2.INTER_LINEAR,
                borderMode=mode,
                borderValue=values,
            )
        return cv2.warpPerspective(  # type: ignore[return-value]
            image, centred, self.out_size, flags=cv2.INTER_LINEAR, borderMode=mode, borderValue=values
        )

    def points(self, points: ArrayLike) -> NDArray[np.float32]:
        """Sends (..., 2) source points forward; the shape is kept."""
        source = np.asarray(points, np.float64)
        if source.size == 0:
            return source.astype(np.float32)
        if self.forward is not None:
            return self.forward(source).astype(np.float32)
        return _inverted(self.backward, source.reshape(-1, 2), self._first_guess(source)).reshape(source.shape)

    def _first_guess(self, source: Points) -> Points:
        scale = np.array(self.out_size, np.float64) / self.size
        return source.reshape(-1, 2) * scale

    def _map(self) -> NDArray[Any]:
        """(h, w, 2) float32: the source place of every output pixel's centre, counted as OpenCV does."""
        width, height = self.out_size
        if self.exact:
            centres = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), axis=-1)
            return self.backward(centres).astype(np.float32) - np.float32(0.5)
        stride = _STRIDE_PX if min(width, height) > 64 else _SMALL_STRIDE_PX
        columns, rows = -(-width // stride) + 2, -(-height // stride) + 2
        # One cell more on each side, so that interpolation never runs past the last centre.
        x = (np.arange(columns) - 0.5) * stride
        y = (np.arange(rows) - 0.5) * stride
        coarse = self.backward(np.stack(np.meshgrid(x, y), axis=-1)).astype(np.float32) - 0.5
        fine: Any = cv2.resize(coarse, (columns * stride, rows * stride), interpolation=cv2.INTER_LINEAR)
        return np.asarray(fine[stride : stride + height, stride : stride + width])


def _inverted(backward: Backward, source: Points, guess: Points) -> NDArray[np.float32]:
    """Newton's method on backward(p) = source, the 2x2 Jacobian by differences of half a pixel."""
    p = guess
    for _ in range(_NEWTON_STEPS):
        stacked = p + _PROBES
        here, right, below = backward(stacked)
        error = source - here
        if np.abs(error).max() < 0.01:
            break
        dx, dy = (right - here) * 2, (below - here) * 2
        determinant = dx[:, 0] * dy[:, 1] - dx[:, 1] * dy[:, 0]
        determinant = np.where(np.abs(determinant) < 0.05, 0.05, determinant)
        step_x = (error[:, 0] * dy[:, 1] - error[:, 1] * dy[:, 0]) / determinant
        step_y = (dx[:, 0] * error[:, 1] - dx[:, 1] * error[:, 0]) / determinant
        p = p + np.stack([step_x, step_y], axis=1)
    return p.astype(np.float32)


def matrix_warp(matrix: ArrayLike, size: tuple[int, int], out_size: tuple[int, int] | None = None) -> Warp:
    """The warp of a 2x3 or 3x3 forward matrix, (width, height) in and out."""
    given = np.asarray(matrix, np.float64)
    full = given if len(given) == 3 else np.vstack([given, _LAST_ROW])
    inverses: list[NDArray[Any]] = []

    def backward(points: Points) -> Points:
        # Only bent maps ask for the inverse; a picture's own matrix is inverted by OpenCV.
        if not inverses:
            inverses.append(np.linalg.inv(full))
        return _projected(points, inverses[0])

    return Warp(size, out_size or size, backward, full, lambda points: _projected(points, full))


def _projected(points: Points, matrix: NDArray[np.float64]) -> Points:
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    return moved[..., :2] / moved[..., 2:]


def compose(first: Warp, *others: Warp) -> Warp:
    """One warp that does `first`, then the others; pixels are still sampled only once."""
    warps = (first, *others)
    if all(warp.matrix is not None for warp in warps):
        product: Any = first.matrix
        for warp in others:
            product = warp.matrix @ product
        return matrix_warp(product, first.size, warps[-1].out_size)

    def backward(points: Points) -> Points:
        for warp in reversed(warps):
            points = warp.backward(points)
        return points

    def forward(points: Points) -> Points:
        for warp in warps:
            points = warp.forward(points)  # type: ignore[misc]
        return points

    closed = all(warp.forward is not None for warp in warps)
    exact = any(warp.exact for warp in warps)
    return Warp(first.size, warps[-1].out_size, backward, None, forward if closed else None, exact)


def perspective(width: int, height: int, shifts: ArrayLike) -> Warp:
    """The four corners moved by `shifts` (4, 2), shares of the picture's size."""
    corners = box_quad(0, 0, width, height)
    moved = corners + np.asarray(shifts, np.float32) * np.array([width, height], np.float32)
    return matrix_warp(quad_to_quad(corners, moved), (width, height))


def affine(width: int, height: int, rotation_degrees: float = 0.0, shear: float = 0.0, squeeze: float = 1.0) -> Warp:
    """About the centre: width scaled by `squeeze`, sheared by `shear` px across a px up, then turned clockwise."""
    angle = math.radians(rotation_degrees)
    cos, sin = math.cos(angle), math.sin(angle)
    # Turn @ shear @ squeeze, written out: this runs for every crop.
    a, b = cos * squeeze, -cos * shear - sin
    c, d = sin * squeeze, -sin * shear + cos
    x, y = width / 2, height / 2
    return matrix_warp([[a, b, x - a * x - b * y], [c, d, y - c * x - d * y], [0.0, 0.0, 1.0]], (width, height))
