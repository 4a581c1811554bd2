"""Where a long line is cut, on gaps whose places can be counted."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrsmith.data.line_pieces import Gap, LinePiece, cut_line

PITCH = 10


def gaps_of(text: str, within_words: bool = True) -> list[Gap]:
    """Gaps of a text whose characters are 10 px wide each: in the middle of a space, and between two letters."""
    gaps = []
    for place in range(1, len(text)):
        if text[place] == " ":
            gaps.append(Gap(PITCH * (place + 0.5), place, place + 1))
        elif within_words and text[place - 1] != " ":
            gaps.append(Gap(PITCH * place, place, place))
    return gaps


def cut(text: str, widest: int, shared: int, within_words: bool = True) -> list[str] | None:
    pieces = cut_line(gaps_of(text, within_words), PITCH * len(text), len(text), PITCH * widest, PITCH * shared)
    return None if pieces is None else [text[piece.start : piece.stop] for piece in pieces]


@pytest.mark.parametrize(
    ("text", "widest", "shared", "pieces"),
    [
        # As wide as may be, and one character more.
        ("ab cd ef", 8, 2, ["ab cd ef"]),
        ("ab cd ef", 7, 2, ["ab cd", "cd ef"]),
        # One word is shared.
        ("aaa bbb ccc ddd eee", 12, 3, ["aaa bbb ccc", "ccc ddd eee"]),
        # Two words must be shared to share four characters.
        ("aa bb cc dd ee ff", 12, 4, ["aa bb cc dd", "cc dd ee ff"]),
        # To share five, two words would fill more than half: the first of them is cut.
        ("aaa bbb ccc ddd eee", 12, 5, ["aaa bbb ccc", "b ccc ddd", "c ddd eee"]),
        # No spaces: between characters.
        ("abcdefghij", 6, 2, ["abcdef", "efghij"]),
        # A word that is longer than a piece is cut within, and those beside it at spaces.
        ("ab cdefghijkl mn", 8, 2, ["ab cdefg", "fghijkl", "kl mn"]),
        ("a", 8, 2, ["a"]),
    ],
)
def test_pieces_a_person_can_count(text: str, widest: int, shared: int, pieces: list[str]) -> None:
    assert cut(text, widest, shared) == pieces


def test_places_of_the_pieces() -> None:
    assert cut_line(gaps_of("ab cd ef"), 80, 8, 70, 20) == [LinePiece(0, 55, 0, 5), LinePiece(25, 80, 3, 8)]


def test_words_that_are_not_to_be_cut() -> None:
    assert cut("abcdefghij", 6, 2, within_words=False) is None
    assert cut("ab cdefghijkl mn", 8, 2, within_words=False) is None
    # Two words of five: nothing can be shared.
    assert cut("abcde fghij", 7, 2, within_words=False) == ["abcde", "fghij"]


def test_gaps_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="from left to right"):
        cut_line([Gap(20, 2, 2), Gap(10, 3, 3)], 50, 5, 30, 10)
    with pytest.raises(ValueError, match="from left to right"):
        cut_line([Gap(20, 0, 1)], 50, 5, 30, 10)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.integers(1, 14), min_size=1, max_size=25),
    st.integers(4, 30),
    st.integers(1, 12),
    st.booleans(),
)
def test_every_character_is_whole_in_a_piece(words: list[int], widest: int, shared: int, within_words: bool) -> None:
    text = " ".join("x" * length for length in words)
    gaps = gaps_of(text, within_words)
    pieces = cut_line(gaps, PITCH * len(text), len(text), PITCH * widest, PITCH * shared)
    if pieces is None:
        assert not within_words and max(words) + 1 > widest
        return
    seen = {place for piece in pieces for place in range(piece.start, piece.stop)}
    assert seen >= {place for place, character in enumerate(text) if character != " "}
    edges = {0, PITCH * len(text), *(gap.middle_px for gap in gaps)}
    for piece in pieces:
        assert piece.right_px - piece.left_px <= PITCH * widest
        assert {piece.left_px, piece.right_px} <= edges
        # Its characters, and no others, lie between its ends.
        assert piece.left_px <= PITCH * piece.start and PITCH * piece.stop <= piece.right_px
    for one, other in pairwise(pieces):
        assert one.left_px < other.left_px <= one.right_px < other.right_px
        if within_words and shared + 2 <= widest // 2:
            assert one.right_px - other.left_px >= PITCH * shared
