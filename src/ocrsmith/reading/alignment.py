"""CTC steps -> where characters and words lie in a crop, and on the page."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

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
    # Python's own numbers: a crop has a handful of characters, for which an array costs more than it saves.
    centres = [
        min(max(((start + stop) / 2 + first_step) * step_share, 0.0), 1.0)
        for start, stop in decoded.character_steps.tolist()
    ]
    middles = [(one + other) / 2 for one, other in itertools.pairwise(centres)]
    starts, stops = [0.0, *middles], [*middles, 1.0]
    for first, last in _runs([not character.isspace() for character in decoded.characters]):
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
    confidences = decoded.character_confidences.tolist()
    return Recognized(
        decoded.text,
        decoded.confidence,
        tuple(
            RecognizedCharacter(character, confidence, start, max(stop, start + 1e-4))
            for character, confidence, start, stop in zip(decoded.characters, confidences, starts, stops, strict=True)
        ),
    )


def _half_pitch(centres: Sequence[float], every: Sequence[float]) -> float:
    """Half of the usual distance between neighbours; a lone character takes the whole text's, or all of the crop."""
    for marks in (centres, every):
        if len(marks) > 1:
            pitches = sorted(other - one for one, other in itertools.pairwise(marks))
            middle = len(pitches) // 2
            return (pitches[middle] if len(pitches) % 2 else (pitches[middle - 1] + pitches[middle]) / 2) / 2
    return 0.5


def _runs(flags: Sequence[bool]) -> list[tuple[int, int]]:
    """(first, last) of each run of True."""
    found = []
    place = 0
    for flag, run in itertools.groupby(flags):
        start, place = place, place + sum(1 for _ in run)
        if flag:
            found.append((start, place - 1))
    return found


# The corners of a part of a quad lie between these corners of the whole, at its start or stop.
_LEFT, _RIGHT, _ENDS = np.array([0, 0, 3, 3]), np.array([1, 1, 2, 2]), np.array([0, 1, 1, 0])


def parts_of_quad(quad: Quad, shares: NDArray[np.float64]) -> NDArray[np.float32]:
    """(N, 2) shares of a quad's width -> (N, 4, 2), its parts between them."""
    corners = as_quad(quad)
    left = corners[_LEFT]
    along = shares.astype(np.float32)[:, _ENDS, None]
    return np.asarray(left + (corners[_RIGHT] - left) * along)


def _shares(recognized: Recognized, quad: Quad, margin: float) -> list[tuple[float, float]]:
    """Each character's shares of a grown crop as shares of the quad, cut at its ends."""
    shares = [(character.start, character.stop) for character in recognized.characters]
    width, height = quad_size(quad)
    grown = margin * min(width, height)
    if grown == 0:
        return shares
    whole, inner = width + 2 * grown, max(width, 1e-6)
    inside = []
    for start, stop in shares:
        first = min(min(max((start * whole - grown) / inner, 0.0), 1.0), 1.0 - 1e-4)
        inside.append((first, max(min(max((stop * whole - grown) / inner, 0.0), 1.0), first + 1e-4)))
    return inside


def words_on_page(recognized: Recognized, quad: Quad, margin: float = 0.0) -> list[Word]:
    """Cuts a recognised crop at its spaces: words with their quads and their characters' quads on the page.

    `margin` is what the quad had been grown by for the crop (`crops.grow_quad`); words stay inside the quad itself.
    """
    read = recognized.characters
    if not read:
        return []
    shares = _shares(recognized, quad, margin)
    runs = _runs([not character.text.isspace() for character in read])
    # The parts of all characters and all words at once: a page has thousands.
    ends = [(shares[first][0], shares[last][1]) for first, last in runs]
    parts = list(parts_of_quad(quad, np.array(shares + ends)))
    words = []
    for (first, last), polygon in zip(runs, parts[len(read) :]):
        group = read[first : last + 1]
        characters = tuple(ReadCharacter(c.text, part, c.confidence) for c, part in zip(group, parts[first : last + 1]))
        confidence = sum(c.confidence for c in group) / len(group)
        words.append(Word("".join(c.text for c in group), polygon, confidence, characters))
    return words
