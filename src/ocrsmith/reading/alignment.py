"""CTC steps -> where characters and words lie in a crop, and on the page."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import ManyQuads, Quad, as_quads, quad_sizes
from ocrsmith.reading.characters import CropCharacters, Later, WordCharacters
from ocrsmith.reading.ctc import Decoded
from ocrsmith.reading.page import ReadCharacter, Recognized, Word


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
    centres = [((start + stop) / 2 + first_step) * step_share for start, stop in decoded.character_steps.tolist()]
    if min(centres) < 0.0 or max(centres) > 1.0:
        centres = [min(max(centre, 0.0), 1.0) for centre in centres]
    middles = [(one + other) / 2 for one, other in itertools.pairwise(centres)]
    starts, stops = [0.0, *middles], [*middles, 1.0]
    for first, last in _runs(decoded.characters):
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
    stops = [stop if stop > start + 1e-4 else start + 1e-4 for start, stop in zip(starts, stops)]
    confidences = decoded.character_confidences.tolist()
    return Recognized(decoded.text, decoded.confidence, CropCharacters(decoded.characters, confidences, starts, stops))


def _half_pitch(centres: Sequence[float], every: Sequence[float]) -> float:
    """Half of the usual distance between neighbours; a lone character takes the whole text's, or all of the crop."""
    for marks in (centres, every):
        if len(marks) > 1:
            pitches = sorted(other - one for one, other in itertools.pairwise(marks))
            middle = len(pitches) // 2
            return (pitches[middle] if len(pitches) % 2 else (pitches[middle - 1] + pitches[middle]) / 2) / 2
    return 0.5


def _runs(texts: Sequence[str]) -> list[tuple[int, int]]:
    """(first, last) of each run of characters without a space."""
    edges = [-1, *[place for place, text in enumerate(texts) if text.isspace()], len(texts)]
    return [(one + 1, other - 1) for one, other in itertools.pairwise(edges) if other > one + 1]


# The corners of a part of a quad lie between these corners of the whole, at its start or stop.
_LEFT, _RIGHT, _ENDS = np.array([0, 0, 3, 3]), np.array([1, 1, 2, 2]), np.array([0, 1, 1, 0])


def parts_of_quads(quads: ManyQuads, shares: NDArray[np.float64]) -> NDArray[np.float32]:
    """(N, 4, 2) quads and (N, 2) shares of their widths -> (N, 4, 2), their parts between them."""
    corners = as_quads(quads)
    left = corners[:, _LEFT]
    along = shares.astype(np.float32)[:, _ENDS, None]
    return np.asarray(left + (corners[:, _RIGHT] - left) * along)


def _inside(shares: NDArray[np.float64], quads: NDArray[np.float32], margin: float) -> NDArray[np.float64]:
    """(N, 2) shares of crops that were cut from grown quads (N, 4, 2) -> shares of the quads, cut at their ends."""
    sizes = quad_sizes(quads)
    grown = margin * sizes.min(axis=1, keepdims=True)
    inner = np.maximum(sizes[:, :1], 1e-6)
    moved = np.clip((shares * (sizes[:, :1] + 2 * grown) - grown) / inner, 0.0, 1.0)
    first = np.minimum(moved[:, :1], 1.0 - 1e-4)
    cut = np.concatenate([first, np.maximum(moved[:, 1:], first + 1e-4)], axis=1)
    return np.where(grown == 0, shares, cut)


def words_on_page(recognized: Recognized, quad: Quad, margin: float = 0.0) -> list[Word]:
    """Cuts a recognised crop at its spaces: words with their quads and their characters' quads on the page.

    `margin` is what the quad had been grown by for the crop (`crops.grow_quad`); words stay inside the quad itself.
    """
    return words_on_quads([recognized], [quad], margin)[0]


def words_on_quads(recognized: Sequence[Recognized], quads: ManyQuads, margin: float = 0.0) -> list[list[Word]]:
    """`words_on_page` of many crops at once, a list of words each: a page has thousands."""
    corners = as_quads(quads)
    read = [CropCharacters.of(text.characters) for text in recognized]
    places = [(owner, *run) for owner, row in enumerate(read) for run in _runs(row.texts)]
    words: list[list[Word]] = [[] for _ in read]
    if not places:
        return words
    ends = np.array([(read[owner].starts[first], read[owner].stops[last]) for owner, first, last in places])
    owners = corners[[owner for owner, _, _ in places]]
    rows = Later(partial(_characters, read, corners, margin, places))
    polygons = parts_of_quads(owners, _inside(ends, owners, margin))
    for index, ((owner, first, last), polygon) in enumerate(zip(places, polygons)):
        row, count = read[owner], last + 1 - first
        confidence = sum(row.confidences[first : last + 1]) / count
        text = "".join(row.texts[first : last + 1])
        words[owner].append(Word(text, polygon, confidence, WordCharacters(rows, index, count)))
    return words


def _characters(
    read: Sequence[CropCharacters],
    corners: NDArray[np.float32],
    margin: float,
    places: Sequence[tuple[int, int, int]],
) -> list[tuple[ReadCharacter, ...]]:
    """The characters of words on a page: each (owner, first, last) are those of one crop from the first to the last."""
    counts = [last + 1 - first for _, first, last in places]
    owners = corners[np.repeat([owner for owner, _, _ in places], counts)]
    shares = [
        share
        for owner, first, last in places
        for share in zip(read[owner].starts[first : last + 1], read[owner].stops[first : last + 1])
    ]
    quads = iter(parts_of_quads(owners, _inside(np.array(shares), owners, margin)))
    made = []
    for owner, first, last in places:
        row, some = read[owner], slice(first, last + 1)
        made.append(tuple(map(ReadCharacter, row.texts[some], quads, row.confidences[some])))
    return made
