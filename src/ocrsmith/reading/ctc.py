"""CTC decoding: class probabilities a step -> text, with a confidence and a place for every character.

Graves et al., "Connectionist Temporal Classification" (ICML 2006). Class 0 is the blank. Greedy decoding takes the
likeliest class of each step, joins repeats and drops blanks.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocrsmith.alphabet import BLANK_ID, Alphabet
from ocrsmith.errors import AlphabetError


@dataclass(frozen=True, eq=False)
class Decoded:
    """A decoded text of N characters.

    Attributes:
        text: what was read; "" where every step was blank.
        confidence: the mean of the characters' confidences, 0 to 1; 0 for an empty text.
        characters: N entries of the alphabet, which joined are the text (an entry may be several code points).
        character_confidences: (N,) each character's greatest probability over the steps of its run.
        character_steps: (N, 2) first step, and the step after the last, of each character's run.
    """

    text: str
    confidence: float
    characters: tuple[str, ...]
    character_confidences: NDArray[np.float32]
    character_steps: NDArray[np.int64]


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits (..., K) -> probabilities over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (shifted / shifted.sum(axis=-1, keepdims=True)).astype(np.float32)


def decode(log_probs: NDArray[np.float32], alphabet: Alphabet) -> Decoded:
    """Log probabilities (T, K) -> the greedy text. See `decode_batch`."""
    return decode_batch(np.exp(log_probs)[None], None, alphabet)[0]


def decode_batch(
    probabilities: NDArray[np.float32], lengths: Sequence[int] | None, alphabet: Alphabet
) -> list[Decoded]:
    """Greedy texts of a batch; `ocrsmith.reading.decoding` has what is constrained or searched for.

    Args:
        probabilities: (B, T, K), each step's classes summing to 1, K = alphabet.num_classes.
        lengths: valid steps of each row (the rest is padding); None takes all.

    Raises:
        AlphabetError: K and the alphabet disagree.
    """
    check_classes(probabilities.shape[-1], alphabet)
    steps = [probabilities.shape[1]] * len(probabilities) if lengths is None else lengths
    return collapse(*greedy_path(probabilities, lengths), alphabet, steps)


def allowed_classes(alphabet: Alphabet, characters: Iterable[str]) -> NDArray[np.bool_]:
    """(K,) true for the blank and the given characters.

    Raises:
        AlphabetError: a character that the alphabet lacks.
    """
    wanted = list(dict.fromkeys(characters))
    missing = [character for character in wanted if not alphabet.covers(character)]
    if missing:
        raise AlphabetError(
            f"The characters to be written include {missing[:10]}, which the alphabet of {len(alphabet)} characters "
            "lacks. Leave them out, or read with a bundle that knows them."
        )
    allowed = np.zeros(alphabet.num_classes, dtype=bool)
    allowed[BLANK_ID] = True
    for character in wanted:
        allowed[alphabet.encode(character)] = True
    return allowed


def restrict(probabilities: NDArray[np.float32], allowed: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(..., K) with the classes that are not allowed set to 0, renormalised: "given that it is one of these"."""
    kept = np.where(allowed, probabilities, np.float32(0))
    return kept / np.maximum(kept.sum(axis=-1, keepdims=True), np.float32(1e-12))


def check_classes(num_classes: int, alphabet: Alphabet) -> None:
    """Raises AlphabetError where a network's classes are not the alphabet's."""
    if num_classes != alphabet.num_classes:
        raise AlphabetError(
            f"The network gives {num_classes} classes, the alphabet has {alphabet.num_classes} with the blank. "
            "They must come from the same bundle."
        )


def nothing() -> Decoded:
    """What is read where every step is blank."""
    return Decoded("", 0.0, (), np.zeros(0, np.float32), np.zeros((0, 2), np.int64))


def greedy_path(
    probabilities: NDArray[np.float32], lengths: Sequence[int] | None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """(B, T, K) -> the likeliest class of each valid step and its probability, the rows' steps end to end."""
    ids = probabilities.argmax(axis=2)
    # Looked up at their places in memory: a second pass over all classes takes ten times as long.
    places = ids.reshape(-1) + np.arange(0, probabilities.size, probabilities.shape[2])
    best = probabilities.reshape(-1)[places].reshape(ids.shape)
    if lengths is None:
        return ids.reshape(-1), best.reshape(-1)
    valid = np.arange(ids.shape[1]) < np.asarray(lengths, np.int64)[:, None]
    return ids[valid], best[valid]


def collapse(
    ids: NDArray[np.int64], best: NDArray[np.float32], alphabet: Alphabet, lengths: Sequence[int]
) -> list[Decoded]:
    """Paths -> their texts: repeats joined, blanks dropped. All rows at once, since a row has a hundred steps.

    Args:
        ids: (S,) a class id a step, the rows' steps end to end.
        best: (S,) its probability.
        lengths: steps of each row, S in all.
    """
    sizes = np.asarray(lengths, np.int64)
    if not len(ids):
        return [nothing() for _ in sizes]
    row_ends = np.cumsum(sizes)
    row_starts = row_ends - sizes
    opens = np.ones(len(ids), dtype=bool)
    np.not_equal(ids[1:], ids[:-1], out=opens[1:])
    opens[row_starts[sizes > 0]] = True
    begin = np.flatnonzero(opens)
    peaks = np.clip(np.maximum.reduceat(best, begin), 0, 1).astype(np.float32, copy=False)
    end = np.append(begin[1:], len(ids))
    written = ids[begin] != BLANK_ID
    begin, end, peaks = begin[written], end[written], peaks[written]
    stops = np.searchsorted(begin, row_ends)
    steps = np.stack([begin, end], axis=1) - np.repeat(row_starts, np.diff(stops, prepend=0))[:, None]
    entries = alphabet.characters
    characters = [entries[id_ - 1] for id_ in ids[begin].tolist()]
    rows = itertools.pairwise([0, *stops.tolist()])
    return [_text(characters[one:other], peaks[one:other], steps[one:other]) for one, other in rows]


def _text(characters: list[str], confidences: NDArray[np.float32], steps: NDArray[np.int64]) -> Decoded:
    if not characters:
        return nothing()
    mean = float(np.add.reduce(confidences) / np.float32(len(characters)))
    return Decoded("".join(characters), mean, tuple(characters), confidences, steps)
