"""Automata over a recogniser's classes, and the likeliest CTC path that one of them accepts.

An automaton says which texts may be written: those of a pattern (`pattern_automaton`), words of a list
(`words_automaton`), one text alone (`text_automaton`). Its arcs carry class ids, so that one search serves all of them:
Viterbi's over the product of CTC's own topology (Graves et al., ICML 2006) and the automaton, all of a step's arcs at
once in NumPy. The result is a path, not only a text: characters keep their steps, as with greedy decoding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocrsmith.alphabet import BLANK_ID

START = 0
# Networks' softmax rounds to 0 what is merely unlikely; a constraint must still be able to choose it.
LEAST_PROBABILITY = 1e-12


@dataclass(frozen=True, eq=False)
class Automaton:
    """A finite automaton without empty moves; it starts in state 0, and several arcs may fit one character.

    Attributes:
        source, label, target: (E,) int64, the arcs: from which state, writing which class id, to which state.
        weight: (E,) float64, log preference of each arc, 0 where there is none.
        final: (Q,) float64, log preference of a text that ends in each state, -inf where none may.
        unlisted: the state of what a preferred list does not hold, None where there is no such state.
    """

    source: NDArray[np.int64]
    label: NDArray[np.int64]
    target: NDArray[np.int64]
    weight: NDArray[np.float64]
    final: NDArray[np.float64]
    unlisted: int | None = None

    @classmethod
    def from_arcs(
        cls,
        arcs: Iterable[tuple[int, int, int, float]],
        num_states: int,
        final: dict[int, float],
        unlisted: int | None = None,
    ) -> Automaton:
        """From (source, label, target, weight) and {final state: weight}."""
        table = np.array(sorted(set(arcs)), dtype=np.float64).reshape(-1, 4)
        ends = np.full(num_states, -np.inf)
        for state, weight in final.items():
            ends[state] = weight
        whole = table[:, :3].astype(np.int64)
        return cls(whole[:, 0], whole[:, 1], whole[:, 2], table[:, 3], ends, unlisted)

    def only(self, allowed: NDArray[np.bool_]) -> Automaton:
        """The automaton without the arcs of classes that `allowed` (K,) leaves out."""
        kept = allowed[self.label]
        source, label, target, weight = self.source[kept], self.label[kept], self.target[kept], self.weight[kept]
        return Automaton(source, label, target, weight, self.final, self.unlisted)

    @cached_property
    def moves(self) -> tuple[dict[int, list[tuple[int, float]]], ...]:
        """For each state: class id -> [(next state, weight)]."""
        found: tuple[dict[int, list[tuple[int, float]]], ...] = tuple({} for _ in self.final)
        arcs = zip(self.source.tolist(), self.label.tolist(), self.target.tolist(), self.weight.tolist())
        for source, label, target, weight in arcs:
            found[source].setdefault(label, []).append((target, weight))
        return found

    def step(self, states: dict[int, float], label: int) -> dict[int, float]:
        """The states that a character leads to, each with its best weight so far."""
        reached: dict[int, float] = {}
        for state, weight in states.items():
            for target, added in self.moves[state].get(label, ()):
                reached[target] = max(reached.get(target, -np.inf), weight + added)
        return reached

    def ends(self, states: dict[int, float]) -> float:
        """The best weight of a text that ends in one of the states; -inf where it may not end."""
        return max((weight + float(self.final[state]) for state, weight in states.items()), default=-np.inf)

    def accepts(self, ids: Iterable[int]) -> bool:
        """Whether a text of class ids may be written, where there is an unlisted state without passing through it."""
        states = {START: 0.0}
        for id_ in ids:
            states = self.step(states, int(id_))
            if self.unlisted is not None:
                states.pop(self.unlisted, None)
        return self.ends(states) > -np.inf

    @cached_property
    def trellis(self) -> _Trellis:
        """What the search needs, laid out once."""
        return _Trellis(self)


def text_automaton(ids: Sequence[int]) -> Automaton:
    """Accepts one text of class ids and nothing else: its best path is a forced alignment."""
    arcs = [(place, int(id_), place + 1, 0.0) for place, id_ in enumerate(ids)]
    return Automaton.from_arcs(arcs, len(ids) + 1, {len(ids): 0.0})


class _Trellis:
    """The automaton's nodes: each pair of a state and the character that was written on the way into it.

    CTC needs the character, since the same one again must pass a blank. Nodes are sorted by state and arcs by the node
    that they lead to, so that the best of each is one `reduceat`.
    """

    def __init__(self, automaton: Automaton) -> None:
        num_classes = int(automaton.label.max(initial=0)) + 1
        keys, node_of_arc = np.unique(automaton.target * num_classes + automaton.label, return_inverse=True)
        self.state, self.label = keys // num_classes, keys % num_classes
        order = np.argsort(node_of_arc, kind="stable")
        self.arc_node, self.arc_source = node_of_arc[order], automaton.source[order]
        self.arc_label, self.arc_weight = automaton.label[order], automaton.weight[order]
        self.arc_starts = np.flatnonzero(np.diff(self.arc_node, prepend=-1))
        self.state_starts = np.flatnonzero(np.diff(self.state, prepend=-1))
        self.states = self.state[self.state_starts]
        self.final = automaton.final
        self.num_nodes, self.num_states = len(keys), len(automaton.final)

    def best_of_states(self, nodes: NDArray[np.float64]) -> _Best:
        """The two best nodes of each state."""
        best, holder = self._best(nodes)
        others = nodes.copy()
        others[holder[self.states]] = -np.inf
        return _Best(best, holder, *self._best(others))

    def _best(self, nodes: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        best, holder = np.full(self.num_states, -np.inf), np.zeros(self.num_states, np.int64)
        best[self.states] = np.maximum.reduceat(nodes, self.state_starts)
        top = np.flatnonzero(nodes == best[self.state])
        holder[self.state[top]] = top
        return best, holder


class _Best(NamedTuple):
    """(Q,) each state's best score and the node that has it; the same with another character written last."""

    score: NDArray[np.float64]
    node: NDArray[np.int64]
    other_score: NDArray[np.float64]
    other_node: NDArray[np.int64]


def best_path(probabilities: NDArray[np.float32], automaton: Automaton) -> NDArray[np.int64] | None:
    """The likeliest path, a class id a step, whose text the automaton accepts; None where no text fits the steps.

    Args:
        probabilities: (T, K).
    """
    trellis, num_steps = automaton.trellis, len(probabilities)
    num_nodes, states = trellis.num_nodes, np.arange(trellis.num_states)
    if num_nodes == 0:
        return None if automaton.final[START] == -np.inf else np.zeros(num_steps, np.int64)
    log_probs = np.log(np.maximum(probabilities.astype(np.float64), LEAST_PROBABILITY))
    nodes = np.full(num_nodes, -np.inf)
    # After a blank, and before anything was written. Codes above the nodes' are the states with a blank last.
    rests = np.where(states == START, 0.0, -np.inf)
    back = np.zeros((num_steps, num_nodes + trellis.num_states), np.int32)
    source = trellis.arc_source
    for step, scores in enumerate(log_probs):
        best = trellis.best_of_states(nodes)
        repeats = trellis.label[best.node[source]] == trellis.arc_label
        written = np.where(repeats, best.other_score[source], best.score[source])
        rested = rests[source]
        entering = np.maximum(written, rested) + trellis.arc_weight
        origin = np.where(repeats, best.other_node[source], best.node[source])
        origin = np.where(rested >= written, num_nodes + source, origin)
        best_entering = np.maximum.reduceat(entering, trellis.arc_starts)
        top = np.flatnonzero(entering == best_entering[trellis.arc_node])
        arc = np.zeros(num_nodes, np.int64)
        arc[trellis.arc_node[top]] = top
        back[step, :num_nodes] = np.where(nodes >= best_entering, np.arange(num_nodes), origin[arc])
        back[step, num_nodes:] = np.where(rests >= best.score, num_nodes + states, best.node)
        nodes = np.maximum(nodes, best_entering) + scores[trellis.label]
        rests = np.maximum(rests, best.score) + scores[BLANK_ID]
    return _trace_back(trellis, nodes, rests, back)


def _trace_back(
    trellis: _Trellis, nodes: NDArray[np.float64], rests: NDArray[np.float64], back: NDArray[np.int32]
) -> NDArray[np.int64] | None:
    ends = np.concatenate([nodes + trellis.final[trellis.state], rests + trellis.final])
    code = int(ends.argmax())
    if ends[code] == -np.inf:
        return None
    labels = np.concatenate([trellis.label, np.full(trellis.num_states, BLANK_ID)])
    path = np.zeros(len(back), np.int64)
    for step in range(len(back) - 1, -1, -1):
        path[step] = labels[code]
        code = int(back[step, code])
    return path
