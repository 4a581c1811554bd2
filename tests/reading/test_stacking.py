from __future__ import annotations

import numpy as np
import pytest

from ocrsmith.geometry import bounds, box_quad
from ocrsmith.reading.page import Recognized, RecognizedCharacter
from ocrsmith.reading.stacking import columns, letter_rows, stack, words_in_stack
from ocrsmith.reading.units import Unit, UnitReader


def column(*letters: tuple[int, int], width: int = 40, height: int = 220) -> np.ndarray:
    """Black bars as letters, (top, bottom) each, on white."""
    image = np.full((height, width, 3), 255, np.uint8)
    for top, bottom in letters:
        image[top:bottom, 8 : width - 8] = 0
    return image


LETTERS = ((10, 40), (50, 80), (90, 120), (130, 160))


def test_letters_are_found_from_the_top() -> None:
    assert letter_rows(column(*LETTERS)).tolist() == [list(each) for each in LETTERS]


def test_a_dot_belongs_to_its_letter() -> None:
    image = column((10, 40), (50, 54), (57, 85))
    assert letter_rows(image).tolist() == [[10, 40], [50, 85]]


def test_letters_stand_side_by_side() -> None:
    made = stack(column(*LETTERS))
    assert made is not None
    assert made.crop.shape[1] > 3 * made.crop.shape[0]
    ink = (made.crop < 100).all(axis=2).any(axis=0)
    assert np.flatnonzero(np.diff(ink.astype(int)) == 1).size == 4
    assert made.stops.tolist() == pytest.approx(np.linspace(0, 1, 5)[1:].tolist(), abs=0.06)


@pytest.mark.parametrize(
    "image",
    [column(), column((10, 40)), column((10, 210)), column(*[(t, t + 6) for t in range(4, 200, 14)])],
    ids=["empty", "one letter", "one stroke", "too low"],
)
def test_what_is_no_stack(image: np.ndarray) -> None:
    assert stack(image) is None


def test_words_lie_in_their_cells() -> None:
    made = stack(column((10, 40), (50, 80), (150, 180)))
    assert made is not None
    starts = [0.0, *made.stops[:-1]]
    read = tuple(RecognizedCharacter(c, 0.8, float(a), float(b)) for c, a, b in zip("abc", starts, made.stops))
    first, second = words_in_stack(Recognized("abc", 0.8, read), made, box_quad(100, 0, 140, 220))
    assert (first.text, second.text) == ("ab", "c")
    assert bounds(first.polygon) == pytest.approx((100, 10, 140, 80), abs=0.01)
    assert bounds(second.characters[0].quad) == pytest.approx((100, 150, 140, 180), abs=0.01)
    assert words_in_stack(Recognized("", 0.0, ()), made, box_quad(0, 0, 1, 9)) == []


def test_letters_that_were_found_one_by_one_make_a_column() -> None:
    letters = [box_quad(100, 40 * i, 130 + 4 * (i % 2), 40 * i + 38) for i in range(5)]
    assert columns(letters[::-1]) == [[4, 3, 2, 1, 0]]
    # A pair of letters is one box, and a word far away belongs to nothing.
    assert columns([letters[0], box_quad(100, 40, 132, 118), letters[3], box_quad(400, 0, 600, 40)]) == [[0, 1, 2]]


def test_a_tables_digits_and_loose_letters_make_none() -> None:
    digits = [box_quad(100, 40 * i, 130, 40 * i + 38) for i in range(5)]
    names = [box_quad(150, 40 * i, 300, 40 * i + 38) for i in range(5)]
    assert columns(digits + names) == []
    apart = [box_quad(100, 70 * i, 130, 70 * i + 38) for i in range(5)]
    assert columns(apart) == []
    assert columns(digits[:1]) == []
    assert columns([]) == []


def joined(text: str) -> int:
    """Units left of four boxes that stand on each other, where what they hold side by side is read as `text`."""
    page = np.full((200, 200, 3), 255, np.uint8)
    quads = [box_quad(80, 10 + 45 * index, 112, 50 + 45 * index) for index in range(4)]
    for index in range(4):
        page[15 + 45 * index : 45 + 45 * index, 88:104] = 0
    read = Recognized(text, 0.95, tuple(RecognizedCharacter(c, 0.95, 0.0, 1.0) for c in text))
    reader = UnitReader(page, lambda crops: [read] * len(crops), 0.0, {})
    return len(reader.join_stacks([Unit(read, quad, lambda _: [], page) for quad in quads]))


def test_boxes_are_joined_where_each_holds_one_letter() -> None:
    assert joined("BARS") == 1
    assert joined("BAR") == 1
    # A column of numbers of two digits.
    assert joined("23211517") == 4
