from __future__ import annotations

import numpy as np
import pytest

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import AlphabetError
from ocrsmith.reading.ctc import (
    allowed_classes,
    collapse,
    decode,
    decode_batch,
    restrict,
)

AB = Alphabet("ab")


def one_hot(path: str, alphabet: Alphabet = AB, sure: float = 0.9) -> np.ndarray:
    """Probabilities of a path such as "a-ab", "-" the blank: `sure` on the path, the rest shared."""
    ids = [0 if c == "-" else int(alphabet.encode(c)[0]) for c in path]
    rows = np.full((len(ids), alphabet.num_classes), (1 - sure) / (alphabet.num_classes - 1), np.float32)
    rows[np.arange(len(ids)), ids] = sure
    return rows


@pytest.mark.parametrize(
    ("path", "text", "steps"),
    [
        ("a-b", "ab", [[0, 1], [2, 3]]),
        ("aab", "ab", [[0, 2], [2, 3]]),
        ("a-a", "aa", [[0, 1], [2, 3]]),
        ("---", "", []),
        ("-bb", "b", [[1, 3]]),
        ("a", "a", [[0, 1]]),
    ],
)
def test_greedy(path: str, text: str, steps: list[list[int]]) -> None:
    decoded = decode(np.log(one_hot(path)), AB)
    assert decoded.text == text
    assert decoded.character_steps.tolist() == steps
    assert decoded.confidence == pytest.approx(0.9 if text else 0.0)


def test_a_characters_confidence_is_the_best_of_its_run() -> None:
    probabilities = np.array([[0.4, 0.6, 0.0], [0.2, 0.8, 0.0], [0.5, 0.0, 0.5 + 1e-6]], np.float32)
    decoded = decode_batch(probabilities[None], None, AB)[0]
    np.testing.assert_allclose(decoded.character_confidences, [0.8, 0.5], atol=1e-5)
    assert decoded.confidence == pytest.approx(0.65, abs=1e-5)


def test_lengths_cut_padding_off() -> None:
    batch = np.stack([one_hot("abab"), one_hot("abab")])
    assert [d.text for d in decode_batch(batch, [4, 2], AB)] == ["abab", "ab"]
    assert [d.text for d in decode_batch(batch, [0, 1], AB)] == ["", "a"]


def test_no_steps_is_an_empty_text() -> None:
    assert decode_batch(np.zeros((2, 0, 3), np.float32), None, AB)[1].text == ""


def test_restricted_classes_share_what_is_left() -> None:
    probabilities = np.array([[[0.1, 0.6, 0.3]]], np.float32)
    assert decode_batch(probabilities, None, AB)[0].text == "a"
    allowed = decode_batch(restrict(probabilities, allowed_classes(AB, "b")), None, AB)[0]
    assert allowed.text == "b"
    assert allowed.confidence == pytest.approx(0.75)
    with pytest.raises(AlphabetError, match="to be written include \\['z'\\]"):
        allowed_classes(AB, "z")


def test_classes_that_do_not_fit_the_alphabet_are_an_error() -> None:
    with pytest.raises(AlphabetError, match="4 classes"):
        decode_batch(np.zeros((1, 2, 4), np.float32), None, AB)


def test_a_cluster_of_several_code_points_is_one_character() -> None:
    alphabet = Alphabet(["a", "q̈"])
    decoded = decode(np.log(np.array([[0.1, 0.1, 0.8]], np.float32)), alphabet)
    assert decoded.characters == ("q̈",)
    assert len(decoded.text) == 2


def test_rows_end_to_end_do_not_run_into_each_other() -> None:
    ids = np.array([1, 1, 1, 1, 2, 0])
    best = np.array([0.5, 0.9, 0.7, 0.6, 1.5, 0.2], np.float32)
    one, none, two = collapse(ids, best, AB, [2, 0, 4])
    assert (one.text, none.text, two.text) == ("a", "", "ab")
    assert one.character_steps.tolist() == [[0, 2]]
    assert two.character_steps.tolist() == [[0, 2], [2, 3]]
    assert two.character_confidences.tolist() == pytest.approx([0.7, 1.0])
