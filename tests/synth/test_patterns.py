"""Patterns: what is drawn matches Python's own reading of the same expression."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrsmith.alphabet import PRINTABLE_ASCII, Alphabet
from ocrsmith.errors import RecipeError, SynthesisError
from ocrsmith.synth.corpus import PatternText
from ocrsmith.synth.patterns import parse_pattern

ASCII = Alphabet(PRINTABLE_ASCII)


@pytest.mark.parametrize(
    "pattern",
    [
        "[A-Z]{3}-[0-9]{4}",
        r"\d+\.\d{2}",
        "(kW|kVA|Hz)",
        "(?:ab|c)*d",
        "a?b+c*",
        "[^A-Za-z0-9]x",
        r"\[\w{2,5}\]",
        "[]a]{3}",
        "[a-]{4}",
        "x{0,3}y",
        r"[\d.]{5}",
        r"A\sB",
        "(a|(b|c){2}){1,3}",
        ".{6}",
    ],
)
def test_texts_match_their_pattern(pattern: str) -> None:
    rng = np.random.default_rng(1)
    generator = PatternText(pattern, ASCII)
    texts = [generator.sample(rng) for _ in range(200)]
    assert all(re.fullmatch(pattern, text) for text in texts)
    assert all(0 < len(text) <= 24 for text in texts)


atoms = st.sampled_from(["a", "7", r"\d", r"\w", "[A-F]", "[^0-9]", r"\.", "-"])
repeats = st.sampled_from(["", "?", "*", "+", "{2}", "{1,3}", "{2,}"])
patterns = st.recursive(
    st.tuples(atoms, repeats).map("".join),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.tuples(st.lists(inner, min_size=1, max_size=3), repeats).map(lambda t: f"({'|'.join(t[0])}){t[1]}"),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(patterns, st.integers(0, 2**32), st.integers(1, 30))
def test_any_pattern_is_obeyed_and_bounded(pattern: str, seed: int, max_length: int) -> None:
    node = parse_pattern(pattern, ASCII)
    budget = max(max_length, node.least)
    text = node.sample(np.random.default_rng(seed), budget)
    assert re.fullmatch(pattern, text)
    assert len(text) <= budget


@pytest.mark.parametrize(
    "pattern, position",
    [
        ("[A-", 1),
        ("ab)", 3),
        ("(ab", 1),
        ("*a", 1),
        ("a{2", 2),
        ("a{3,2}", 2),
        ("a**", 3),
        ("[z-a]", 2),
        (r"a\q", 2),
        ("a\\", 2),
        ("(?=a)", 1),
        ("a{99999}", 2),
        ("é", 1),
    ],
)
def test_errors_point_at_the_place(pattern: str, position: int) -> None:
    with pytest.raises(RecipeError, match=rf"at position {position}:"):
        parse_pattern(pattern, ASCII)


def test_nesting_is_bounded() -> None:
    with pytest.raises(RecipeError, match="nested deeper"):
        parse_pattern("(" * 400 + "a" + ")" * 400, ASCII)


def test_classes_are_cut_to_the_alphabet() -> None:
    rng = np.random.default_rng(0)
    generator = PatternText("[A-Z]{5}", Alphabet("ACE1"))
    assert set("".join(generator.sample(rng) for _ in range(50))) == set("ACE")
    with pytest.raises(RecipeError, match="empty in the alphabet"):
        PatternText("[a-z]", Alphabet("ABC"))


def test_a_pattern_longer_than_allowed_is_refused() -> None:
    with pytest.raises(RecipeError, match="at least 30 characters"):
        PatternText("a{30}", ASCII, max_length=24)
    with pytest.raises(RecipeError, match="empty"):
        PatternText("", ASCII)


def test_open_repeats_stop_at_the_length() -> None:
    rng = np.random.default_rng(0)
    lengths = {len(PatternText("ab*", ASCII, max_length=4).sample(rng)) for _ in range(200)}
    assert lengths == {1, 2, 3, 4}


def test_only_spaces_is_an_error() -> None:
    with pytest.raises(SynthesisError, match="only empty texts"):
        PatternText(r"\s", ASCII).sample(np.random.default_rng(0))
