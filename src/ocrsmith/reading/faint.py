"""Faint boxes: what the detector only half believes in is text where it stands alone and is read surely.

Lone digits and letters in photographs are such. A box beside others on its row is mostly a piece of a word that broke,
whatever it reads as.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ocrsmith.geometry import bounds
from ocrsmith.reading.detections import Detection

# The mean confidence, before calibration, from which a reading confirms its box.
CONFIRMED = 0.9
# Heights of the lower of two boxes on one row: what is nearer is not alone.
ROOM = 1.0
# Of the lower height: the vertical overlap that puts two boxes on one row.
_SAME_ROW = 0.5


def standing_alone(faint: Sequence[Detection], sure: Sequence[Detection]) -> list[Detection]:
    """The faint boxes, (N,), that have no other box of either kind near them on their row."""
    if not faint:
        return []
    boxes = np.array([bounds(detection.polygon) for detection in (*faint, *sure)], np.float64)
    left, top, right, bottom = boxes.T
    some = slice(len(faint))
    lower = np.minimum((bottom - top)[some, None], bottom - top)
    overlap = np.minimum(bottom[some, None], bottom) - np.maximum(top[some, None], top)
    gap = np.maximum(left[some, None], left) - np.minimum(right[some, None], right)
    beside = (overlap > _SAME_ROW * lower) & (gap < ROOM * lower)
    np.fill_diagonal(beside, False)
    return [detection for detection, others in zip(faint, beside.any(axis=1)) if not others]
