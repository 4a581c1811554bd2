"""Fonts opened with FreeType and HarfBuzz, and their glyphs as bitmaps, in bounded caches of this process.

Fonts are opened from memory, never from a shared file handle, so that a forked worker reads on safely. FreeType keeps
a size and a glyph slot per face, so one lock guards all drawing; it is renewed in a forked child.
"""

from __future__ import annotations

import ctypes
import io
import itertools
import os
import threading
from collections import OrderedDict
from collections.abc import Hashable
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar

import freetype
import numpy as np
import uharfbuzz
from freetype import raw
from numpy.typing import NDArray

from ocrsmith.errors import FontError

Value = TypeVar("Value")
Box = tuple[float, float, float, float]  # left, top, right, bottom in px, y down

_LOAD_FLAGS = freetype.FT_LOAD_NO_HINTING | freetype.FT_LOAD_NO_BITMAP
_MAX_OPEN_FONTS = 512
_MAX_GLYPH_BYTES = 48 << 20
# A bitmap's own bytes are few beside the Python objects that hold it.
_GLYPH_OVERHEAD_BYTES = 500
_STRIKE_OVERHEAD_BYTES = 600


class FaceFile(Protocol):
    """What shaping needs to know of a font face: its file, and its place in it."""

    @property
    def path(self) -> Path:
        """A TrueType or OpenType file or collection."""
        ...

    @property
    def index(self) -> int:
        """The face's place in a collection (.ttc), 0 elsewhere."""
        ...


class Glyph(NamedTuple):
    """A glyph's coverage and where it lies from the pen: px, y down, the baseline at 0."""

    bitmap: NDArray[np.uint8]  # (h, w) coverage 0..255; 0x0 where it has no ink
    left: int
    top: int
    right: int
    bottom: int
    ink: Box | None  # the outline's exact box


_NO_INK = Glyph(np.zeros((0, 0), np.uint8), 0, 0, 0, 0, None)


class BoundedCache(Generic[Value]):
    """Keeps the values used last, up to a total weight; `get` counts as a use."""

    def __init__(self, max_weight: int) -> None:
        self.max_weight = max_weight
        self.weight = 0
        self._entries: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()

    def get(self, key: Hashable) -> Value | None:
        """The value, or None."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: Hashable, value: Value, weight: int) -> None:
        """Keeps a value, and lets go of those used longest ago until all fit."""
        if key in self._entries:
            self.weight -= self._entries.pop(key)[1]
        self._entries[key] = (value, weight)
        self.weight += weight
        while self.weight > self.max_weight and len(self._entries) > 1:
            _, (_, old_weight) = self._entries.popitem(last=False)
            self.weight -= old_weight

    def clear(self) -> None:
        """Lets go of everything."""
        self._entries.clear()
        self.weight = 0

    def __len__(self) -> int:
        return len(self._entries)


_serials = itertools.count()


class OpenFont:
    """One font file, opened for shaping (`hb_font`) and for drawing (`glyph`).

    Raises:
        FontError: absent, damaged, or without outlines (bitmap and colour-only fonts).
    """

    def __init__(self, path: Path, index: int = 0) -> None:
        self.path, self.index = path, index
        # A key for caches that costs less to hash than a path.
        self.serial = next(_serials)
        try:
            data = Path(path).read_bytes()
            self._face = freetype.Face(io.BytesIO(data), index)
            self.hb_font = uharfbuzz.Font(uharfbuzz.Face(data, index))
        except OSError as error:
            raise FontError(f"The font {path} cannot be read ({error}). Check the path.") from None
        except (freetype.FT_Exception, ValueError) as error:
            raise FontError(
                f"The font {path} cannot be opened ({error}). A TrueType or OpenType file is expected; leave it out."
            ) from None
        if not self._face.is_scalable:
            raise FontError(f"The font {path} has no outlines. Scalable fonts are expected; leave it out.")
        units = float(self._face.units_per_EM)
        # All as shares of the em: a size of n px has an em of n px.
        self.ascender = self._face.ascender / units
        self.descender = -self._face.descender / units
        self.x_height = self._height_of("x", default=0.5)
        self.cap_height = self._height_of("H", default=0.7)
        self._size64 = -1
        # A face has one slot for as long as it lives; each look at it through ctypes costs as much as a small glyph.
        slot = self._face._FT_Face.contents.glyph
        self._slot, self._outline, self._bitmap = slot, ctypes.byref(slot.contents.outline), slot.contents.bitmap
        self._extent = raw.FT_BBox()
        self._extent_reference = ctypes.byref(self._extent)

    def _height_of(self, character: str, default: float) -> float:
        index = self._face.get_char_index(character)
        if not index:
            return default
        self._face.load_glyph(index, freetype.FT_LOAD_NO_SCALE)
        top = self._face.glyph.outline.get_bbox().yMax / self._face.units_per_EM
        return float(top) if 0.1 < top < 1.5 else default

    def glyph(self, glyph_id: int, size64: int, phase64: int = 0) -> Glyph:
        """Draws a glyph at a size in 1/64 px, its outline moved right by a phase in 1/64 px. Uncached."""
        if size64 != self._size64:
            self._face.set_char_size(height=size64, hres=72, vres=72)
            self._size64 = size64
        slot, outline, box, bitmap = self._slot, self._outline, self._extent, self._bitmap
        error = raw.FT_Load_Glyph(self._face._FT_Face, glyph_id, _LOAD_FLAGS)
        if error or slot.contents.format != freetype.FT_GLYPH_FORMAT_OUTLINE:
            raise FontError(f"The font {self.path} cannot draw its glyph {glyph_id} (FreeType error {error}).")
        if phase64:
            raw.FT_Outline_Translate(outline, phase64, 0)
        raw.FT_Outline_Get_BBox(outline, self._extent_reference)
        if raw.FT_Render_Glyph(slot, freetype.FT_RENDER_MODE_NORMAL):
            raise FontError(f"The font {self.path} has a broken outline in its glyph {glyph_id}.")
        rows, width = bitmap.rows, bitmap.width
        if not rows or not width:
            return _NO_INK
        pitch = bitmap.pitch
        pixels: NDArray[np.uint8] = np.ndarray(
            (rows, width), np.uint8, ctypes.string_at(bitmap.buffer, rows * pitch), 0, (pitch, 1)
        )
        left, top = slot.contents.bitmap_left, -slot.contents.bitmap_top
        ink = (box.xMin / 64.0, -box.yMax / 64.0, box.xMax / 64.0, -box.yMin / 64.0)
        return Glyph(pixels, left, top, left + width, top + rows, ink)


class Strike:
    """A font's glyphs at one size, each drawn when it is first asked for.

    Args:
        size64: the em in 1/64 px.
    """

    __slots__ = ("_glyphs", "font", "size64", "weight")

    def __init__(self, font: OpenFont, size64: int) -> None:
        self.font, self.size64 = font, size64
        self.weight = _STRIKE_OVERHEAD_BYTES
        self._glyphs: dict[int, Glyph] = {}

    def glyph(self, glyph_id: int, phase64: int = 0) -> Glyph:
        """`OpenFont.glyph` at this size, remembered; a phase is 0 to 63."""
        key = glyph_id << 6 | phase64
        glyph = self._glyphs.get(key)
        if glyph is None:
            glyph = self._glyphs[key] = self.font.glyph(glyph_id, self.size64, phase64)
            self.weight += glyph.bitmap.size + _GLYPH_OVERHEAD_BYTES
        return glyph


_fonts: BoundedCache[OpenFont] = BoundedCache(_MAX_OPEN_FONTS)
_strikes: BoundedCache[Strike] = BoundedCache(_MAX_GLYPH_BYTES)


class _Guard:
    """The lock round FreeType's faces; a forked child makes its own, since the parent's may be held at the fork."""

    def __init__(self) -> None:
        self.lock = threading.RLock()

    def renew(self) -> None:
        self.lock = threading.RLock()


guard = _Guard()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=guard.renew)


def open_font(face: FaceFile) -> OpenFont:
    """The opened font of a face, kept open for the next call; hold `guard.lock` while drawing with it."""
    key = (face.path, face.index)
    font = _fonts.get(key)
    if font is None:
        font = OpenFont(face.path, face.index)
        _fonts.put(key, font, 1)
    return font


def open_strike(font: OpenFont, size64: int) -> Strike:
    """The font's glyphs at a size, as far as they were drawn and are still kept; `keep_strike` when done with it."""
    return _strikes.get((font.serial, size64)) or Strike(font, size64)


def keep_strike(strike: Strike) -> None:
    """Keeps a strike with the glyphs that it has by now."""
    _strikes.put((strike.font.serial, strike.size64), strike, strike.weight)
