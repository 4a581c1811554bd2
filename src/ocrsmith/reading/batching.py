"""Crops of many widths in batches of few shapes.

A network meets two costs beside its arithmetic. Padding: a batch is as wide as its widest crop. And shapes: OpenVINO,
cuDNN and Core ML make kernels for each new shape, which takes longer than a small batch itself. Widths are therefore
padded to the rungs of a ladder, batches hold a power of two of crops, and a page's crops are put into the batches that
cost least in all.
"""

from __future__ import annotations

import functools
import itertools
import math
import sys
from collections.abc import Iterable, Iterator, Sequence

# Each rung is wider than the one before by this: 6 % of padding on average.
GROWTH = 1.12
BATCH_SIZES = (1, 2, 4, 8, 16, 32)
# Of padded crops in one batch: beyond it the features leave a processor's cache, and no call gets cheaper a px.
MAX_BATCH_WIDTH_PX = 1536
# What one more call costs, in px of one more crop: measured on PP-OCRv6 small, 15 with ONNX Runtime, 100 with OpenVINO.
CALL_PX = 64


def rung(width_px: float, multiple: int) -> int:
    """The least width of the ladder that holds `width_px`; all its widths are multiples of `multiple`."""
    return _rung(-(-math.ceil(width_px) // multiple), multiple)


@functools.lru_cache(maxsize=4096)
def _rung(count: int, multiple: int) -> int:
    """The least width of the ladder that holds so many multiples."""
    padded = multiple
    while padded < count * multiple:
        padded = max(padded + multiple, math.ceil(padded * GROWTH / multiple) * multiple)
    return padded


def batches(widths_px: Sequence[float], multiple: int = 1, most: int | None = None) -> Iterator[tuple[list[int], int]]:
    """(indexes of a batch's crops, the width that it is padded to), widest first: the cheapest way to read them all.

    Args:
        widths_px: of the crops, resized to the network's height.
        multiple: what padded widths must be multiples of.
        most: the widest input that the network takes; None bounds nothing. No crop may be wider.
    """
    order = sorted(range(len(widths_px)), key=lambda index: -widths_px[index])
    padded = [min(rung(widths_px[index], multiple), most or sys.maxsize) for index in order]
    # Of the first n crops: the least cost, and how many crops its last batch has.
    costs, sizes = [0.0], [0]
    for count in range(1, len(order) + 1):
        choices = []
        for size in BATCH_SIZES:
            width = padded[count - size] if size <= count else 0
            if width and (size == 1 or size * width <= MAX_BATCH_WIDTH_PX):
                choices.append((costs[count - size] + CALL_PX + size * width, size))
        cost, size = min(choices)
        costs.append(cost)
        sizes.append(size)
    ends = [len(order)]
    while ends[-1]:
        ends.append(ends[-1] - sizes[ends[-1]])
    for stop, start in reversed(list(itertools.pairwise(ends))):
        yield order[start:stop], padded[start]


def spread(found: Iterable[tuple[list[int], int]], streams: int) -> Iterator[tuple[list[int], int]]:
    """The batches, the first ones cut in halves until each stream has one, so far as they hold more than one crop."""
    rest = iter(found)
    first = list(itertools.islice(rest, streams))
    while len(first) < streams:
        divisible = [batch for batch in first if len(batch[0]) > 1]
        if not divisible:
            break
        largest = max(divisible, key=lambda batch: len(batch[0]) * batch[1])
        indexes, padded = largest
        place, half = first.index(largest), (len(indexes) + 1) // 2
        first[place : place + 1] = [(indexes[:half], padded), (indexes[half:], padded)]
    yield from first
    yield from rest
