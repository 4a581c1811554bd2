"""Fixed tiles of noise, made once a process and cut at random offsets: drawing normal deviates for every picture would
cost more than all other degradations together (20 ns a value; a cut costs nothing)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

TILE_PX = 768
# A tile holds 128 + SPREAD * noise, so that eight bits reach four standard deviations.
SPREAD = 32.0
_TILE_SEED = 20240717


def _as_bytes(noise: NDArray[Any]) -> NDArray[np.uint8]:
    return np.clip(np.rint(128.0 + SPREAD * noise), 0, 255).astype(np.uint8)


@cache
def normal_tile() -> NDArray[np.uint8]:
    """(768, 768, 3) uint8: 128 + 32 * normal noise, independent in each channel."""
    rng = np.random.default_rng([_TILE_SEED, 0])
    return _as_bytes(rng.standard_normal((TILE_PX, TILE_PX, 3), dtype=np.float32))


@cache
def grey_tile() -> NDArray[np.uint8]:
    """(768, 768, 3) uint8: as normal_tile, the same value in the three channels."""
    rng = np.random.default_rng([_TILE_SEED, 1])
    return np.repeat(_as_bytes(rng.standard_normal((TILE_PX, TILE_PX, 1), dtype=np.float32)), 3, axis=2)


@cache
def grey_plane() -> NDArray[np.uint8]:
    """(768, 768) uint8: one channel of grey_tile."""
    return np.ascontiguousarray(grey_tile()[..., 0])


@cache
def chroma_tile() -> NDArray[np.uint8]:
    """(768, 768, 3) uint8: coloured blotches of about 2 px whose luma (BT.601) is that of grey."""
    rng = np.random.default_rng([_TILE_SEED, 2])
    noise = rng.standard_normal((TILE_PX, TILE_PX, 3), dtype=np.float32)
    blurred: Any = cv2.GaussianBlur(noise, (0, 0), 1.0, borderType=cv2.BORDER_REFLECT)
    blurred -= (blurred @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
    return _as_bytes(blurred / blurred.std())


@cache
def uniform_tile() -> NDArray[np.uint8]:
    """(768, 768) uint8, uniform in 0..255."""
    return np.random.default_rng([_TILE_SEED, 3]).integers(0, 256, (TILE_PX, TILE_PX), dtype=np.uint8)


@cache
def cloud_tile() -> NDArray[np.uint8]:
    """(768, 768) uint8, uniform in 0..255 by rank: smooth blobs over scales of 4 to 64 px."""
    rng = np.random.default_rng([_TILE_SEED, 4])
    total = np.zeros((TILE_PX, TILE_PX), np.float32)
    for sigma, weight in ((2.0, 0.25), (6.0, 0.5), (16.0, 1.0), (32.0, 1.0)):
        layer: Any = cv2.GaussianBlur(
            rng.standard_normal((TILE_PX, TILE_PX), dtype=np.float32), (0, 0), sigma, borderType=cv2.BORDER_REFLECT
        )
        total += weight * layer / layer.std()
    ranks = total.ravel().argsort().argsort().reshape(total.shape)
    return (ranks * 256 // ranks.size).astype(np.uint8)


def cut(tile: NDArray[np.uint8], rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """(height, width, ...) of a tile at a random offset; a picture larger than the tile gets it mirrored onwards."""
    rows, columns = tile.shape[:2]
    # Two offsets from one draw: each call of the generator costs as much as a small filter.
    offset = int(rng.integers(1 << 40))
    if height <= rows and width <= columns:
        top, left = (offset >> 20) % (rows - height + 1), (offset & 0xFFFFF) % (columns - width + 1)
        return tile[top : top + height, left : left + width]
    top, left = (offset >> 20) % rows, (offset & 0xFFFFF) % columns
    # Columns first, on the tile's own rows; whole rows are then copied at the speed of memory.
    wide = cv2.hconcat(list(_mirrored_parts(tile, left, width, 1)))
    return cv2.vconcat(list(_mirrored_parts(wide, top, height, 0)))


def _mirrored_parts(tile: Any, start: int, count: int, axis: int) -> Iterator[Any]:
    """`count` rows (axis 0) or columns (axis 1) from `start` on of a tile that goes on mirrored at each end."""
    size = tile.shape[axis]
    flipped = cv2.flip(tile, axis)
    while count:
        turn, place = divmod(start, size)
        taken = min(count, size - place)
        source = flipped if turn % 2 else tile
        yield source[place : place + taken] if axis == 0 else source[:, place : place + taken]
        start, count = start + taken, count - taken
