"""A line that is wider than a recogniser's input as overlapping pieces: where it is cut, given where it may be.

Reading takes such a line in overlapping windows (`ocrsmith.reading.windows`), so that a network is never shown it
squeezed; trained on in pieces it is not shown squeezed either. A piece needs its own text, so that lines are cut
between characters alone, at spaces where there are any.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

# Of the widest piece: where a space lies beyond it, characters within a word are not cut apart.
_LEAST_FILLED = 0.5
# Of the widest piece, what neighbours share at most for the sake of a space; else they part within a word.
_MOST_SHARED = 0.5


@dataclass(frozen=True)
class Gap:
    """A place where a line may be cut.

    Attributes:
        middle_px: from the line's left end.
        stop: the characters before the gap are those up to, and without, this one.
        start: those behind it begin with this one; what lies between is white space, and in no piece.
    """

    middle_px: float
    stop: int
    start: int

    @property
    def is_space(self) -> bool:
        """Whether words are parted here."""
        return self.start > self.stop


@dataclass(frozen=True)
class LinePiece:
    """A part of a line: its ends in px, its characters from `start` up to `stop`."""

    left_px: float
    right_px: float
    start: int
    stop: int


def cut_line(
    gaps: Sequence[Gap], width_px: float, num_characters: int, widest_px: float, shared_px: float
) -> list[LinePiece] | None:
    """The fewest pieces that a walk from left to right finds, or None where some stretch has no gap to cut at.

    Every character is whole in one piece at least, no piece is wider than `widest_px`, and each begins and ends in a
    gap or with the line. A piece ends at the last space that leaves it half full, or within a word where there is none.
    The next one begins at the last space `shared_px` before that; where words are too long for it, within a word; where
    there is no gap either, with the widest overlap that there is, which may be none.

    Args:
        gaps: from left to right, each between characters.
        widest_px: of a piece. shared_px: what neighbours share at least, where gaps allow it.

    Raises:
        ValueError: gaps that do not stand in the characters' order.
    """
    ends = [Gap(0.0, 0, 0), *gaps, Gap(width_px, num_characters, num_characters)]
    for one, other in itertools.pairwise(ends):
        if not (one.middle_px < other.middle_px and one.start < other.stop):
            raise ValueError(f"The gap {other} came behind {one}. Gaps part characters, from left to right.")
    pieces: list[LinePiece] = []
    first, reached = 0, 0
    while reached < len(ends) - 1:
        stop = _stop(ends, first, reached, widest_px)
        if stop is None:
            return None
        pieces.append(LinePiece(ends[first].middle_px, ends[stop].middle_px, ends[first].start, ends[stop].stop))
        if stop < len(ends) - 1:
            begin = _begin(ends, first, stop, widest_px, shared_px)
            if begin is None:
                return None
            first = begin
        reached = stop
    return pieces


def _stop(ends: Sequence[Gap], first: int, reached: int, widest_px: float) -> int | None:
    """Where a piece ends that begins at `first` and is to go farther than `reached`."""
    begin = ends[first].middle_px
    within = [place for place in range(reached + 1, len(ends)) if ends[place].middle_px - begin <= widest_px]
    if not within or within[-1] == len(ends) - 1:
        return within[-1] if within else None
    full = [place for place in within if ends[place].middle_px - begin >= _LEAST_FILLED * widest_px]
    spaces = [place for place in full if ends[place].is_space]
    return (spaces or within)[-1]


def _begin(ends: Sequence[Gap], first: int, stop: int, widest_px: float, shared_px: float) -> int | None:
    """Where the piece behind the one from `first` to `stop` begins: from there the next gap must be in reach."""
    able = [
        place for place in range(first + 1, stop + 1) if ends[stop + 1].middle_px - ends[place].middle_px <= widest_px
    ]
    shared = [ends[stop].middle_px - ends[place].middle_px for place in able]
    wide = [place for place, width in zip(able, shared) if width >= shared_px]
    spaces = [
        place
        for place, width in zip(able, shared)
        if ends[place].is_space and shared_px <= width <= max(shared_px, _MOST_SHARED * widest_px)
    ]
    if spaces or wide:
        return (spaces or wide)[-1]
    return able[0] if able else None
