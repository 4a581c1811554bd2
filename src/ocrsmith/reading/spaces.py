"""Spaces that a recogniser leaves out, put back where the crop shows a gap much wider than those between letters.

Recognisers trained on short texts glue words: of the words that PP-OCRv6 small misses on scanned forms, nearly half are
read rightly but joined to a neighbour. The picture has what the text lacks: the columns of ink, and between them gaps.
The other way round, the two halves of a number plate are one word, though plates are stamped with a gap between them.
"""

from __future__ import annotations

import bisect
import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocrsmith.reading.characters import solid
from ocrsmith.reading.ctc import Decoded
from ocrsmith.reading.ink import gaps, ink_mask
from ocrsmith.reading.segments import medians
from ocrsmith.samples import Image

SPACE = " "
_OF_NUMBERS = frozenset("0123456789., -")
# Middles of two characters farther apart than so many usual distances have room for two letters between them.
_FARTHEST_GROUPS = 3.0


@dataclass(frozen=True)
class SpaceRule:
    """When a gap in the ink is a space; widths of gaps are shares of the ink's height.

    Measured on scanned forms, receipts and photographs, see docs/accuracy.md. Without `over_pitch`, narrow letters of
    typewriters ("l ist") are cut off; the network's own hint makes up for marks that stand too near.

    Attributes:
        least: a gap must be at least as wide, in any line.
        over_letters: and as wide as this many of the line's usual gaps between letters.
        over_pitch: and the characters beside it as far apart as this many of the line's usual distances.
        hint: where the network gave the space at least this probability between the two characters, the gap needs only
            `hinted_least`.
        hinted_least: see above.
        condensed: a line of nothing but two groups of capitals and digits is a number plate, and one word, where its
            characters are at most this share of the ink's height apart; see `join_plate`.
        over_digits: in a number, digits with a space between them must stand farther apart than this many usual
            distances of digits without one; see `close_digits`.
    """

    least: float = 0.3
    over_letters: float = 2.2
    over_pitch: float = 1.6
    hint: float = 0.15
    hinted_least: float = 0.2
    condensed: float = 0.42
    over_digits: float = 1.2

    def __post_init__(self) -> None:
        if min(asdict(self).values()) <= 0:
            raise ValueError("A space rule's numbers must be above 0.")

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able form."""
        return asdict(self)


def rooms(
    decoded: Sequence[Decoded], rule: SpaceRule, space_probabilities: Sequence[NDArray[np.float32]] | None = None
) -> list[dict[int, tuple[bool, bool]]]:
    """For each text the characters before which a space may come, all others being joined to the one before.

    Of each: whether it stands far enough from the one before, and whether the network hints at a space, with at least
    `rule.hint` from the last step of the one before to its own first. Nine texts of ten have no room anywhere.

    Args:
        space_probabilities: (T,) of each text, where the network knows the space.
    """
    found: list[dict[int, tuple[bool, bool]]] = [{} for _ in decoded]
    # The characters of all texts end to end.
    counts = np.array([len(text.characters) for text in decoded], np.int64)
    owner = np.repeat(np.arange(len(decoded)), counts)
    is_solid = solid([text.text for text in decoded], [text.characters for text in decoded])
    joined = np.flatnonzero(is_solid[1:] & is_solid[:-1] & (owner[1:] == owner[:-1])) + 1
    if not len(joined):
        return found
    starts, stops = np.concatenate([text.character_steps for text in decoded]).T
    # Twice where a character's mark lies, half way between its first step and the one after its last.
    sums = starts + stops
    distances = sums[joined] - sums[joined - 1]
    of = owner[joined]
    apart = distances >= rule.over_pitch * medians(distances, of, len(decoded))[of]
    hinted = np.zeros(len(joined), dtype=bool)
    if space_probabilities is not None:
        lengths = np.array([len(row) for row in space_probabilities])
        first_steps = (np.cumsum(lengths) - lengths)[of]
        # Hints before each step of all texts, end to end.
        before = np.append(0, np.cumsum(np.concatenate(space_probabilities) >= rule.hint))
        hinted = before[first_steps + starts[joined] + 1] > before[first_steps + stops[joined - 1] - 1]
    some = np.flatnonzero(apart | hinted)
    places = joined[some] - (np.cumsum(counts) - counts)[of[some]]
    for text, place, far, hint in zip(*(column.tolist() for column in (of[some], places, apart[some], hinted[some]))):
        found[text][place] = (far, hint)
    return found


def correct_texts(
    decoded: Sequence[Decoded],
    crops: Sequence[Image],
    step_px: Sequence[float],
    rule: SpaceRule,
    space_probabilities: Sequence[NDArray[np.float32]] | None = None,
    first_step: float = 0.0,
) -> list[Decoded]:
    """`insert_spaces`, `close_digits`, `join_plate`: texts as their pictures set them apart."""
    spaced = insert_spaces(decoded, crops, step_px, rule, space_probabilities, first_step)
    return [
        join_plate(close_digits(text, rule), crop, px, rule, first_step) if SPACE in text.characters else text
        for text, crop, px in zip(spaced, crops, step_px, strict=True)
    ]


def close_digits(decoded: Decoded, rule: SpaceRule) -> Decoded:
    """A number without the spaces between digits that stand no farther apart than others that are read together.

    Displays set their digits wide apart, and a recogniser takes some of the gaps for spaces: "46.2 9", "1 0.0 0 0".
    """
    characters = decoded.characters
    if SPACE not in characters or not all(one in _OF_NUMBERS for one in characters):
        return decoded
    marks = decoded.character_steps.mean(axis=1)
    digits = [index for index, character in enumerate(characters) if character.isdigit()]
    pairs = [(left, right, marks[right] - marks[left]) for left, right in itertools.pairwise(digits)]
    together = [distance for left, right, distance in pairs if SPACE not in characters[left:right]]
    if not together:
        return decoded
    farthest = rule.over_digits * float(np.median(together))
    dropped = {
        index
        for left, right, distance in pairs
        if distance <= farthest
        for index in range(left, right)
        if characters[index] == SPACE
    }
    return _without(decoded, dropped) if dropped else decoded


def join_plate(decoded: Decoded, crop: Image, step_px: float, rule: SpaceRule, first_step: float = 0.0) -> Decoded:
    """A number plate's two groups as one word, "TVG 399" as "TVG399"; any other text as it is.

    Letters of plates are narrow and high: on two sets of American plates the characters of such lines stood .19 to .41
    of the ink's height apart, those of "JUN 30" and "58 30" on forms and receipts .46 to .80.

    Args: as of `insert_spaces`.
    """
    if not _looks_like_plate(decoded.characters):
        return decoded
    _, height = gaps(ink_mask(crop))
    place = decoded.characters.index(SPACE)
    marks = (decoded.character_steps.mean(axis=1) + first_step) * step_px
    distances = np.diff(np.delete(marks, place))
    across = distances[place - 1]
    pitch = float(np.median(np.delete(distances, place - 1)))
    if height == 0 or pitch > rule.condensed * height or across > _FARTHEST_GROUPS * pitch:
        return decoded
    return _without(decoded, {place})


def _without(decoded: Decoded, dropped: set[int]) -> Decoded:
    """The text without the characters at these places; its confidence stays as it was."""
    kept = [index for index in range(len(decoded.characters)) if index not in dropped]
    characters = tuple(decoded.characters[index] for index in kept)
    return Decoded(
        "".join(characters),
        decoded.confidence,
        characters,
        decoded.character_confidences[kept],
        decoded.character_steps[kept],
    )


def _looks_like_plate(characters: tuple[str, ...]) -> bool:
    """Two groups of two and more capitals or digits, 5 to 8 between them, a digit among them."""
    groups = "".join(characters).split(SPACE)
    if len(groups) != 2 or min(map(len, groups)) < 2 or not 5 <= len(characters) - 1 <= 8:
        return False
    joined = "".join(groups)
    return joined.isascii() and joined.isalnum() and joined == joined.upper() and any(map(str.isdigit, joined))


def insert_spaces(
    decoded: Sequence[Decoded],
    crops: Sequence[Image],
    step_px: Sequence[float],
    rule: SpaceRule,
    space_probabilities: Sequence[NDArray[np.float32]] | None = None,
    first_step: float = 0.0,
) -> list[Decoded]:
    """The texts with a space at every gap that the rule calls one and that has none yet.

    Of most crops the picture is not looked at, see `rooms`.

    Args:
        crops: as the network saw them, (h, w, 3) uint8 RGB, without padding.
        step_px: px of each crop a CTC step.
        space_probabilities: (T,) of the space class for each text, where the network knows one.
        first_step: steps of the crop before the network's first.

    Returns:
        A text itself where nothing was inserted; the confidence of a text stays as it was.
    """
    found = rooms(decoded, rule, space_probabilities)
    return [
        _spaced(text, crop, px, rule, room, first_step) if room else text
        for text, crop, px, room in zip(decoded, crops, step_px, found, strict=True)
    ]


def _spaced(
    decoded: Decoded,
    crop: Image,
    step_px: float,
    rule: SpaceRule,
    room: dict[int, tuple[bool, bool]],
    first_step: float,
) -> Decoded:
    # A line has some fifty gaps: plain numbers are several times as fast as arrays.
    found, height = gaps(ink_mask(crop))
    runs = found.tolist()
    widths = [(stop - start) / height for start, stop in runs]
    least = min(rule.least, rule.hinted_least)
    # The widest gap between two marks speaks for them: it is looked at last.
    wide = sorted((index for index, width in enumerate(widths) if width >= least), key=widths.__getitem__)
    if not wide:
        return decoded
    marks = [((start + stop) / 2 + first_step) * step_px for start, stop in decoded.character_steps.tolist()]
    clear_from = max(rule.least, rule.over_letters * _letter_gap(widths, len(marks)))
    insertions: dict[int, tuple[int, int]] = {}
    for index in wide:
        start, stop = runs[index]
        place = bisect.bisect_left(marks, (start + stop) / 2)
        apart, hinted = room.get(place, (False, False))
        if (apart and widths[index] >= clear_from) or (hinted and widths[index] >= rule.hinted_least):
            first, last = start / step_px - first_step, stop / step_px - first_step
            insertions[place] = (max(0, int(first)), max(int(first) + 1, math.ceil(last)))
    return _with_spaces(decoded, insertions)


def _letter_gap(widths: Sequence[float], num_characters: int) -> float:
    """The usual gap between letters: the median where touching letters count as gaps of 0."""
    touching = max(0, num_characters - 1 - len(widths))
    return statistics.median([0.0] * touching + sorted(widths))


def _with_spaces(decoded: Decoded, insertions: dict[int, tuple[int, int]]) -> Decoded:
    if not insertions:
        return decoded
    places = sorted(insertions)
    characters = list(decoded.characters)
    for place in reversed(places):
        characters.insert(place, SPACE)
    confidences, steps = decoded.character_confidences.tolist(), decoded.character_steps.tolist()
    for place in reversed(places):
        confidences.insert(place, min(confidences[place - 1 : place + 1]))
        steps.insert(place, insertions[place])
    return Decoded(
        "".join(characters),
        decoded.confidence,
        tuple(characters),
        np.array(confidences, np.float32),
        np.array(steps, np.int64),
    )
