"""Line samples into batches: what fits, what is refused, and in which order."""

from __future__ import annotations

import numpy as np
import pytest

from ocrsmith.alphabet import Alphabet
from ocrsmith.data.batches import (
    EMPTY,
    NO_PLACE,
    OUTSIDE_ALPHABET,
    TOO_LONG,
    EncodedLine,
    LineBatches,
    collate_lines,
    ctc_steps_needed,
    encode_line,
)
from ocrsmith.errors import TextDoesNotFitError
from ocrsmith.geometry import box_quad
from ocrsmith.preprocess import RecognizerInput
from ocrsmith.samples import Character, LineSample

ABC = Alphabet("abc")
CONTRACT = RecognizerInput(height=8, min_width=8, max_width=64, width_multiple=8, step_px=4)


def line(text: str, width: int = 32) -> LineSample:
    return LineSample(np.full((8, width, 3), 200, np.uint8), text)


@pytest.mark.parametrize(
    ("text", "steps"), [("", 0), ("a", 1), ("abc", 3), ("aa", 3), ("aab", 4), ("aaaa", 7), ("abab", 4)]
)
def test_steps_that_ctc_needs(text: str, steps: int) -> None:
    assert ctc_steps_needed(ABC.encode(text)) == steps


@pytest.mark.parametrize(
    ("text", "width", "cause"),
    [
        ("abcabcab", 32, None),  # 8 of 8 steps
        ("abcabcabc", 32, TOO_LONG),  # 9 of 8
        ("aaaa", 28, None),  # 7 of 7
        ("aaaa", 24, TOO_LONG),  # 7 of 6
        ("abd", 32, OUTSIDE_ALPHABET),
        ("", 32, EMPTY),
        ("  ", 32, EMPTY),
    ],
)
def test_what_is_refused(text: str, width: int, cause: str | None) -> None:
    found = encode_line(line(text, width), ABC, CONTRACT)
    assert (found if isinstance(found, str) else None) == cause


def test_texts_are_normalised_as_the_alphabet_says() -> None:
    found = encode_line(line("ABC"), Alphabet("abc", case="lower"), CONTRACT)
    assert isinstance(found, EncodedLine)
    assert found.text == "abc"
    assert found.ids.tolist() == [1, 2, 3]


def test_batches_hold_similar_widths_and_every_line_once() -> None:
    widths = [8, 64, 16, 56, 24, 48, 32, 40]
    batches = LineBatches(ABC, CONTRACT)([line("ab", width) for width in widths], 0, 4)
    widest = sorted(int(batch.input_lengths.max()) * CONTRACT.step_px for batch in batches)
    assert widest == [16, 32, 48, 64]
    assert sorted(steps for batch in batches for steps in batch.input_lengths.tolist()) == [
        w // 4 for w in sorted(widths)
    ]


def test_the_order_is_the_pools_own() -> None:
    samples = [line("ab", width) for width in range(8, 64, 4)]
    make = LineBatches(ABC, CONTRACT, seed=3)

    def order(pool: int) -> list[int]:
        return [batch.stack.shape[2] for batch in make(samples, pool, 5)]

    assert order(1) == order(1)
    assert len({tuple(order(pool)) for pool in range(8)}) > 1


def test_refusals_are_counted_once_and_their_places_taken() -> None:
    samples = [line("ab"), line("abd"), line("abcabcabc"), line("c"), line("b")]
    batches = LineBatches(ABC, CONTRACT)(samples, 0, 2)
    assert sorted(len(batch) for batch in batches) == [2, 3]
    assert [batch.refused for batch in batches] == [{OUTSIDE_ALPHABET: 1, TOO_LONG: 1}, {}]


def test_a_pool_without_usable_lines_says_why() -> None:
    with pytest.raises(TextDoesNotFitError, match=r"Of 3 lines only 1 .*2 with text outside the alphabet"):
        LineBatches(ABC, CONTRACT)([line("x"), line("y"), line("a")], 0, 2)


def test_places_of_characters_are_carried_to_their_steps() -> None:
    """A 40 px crop resized to 80: characters at x 5 and 25 come to 10 and 50, which are steps 2 and 12 of 4 px."""
    contract = RecognizerInput(height=32, min_width=16, width_multiple=16, step_px=4)
    alphabet = Alphabet("ab")
    characters = (Character("a", box_quad(0, 0, 10, 16)), Character("b", box_quad(20, 0, 30, 16)))
    known = encode_line(LineSample(np.zeros((16, 40, 3), np.uint8), "ab", characters), alphabet, contract)
    unknown = encode_line(LineSample(np.zeros((16, 40, 3), np.uint8), "ab"), alphabet, contract)
    assert not isinstance(known, str)
    assert not isinstance(unknown, str)
    batch = collate_lines([known, unknown], contract)
    assert batch.places.shape == (2, batch.stack.shape[2] // 4)
    assert batch.places[0].nonzero()[0].tolist() == [2, 12]
    assert batch.places[0][[2, 12]].tolist() == [1, 2]
    assert (batch.places[1] == NO_PLACE).all()


@pytest.mark.parametrize(("width", "padded"), [(16, 64), (64, 64), (65, 80), (150, 192), (193, 240), (500, 608)])
def test_batches_come_in_few_widths(width: int, padded: int) -> None:
    contract = RecognizerInput(height=32, min_width=16, width_multiple=16, step_px=4)
    line = EncodedLine(np.zeros((32, width, 3), np.uint8), np.array([1]), "a")
    assert collate_lines([line], contract).stack.shape[2] == padded
