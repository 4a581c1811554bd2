r"""What may be written: patterns such as `[A-Z]{3}-[0-9]{4}` and word lists, as automata over a recogniser's classes.

The pattern language is that of recipes (`ocrsmith.synth.patterns`), with open repeats that are truly open; its
automaton is Glushkov's (Uspekhi Mat. Nauk 16(5), 1961): a state for each character of the pattern, and no empty moves.
A word list is a tree of its words with equal endings shared.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from ocrsmith.alphabet import Alphabet, show
from ocrsmith.errors import ConstraintError, RecipeError
from ocrsmith.reading.automata import START, Automaton
from ocrsmith.synth.patterns import Alternation, Node, OneCharacter, Repeat, Sequence, parse_pattern

SPACE = " "
# A pattern's characters once its counted repeats are written out.
MAX_POSITIONS = 5000


def pattern_automaton(pattern: str, alphabet: Alphabet) -> Automaton:
    """Accepts the texts that match the whole of a pattern.

    Raises:
        ConstraintError: it does not parse, asks for characters that the alphabet lacks, or is too long.
    """
    try:
        tree = parse_pattern(pattern, alphabet)
    except RecipeError as error:
        raise ConstraintError(str(error)) from None
    return _Glushkov(pattern, alphabet).automaton(tree)


@dataclass(frozen=True)
class _Part:
    """A part of a pattern: whether it may be empty, and the positions that may begin and end it."""

    nullable: bool = True
    first: tuple[int, ...] = ()
    last: tuple[int, ...] = ()


@dataclass
class _Glushkov:
    """Positions are numbered from 1; state 0 comes before them."""

    pattern: str
    alphabet: Alphabet
    labels: dict[int, tuple[int, ...]] = field(default_factory=dict)
    follows: dict[int, set[int]] = field(default_factory=dict)

    def automaton(self, tree: Node) -> Automaton:
        whole = self._part(tree)
        self.follows[START] = set(whole.first)
        arcs = [
            (before, label, after, 0.0)
            for before, afters in self.follows.items()
            for after in afters
            for label in self.labels[after]
        ]
        final = dict.fromkeys(whole.last, 0.0) | ({START: 0.0} if whole.nullable else {})
        return Automaton.from_arcs(arcs, len(self.labels) + 1, final)

    def _part(self, node: Node) -> _Part:
        if isinstance(node, OneCharacter):
            return self._characters(node)
        if isinstance(node, Alternation):
            options = [self._part(option) for option in node.options]
            return _Part(
                any(option.nullable for option in options),
                tuple(position for option in options for position in option.first),
                tuple(position for option in options for position in option.last),
            )
        if isinstance(node, Repeat):
            return self._repeat(node)
        assert isinstance(node, Sequence)
        return self._joined(self._part(part) for part in node.parts)

    def _characters(self, node: OneCharacter) -> _Part:
        """One position for all single classes; an entry that the alphabet writes as several is a row of positions."""
        ids = [tuple(self.alphabet.encode(character).tolist()) for character in node.characters]
        single = tuple(dict.fromkeys(found[0] for found in ids if len(found) == 1))
        options = [self._position(single)] if single else []
        options += [
            self._joined(self._position((label,)) for label in found) for found in dict.fromkeys(ids) if len(found) > 1
        ]
        return _Part(False, sum((o.first for o in options), ()), sum((o.last for o in options), ()))

    def _position(self, labels: tuple[int, ...]) -> _Part:
        position = len(self.labels) + 1
        if position > MAX_POSITIONS:
            raise ConstraintError(
                f"The pattern {self.pattern!r} is longer than {MAX_POSITIONS} characters with its repeats written out. "
                "Use open repeats (+, *), or smaller counts."
            )
        self.labels[position] = labels
        self.follows[position] = set()
        return _Part(False, (position,), (position,))

    def _joined(self, parts: Iterable[_Part]) -> _Part:
        whole = _Part()
        for part in parts:
            for position in whole.last:
                self.follows[position].update(part.first)
            whole = _Part(
                whole.nullable and part.nullable,
                whole.first + (part.first if whole.nullable else ()),
                part.last + (whole.last if part.nullable else ()),
            )
        return whole

    def _repeat(self, node: Repeat) -> _Part:
        """The least count written out, then an open tail or as many that may be left out."""
        once = self._part(node.part)
        if not once.first:
            return once  # an empty group, however often
        copies = [once, *(self._part(node.part) for _ in range((node.lo if node.open else node.hi) - 1))]
        if node.open:
            for position in copies[-1].last:
                self.follows[position].update(copies[-1].first)
        return self._joined(
            _Part(part.nullable or number >= node.lo, part.first, part.last) for number, part in enumerate(copies)
        )


def words_automaton(words: Iterable[str], alphabet: Alphabet, bias: float | None = None) -> Automaton:
    """Accepts words of a list, with single spaces between them where the alphabet has a space.

    A word in small letters also stands for itself with a capital and in capitals. A word that holds spaces is taken as
    it is.

    Args:
        bias: None accepts nothing else. A number prefers: any text may be written, and each word of the list is worth
            so much log probability, so that it wins over readings up to e^bias times as likely; punctuation may stand
            before and behind.

    Raises:
        ConstraintError: no words; a bias below 0; or, without a bias, words that the alphabet cannot write.
    """
    listed = sorted({unicodedata.normalize("NFC", word.strip()) for word in words} - {""})
    if not listed:
        raise ConstraintError("A word list came empty. Give it at least one word.")
    if bias is not None and not bias >= 0:
        raise ConstraintError(f"The words' bias came as {bias}. A number of at least 0 is expected; 3 is a start.")
    forms = dict.fromkeys(form for word in listed for form in _forms(word))
    written = {form: alphabet.encode(form).tolist() for form in forms if alphabet.covers(form)}
    lost = [word for word in listed if word not in written]
    if bias is None and lost:
        raise ConstraintError(
            f"{len(lost)} of {len(listed)} words cannot be written: {lost[0]!r} holds "
            f"{show(alphabet.missing(lost[0]))}, which the alphabet of {len(alphabet)} characters lacks. "
            "Leave them out, or use a bundle that knows them."
        )
    tree = _WordTree(sorted(written.values()))
    return _hard_list(tree, alphabet) if bias is None else _preferred_list(tree, alphabet, bias)


def _forms(word: str) -> tuple[str, ...]:
    return (word, word[:1].upper() + word[1:], word.upper()) if word == word.lower() else (word,)


class _WordTree:
    """A tree of words whose equal endings are one: states from 0, the root, and the arcs between them.

    Built from sorted words, each finished branch being looked up among those that there are (Daciuk et al., Incremental
    Construction of Minimal Acyclic Finite-State Automata, Computational Linguistics 26(1), 2000, algorithm 1).
    """

    def __init__(self, words: Iterable[list[int]]) -> None:
        self.arcs: list[tuple[int, int, int]] = []
        self.finals: list[int] = []
        self._known: dict[tuple[bool, tuple[tuple[int, int], ...]], int] = {}
        # The branch still open: for each depth the arcs so far, and whether a word ends there.
        branch: list[tuple[list[tuple[int, int]], bool]] = [([], False)]
        before: list[int] = []
        for word in words:
            if word == before:
                continue
            shared = next((i for i, (a, b) in enumerate(zip(word, before)) if a != b), min(len(word), len(before)))
            self._close(branch, before, shared)
            branch += [([], depth == len(word)) for depth in range(shared + 1, len(word) + 1)]
            before = word
        self._close(branch, before, 0)
        self.arcs += [(START, label, state) for label, state in branch[0][0]]
        self.num_states = len(self._known) + 1

    def _close(self, branch: list[tuple[list[tuple[int, int]], bool]], word: list[int], depth: int) -> None:
        """Shares the states of the open branch that lie deeper than `depth`."""
        while len(branch) - 1 > depth:
            arcs, final = branch.pop()
            key = (final, tuple(arcs))
            state = self._known.get(key)
            if state is None:
                state = self._known[key] = len(self._known) + 1
                self.arcs += [(state, label, target) for label, target in arcs]
                self.finals += [state] * final
            branch[-1][0].append((word[len(branch) - 1], state))


def _hard_list(tree: _WordTree, alphabet: Alphabet) -> Automaton:
    arcs = [(source, label, target, 0.0) for source, label, target in tree.arcs]
    if SPACE in alphabet:
        space = int(alphabet.encode(SPACE)[0])
        arcs += [(state, space, START, 0.0) for state in tree.finals]
    return Automaton.from_arcs(arcs, tree.num_states, dict.fromkeys(tree.finals, 0.0))


def _preferred_list(tree: _WordTree, alphabet: Alphabet, bias: float) -> Automaton:
    """The tree, and beside it states for opening and closing punctuation and for what is not listed."""
    opening, closing, unlisted = range(tree.num_states, tree.num_states + 3)
    marks = [label for label, c in enumerate(alphabet.characters, 1) if unicodedata.category(c[0])[0] == "P"]
    solid = [label for label, c in enumerate(alphabet.characters, 1) if c != SPACE]
    arcs = [(source, label, target, 0.0) for source, label, target in tree.arcs]
    arcs += [(opening, label, target, 0.0) for source, label, target in tree.arcs if source == START]
    arcs += [(START, mark, opening, 0.0) for mark in marks] + [(opening, mark, opening, 0.0) for mark in marks]
    arcs += [(state, mark, closing, bias) for state in tree.finals for mark in marks]
    arcs += [(closing, mark, closing, 0.0) for mark in marks]
    arcs += [(state, label, unlisted, 0.0) for state in (START, unlisted) for label in solid]
    if SPACE in alphabet:
        space = int(alphabet.encode(SPACE)[0])
        arcs += [(state, space, START, bias) for state in tree.finals]
        arcs += [(state, space, START, 0.0) for state in (START, opening, closing, unlisted)]
    final = dict.fromkeys(tree.finals, bias) | dict.fromkeys((START, opening, closing, unlisted), 0.0)
    return Automaton.from_arcs(arcs, tree.num_states + 3, final, unlisted)


def free_automaton(alphabet: Alphabet) -> Automaton:
    """Accepts every text."""
    labels = np.arange(1, alphabet.num_classes)
    zeros = np.zeros(len(labels), np.int64)
    return Automaton(zeros, labels, zeros, np.zeros(len(labels)), np.zeros(1))
