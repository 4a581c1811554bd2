"""Laying colours over pictures through masks, in place, with OpenCV's integer routines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ocrsmith.samples import Image

Mask = NDArray[np.uint8]
Window = tuple[slice, slice]
_SUBPIXEL_BITS = 4
_LARGE_PX, _BAND_PX, _TILE_PX = 1 << 16, 1 << 15, 128


def window_of(points: ArrayLike, shape: Sequence[int], margin_px: int = 2) -> Window | None:
    """Rows and columns round points, cut to a picture's shape; None where nothing of it is inside."""
    # Mostly a handful of points: plain numbers are faster than arrays.
    xs, ys = zip(*np.asarray(points, np.float64).reshape(-1, 2).tolist())
    left, top = max(math.floor(min(xs)) - margin_px, 0), max(math.floor(min(ys)) - margin_px, 0)
    right = min(math.ceil(max(xs)) + margin_px, shape[1])
    bottom = min(math.ceil(max(ys)) + margin_px, shape[0])
    if right <= left or bottom <= top:
        return None
    return slice(top, bottom), slice(left, right)


def filled(height: int, width: int, colour: Sequence[int]) -> Image:
    """(height, width, 3) of one colour, 80 times as fast as NumPy fills three bytes a pixel."""
    row: NDArray[np.uint8] = np.tile(np.array(colour, np.uint8), width)
    return np.tile(row, (height, 1)).reshape(height, width, 3)


def blend(view: Image, mask: Mask, colour: Sequence[int], opacity: float = 1.0) -> None:
    """view = view * (1 - mask) + colour * mask, exact to one level; `view` is (h, w, 3), `mask` (h, w) 0..255."""
    for band, cover in _bands(view, mask):
        if opacity < 1.0:
            cover = cv2.convertScaleAbs(cover, alpha=opacity)  # type: ignore[assignment]
        # A table of three channels (cv2.LUT) would cost four times what three scaled planes do.
        levels = {level: cv2.convertScaleAbs(cover, alpha=level / 255.0) for level in set(colour)}
        left: Any = cv2.merge([cv2.bitwise_not(cover)] * 3)
        cv2.multiply(band, left, left, scale=1 / 255)
        cv2.add(left, cv2.merge([levels[level] for level in colour]), band)


def _bands(view: Image, mask: Mask) -> Iterator[tuple[Image, Mask]]:
    """A large view in bands of rows that stay in the processor's cache, those without any mask left out."""
    if mask.size <= _LARGE_PX:
        yield view, mask
        return
    rows = max(8, _BAND_PX // mask.shape[1])
    for top in range(0, mask.shape[0], rows):
        cover = mask[top : top + rows]
        if cv2.countNonZero(cover):
            yield view[top : top + rows], cover


def blend_picture(view: Image, mask: Mask, picture: Image) -> None:
    """As `blend`, with a picture (h, w, 3) in place of one colour."""
    if mask.size <= _LARGE_PX:
        _blend_tile(view, mask, picture)
        return
    # A large mask is mostly nothing and all: only its edges are worked out.
    for top in range(0, mask.shape[0], _TILE_PX):
        for left in range(0, mask.shape[1], _TILE_PX):
            part = slice(top, top + _TILE_PX), slice(left, left + _TILE_PX)
            low, high = cv2.minMaxLoc(mask[part])[:2]
            if low == 255:
                view[part] = picture[part]
            elif high > 0:
                _blend_tile(view[part], mask[part], picture[part])


def _blend_tile(view: Image, mask: Mask, picture: Image) -> None:
    thrice: Any = cv2.merge([mask, mask, mask])
    ink = cv2.multiply(picture, thrice, scale=1 / 255)
    cv2.bitwise_not(thrice, thrice)
    view[:] = cv2.add(cv2.multiply(view, thrice, thrice, scale=1 / 255), ink, thrice)


def gradient(shape: tuple[int, int], first: Sequence[int], second: Sequence[int], horizontal: bool) -> Image:
    """(h, w, 3) from one colour to the other, left to right or top to bottom."""
    ends = np.array([first, second], np.uint8).reshape((1, 2, 3) if horizontal else (2, 1, 3))
    height, width = shape
    return cv2.resize(ends, (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def fill(view: Image, polygon: ArrayLike, window: Window, colour: Sequence[int], opacity: float = 1.0) -> None:
    """Lays an antialiased polygon over `view`, which is the page within `window`."""
    over = view if opacity >= 1.0 else view.copy()
    cv2.fillPoly(over, [fixed_point(polygon, window)], colour, cv2.LINE_AA, _SUBPIXEL_BITS)
    if opacity < 1.0:
        cv2.addWeighted(over, opacity, view, 1.0 - opacity, 0, view)


def stroke(
    view: Image,
    polygon: ArrayLike,
    window: Window,
    colour: Sequence[int],
    thickness_px: int,
    opacity: float = 1.0,
    *,
    closed: bool = True,
) -> None:
    """As `fill`, a polygon's line; one that is not closed runs from its first point to its last."""
    over = view if opacity >= 1.0 else view.copy()
    points = [fixed_point(polygon, window)]
    cv2.polylines(over, points, closed, colour, max(1, thickness_px), cv2.LINE_AA, _SUBPIXEL_BITS)
    if opacity < 1.0:
        cv2.addWeighted(over, opacity, view, 1.0 - opacity, 0, view)


def polygon_mask(polygon: ArrayLike, window: Window) -> Mask:
    """Antialiased coverage (h, w) of a polygon within a window of the page."""
    rows, columns = window
    mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
    cv2.fillPoly(mask, [fixed_point(polygon, window)], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    return mask


def outline_mask(polygon: ArrayLike, window: Window, thickness_px: int, closed: bool = True) -> Mask:
    """Antialiased coverage (h, w) of a polygon's line within a window of the page."""
    rows, columns = window
    mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
    cv2.polylines(mask, [fixed_point(polygon, window)], closed, 255, max(1, thickness_px), cv2.LINE_AA, _SUBPIXEL_BITS)
    return mask


def fixed_point(polygon: ArrayLike, window: Window) -> NDArray[np.int32]:
    """Page points as OpenCV's drawing wants them: fixed point, counted from pixel centres, within the window."""
    local = np.asarray(polygon, np.float64) - (window[1].start + 0.5, window[0].start + 0.5)
    return np.rint(local * (1 << _SUBPIXEL_BITS)).astype(np.int32).reshape(-1, 1, 2)


def blurred(mask: Mask, radius_px: float) -> Mask:
    """A soft mask; three box filters' worth of Gaussian is not needed for shadows, two are."""
    side = 2 * max(1, round(radius_px)) + 1
    return cv2.blur(cv2.blur(mask, (side, side)), (side, side))  # type: ignore[return-value]
