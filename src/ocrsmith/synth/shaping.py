"""Text to pixels: HarfBuzz shapes a run, FreeType draws its glyphs, and each cluster keeps its box.

A cluster is what a font draws as one: usually a character, more where a ligature or a combining mark joins them. A
direction is HarfBuzz's: "ltr", "rtl", "ttb" or "btt"; None guesses it from the text, and text that mixes right-to-left
letters with others is cut into runs of one direction each (see `synth.bidi`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import uharfbuzz
from numpy.typing import NDArray

from ocrsmith.alphabet import show
from ocrsmith.errors import FontError, SynthesisError
from ocrsmith.synth.bidi import directional_runs
from ocrsmith.synth.glyphs import BoundedCache, Box, FaceFile, OpenFont, cached_glyph, guard, open_font

Direction = Literal["ltr", "rtl", "ttb", "btt"]

_MAX_RUN_BYTES = 32 << 20
_MAX_SIDE_PX = 32_000
# Below this size a glyph set on whole pixels would be up to 1/20 em out of place; quarter pixels are kept apart there.
_PHASED_BELOW_64 = 20 * 64


class Cluster(NamedTuple):
    """One cluster's characters and box (left, top, right, bottom) in px of the run's mask.

    The box is that of the ink. Where there is none (a space) it is the advance wide and an x-height high.
    """

    text: str
    box: Box


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
            self._quads = self.boxes.take(_CORNERS, axis=1).reshape(-1, 4, 2)
        return self._quads


# left top, right top, right bottom, left bottom
_CORNERS = np.array([0, 1, 2, 1, 2, 3, 0, 3])


class _Piece:
    """What a cluster gathers: the pen's span in 1/64 px and the union of its glyphs' ink in px."""

    __slots__ = ("bottom", "has_ink", "left", "pen_end", "pen_start", "right", "top")

    def __init__(self, pen_start: int, pen_end: int) -> None:
        self.pen_start, self.pen_end, self.has_ink = pen_start, pen_end, False
        self.left = self.top = math.inf
        self.right = self.bottom = -math.inf

    def add(self, ink: Box, x: int, y: int) -> None:
        """Takes a glyph's ink in, whose pen stands at (x, y)."""
        left, top, right, bottom = ink[0] + x, ink[1] + y, ink[2] + x, ink[3] + y
        if self.has_ink:
            left, top = min(self.left, left), min(self.top, top)
            right, bottom = max(self.right, right), max(self.bottom, bottom)
        self.has_ink, self.left, self.top, self.right, self.bottom = True, left, top, right, bottom


_runs: BoundedCache[ShapedRun] = BoundedCache(_MAX_RUN_BYTES)


def shape(
    face: FaceFile,
    text: str,
    size_px: float,
    *,
    letter_spacing_px: float = 0.0,
    features: Mapping[str, bool | int] | None = None,
    direction: Direction | None = None,
) -> ShapedRun:
    """Shapes and draws one line of text with an em of `size_px`.

    Letter spacing widens the gap behind every cluster but the last (narrows it where negative) and turns optional
    ligatures off, as CSS does. `features` are OpenType features: `{"liga": False, "ss01": True}`.

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
        key = (font.serial, text, size64, spacing64, tuple(features.items()) if features else None, direction)
        run = _runs.get(key)
        if run is None:
            settings = dict(features or {})
            if spacing64:
                settings = {"liga": False, "clig": False, **settings}
            run = _Shaper(font, text, size64, spacing64, settings).run(direction)
            _runs.put(key, run, run.mask.size + 600 + 200 * len(text))
    return run


class _Shaper:
    """The work of one `shape`: a pen in 1/64 px that leaves glyphs and clusters behind."""

    def __init__(self, font: OpenFont, text: str, size64: int, spacing64: int, features: dict[str, bool | int]) -> None:
        self.font, self.text, self.size64, self.spacing64, self.features = font, text, size64, spacing64, features
        # A glyph's coverage, and its left, top, right and bottom.
        self.placed: list[tuple[NDArray[np.uint8], int, int, int, int]] = []
        self.pieces: dict[int, _Piece] = {}
        self.pen_x = self.pen_y = 0
        self.vertical = False

    def run(self, direction: Direction | None) -> ShapedRun:
        if direction is None:
            for start, end, piece_direction in directional_runs(self.text):
                self._shape_piece(start, end, piece_direction)
        else:
            self._shape_piece(0, len(self.text), direction)
        # The gap behind the last cluster belongs to nobody.
        advance64 = abs(self.pen_y if self.vertical else self.pen_x) - self.spacing64
        return self._drawn(max(advance64, 0) / 64.0)

    def _shape_piece(self, start: int, end: int, direction: Direction) -> None:
        buffer = uharfbuzz.Buffer()
        buffer.add_str(self.text, start, end - start)
        buffer.guess_segment_properties()
        buffer.direction = direction
        self.vertical = vertical = direction in ("ttb", "btt")
        font, size64, spacing64 = self.font, self.size64, self.spacing64
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
            bitmap, left, top, ink = cached_glyph(font, glyph_id, size64, phase)
            pen_start = -pen_y if vertical else pen_x
            pen_x, pen_y = pen_x + x_advance, pen_y + y_advance
            pen_end = -pen_y if vertical else pen_x
            piece = pieces.get(cluster)
            if piece is None:
                piece = pieces[cluster] = _Piece(pen_start, pen_end)
            else:
                piece.pen_start, piece.pen_end = min(pen_start, piece.pen_start), max(pen_end, piece.pen_end)
            if ink is not None:
                rows, columns = bitmap.shape
                left, top = x + left, y + top
                placed.append((bitmap, left, top, left + columns, top + rows))
                piece.add(ink, x, y)
            if spacing64 and (index == last or ids[index + 1][1] != cluster):
                if vertical:
                    pen_y -= spacing64
                else:
                    pen_x += spacing64
        self.pen_x, self.pen_y = pen_x, pen_y

    def _clusters(self) -> tuple[tuple[str, ...], list[Box]]:
        """Texts, and boxes about the pen's start; a cluster without ink and advance goes to the one before it."""
        starts = sorted(self.pieces)
        if starts[0] != 0:
            # HarfBuzz drops leading default-ignorable characters; they belong to what follows.
            self.pieces[0] = self.pieces.pop(starts[0])
            starts[0] = 0
        kept = [
            start
            for place, start in enumerate(starts)
            if place == 0 or self.pieces[start].has_ink or self.pieces[start].pen_end > self.pieces[start].pen_start
        ]
        x_height = self.font.x_height * self.size64 / 64.0
        boxes: list[Box] = []
        for start in kept:
            piece = self.pieces[start]
            pen_start, pen_end = piece.pen_start / 64.0, piece.pen_end / 64.0
            if piece.has_ink:
                boxes.append((piece.left, piece.top, piece.right, piece.bottom))
            elif self.vertical:
                boxes.append((-x_height / 2, pen_start, x_height / 2, max(pen_end, pen_start + 1)))
            else:
                boxes.append((pen_start, -x_height, max(pen_end, pen_start + 1), 0.0))
        return tuple(self.text[start:end] for start, end in zip(kept, [*kept[1:], len(self.text)])), boxes

    def _drawn(self, advance_px: float) -> ShapedRun:
        (texts, boxes), size_px = self._clusters(), self.size64 / 64.0
        if not self.placed:
            width, height = max(1, math.ceil(advance_px)), max(1, math.ceil(self.font.x_height * size_px))
            left, top = 0, -height
            mask = np.zeros((height, width), np.uint8)
        else:
            _, lefts, tops, rights, bottoms = zip(*self.placed)
            left, top = min(lefts), min(tops)
            width, height = max(rights) - left, max(bottoms) - top
            if max(width, height) > _MAX_SIDE_PX:
                raise SynthesisError(
                    f"A text of {len(self.text)} characters came to be drawn {width} x {height} px large. At most "
                    f"{_MAX_SIDE_PX:,} px a side are drawn: shorten it, or take a smaller size."
                )
            mask = np.zeros((height, width), np.uint8)
            maximum = np.maximum
            for bitmap, x0, y0, x1, y1 in self.placed:
                part = mask[y0 - top : y1 - top, x0 - left : x1 - left]
                maximum(part, bitmap, out=part)
        mask.flags.writeable = False
        moved = np.array([(x0 - left, y0 - top, x1 - left, y1 - top) for x0, y0, x1, y1 in boxes], np.float32)
        return ShapedRun(self.text, mask, (float(-left), float(-top)), texts, moved, advance_px, size_px)
