"""Quads on a page -> upright crops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ocrsmith.geometry import Quad, as_quad, quad_size, quad_to_quad
from ocrsmith.samples import Image, check_image

# PP-OCR's rule: a crop at least this much taller than wide is taken for a line that runs down the page.
TALL_RATIO = 1.5
# A crop never grows past this side, whatever a damaged detector claims.
MAX_SIDE_PX = 16384


def is_tall(quad: ArrayLike) -> bool:
    """Whether a quad is more than 1.5 times as tall as wide."""
    width, height = quad_size(quad)
    return height > TALL_RATIO * width


def turn_quad(quad: ArrayLike, quarter_turns: int) -> Quad:
    """The same corners for text that runs down (1), upside down (2) or up the page (3) instead of across (0)."""
    return np.roll(as_quad(quad), -quarter_turns, axis=0)


def turn_tall(quads: Iterable[ArrayLike]) -> list[Quad]:
    """Quads by rule: tall ones start at their upper right corner, as text that runs down the page does."""
    return [turn_quad(quad, 1) if is_tall(quad) else as_quad(quad) for quad in quads]


def grow_quad(quad: ArrayLike, margin: float) -> Quad:
    """Moves each side outwards by `margin` times the quad's height (its width where that is less)."""
    corners = as_quad(quad).astype(np.float64)
    if margin == 0:
        return corners.astype(np.float32)
    distance = margin * min(quad_size(corners))
    across = _unit(corners[1] - corners[0] + corners[2] - corners[3]) * distance
    down = _unit(corners[3] - corners[0] + corners[2] - corners[1]) * distance
    return (corners + np.stack([-across - down, across - down, across + down, -across + down])).astype(np.float32)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    length = float(np.hypot(*vector))
    return vector / length if length > 0 else vector


def rectify(image: Image, quads: Sequence[ArrayLike], height: int | None = None, margin: float = 0.0) -> list[Image]:
    """Cuts quads out of a picture, upright, each corner to its corner; beyond the picture its edge is repeated.

    Args:
        image: (H, W, 3) uint8 RGB.
        quads: (4, 2) px each, clockwise from the text's own top left: that corner becomes the crop's.
        height: px of every crop, the width following the quad's aspect; None keeps the size on the page.
        margin: grows each quad by this share of its height before cutting.

    Returns:
        One (h, w, 3) crop a quad, at least 1x1; a quad turned by 90 degrees gives its text upright. See `turn_tall`.
    """
    check_image(image)
    return [_cut(image, grow_quad(quad, margin), height) for quad in quads]


def _cut(image: Image, quad: Quad, height: int | None) -> Image:
    across, down = quad_size(quad)
    scale = 1.0 if height is None else height / max(down, 1e-3)
    size = tuple(int(min(MAX_SIDE_PX, max(1, round(side * scale)))) for side in (across, down))
    upright = _slice_of(image, quad)
    if upright is not None:
        shrinks = size[0] < upright.shape[1] and size[1] < upright.shape[0]
        if size == (upright.shape[1], upright.shape[0]):
            return upright
        return cv2.resize(upright, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)  # type: ignore[return-value]
    # Only the quad's surroundings are handed to OpenCV: its remap is slower and bounded to 32767 px on large pages.
    low = np.maximum(np.floor(quad.min(axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(quad.max(axis=0)).astype(int) + 2, (image.shape[1], image.shape[0]))
    low = np.minimum(low, (image.shape[1] - 1, image.shape[0] - 1))
    high = np.maximum(high, low + 1)
    around = image[low[1] : high[1], low[0] : high[0]]
    inner = np.array([[0, 0], [size[0], 0], size, [0, size[1]]], np.float32) - 0.5
    # Corners are edges of pixels, OpenCV's coordinates are their centres: half a pixel on both sides.
    matrix = quad_to_quad(quad - low.astype(np.float32) - 0.5, inner)
    if scale < 0.5:
        return _shrinking_cut(around, quad - low.astype(np.float32), size)
    return cv2.warpPerspective(around, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _shrinking_cut(around: Image, quad: Quad, size: tuple[int, ...]) -> Image:
    """Cuts at the page's own size and shrinks by area, because a warp that shrinks skips pixels."""
    full = _cut(np.ascontiguousarray(around), quad, None)
    return cv2.resize(full, (size[0], size[1]), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _slice_of(image: Image, quad: Quad) -> Image | None:
    """The picture's own pixels where a quad is upright to within half a pixel and lies inside it, else None."""
    left, top = quad[0]
    right, bottom = quad[2]
    if abs(quad[1] - (right, top)).max() > 0.5 or abs(quad[3] - (left, bottom)).max() > 0.5:
        return None
    x0, y0, x1, y1 = (round(float(value)) for value in (left, top, right, bottom))
    if x0 < 0 or y0 < 0 or x1 > image.shape[1] or y1 > image.shape[0] or x1 - x0 < 1 or y1 - y0 < 1:
        return None
    return image[y0:y1, x0:x1]
