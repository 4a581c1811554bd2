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
LEAST_CONTRAST = 24


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
    if of_light / num_light - (cv2.sumElems(grey)[0] - of_light) / num_dark < LEAST_CONTRAST:
        return np.zeros((height, width), dtype=bool)
    ink = np.asarray(1 - light if num_dark <= num_light else light, np.uint8)
    length = round(_RULE_LENGTH * height)
    if width > length:
        _take_out_rules(ink, length)
    edge = round(_EDGE_ROWS * height)
    ink[:edge] = 0
    ink[height - edge :] = 0
    return ink.astype(bool)


def _take_out_rules(ink: NDArray[np.uint8], length: int) -> None:
    """Clears, in place, the runs of at least so many px side by side; at the crop's ends half as many may go on."""
    rows = _rows_with_run(ink, length)
    if not len(rows):
        return
    width = ink.shape[1]
    padded = np.zeros((len(rows), width + 2), np.int8)
    padded[:, 1:-1] = ink[rows]
    changes = np.diff(padded, axis=1)
    (row, first), (_, stop) = np.nonzero(changes == 1), np.nonzero(changes == -1)
    beyond = np.where(first == 0, length // 2, 0) + np.where(stop == width, length // 2, 0)
    long = stop - first + beyond >= length
    for at, left, right in zip(rows[row[long]].tolist(), first[long].tolist(), stop[long].tolist()):
        ink[at, left:right] = 0


def _rows_with_run(ink: NDArray[np.uint8], length: int) -> NDArray[np.int64]:
    """The rows that may have so many px of ink side by side; most lines of text have none, a rule has a few.

    Such a run fills one of the blocks of half its length that the columns are cut into. One that goes on beyond the
    crop, for what is known, fills half of its length at the crop's end.
    """
    block = max(1, length // 2)
    stop = ink.shape[1] // block * block
    blocks = np.minimum.reduceat(ink[:, :stop], np.arange(0, stop, block), axis=1)
    return np.flatnonzero(blocks.any(axis=1) | ink[:, -block:].all(axis=1))


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
