"""Display panels: segment digits behind a window, with what else stands on a display. Plans and the drawing of plans.

A panel lives in units of its digits' height: y = 0 at the digits' top, 1 at their foot, x = 0 at the first cell's left.
`draw_panel` paints it through any homography, so that the same code makes a tight crop and a tilted meter in a photo.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ocrsmith.geometry import Quad, box_quad, transform_points
from ocrsmith.samples import Character, Image
from ocrsmith.synth.panel_print import Box, Label, label_contours
from ocrsmith.synth.segments import SegmentStyle, digit_polygons, glyph_in_cell, ink_box

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Panel:
    """Everything drawn for one display; lengths in units of the digits' height, alphas 0..1."""

    text: str
    style: SegmentStyle
    font: str | None  # path of a segment font that draws the digits instead of `style`
    pitch: float  # from one cell's left to the next
    tail: int  # how many last digits are drawn smaller
    tail_scale: float
    tail_alpha: float  # strength of the smaller digits beside the others
    point_alpha: float
    point_size: float
    point_place: float  # where in the gap between two digits the point's middle stands: 0 left, 1 right
    point_room: float  # extra advance that a point takes
    round_point: bool
    blank_cells: int  # unlit cells before the first digit
    ghost: float  # how much of the ink's contrast unlit segments show
    ghost_points: bool  # whether every cell has an unlit point that shows too
    ghost_ink: Colour  # an LED's unlit segments are grey, an LCD's have the ink's own colour
    ink: Colour
    ground: Colour
    ink_alpha: float
    shadow: tuple[float, float, float]  # dx, dy, alpha: an LCD's ink shades its own reflector
    window: tuple[float, float, float, float]  # margins left, top, right, bottom around the digits
    bezel: Colour
    bezel_width: float
    labels: tuple[Label, ...] = ()

    @property
    def ghost_alpha(self) -> float:
        """How opaque unlit segments are; those of another colour than the ink do not follow its strength."""
        return min(1.0, 3 * self.ghost) if self.ghost_ink != self.ink else self.ink_alpha * self.ghost


@dataclass(frozen=True)
class Cell:
    """One character's place: lit segments (or a point) at a left, top and scale."""

    text: str
    left: float
    top: float
    scale: float


def cells_of(panel: Panel) -> list[Cell]:
    """Where each character of the text stands; a point stands behind its digit in the room that is left."""
    cells: list[Cell] = []
    x = panel.blank_cells * panel.pitch
    digits = sum(character != "." for character in panel.text)
    seen = 0
    scale = 1.0
    for character in panel.text:
        if character == ".":
            room = panel.pitch * scale - panel.style.width * scale
            left = x - room + panel.point_place * (room + panel.point_room) - panel.point_size / 2
            cells.append(Cell(".", left, 1.0 - panel.point_size, panel.point_size))
            x += panel.point_room
            continue
        scale = panel.tail_scale if digits - seen <= panel.tail else 1.0
        cells.append(Cell(character, x, 1.0 - scale, scale))
        x += panel.pitch * scale
        seen += 1
    return cells


def text_width(panel: Panel) -> float:
    """The right end of the last character, panel units; a slanted digit's top reaches over its foot."""
    last = cells_of(panel)[-1]
    return last.left + (panel.style.width + panel.style.slant if last.text != "." else 1.0) * last.scale


def digits_box(panel: Panel) -> Box:
    """Where digits, unlit ones and their points stand, panel units: no print stands there."""
    points = panel.pitch - panel.style.width if panel.ghost > 0 and panel.ghost_points else 0.0
    return 0.0, 0.0, text_width(panel) + points, 1.0


def window_quad(panel: Panel) -> Quad:
    """The display window's corners, panel units."""
    left, top, right, bottom = panel.window
    return box_quad(-left, -top, text_width(panel) + right, 1.0 + bottom)


def draw_panel(image: Image, matrix: ArrayLike, panel: Panel) -> list[Character]:
    """Paints a panel into `image` in place through `matrix` (panel units -> px).

    Returns the characters with their quads in px: the ink's box in the panel; a lone bar's has its cell's rows.
    """
    corners = window_quad(panel)
    if panel.bezel_width > 0:
        grown = corners + panel.bezel_width * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
        _fill(image, _project([grown], matrix), panel.bezel)
    _fill(image, _project([corners], matrix), panel.ground)
    region = _region(transform_points(corners, matrix), image.shape)
    if region is None:
        return []
    view = image[region]
    offset = np.array([region[1].start, region[0].start], np.float32)
    cells = cells_of(panel)
    if panel.ghost > 0:
        unlit = [p for cell in _all_cells(panel, cells) for p in _polygons(panel, cell)]
        _blend(view, _mask(view.shape, _project(unlit, matrix, offset)), panel.ghost_ink, panel.ghost_alpha)
    # A tilted window is not its region: what reaches over its edge is cut by it.
    shown: Any = _mask(view.shape, _project([corners], matrix, offset)) if panel.labels else None
    for label in panel.labels:
        print_mask: Any = cv2.min(_glyph_mask(view.shape, label_contours(label), matrix, offset), shown)
        _blend(view, print_mask, panel.ink, panel.ink_alpha * label.strength)
    digits = [cell for cell in cells if cell.text != "."]
    first_small = len(digits) - panel.tail
    lit = [p for cell in digits[:first_small] for p in _polygons(panel, cell)]
    points = [p for cell in cells if cell.text == "." for p in _polygons(panel, cell)]
    mask = _mask(view.shape, _project(lit, matrix, offset))
    if panel.tail:
        small = [p for cell in digits[first_small:] for p in _polygons(panel, cell)]
        tail_mask = _mask(view.shape, _project(small, matrix, offset))
        mask = np.maximum(mask, (tail_mask * panel.tail_alpha).astype(np.uint8))
    if points:
        dots = _mask(view.shape, _project(points, matrix, offset))
        mask = np.maximum(mask, (dots * panel.point_alpha).astype(np.uint8))
    dx, dy, alpha = panel.shadow
    if alpha > 0:
        scale = float(np.linalg.norm(np.diff(transform_points([[0, 0], [0, 1]], matrix), axis=0)))
        shift = np.array([[1, 0, dx * scale], [0, 1, dy * scale]], np.float32)
        cast: Any = cv2.warpAffine(mask, shift, (mask.shape[1], mask.shape[0]))
        _blend(view, cast, panel.ink, panel.ink_alpha * alpha)
    _blend(view, mask, panel.ink, panel.ink_alpha)
    return panel_characters(panel, matrix)


def lit_polygons(panel: Panel) -> list[NDArray[np.float32]]:
    """The lit segments of the reading's digits, or their glyphs' contours, in panel units; points are left out."""
    return [p for cell in cells_of(panel) if cell.text != "." for p in _polygons(panel, cell)]


def reading_coverage(shape: tuple[int, ...], matrix: ArrayLike, panel: Panel) -> NDArray[np.uint8]:
    """(H, W) uint8: where the lit segments of the reading's digits lie; points, which may be hidden, are left out."""
    coverage = np.zeros(shape[:2], np.uint8)
    lit = lit_polygons(panel)
    region = _region(transform_points(np.concatenate(lit), matrix), shape) if lit else None
    if region is not None:
        offset = np.array([region[1].start, region[0].start], np.float32)
        coverage[region] = _mask(coverage[region].shape, _project(lit, matrix, offset))
    return coverage


def fill_quad(image: Image, quad: Quad, colour: Colour) -> None:
    """Fills a quad given in px, in place."""
    _fill(image, _project([quad], np.eye(3)), colour)


def draw_labels(image: Image, matrix: ArrayLike, labels: Sequence[Label], colour: Colour) -> None:
    """Paints print into `image` in place through `matrix`; what lies outside is cut off."""
    for label in labels:
        glyphs = label_contours(label)
        contours = [contour for glyph in glyphs for contour in glyph]
        region = _region(transform_points(np.concatenate(contours), matrix), image.shape) if contours else None
        if region is not None:
            view = image[region]
            offset = np.array([region[1].start, region[0].start], np.float32)
            mask = _glyph_mask(view.shape, glyphs, matrix, offset)
            _blend(view, mask, colour, label.strength)


def panel_characters(panel: Panel, matrix: ArrayLike) -> list[Character]:
    """The characters of the reading with their quads in px."""
    cells = cells_of(panel)
    quads = transform_points(np.stack([_cell_quad(panel, cell) for cell in cells]), matrix)
    return [Character(cell.text, quad) for cell, quad in zip(cells, quads, strict=True)]


def _all_cells(panel: Panel, cells: Sequence[Cell]) -> list[Cell]:
    """Every cell with all its segments lit, the blank ones before the text among them, and their points."""
    blank = [Cell("8", i * panel.pitch, 0.0, 1.0) for i in range(panel.blank_cells)]
    digits = blank + [Cell("8", cell.left, cell.top, cell.scale) for cell in cells if cell.text != "."]
    if not panel.ghost_points:
        return digits
    room = panel.pitch - panel.style.width
    size = panel.point_size
    behind = [cell.left + (panel.style.width + panel.point_place * room) * cell.scale - size / 2 for cell in digits]
    return digits + [Cell(".", left, 1.0 - size, size) for left in behind]


def _polygons(panel: Panel, cell: Cell) -> list[NDArray[np.float32]]:
    origin = np.array([cell.left, cell.top], np.float32)
    if cell.text == ".":
        return [(_circle() if panel.round_point else box_quad(0, 0, 1, 1)) * cell.scale + origin]
    if panel.font is not None:
        return [p * cell.scale + origin for p in glyph_in_cell(panel.font, cell.text, panel.style.width)]
    segments = panel.style.lit(cell.text)
    return [polygon * cell.scale + origin for polygon in digit_polygons(panel.style, segments)]


def _cell_quad(panel: Panel, cell: Cell) -> Quad:
    if cell.text == ".":
        return box_quad(cell.left, cell.top, cell.left + cell.scale, cell.top + cell.scale)
    if panel.font is not None:
        points = np.concatenate(glyph_in_cell(panel.font, cell.text, panel.style.width))
        left, top = (float(v) for v in points.min(axis=0))
        right, bottom = (float(v) for v in points.max(axis=0))
    else:
        left, top, right, bottom = ink_box(panel.style, panel.style.lit(cell.text))
    if cell.text == "-":
        top, bottom = 0.0, 1.0
    s = cell.scale
    return box_quad(cell.left + s * left, cell.top + s * top, cell.left + s * right, cell.top + s * bottom)


@lru_cache(maxsize=1)
def _circle() -> NDArray[np.float32]:
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    return np.stack([0.5 + 0.5 * np.cos(angles), 0.5 + 0.5 * np.sin(angles)], axis=1).astype(np.float32)


_SHIFT = 4  # sixteenths of a pixel


def _project(
    polygons: Sequence[NDArray[np.float32]], matrix: ArrayLike, offset: ArrayLike = (0.0, 0.0)
) -> list[NDArray[np.int32]]:
    """Polygons through the homography, all at once, into OpenCV's fixed point less `offset`."""
    if not polygons:
        return []
    moved = transform_points(np.concatenate(polygons), matrix) - np.asarray(offset, np.float32)
    # OpenCV puts a pixel's centre at whole numbers; ours lies at a half.
    fixed = np.rint((np.clip(moved, -4000, 8000) - 0.5) * (1 << _SHIFT)).astype(np.int32)
    ends = accumulate(len(polygon) for polygon in polygons)
    return [fixed[end - len(polygon) : end] for polygon, end in zip(polygons, ends, strict=True)]


def _fill(image: Image, polygons: Iterable[NDArray[np.int32]], colour: Sequence[int]) -> None:
    for polygon in polygons:
        cv2.fillConvexPoly(image, polygon, tuple(int(v) for v in colour), cv2.LINE_AA, _SHIFT)


def _mask(shape: tuple[int, ...], polygons: Iterable[NDArray[np.int32]]) -> NDArray[np.uint8]:
    """Coverage (H, W) of separate simple polygons."""
    mask = np.zeros(shape[:2], np.uint8)
    for polygon in polygons:
        cv2.fillPoly(mask, [polygon], 255, cv2.LINE_AA, _SHIFT)
    return mask


def _glyph_mask(
    shape: tuple[int, ...], glyphs: Sequence[list[NDArray[np.float32]]], matrix: ArrayLike, offset: ArrayLike
) -> NDArray[np.uint8]:
    """Coverage of glyphs whose inner contours are holes."""
    mask = np.zeros(shape[:2], np.uint8)
    projected = _project([contour for glyph in glyphs for contour in glyph], matrix, offset)
    start = 0
    for glyph in glyphs:
        if glyph:
            cv2.fillPoly(mask, projected[start : start + len(glyph)], 255, cv2.LINE_AA, _SHIFT)
        start += len(glyph)
    return mask


def _region(points: NDArray[np.float32], shape: tuple[int, ...]) -> tuple[slice, slice] | None:
    left, top = np.floor(points.min(axis=0)).astype(int)
    right, bottom = np.ceil(points.max(axis=0)).astype(int)
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, shape[1]), min(bottom, shape[0])
    if right - left < 2 or bottom - top < 2:
        return None
    return slice(top, bottom), slice(left, right)


def _blend(view: NDArray[np.uint8], mask: NDArray[np.uint8], colour: Sequence[int], alpha: float) -> None:
    """view += alpha * mask * (colour - view), in place."""
    weight = (mask.astype(np.float32) * (alpha / 255.0))[..., None]
    tone: Any = np.array(colour, np.float32)
    view[:] = (view + weight * (tone - view) + 0.5).astype(np.uint8)
