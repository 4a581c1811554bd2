"""CTC prefix beam search: the likeliest texts, the probabilities of each one's alignments summed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ocrsmith.alphabet import BLANK_ID
from ocrsmith.reading.automata import LEAST_PROBABILITY, START, Automaton


class _Prefixes:
    """Every prefix that was ever in the beam, by number: its last character, its parent, where it may go on."""

    def __init__(self, automaton: Automaton, num_classes: int) -> None:
        self.automaton, self.num_classes = automaton, num_classes
        self.parent, self.last = [-1], [BLANK_ID]
        self.states = [{START: 0.0}]
        self.children: dict[tuple[int, int], int] = {}
        self.open = [self._open({START: 0.0})]

    def _open(self, states: dict[int, float]) -> NDArray[np.bool_]:
        mask = np.zeros(self.num_classes, dtype=bool)
        for state in states:
            mask[list(self.automaton.moves[state])] = True
        return mask

    def child(self, prefix: int, label: int) -> int:
        """The number of a prefix with one more character."""
        known = self.children.get((prefix, label))
        if known is not None:
            return known
        states = self.automaton.step(self.states[prefix], label)
        self.parent.append(prefix)
        self.last.append(label)
        self.states.append(states)
        self.open.append(self._open(states))
        self.children[prefix, label] = len(self.parent) - 1
        return len(self.parent) - 1

    def weight(self, prefix: int) -> float:
        """The best preference that the automaton has given so far."""
        return max(self.states[prefix].values())

    def ids(self, prefix: int) -> tuple[int, ...]:
        """The text, as class ids."""
        found = []
        while prefix:
            found.append(self.last[prefix])
            prefix = self.parent[prefix]
        return tuple(reversed(found))


def prefix_beam_search(
    probabilities: NDArray[np.float32], automaton: Automaton, width: int
) -> list[tuple[tuple[int, ...], float]]:
    """The likeliest texts that an automaton accepts, best first: (class ids, log probability and preference).

    Hannun et al., "First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional Recurrent DNNs"
    (arXiv:1408.2873, algorithm 1), with all prefixes and classes of a step at once. A prefix keeps two scores, ending
    in a blank and in its last character; alignments of one text are summed.

    Args:
        probabilities: (T, K).
        width: prefixes that are kept at each step.
    """
    log_probs = np.log(np.maximum(probabilities.astype(np.float64), LEAST_PROBABILITY))
    prefixes = _Prefixes(automaton, probabilities.shape[-1])
    beam = np.zeros(1, np.int64)
    blank, written = np.zeros(1), np.full(1, -np.inf)
    for step in log_probs:
        beam, blank, written = _advance(prefixes, beam, blank, written, step, width)
    totals = np.logaddexp(blank, written)
    found = [
        (prefixes.ids(int(prefix)), float(total) + automaton.ends(prefixes.states[int(prefix)]))
        for prefix, total in zip(beam, totals)
    ]
    return sorted((item for item in found if item[1] > -np.inf), key=lambda item: -item[1])


def _advance(
    prefixes: _Prefixes,
    beam: NDArray[np.int64],
    blank: NDArray[np.float64],
    written: NDArray[np.float64],
    step: NDArray[np.float64],
    width: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """One step: the prefixes (W,) that are kept, and their scores ending in a blank and in a character."""
    last = np.array([prefixes.last[prefix] for prefix in beam])
    rows = np.arange(len(beam))
    total = np.logaddexp(blank, written)
    grown = total[:, None] + step
    # The same character again needs a blank between.
    grown[rows, last] = blank + step[last]
    grown[~np.stack([prefixes.open[prefix] for prefix in beam])] = -np.inf
    stays_blank, stays_written = total + step[BLANK_ID], np.where(beam > 0, written + step[last], -np.inf)
    # A prefix of the beam may also be reached from its parent there: both ways are one text.
    place = {int(prefix): row for row, prefix in enumerate(beam)}
    for row, prefix in enumerate(beam):
        parent = place.get(prefixes.parent[prefix])
        if parent is not None:
            stays_written[row] = np.logaddexp(stays_written[row], grown[parent, last[row]])
            grown[parent, last[row]] = -np.inf
    weights = np.array([prefixes.weight(int(prefix)) for prefix in beam])
    scores = np.concatenate([np.logaddexp(stays_blank, stays_written) + weights, (grown + weights[:, None]).ravel()])
    kept = _best(scores, min(width, len(scores)))
    kept = kept[scores[kept] > -np.inf]
    chosen = np.array([_prefix(prefixes, beam, int(index), step) for index in kept], np.int64)
    new = kept >= len(beam)
    own = np.where(new, 0, kept)
    cells = np.where(new, kept - len(beam), 0)
    return (
        chosen,
        np.where(new, -np.inf, stays_blank[own]),
        np.where(new, grown.ravel()[cells], stays_written[own]),
    )


def _best(scores: NDArray[np.float64], width: int) -> NDArray[np.int64]:
    """The indexes of the `width` greatest, in order, so that ties fall alike everywhere."""
    top = np.argpartition(-scores, width - 1)[:width]
    return top[np.lexsort((top, -scores[top]))]


def _prefix(prefixes: _Prefixes, beam: NDArray[np.int64], index: int, step: NDArray[np.float64]) -> int:
    if index < len(beam):
        return int(beam[index])
    row, label = divmod(index - len(beam), len(step))
    return prefixes.child(int(beam[row]), label)
