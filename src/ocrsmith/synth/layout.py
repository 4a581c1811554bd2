"""Turns in space, and outlines of boxes: the plain geometry of what is laid on pages and pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ocrsmith.geometry import Polygon, Quad, transform_points


def rotation_homography(
    x_degrees: float, y_degrees: float, z_degrees: float, distance_px: float
) -> NDArray[np.float64]:
    """The 3x3 matrix that turns the plane about three axes through the origin and views it from a distance.

    x tips the top away, y the right side away, z turns clockwise. A point in the plane at the origin stays where it
    is, at scale 1; the nearer the eye, the stronger the perspective.
    """
    ax, ay, az = (math.radians(angle) for angle in (x_degrees, y_degrees, z_degrees))
    cos_x, cos_y, cos_z = math.cos(ax), math.cos(ay), math.cos(az)
    # The plane has depth 0, so the rotation's third column never counts. Seen from a distance, a point's scale is
    # distance / (distance + its depth).
    return np.array(
        [
            [cos_z * cos_y, -math.sin(az) * cos_x, 0.0],
            [math.sin(az) * cos_y, cos_z * cos_x, 0.0],
            [math.sin(ay) / distance_px, -cos_y * math.sin(ax) / distance_px, 1.0],
        ]
    )


def translation(x: float, y: float) -> NDArray[np.float64]:
    """The 3x3 matrix of a shift."""
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


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


def sent_box(left: float, top: float, right: float, bottom: float, matrix: Sequence[float]) -> Quad:
    """The quad of an upright box through a plan's matrix: four points go faster one by one than as an array."""
    a, b, c, d, e, f, g, h, i = matrix
    corners = []
    for x, y in ((left, top), (right, top), (right, bottom), (left, bottom)):
        depth = g * x + h * y + i
        corners.append(((a * x + b * y + c) / depth, (d * x + e * y + f) / depth))
    return np.array(corners, np.float32)


def box_outline(left: float, top: float, right: float, bottom: float, num: int) -> Polygon:
    """A box as (2 num, 2) points: forth along its top, back along its bottom, fine enough for what bends."""
    along = np.linspace(left, right, num, dtype=np.float32)
    tops = np.stack([along, np.full_like(along, top)], axis=1)
    return np.concatenate([tops, np.stack([along[::-1], np.full_like(along, bottom)], axis=1)])
