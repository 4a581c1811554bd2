from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrsmith.geometry import box_quad
from ocrsmith.reading.order import arrange, skew_degrees


def words(*rows: tuple[int, list[tuple[int, int]]], height: int = 10) -> list[np.ndarray]:
    """Rows of (top, [(left, right), ...])."""
    return [box_quad(left, top, right, top + height) for top, row in rows for left, right in row]


def turned(quads: list[np.ndarray], degrees: float) -> list[np.ndarray]:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], np.float32)
    return [quad @ turn for quad in quads]


def test_nothing() -> None:
    assert arrange([]) == []
    assert skew_degrees([]) == 0.0


def test_one_word() -> None:
    assert arrange(words((0, [(0, 30)]))) == [[0]]


def test_words_of_two_lines_in_any_order() -> None:
    quads = words((20, [(0, 30), (35, 60)]), (0, [(0, 40), (45, 80)]))
    assert arrange(quads) == [[2, 3], [0, 1]]
    assert arrange(quads[::-1]) == [[1, 0], [3, 2]]


def test_a_unit_of_several_words_goes_as_one() -> None:
    # The first unit's words stand farther apart than words of a line do; the second unit follows on its row.
    quads = words((0, [(0, 30), (100, 130), (135, 160)]), (20, [(0, 160)]))
    assert arrange(quads, [2, 1, 1]) == [[0, 1], [2]]
    assert arrange(quads) == [[0], [1, 2], [3]]
    assert arrange(quads, [1, 1, 1, 1]) == arrange(quads)


def test_a_wide_gap_ends_a_line_but_keeps_the_row() -> None:
    # A table: two cells a row, read row by row.
    quads = words((0, [(0, 30), (100, 130)]), (20, [(0, 30), (100, 130)]), (40, [(0, 30), (100, 130)]))
    assert arrange(quads) == [[0], [1], [2], [3], [4], [5]]


def test_two_columns_of_running_text_are_read_one_after_the_other() -> None:
    left = [(20 * row, [(0, 60), (65, 140)]) for row in range(4)]
    right = [(20 * row, [(170, 230), (235, 310)]) for row in range(4)]
    quads = words(*left, *right)
    assert arrange(quads) == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11], [12, 13], [14, 15]]


def test_a_headline_stands_before_its_columns() -> None:
    left = [(30 + 20 * row, [(0, 60), (65, 140)]) for row in range(4)]
    right = [(30 + 20 * row, [(170, 230), (235, 310)]) for row in range(4)]
    quads = words((0, [(0, 150), (160, 310)]), *left, *right, (120, [(0, 150), (160, 310)]))
    flat = [index for line in arrange(quads) for index in line]
    assert flat == list(range(len(quads)))


def test_a_side_bar_with_lines_of_its_own_is_read_by_itself() -> None:
    text = [(24 * row, [(0, 60), (65, 140)]) for row in range(6)]
    bar = [(17 * row + 5, [(170, 200 + 60 * (row % 2))]) for row in range(6)]
    quads = words(*text, *bar)
    assert [index for line in arrange(quads) for index in line] == list(range(len(quads)))


@pytest.mark.parametrize("degrees", [-20, -5, 5, 20])
def test_skew_is_taken_out(degrees: float) -> None:
    quads = turned(words(*((25 * row, [(0, 90), (100, 200), (210, 300)]) for row in range(5))), degrees)
    assert skew_degrees(quads) == pytest.approx(degrees, abs=0.01)
    assert arrange(quads) == [[3 * row, 3 * row + 1, 3 * row + 2] for row in range(5)]


@pytest.mark.parametrize("degrees", [-3, 0, 3])
def test_two_columns_on_a_skewed_page(degrees: float) -> None:
    columns = [(20 * row, [(left, left + 60), (left + 65, left + 140)]) for left in (0, 170) for row in range(6)]
    quads = turned(words(*columns), degrees)
    assert [index for line in arrange(quads) for index in line] == list(range(len(quads)))


@pytest.mark.parametrize("degrees", [-3, 0, 3])
def test_a_tables_rows_stay_together_on_a_skewed_page(degrees: float) -> None:
    # Names, amounts and dates; one cell is empty, one holds two words.
    cells = [[(0, 80), (150, 190), (260, 320)] for _ in range(7)]
    del cells[2][1]
    cells[4][0:1] = [(0, 45), (50, 95)]
    quads = turned(words(*((22 * row, each) for row, each in enumerate(cells))), degrees)
    assert [index for line in arrange(quads) for index in line] == list(range(len(quads)))


@pytest.mark.parametrize("degrees", [-3, 0, 3])
def test_text_above_and_below_a_table(degrees: float) -> None:
    text = [(20 * row, [(0, 150), (155, 320)]) for row in range(3)]
    table = [(80 + 22 * row, [(0, 60), (140, 180), (250, 310)]) for row in range(4)]
    after = [(190 + 20 * row, [(0, 150), (155, 320)]) for row in range(3)]
    quads = turned(words(*text, *table, *after), degrees)
    assert [index for line in arrange(quads) for index in line] == list(range(len(quads)))


def test_a_footnote_mark_of_another_size_stays_apart() -> None:
    quads = [box_quad(0, 0, 100, 40), box_quad(105, 0, 115, 10)]
    assert len(arrange(quads)) == 2


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(1, 120), st.integers(1, 60)), max_size=25)
)
def test_every_word_is_placed_once(boxes: list[tuple[int, int, int, int]]) -> None:
    quads = [box_quad(x, y, x + w, y + h) for x, y, w, h in boxes]
    assert sorted(index for line in arrange(quads) for index in line) == list(range(len(quads)))
