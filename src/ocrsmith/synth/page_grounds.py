"""The sheet that a page is printed on, and the marks on it: eight-bit passes, since a page is large."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.samples import Image
from ocrsmith.synth import paint
from ocrsmith.synth.noise_tiles import TILE_PX, cloud_tile, cut, grey_tile
from ocrsmith.synth.page_plans import MarkPlan, PaperPlan

# Noise tiles hold about 32 levels a deviation (grain) and 0 to 255 (clouds); plans speak of grey levels.
_GRAIN_LEVELS, _CLOUD_LEVELS = 32.0, 74.0


def draw_paper(plan: PaperPlan, width: int, height: int) -> Image:
    """(height, width, 3): even colour, or colour with fine grain and soft clouds."""
    if plan.grain <= 0 and plan.clouds <= 0:
        return paint.filled(height, width, plan.colour)
    rng = np.random.default_rng(plan.seed)
    clouds: Any = cut(cloud_tile(), rng, min(TILE_PX, max(2, height // 3)), min(TILE_PX, max(2, width // 3)))
    clouds = cv2.resize(clouds, (width, height), interpolation=cv2.INTER_LINEAR)
    # A grain of one level a pixel, repeated past the tile's end.
    grain: Any = np.ascontiguousarray(cut(grey_tile(), rng, min(TILE_PX, height), min(TILE_PX, width))[..., 0])
    grain = np.tile(grain, (-(-height // grain.shape[0]), -(-width // grain.shape[1])))[:height, :width]
    # 128 stays the paper's own colour.
    weights = (plan.clouds / _CLOUD_LEVELS, plan.grain / _GRAIN_LEVELS)
    levels = cv2.addWeighted(clouds, weights[0], grain, weights[1], 128.0 * (1 - sum(weights)))
    steps = np.arange(256, dtype=np.float32) - 128
    table = np.stack([np.clip(channel + steps, 0, 255) for channel in plan.colour], axis=-1).astype(np.uint8)
    if len(set(plan.colour)) == 1:  # white and grey paper
        return cv2.cvtColor(cv2.LUT(levels, table[:, 0]), cv2.COLOR_GRAY2RGB)  # type: ignore[return-value]
    shades = {level: cv2.LUT(levels, table[:, channel]) for channel, level in enumerate(plan.colour)}
    return cv2.merge([shades[level] for level in plan.colour])  # type: ignore[return-value]


def draw_mark(image: Image, mark: MarkPlan, shift: tuple[int, int]) -> None:
    """Draws a mark in place; `shift` is added to the page's (x, y)."""
    dx, dy = shift
    left, top, right, bottom = (int(value) for value in mark.box)
    left, top, right, bottom = left + dx, top + dy, right + dx, bottom + dy
    thickness = mark.thickness_px
    if mark.kind == "fill":
        image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = mark.colour
    elif mark.kind == "outline":
        inner = (top + thickness, left + thickness, bottom - thickness, right - thickness)
        for y0, x0, y1, x1 in (
            (top, left, inner[0], right),
            (inner[2], left, bottom, right),
            (top, left, bottom, inner[1]),
            (top, inner[3], bottom, right),
        ):
            image[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = mark.colour
    else:
        for points, closed in _strokes(mark.kind, left, top, right, bottom):
            window = paint.window_of(points, image.shape, thickness + 2)
            if window is not None:
                paint.blend(image[window], paint.outline_mask(points, window, thickness, closed), mark.colour)


def _strokes(
    kind: str, left: int, top: int, right: int, bottom: int
) -> list[tuple[NDArray[np.float64], bool]]:  # fmt: skip
    if kind == "cross":
        return [
            (np.array([[left, top], [right, bottom]], np.float64), False),
            (np.array([[right, top], [left, bottom]], np.float64), False),
        ]
    if kind == "tick":
        width, height = right - left, bottom - top
        points = [[left, top + 0.55 * height], [left + 0.35 * width, bottom], [right, top]]
        return [(np.array(points, np.float64), False)]
    turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    centre, radii = np.array([left + right, top + bottom]) / 2, np.array([right - left, bottom - top]) / 2
    return [(np.stack([np.cos(turns), np.sin(turns)], axis=1) * radii + centre, True)]
