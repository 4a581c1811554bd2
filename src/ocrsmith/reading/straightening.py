"""Curved words from their polygons: a ribbon along the word's centre line, and its pixels in one remap.

The centre line is a polynomial over the outline's long axis, found from the outline's own thickness across the line's
direction, so that words on arcs up to about 130 degrees come out straight.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ocrsmith.geometry import Polygon, as_polygon, box_quad, minimum_area_quad, quad_size
from ocrsmith.reading.alignment import words_on_page
from ocrsmith.reading.page import ReadCharacter, Recognized, Word
from ocrsmith.samples import Image

# px of the mask that an outline's long side is measured on, and places along the centre line.
_MASK_PX = 384
STATIONS = 33
_DEGREE = 4
_PASSES = 3
# In heights of the text: centre lines that bend less are cut out as quads, and words shorter than this are.
MIN_BEND = 0.2
MIN_LENGTH = 1.5
# A crop never grows past this side, whatever a damaged detector claims.
_MAX_SIDE_PX = 16384


@dataclass(frozen=True, eq=False)
class Ribbon:
    """A curved strip of text: `top` and `bottom` are (N, 2) float32 px, opposite each other, in reading direction."""

    top: NDArray[np.float32]
    bottom: NDArray[np.float32]

    @property
    def size(self) -> tuple[float, float]:
        """(length, height) px: of the line between the two sides, and their usual distance."""
        middle = (self.top + self.bottom) / 2
        length = float(np.hypot(*np.diff(middle, axis=0).T).sum())
        return length, float(np.median(np.hypot(*(self.bottom - self.top).T)))

    def turned(self) -> Ribbon:
        """The same strip for text that stands on its head."""
        return Ribbon(self.bottom[::-1], self.top[::-1])

    def grown(self, margin: float) -> Ribbon:
        """Widened by `margin` of its height on each side, and lengthened by as much at both ends."""
        if margin == 0:
            return self
        outwards = (self.top - self.bottom) * np.float32(margin)
        top, bottom = self.top + outwards, self.bottom - outwards
        reach = margin * self.size[1]
        return Ribbon(_lengthened(top, reach), _lengthened(bottom, reach))

    def on_page(self, points: ArrayLike) -> NDArray[np.float32]:
        """(..., 2) px of the straightened strip -> px of the page."""
        flat = np.asarray(points, dtype=np.float64)
        length, height = self.size
        at = flat[..., 0] / max(length, 1e-6) * (len(self.top) - 1)
        down = (flat[..., 1] / max(height, 1e-6))[..., None]
        return (_along(self.top, at) * (1 - down) + _along(self.bottom, at) * down).astype(np.float32)


def _along(side: NDArray[np.float32], at: NDArray[np.float64]) -> NDArray[np.float64]:
    places = np.arange(len(side))
    return np.stack([np.interp(at, places, side[:, 0]), np.interp(at, places, side[:, 1])], axis=-1)


def _lengthened(side: NDArray[np.float32], reach: float) -> NDArray[np.float32]:
    """Both ends moved outwards along the side, and the stations between spread evenly again."""
    first, last = side[0] - side[1], side[-1] - side[-2]
    ends = [
        end + direction * (reach / max(float(np.hypot(*direction)), 1e-6))
        for end, direction in ((side[0], first), (side[-1], last))
    ]
    longer = np.concatenate([ends[:1], side[1:-1], ends[1:]]).astype(np.float64)
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(longer, axis=0).T))])
    even = np.linspace(0.0, lengths[-1], len(side))
    return np.stack([np.interp(even, lengths, longer[:, axis]) for axis in (0, 1)], axis=1).astype(np.float32)


def ribbon(outline: ArrayLike) -> Ribbon | None:
    """The strip that a word's outline (P, 2) bends along; None for quads, straight words and tall ones."""
    polygon = as_polygon(outline)
    if len(polygon) <= 4:
        return None
    quad = minimum_area_quad(polygon).astype(np.float64)
    across, down = quad_size(quad)
    if across < 0.75 * down or min(across, down) < 4:
        return None
    axes = np.stack([(quad[1] - quad[0]) / across, (quad[3] - quad[0]) / down])
    scale = _MASK_PX / across
    mask = _mask((polygon - quad[0]) @ axes.T * scale)
    strip = _centre_strip(mask)
    if strip is None:
        return None
    top, bottom = ((side / scale @ axes + quad[0]).astype(np.float32) for side in strip)
    return Ribbon(top, bottom)


def _mask(points: NDArray[np.float64]) -> NDArray[np.uint8]:
    width, height = (int(np.ceil(value)) + 1 for value in points.max(axis=0))
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(points).astype(np.int32)], [1])
    return mask


def _centre_strip(mask: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Top and bottom (STATIONS, 2) of the strip in a mask whose long axis is x; None where it does not bend."""
    columns = np.flatnonzero(mask.any(axis=0))
    first = mask.argmax(axis=0)[columns]
    last = mask.shape[0] - 1 - mask[::-1].argmax(axis=0)[columns]
    curve = np.polynomial.Polynomial.fit(columns, (first + last) / 2, _DEGREE)
    reach = float(np.percentile(last - first, 75)) + 2
    for _ in range(_PASSES):
        points, normals = _stations(curve, mask)
        up, down = _extents(mask, points, normals, reach)
        centres = points + normals * ((down - up) / 2)[:, None]
        inner = slice(1, -1)
        curve = np.polynomial.Polynomial.fit(centres[inner, 0], centres[inner, 1], _DEGREE)
    points, normals = _stations(curve, mask)
    up, down = _extents(mask, points, normals, reach)
    # Letters are of uneven height: the strip's own edges are straight in the distance from the centre line.
    places = np.linspace(-1.0, 1.0, STATIONS)
    half = np.polynomial.Polynomial.fit(places[2:-2], ((up + down) / 2)[2:-2], 1)(places)
    height = 2 * float(np.median(half))
    chord = points[-1] - points[0]
    span = float(np.hypot(*chord))
    if height <= 0 or span < MIN_LENGTH * height:
        return None
    offsets = points - points[0]
    bend = np.abs(offsets[:, 0] * chord[1] - offsets[:, 1] * chord[0]).max() / span
    if bend < MIN_BEND * height:
        return None
    half = np.maximum(half, 0.25 * height)[:, None]
    return points - normals * half, points + normals * half


def _stations(
    curve: np.polynomial.Polynomial, mask: NDArray[np.uint8]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places (STATIONS, 2) evenly along a curve as far as it runs in the mask, and its normals, which point down."""
    x = np.arange(mask.shape[1], dtype=np.float64)
    y = curve(x)
    rows = np.clip(np.round(y).astype(int), 0, mask.shape[0] - 1)
    inside = np.flatnonzero((mask[rows, np.arange(mask.shape[1])] > 0) & (y > -1) & (y < mask.shape[0]))
    low, high = (inside[0], inside[-1]) if len(inside) > 2 else (0, mask.shape[1] - 1)
    x, y = x[low : high + 1], y[low : high + 1]
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    at = np.interp(np.linspace(0.0, lengths[-1], STATIONS), lengths, x)
    slope = curve.deriv()(at)
    normals = np.stack([-slope, np.ones_like(slope)], axis=1) / np.hypot(1.0, slope)[:, None]
    return np.stack([at, curve(at)], axis=1), normals


def _extents(
    mask: NDArray[np.uint8], points: NDArray[np.float64], normals: NDArray[np.float64], reach: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far the mask reaches from each place against and along its normal, px, `reach` at most."""
    steps = np.arange(0.0, reach + 1.0)
    found = []
    for direction in (-1.0, 1.0):
        places = np.round(points[:, None] + direction * steps[:, None] * normals[:, None]).astype(int)
        x, y = places[..., 0], places[..., 1]
        held = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
        filled = held & (mask[np.clip(y, 0, mask.shape[0] - 1), np.clip(x, 0, mask.shape[1] - 1)] > 0)
        # The first step outside ends the run.
        found.append(np.where(filled.all(axis=1), len(steps), filled.argmin(axis=1)).astype(np.float64))
    return found[0], found[1]


def straighten(image: Image, strip: Ribbon, margin: float = 0.0) -> Image:
    """The strip's pixels, (h, w, 3), h and w its height and length, in one remap; the page's edge is repeated."""
    grown = strip.grown(margin)
    length, height = (int(min(_MAX_SIDE_PX, max(1, round(side)))) for side in grown.size)
    across = (np.arange(length) + 0.5) * (grown.size[0] / length)
    down = (np.arange(height) + 0.5) * (grown.size[1] / height)
    grid = np.stack(np.meshgrid(across, down), axis=-1)
    places = grown.on_page(grid)
    low = np.maximum(np.floor(places.min(axis=(0, 1))).astype(int) - 1, 0)
    low = np.minimum(low, (image.shape[1] - 1, image.shape[0] - 1))
    high = np.minimum(np.ceil(places.max(axis=(0, 1))).astype(int) + 2, (image.shape[1], image.shape[0]))
    high = np.maximum(high, low + 1)
    # Corners are edges of pixels, OpenCV's coordinates are their centres: half a pixel.
    maps = places - low.astype(np.float32) - np.float32(0.5)
    around = image[low[1] : high[1], low[0] : high[0]]
    return cv2.remap(around, maps, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]


def words_on_ribbon(recognized: Recognized, strip: Ribbon, margin: float = 0.0) -> list[Word]:
    """A straightened strip's text on the page: words as polygons along the curve, characters as quads."""
    length, height = strip.size
    flat = words_on_page(recognized, box_quad(0, 0, length, height), margin)
    return [_bent(word, strip, height) for word in flat]


def _bent(word: Word, strip: Ribbon, height: float) -> Word:
    left, right = float(word.polygon[0, 0]), float(word.polygon[1, 0])
    places = np.linspace(left, right, max(2, int(np.ceil((right - left) / max(height, 1.0))) + 1))
    over = np.stack([places, np.zeros_like(places)], axis=1)
    under = np.stack([places, np.full_like(places, height)], axis=1)[::-1]
    polygon: Polygon = strip.on_page(np.concatenate([over, under]))
    characters = tuple(ReadCharacter(c.text, strip.on_page(c.quad), c.confidence) for c in word.characters)
    return replace(word, polygon=polygon, characters=characters)
