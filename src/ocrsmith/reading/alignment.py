"""CTC steps -> where characters and words lie in a crop, and on the page."""

from __future__ import annotations

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


def parts_of_quad(quad: Quad, shares: NDArray[np.float64]) -> NDArray[np.float32]:
    """(N, 2) shares of a quad's width -> (N, 4, 2), its parts between them."""
    top_left, top_right, bottom_right, bottom_left = as_quad(quad)
    along = shares.astype(np.float32)[:, :, None]
    top = top_left + (top_right - top_left) * along
    bottom = bottom_left + (bottom_right - bottom_left) * along
    return np.stack([top[:, 0], top[:, 1], bottom[:, 1], bottom[:, 0]], axis=1)


def _shares(recognized: Recognized, quad: Quad, margin: float) -> NDArray[np.float64]:
    """(N, 2) each character's shares of a grown crop as shares of the quad, cut at its ends."""
    shares = np.array([(c.start, c.stop) for c in recognized.characters], np.float64).reshape(-1, 2)
    width, height = quad_size(quad)
    grown = margin * min(width, height)
    if grown == 0:
        return shares
    inside = np.clip((shares * (width + 2 * grown) - grown) / max(width, 1e-6), 0.0, 1.0)
    inside[:, 0] = np.minimum(inside[:, 0], 1.0 - 1e-4)
    inside[:, 1] = np.maximum(inside[:, 1], inside[:, 0] + 1e-4)
    return inside


def words_on_page(recognized: Recognized, quad: Quad, margin: float = 0.0) -> list[Word]:
    """Cuts a recognised crop at its spaces: words with their quads and their characters' quads on the page.

    `margin` is what the quad had been grown by for the crop (`crops.grow_quad`); words stay inside the quad itself.
    """
    read = recognized.characters
    if not read:
        return []
    shares = _shares(recognized, quad, margin)
    runs = _runs(np.array([not character.text.isspace() for character in read]))
    # The parts of all characters and all words at once: a page has thousands.
    ends = np.array([(shares[first, 0], shares[last, 1]) for first, last in runs]).reshape(-1, 2)
    parts = parts_of_quad(quad, np.concatenate([shares, ends]))
    words = []
    for (first, last), polygon in zip(runs, parts[len(read) :]):
        group = read[first : last + 1]
        characters = tuple(ReadCharacter(c.text, part, c.confidence) for c, part in zip(group, parts[first : last + 1]))
        confidence = sum(c.confidence for c in group) / len(group)
        words.append(Word("".join(c.text for c in group), polygon, confidence, characters))
    return words
