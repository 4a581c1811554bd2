from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from ocrsmith.geometry import box_quad
from ocrsmith.reading.alignment import parts_of_quads, place_texts, words_on_page, words_on_quads
from ocrsmith.reading.calibration import Calibration, Platt
from ocrsmith.reading.characters import CropCharacters, Later
from ocrsmith.reading.crops import turn_quad
from ocrsmith.reading.ctc import Decoded
from ocrsmith.reading.page import Recognized, RecognizedCharacter


def decoded(text: str, steps: list[int]) -> Decoded:
    return Decoded(
        text,
        0.9,
        tuple(text),
        np.full(len(text), 0.9, np.float32),
        np.array([[step, step + 1] for step in steps], np.int64).reshape(-1, 2),
    )


def place_characters(text: Decoded, step_share: float, first_step: float = 0.0) -> Recognized:
    """Of one crop."""
    return place_texts([text], [step_share], first_step)[0]


def test_characters_are_cut_half_way_between_their_marks() -> None:
    placed = place_characters(decoded("abc", [1, 3, 7]), 0.1)
    assert [(c.start, c.stop) for c in placed.characters] == [
        pytest.approx(pair) for pair in ((0.0, 0.25), (0.25, 0.55), (0.55, 1.0))
    ]


def test_a_word_stops_before_the_gap() -> None:
    placed = place_characters(decoded("ab cd", [0, 1, 4, 7, 8]), 0.1)
    ab, cd = words_on_page(placed, box_quad(0, 0, 100, 10))
    assert (ab.text, cd.text) == ("ab", "cd")
    # Marks lie at 0.15 and 0.75, half a pitch is 0.05.
    assert ab.polygon[1, 0] == pytest.approx(20)
    assert cd.polygon[0, 0] == pytest.approx(70)


def test_words_of_a_grown_crop_keep_to_the_quad() -> None:
    # A quad of 80 x 20 grown by half its height: the crop shows 100 px, of which the quad begins at the tenth.
    quad = box_quad(10, 10, 90, 30)
    placed = place_characters(decoded("ab", [0, 7]), 0.1)
    (word,) = words_on_page(placed, quad, margin=0.5)
    assert word.polygon.min(axis=0).tolist() == pytest.approx([10, 10])
    assert word.polygon.max(axis=0).tolist() == pytest.approx([90, 30])
    # Marks at 0.05 and 0.75 meet at 0.4 of the crop: 40 px from its left edge, which lies at 0.
    assert word.characters[0].quad[1, 0] == pytest.approx(40)


def test_steps_that_a_network_drops_are_counted() -> None:
    plain = place_characters(decoded("ab", [1, 3]), 0.1)
    shifted = place_characters(decoded("ab", [0, 2]), 0.1, first_step=1)
    assert [c.stop for c in plain.characters] == [c.stop for c in shifted.characters]


def test_odd_texts() -> None:
    assert place_characters(decoded("", []), 0.1).characters == ()
    alone = place_characters(decoded("a", [5]), 0.1).characters[0]
    assert (alone.start, alone.stop) == (0.0, 1.0)
    assert words_on_page(place_characters(decoded("  ", [1, 3]), 0.1), box_quad(0, 0, 9, 9)) == []


def test_parts_follow_a_turned_quad() -> None:
    down = turn_quad(box_quad(0, 0, 10, 100), 1)
    (part,) = parts_of_quads([down], np.array([[0.0, 0.25]]))
    assert part[:, 1].max() == pytest.approx(25)


def test_all_words_of_a_page_are_calibrated_as_each_alone() -> None:
    read = place_characters(decoded("ab c", [0, 1, 4, 7]), 0.1)
    words = words_on_page(read, box_quad(0, 0, 100, 20))
    calibration = Calibration(Platt(0.5, 0.2), Platt(2.0, -0.1))
    together = calibration.of_words(words)
    assert [word.text for word in together] == ["ab", "c"]
    for word, sure in zip(words, together):
        assert sure.confidence == calibration.of_words([word])[0].confidence == float(calibration.word(word.confidence))
        given = [character.confidence for character in word.characters]
        assert [character.confidence for character in sure.characters] == calibration.character(given).tolist()
        assert sure.polygon is word.polygon
    assert calibration.of_words([]) == []


@pytest.mark.parametrize("margin", [0.0, 0.1])
def test_words_of_many_crops_are_those_of_each_alone(margin: float) -> None:
    quads = [box_quad(0, 0, 100, 20), turn_quad(box_quad(5, 5, 25, 95), 1), box_quad(3, 3, 3, 3), box_quad(0, 0, 9, 9)]
    read = [
        place_characters(decoded(text, steps), 0.1)
        for text, steps in (("ab c", [0, 1, 4, 7]), ("de", [2, 5]), ("f g", [1, 4, 8]), ("", []))
    ]
    together = words_on_quads(read, quads, margin)
    assert [[word.text for word in words] for words in together] == [["ab", "c"], ["de"], ["f", "g"], []]
    for text, quad, words in zip(read, quads, together):
        for word, alone in zip(words, words_on_page(text, quad, margin), strict=True):
            assert word.polygon.tolist() == alone.polygon.tolist() and word.confidence == alone.confidence
            assert [c.quad.tolist() for c in word.characters] == [c.quad.tolist() for c in alone.characters]
            assert len(word.characters) == len(word.text)
    assert words_on_quads([], []) == []


def test_characters_are_made_once_and_travel_as_tuples() -> None:
    (word,) = words_on_page(place_characters(decoded("ab", [0, 7]), 0.1), box_quad(0, 0, 100, 20))
    assert word.characters[0] is word.characters[0] and word.characters[::-1] == tuple(reversed(word.characters))
    assert word.characters == tuple(word.characters) and hash(word.characters) == hash(tuple(word.characters))
    for other in (pickle.loads(pickle.dumps(word)), copy.deepcopy(word)):
        assert isinstance(other.characters, tuple) and repr(other.characters) == repr(word.characters)
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return len(made)

    later = Later(make)
    assert (later(), later()) == (1, 1)


def test_columns_of_a_crop_are_its_characters() -> None:
    given = (RecognizedCharacter("a", 0.9, 0.0, 0.5), RecognizedCharacter("b", 0.8, 0.5, 1.0))
    columns = CropCharacters.of(given)
    assert columns.texts == ["a", "b"] and columns.stops == [0.5, 1.0] and len(columns) == 2
    assert CropCharacters.of(columns) is columns
    assert [(c.text, c.confidence, c.start, c.stop) for c in columns] == [("a", 0.9, 0.0, 0.5), ("b", 0.8, 0.5, 1.0)]


def test_many_texts_are_placed_as_each_alone() -> None:
    texts = [decoded("ab cd", [0, 1, 4, 7, 8]), decoded("", []), decoded("a b", [1, 4, 9]), decoded("a", [5])]
    texts += [decoded(" ", [2]), decoded("abc  d", [1, 2, 9, 11, 12, 30])]
    shares = [0.1, 0.2, 0.09, 0.1, 0.3, 0.05]
    for first_step in (0.0, 1.5):
        for placed, text, share in zip(place_texts(texts, shares, first_step), texts, shares, strict=True):
            alone = place_characters(text, share, first_step)
            assert (placed.text, placed.confidence) == (alone.text, alone.confidence)
            assert [(c.text, c.confidence, c.start, c.stop) for c in placed.characters] == [
                (c.text, c.confidence, c.start, c.stop) for c in alone.characters
            ]
    assert place_texts([], []) == []
