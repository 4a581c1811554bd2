"""Grounds for line crops, cut from a fixed number of background sheets.

A background costs milliseconds (a photograph is decoded and shrunk), a crop has one in all. So each process renders
a few sheets once, each from its own number alone, and crops take windows of them: the same in every process.
"""

from __future__ import annotations

from typing import Any, Protocol

import cv2
import numpy as np

from ocrsmith.samples import Image

Rng = np.random.Generator

_SHEET_SEED = 5_150_319
SHEET_PX = 384  # a side; 160 sheets are 70 MB


class BackgroundSource(Protocol):
    """What is behind the text."""

    def sample(self, rng: Rng, width: int, height: int) -> Image:
        """(height, width, 3) uint8 RGB, drawn from `rng` alone, without text."""
        ...


class GroundSheets:
    """Windows of backgrounds. `num_sheets` bounds the memory: 0.44 MB a sheet, rendered when first asked for."""

    def __init__(self, source: BackgroundSource, num_sheets: int = 160) -> None:
        self._source = source
        self._sheets: list[Image | None] = [None] * num_sheets

    def plan(self, rng: Rng, width: int, height: int) -> dict[str, Any]:
        """A window for a crop of that size, JSON-able: enlarged up to three times, or shrunk where it is longer."""
        sheet, x, y, zoom, turn = rng.random(5).tolist()
        scale = 1.0 / (0.8 + 2.2 * zoom * zoom)
        window_width = min(SHEET_PX, max(2, round(width * scale)))
        window_height = min(SHEET_PX, max(2, round(height * scale)))
        return {
            "sheet": int(sheet * len(self._sheets)),
            "left": int(x * (SHEET_PX - window_width + 1)),
            "top": int(y * (SHEET_PX - window_height + 1)),
            "width": window_width,
            "height": window_height,
            "flip": (None, 1, 0, -1)[int(turn * 4)],
        }

    def render(self, plan: dict[str, Any], width: int, height: int) -> Image:
        """The window's pixels, (height, width, 3) uint8 RGB."""
        left, top = plan["left"], plan["top"]
        window = self._sheet(plan["sheet"])[top : top + plan["height"], left : left + plan["width"]]
        image: Any = cv2.resize(window, (width, height), interpolation=cv2.INTER_LINEAR)
        return image if plan["flip"] is None else cv2.flip(image, plan["flip"])

    def sheet_images(self, num: int) -> list[Image]:
        """The first few sheets, for what else wants to know their colours."""
        return [self._sheet(index) for index in range(min(num, len(self._sheets)))]

    def _sheet(self, index: int) -> Image:
        sheet = self._sheets[index]
        if sheet is None:
            sheet = self._source.sample(np.random.default_rng([_SHEET_SEED, index]), SHEET_PX, SHEET_PX)
            self._sheets[index] = sheet
        return sheet
