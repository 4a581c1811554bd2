from __future__ import annotations

import numpy as np
import pytest

from ocrsmith.reading import spaces
from ocrsmith.reading.ctc import Decoded
from ocrsmith.reading.ink import ink_mask
from ocrsmith.reading.spaces import SpaceRule, close_digits, correct_texts, join_plate

# Letters as blocks 20 px wide and 30 high; a step is 8 px.
STEP_PX = 8.0


def drawn(starts: list[int], width: int, ground: int = 230, ink: int = 20) -> np.ndarray:
    crop = np.full((48, width, 3), ground, np.uint8)
    for start in starts:
        crop[9:39, start : start + 20] = ink
    return crop


def marked(text: str, starts: list[int]) -> Decoded:
    steps = [int((start + 10) / STEP_PX) for start in starts]
    return Decoded(
        text,
        0.8,
        tuple(text),
        np.linspace(0.9, 0.7, len(text), dtype=np.float32),
        np.array([[step, step + 1] for step in steps], np.int64).reshape(-1, 2),
    )


def insert_spaces(
    decoded: Decoded,
    crop: np.ndarray,
    step_px: float,
    rule: SpaceRule,
    hint: np.ndarray | None = None,
    first_step: float = 0.0,
) -> Decoded:
    """Of one text."""
    hints = None if hint is None else [hint]
    return spaces.insert_spaces([decoded], [crop], [step_px], rule, hints, first_step)[0]


WORDS = [4, 28, 52, 100, 124, 148]


@pytest.mark.parametrize(("ground", "ink"), [(230, 20), (20, 230)])
def test_a_wide_gap_is_a_space_dark_on_light_and_light_on_dark(ground: int, ink: int) -> None:
    text = insert_spaces(marked("abcdef", WORDS), drawn(WORDS, 180, ground, ink), STEP_PX, SpaceRule())
    assert text.text == "abc def"
    assert text.characters == ("a", "b", "c", " ", "d", "e", "f")
    # The gap runs from 72 to 100 px: steps 9 to 12.5.
    assert text.character_steps[3].tolist() == [9, 13]
    assert text.confidence == pytest.approx(0.8)
    assert len(text.character_confidences) == 7


def test_a_space_that_was_read_is_not_doubled() -> None:
    starts = [4, 28, 52, 76, 100, 124, 148]
    crop = drawn([4, 28, 52, 100, 124, 148], 180)
    before = marked("abc def", starts)
    assert insert_spaces(before, crop, STEP_PX, SpaceRule()) is before


def test_letters_set_wide_apart_are_one_word() -> None:
    starts = [4, 44, 84, 124]
    assert insert_spaces(marked("EXIT", starts), drawn(starts, 160), STEP_PX, SpaceRule()).text == "EXIT"


def test_an_underline_hides_no_gap() -> None:
    crop = drawn(WORDS, 180)
    crop[41:43] = 20
    assert insert_spaces(marked("abcdef", WORDS), crop, STEP_PX, SpaceRule()).text == "abc def"


def test_marks_that_stand_too_near_need_the_networks_hint() -> None:
    # The gap between c and d is there, but d is marked early, as networks do behind a colon.
    read = marked("abcdef", [4, 28, 52, 78, 124, 148])
    crop = drawn(WORDS, 180)
    hint = np.zeros(23, np.float32)
    assert insert_spaces(read, crop, STEP_PX, SpaceRule(over_pitch=1.9), hint).text == "abcdef"
    hint[9] = 0.2
    assert insert_spaces(read, crop, STEP_PX, SpaceRule(over_pitch=1.9), hint).text == "abc def"


def test_dropped_steps_shift_the_marks() -> None:
    crop = drawn(WORDS, 180)
    early = marked("abcdef", [start - 8 for start in WORDS])
    assert insert_spaces(early, crop, STEP_PX, SpaceRule(), first_step=1.0).text == "abc def"


@pytest.mark.parametrize("text", ["", "a"])
def test_short_texts_stay(text: str) -> None:
    before = marked(text, [4][: len(text)])
    assert insert_spaces(before, drawn([4], 40), STEP_PX, SpaceRule()) is before


@pytest.mark.parametrize("crop", [np.zeros((48, 90, 3), np.uint8), np.full((1, 1, 3), 9, np.uint8)])
def test_crops_without_ink_stay(crop: np.ndarray) -> None:
    before = marked("ab", [4, 60])
    assert insert_spaces(before, crop, STEP_PX, SpaceRule()) is before


def test_a_rules_numbers_are_checked_and_travel() -> None:
    with pytest.raises(ValueError, match="above 0"):
        SpaceRule(least=0)
    assert SpaceRule(**SpaceRule(least=0.4).to_dict()).least == 0.4


def plate(text: str, pitch: int = 16, gap: int = 24) -> tuple[Decoded, np.ndarray]:
    """Characters 12 px wide and 40 high in a crop of 48 px, `pitch` px apart, more at a space; steps of 2 px."""
    crop, x = np.full((48, 8 + pitch * len(text) + 8 * gap, 3), 230, np.uint8), 6
    steps = []
    for character in text:
        steps.append([(x + 5) // 2, (x + 5) // 2 + 1])
        if character != " ":
            crop[4:44, x : x + 12] = 20
        x += pitch if character != " " else gap - pitch
    confidences = np.full(len(text), 0.9, np.float32)
    return Decoded(text, 0.8, tuple(text), confidences, np.array(steps, np.int64)), crop


def test_a_plate_is_one_word() -> None:
    """Characters 16 px apart and 40 high: .4 of their height."""
    read, crop = plate("TVG 399")
    joined = join_plate(read, crop, 2.0, SpaceRule())
    assert joined.text == "TVG399"
    assert joined.characters == tuple("TVG399")
    assert joined.character_steps.tolist() == [*read.character_steps[:3].tolist(), *read.character_steps[4:].tolist()]
    assert len(joined.character_confidences) == 6
    assert joined.confidence == 0.8
    assert join_plate(read, crop, 2.0, SpaceRule(condensed=0.35)) is read


def test_a_gap_in_a_plate_is_not_put_back() -> None:
    with_space, crop = plate("918 5914", gap=32)
    kept = np.arange(8) != 3
    glued = Decoded(
        "9185914",
        0.8,
        tuple("9185914"),
        with_space.character_confidences[kept],
        with_space.character_steps[kept],
    )
    assert insert_spaces(glued, crop, 2.0, SpaceRule()).text == "918 5914"
    assert correct_texts([glued], [crop], [2.0], SpaceRule())[0].text == "9185914"


@pytest.mark.parametrize("text", ["Jun 30", "JUN 3O 1", "AB C", "ABC DEF", "4 50", "A 12345", "12345 67890", "K-1 230"])
def test_other_narrow_texts_stay_as_they_are(text: str) -> None:
    read, crop = plate(text)
    assert join_plate(read, crop, 2.0, SpaceRule()) is read


def test_wide_letters_and_wide_gaps_stay_apart() -> None:
    read, crop = plate("JUN 30", pitch=24)
    assert join_plate(read, crop, 2.0, SpaceRule()) is read
    read, crop = plate("TVG 399", gap=52)
    assert join_plate(read, crop, 2.0, SpaceRule()) is read


def test_a_plate_without_ink_stays_as_it_is() -> None:
    read, crop = plate("TVG 399")
    assert join_plate(read, np.full_like(crop, 128), 2.0, SpaceRule()) is read


def numbered(text: str, middles: list[int]) -> Decoded:
    """Each character at its step."""
    steps = np.array([[middle, middle + 1] for middle in middles], np.int64)
    return Decoded(text, 0.8, tuple(text), np.full(len(text), 0.9, np.float32), steps)


def test_digits_set_wide_apart_are_one_number() -> None:
    """Digits at steps 0, 10, 20 and 30: the space does not stand in a wider gap than the point."""
    closed = close_digits(numbered("46.2 9", [0, 10, 15, 20, 25, 30]), SpaceRule())
    assert closed.text == "46.29"
    assert closed.character_steps[:, 0].tolist() == [0, 10, 15, 20, 30]
    assert closed.confidence == 0.8


def test_numbers_farther_apart_stay_two() -> None:
    read = numbered("46 29", [0, 10, 18, 26, 36])
    assert close_digits(read, SpaceRule()) is read
    assert close_digits(read, SpaceRule(over_digits=1.6)).text == "4629"


@pytest.mark.parametrize("text", ["1 2 3", "4a 67", "12-34", "4", ""])
def test_without_digits_to_compare_with_or_beside_letters_nothing_is_closed(text: str) -> None:
    read = numbered(text, [10 * place for place in range(len(text))]) if text else marked("", [])
    assert close_digits(read, SpaceRule()) is read


def test_the_picture_is_looked_at_only_where_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[np.ndarray] = []

    def looked(crop: np.ndarray) -> np.ndarray:
        looks.append(crop)
        return ink_mask(crop)

    monkeypatch.setattr("ocrsmith.reading.spaces.ink_mask", looked)
    even = [4 + 24 * place for place in range(6)]
    insert_spaces(marked("abcdef", even), drawn(even, 160), STEP_PX, SpaceRule())
    # Wide apart, but there is a space already.
    insert_spaces(marked("abc def", [4, 28, 52, 76, 100, 124, 148]), drawn(even, 180), STEP_PX, SpaceRule())
    assert not looks
    hint = np.zeros(23, np.float32)
    hint[5] = 0.2
    insert_spaces(marked("abcdef", even), drawn(even, 160), STEP_PX, SpaceRule(), hint)
    insert_spaces(marked("abcdef", WORDS), drawn(WORDS, 180), STEP_PX, SpaceRule())
    assert len(looks) == 2


def test_texts_have_room_at_once_where_they_have_it_one_by_one() -> None:
    rng = np.random.default_rng(3)
    texts, hints = [], []
    for length in [0, 1, 2, 5, 9, 30] * 8:
        edges = np.sort(rng.choice(np.arange(4 * length + 1), 2 * length, replace=False)).reshape(-1, 2)
        characters = tuple(rng.choice(list("ab1 "), length))
        confidences = np.full(length, 0.9, np.float32)
        texts.append(Decoded("".join(characters), 0.9, characters, confidences, edges.astype(np.int64)))
        hints.append((rng.random(4 * length + 1) ** 12).astype(np.float32))
    rule = SpaceRule()
    found = spaces.rooms(texts, rule, hints)
    assert found == [spaces.rooms([text], rule, [row])[0] for text, row in zip(texts, hints)]
    assert 5 < sum(map(bool, found)) < len(found) - 5
    assert spaces.rooms(texts, rule) == [spaces.rooms([text], rule)[0] for text in texts]
    assert spaces.rooms([], rule) == []


def test_room_is_where_characters_stand_apart_or_the_network_hints() -> None:
    steps = np.array([[0, 1], [2, 3], [4, 5], [9, 10], [11, 12]], np.int64)
    text = Decoded("abcde", 0.9, tuple("abcde"), np.full(5, 0.9, np.float32), steps)
    hints = np.zeros(13, np.float32)
    hints[[1, 10]] = 0.5
    assert spaces.rooms([text], SpaceRule(), [hints]) == [{1: (False, True), 3: (True, False), 4: (False, True)}]
    assert spaces.rooms([text], SpaceRule()) == [{3: (True, False)}]
