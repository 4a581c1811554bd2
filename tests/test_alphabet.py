"""Alphabets: ids, policies, what is refused, and round trips."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrsmith.alphabet import PRINTABLE_ASCII, Alphabet
from ocrsmith.errors import AlphabetError


def test_ids_start_behind_the_blank() -> None:
    alphabet = Alphabet("abc")
    assert alphabet.encode("cab").tolist() == [3, 1, 2]
    assert alphabet.decode([0, 3, 0, 1, 2, 2]) == "cabb"
    assert alphabet.num_classes == 4
    assert len(PRINTABLE_ASCII) == 95


def test_the_case_policy_folds_before_encoding() -> None:
    assert Alphabet("abc", case="lower").encode("ABC").tolist() == [1, 2, 3]
    assert Alphabet("ABC", case="upper").normalize("aß") == "ASS"
    with pytest.raises(AlphabetError, match="folds 'A'"):
        Alphabet("Aa", case="lower")
    with pytest.raises(AlphabetError, match="'sideways'"):
        Alphabet("a", case="sideways")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("characters", "message"),
    [("", "empty"), ("abca", "repeats 'a'"), ("a\n", "control"), (["a", ""], "empty"), (["e\u0301", "é"], "repeats")],
)
def test_bad_alphabets_say_what_is_wrong(characters: str | list[str], message: str) -> None:
    with pytest.raises(AlphabetError, match=message):
        Alphabet(characters)


def test_unknown_characters_are_named_once_with_their_code_points() -> None:
    with pytest.raises(AlphabetError, match=r"'x' \(U\+0078\), '€' \(U\+20AC\)"):
        Alphabet("abc").encode("axbx€")
    assert Alphabet("abc").missing("axbx€") == ["x", "€"]
    assert Alphabet("abc").covers("") and Alphabet("abc").encode("").shape == (0,)
    with pytest.raises(AlphabetError, match=r"outside 0\.\.3"):
        Alphabet("abc").decode([4])


def test_clusters_win_over_their_letters() -> None:
    alphabet = Alphabet(["a", "ab", "b"])
    assert alphabet.encode("aab").tolist() == [1, 2]
    assert alphabet.decode([1, 2]) == "aab"


def test_extending_keeps_ids_and_shares_rows() -> None:
    old = Alphabet("abc")
    new = old.extend("cdd")
    assert new.characters == ("a", "b", "c", "d")
    own, others = Alphabet("dca").shared_ids(new)
    assert sorted(zip(own.tolist(), others.tolist(), strict=True)) == [(0, 0), (1, 4), (2, 3), (3, 1)]


def test_font_coverage_needs_no_glyph_for_a_space() -> None:
    assert Alphabet("a b").font_coverage({ord("a")}) == ["b"]


@given(st.text(PRINTABLE_ASCII, max_size=40))
def test_every_text_of_the_alphabet_comes_back(text: str) -> None:
    alphabet = Alphabet(PRINTABLE_ASCII)
    assert alphabet.decode(alphabet.encode(text)) == text


@given(st.lists(st.characters(categories=["Lu", "Ll", "Nd", "Po"]), min_size=1, max_size=30))
def test_the_json_form_comes_back_equal(characters: list[str]) -> None:
    unique = list(dict.fromkeys(unicodedata.normalize("NFC", c) for c in characters))
    alphabet = Alphabet(unique)
    again = Alphabet.from_dict(alphabet.to_dict())
    assert again == alphabet and hash(again) == hash(alphabet)
    with pytest.raises(AlphabetError, match="list of characters"):
        Alphabet.from_dict({"letters": "ab"})
