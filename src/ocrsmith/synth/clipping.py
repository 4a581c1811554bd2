"""Which characters an edge clips: the one rule for pictures, sheets and pages of PDFs, measured on the ink.

A character's quad boxes its ink: each side touches it somewhere. A side that lies beyond the edge has therefore taken
ink with it, as much as it lies beyond; of a corner nobody knows without looking, since most corners hold none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import inside_share

# (left, top, right, bottom) px: what is beyond is not there to be read.
Edges = tuple[float, float, float, float]

# Ink may reach this far beyond an edge, as a share of its height or width: less is not missed by eye.
LOST_SHARE = 0.02
# Coverage from which on a px at the edge shows a stroke that goes on beyond it.
_STROKE = 12
# Where a corner is beyond and no stroke runs into the edge, less of the quad than this may have lost a dot as a whole.
_SEEN_SHARE = 0.85


def clipped(
    pieces: Sequence[str], quads: NDArray[np.float32], edges: Edges, ink: NDArray[np.uint8] | None = None
) -> NDArray[np.bool_]:
    """Which of the characters (N, 4, 2) lose ink beyond an edge: over `LOST_SHARE` of its extent across that edge.

    Args:
        pieces: what the characters are; spaces have no ink and are never clipped.
        quads: px, each round the ink of its character.
        edges: px of the same picture.
        ink: (H, W) coverage of the writing in that picture, for corners that stick out. Without it each such corner
            counts as ink; quads that lie along the edges need none.

    Returns (N,); true as well of characters that lie wholly beyond.
    """
    left, top, right, bottom = edges
    # (4, N, 4): how far each corner lies inside of each edge.
    x, y = quads[..., 0], quads[..., 1]
    inside = np.stack([x - left, y - top, right - x, bottom - y])
    least = inside.min(axis=2)
    allowed = -LOST_SHARE * (inside.max(axis=2) - least)
    beyond = least < allowed
    if not beyond.any():
        return np.zeros(len(quads), np.bool_)
    # The side that lies farthest beyond, by the nearer of its two corners.
    sides = np.maximum(inside, np.roll(inside, -1, axis=2)).min(axis=2) < allowed
    lost: NDArray[np.bool_] = sides.any(axis=0)
    for index in np.flatnonzero(beyond.any(axis=0) & ~lost).tolist():
        lost[index] = ink is None or any(
            _stroke_at(quads[index], edge, edges, ink) for edge in np.flatnonzero(beyond[:, index]).tolist()
        )
        if not lost[index]:
            moved = quads[index] - np.array([left, top], np.float32)
            lost[index] = inside_share(moved, right - left, bottom - top) < _SEEN_SHARE
    return lost & ~np.array([piece.isspace() for piece in pieces])


def beyond_edges(quads: NDArray[np.float32], edges: Edges) -> bool:
    """Whether all of the quads (N, 4, 2) lie beyond one edge or another, so that nothing of them is seen."""
    left, top, right, bottom = edges
    lows, highs = quads.min(axis=1), quads.max(axis=1)
    return bool(((highs <= [left, top]) | (lows >= [right, bottom])).any(axis=1).all())


def _stroke_at(quad: NDArray[np.float32], edge: int, edges: Edges, ink: NDArray[np.uint8]) -> bool:
    """Whether ink lies in the last px inside of an edge (0 left, 1 top, 2 right, 3 bottom), where the quad is."""
    across, along = edge % 2, 1 - edge % 2
    limit = edges[edge]
    # The last line of px inside; picture rows are the first axis, so that upright edges are columns.
    place = int(np.floor(limit + 0.5)) - (0 if edge < 2 else 1)
    line = ink if across == 1 else ink.T
    if not 0 <= place < len(line):
        return False
    crossings = []
    for start, end in zip(quad.tolist(), np.roll(quad, -1, axis=0).tolist()):
        far, near = start[across] - limit, end[across] - limit
        if (far < 0) != (near < 0):
            crossings.append(start[along] + (end[along] - start[along]) * far / (far - near))
    if not crossings:
        return False
    first, last = max(0, int(np.floor(min(crossings)))), max(0, int(np.ceil(max(crossings))))
    return bool(line[place, first:last].max(initial=0) > _STROKE)
