"""What a detector finds: a polygon with a score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import Polygon, Quad, as_polygon, minimum_area_quad


@dataclass(frozen=True, eq=False)
class Detection:
    """A word or a line of text that was found.

    Attributes:
        polygon: (P, 2) float32 px; a quad (P = 4) is clockwise from its upper left corner.
        score: 0 to 1, how sure the detector is; each detector's module says what it measures.
    """

    polygon: Polygon
    score: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "polygon", as_polygon(self.polygon))

    @classmethod
    def of(cls, polygons: Sequence[NDArray[np.float32]], scores: Sequence[float]) -> list[Detection]:
        """Many at once, checked at once, which takes a third of the time; polygons are (P, 2) float32."""
        points = np.concatenate(polygons) if len(polygons) else np.zeros((3, 2), np.float32)
        as_polygon(points)
        found = []
        for polygon, score in zip(polygons, scores, strict=True):
            detection = cls.__new__(cls)
            detection.__dict__.update(polygon=polygon, score=score)
            found.append(detection)
        return found

    @property
    def quad(self) -> Quad:
        """(4, 2): the polygon itself where it has four corners, else the smallest rotated rectangle round it."""
        return outline_quads([self.polygon])[0]


# Of a rectangle's corners, clockwise from its own upper left: the sides of half its width and height from its centre.
_ALONG, _DOWN = np.array([[-1.0], [1.0], [1.0], [-1.0]]), np.array([[-1.0], [-1.0], [1.0], [1.0]])
_FOUR = np.arange(4)


def outline_quads(outlines: Sequence[Polygon]) -> list[Quad]:
    """Each outline's quad: itself where it has four corners, else the smallest rotated rectangle round it."""
    return [outline if len(outline) == 4 else minimum_area_quad(outline) for outline in outlines]


def order_quads(quads: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 4, 2) clockwise corners from any one on -> each from the corner with the least x + y, all in one pass."""
    first = quads.sum(axis=2).argmin(axis=1)[:, None]
    return quads[np.arange(len(quads))[:, None], (first + _FOUR) % 4]


def rectangle_corners(
    centres: NDArray[np.float32], sizes: NDArray[np.float32], degrees: NDArray[np.float32]
) -> NDArray[np.float32]:
    """OpenCV's rotated rectangles ((N, 2), (N, 2), (N,)) -> their corners (N, 4, 2), clockwise."""
    angle = np.deg2rad(degrees.astype(np.float64))
    cos, sin = np.cos(angle), np.sin(angle)
    half = sizes.astype(np.float64) / 2
    along = np.stack([cos, sin], axis=1) * half[:, :1]
    down = np.stack([-sin, cos], axis=1) * half[:, 1:]
    corners = _ALONG * along[:, None] + _DOWN * down[:, None]
    return (centres[:, None] + corners).astype(np.float32)
