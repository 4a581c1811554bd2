"""Character boxes from words: numbers that a person can work out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrsmith.data.weak_labels import (
    count_confidence,
    cut_into_words,
    join_nearest,
    label_words,
    reading_quad,
    split_evenly,
)
from ocrsmith.geometry import box_quad

SPAN = (0.0, 0.0, 60.0, 20.0)


def boxes(*spans: tuple[float, float]) -> np.ndarray:
    return np.array([[left, 2, right, 18] for left, right in spans], np.float32).reshape(-1, 4)


@pytest.mark.parametrize(
    ("length", "found", "expected"),
    [(6, 6, 1.0), (6, 5, 5 / 6), (6, 7, 5 / 6), (6, 3, 0.5), (6, 0, 0.0), (6, 12, 0.0), (6, 99, 0.0), (1, 1, 1.0)],
)
def test_confidence_is_the_paper_s(length: int, found: int, expected: float) -> None:
    assert count_confidence(length, found) == pytest.approx(expected)


def test_an_empty_word_is_refused() -> None:
    with pytest.raises(ValueError, match="length 0"):
        count_confidence(0, 1)
    with pytest.raises(ValueError, match="no characters"):
        label_words("  ", boxes(), SPAN)


def test_an_even_split_of_a_box() -> None:
    first, second, third = split_evenly(box_quad(0, 0, 30, 10), "abc")
    assert first.text == "a"
    np.testing.assert_allclose(first.quad, box_quad(0, 0, 10, 10))
    np.testing.assert_allclose(second.quad, box_quad(10, 0, 20, 10))
    np.testing.assert_allclose(third.quad, box_quad(20, 0, 30, 10))


def test_a_tall_word_is_split_along_its_height() -> None:
    first, second = split_evenly(box_quad(0, 0, 10, 40), "ab")
    assert first.quad[:, 1].min() == 0
    assert first.quad[:, 1].max() == 20
    assert second.quad[:, 1].max() == 40
    np.testing.assert_allclose(reading_quad(box_quad(0, 0, 10, 40), "l"), box_quad(0, 0, 10, 40))


def test_a_bent_word_is_split_along_both_its_sides() -> None:
    # An angle: 20 px to the right, then 20 px down, 10 px wide; six points.
    bent = np.array([[0, 0], [20, 0], [20, 20], [10, 20], [10, 10], [0, 10]], np.float32)
    quads = [character.quad for character in split_evenly(bent, "abcd")]
    np.testing.assert_allclose(quads[0], [[0, 0], [10, 0], [5, 10], [0, 10]])
    np.testing.assert_allclose(quads[3], [[20, 10], [20, 20], [10, 20], [10, 15]])


def test_as_many_boxes_as_letters_are_taken_one_by_one() -> None:
    (word,) = label_words("abc", boxes((0, 18), (20, 38), (40, 58)), SPAN)
    assert (word.pieces, word.confidence, word.evenly) == (("a", "b", "c"), 1.0, False)
    np.testing.assert_allclose(word.boxes[1], [20, 2, 38, 18])


def test_too_few_boxes_hold_several_letters() -> None:
    (word,) = label_words("abcd", boxes((0, 18), (20, 38), (40, 58)), SPAN)
    assert "".join(word.pieces) == "abcd"
    assert len(word.pieces) == 3
    assert word.confidence == 0.75


def test_the_halves_of_a_letter_are_joined() -> None:
    # w is found as two narrow boxes.
    (word,) = label_words("aw", boxes((0, 18), (20, 27), (29, 36)), SPAN)
    assert word.confidence == 0.5
    assert word.evenly
    (word,) = label_words("aaw", boxes((0, 18), (20, 38), (40, 47), (49, 56)), SPAN)
    assert word.confidence == pytest.approx(2 / 3)
    np.testing.assert_allclose(word.boxes[2], [40, 2, 56, 18])
    np.testing.assert_allclose(join_nearest(boxes((0, 4), (5, 9)), 1), boxes((0, 9)))


def test_half_the_letters_or_fewer_are_split_evenly() -> None:
    (word,) = label_words("abcdef", boxes((0, 18), (20, 38), (40, 58)), SPAN)
    assert word.evenly
    assert word.confidence == 0.5
    np.testing.assert_allclose(word.boxes[:, 0], [0, 10, 20, 30, 40, 50])
    np.testing.assert_allclose(word.boxes[0], [0, 0, 10, 20])


def test_one_character_without_a_box_is_the_whole_label() -> None:
    (word,) = label_words("a", boxes(), SPAN)
    np.testing.assert_allclose(word.boxes, [SPAN])
    assert word.confidence == 0.5


def test_a_line_is_cut_at_its_gap() -> None:
    ab, cde = label_words("ab cde", boxes((0, 9), (10, 19), (28, 37), (38, 47), (48, 57)), SPAN)
    assert (ab.text, ab.confidence, len(ab.boxes)) == ("ab", 1.0, 2)
    assert (cde.text, cde.confidence, len(cde.boxes)) == ("cde", 1.0, 3)


def test_a_missing_letter_moves_no_cut() -> None:
    # The c of "cde" was not found; by count alone the cut would still be open, the gap settles it.
    found = boxes((0, 9), (10, 19), (30, 39), (40, 49))
    assert cut_into_words(found, [2, 3]) == [2]
    assert cut_into_words(found, [3, 2]) == [2]
    ab, cde = label_words("ab cde", found, SPAN)
    assert (ab.confidence, cde.confidence) == (1.0, pytest.approx(2 / 3))


def test_a_line_of_which_nothing_is_found_is_even_with_its_spaces() -> None:
    ab, cde = label_words("ab cde", boxes(), SPAN)
    np.testing.assert_allclose(ab.boxes[:, 0], [0, 10])
    np.testing.assert_allclose(cde.boxes[:, 0], [30, 40, 50])
    assert ab.evenly and cde.evenly


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(0, 30))
@settings(deadline=None)
def test_every_word_of_a_line_gets_boxes(lengths: list[int], num_found: int) -> None:
    found = boxes(*[(10.0 * place, 10.0 * place + 9) for place in range(num_found)])
    words = label_words(" ".join("x" * length for length in lengths), found, (0, 0, 300, 20))
    assert [len(word.text) for word in words] == lengths
    for word in words:
        assert "".join(word.pieces) == word.text
        assert 1 <= len(word.boxes) == len(word.pieces) <= len(word.text)
        assert 0 < word.confidence <= 1
