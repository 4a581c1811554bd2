"""Clusters of a shaped run.

A cluster is what a font draws as one: usually a character, more where a ligature or a combining mark joins them.
"""

from __future__ import annotations

from typing import NamedTuple

from ocrsmith.synth.glyphs import Box


class Cluster(NamedTuple):
    """One cluster's characters and box (left, top, right, bottom) in px of the run's mask.

    The box is that of the ink. Where there is none (a space) it is the advance wide and an x-height high.
    """

    text: str
    box: Box


# What a cluster gathers: the span of the pen in 1/64 px, and the box of its ink in px (None where it has none). Plain
# tuples: a page has thousands, and one with names takes ten times as long to make.
Piece = tuple[int, int, Box | None]


def joined_pieces(piece: Piece, other: Piece) -> Piece:
    """Both as one: they belong to the same characters."""
    ink, other_ink = piece[2], other[2]
    if ink and other_ink:
        (left, top, right, bottom), (x0, y0, x1, y1) = ink, other_ink
        ink = (min(left, x0), min(top, y0), max(right, x1), max(bottom, y1))
    return min(piece[0], other[0]), max(piece[1], other[1]), ink or other_ink


def clusters_of(
    text: str, pieces: dict[int, Piece], x_height_px: float, vertical: bool
) -> tuple[tuple[str, ...], list[Box]]:
    """Texts, and boxes about the pen's start; a cluster without ink and advance goes to the one before it.

    Args:
        text: what was shaped.
        pieces: by the place in `text` where each cluster starts.
        x_height_px: how high a cluster without ink is (how wide, where `vertical`).
    """
    starts = sorted(pieces)
    if starts[0] != 0:
        # HarfBuzz drops leading default-ignorable characters; they belong to what follows.
        pieces = {**pieces, 0: pieces[starts[0]]}
        starts[0] = 0
    kept: list[int] = []
    boxes: list[Box] = []
    for start in starts:
        pen_start64, pen_end64, ink = pieces[start]
        if ink is None:
            if kept and pen_end64 <= pen_start64:
                continue
            pen_start, pen_end = pen_start64 / 64.0, max(pen_end64, pen_start64 + 64) / 64.0
            ink = (pen_start, -x_height_px, pen_end, 0.0)
            if vertical:
                ink = (-x_height_px / 2, pen_start, x_height_px / 2, pen_end)
        kept.append(start)
        boxes.append(ink)
    if len(kept) == len(text):
        return tuple(text), boxes
    return tuple(text[start:end] for start, end in zip(kept, [*kept[1:], len(text)])), boxes
