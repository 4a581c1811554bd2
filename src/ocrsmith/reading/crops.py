"""Quads on a page -> upright crops."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ocrsmith.geometry import ManyQuads, Quad, as_quad, as_quads, quad_size, quad_sizes, quad_to_quad
from ocrsmith.samples import Image, check_image

# PP-OCR's rule: a crop at least this much taller than wide is taken for a line that runs down the page.
TALL_RATIO = 1.5
# A crop never grows past this side, whatever a damaged detector claims.
MAX_SIDE_PX = 16384


def is_tall(quad: ArrayLike) -> bool:
    """Whether a quad is more than 1.5 times as tall as wide."""
    width, height = quad_size(quad)
    return height > TALL_RATIO * width


def are_tall(quads: ManyQuads) -> NDArray[np.bool_]:
    """`is_tall` of (N, 4, 2) quads: (N,)."""
    sizes = quad_sizes(as_quads(quads))
    return np.asarray(sizes[:, 1] > TALL_RATIO * sizes[:, 0])


def turn_quad(quad: ArrayLike, quarter_turns: int) -> Quad:
    """The same corners for text that runs down (1), upside down (2) or up the page (3) instead of across (0)."""
    return np.roll(as_quad(quad), -quarter_turns, axis=0)


def grow_quad(quad: ArrayLike, margin: float) -> Quad:
    """Moves each side outwards by `margin` times the quad's height (its width where that is less)."""
    grown: Quad = grow_quads(as_quad(quad)[None], margin)[0]
    return grown


def grow_quads(quads: ManyQuads, margin: float) -> NDArray[np.float32]:
    """`grow_quad` of (N, 4, 2) quads at once."""
    corners = as_quads(quads).astype(np.float64)
    if margin == 0:
        return corners.astype(np.float32)
    distances = margin * quad_sizes(corners).min(axis=1, keepdims=True)
    across = _units(corners[:, 1] - corners[:, 0] + corners[:, 2] - corners[:, 3]) * distances
    down = _units(corners[:, 3] - corners[:, 0] + corners[:, 2] - corners[:, 1]) * distances
    outwards = np.stack([-across - down, across - down, across + down, -across + down], axis=1)
    return (corners + outwards).astype(np.float32)


def _units(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.hypot(vectors[:, 0], vectors[:, 1])[:, None]
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0))


def rectify(image: Image, quads: ManyQuads, height: int | None = None, margin: float = 0.0) -> list[Image]:
    """Cuts quads out of a picture, upright, each corner to its corner; beyond the picture its edge is repeated.

    Args:
        image: (H, W, 3) uint8 RGB.
        quads: (4, 2) px each, clockwise from the text's own top left: that corner becomes the crop's.
        height: px of every crop, the width following the quad's aspect; None keeps the size on the page.
        margin: grows each quad by this share of its height before cutting.

    Returns:
        One (h, w, 3) crop a quad, at least 1x1; a quad turned by 90 degrees gives its text upright.
    """
    check_image(image)
    grown = grow_quads(as_quads(quads), margin)
    sizes = quad_sizes(grown)
    scales = np.ones(len(grown)) if height is None else height / np.maximum(sizes[:, 1], 1e-3)
    shapes = np.clip(np.rint(sizes * scales[:, None]), 1, MAX_SIDE_PX).astype(int).tolist()
    places = zip(*_slices(grown, image))
    crops = []
    for quad, scale, size, (is_upright, inner, around) in zip(grown, scales.tolist(), shapes, places, strict=True):
        if is_upright:
            left, top, right, bottom = inner
            crops.append(_resized(image[top:bottom, left:right], size))
        else:
            crops.append(_warped(image, quad, scale, size, around))
    return crops


def _slices(quads: NDArray[np.float32], image: Image) -> tuple[NDArray[np.bool_], list[list[int]], list[list[int]]]:
    """Whether each quad is upright to within half a pixel and lies inside the picture; its box; the box with its edge.

    Boxes are left, top, right, bottom in whole px.
    """
    low, high = quads[:, 0], quads[:, 2]
    level = (np.abs(quads[:, 1] - np.stack([high[:, 0], low[:, 1]], axis=1)) <= 0.5) & (
        np.abs(quads[:, 3] - np.stack([low[:, 0], high[:, 1]], axis=1)) <= 0.5
    )
    limits = np.array([image.shape[1], image.shape[0]])
    inner = np.rint(np.concatenate([low, high], axis=1).astype(np.float64))
    inside = (inner[:, :2] >= 0) & (inner[:, 2:] <= limits) & (inner[:, 2:] - inner[:, :2] >= 1)
    is_upright = np.asarray((level & inside).all(axis=1))
    inner = np.clip(inner, 0, np.tile(limits, 2))
    # Only the quad's surroundings are handed to OpenCV: its remap is slower and bounded to 32767 px on large pages.
    first = np.maximum(np.floor(quads.min(axis=1)) - 1, 0)
    last = np.minimum(np.ceil(quads.max(axis=1)) + 2, limits)
    first = np.minimum(first, limits - 1)
    around = np.concatenate([first, np.maximum(last, first + 1)], axis=1)
    return is_upright, inner.astype(int).tolist(), around.astype(int).tolist()


def _resized(crop: Image, size: Sequence[int]) -> Image:
    width, height = size
    if (width, height) == (crop.shape[1], crop.shape[0]):
        return crop
    shrinks = width < crop.shape[1] and height < crop.shape[0]
    return cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)  # type: ignore[return-value]


def _warped(image: Image, quad: Quad, scale: float, size: Sequence[int], around: Sequence[int]) -> Image:
    """A quad that stands at an angle, or reaches beyond the picture."""
    left, top, right, bottom = around
    width, height = size
    near = image[top:bottom, left:right]
    moved = quad - np.array([left, top], np.float32)
    if scale < 0.5:
        # Cut at the page's own size and shrunk by area, because a warp that shrinks skips pixels.
        full = rectify(np.ascontiguousarray(near), [moved])[0]
        return cv2.resize(full, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
    # Corners are edges of pixels, OpenCV's coordinates are their centres: half a pixel on both sides.
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - np.float32(0.5)
    matrix = quad_to_quad(moved - np.float32(0.5), target)
    return cv2.warpPerspective(near, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]
