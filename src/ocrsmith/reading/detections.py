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


def outline_quads(outlines: Sequence[Polygon]) -> list[Quad]:
    """Each outline's quad: itself where it has four corners, else the smallest rotated rectangle round it."""
    return [outline if len(outline) == 4 else minimum_area_quad(outline) for outline in outlines]


def order_quads(quads: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 4, 2) corners in any order -> clockwise, each from the corner with the least x + y, all in one pass."""
    if len(quads) == 0:
        return quads.reshape(0, 4, 2).astype(np.float32)
    offsets = quads - quads.mean(axis=1, keepdims=True)
    turned = np.argsort(np.arctan2(offsets[..., 1], offsets[..., 0]), axis=1, kind="stable")
    ordered = np.take_along_axis(quads, turned[..., None], axis=1)
    first = ordered.sum(axis=2).argmin(axis=1)
    places = (first[:, None] + np.arange(4)) % 4
    return np.take_along_axis(ordered, places[..., None], axis=1).astype(np.float32)


def rectangle_corners(
    centres: NDArray[np.float32], sizes: NDArray[np.float32], degrees: NDArray[np.float32]
) -> NDArray[np.float32]:
    """OpenCV's rotated rectangles ((N, 2), (N, 2), (N,)) -> their corners (N, 4, 2)."""
    angle = np.deg2rad(degrees.astype(np.float64))
    along = np.stack([np.cos(angle), np.sin(angle)], axis=-1) * sizes[:, :1] / 2
    down = np.stack([-np.sin(angle), np.cos(angle)], axis=-1) * sizes[:, 1:] / 2
    corners = np.stack([-along - down, along - down, along + down, -along + down], axis=1)
    return (centres[:, None] + corners).astype(np.float32)
