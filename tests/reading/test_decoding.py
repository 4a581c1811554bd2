"""Constrained decoding against all paths and all texts, counted out."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrsmith.alphabet import PRINTABLE_ASCII, Alphabet
from ocrsmith.errors import AlphabetError, ConstraintError
from ocrsmith.reading.automata import Automaton, best_path, text_automaton
from ocrsmith.reading.beam import prefix_beam_search
from ocrsmith.reading.constraints import MAX_POSITIONS, free_automaton, pattern_automaton, words_automaton
from ocrsmith.reading.ctc import softmax
from ocrsmith.reading.decoding import Constraints, Decoder

AB = Alphabet("ab")
AB_SPACE = Alphabet("ab ")
ASCII = Alphabet(PRINTABLE_ASCII)

atoms = st.sampled_from(["a", "b", "[ab]", ".", "(a|bb)", "(?:ab)", "(|b)"])
repeats = st.sampled_from(["", "", "?", "*", "+", "{2}", "{1,3}", "{2,}", "{0,1}"])
patterns = st.recursive(
    st.tuples(atoms, repeats).map("".join),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.tuples(st.lists(inner, min_size=1, max_size=3), repeats).map(lambda t: f"({'|'.join(t[0])}){t[1]}"),
    ),
    max_leaves=5,
)


def probabilities_of(seed: int, steps: int, classes: int = 3) -> np.ndarray:
    return softmax(2 * np.random.default_rng(seed).normal(size=(steps, classes)).astype(np.float32))


def one_hot(path: str, alphabet: Alphabet, sure: float = 0.9) -> np.ndarray:
    """Probabilities of a path such as "a-ab", "-" the blank: `sure` on the path, the rest shared."""
    ids = [0 if c == "-" else int(alphabet.encode(c)[0]) for c in path]
    rows = np.full((len(ids), alphabet.num_classes), (1 - sure) / (alphabet.num_classes - 1), np.float32)
    rows[np.arange(len(ids)), ids] = sure
    return rows


def every_path(probabilities: np.ndarray) -> list[tuple[float, str]]:
    """(log probability, text) of each of the K^T paths."""
    found = []
    for path in itertools.product(range(probabilities.shape[1]), repeat=len(probabilities)):
        ids = [id_ for id_, _ in itertools.groupby(path) if id_]
        score = float(np.log(probabilities[np.arange(len(path)), path].astype(np.float64)).sum())
        found.append((score, "".join("ab "[id_ - 1] for id_ in ids)))
    return found


@settings(max_examples=150, deadline=None)
@given(patterns)
def test_a_patterns_automaton_is_pythons_expression(pattern: str) -> None:
    automaton = pattern_automaton(pattern, AB)
    expression = re.compile(pattern)
    for length in range(6):
        for text in map("".join, itertools.product("ab", repeat=length)):
            assert automaton.accepts(AB.encode(text)) == bool(expression.fullmatch(text)), (pattern, text)


@settings(max_examples=150, deadline=None)
@given(patterns, st.integers(0, 10_000), st.integers(0, 5))
def test_the_best_path_is_the_best_of_all_that_match(pattern: str, seed: int, steps: int) -> None:
    probabilities = probabilities_of(seed, steps)
    allowed = [found for found in every_path(probabilities) if re.fullmatch(pattern, found[1])]
    path = best_path(probabilities, pattern_automaton(pattern, AB))
    if not allowed:
        assert path is None
        return
    assert path is not None
    score = float(np.log(probabilities[np.arange(steps), path].astype(np.float64)).sum())
    assert score == pytest.approx(max(allowed)[0])
    assert re.fullmatch(pattern, AB.decode(id_ for id_, _ in itertools.groupby(path) if id_))


@settings(max_examples=100, deadline=None)
@given(patterns, st.integers(0, 10_000), st.integers(1, 5))
def test_a_wide_beam_sums_every_alignment(pattern: str, seed: int, steps: int) -> None:
    probabilities = probabilities_of(seed, steps)
    sums: dict[str, float] = {}
    for score, text in every_path(probabilities):
        if re.fullmatch(pattern, text):
            sums[text] = float(np.logaddexp(sums.get(text, -np.inf), score))
    found = prefix_beam_search(probabilities, pattern_automaton(pattern, AB), width=1000)
    assert {AB.decode(ids): score for ids, score in found} == pytest.approx(sums)
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)


def test_a_beam_beats_the_best_path_where_alignments_add_up() -> None:
    # Graves' example: the blank is likeliest at both steps (0.36), but "a" has three paths (0.64).
    probabilities = np.array([[0.6, 0.4, 0.0], [0.6, 0.4, 0.0]], np.float32)
    found = prefix_beam_search(probabilities, free_automaton(AB), width=8)
    assert AB.decode(found[0][0]) == "a"
    assert np.exp(found[0][1]) == pytest.approx(0.64)


def test_a_beam_finds_what_greedy_decoding_misses() -> None:
    # "b" is likelier than "a" alone (0.4 to 0.35), but over the next step "a" collects more alignments.
    probabilities = np.array([[[0.25, 0.35, 0.4], [0.45, 0.55, 0.0]]], np.float32)
    assert Decoder(AB).decode_batch(probabilities)[0].text == "ba"
    decoded = Decoder(AB, Constraints(beam=5)).decode_batch(probabilities)[0]
    assert decoded.text == "a"
    assert decoded.character_steps.tolist() == [[0, 2]]
    # At the first step "b" was likelier: the path agrees with the network by .35 / .4.
    assert decoded.confidence == pytest.approx(0.55)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("ab", min_size=1, max_size=5), min_size=1, max_size=8), st.text("ab ", max_size=8))
def test_a_word_list_accepts_its_words_with_single_spaces_between(words: list[str], text: str) -> None:
    forms = set(words) & {word for word in words if set(word) <= set("ab")}
    expected = bool(text) and all(word in forms for word in text.split(" "))
    assert words_automaton(words, AB_SPACE).accepts(AB_SPACE.encode(text)) == expected


def test_words_in_small_letters_stand_for_capitals_too() -> None:
    automaton = words_automaton(["exit", "iPhone"], ASCII)
    accepted = ["exit", "Exit", "EXIT", "iPhone", "EXIT iPhone"]
    assert all(automaton.accepts(ASCII.encode(text)) for text in accepted)
    assert not any(automaton.accepts(ASCII.encode(text)) for text in ["eXIT", "iphone", "IPHONE", "exit.", ""])


def test_equal_endings_are_shared() -> None:
    endings = [first + "ing" for first in "abcdefgh"]
    # The root, one state after any first letter, and one for each letter of the ending.
    assert len(words_automaton([word.upper() for word in endings], ASCII).final) == 5


def test_preferred_words_win_by_their_bias_and_leave_other_texts() -> None:
    # "ab" is e^1 times less likely than "bb".
    high, low = np.e / (1 + np.e) * 0.9, 1 / (1 + np.e) * 0.9
    probabilities = np.array([[[0.1, low, high], [0.98, 0.01, 0.01], [0.05, 0.05, 0.9]]], np.float32)
    for bias, text in ((0.5, "bb"), (1.5, "ab")):
        assert Decoder(AB, Constraints(words=["ab"], word_bias=bias)).decode_batch(probabilities)[0].text == text
        beam = Constraints(words=["ab"], word_bias=bias, beam=4)
        assert Decoder(AB, beam).decode_batch(probabilities)[0].text == text


def test_preferred_words_may_stand_in_punctuation() -> None:
    automaton = words_automaton(["hello"], ASCII, bias=2.0)

    def worth(text: str) -> float:
        states = {0: 0.0}
        for id_ in ASCII.encode(text):
            states = automaton.step(states, int(id_))
        return automaton.ends(states)

    assert [worth(text) for text in ("hello", '"Hello,', "hello hello!", "other (hello)", "hallo", "")] == [
        2.0,
        2.0,
        4.0,
        2.0,
        0.0,
        0.0,
    ]
    assert automaton.accepts(ASCII.encode("(Hello)")) and not automaton.accepts(ASCII.encode("Hallo"))


def test_a_pattern_corrects_and_a_forced_character_is_unsure() -> None:
    alphabet = Alphabet("0O1")
    probabilities = np.array([[[0.02, 0.02, 0.02, 0.94], [0.97, 0.01, 0.01, 0.01], [0.1, 0.2, 0.6, 0.1]]], np.float32)
    plain = Decoder(alphabet).decode_batch(probabilities)[0]
    digits = Decoder(alphabet, Constraints(pattern="[01]+")).decode_batch(probabilities)[0]
    assert (plain.text, digits.text) == ("1O", "10")
    np.testing.assert_allclose(digits.character_confidences, [0.94, 0.2], atol=1e-6)
    # Given that it is a digit, it is surer.
    given_digits = Decoder(alphabet, Constraints(characters="01")).decode_batch(probabilities)[0]
    assert given_digits.text == "10"
    np.testing.assert_allclose(given_digits.character_confidences, [0.94 / 0.98, 0.2 / 0.4], atol=1e-6)


def test_what_is_passed_over_makes_its_neighbours_unsure() -> None:
    decoder = Decoder(ASCII, Constraints(words=["BERN"]))
    forced = decoder.decode_batch(one_hot("B-E-R-L-I-N", ASCII)[None])[0]
    assert forced.text == "BERN"
    assert forced.character_confidences[:2] == pytest.approx([0.9, 0.9])
    assert (forced.character_confidences[2:] < 0.01).all()


def test_a_space_is_left_out_for_nothing() -> None:
    decoder = Decoder(ASCII, Constraints(pattern=r"[0-9]+(\.[0-9]+)?"))
    decoded = decoder.decode_batch(one_hot("4- -6-.-2", ASCII)[None])[0]
    assert decoded.text == "46.2"
    assert decoded.confidence == pytest.approx(0.9)
    assert decoded.character_steps.tolist() == [[0, 1], [4, 5], [6, 7], [8, 9]]


def test_what_does_not_fit_is_empty() -> None:
    rows = np.stack([one_hot("a-b", AB), one_hot("a-b", AB), one_hot("---", AB)])
    texts = Decoder(AB, Constraints(pattern="[ab]{3}")).decode_batch(rows, [3, 2, 3])
    assert [len(text.text) for text in texts] == [3, 0, 0]
    assert texts[1].confidence == 0
    # Two equal characters need a blank between, and beams that the pattern does not let end fall back on the best path.
    for beam in (None, 1):
        decoder = Decoder(AB, Constraints(pattern="aa", beam=beam))
        assert [d.text for d in decoder.decode_batch(rows, [3, 2, 3])] == ["aa", "", ""]
    assert Decoder(AB, Constraints(pattern="a")).decode_batch(np.zeros((1, 0, 3), np.float32))[0].text == ""


def test_spaces_are_added_only_where_the_text_is_free() -> None:
    free = [None, Constraints(beam=5), Constraints(words=["a"], word_bias=1.0), Constraints(characters="a ")]
    assert all(Decoder(AB_SPACE, constraints).adds_spaces for constraints in free)
    bound = [Constraints(pattern="a"), Constraints(words=["a"]), Constraints(characters="ab")]
    assert not any(Decoder(AB_SPACE, constraints).adds_spaces for constraints in bound)
    assert not Decoder(AB).adds_spaces


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        (Constraints(pattern="[ab"), r"never closed at position 1"),
        (Constraints(pattern="x"), r"which the alphabet lacks"),
        (Constraints(pattern=f"(a{{1000}}){{{MAX_POSITIONS // 500}}}"), "longer than 5000 characters"),
        (Constraints(words=["", " "]), "came empty"),
        (Constraints(words=["ab", "xyz"]), r"1 of 2 words cannot be written: 'xyz' holds 'x'"),
        (Constraints(words=["a"], word_bias=-1.0), "at least 0"),
        (Constraints(word_bias=1.0), "without words"),
        (Constraints(words=["a"], pattern="a"), "came together"),
        (Constraints(beam=0), "beam of 0"),
    ],
)
def test_what_cannot_be_used_is_told(constraints: Constraints, message: str) -> None:
    with pytest.raises(ConstraintError, match=message):
        Decoder(AB, constraints)


def test_characters_outside_the_alphabet_are_told() -> None:
    with pytest.raises(AlphabetError, match="lacks"):
        Decoder(AB, Constraints(characters="a9"))


def test_characters_cut_patterns_and_beams_too() -> None:
    probabilities = one_hot("a-b", AB)[None]
    assert Decoder(AB, Constraints(characters="b", pattern=".*")).decode_batch(probabilities)[0].text == "b"
    assert Decoder(AB, Constraints(characters="b", beam=5)).decode_batch(probabilities)[0].text == "b"


def test_empty_groups_however_often() -> None:
    assert pattern_automaton("((){1000}){1000}a", AB).accepts([1])


def test_a_cluster_of_several_code_points_is_one_character() -> None:
    alphabet = Alphabet(["a", "q̈"])
    automaton = pattern_automaton(".{2}", alphabet)
    assert automaton.accepts([2, 1]) and not automaton.accepts([2])


def test_a_forced_alignment_takes_every_character() -> None:
    path = best_path(probabilities_of(3, 6), text_automaton([1, 1, 2]))
    assert path is not None
    assert [id_ for id_, _ in itertools.groupby(path) if id_] == [1, 1, 2]
    assert best_path(probabilities_of(3, 3), text_automaton([1, 1, 2])) is None


def test_an_automaton_without_arcs_accepts_the_empty_text() -> None:
    nothing = Automaton.from_arcs([], 1, {0: 0.0})
    assert best_path(probabilities_of(0, 2), nothing) is not None
    assert best_path(probabilities_of(0, 2), Automaton.from_arcs([], 1, {})) is None
