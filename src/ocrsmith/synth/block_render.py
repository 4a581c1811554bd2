"""Pixels and labels of planned blocks: both go through the same warp."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import box_quad, transform_points
from ocrsmith.samples import Image
from ocrsmith.synth import appearance, paint
from ocrsmith.synth.bends import build_bend, circle_quads
from ocrsmith.synth.block_lines import run_of
from ocrsmith.synth.fonts import FontFace
from ocrsmith.synth.layout import box_outline, rounded_rectangle, sent, translation
from ocrsmith.synth.scene_plans import BlockPlan, PanelPlan, ShapePlan
from ocrsmith.synth.shaping import ShapedRun
from ocrsmith.synth.warps import Warp, compose, matrix_warp

_PAD_PX = 2
# Along each long side of a bent line, and of the canvas that it is drawn on.
_LINE_POINTS, _CANVAS_POINTS = 17, 33
# How far a drawn look reaches past the ink, of the em: the widest glow.
_LOOK_REACH = 0.4


@dataclass(frozen=True, eq=False)
class DrawnLine:
    """A line (or a word of one) on the page: its clusters' texts, their quads (N, 4, 2), its own polygon (P, 2)."""

    pieces: tuple[str, ...]
    quads: NDArray[np.float32]
    polygon: NDArray[np.float32]

    @property
    def text(self) -> str:
        """What it says."""
        return "".join(self.pieces)


def word_spans(pieces: Sequence[str]) -> list[tuple[int, int]]:
    """(start, end) of each stretch of clusters without spaces."""
    spans, start = [], 0
    for index, piece in enumerate([*pieces, " "]):
        if piece.isspace():
            if index > start:
                spans.append((start, index))
            start = index + 1
    return spans


def draw_shape(image: Image, plan: ShapePlan) -> None:
    """Draws a distractor in place."""
    window = paint.window_of(plan.points, image.shape, plan.thickness_px + 2)
    if window is None:
        return
    view, closed = image[window], plan.kind == "outline"
    if plan.kind == "polygon":
        paint.fill(view, plan.points, window, plan.colour, plan.opacity)
    else:
        paint.stroke(view, plan.points, window, plan.colour, plan.thickness_px, plan.opacity, closed=closed)


def draw_block(
    image: Image, ink_mask: NDArray[np.uint8], plan: BlockPlan, faces: Mapping[str, FontFace]
) -> list[DrawnLine]:
    """Draws a block in place and returns its lines; `ink_mask` (H, W) gathers where the ink lies."""
    if plan.panel is not None:
        _draw_panel(image, plan.panel, plan.matrix)
    runs = [run_of(line, faces) for line in plan.lines]
    flat = _Flat(plan, runs)
    lines = [line for index in range(len(runs)) for line in flat.labels(index)]
    edges = flat.warp.points(flat.edges())
    shadow = plan.ink.shadow
    margin = _PAD_PX + plan.ink.outline_px
    if plan.ink.look is not None:
        margin += math.ceil(_LOOK_REACH * plan.lines[0].size_px)
    elif shadow is not None:
        margin += int(max(abs(shadow[0]), abs(shadow[1])) + 2 * shadow[2]) + 2
    window = paint.window_of(edges, image.shape, margin)
    if window is None:
        return lines
    mask = flat.warped(window)
    view = image[window]
    if plan.ink.look is not None:
        view[:] = appearance.paint(view, mask, plan.ink.look, 0.72 * plan.lines[0].size_px)
    else:
        if shadow is not None:
            _draw_shadow(view, mask, shadow, (0, 0, 0) if sum(plan.ink.colour) > 200 else (255, 255, 255))
        _draw_ink(view, mask, plan)
    cv2.max(ink_mask[window], mask, ink_mask[window])
    return lines


class _Flat:
    """A block's runs on one flat canvas, and the warp from there to the page."""

    def __init__(self, plan: BlockPlan, runs: list[ShapedRun]) -> None:
        self.plan, self.runs = plan, runs
        self.places = [
            (line.x - int(run.origin[0]), line.y - int(run.origin[1])) for line, run in zip(plan.lines, runs)
        ]
        pad = _PAD_PX + plan.ink.outline_px
        if plan.bend is not None and plan.bend.kind != "circle":
            pad += math.ceil(abs(plan.bend.amount_px))
        self.left = min(x for x, _ in self.places) - pad
        self.top = min(y for _, y in self.places) - pad
        right = max(x + run.mask.shape[1] for (x, _), run in zip(self.places, runs)) + pad
        bottom = max(y + run.mask.shape[0] for (_, y), run in zip(self.places, runs)) + pad
        self.width, self.height = right - self.left, bottom - self.top
        self.matrix = np.asarray(plan.matrix, np.float64).reshape(3, 3) @ translation(self.left, self.top)
        self.warp = self._warp_to(self.matrix, (self.width, self.height))

    def _warp_to(self, matrix: NDArray[np.float64], out_size: tuple[int, int]) -> Warp:
        size = (self.width, self.height)
        to_page = matrix_warp(matrix, size, out_size)
        if self.plan.bend is None:
            return to_page
        return compose(build_bend(self.plan.bend, *size, self.plan.lines[0].y - self.top), to_page)

    def edges(self) -> NDArray[np.float32]:
        """Points round the canvas, as many as its bend needs."""
        if self.plan.bend is None:
            return box_quad(0, 0, self.width, self.height)
        return box_outline(0, 0, self.width, self.height, _CANVAS_POINTS)

    def labels(self, index: int) -> list[DrawnLine]:
        """A line; round a circle each of its words, since no rectangle holds what goes round."""
        run, (x, y) = self.runs[index], self.places[index]
        shift = np.array([x - self.left, y - self.top], np.float32)
        texts = run.texts
        if self.plan.bend is None:
            left, top, right, bottom = _extent(run.boxes)
            points = transform_points(
                np.concatenate([run.quads, box_quad(left, top, right, bottom)[None]]) + shift, self.matrix
            )
            return [DrawnLine(texts, points[:-1], points[-1])]
        round_about = self.plan.bend.kind == "circle"
        spans = word_spans(texts) if round_about else [(0, len(texts))]
        quads = run.quads + shift
        if round_about:
            bend = build_bend(self.plan.bend, self.width, self.height, self.plan.lines[0].y - self.top)
            quads = sent(circle_quads(bend, quads), self.matrix.reshape(-1).tolist())
        else:
            quads = self.warp.points(quads)
        return [
            DrawnLine(
                texts[start:end],
                quads[start:end],
                self.warp.points(box_outline(*_extent(run.boxes[start:end]), _LINE_POINTS) + shift),
            )
            for start, end in spans
        ]

    def warped(self, window: paint.Window) -> NDArray[np.uint8]:
        """The ink's coverage within a window of the page."""
        canvas = np.zeros((self.height, self.width), np.uint8)
        for run, (x, y) in zip(self.runs, self.places):
            h, w = run.mask.shape
            part = canvas[y - self.top : y - self.top + h, x - self.left : x - self.left + w]
            cv2.max(part, run.mask, part)
        rows, columns = window
        local = translation(-columns.start, -rows.start) @ self.matrix
        warp = self._warp_to(local, (columns.stop - columns.start, rows.stop - rows.start))
        return warp.image(canvas, border=0)


def _extent(boxes: NDArray[np.float32]) -> tuple[float, float, float, float]:
    """The box round boxes (N, 4)."""
    lefts, tops, rights, bottoms = zip(*boxes.tolist())
    return min(lefts), min(tops), max(rights), max(bottoms)


def _draw_ink(view: Image, mask: NDArray[np.uint8], plan: BlockPlan) -> None:
    ink = plan.ink
    if ink.outline_px:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * ink.outline_px + 1, 2 * ink.outline_px + 1))
        paint.blend(view, cv2.dilate(mask, kernel), ink.outline_colour, ink.opacity)  # type: ignore[arg-type]
    if ink.second is None:
        paint.blend(view, mask, ink.colour, ink.opacity)
        return
    if ink.opacity < 1.0:
        mask = cv2.convertScaleAbs(mask, alpha=ink.opacity)  # type: ignore[assignment]
    height, width = mask.shape
    paint.blend_picture(view, mask, paint.gradient((height, width), ink.colour, ink.second, width > 4 * height))


def _draw_shadow(
    view: Image, mask: NDArray[np.uint8], shadow: tuple[float, float, float, float], colour: tuple[int, int, int]
) -> None:
    dx, dy, blur_px, opacity = shadow
    shift = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
    moved = cv2.warpAffine(mask, shift, (mask.shape[1], mask.shape[0]), flags=cv2.INTER_LINEAR)
    if blur_px >= 0.5:
        moved = paint.blurred(moved, blur_px)  # type: ignore[arg-type]
    paint.blend(view, moved, colour, opacity)  # type: ignore[arg-type]


def _draw_panel(image: Image, panel: PanelPlan, matrix: tuple[float, ...]) -> None:
    outline = sent(rounded_rectangle(panel.box, panel.radius_px), matrix)
    window = paint.window_of(outline, image.shape, int(3 * panel.shadow_px) + panel.border_px + 3)
    if window is None:
        return
    view = image[window]
    if panel.shadow_px:
        soft = paint.blurred(paint.polygon_mask(outline + panel.shadow_px * 0.7, window), panel.shadow_px)
        paint.blend(view, soft, (0, 0, 0), 0.45)
    if panel.second is None:
        paint.fill(view, outline, window, panel.colour, panel.opacity)
    else:
        mask = paint.polygon_mask(outline, window)
        if panel.opacity < 1.0:
            mask = cv2.convertScaleAbs(mask, alpha=panel.opacity)  # type: ignore[assignment]
        paint.blend_picture(view, mask, paint.gradient(mask.shape, panel.colour, panel.second, horizontal=False))
    if panel.border_px:
        left, top, right, bottom = panel.box
        inset = panel.border_inset_px
        inner = rounded_rectangle((left + inset, top + inset, right - inset, bottom - inset), panel.radius_px - inset)
        paint.stroke(view, sent(inner, matrix), window, panel.border_colour, panel.border_px)
    if panel.screws:
        _draw_screws(image, panel, matrix)


def _draw_screws(image: Image, panel: PanelPlan, matrix: tuple[float, ...]) -> None:
    left, top, right, bottom = panel.box
    radius = max(1.5, 0.05 * min(right - left, bottom - top))
    inset = radius + panel.border_px + panel.border_inset_px + 1
    angles = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius
    for x in (left + inset, right - inset):
        for y in (top + inset, bottom - inset):
            outline = sent(circle + np.array([x, y]), matrix)
            window = paint.window_of(outline, image.shape)
            if window is not None:
                paint.fill(image[window], outline, window, (150, 150, 150))
                paint.stroke(image[window], outline, window, (60, 60, 60), 1)
