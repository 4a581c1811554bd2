"""Pixels and labels of a planned page: one mask an ink colour, one matrix for the picture and for every quad."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import box_quad, transform_points
from ocrsmith.samples import Image
from ocrsmith.synth import paint
from ocrsmith.synth.block_render import draw_block
from ocrsmith.synth.clipping import beyond_edges, clipped
from ocrsmith.synth.fonts import FontFace
from ocrsmith.synth.layout import translation
from ocrsmith.synth.page_grounds import draw_mark, draw_paper
from ocrsmith.synth.page_plans import DocumentPlan
from ocrsmith.synth.page_texts import Mask, Quads, WrittenText, write_texts
from ocrsmith.synth.warp_plans import build_warp
from ocrsmith.synth.warps import Warp, compose, matrix_warp

# Points a side at which a bent page is probed for what the picture shows, and for its slope.
_SEEN_CELLS, _SHADE_CELLS = 25, 33


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
    inks, texts = write_texts(flat, plan, faces, shift)
    for mark in plan.marks:
        if mark.over:
            draw_mark(flat, mark, shift)
    stamp_inks, stamp_texts = _stamp(flat, plan, faces, shift)
    return _placed(flat, [inks, *stamp_inks], texts + stamp_texts, plan, matrix, (left, top), desk)


def _stamp(
    flat: Image, plan: DocumentPlan, faces: Mapping[str, FontFace], shift: tuple[int, int]
) -> tuple[list[Mask], list[WrittenText]]:
    """Stamps and notes: drawn on white and multiplied into the print, as ink on ink darkens."""
    inks: list[Mask] = []
    texts: list[WrittenText] = []
    moved = np.eye(3)
    moved[:2, 2] = shift
    sheet = (float(shift[0]), float(shift[1]), float(plan.page_width + shift[0]), float(plan.page_height + shift[1]))
    for number, block in enumerate(plan.stamps, 1):
        matrix = tuple((moved @ np.asarray(block.matrix, np.float64).reshape(3, 3)).reshape(-1).tolist())
        ink, film = np.zeros(flat.shape[:2], np.uint8), np.full_like(flat, 255)
        lines = draw_block(film, ink, replace(block, matrix=matrix), faces)
        inked = np.flatnonzero(film.reshape(len(film), -1).min(axis=1) < 255)
        if len(inked):
            rows = slice(inked[0], inked[-1] + 1)
            flat[rows] = cv2.multiply(flat[rows], film[rows], scale=1 / 255)
        inks.append(ink)
        for line in lines:
            # Whoever stamps the edge of a sheet leaves the rest on the desk: it is not there to be read.
            if not beyond_edges(line.quads, sheet):
                polygon = line.polygon if block.bend is not None else None
                cut = bool(clipped(line.pieces, line.quads, sheet, ink).any())
                texts.append(WrittenText(line.pieces, line.quads, number, polygon, cut))
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
    page, ink = _parted(warp.image(_joined(flat, inks[0])))
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


def _joined(page: Image, ink: Mask) -> NDArray[np.uint8]:
    """(H, W, 4): a picture with a mask as its fourth channel."""
    # Colour conversion moves whole vectors: split and merge take ten times as long.
    four = cv2.cvtColor(page, cv2.COLOR_RGB2RGBA)
    return cv2.insertChannel(ink, four, 3)  # type: ignore[return-value]


def _parted(four: NDArray[np.uint8]) -> tuple[Image, Mask]:
    """The picture (H, W, 3) and the mask (H, W) out of four channels."""
    return cv2.cvtColor(four, cv2.COLOR_RGBA2RGB), cv2.extractChannel(four, 3)  # type: ignore[return-value]


def _moved_texts(texts: list[WrittenText], move: Callable[[Quads], Quads]) -> list[WrittenText]:
    """Every text's points through one map, all at once."""
    if not texts:
        return []
    parts = [text.quads.reshape(-1, 2) for text in texts]
    parts += [text.polygon for text in texts if text.polygon is not None]
    pieces = np.split(move(np.concatenate(parts)), np.cumsum([len(part) for part in parts])[:-1])
    polygons = iter(pieces[len(texts) :])
    return [
        replace(text, quads=quads.reshape(-1, 4, 2), polygon=None if text.polygon is None else next(polygons))
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
