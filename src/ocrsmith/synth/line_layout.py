"""Where the ink of a line's crop lies: from the shaped run to one mask of the crop's size, through one warp."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import bounds, box_quad
from ocrsmith.synth import curved_warps, warps
from ocrsmith.synth.legibility import CropTooWideError, InkTooLowError
from ocrsmith.synth.line_plans import ExtraInk, FileStretch, LinePlan
from ocrsmith.synth.shaping import ShapedRun, shape
from ocrsmith.synth.warp_plans import build_warp

Mask = NDArray[np.uint8]
# Lower ink than this was not readable in any of the fonts looked at.
MIN_INK_PX = 6.0
# Of the em; below every font's, so that it binds only where there is less ink than a letter's.
_X_HEIGHT = 0.42


@dataclass(frozen=True)
class PlannedFace:
    """The part of a font that a plan names."""

    path: Path
    index: int


@lru_cache(maxsize=4096)
def _face(path: str, index: int) -> PlannedFace:
    return PlannedFace(Path(path), index)


class LaidLine(NamedTuple):
    """Coverage of the text and of other ink, both (H, W) uint8, and the way there from the run's pixels."""

    coverage: Mask
    extras: Mask | None
    warp: warps.Warp
    offset: tuple[int, int]  # of the run within the warp's source
    run: ShapedRun
    ink_px: float  # height of the text's ink in the crop

    def quads(self) -> NDArray[np.float32]:
        """(N, 4, 2) float32: the clusters' quads in the crop."""
        return self.warp.points(self.run.quads + np.array(self.offset, np.float32))


class PlacedLine(NamedTuple):
    """A shaped text and the way to its crop, before any pixel is moved."""

    run: ShapedRun
    pad: int  # px that the warp's source has about the run
    warp: warps.Warp
    ink_px: float


def place(plan: LinePlan, max_width: int) -> PlacedLine:
    """Shapes a plan's text and finds the crop about it; `warp.out_size` is the crop's (width, height).

    Raises:
        CropTooWideError, InkTooLowError: the crop would be wider than `max_width`, its ink lower than MIN_INK_PX.
        FontError, SynthesisError: what `shaping.shape` raises.
    """
    run = _shaped(plan, plan.text, plan.others)
    height, width = run.mask.shape
    pad = math.ceil(height * (0.35 + max(0.0, *plan.margins))) + 1 if plan.extras else 1
    size = (width + 2 * pad, height + 2 * pad)
    bent = _bend(plan, width, height, size)
    # Nothing but a hyphen or a point must not fill the crop: the band up to the x-height counts as ink.
    baseline = run.origin[1] + pad
    band = box_quad(pad, baseline - _X_HEIGHT * plan.size_px, pad + width, baseline)
    left, top, right, bottom = bounds(bent.points(np.concatenate([run.quads + np.float32(pad), band[None]])))
    tall = max(bottom - top, 1.0)
    scale = plan.height / (tall * max(0.3, 1.0 + plan.margins[1] + plan.margins[3]))
    out_width = max(4, round((right - left + (plan.margins[0] + plan.margins[2]) * tall) * scale * plan.squeeze))
    ink_px = max(height, _X_HEIGHT * plan.size_px) * scale
    _check(plan, out_width, ink_px, max_width)
    across = scale * plan.squeeze
    shift_x, shift_y = plan.margins[0] * tall - left, plan.margins[1] * tall - top
    matrix = [[across, 0.0, across * shift_x], [0.0, scale, scale * shift_y], [0.0, 0.0, 1.0]]
    return PlacedLine(run, pad, warps.compose(bent, warps.matrix_warp(matrix, size, (out_width, plan.height))), ink_px)


def _shaped(plan: LinePlan, text: str, others: Sequence[FileStretch]) -> ShapedRun:
    """A text as the plan's line is set."""
    return shape(
        _face(plan.font, plan.font_index),
        text,
        plan.size_px,
        letter_spacing_px=plan.letter_spacing_px,
        others=[(start, end, _face(path, index)) for start, end, path, index in others],
    )


def lay_out(plan: LinePlan, placed: PlacedLine) -> LaidLine:
    """Draws a placed plan's ink, and what other ink there is, into its crop."""
    run, pad, warp, ink_px = placed
    source: Any = cv2.copyMakeBorder(run.mask, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    if not plan.extras:
        return LaidLine(warp.image(source, border=0), None, warp, (pad, pad), run, ink_px)
    merged: Any = cv2.merge([source, _draw_extras(plan, run, pad, source.shape)])
    both = warp.image(merged, border=0)
    return LaidLine(both[..., 0].copy(), both[..., 1].copy(), warp, (pad, pad), run, ink_px)


def _check(plan: LinePlan, width: int, ink_px: float, max_width: int) -> None:
    if width > max_width:
        raise CropTooWideError(f"The text {plan.text!r} came to {width} px; at most {max_width} fit.")
    if ink_px < MIN_INK_PX:
        raise InkTooLowError(f"The text {plan.text!r} came to {ink_px:.1f} px of height.")


def _bend(plan: LinePlan, width: int, height: int, size: tuple[int, int]) -> warps.Warp:
    """Baseline, slant and drawn warps; a plain line stays a matrix."""
    steps = []
    if plan.arch:
        steps.append(curved_warps.arch(*size, plan.arch * height))
    if plan.wave[0]:
        steps.append(curved_warps.waves(*size, plan.wave[0] * height, plan.wave[1] * width, plan.wave[2]))
    if plan.warps:
        steps.append(build_warp(plan.warps, *size))
    steps.append(warps.affine(*size, plan.rotation_degrees, plan.shear))
    return warps.compose(steps[0], *steps[1:])


def _draw_extras(plan: LinePlan, run: ShapedRun, pad: int, shape_px: tuple[int, int]) -> Mask:
    canvas = np.zeros(shape_px, np.uint8)
    height, width = run.mask.shape
    for extra in plan.extras:
        gap = extra.gap * height
        if extra.kind in ("above", "below", "left", "right"):
            other = _shaped(plan, extra.text, extra.others)
            _stamp(canvas, other, run, extra.kind, round(gap), pad)
        else:
            _rule(canvas, extra, (pad, pad, pad + width, pad + height), run.origin[1] + pad, gap, height)
    return canvas


def _stamp(canvas: Mask, other: ShapedRun, run: ShapedRun, kind: str, gap: int, pad: int) -> None:
    height, width = run.mask.shape
    # A neighbour in the same line stands on the same baseline; one in another line starts where this one does.
    top, left = pad + round(run.origin[1] - other.origin[1]), pad
    if kind == "above":
        top = pad - gap - other.mask.shape[0]
    elif kind == "below":
        top = pad + height + gap
    elif kind == "left":
        left = pad - gap - other.mask.shape[1]
    else:
        left = pad + width + gap
    rows, columns = canvas.shape
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(rows, top + other.mask.shape[0]), min(columns, left + other.mask.shape[1])
    if y1 > y0 and x1 > x0:
        part = canvas[y0:y1, x0:x1]
        np.maximum(part, other.mask[y0 - top : y1 - top, x0 - left : x1 - left], out=part)


def _rule(
    canvas: Mask, extra: ExtraInk, ink: tuple[int, int, int, int], baseline: float, gap: float, height: int
) -> None:
    left, top, right, bottom = ink
    thick = max(1, round(extra.thickness * height))
    reach = round(0.1 * height)
    if extra.kind == "underline":
        y = round(baseline + max(gap, thick / 2 + 1))
        cv2.line(canvas, (left - reach, y), (right + reach, y), 255, thick)
    elif extra.kind == "strike":
        y = round(baseline - 0.3 * height)
        cv2.line(canvas, (left - reach, y), (right + reach, y), 255, 1)
    elif extra.kind == "rule":
        # The sign of the gap tells whether the rule lies above or below.
        y = round(bottom + gap if extra.gap > 0 else top + gap)
        cv2.line(canvas, (0, y), (canvas.shape[1], y), 255, thick)
    else:
        distance = round(gap)
        corner, opposite = (left - distance, top - distance), (right + distance, bottom + distance)
        cv2.rectangle(canvas, corner, opposite, 255, thick)
