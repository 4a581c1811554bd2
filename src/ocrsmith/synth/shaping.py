"""Text to pixels: HarfBuzz shapes a run, FreeType draws its glyphs, and each cluster keeps its box.

A cluster is what a font draws as one: usually a character, more where a ligature or a combining mark joins them. A
direction is HarfBuzz's: "ltr", "rtl", "ttb" or "btt"; None guesses it from the text, and text that mixes right-to-left
letters with others is cut into runs of one direction each (see `synth.bidi`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import uharfbuzz
from numpy.typing import NDArray

from ocrsmith.alphabet import show
from ocrsmith.errors import FontError, SynthesisError
from ocrsmith.synth.bidi import directional_runs
from ocrsmith.synth.glyphs import BoundedCache, Box, FaceFile, Glyph, OpenFont, cached_glyph, guard, open_font

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
        clusters: in logical order; their texts join to `text`.
        advance_px: how far the pen moved: to the right, or down where the direction is vertical.
        size_px: the em.
    """

    def __init__(
        self,
        text: str,
        mask: NDArray[np.uint8],
        origin: tuple[float, float],
        clusters: tuple[Cluster, ...],
        advance_px: float,
        size_px: float,
    ) -> None:
        self.text, self.mask, self.origin, self.clusters = text, mask, origin, clusters
        self.advance_px, self.size_px = advance_px, size_px

    @cached_property
    def boxes(self) -> NDArray[np.float32]:
        """(N, 4) float32: left, top, right, bottom of each cluster, px of the mask."""
        return np.array([cluster.box for cluster in self.clusters], np.float32).reshape(-1, 4)

    @cached_property
    def quads(self) -> NDArray[np.float32]:
        """(N, 4, 2) float32: the boxes as quads, clockwise from the top left."""
        return self.boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]


class _Placed(NamedTuple):
    glyph: Glyph
    x: int  # where the pen stands, whole px
    y: int


class _Piece(NamedTuple):
    """What a cluster gathers: the pen's span and the union of its glyphs' ink."""

    pen_start: float
    pen_end: float
    ink: Box | None


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
    key = (face.path, face.index, text, size64, spacing64, tuple(features.items()) if features else None, direction)
    with guard.lock:
        run = _runs.get(key)
        if run is None:
            settings = dict(features or {})
            if spacing64:
                settings = {"liga": False, "clig": False, **settings}
            run = _Shaper(open_font(face), text, size64, spacing64, settings).run(direction)
            _runs.put(key, run, run.mask.size + 600 + 200 * len(text))
    return run


class _Shaper:
    """The work of one `shape`: a pen in 1/64 px that leaves glyphs and clusters behind."""

    def __init__(self, font: OpenFont, text: str, size64: int, spacing64: int, features: dict[str, bool | int]) -> None:
        self.font, self.text, self.size64, self.spacing64, self.features = font, text, size64, spacing64, features
        self.placed: list[_Placed] = []
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
        self.vertical = direction in ("ttb", "btt")
        hb_font = self.font.hb_font
        hb_font.scale = (self.size64, self.size64)
        uharfbuzz.shape(hb_font, buffer, self.features)
        infos, positions = buffer.glyph_infos, buffer.glyph_positions
        missing = sorted({info.cluster for info in infos if info.codepoint == 0})
        if missing:
            raise FontError(
                f"The font {self.font.path.name} has no glyph for {show(self.text[i] for i in missing)}. "
                "Choose fonts by the alphabet's coverage, or leave the characters out."
            )
        phased = self.size64 < _PHASED_BELOW_64 and not self.vertical
        last = len(infos) - 1
        for index, (info, position) in enumerate(zip(infos, positions)):
            x_offset, y_offset, x_advance, y_advance = position.position
            x64 = self.pen_x + x_offset
            if phased:
                quarter = (x64 + 8) >> 4
                x, phase = quarter >> 2, (quarter & 3) << 4
            else:
                x, phase = (x64 + 32) >> 6, 0
            y = -((self.pen_y + y_offset + 32) >> 6)
            glyph = cached_glyph(self.font, info.codepoint, self.size64, phase)
            if glyph.ink is not None:
                self.placed.append(_Placed(glyph, x, y))
            ends_cluster = index == last or infos[index + 1].cluster != info.cluster
            self._gather(info.cluster, glyph.ink, x, y, x_advance, y_advance)
            if ends_cluster and self.spacing64:
                if self.vertical:
                    self.pen_y -= self.spacing64
                else:
                    self.pen_x += self.spacing64

    def _gather(self, cluster: int, ink: Box | None, x: int, y: int, x_advance: int, y_advance: int) -> None:
        start = (-self.pen_y if self.vertical else self.pen_x) / 64.0
        self.pen_x += x_advance
        self.pen_y += y_advance
        end = (-self.pen_y if self.vertical else self.pen_x) / 64.0
        moved = None if ink is None else (ink[0] + x, ink[1] + y, ink[2] + x, ink[3] + y)
        piece = self.pieces.get(cluster)
        if piece is not None:
            start, end = min(start, piece.pen_start), max(end, piece.pen_end)
            moved = _union(moved, piece.ink)
        self.pieces[cluster] = _Piece(start, end, moved)

    def _clusters(self) -> list[Cluster]:
        """Boxes about the pen's start; a cluster without ink and advance (a joiner) goes to the one before it."""
        starts = sorted(self.pieces)
        if starts[0] != 0:
            # HarfBuzz drops leading default-ignorable characters; they belong to what follows.
            self.pieces[0] = self.pieces.pop(starts[0])
            starts[0] = 0
        kept = [
            start
            for place, start in enumerate(starts)
            if place == 0 or self.pieces[start].ink or self.pieces[start].pen_end > self.pieces[start].pen_start
        ]
        x_height = self.font.x_height * self.size64 / 64.0
        clusters = []
        for place, start in enumerate(kept):
            end = kept[place + 1] if place + 1 < len(kept) else len(self.text)
            pen_start, pen_end, ink = self.pieces[start]
            if ink is None and self.vertical:
                ink = (-x_height / 2, pen_start, x_height / 2, max(pen_end, pen_start + 1))
            elif ink is None:
                ink = (pen_start, -x_height, max(pen_end, pen_start + 1), 0.0)
            clusters.append(Cluster(self.text[start:end], ink))
        return clusters

    def _drawn(self, advance_px: float) -> ShapedRun:
        clusters, size_px = self._clusters(), self.size64 / 64.0
        if not self.placed:
            width, height = max(1, math.ceil(advance_px)), max(1, math.ceil(self.font.x_height * size_px))
            left, top = 0, -height
            mask = np.zeros((height, width), np.uint8)
        else:
            left = min(p.x + p.glyph.left for p in self.placed)
            top = min(p.y + p.glyph.top for p in self.placed)
            width = max(p.x + p.glyph.left + p.glyph.bitmap.shape[1] for p in self.placed) - left
            height = max(p.y + p.glyph.top + p.glyph.bitmap.shape[0] for p in self.placed) - top
            if max(width, height) > _MAX_SIDE_PX:
                raise SynthesisError(
                    f"A text of {len(self.text)} characters came to be drawn {width} x {height} px large. At most "
                    f"{_MAX_SIDE_PX:,} px a side are drawn: shorten it, or take a smaller size."
                )
            mask = np.zeros((height, width), np.uint8)
            for (bitmap, glyph_left, glyph_top, _), x, y in self.placed:
                row, column = y + glyph_top - top, x + glyph_left - left
                part = mask[row : row + bitmap.shape[0], column : column + bitmap.shape[1]]
                np.maximum(part, bitmap, out=part)
        mask.flags.writeable = False
        shifted = tuple(
            Cluster(text, (box[0] - left, box[1] - top, box[2] - left, box[3] - top)) for text, box in clusters
        )
        return ShapedRun(self.text, mask, (float(-left), float(-top)), shifted, advance_px, size_px)


def _union(first: Box | None, second: Box | None) -> Box | None:
    if first is None or second is None:
        return first or second
    return (
        min(first[0], second[0]),
        min(first[1], second[1]),
        max(first[2], second[2]),
        max(first[3], second[3]),
    )
