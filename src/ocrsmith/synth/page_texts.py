"""The print of a planned page: its words drawn into one mask an ink colour, and where every cluster of them came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import bounds
from ocrsmith.samples import Image
from ocrsmith.synth import paint
from ocrsmith.synth.bidi import visual_order
from ocrsmith.synth.fonts import FontFace, face_of
from ocrsmith.synth.glyphs import guard, open_font
from ocrsmith.synth.layout import box_outline
from ocrsmith.synth.page_plans import DocumentPlan, TextPlan
from ocrsmith.synth.scene_plans import Colour
from ocrsmith.synth.shaping import ShapedRun, box_quads, shape

Mask = NDArray[np.uint8]
Quads = NDArray[np.float32]
_LINE_POINTS = 17


@dataclass(frozen=True, eq=False)
class WrittenText:
    """One line (or one word, where words are not joined): its clusters' texts and quads (N, 4, 2).

    `layer` 0 is print, n the n-th stamp: each has its own ink. `polygon` is the text's own where its quads' rectangle
    would hold too much: round a seal, on a sheet that bends. `cut` where the sheet's edge takes away some of it.
    """

    pieces: tuple[str, ...]
    quads: Quads
    layer: int
    polygon: Quads | None = None
    cut: bool = False


def write_texts(
    flat: Image, plan: DocumentPlan, faces: Mapping[str, FontFace], shift: tuple[int, int]
) -> tuple[Mask, list[WrittenText]]:
    """Writes a plan's texts onto the flat page, in place; `shift` is added to the page's (x, y).

    Returns where their ink lies (H, W), and the texts in px of the flat page.

    Raises:
        SynthesisError: a font that is not among the faces.
    """
    masks: dict[Colour, Mask] = {}
    runs: list[ShapedRun] = []
    places: list[tuple[int, int]] = []
    for text in plan.texts:
        if text.colour not in masks:
            masks[text.colour] = np.zeros(flat.shape[:2], np.uint8)
        mask = masks[text.colour]
        for run, x in zip(_runs(text, faces), text.xs, strict=True):
            left, top = x + shift[0] - int(run.origin[0]), text.y + shift[1] - int(run.origin[1])
            _paste(mask, run.mask, left, top)
            runs.append(run)
            places.append((left, top))
    whole: Mask | None = None
    for colour, mask in masks.items():
        left, top, width, height = cv2.boundingRect(mask)
        if height:  # something of this colour is in the window
            written = slice(top, top + height), slice(left, left + width)
            paint.blend(flat[written], mask[written], colour)
        whole = mask if whole is None else cv2.max(whole, mask)  # type: ignore[assignment]
    ink = np.zeros(flat.shape[:2], np.uint8) if whole is None else whole
    return ink, _written(plan, faces, runs, places, shift[1])


def _runs(plan: TextPlan, faces: Mapping[str, FontFace]) -> list[ShapedRun]:
    """A line's words, drawn."""
    face, size_px, spacing_px = face_of(plan.font, faces), plan.size_px, plan.letter_spacing_px
    if not plan.others:
        return [shape(face, word, size_px, letter_spacing_px=spacing_px) for word in plan.words]
    others: list[list[tuple[int, int, FontFace]]] = [[] for _ in plan.words]
    for index, (start, end, font) in plan.others:
        others[index].append((start, end, face_of(font, faces)))
    return [
        shape(face, word, size_px, letter_spacing_px=spacing_px, others=stretches)
        for word, stretches in zip(plan.words, others, strict=True)
    ]


def _written(
    plan: DocumentPlan,
    faces: Mapping[str, FontFace],
    runs: list[ShapedRun],
    places: list[tuple[int, int]],
    shift_y: int,
) -> list[WrittenText]:
    """Lines of words drawn at their places (left, top), a space between two of a line; words where none are joined."""
    if not runs:
        return []
    counts = [len(run.texts) for run in runs]
    starts = np.cumsum([0, *counts[:-1]])
    moves = np.tile(np.array(places, np.float32), 2)
    boxes = np.concatenate([run.boxes for run in runs]) + np.repeat(moves, counts, axis=0)
    lines = [[run] for run in runs]
    if plan.spaced:
        words = iter(runs)
        lines = [list(islice(words, len(text.words))) for text in plan.texts]
        firsts = np.cumsum([0, *(len(text.words) for text in plan.texts[:-1])])
        behind = np.delete(np.arange(len(runs)), firsts)
        boxes = np.insert(boxes, starts[behind], _gaps(boxes, starts, plan, faces, shift_y)[behind], axis=0)
    pieces = [_spelt(line) for line in lines]
    quads, ends = box_quads(boxes), np.cumsum([len(line) for line in pieces]).tolist()
    bent = bool(plan.bends)
    return [
        WrittenText(line, quads[start:end], 0, _outline(quads[start:end], bent))
        for line, start, end in zip(pieces, [0, *ends], ends)
    ]


def _spelt(line: list[ShapedRun]) -> tuple[str, ...]:
    """The clusters of a line's words, a space between two words."""
    pieces = [*line[0].texts]
    for run in line[1:]:
        pieces += (" ", *run.texts)
    return tuple(pieces)


def _gaps(
    boxes: NDArray[np.float32],
    starts: NDArray[np.int64],
    plan: DocumentPlan,
    faces: Mapping[str, FontFace],
    shift_y: int,
) -> NDArray[np.float64]:
    """For each word the box of a space between it and the word before: from ink to ink, an x-height high.

    Args:
        boxes: (N, 4) of all clusters. starts: each word's first among them.
    """
    with guard.lock:
        heights = {name: open_font(faces[name]).x_height for name in {text.font for text in plan.texts}}
    counts = [len(text.words) for text in plan.texts]
    baselines = np.repeat([float(text.y + shift_y) for text in plan.texts], counts)
    rises = np.repeat([heights[text.font] * text.size_px for text in plan.texts], counts)
    lefts = np.minimum.reduceat(boxes[:, 0], starts).astype(np.float64)
    rights = np.maximum.reduceat(boxes[:, 2], starts).astype(np.float64)
    lefts_before, rights_before = np.roll(lefts, 1), np.roll(rights, 1)
    backwards = rights_before > rights  # right to left
    left, right = np.where(backwards, rights, rights_before), np.where(backwards, lefts_before, lefts)
    first = 0
    for text in plan.texts:
        if not all(word.isascii() for word in text.words):
            # Where directions meet, a word and the one before it may not stand side by side.
            order, spaces = visual_order(text.words)
            for rank, space in enumerate(spaces):
                left[first + space + 1], right[first + space + 1] = (
                    rights[first + order[rank]],
                    lefts[first + order[rank + 1]],
                )
        first += len(text.words)
    return np.stack([left, baselines - rises, np.maximum(right, left + 1.0), baselines], axis=1)


def _outline(quads: Quads, bent: bool) -> Quads | None:
    """The box of a flat line as many points, for a sheet that bends it."""
    return box_outline(*bounds(quads), _LINE_POINTS) if bent else None


def _paste(mask: Mask, bitmap: Mask, left: int, top: int) -> None:
    height, width = mask.shape
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + bitmap.shape[1], width), min(top + bitmap.shape[0], height)
    if x0 < x1 and y0 < y1:
        part = mask[y0:y1, x0:x1]
        cv2.max(part, bitmap[y0 - top : y1 - top, x0 - left : x1 - left], part)
