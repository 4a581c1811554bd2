"""Lines of a PDF's page that are printed over each other: labels of a plot, stamps, fields filled in by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Of a character's box another line's may cover so much: tails and accents of close lines cover less.
MOST_COVERED = 0.25


def overlapped(lines: Sequence[NDArray[np.float64]]) -> list[NDArray[np.bool_]]:
    """Which characters stand in those of another line, for over `MOST_COVERED` of their box.

    Args:
        lines: (N, 4, 2) of each line's characters, boxes upright in any unit; none of what is not to be seen.

    Returns (N,) for each line.
    """
    boxes = [np.concatenate([quads.min(axis=1), quads.max(axis=1)], axis=1) for quads in lines]
    marks = [np.zeros(len(line), np.bool_) for line in boxes]
    used = [index for index, line in enumerate(boxes) if len(line)]
    if len(used) < 2:
        return marks
    whole = np.stack([[*boxes[index][:, :2].min(axis=0), *boxes[index][:, 2:].max(axis=0)] for index in used])
    for first, second in np.argwhere(np.triu(_shared(whole, whole) > 0, 1)).tolist():
        one, other = used[first], used[second]
        shared = _shared(boxes[one], boxes[other])
        marks[one] |= shared.sum(axis=1) > MOST_COVERED * _areas(boxes[one])
        marks[other] |= shared.sum(axis=0) > MOST_COVERED * _areas(boxes[other])
    return marks


def _areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    areas: NDArray[np.float64] = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return areas


def _shared(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, M): the areas that boxes (N, 4) and (M, 4) share."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared: NDArray[np.float64] = np.prod((high - low).clip(0), axis=2)
    return shared
