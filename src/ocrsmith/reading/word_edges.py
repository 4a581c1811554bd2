"""Words of one crop end where the ink does.

CTC marks a character at a step or two somewhere inside it: from marks alone a word's box cuts into its first letter, or
takes in the last one of the word before. The columns without ink between the marks on both sides of a space tell where.
Only those few columns are looked at, since a page has a thousand words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from ocrsmith.reading.characters import CropCharacters
from ocrsmith.reading.ctc import Decoded
from ocrsmith.reading.ink import LEAST_CONTRAST
from ocrsmith.reading.page import Recognized
from ocrsmith.samples import Image

# Of a gap: what stays with the words at its ends, whose boxes would touch their letters else.
_ROOM = 0.15
# Of the crop's height above and below: the neighbouring lines may show there.
_EDGE_ROWS = 0.1
# A column without ink differs in itself by less than this share of what the strongest one does.
_FLAT = 0.35


def move_to_gaps(
    placed: Sequence[Recognized],
    decoded: Sequence[Decoded],
    crops: Sequence[Image],
    step_px: Sequence[float],
    widths_px: Sequence[float],
    first_step: float = 0.0,
) -> list[Recognized]:
    """The texts of crops, the characters on both sides of each space ending at the gap that the ink shows there.

    Where it shows none they stay as they are, and with them all texts without a space.

    Args:
        placed: as `alignment.place_texts` gives them for `decoded`.
        crops: as the network saw them, (h, w, 3) uint8 RGB, without padding.
        step_px: px of each crop a CTC step; `first_step` steps of it lie before the network's first.
        widths_px: px of each crop that show text, of which places are shares.
    """
    return [
        _moved(text, of, crop, px, width, first_step) if len(text.text.split()) > 1 else text
        for text, of, crop, px, width in zip(placed, decoded, crops, step_px, widths_px, strict=True)
    ]


def _moved(
    text: Recognized, decoded: Decoded, crop: Image, step_px: float, width_px: float, first_step: float
) -> Recognized:
    marks = [((start + stop) / 2 + first_step) * step_px for start, stop in decoded.character_steps.tolist()]
    read = CropCharacters.of(text.characters)
    starts, stops = list(read.starts), list(read.stops)
    for last, first in _between_words(read.texts):
        gap = _widest_gap(crop, int(marks[last]), int(marks[first]) + 1)
        if gap is None:
            continue
        left, right = gap
        room = _ROOM * (right - left)
        # Nowhere beyond the characters' own other ends.
        end = max((left + room) / width_px, starts[last] + 1e-4)
        begin = min((right - room) / width_px, stops[first] - 1e-4)
        stops[last], starts[first] = end, begin
        for space in range(last + 1, first):
            starts[space], stops[space] = end, begin
    return Recognized(text.text, text.confidence, CropCharacters(read.texts, read.confidences, starts, stops))


def _widest_gap(crop: Image, first: int, stop: int) -> tuple[int, int] | None:
    """The widest run of columns without ink among some of a crop: its first column and the one after its last."""
    first, edge = max(first, 0), round(_EDGE_ROWS * len(crop))
    part = np.ascontiguousarray(crop[edge : len(crop) - edge, first:stop])
    if not part.size:
        return None
    # Not one channel alone: green letters on white are white in green itself.
    grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)
    spread = cv2.subtract(cv2.reduce(grey, 0, cv2.REDUCE_MAX), cv2.reduce(grey, 0, cv2.REDUCE_MIN))[0].tolist()
    most = max(spread)
    if most < LEAST_CONTRAST:
        return None
    widest, width, begin = 0, 0, 0
    for column, value in enumerate([*spread, most]):
        if value >= _FLAT * most:
            if column - begin > width:
                widest, width = begin, column - begin
            begin = column + 1
    return (first + widest, first + widest + width) if width else None


def _between_words(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """(last character of a word, first of the next)."""
    last = None
    for index, text in enumerate(texts):
        if text.isspace():
            continue
        if last is not None and index > last + 1:
            yield last, index
        last = index
