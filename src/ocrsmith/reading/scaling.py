"""How large a page is shown to the detector, and how a huge one is cut into tiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ScaleRule:
    """Scale from the page's and the text's own size, not a fixed factor.

    Attributes:
        min_side: px; a page whose shorter side is less is enlarged to it, by `max_enlargement` at most.
        max_side: px; a page whose longer side would be more is shrunk to it: lines of A4 pages are then 17 to 20 px
            high, which PP-OCRv6 small finds as well as larger ones.
        max_enlargement: the greatest factor.
        tile_side: px of the resized page; a longer side is cut into tiles of this size, which bounds memory.
        tile_overlap: px that neighbouring tiles share; half of it at each inner edge is thrown away, so that each
            place is seen with its surroundings.
        small_text_px: where the median height of the text found is less than this in the detector's input, the page
            is looked at once more, enlarged so that it is not, to four times `max_side` at most; 0 never does.
        large_text_px: where that height is more than this, or nothing is found, the page is looked at once more at half
            its size or less: a detector cuts or overlooks what is larger than all that it was trained on. 0 never does.
    """

    min_side: int = 736
    max_side: int = 1280
    max_enlargement: float = 4.0
    tile_side: int = 2560
    tile_overlap: int = 256
    small_text_px: float = 12.0
    large_text_px: float = 0.0

    def __post_init__(self) -> None:
        if min(self.min_side, self.max_side, self.max_enlargement) <= 0:
            raise ValueError("A scale rule's sides and enlargement must be above 0.")
        if not 0 <= self.tile_overlap < self.tile_side:
            raise ValueError(f"Tiles of {self.tile_side} px cannot overlap by {self.tile_overlap} px.")

    def scale(self, height: int, width: int) -> float:
        """The factor by which a page of this size is resized; an enlargement also stops at `max_side`."""
        factor = min(max(1.0, self.min_side / min(height, width)), self.max_enlargement)
        return min(factor, self.max_side / max(height, width))

    def second_scale(self, scale: float, text_height_px: float, height: int, width: int) -> float | None:
        """The factor for a second look where text of this height (px of the page) is too small, else None."""
        shown = text_height_px * scale
        if shown <= 0 or shown >= self.small_text_px:
            return None
        wanted = min(scale * self.small_text_px / shown, self.max_enlargement, 4 * self.max_side / max(height, width))
        return wanted if wanted > 1.2 * scale else None

    def smaller_scale(self, scale: float, text_height_px: float | None) -> float | None:
        """The factor for a second look where text of this height (px of the page) is too large, or None was found."""
        if self.large_text_px <= 0:
            return None
        if text_height_px is None:
            return scale / 2
        shown = text_height_px * scale
        return scale * min(0.5, self.large_text_px / shown) if shown > self.large_text_px else None

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able form."""
        return asdict(self)


def tiles(length: int, tile: int, overlap: int) -> Iterator[tuple[int, int, int, int]]:
    """Cuts `length` px: (start, stop) of each tile and (first, last) of the part of it that counts, in page px.

    The counting parts cover the length once, without gaps; inner borders are multiples of 32 so that strides agree.
    """
    tile, overlap = max(64, tile // 32 * 32), overlap // 64 * 64
    if length <= tile:
        yield 0, length, 0, length
        return
    step = max(32, (tile - overlap) // 32 * 32)
    start = counted = 0
    while True:
        stop = min(start + tile, length)
        last = length if stop == length else stop - overlap // 2
        yield start, stop, counted, last
        if stop == length:
            return
        counted, start = last, start + step
