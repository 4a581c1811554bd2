from __future__ import annotations

import numpy as np
import pytest

from ocrsmith.reading.alignment import place_texts
from ocrsmith.reading.ctc import Decoded
from ocrsmith.reading.page import Recognized
from ocrsmith.reading.word_edges import move_to_gaps

STEP_PX = 10.0


def decoded(text: str, steps: list[int]) -> Decoded:
    places = np.array([[step, step + 1] for step in steps], np.int64).reshape(-1, 2)
    return Decoded(text, 0.9, tuple(text), np.full(len(text), 0.9, np.float32), places)


def crop(*ink: tuple[int, int], height: int = 40, width: int = 200, level: int = 20) -> np.ndarray:
    """Light, with strokes over half of the height in these columns."""
    picture = np.full((height, width, 3), 230, np.uint8)
    for left, right in ink:
        picture[height // 4 : 3 * height // 4, left:right] = level
    return picture


def moved(text: Decoded, picture: np.ndarray) -> Recognized:
    width = picture.shape[1]
    placed = place_texts([text], [STEP_PX / width])
    return move_to_gaps(placed, [text], [picture], [STEP_PX], [width])[0]


def test_words_end_at_the_gap_with_a_seventh_of_it() -> None:
    # Letters at 10-30, 40-60 and, behind a gap of 40 px, 100-120, 130-150; marks late, as a network sets them.
    picture = crop((10, 30), (40, 60), (100, 120), (130, 150))
    read = moved(decoded("ab cd", [2, 5, 8, 11, 14]), picture)
    characters = read.characters
    assert characters[1].stop * 200 == pytest.approx(60 + 0.15 * 40)
    assert characters[3].start * 200 == pytest.approx(100 - 0.15 * 40)
    assert (characters[2].start, characters[2].stop) == (characters[1].stop, characters[3].start)
    assert (read.text, read.confidence) == ("ab cd", pytest.approx(0.9))


def test_letters_of_one_colour_alone_are_ink() -> None:
    # Pure green differs from white in two channels and not in its own.
    picture = crop((10, 30), (40, 60), (130, 150))
    picture[10:30, 100:120] = (0, 255, 0)
    read = moved(decoded("ab cd", [2, 5, 10, 11, 14]), picture)
    assert read.characters[3].start * 200 == pytest.approx(100 - 0.15 * 40)


def test_the_widest_gap_counts_and_light_ink_on_dark_too() -> None:
    # Between the marks of b and c lie a gap of 4 px within b and one of 26 behind it.
    picture = 255 - crop((10, 30), (40, 56), (60, 74), (100, 150))
    assert moved(decoded("ab c", [2, 5, 8, 12]), picture).characters[1].stop * 200 == pytest.approx(74 + 0.15 * 26)


@pytest.mark.parametrize(
    ("name", "text", "picture"),
    [
        ("one word", decoded("abc", [2, 5, 8]), crop((10, 30))),
        ("nothing", decoded("", []), crop()),
        ("spaces alone", decoded("  ", [2, 5]), crop()),
        ("no gap", decoded("a b", [2, 5, 8]), crop((0, 200))),
        ("no ink", decoded("a b", [2, 5, 8]), crop(level=220)),
        ("marks at one place", decoded("a b", [2, 2, 2]), crop((10, 30), (60, 90))),
        ("marks beyond the crop", decoded("a b", [30, 31, 32]), crop((10, 30))),
        ("one row", decoded("a b", [2, 5, 8]), crop((10, 30), (60, 90), height=1)),
    ],
)
def test_without_a_gap_to_be_seen_places_stay(name: str, text: Decoded, picture: np.ndarray) -> None:
    (placed,) = place_texts([text], [STEP_PX / picture.shape[1]])
    found = moved(text, picture)
    assert [(c.start, c.stop) for c in found.characters] == [(c.start, c.stop) for c in placed.characters], name


def test_a_character_keeps_a_width_where_the_gap_is_before_it() -> None:
    # The mark of "a" is far off: its gap lies left of where its own place begins.
    read = moved(decoded("xa b", [1, 9, 10, 16]), crop((5, 30), (96, 98), (150, 190)))
    assert all(one.start < one.stop for one in read.characters)
