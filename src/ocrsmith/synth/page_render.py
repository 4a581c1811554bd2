"""Pixels and labels of a planned page: one mask an ink colour, one matrix for the picture and for every quad."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.errors import SynthesisError
from ocrsmith.geometry import transform_points
from ocrsmith.samples import Image
from ocrsmith.synth import paint
from ocrsmith.synth.block_render import draw_block
from ocrsmith.synth.fonts import FontFace
from ocrsmith.synth.glyphs import guard, open_font
from ocrsmith.synth.page_grounds import draw_mark, draw_paper
from ocrsmith.synth.page_plans import DocumentPlan, TextPlan
from ocrsmith.synth.scene_plans import Colour
from ocrsmith.synth.shaping import ShapedRun, shape

Mask = NDArray[np.uint8]
Quads = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class WrittenText:
    """One line (or one word, where words are not joined): its clusters' texts and quads (N, 4, 2).

    `layer` 0 is print, n the n-th stamp: each has its own ink.
    """

    pieces: tuple[str, ...]
    quads: Quads
    layer: int


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


def seen_window(matrix: NDArray[np.float64], size: tuple[int, int], page: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in page px of what a picture of `size` (width, height) shows of the page."""
    width, height = size
    corners = transform_points([[0, 0], [width, 0], [width, height], [0, height]], np.linalg.inv(matrix))
    # A resampled picture needs a neighbour beyond each edge.
    margin = 0 if is_level(matrix) else 2
    low = np.floor(corners.min(axis=0) + 1e-3).astype(int) - margin
    high = np.ceil(corners.max(axis=0) - 1e-3).astype(int) + margin
    left, top = max(0, int(low[0])), max(0, int(low[1]))
    return left, top, min(page[0], int(high[0])), min(page[1], int(high[1]))


def write_page(plan: DocumentPlan, faces: Mapping[str, FontFace], desk: Image | None) -> WrittenPage:
    """Renders a plan; `desk` (H, W, 3) lies round the page, white where None.

    Raises:
        SynthesisError: a font that is not among the faces.
    """
    matrix = np.asarray(plan.matrix, np.float64).reshape(3, 3)
    left, top, right, bottom = seen_window(matrix, (plan.width, plan.height), (plan.page_width, plan.page_height))
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
        texts += _write_line(masks[text.colour], text, faces, shift, plan.spaced)
    for colour, mask in masks.items():
        _, rows, _, num_rows = cv2.boundingRect(mask)
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
    mask: Mask, plan: TextPlan, faces: Mapping[str, FontFace], shift: tuple[int, int], spaced: bool
) -> list[WrittenText]:
    words: list[tuple[tuple[str, ...], Quads]] = []
    for word, x in zip(plan.words, plan.xs, strict=True):
        run = _run(plan, word, faces)
        left = x + shift[0] - int(run.origin[0])
        top = plan.y + shift[1] - int(run.origin[1])
        _paste(mask, run.mask, left, top)
        quads = run.quads + np.array([left, top], np.float32)
        words.append((tuple(cluster.text for cluster in run.clusters), quads))
    if not spaced:
        return [WrittenText(pieces, quads, 0) for pieces, quads in words]
    with guard.lock:
        rise = open_font(faces[plan.font]).x_height * plan.size_px
    pieces, joined = list(words[0][0]), [words[0][1]]
    for (_, before), (after_pieces, after) in pairwise(words):
        pieces += [" ", *after_pieces]
        joined += [_gap(before, after, plan.y + shift[1], rise), after]
    return [WrittenText(tuple(pieces), np.concatenate(joined), 0)]


def _gap(before: Quads, after: Quads, baseline: float, rise: float) -> Quads:
    """A space's quad: from one word's ink to the next one's, an x-height high."""
    left, right = float(before[..., 0].max()), float(after[..., 0].min())
    if left > after[..., 0].max():  # right to left
        left, right = float(after[..., 0].max()), float(before[..., 0].min())
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
        block = type(block)(block.lines, matrix, block.ink, block.panel, block.rise_px)
        lines = draw_block(film, ink, block, faces)
        flat[:] = cv2.multiply(flat, film, scale=1 / 255)
        inks.append(ink)
        texts += [WrittenText(line.pieces, line.quads, number) for line in lines]
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
    """Sends the flat window to the picture: by slices where the page lies level, else through its matrix."""
    local = matrix.copy()
    local[:, 2] += matrix[:, :2] @ np.asarray(corner, np.float64)
    height, width = flat.shape[:2]
    size = (plan.width, plan.height)
    level = is_level(local)
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
    else:
        # OpenCV counts from pixel centres, quads from pixel corners.
        half = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1.0]])
        warp = half @ local @ np.linalg.inv(half)
        cover = cv2.warpPerspective(np.full((height, width), 255, np.uint8), warp, size)
        page: Image = cv2.warpPerspective(flat, warp, size, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[assignment]
        if int(cover.min()) == 255:
            image = page
        else:
            paint.blend_picture(image, cover, page)  # type: ignore[arg-type]
        moved_inks = [cv2.warpPerspective(ink, warp, size) for ink in inks]  # type: ignore[misc]
    moved_texts = []
    if texts:
        sizes = np.cumsum([len(text.quads) for text in texts])[:-1]
        every = np.split(transform_points(np.concatenate([text.quads for text in texts]), local), sizes)
        moved_texts = [WrittenText(text.pieces, quads, text.layer) for text, quads in zip(texts, every)]
    return WrittenPage(image, moved_texts, moved_inks)
