"""CTC steps -> where characters and words lie in a crop, and on the page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import ManyQuads, Quad, as_quads, quad_sizes
from ocrsmith.reading.characters import CropCharacters, Later, WordCharacters, solid
from ocrsmith.reading.ctc import Decoded
from ocrsmith.reading.page import ReadCharacter, Recognized, Word
from ocrsmith.reading.segments import medians


def place_texts(decoded: Sequence[Decoded], step_shares: Sequence[float], first_step: float = 0.0) -> list[Recognized]:
    """Gives each character of each crop its share of the crop's width; all at once, since a page has thousands.

    CTC marks a character at a step or two somewhere inside it; characters are therefore cut half way between their
    neighbours' marks. Beside a space, and at the crop's ends, a character reaches half of its word's usual pitch
    from its mark, so that a word's box does not take in the gap.

    Args:
        step_shares: for each crop the share of its width that one step covers.
        first_step: how many steps of the crop lie before the network's first, where it drops some.
    """
    counts = np.array([len(text.characters) for text in decoded], np.int64)
    filled = np.flatnonzero(counts)
    if not len(filled):
        return [Recognized("", 0.0, ()) for _ in decoded]
    # The characters of all crops end to end.
    is_solid = solid([text.text for text in decoded], [text.characters for text in decoded])
    owner = np.repeat(np.arange(len(counts)), counts)
    steps = np.concatenate([text.character_steps for text in decoded])
    centres = ((steps[:, 0] + steps[:, 1]) / 2 + first_step) * np.repeat(np.asarray(step_shares, np.float64), counts)
    centres = np.clip(centres, 0.0, 1.0)
    ends = np.cumsum(counts)
    begins, lasts = (ends - counts)[filled], ends[filled] - 1
    middles = (centres[:-1] + centres[1:]) / 2
    starts, stops = np.append(0.0, middles), np.append(middles, 1.0)
    starts[begins], stops[lasts] = 0.0, 1.0
    _cut_beside_spaces(centres, is_solid, owner, starts, stops)
    least = starts + 1e-4
    stops = np.where(stops > least, stops, least)
    columns = np.concatenate([text.character_confidences for text in decoded]).tolist(), starts.tolist(), stops.tolist()
    placed = []
    for text, stop in zip(decoded, ends.tolist()):
        count = len(text.characters)
        parts = [column[stop - count : stop] for column in columns]
        read = CropCharacters(text.characters, *parts) if count else ()
        placed.append(Recognized(text.text, text.confidence if count else 0.0, read))
    return placed


def _cut_beside_spaces(
    centres: NDArray[np.float64],
    is_solid: NDArray[np.bool_],
    owner: NDArray[np.int64],
    starts: NDArray[np.float64],
    stops: NDArray[np.float64],
) -> None:
    """Moves the outer ends of words, in place: characters of all crops end to end, solid where they are no spaces."""
    changes = owner[1:] != owner[:-1]
    crop_first, crop_last = np.append(True, changes), np.append(changes, True)
    first = np.flatnonzero(is_solid & (crop_first | ~np.append(False, is_solid[:-1])))
    last = np.flatnonzero(is_solid & (crop_last | ~np.append(is_solid[1:], False)))
    half = _half_pitches(centres, owner, first, last)
    # A first or last character's outer half is rarely wider than its inner one, except at the crop's own ends.
    reach = centres[first] - half
    at_end = crop_first[first]
    inner = np.maximum(starts[first], np.minimum(reach, centres[first]))
    starts[first] = np.where(at_end, np.where(reach > half, reach - 0.3 * half, starts[first]), inner)
    reach = centres[last] + half
    at_end = crop_last[last]
    inner = np.minimum(stops[last], np.maximum(reach, centres[last]))
    stops[last] = np.where(at_end, np.where(1.0 - reach > half, reach + 0.3 * half, stops[last]), inner)


def _half_pitches(
    centres: NDArray[np.float64], owner: NDArray[np.int64], first: NDArray[np.int64], last: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Half of each word's usual distance between neighbours; a lone character takes its crop's, or all of the crop."""
    pitches = np.diff(centres)
    lengths = last - first
    word = np.repeat(np.arange(len(first)), lengths)
    within = np.arange(len(word)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    usual = medians(pitches[first[word] + within], word, len(first))
    lone = np.flatnonzero(lengths == 0)
    if len(lone):
        pairs = np.flatnonzero((owner[1:] == owner[:-1]) & np.isin(owner[1:], owner[first[lone]]))
        num_crops = int(owner[-1]) + 1
        of_crops = medians(pitches[pairs], owner[pairs], num_crops)
        of_crops[np.bincount(owner[pairs], minlength=num_crops) == 0] = 1.0
        usual[lone] = of_crops[owner[first[lone]]]
    return usual / 2


def _runs(recognized: Sequence[Recognized], rows: Sequence[CropCharacters]) -> list[tuple[int, int, int]]:
    """(crop, first, last) of each run of characters without a space."""
    is_solid = solid([text.text for text in recognized], [row.texts for row in rows])
    counts = np.array([len(row) for row in rows], np.int64)
    ends = np.cumsum(counts)
    # A crop's end is one as a space is.
    padded = np.insert(is_solid, ends, False)
    changes = np.flatnonzero(np.diff(padded, prepend=False))
    first, stop = changes[::2], changes[1::2]
    owner = np.searchsorted(ends + np.arange(1, len(ends) + 1), first, side="right")
    before = (ends - counts + np.arange(len(ends)))[owner]
    return list(zip(owner.tolist(), (first - before).tolist(), (stop - 1 - before).tolist()))


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
    places = _runs(recognized, read)
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
