"""Crops of many widths in batches of few shapes.

A network meets two costs beside its arithmetic. Padding: a batch is as wide as its widest crop. And shapes: OpenVINO,
cuDNN and Core ML make kernels for each new shape, which takes longer than a small batch itself and keeps megabytes.
Crops are therefore padded to the widths of `RecognizerInput.padded_width`, batches hold one of a few numbers of them,
and a page's crops are put into the batches that are done first.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

# The numbers of crops. Few shapes matter more than few calls: a stream that changes its shape takes as long as for 60
# to 120 px more, even where it has kept the kernels, see docs/experiments.md.
BATCH_SIZES = (1, 4)
# Of padded crops in one batch: beyond it the features leave a processor's cache, and no call gets cheaper a px.
MAX_BATCH_WIDTH_PX = 1536
# Where several batches are computed side by side, batches of this share of that width may be done sooner.
_SHARES = (1, 1 / 2, 1 / 4, 1 / 8)
# What one more call costs, in px of one more crop: measured on PP-OCRv6 small in 8 bits, 15 with ONNX Runtime, 127 with
# OpenVINO.
CALL_PX = 100

Batch = tuple[list[int], int]


def batches(widths_px: Sequence[int], streams: int = 1) -> list[Batch]:
    """[(indexes of a batch's crops, the width that it is padded to)], widest first: those that are read soonest.

    Args:
        widths_px: that the network may be shown the crops in, `RecognizerInput.padded_width`: one of few.
        streams: how many batches are computed side by side; a free stream takes the next one.
    """
    order = sorted(range(len(widths_px)), key=lambda index: -widths_px[index])
    padded = [widths_px[index] for index in order]
    best: list[tuple[int, int]] = []
    least = math.inf
    for share in _SHARES if streams > 1 else _SHARES[:1]:
        cut = _cheapest(padded, int(share * MAX_BATCH_WIDTH_PX))
        costs = [CALL_PX + (stop - start) * padded[start] for start, stop in cut]
        done = _done_after(costs, streams)
        if done < least:
            best, least = cut, done
        if done <= 1.02 * sum(costs) / streams:
            # Smaller batches cost more in all.
            break
    return [(order[start:stop], padded[start]) for start, stop in best]


def _cheapest(padded: Sequence[int], most_px: int) -> list[tuple[int, int]]:
    """(first, one past the last) crop of each batch, so that the calls and the px are the fewest in all."""
    # Of the first n crops: the least cost, and how many crops its last batch has.
    costs, sizes = [0.0], [0]
    for count in range(1, len(padded) + 1):
        least, chosen = math.inf, 1
        for size in BATCH_SIZES:
            if size > count or (size > 1 and size * padded[count - size] > most_px):
                break
            cost = costs[count - size] + CALL_PX + size * padded[count - size]
            if cost < least:
                least, chosen = cost, size
        costs.append(least)
        sizes.append(chosen)
    ends = [len(padded)]
    while ends[-1]:
        ends.append(ends[-1] - sizes[ends[-1]])
    return list(itertools.pairwise(reversed(ends)))


def _done_after(costs: Sequence[float], streams: int) -> float:
    """When the last of the batches is done that are taken in turn by the stream that is free first."""
    busy = [0.0] * streams
    for cost in costs:
        busy[busy.index(min(busy))] += cost
    return max(busy)
