"""How texts are decoded: the characters, patterns and words that may be written, and how widely is searched.

Without constraints the likeliest class of each step is taken. With one, the likeliest path that it allows; with a beam,
the text whose alignments sum to the most, then its likeliest alignment. Either way characters keep their steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocrsmith.alphabet import BLANK_ID, Alphabet
from ocrsmith.errors import ConstraintError
from ocrsmith.reading.automata import Automaton, best_path, text_automaton
from ocrsmith.reading.beam import prefix_beam_search
from ocrsmith.reading.constraints import SPACE, free_automaton, pattern_automaton, words_automaton
from ocrsmith.reading.ctc import (
    Decoded,
    allowed_classes,
    check_classes,
    collapse,
    decode_batch,
    greedy_path,
    nothing,
    restrict,
)


@dataclass(frozen=True)
class Constraints:
    """What may be written, and how it is searched for.

    Attributes:
        characters: the only ones that may be written; confidences then mean "given that it is one of these".
        pattern: what the whole text of a crop must match, such as `[A-Z]{3}-[0-9]{4}`; see `reading.constraints`.
        words: the only words, between spaces; with `word_bias` the preferred ones.
        word_bias: see `reading.constraints.words_automaton`.
        beam: texts kept at each step of a prefix beam search; None takes the likeliest path.
    """

    characters: str | Iterable[str] | None = None
    pattern: str | None = None
    words: Sequence[str] | None = None
    word_bias: float | None = None
    beam: int | None = None


class Decoder:
    """Decodes one alphabet's probabilities under constraints.

    Raises:
        AlphabetError: `characters` names some that the alphabet lacks.
        ConstraintError: a pattern or word list that cannot be used, both at once, or a beam below 1.
    """

    def __init__(self, alphabet: Alphabet, constraints: Constraints | None = None) -> None:
        given = Constraints() if constraints is None else constraints
        if given.beam is not None and given.beam < 1:
            raise ConstraintError(f"A beam of {given.beam} came. At least 1 is expected; 10 is usual.")
        if given.pattern is not None and given.words is not None:
            raise ConstraintError("A pattern and words came together. Give one of them, or write the words as (a|b|c).")
        if given.word_bias is not None and given.words is None:
            raise ConstraintError("A bias for words came without words. Give a word list with it.")
        self.alphabet, self.beam = alphabet, given.beam
        self.allowed = None if given.characters is None else allowed_classes(alphabet, given.characters)
        self.automaton = self._automaton(given)
        self._space = int(alphabet.encode(SPACE)[0]) if SPACE in alphabet else None
        hard = given.pattern is not None or (given.words is not None and given.word_bias is None)
        may_space = self._space is not None and (self.allowed is None or bool(self.allowed[self._space]))
        #: Whether spaces may be put into the text afterwards.
        self.adds_spaces = may_space and not hard

    def _automaton(self, given: Constraints) -> Automaton | None:
        if given.pattern is not None:
            automaton = pattern_automaton(given.pattern, self.alphabet)
        elif given.words is not None:
            automaton = words_automaton(given.words, self.alphabet, given.word_bias)
        elif given.beam is not None:
            automaton = free_automaton(self.alphabet)
        else:
            return None
        return automaton if self.allowed is None else automaton.only(self.allowed)

    def decode_batch(self, probabilities: NDArray[np.float32], lengths: Sequence[int] | None = None) -> list[Decoded]:
        """(B, T, K) probabilities -> B texts; `lengths` are the valid steps of each row.

        Where the network reads nothing, nothing is forced. Where no allowed text fits the steps, the text is empty and
        its confidence 0.
        """
        check_classes(probabilities.shape[-1], self.alphabet)
        if self.allowed is not None:
            probabilities = restrict(probabilities, self.allowed)
        greedy = decode_batch(probabilities, lengths, self.alphabet)
        if self.automaton is None:
            return greedy
        steps = [probabilities.shape[1]] * len(probabilities) if lengths is None else lengths
        return [
            self._constrained(row[:length], text, self.automaton)
            for row, length, text in zip(probabilities, steps, greedy, strict=True)
        ]

    def decode_batches(self, batches: Iterable[tuple[NDArray[np.float32], Sequence[int]]]) -> list[Decoded]:
        """`decode_batch` of each (probabilities, lengths), one after the other; of a batch only its path is kept."""
        if self.automaton is not None:
            return [text for probabilities, lengths in batches for text in self.decode_batch(probabilities, lengths)]
        paths: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
        steps: list[int] = []
        for probabilities, lengths in batches:
            check_classes(probabilities.shape[-1], self.alphabet)
            allowed = probabilities if self.allowed is None else restrict(probabilities, self.allowed)
            paths.append(greedy_path(allowed, lengths))
            steps += lengths
        if not paths:
            return []
        ids, best = (np.concatenate(parts) for parts in zip(*paths))
        return collapse(ids, best, self.alphabet, steps)

    def _constrained(self, probabilities: NDArray[np.float32], greedy: Decoded, automaton: Automaton) -> Decoded:
        if not greedy.characters:
            return greedy
        if self.beam is not None:
            found = prefix_beam_search(probabilities, automaton, self.beam)
            # A narrow beam may keep nothing that the constraint lets end there.
            if found:
                automaton = text_automaton(found[0][0])
        elif automaton.accepts(self._ids(greedy)):
            # The likeliest path of all is allowed.
            return greedy
        path = best_path(probabilities, automaton)
        return nothing() if path is None else self._decoded(probabilities, path)

    def _ids(self, text: Decoded) -> list[int]:
        return [int(self.alphabet.encode(character)[0]) for character in text.characters]

    def _decoded(self, probabilities: NDArray[np.float32], path: NDArray[np.int64]) -> Decoded:
        """A path's text; a character is no surer than its path is beside the network's own choice around it.

        Else what was passed over would not show: "Bern" forced upon a picture of "Berlin" has four sure letters. To
        leave out a space costs nothing.
        """
        chosen = probabilities[np.arange(len(path)), path]
        (text,) = collapse(path, chosen, self.alphabet, [len(path)])
        if not text.characters:
            return text
        rivals = probabilities
        if self._space is not None:
            rivals = probabilities.copy()
            rivals[path == BLANK_ID, self._space] = 0
        agreement = np.minimum(chosen / np.maximum(rivals.max(axis=1), np.float32(1e-12)), 1)
        middles = (text.character_steps[1:, 0] + text.character_steps[:-1, 1]) // 2
        around = np.minimum.reduceat(agreement, np.concatenate([[0], middles]))
        confidences = np.minimum(text.character_confidences, around).astype(np.float32)
        return Decoded(text.text, float(confidences.mean()), text.characters, confidences, text.character_steps)
