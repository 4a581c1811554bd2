"""Samples check themselves when made; splits depend on names alone."""

from __future__ import annotations

import numpy as np
import pytest

from ocrsmith.errors import LabelError
from ocrsmith.geometry import box_quad
from ocrsmith.samples import Character, LineSample, PageSample, TextInstance, characters_of
from ocrsmith.splits import SPLITS, select_split, split_of

IMAGE = np.zeros((4, 6, 3), np.uint8)


def spelt(text: str) -> tuple[Character, ...]:
    return tuple(Character(c, box_quad(10 * i, 0, 10 * i + 8, 10)) for i, c in enumerate(text))


def test_words_are_cut_at_spaces_with_their_characters() -> None:
    line = TextInstance(box_quad(0, 0, 58, 10), "ab  c", spelt("ab  c"), confidence=0.5)
    words = line.words()
    assert [word.text for word in words] == ["ab", "c"]
    np.testing.assert_allclose(words[0].polygon, box_quad(0, 0, 18, 10), atol=1e-4)
    np.testing.assert_allclose(words[1].polygon, box_quad(40, 0, 48, 10), atol=1e-4)
    assert words[1].confidence == 0.5
    assert TextInstance(box_quad(0, 0, 9, 9), "  ").words() == []
    assert len(TextInstance(box_quad(0, 0, 9, 9), "", ignore=True).words()) == 1
    assert len(TextInstance(box_quad(0, 0, 9, 9), "a b").words()) == 1


def test_contradictions_are_refused() -> None:
    with pytest.raises(LabelError, match="spell 'ab'"):
        TextInstance(box_quad(0, 0, 9, 9), "abc", spelt("ab"))
    with pytest.raises(LabelError, match="spell 'ab'"):
        LineSample(IMAGE, "a", spelt("ab"))
    with pytest.raises(LabelError, match="bad polygon"):
        TextInstance(np.zeros((2, 2)), "a")
    with pytest.raises(LabelError, match="confidence 2"):
        TextInstance(box_quad(0, 0, 9, 9), "a", confidence=2)
    with pytest.raises(LabelError, match="empty text"):
        Character("", box_quad(0, 0, 1, 1))


@pytest.mark.parametrize(
    "bad", [np.zeros((4, 6), np.uint8), np.zeros((4, 6, 3)), np.zeros((0, 6, 3), np.uint8), "a.png"]
)
def test_only_rgb_bytes_are_images(bad: object) -> None:
    with pytest.raises(LabelError):
        PageSample(bad, ())  # type: ignore[arg-type]


def test_a_split_is_of_the_name_alone_and_about_its_share() -> None:
    names = [f"font {i}" for i in range(4000)]
    shares = {split: sum(split_of(n) == split for n in names) / len(names) for split in SPLITS}
    assert shares["train"] == pytest.approx(0.8, abs=0.03)
    assert shares["test"] == pytest.approx(0.1, abs=0.02)
    chosen = select_split(names, "test", str)
    assert chosen == [n for n in names if n in set(select_split(names[::-1], "test", str))]


def test_what_is_too_small_to_split_is_kept_whole() -> None:
    only = ["a font"]
    assert all(select_split(only, split, str) == only for split in SPLITS)
    assert select_split([], "train", str) == []
    with pytest.raises(ValueError, match="sum below 1"):
        split_of("a", validation_share=0.6, test_share=0.4)


def test_characters_made_all_at_once_are_those_made_one_by_one() -> None:
    quads = np.stack([box_quad(0, 0, 4, 4), box_quad(5, 0, 9, 4)])
    made = characters_of(["a", "fi"], quads)
    assert [c.text for c in made] == ["a", "fi"]
    np.testing.assert_array_equal(made[1].quad, Character("fi", quads[1]).quad)
    assert characters_of([], np.zeros((0, 4, 2))) == ()
    for texts, bad in ((["a"], quads), (["a", ""], quads), (["a", "b"], np.full((2, 4, 2), np.nan))):
        with pytest.raises(LabelError, match="characters came with quads"):
            characters_of(texts, bad)
