"""Pixels and labels of a planned page: one mask an ink colour, one matrix for the picture and for every quad."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.errors import SynthesisError
from ocrsmith.geometry import bounds, box_quad, transform_points
from ocrsmith.samples import Image
from ocrsmith.synth import paint
from ocrsmith.synth.block_render import draw_block
from ocrsmith.synth.fonts import FontFace
from ocrsmith.synth.glyphs import guard, open_font
from ocrsmith.synth.layout import box_outline, translation
from ocrsmith.synth.page_grounds import draw_mark, draw_paper
from ocrsmith.synth.page_plans import DocumentPlan, TextPlan
from ocrsmith.synth.scene_plans import Colour
from ocrsmith.synth.shaping import ShapedRun, shape
from ocrsmith.synth.warp_plans import build_warp
from ocrsmith.synth.warps import Warp, compose, matrix_warp

Mask = NDArray[np.uint8]
Quads = NDArray[np.float32]
# Points a side at which a bent page is probed for what the picture shows, and for its slope.
_SEEN_CELLS, _SHADE_CELLS = 25, 33
_LINE_POINTS = 17


@dataclass(frozen=True, eq=False)
class WrittenText:
    """One line (or one word, where words are not joined): its clusters' texts and quads (N, 4, 2).

    `layer` 0 is print, n the n-th stamp: each has its own ink. `polygon` is the text's own where its quads' rectangle
    would hold too much: round a seal, on a sheet that bends.
    """

    pieces: tuple[str, ...]
    quads: Quads
    layer: int
    polygon: Quads | None = None


@dataclass(frozen=True, eq=False)
class WrittenPage:
    """A rendered page in picture px: pixels, texts, and where each layer's ink lies (H, W)."""

    image: Image
    texts: list[WrittenText]
    inks: list[Mask]


def is_level(matrix: NDArray[np.float64]) -> bool:
    """Whether a matrix is a shift by whole px, so that nothing needs to be resampled."""
    shift = np.eye(3)
    shift[:2, 2] = np.rint(matrix[:2, 2])
    return bool(np.abs(matrix - shift).max() < 1e-9)


def page_bend(plan: DocumentPlan) -> Warp | None:
    """How the sheet is bent, in page px; None where it is flat."""
    return build_warp(plan.bends, plan.page_width, plan.page_height) if plan.bends else None


def covers_picture(plan: DocumentPlan) -> bool:
    """Whether the page fills the picture, so that nothing round it is seen."""
    low, high = _seen(np.asarray(plan.matrix).reshape(3, 3), (plan.width, plan.height), page_bend(plan))
    return bool(low.min() >= 0 and (high <= [plan.page_width, plan.page_height]).all())


def _seen(
    matrix: NDArray[np.float64], size: tuple[int, int], bend: Warp | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The least and greatest (x, y) in flat page px that a picture of `size` (width, height) shows."""
    width, height = size
    num = 2 if bend is None else _SEEN_CELLS
    x, y = np.meshgrid(np.linspace(0, width, num), np.linspace(0, height, num))
    places = transform_points(np.stack([x, y], axis=-1), np.linalg.inv(matrix)).astype(np.float64)
    flat = (places if bend is None else bend.backward(places)).reshape(-1, 2)
    return flat.min(axis=0), flat.max(axis=0)


def seen_window(
    matrix: NDArray[np.float64], size: tuple[int, int], page: tuple[int, int], bend: Warp | None = None
) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in page px of what a picture of `size` (width, height) shows of the page."""
    lowest, highest = _seen(matrix, size, bend)
    # A resampled picture needs a neighbour beyond each edge, a bent one may reach further between the places probed.
    margin = 8 if bend is not None else 0 if is_level(matrix) else 2
    low = np.floor(lowest + 1e-3).astype(int) - margin
    high = np.ceil(highest - 1e-3).astype(int) + margin
    left, top = max(0, int(low[0])), max(0, int(low[1]))
    return left, top, min(page[0], int(high[0])), min(page[1], int(high[1]))


def write_page(plan: DocumentPlan, faces: Mapping[str, FontFace], desk: Image | None) -> WrittenPage:
    """Renders a plan; `desk` (H, W, 3) lies round the page, white where None.

    Raises:
        SynthesisError: a font that is not among the faces.
    """
    matrix = np.asarray(plan.matrix, np.float64).reshape(3, 3)
    left, top, right, bottom = seen_window(
        matrix, (plan.width, plan.height), (plan.page_width, plan.page_height), page_bend(plan)
    )
    width, height = max(1, right - left), max(1, bottom - top)
    flat = draw_paper(plan.paper, width, height)
    shift = (-left, -top)
    for mark in plan.marks:
        if not mark.over:
            draw_mark(flat, mark, shift)
    inks, texts = _write_texts(flat, plan, faces, shift)
    for mark in plan.marks:
        if mark.over:
            draw_mark(flat, mark, shift)
    stamp_inks, stamp_texts = _stamp(flat, plan, faces, shift)
    return _placed(flat, [inks, *stamp_inks], texts + stamp_texts, plan, matrix, (left, top), desk)


def _write_texts(
    flat: Image, plan: DocumentPlan, faces: Mapping[str, FontFace], shift: tuple[int, int]
) -> tuple[Mask, list[WrittenText]]:
    masks: dict[Colour, Mask] = {}
    texts: list[WrittenText] = []
    for text in plan.texts:
        if text.colour not in masks:
            masks[text.colour] = np.zeros(flat.shape[:2], np.uint8)
        texts += _write_line(masks[text.colour], text, faces, shift, plan.spaced, bool(plan.bends))
    for colour, mask in masks.items():
        _, rows, _, num_rows = cv2.boundingRect(mask)
        if not num_rows:  # nothing of this colour is in the window
            continue
        paint.blend(flat[rows : rows + num_rows], mask[rows : rows + num_rows], colour)
    whole = np.zeros(flat.shape[:2], np.uint8)
    for mask in masks.values():
        np.maximum(whole, mask, out=whole)
    return whole, texts


def _run(plan: TextPlan, word: str, faces: Mapping[str, FontFace]) -> ShapedRun:
    face = faces.get(plan.font)
    if face is None:
        raise SynthesisError(
            f"The plan names the font {plan.font!r}, which this world does not have. Render it with the world's fonts."
        )
    return shape(face, word, plan.size_px, letter_spacing_px=plan.letter_spacing_px)


def _write_line(
    mask: Mask, plan: TextPlan, faces: Mapping[str, FontFace], shift: tuple[int, int], spaced: bool, bent: bool
) -> list[WrittenText]:
    words: list[tuple[tuple[str, ...], Quads]] = []
    for word, x in zip(plan.words, plan.xs, strict=True):
        run = _run(plan, word, faces)
        left = x + shift[0] - int(run.origin[0])
        top = plan.y + shift[1] - int(run.origin[1])
        _paste(mask, run.mask, left, top)
        quads = run.quads + np.array([left, top], np.float32)
        words.append((run.texts, quads))
    if not spaced:
        return [WrittenText(pieces, quads, 0, _outline(quads, bent)) for pieces, quads in words]
    with guard.lock:
        rise = open_font(faces[plan.font]).x_height * plan.size_px
    pieces, joined = list(words[0][0]), [words[0][1]]
    ends = [(float(quads[..., 0].min()), float(quads[..., 0].max())) for _, quads in words] if len(words) > 1 else []
    for (before, after), (after_pieces, quads) in zip(pairwise(ends), words[1:]):
        pieces += [" ", *after_pieces]
        joined += [_gap(before, after, plan.y + shift[1], rise), quads]
    quads = np.concatenate(joined)
    return [WrittenText(tuple(pieces), quads, 0, _outline(quads, bent))]


def _outline(quads: Quads, bent: bool) -> Quads | None:
    """The box of a flat line as many points, for a sheet that bends it."""
    return box_outline(*bounds(quads), _LINE_POINTS) if bent else None


def _gap(before: tuple[float, float], after: tuple[float, float], baseline: float, rise: float) -> Quads:
    """A space's quad between words with ink from x to x: from one's ink to the other's, an x-height high."""
    left, right = before[1], after[0]
    if left > after[1]:  # right to left
        left, right = after[1], before[0]
    right = max(right, left + 1.0)
    top = baseline - rise
    return np.array([[[left, top], [right, top], [right, baseline], [left, baseline]]], np.float32)


def _paste(mask: Mask, bitmap: Mask, left: int, top: int) -> None:
    height, width = mask.shape
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + bitmap.shape[1], width), min(top + bitmap.shape[0], height)
    if x0 < x1 and y0 < y1:
        part = mask[y0:y1, x0:x1]
        np.maximum(part, bitmap[y0 - top : y1 - top, x0 - left : x1 - left], out=part)


def _stamp(
    flat: Image, plan: DocumentPlan, faces: Mapping[str, FontFace], shift: tuple[int, int]
) -> tuple[list[Mask], list[WrittenText]]:
    """Stamps and notes: drawn on white and multiplied into the print, as ink on ink darkens."""
    inks: list[Mask] = []
    texts: list[WrittenText] = []
    moved = np.eye(3)
    moved[:2, 2] = shift
    for number, block in enumerate(plan.stamps, 1):
        matrix = tuple((moved @ np.asarray(block.matrix, np.float64).reshape(3, 3)).reshape(-1).tolist())
        ink, film = np.zeros(flat.shape[:2], np.uint8), np.full_like(flat, 255)
        lines = draw_block(film, ink, replace(block, matrix=matrix), faces)
        inked = np.flatnonzero(film.reshape(len(film), -1).min(axis=1) < 255)
        if len(inked):
            rows = slice(inked[0], inked[-1] + 1)
            flat[rows] = cv2.multiply(flat[rows], film[rows], scale=1 / 255)
        inks.append(ink)
        texts += [
            WrittenText(line.pieces, line.quads, number, line.polygon if block.bend is not None else None)
            for line in lines
        ]
    return inks, texts


def _placed(
    flat: Image,
    inks: list[Mask],
    texts: list[WrittenText],
    plan: DocumentPlan,
    matrix: NDArray[np.float64],
    corner: tuple[int, int],
    desk: Image | None,
) -> WrittenPage:
    """Sends the flat window to the picture: by slices where the page lies level and flat, else through its warp."""
    local = matrix.copy()
    local[:, 2] += matrix[:, :2] @ np.asarray(corner, np.float64)
    height, width = flat.shape[:2]
    size = (plan.width, plan.height)
    level = is_level(local) and not plan.bends
    if level and (width, height) == size and not np.rint(local[:2, 2]).any():
        return WrittenPage(flat, texts, inks)
    image = np.full((plan.height, plan.width, 3), 255, np.uint8) if desk is None else desk.copy()
    if level:
        x, y = (int(value) for value in np.rint(local[:2, 2]))
        image[y : y + height, x : x + width] = flat
        moved_inks = []
        for ink in inks:
            moved = np.zeros((plan.height, plan.width), np.uint8)
            moved[y : y + height, x : x + width] = ink
            moved_inks.append(moved)
        return WrittenPage(image, _moved_texts(texts, lambda points: transform_points(points, local)), moved_inks)
    bend = page_bend(plan)
    # From the window to the page, bent there, and on to the picture, all in one sampling.
    warp = matrix_warp(local, (width, height), size)
    if bend is not None:
        warp = compose(
            matrix_warp(translation(*corner), (width, height), bend.size), bend, matrix_warp(matrix, bend.size, size)
        )
    # Pixels and the print's ink go together: four channels are sampled as fast as one.
    page, ink = _parted(warp.image(cv2.merge([*cv2.split(flat), inks[0]])))  # type: ignore[arg-type]
    if bend is not None:
        page = _shaded(page, bend, matrix)
    if covers_picture(plan):
        image = page
    else:
        if bend is None:
            corners = transform_points(box_quad(0, 0, width, height), local)
            cover = paint.polygon_mask(corners, (slice(0, plan.height), slice(0, plan.width)))
        else:
            cover = warp.image(np.full((height, width), 255, np.uint8), border=0)
        paint.blend_picture(image, cover, page)
        ink = cv2.min(ink, cover)  # type: ignore[assignment]

    def to_picture(points: NDArray[np.float32]) -> NDArray[np.float32]:
        if bend is not None:
            points = bend.points(points + np.asarray(corner, np.float32))
        return transform_points(points, local if bend is None else matrix)

    moved_inks = [ink, *(warp.image(stamp, border=0) for stamp in inks[1:])]
    return WrittenPage(image, _moved_texts(texts, to_picture), moved_inks)


def _parted(four: NDArray[np.uint8]) -> tuple[Image, Mask]:
    """The picture (H, W, 3) and the mask (H, W) out of four channels."""
    page, ink = np.empty((*four.shape[:2], 3), np.uint8), np.empty(four.shape[:2], np.uint8)
    cv2.mixChannels([four], [page, ink], [0, 0, 1, 1, 2, 2, 3, 3])
    return page, ink


def _moved_texts(texts: list[WrittenText], move: Callable[[Quads], Quads]) -> list[WrittenText]:
    """Every text's points through one map, all at once."""
    if not texts:
        return []
    parts = [text.quads.reshape(-1, 2) for text in texts]
    parts += [text.polygon for text in texts if text.polygon is not None]
    pieces = np.split(move(np.concatenate(parts)), np.cumsum([len(part) for part in parts])[:-1])
    polygons = iter(pieces[len(texts) :])
    return [
        WrittenText(text.pieces, quads.reshape(-1, 4, 2), text.layer, None if text.polygon is None else next(polygons))
        for text, quads in zip(texts, pieces)
    ]


def _shaded(page: Image, bend: Warp, matrix: NDArray[np.float64]) -> Image:
    """Light from one side: a sheet darkens where it falls away. The slope is taken from the bend's own displacement."""
    height, width = page.shape[:2]
    x, y = np.meshgrid(np.linspace(0, width, _SHADE_CELLS), np.linspace(0, height, _SHADE_CELLS))
    places = transform_points(np.stack([x, y], axis=-1), np.linalg.inv(matrix)).astype(np.float64)
    shifts = bend.backward(places) - places
    step_x, step_y = width / (_SHADE_CELLS - 1), height / (_SHADE_CELLS - 1)
    slope = np.gradient(shifts[..., 1], step_x, axis=1) + np.gradient(shifts[..., 0], step_y, axis=0)
    gain = np.clip(1.0 - 0.8 * slope, 0.7, 1.12).astype(np.float32)
    grown = cv2.resize(gain, (width, height), interpolation=cv2.INTER_CUBIC)
    return cv2.multiply(page, cv2.merge([grown] * 3), dtype=cv2.CV_8U)  # type: ignore[return-value]
