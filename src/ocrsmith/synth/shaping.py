"""Text to pixels: HarfBuzz shapes a run, FreeType draws its glyphs, and each cluster keeps its box.

A direction is HarfBuzz's: "ltr", "rtl", "ttb" or "btt"; None guesses it from the text, and text that mixes
right-to-left letters with others is cut into runs of one direction each (see `synth.bidi`). Where a font lacks an
alphabet, other fonts write that stretch of the run, as high as its own letters and on its baseline.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import cv2
import numpy as np
import uharfbuzz
from numpy.typing import NDArray

from ocrsmith.alphabet import show
from ocrsmith.errors import FontError, SynthesisError
from ocrsmith.synth.bidi import directional_runs
from ocrsmith.synth.clusters import Cluster, Piece, clusters_of, joined_pieces
from ocrsmith.synth.glyphs import (
    BoundedCache,
    FaceFile,
    Glyph,
    OpenFont,
    guard,
    keep_strike,
    open_font,
    open_strike,
)

Direction = Literal["ltr", "rtl", "ttb", "btt"]

_MAX_RUN_BYTES = 32 << 20
_MAX_SIDE_PX = 32_000
# Below this size a glyph set on whole pixels would be up to 1/20 em out of place; quarter pixels are kept apart there.
_PHASED_BELOW_64 = 20 * 64


class ShapedRun:
    """A drawn text.

    Attributes:
        text: what was asked for.
        mask: (h, w) uint8 coverage, cut to the ink; read-only, since it is shared by a cache.
        origin: (x, y) of the pen's start on the baseline, px from the mask's top left.
        texts: the clusters' characters in logical order; they join to `text`.
        boxes: (N, 4) float32, left, top, right, bottom of each cluster, px of the mask.
        advance_px: how far the pen moved: to the right, or down where the direction is vertical.
        size_px: the em.
    """

    # A cache holds thousands: few objects each, so that Python's collector has little to walk through.
    __slots__ = ("_quads", "advance_px", "boxes", "mask", "origin", "size_px", "text", "texts")

    def __init__(
        self,
        text: str,
        mask: NDArray[np.uint8],
        origin: tuple[float, float],
        texts: tuple[str, ...],
        boxes: NDArray[np.float32],
        advance_px: float,
        size_px: float,
    ) -> None:
        self.text, self.mask, self.origin, self.texts, self.boxes = text, mask, origin, texts, boxes
        self.advance_px, self.size_px = advance_px, size_px
        self._quads: NDArray[np.float32] | None = None

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """Texts and boxes together."""
        boxes = self.boxes.tolist()
        return tuple(Cluster(text, (*box,)) for text, box in zip(self.texts, boxes, strict=True))

    @property
    def quads(self) -> NDArray[np.float32]:
        """(N, 4, 2) float32: the boxes as quads, clockwise from the top left."""
        if self._quads is None:
            self._quads = box_quads(self.boxes)
        return self._quads


# left top, right top, right bottom, left bottom
_CORNERS = np.array([0, 1, 2, 1, 2, 3, 0, 3])


def box_quads(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 4, 2): boxes (N, 4) of left, top, right, bottom as quads, clockwise from the top left."""
    return boxes.take(_CORNERS, axis=1).reshape(-1, 4, 2)


# How far another font's size may go from the run's own to bring its x-height to that of the run's.
_LEAST_MATCH, _MOST_MATCH = 0.75, 1.35

_runs: BoundedCache[ShapedRun] = BoundedCache(_MAX_RUN_BYTES)


def shape(
    face: FaceFile,
    text: str,
    size_px: float,
    *,
    letter_spacing_px: float = 0.0,
    features: Mapping[str, bool | int] | None = None,
    direction: Direction | None = None,
    others: Sequence[tuple[int, int, FaceFile]] = (),
) -> ShapedRun:
    """Shapes and draws one line of text with an em of `size_px`.

    Letter spacing widens the gap behind every cluster but the last (narrows it where negative) and turns optional
    ligatures off, as CSS does. `features` are OpenType features: `{"liga": False, "ss01": True}`.

    Args:
        others: start and end of stretches that another font writes, in order and apart. It is set at the size where its
            x-height is this font's, in quarters of a px, from 0.75 to 1.35 times `size_px`.

    Raises:
        SynthesisError: an empty text, a size outside 2 to 2,000 px, or a run wider than 32,000 px.
        FontError: the font cannot be opened, or lacks a glyph (it would draw tofu).
    """
    if not text:
        raise SynthesisError("An empty text came to be drawn. At least one character is expected.")
    if not 2 <= size_px <= 2000:
        raise SynthesisError(f"A font size of {size_px} px came. 2 to 2,000 px is expected.")
    size64, spacing64 = round(size_px * 64), round(letter_spacing_px * 64)
    with guard.lock:
        font = open_font(face)
        key: tuple[object, ...] = (
            font.serial, text, size64, spacing64, tuple(features.items()) if features else None, direction
        )  # fmt: skip
        stretches = [(start, end, open_font(other)) for start, end, other in others]
        if stretches:
            key += tuple((start, end, other.serial) for start, end, other in stretches)
        run = _runs.get(key)
        if run is None:
            settings = dict(features or {})
            if spacing64:
                settings = {"liga": False, "clig": False, **settings}
            run = _Shaper(font, text, size64, spacing64, settings, stretches).run(direction)
            _runs.put(key, run, run.mask.size + 600 + 200 * len(text))
    return run


class _Shaper:
    """The work of one `shape`: a pen in 1/64 px that leaves glyphs and clusters behind."""

    def __init__(
        self,
        font: OpenFont,
        text: str,
        size64: int,
        spacing64: int,
        features: dict[str, bool | int],
        others: Sequence[tuple[int, int, OpenFont]],
    ) -> None:
        self.font, self.text, self.size64, self.spacing64, self.features = font, text, size64, spacing64, features
        self.others = others
        # A glyph with ink, and the pen it hangs on.
        self.placed: list[tuple[Glyph, int, int]] = []
        self.pieces: dict[int, Piece] = {}
        self.pen_x = self.pen_y = 0
        self.vertical = False

    def run(self, direction: Direction | None) -> ShapedRun:
        if direction is None:
            for start, end, piece_direction in directional_runs(self.text):
                self._shape_fonts(start, end, piece_direction)
        else:
            self._shape_fonts(0, len(self.text), direction)
        # The gap behind the last cluster belongs to nobody.
        advance64 = abs(self.pen_y if self.vertical else self.pen_x) - self.spacing64
        return self._drawn(max(advance64, 0) / 64.0)

    def _shape_fonts(self, start: int, end: int, direction: Direction) -> None:
        """Shapes a stretch of one direction: each font's part with that font, as they follow on the page."""
        if not self.others:
            self._shape_piece(start, end, direction, self.font, self.size64)
            return
        parts: list[tuple[int, int, OpenFont, int]] = []
        pen = start
        for first, last, font in self.others:
            first, last = max(first, start), min(last, end)
            if first < last:
                parts += [(pen, first, self.font, self.size64), (first, last, font, self._matched64(font))]
                pen = last
        parts.append((pen, end, self.font, self.size64))
        for first, last, font, size64 in reversed(parts) if direction in ("rtl", "btt") else parts:
            if first < last:
                self._shape_piece(first, last, direction, font, size64)

    def _matched64(self, font: OpenFont) -> int:
        """The size at which another font's x-height is the run's; quarters of a px, so that few strikes are kept."""
        ratio = min(max(self.font.x_height / font.x_height, _LEAST_MATCH), _MOST_MATCH)
        return max(round(self.size64 * ratio / 16), 1) * 16

    def _shape_piece(self, start: int, end: int, direction: Direction, font: OpenFont, size64: int) -> None:
        buffer = uharfbuzz.Buffer()
        buffer.add_str(self.text, start, end - start)
        buffer.guess_segment_properties()
        buffer.direction = direction
        self.vertical = vertical = direction in ("ttb", "btt")
        spacing64 = self.spacing64
        font.hb_font.scale = (size64, size64)
        uharfbuzz.shape(font.hb_font, buffer, self.features)
        ids = [(info.codepoint, info.cluster) for info in buffer.glyph_infos]
        missing = sorted({cluster for glyph_id, cluster in ids if glyph_id == 0})
        if missing:
            raise FontError(
                f"The font {font.path.name} has no glyph for {show(self.text[i] for i in missing)}. "
                "Choose fonts by the alphabet's coverage, or leave the characters out."
            )
        phased = size64 < _PHASED_BELOW_64 and not vertical
        strike = open_strike(font, size64)
        pieces, placed = self.pieces, self.placed
        pen_x, pen_y, last = self.pen_x, self.pen_y, len(ids) - 1
        for index, ((glyph_id, cluster), place) in enumerate(zip(ids, buffer.glyph_positions)):
            x_offset, y_offset, x_advance, y_advance = place.position
            x64 = pen_x + x_offset
            if phased:
                quarter = (x64 + 8) >> 4
                x, phase = quarter >> 2, (quarter & 3) << 4
            else:
                x, phase = (x64 + 32) >> 6, 0
            y = -((pen_y + y_offset + 32) >> 6)
            glyph = strike.glyph(glyph_id, phase)
            pen_start = -pen_y if vertical else pen_x
            pen_x += x_advance
            pen_y += y_advance
            ink = glyph.ink
            if ink is not None:
                ink = (ink[0] + x, ink[1] + y, ink[2] + x, ink[3] + y)
                placed.append((glyph, x, y))
            piece = (pen_start, -pen_y if vertical else pen_x, ink)
            pieces[cluster] = joined_pieces(pieces[cluster], piece) if cluster in pieces else piece
            if spacing64 and (index == last or ids[index + 1][1] != cluster):
                if vertical:
                    pen_y -= spacing64
                else:
                    pen_x += spacing64
        keep_strike(strike)
        self.pen_x, self.pen_y = pen_x, pen_y

    def _drawn(self, advance_px: float) -> ShapedRun:
        size_px = self.size64 / 64.0
        texts, boxes = clusters_of(self.text, self.pieces, self.font.x_height * self.size64 / 64.0, self.vertical)
        if not self.placed:
            width, height = max(1, math.ceil(advance_px)), max(1, math.ceil(self.font.x_height * size_px))
            left, top = 0, -height
            mask = np.zeros((height, width), np.uint8)
        else:
            left = min([glyph.left + x for glyph, x, _ in self.placed])
            top = min([glyph.top + y for glyph, _, y in self.placed])
            width = max([glyph.right + x for glyph, x, _ in self.placed]) - left
            height = max([glyph.bottom + y for glyph, _, y in self.placed]) - top
            if max(width, height) > _MAX_SIDE_PX:
                raise SynthesisError(
                    f"A text of {len(self.text)} characters came to be drawn {width} x {height} px large. At most "
                    f"{_MAX_SIDE_PX:,} px a side are drawn: shorten it, or take a smaller size."
                )
            mask = np.zeros((height, width), np.uint8)
            reached = left
            for (bitmap, x0, y0, x1, y1, _), x, y in self.placed:
                x0, x1 = x0 + x, x1 + x
                part = mask[y0 + y - top : y1 + y - top, x0 - left : x1 - left]
                # Most glyphs lie right of all before them: copying costs a third of a maximum.
                if x0 >= reached:
                    part[:] = bitmap
                else:
                    cv2.max(part, bitmap, part)
                reached = max(reached, x1)
        mask.flags.writeable = False
        moved = np.array([(x0 - left, y0 - top, x1 - left, y1 - top) for x0, y0, x1, y1 in boxes], np.float32)
        return ShapedRun(self.text, mask, (float(-left), float(-top)), texts, moved, advance_px, size_px)
