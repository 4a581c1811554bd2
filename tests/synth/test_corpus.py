"""Text generators: covered, bounded, tidy, balanced, split."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrsmith.alphabet import PRINTABLE_ASCII, Alphabet
from ocrsmith.errors import InputError, RecipeError, SynthesisError
from ocrsmith.splits import split_of
from ocrsmith.synth.corpus import (
    BalancedText,
    DictionaryText,
    FileText,
    MixtureText,
    NumberText,
    RandomText,
    TextGenerator,
    WeightedText,
    text_generator,
)
from ocrsmith.synth.dictionary_text import read_words

ASCII = Alphabet(PRINTABLE_ASCII)
DIGITS = Alphabet("0123456789.-")
WORDS = ["the", "and", "Paris", "don't", "coffee", "zebra", "over", "naïve", "water", "king", "x-ray", "Office"]


def texts_of(generator: TextGenerator, count: int = 400, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [generator.sample(rng) for _ in range(count)]


def assert_usable(texts: list[str], alphabet: Alphabet, max_length: int) -> None:
    for text in texts:
        assert 0 < len(text) <= max_length
        assert alphabet.covers(text)
        assert text == " ".join(text.split())


@pytest.mark.parametrize("alphabet", [ASCII, DIGITS, Alphabet("ab "), Alphabet("abc", case="lower"), Alphabet("x")])
def test_random_text_is_usable(alphabet: Alphabet) -> None:
    assert_usable(texts_of(RandomText(alphabet, 1, 9)), alphabet, 9)


def test_random_text_draws_every_character_as_often() -> None:
    counts = Counter("".join(texts_of(RandomText(DIGITS, 8, 8), 1500)))
    assert set(counts) == set(DIGITS.characters)
    assert max(counts.values()) / min(counts.values()) < 1.35


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from(PRINTABLE_ASCII), min_size=1), st.integers(1, 12), st.integers(0, 12))
def test_random_text_over_any_alphabet(characters: set[str], least: int, more: int) -> None:
    if characters == {" "}:
        return
    alphabet = Alphabet("".join(sorted(characters)))
    assert_usable(texts_of(RandomText(alphabet, least, least + more), 20), alphabet, least + more)


@pytest.mark.parametrize("alphabet", [ASCII, DIGITS, Alphabet("01"), Alphabet("7"), Alphabet("0123456789€,% :")])
def test_numbers_are_usable(alphabet: Alphabet) -> None:
    assert_usable(texts_of(NumberText(alphabet)), alphabet, 24)


def test_numbers_come_in_all_kinds() -> None:
    texts = texts_of(NumberText(ASCII), 2000)
    assert any(t.startswith("0") and t.isdigit() and len(t) > 1 for t in texts)
    for sign in ".,-:%$/":
        assert any(sign in t for t in texts), sign


def test_kinds_that_cannot_be_written_are_left_out() -> None:
    assert NumberText(DIGITS).kinds == ("integer", "decimal", "leading_zeros", "minus", "thousands", "date")
    with pytest.raises(RecipeError, match="without digits"):
        NumberText(Alphabet("abc"))
    with pytest.raises(RecipeError, match="unknown"):
        NumberText(DIGITS, {"romans": 1})


def test_number_lengths_are_obeyed() -> None:
    assert {len(t) for t in texts_of(NumberText(DIGITS, {"integer": 1}, min_length=3, max_length=5))} == {3, 4, 5}


@pytest.mark.parametrize(
    "alphabet", [ASCII, Alphabet("abcdefghijklmnopqrstuvwxyz"), Alphabet("ABCDEFGHIJKLMNOPQRSTUVWXYZ ")]
)
def test_words_are_usable(alphabet: Alphabet) -> None:
    assert_usable(texts_of(DictionaryText(WORDS, None, alphabet)), alphabet, 24)


def test_words_come_alone_together_and_in_cases() -> None:
    texts = texts_of(DictionaryText(WORDS, None, ASCII), 1500)
    assert any(" " in t for t in texts) and any(" " not in t for t in texts)
    assert any(t.isupper() for t in texts) and any(t.islower() for t in texts) and any(t.istitle() for t in texts)
    assert any(t.endswith((".", "!", "?")) for t in texts)
    assert not any("naïve" in t.lower() for t in texts)


def test_words_are_split_by_their_own_hash() -> None:
    many = [f"word{n}" for n in range(300)]
    parts = {split: set(DictionaryText(many, None, ASCII, split).words) for split in ("train", "validation", "test")}
    assert set.union(*parts.values()) == set(many)
    assert sum(len(part) for part in parts.values()) == len(many)
    assert all(split_of(word) == "test" for word in parts["test"])


def test_frequent_words_come_more_often_but_rare_ones_come() -> None:
    often, rarely = [word for word in WORDS if split_of(word.casefold()) == "train"][:2]
    generator = DictionaryText([often, rarely], [10_000, 1], ASCII, several=0, sentence=0, keep_case=True)
    counts = Counter(texts_of(generator, 1000))
    assert counts[often] > 5 * counts[rarely] > 0


def test_no_words_left_is_an_error() -> None:
    with pytest.raises(SynthesisError, match="none of 1 to 24"):
        DictionaryText(WORDS, None, DIGITS)
    with pytest.raises(RecipeError, match="One a word"):
        DictionaryText(WORDS, [1.0], ASCII)


def test_minimum_length_is_obeyed() -> None:
    generator = DictionaryText(WORDS, None, ASCII, min_length=10, max_length=20)
    assert all(10 <= len(text) <= 20 for text in texts_of(generator))


def test_a_file_is_read_and_what_does_not_fit_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("\ufeff12.5\n  7   8 \n12.5\nabc\n\n" + "9" * 40 + "\n", encoding="utf-8")
    generator = FileText(path, Alphabet("0123456789. "))
    assert set(generator.texts) <= {"12.5", "7 8"}
    assert generator.skipped == {"not covered": 1, "too long": 1}


def test_bad_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        FileText(tmp_path / "absent.txt", ASCII)
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(InputError, match="not UTF-8"):
        FileText(tmp_path / "latin.txt", ASCII)
    (tmp_path / "empty.txt").write_text("\n\n")
    with pytest.raises(SynthesisError, match="no line that can be used"):
        FileText(tmp_path / "empty.txt", ASCII)


def test_word_lists_are_read_packed_or_plain(tmp_path: Path) -> None:
    content = "the\t100\ncafé\t2.5\nalone\n".encode()
    (tmp_path / "w.tsv").write_bytes(content)
    (tmp_path / "w.tsv.gz").write_bytes(gzip.compress(content))
    expected = (("the", "café", "alone"), (100.0, 2.5, 1.0))
    assert read_words(tmp_path / "w.tsv") == expected
    assert read_words(tmp_path / "w.tsv.gz") == expected
    (tmp_path / "bad.tsv").write_text("the\tmany\n")
    (tmp_path / "cut.tsv.gz").write_bytes(gzip.compress(content)[:-12])
    for name in ("bad.tsv", "cut.tsv.gz", "absent.tsv"):
        with pytest.raises(InputError, match=name):
            read_words(tmp_path / name)


def test_mixtures_put_words_of_another_part_into_a_text() -> None:
    latin, greek = WeightedText(["one two"]), WeightedText(["\u03b1 \u03b2"])
    drawn = Counter(texts_of(MixtureText([(latin, 1), (greek, 1)], mixed=0.5), 4000))
    apart = drawn["one two"] + drawn["\u03b1 \u03b2"]
    assert abs(apart / 4000 - 0.5) < 0.04
    # A word beside two words has three places; in the place of one it leaves the other. A half of the draws each, but
    # that at the end there is no word to take, which is one time in three.
    assert set(drawn) >= {"\u03b1 one two", "one \u03b1 two", "one two \u03b1", "\u03b1 two", "one \u03b1"}
    assert abs(sum(count for text, count in drawn.items() if len(text.split()) == 3) / (4000 - apart) - 2 / 3) < 0.05
    # Never longer than any text may be, and a single word stays.
    long = MixtureText([(WeightedText(["a" * 60]), 1), (WeightedText(["b"]), 1e-9)], mixed=1.0)
    assert set(texts_of(long, 50)) == {"a" * 60}
    assert set(texts_of(MixtureText([(WeightedText(["a"]), 1), (WeightedText(["b"]), 1)], mixed=1.0), 50)) == {
        "a b",
        "b a",
    }
    for mixed, parts in ((1.5, 2), (-0.1, 2), (0.5, 1)):
        with pytest.raises(RecipeError, match="mixed = "):
            MixtureText([(latin, 1), (greek, 1)][:parts], mixed=mixed)


def test_a_recipe_says_how_often_alphabets_mix() -> None:
    parts = [{"kind": "texts", "texts": ["a"]}, {"kind": "texts", "texts": ["\u03b1"]}]
    made = text_generator({"kind": "mixture", "parts": parts, "mixed": 1.0}, Alphabet("a\u03b1 "))
    assert set(texts_of(made, 50)) == {"a \u03b1", "\u03b1 a"}
    with pytest.raises(RecipeError, match="no space"):
        text_generator({"kind": "mixture", "parts": parts, "mixed": 1.0}, Alphabet("a\u03b1"))
    with pytest.raises(RecipeError, match="did you mean 'mixed'"):
        text_generator({"kind": "mixture", "parts": parts, "mixd": 1.0}, Alphabet("a\u03b1 "))


def test_mixtures_follow_their_weights() -> None:
    mixture = MixtureText([(WeightedText(["a"]), 3), (WeightedText(["b"]), 1)])
    assert abs(texts_of(mixture, 4000).count("a") / 4000 - 0.75) < 0.03


def test_balance_draws_the_rare_more_often() -> None:
    plain = WeightedText(["aaa", "aab", "zz"], [100, 100, 3])
    assert texts_of(BalancedText(plain, share=1.0), 2000).count("zz") > 2 * texts_of(plain, 2000).count("zz")
    assert texts_of(BalancedText(plain), 50) == texts_of(BalancedText(plain), 50)


def test_recipes_build_generators(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("12\n34\n")
    (tmp_path / "words.tsv").write_text("12\t3\n")
    table = {
        "kind": "mixture",
        "balance": 0.2,
        "parts": [
            {"kind": "numbers", "weight": 2},
            {"kind": "pattern", "pattern": "[0-9]{3}"},
            {"kind": "file", "path": "lines.txt"},
            {"kind": "words", "words": "words.tsv"},
            {"kind": "random", "max_length": 4},
            {"kind": "texts", "texts": ["1-1"]},
        ],
    }
    assert_usable(texts_of(text_generator(table, DIGITS, folder=tmp_path)), DIGITS, 24)


def test_all_mistakes_of_a_recipe_are_told_together() -> None:
    table = {
        "kind": "mixture",
        "parts": [
            {"kind": "numbrs"},
            {"kind": "random", "max_lenght": 3},
            {"kind": "pattern"},
            {"kind": "random", "weight": -1},
        ],
    }
    with pytest.raises(RecipeError) as caught:
        text_generator(table, DIGITS)
    for part in ("did you mean 'numbers'", "did you mean 'max_length'", "lacks 'pattern'", "parts[3].weight is -1"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    "table", [{}, {"kind": "mixture"}, {"kind": "random", "max_length": "x"}, {"kind": "texts", "texts": ["a"]}, 5]
)
def test_bad_tables_are_recipe_errors(table: object) -> None:
    with pytest.raises(RecipeError):
        text_generator(table, DIGITS)  # type: ignore[arg-type]


def test_random_text_of_some_of_the_alphabet() -> None:
    alphabet = Alphabet("abc \u03b1\u03b2")
    generator = text_generator({"kind": "random", "characters": "\u03b1\u03b2", "max_length": 6}, alphabet)
    assert set("".join(texts_of(generator, 60))) == set("\u03b1\u03b2 ")
    with pytest.raises(RecipeError, match="no characters but spaces"):
        text_generator({"kind": "random", "characters": "xyz"}, alphabet)
