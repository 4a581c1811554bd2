"""Text metrics on pairs that a person can count."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrsmith.evaluation.counts import wilson_interval
from ocrsmith.evaluation.text import DIGITS, LETTERS_AND_DIGITS, PLATES, TextCounts

PAIRS = st.lists(st.tuples(st.text("aAb1. -é", max_size=8), st.text("aAb1. -é", max_size=8)), max_size=8)


def test_kitten_sitting() -> None:
    counts = TextCounts.from_pairs([("kitten", "sitting")])
    assert (counts.num_edits, counts.num_characters) == (3, 6)
    assert counts.character_error_rate == 0.5
    assert counts.confusions == {("k", "s"): 1, ("e", "i"): 1, ("", "g"): 1}


@pytest.mark.parametrize(
    ("truth", "prediction", "exact", "caseless"),
    [
        pytest.param("Don't", "dont", 0, 1, id="case and punctuation are left out of the caseless measure"),
        pytest.param("cafe", " cafe ", 1, 1, id="outer spaces are left out of both"),
        pytest.param("", "", 1, 1, id="two empty texts agree"),
        pytest.param("7", "1", 0, 0, id="one character"),
        pytest.param("12.5", "125", 0, 1, id="a lost point"),
    ],
)
def test_accuracies(truth: str, prediction: str, exact: float, caseless: float) -> None:
    counts = TextCounts.from_pairs([(truth, prediction)])
    assert (counts.exact_accuracy, counts.caseless_accuracy) == (exact, caseless)


def test_rules() -> None:
    assert TextCounts.from_pairs([("kWh 12.5", "125")], DIGITS).accuracy == 1.0
    assert PLATES.equal("CH0P8Y", "chop8y") and not LETTERS_AND_DIGITS.equal("CH0P8Y", "chop8y")
    assert LETTERS_AND_DIGITS.words("a -- b's") == ["a", "bs"]


def test_long_texts_weigh_more() -> None:
    counts = TextCounts.from_pairs([("abcdefghi", "abcdefghi"), ("x", "y")])
    assert counts.character_error_rate == 0.1


def test_nothing_measured_is_never_good() -> None:
    counts = TextCounts()
    assert (counts.accuracy, counts.exact_accuracy, counts.caseless_accuracy) == (0.0, 0.0, 0.0)
    assert counts.character_error_rate == 1.0
    assert TextCounts.from_pairs([("", "ab")]).character_error_rate == 2.0


def test_worst_confusions_are_ranked() -> None:
    counts = TextCounts.from_pairs([("8", "3"), ("8", "3"), ("1.5", "15")])
    assert counts.worst_confusions() == [("8", "3", 2), (".", "", 1)]
    assert counts.worst_confusions(1) == [("8", "3", 2)]


def test_other_protocols_do_not_add() -> None:
    with pytest.raises(ValueError, match="same protocol"):
        TextCounts() + TextCounts(rule=DIGITS)


@settings(deadline=None)
@given(PAIRS, PAIRS)
def test_parts_add_to_the_whole(first: list[tuple[str, str]], second: list[tuple[str, str]]) -> None:
    parts = [TextCounts.from_pairs(first), TextCounts.from_pairs(second)]
    assert sum(parts, start=TextCounts()) == TextCounts.from_pairs(first + second)


def test_wilson_interval() -> None:
    low, high = wilson_interval(50, 100)
    assert low == pytest.approx(0.4038, abs=1e-4) and high == pytest.approx(0.5962, abs=1e-4)
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert wilson_interval(3, 3)[1] == 1.0
