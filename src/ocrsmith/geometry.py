"""Points, quads and polygons: (x, y) float32 pixels, x to the right, y down.

A quad is (4, 2), clockwise from the text's own top left: top left, top right, bottom right, bottom left. A polygon is
(P, 2), P >= 3, in the same turning sense.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Quad = NDArray[np.float32]
Polygon = NDArray[np.float32]
# (N, 4, 2), as one array or quad by quad.
ManyQuads = Sequence[ArrayLike] | NDArray[Any]


def as_polygon(points: ArrayLike) -> Polygon:
    """Checks and converts to (P, 2) float32; raises ValueError for another shape, P < 3 or a NaN or infinity."""
    polygon = np.asarray(points, dtype=np.float32)
    if polygon.ndim != 2 or polygon.shape[1] != 2 or polygon.shape[0] < 3:
        raise ValueError(f"A polygon is (P, 2) with P >= 3; this one has shape {polygon.shape}.")
    if not np.isfinite(polygon).all():
        raise ValueError("A polygon's points must be finite numbers; this one holds NaN or infinity.")
    return polygon


def as_quad(points: ArrayLike) -> Quad:
    """Checks and converts to (4, 2) float32."""
    quad = as_polygon(points)
    if quad.shape != (4, 2):
        raise ValueError(f"A quad is (4, 2); this one has shape {quad.shape}.")
    return quad


def as_quads(quads: ManyQuads) -> NDArray[np.float32]:
    """Checks and converts to (N, 4, 2) float32, all at once; N may be 0."""
    if not len(quads):
        return np.zeros((0, 4, 2), np.float32)
    every = np.asarray(quads, dtype=np.float32)
    if every.ndim != 3 or every.shape[1:] != (4, 2):
        raise ValueError(f"Quads are (N, 4, 2); these have shape {every.shape}.")
    if not np.isfinite(every).all():
        raise ValueError("A quad's points must be finite numbers; these hold NaN or infinity.")
    return every


def box_quad(left: float, top: float, right: float, bottom: float) -> Quad:
    """The quad of an upright box."""
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float32)


def bounds(points: ArrayLike) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of (..., 2) points."""
    flat = np.asarray(points, dtype=np.float32).reshape(-1, 2)
    left, top = flat.min(axis=0)
    right, bottom = flat.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def signed_area(polygon: ArrayLike) -> float:
    """Area in square pixels by the shoelace formula; positive where the turn is clockwise on a screen (y down)."""
    points = np.asarray(polygon, dtype=np.float64)
    following = np.concatenate([points[1:], points[:1]])
    return float(0.5 * np.sum(points[:, 0] * following[:, 1] - following[:, 0] * points[:, 1]))


def area(polygon: ArrayLike) -> float:
    """Unsigned area in square pixels."""
    return abs(signed_area(polygon))


def quad_size(quad: ArrayLike) -> tuple[float, float]:
    """(width, height) of a quad in pixels: the longer of its two opposite sides in each direction."""
    width, height = quad_sizes(np.asarray(quad, dtype=np.float32)[None])[0].tolist()
    return width, height


# Where each side of a quad ends and starts: top, left, bottom, right.
_SIDE_ENDS, _SIDE_STARTS = np.array([1, 3, 2, 2]), np.array([0, 0, 3, 1])


def quad_sizes(quads: ManyQuads) -> NDArray[np.float64]:
    """`quad_size` of (N, 4, 2) quads at once: (N, 2), widths and heights."""
    corners = np.asarray(quads, dtype=np.float32)
    sides = corners[:, _SIDE_ENDS] - corners[:, _SIDE_STARTS]
    sides *= sides
    lengths = np.sqrt(sides[..., 0] + sides[..., 1])
    return np.maximum(lengths[:, :2], lengths[:, 2:]).astype(np.float64)


def minimum_area_quad(points: ArrayLike) -> Quad:
    """The smallest rotated rectangle round (N, 2) points, clockwise, starting at the corner with the least x + y."""
    flat = np.ascontiguousarray(np.asarray(points, dtype=np.float32).reshape(-1, 2))
    return order_clockwise(cv2.boxPoints(cv2.minAreaRect(flat)))


def order_clockwise(quad: ArrayLike) -> Quad:
    """Turns any order of four corners into clockwise, starting at the corner with the least x + y.

    The start is the upper left corner of text that is upright within 45 degrees; text at other angles needs its own
    reading direction, which corners alone do not tell.
    """
    corners = as_quad(quad)
    centre = corners.mean(axis=0)
    angles = np.arctan2(corners[:, 1] - centre[1], corners[:, 0] - centre[0])
    corners = corners[np.argsort(angles, kind="stable")]
    return np.roll(corners, -int(np.argmin(corners.sum(axis=1))), axis=0)


def transform_points(points: ArrayLike, matrix: ArrayLike) -> NDArray[np.float32]:
    """Sends (..., 2) points through a 2x3 affine or 3x3 perspective matrix; the shape is kept."""
    flat = np.asarray(points, dtype=np.float64)
    m = np.asarray(matrix, dtype=np.float64)
    if m.shape not in {(2, 3), (3, 3)}:
        raise ValueError(f"A transform is (2, 3) or (3, 3); this one has shape {m.shape}.")
    moved = flat @ m[:2, :2].T + m[:2, 2]
    if m.shape == (3, 3):
        moved = moved / (flat @ m[2, :2] + m[2, 2])[..., None]
    return moved.astype(np.float32)


def quad_to_quad(source: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    """The 3x3 perspective matrix that takes the corners of `source` to those of `target`."""
    return np.asarray(cv2.getPerspectiveTransform(as_quad(source), as_quad(target)), dtype=np.float64)


def clip_polygon(polygon: ArrayLike, width: float, height: float) -> NDArray[np.float32]:
    """Cuts a polygon to the rectangle (0, 0, width, height) by Sutherland-Hodgman (CACM 17(1), 1974).

    Returns (Q, 2) float32; Q is 0 where nothing is left.
    """
    # Plain numbers: of a handful of points most of the time would go into making arrays.
    points: list[list[float]] = np.asarray(polygon, dtype=np.float64).tolist()
    for axis, limit, keep_below in ((0, 0.0, False), (0, width, True), (1, 0.0, False), (1, height, True)):
        points = _clip_half_plane(points, axis, limit, keep_below)
        if not points:
            return np.zeros((0, 2), dtype=np.float32)
    return np.asarray(points, dtype=np.float32)


def _clip_half_plane(points: list[list[float]], axis: int, limit: float, keep_below: bool) -> list[list[float]]:
    sign = 1.0 if keep_below else -1.0
    kept: list[list[float]] = []
    for index, current in enumerate(points):
        previous = points[index - 1]
        inside, was_inside = sign * (current[axis] - limit) <= 0, sign * (previous[axis] - limit) <= 0
        if inside != was_inside:
            share = (limit - previous[axis]) / (current[axis] - previous[axis])
            kept.append([begin + share * (end - begin) for begin, end in zip(previous, current, strict=True)])
        if inside:
            kept.append(current)
    return kept


def inside_share(polygon: ArrayLike, width: float, height: float) -> float:
    """The share (0 to 1) of a polygon's area in the rectangle (0, 0, width, height); 0 for an empty polygon."""
    whole = area(polygon)
    if whole <= 0:
        return 0.0
    left = clip_polygon(polygon, width, height)
    return min(1.0, area(left) / whole) if len(left) else 0.0


def intersection_over_union(first: ArrayLike, second: ArrayLike) -> float:
    """IoU of two convex polygons (0 to 1); 0 where either is empty."""
    a, b = as_polygon(first), as_polygon(second)
    area_a, area_b = area(a), area(b)
    if area_a <= 0 or area_b <= 0:
        return 0.0
    shared = float(cv2.intersectConvexConvex(a, b)[0])
    return min(1.0, shared / max(area_a + area_b - shared, 1e-9))


def enclosing_quad(quads: Sequence[ArrayLike] | NDArray[np.float32]) -> Quad:
    """The quad of a word from its characters' quads, in their reading direction.

    The characters are turned by the mean direction of their baselines, boxed, and the box is turned back; text that
    runs right to left or down stays in its own order because each character's quad carries its direction.
    """
    if isinstance(quads, np.ndarray) and quads.dtype == np.float32 and quads.shape[1:] == (4, 2):
        stacked = quads
    else:
        stacked = np.stack([as_quad(q) for q in quads])
    across = (stacked[:, 1] - stacked[:, 0] + stacked[:, 2] - stacked[:, 3]).sum(axis=0)
    angle = float(np.arctan2(across[1], across[0])) if np.linalg.norm(across) > 0 else 0.0
    cos, sin = np.cos(-angle), np.sin(-angle)
    turn = np.array([[cos, -sin], [sin, cos]])
    flat = stacked.reshape(-1, 2) @ turn.T
    left, top = flat.min(axis=0)
    right, bottom = flat.max(axis=0)
    return (box_quad(left, top, right, bottom) @ turn).astype(np.float32)


def enclosing_quads(groups: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """`enclosing_quad` of many groups (n, 4, 2) of characters at once, none of them empty: (N, 4, 2)."""
    if not groups:
        return np.zeros((0, 4, 2), np.float32)
    quads = np.concatenate(groups).astype(np.float64)
    counts = [len(group) for group in groups]
    starts = np.cumsum([0, *counts[:-1]])
    across = np.add.reduceat(quads[:, 1] - quads[:, 0] + quads[:, 2] - quads[:, 3], starts)
    angles = np.arctan2(across[:, 1], across[:, 0])
    cos, sin = np.cos(-angles), np.sin(-angles)
    # As `points @ turn.T` and `corners @ turn` with turn = ((cos, -sin), (sin, cos)).
    turns = np.stack([np.stack([cos, -sin], axis=1), np.stack([sin, cos], axis=1)], axis=1)
    flat = quads @ np.repeat(turns, counts, axis=0).swapaxes(1, 2)
    low, high = np.minimum.reduceat(flat.min(axis=1), starts), np.maximum.reduceat(flat.max(axis=1), starts)
    corners = np.stack(
        [low, np.stack([high[:, 0], low[:, 1]], axis=1), high, np.stack([low[:, 0], high[:, 1]], axis=1)]
    )
    return np.asarray(corners.swapaxes(0, 1) @ turns, np.float32)
