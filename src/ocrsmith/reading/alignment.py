"""CTC steps -> where characters and words lie in a crop, and on the page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import Quad, as_quad, quad_size
from ocrsmith.reading.ctc import Decoded
from ocrsmith.reading.page import ReadCharacter, Recognized, RecognizedCharacter, Word


def place_characters(decoded: Decoded, step_share: float, first_step: float = 0.0) -> Recognized:
    """Gives each character its share of the crop's width.

    CTC marks a character at a step or two somewhere inside it; characters are therefore cut half way between their
    neighbours' marks. Beside a space, and at the crop's ends, a character reaches half of its word's usual pitch
    from its mark, so that a word's box does not take in the gap.

    Args:
        step_share: the share of the crop's width that one step covers.
        first_step: how many steps of the crop lie before the network's first, where it drops some.
    """
    count = len(decoded.characters)
    if count == 0:
        return Recognized("", 0.0, ())
    centres = np.clip((decoded.character_steps.mean(axis=1) + first_step) * step_share, 0.0, 1.0)
    middles = (centres[1:] + centres[:-1]) / 2
    starts, stops = np.concatenate([[0.0], middles]), np.concatenate([middles, [1.0]])
    spaces = np.array([character.isspace() for character in decoded.characters])
    for first, last in _runs(~spaces):
        half = _half_pitch(centres[first : last + 1], centres)
        # A first or last character's outer half is rarely wider than its inner one, except at the crop's own ends.
        reach = centres[first] - half
        if first > 0:
            starts[first] = max(starts[first], min(reach, centres[first]))
        elif reach > half:
            starts[0] = reach - 0.3 * half
        reach = centres[last] + half
        if last < count - 1:
            stops[last] = min(stops[last], max(reach, centres[last]))
        elif 1.0 - reach > half:
            stops[last] = reach + 0.3 * half
    stops = np.maximum(stops, starts + 1e-4)
    return Recognized(
        decoded.text,
        decoded.confidence,
        tuple(
            RecognizedCharacter(character, float(confidence), float(start), float(stop))
            for character, confidence, start, stop in zip(
                decoded.characters, decoded.character_confidences, starts, stops, strict=True
            )
        ),
    )


def _half_pitch(centres: NDArray[np.float64], every: NDArray[np.float64]) -> float:
    """Half of the usual distance between neighbours; a lone character takes the whole text's, or all of the crop."""
    for marks in (centres, every):
        if len(marks) > 1:
            return float(np.median(np.diff(marks))) / 2
    return 0.5


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(first, last) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(first), int(stop) - 1) for first, stop in zip(edges[::2], edges[1::2])]


def part_of_quad(quad: Quad, start: float, stop: float) -> Quad:
    """The part of a quad between two shares of its width."""
    top_left, top_right, bottom_right, bottom_left = as_quad(quad)
    return np.array(
        [
            top_left + (top_right - top_left) * start,
            top_left + (top_right - top_left) * stop,
            bottom_left + (bottom_right - bottom_left) * stop,
            bottom_left + (bottom_right - bottom_left) * start,
        ],
        dtype=np.float32,
    )


def _without_margin(recognized: Recognized, quad: Quad, margin: float) -> Recognized:
    """Shares of a grown crop -> shares of the quad, cut at its ends."""
    width, height = quad_size(quad)
    grown = margin * min(width, height)
    if grown == 0:
        return recognized
    shares = np.array([(c.start, c.stop) for c in recognized.characters]).reshape(-1, 2)
    inside = np.clip((shares * (width + 2 * grown) - grown) / max(width, 1e-6), 0.0, 1.0)
    starts = np.minimum(inside[:, 0], 1.0 - 1e-4)
    characters = tuple(
        replace(character, start=float(start), stop=float(max(stop, start + 1e-4)))
        for character, start, stop in zip(recognized.characters, starts, inside[:, 1])
    )
    return replace(recognized, characters=characters)


def words_on_page(recognized: Recognized, quad: Quad, margin: float = 0.0) -> list[Word]:
    """Cuts a recognised crop at its spaces: words with their quads and their characters' quads on the page.

    `margin` is what the quad had been grown by for the crop (`crops.grow_quad`); words stay inside the quad itself.
    """
    recognized = _without_margin(recognized, quad, margin)
    groups: list[list[RecognizedCharacter]] = [[]]
    for character in recognized.characters:
        if character.text.isspace():
            groups.append([])
        else:
            groups[-1].append(character)
    words = []
    for group in filter(None, groups):
        characters = tuple(ReadCharacter(c.text, part_of_quad(quad, c.start, c.stop), c.confidence) for c in group)
        words.append(
            Word(
                "".join(c.text for c in group),
                part_of_quad(quad, group[0].start, group[-1].stop),
                float(np.mean([c.confidence for c in group])),
                characters,
            )
        )
    return words
