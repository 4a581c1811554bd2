"""Where a crop has ink, and the gaps in it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.samples import Image

# Shares of the crop's height above and below that may show the neighbouring lines.
_EDGE_ROWS = 0.06
# A run of ink longer than this many heights is a rule, an underline or a frame, not a letter.
_RULE_LENGTH = 1.6
# Fewer levels of grey between ink and ground are noise.
_LEAST_CONTRAST = 24


def ink_mask(crop: Image) -> NDArray[np.bool_]:
    """(h, w, 3) uint8 -> (h, w), where there is ink: the side of Otsu's threshold that covers less, rules taken out."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    _, light = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    num_light = cv2.countNonZero(light)
    num_dark = grey.size - num_light
    if not num_dark or not num_light:
        return np.zeros((height, width), dtype=bool)
    # Of 0 and 1: what is dark times nothing leaves what is light.
    of_light = cv2.sumElems(cv2.multiply(grey, light))[0]
    if of_light / num_light - (cv2.sumElems(grey)[0] - of_light) / num_dark < _LEAST_CONTRAST:
        return np.zeros((height, width), dtype=bool)
    ink = np.asarray(1 - light if num_dark <= num_light else light, np.uint8)
    length = round(_RULE_LENGTH * height)
    if width > length and _has_run(ink, length):
        kernel = np.ones((1, length), np.uint8)
        starts = cv2.erode(ink, kernel)
        ink = ink & (1 - np.asarray(cv2.dilate(starts, kernel), np.uint8))
    edge = round(_EDGE_ROWS * height)
    ink[:edge] = 0
    ink[height - edge :] = 0
    return ink.astype(bool)


def _has_run(ink: NDArray[np.uint8], length: int) -> bool:
    """Whether a row may have so many px of ink side by side; most lines of text have no rule.

    Such a run fills one of the blocks of half its length that the columns are cut into. One that goes on beyond the
    crop, for what is known, fills half of its length at the crop's end.
    """
    block = max(1, length // 2)
    stop = ink.shape[1] // block * block
    blocks = np.minimum.reduceat(ink[:, :stop], np.arange(0, stop, block), axis=1)
    return bool(blocks.any() or ink[:, -block:].min(axis=1).any())


def gaps(ink: NDArray[np.bool_]) -> tuple[NDArray[np.int64], float]:
    """((N, 2) first column and the one after the last of each gap between ink, left to right; the ink's height px)."""
    counted = ink.view(np.uint8)
    rows = np.flatnonzero(cv2.reduce(counted, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0] > 0.02 * ink.shape[1])
    columns = cv2.reduce(counted, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[0] >= max(1, round(0.03 * ink.shape[0]))
    if len(rows) == 0 or not columns.any():
        return np.zeros((0, 2), np.int64), 0.0
    edges = np.flatnonzero(columns[1:] != columns[:-1]) + 1
    # From the end of a run of ink to the start of the next.
    between = edges[1 if not columns[0] else 0 :]
    return between[: len(between) // 2 * 2].reshape(-1, 2), float(rows[-1] - rows[0] + 1)
