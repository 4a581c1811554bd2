"""The one number that chooses a training's best weights, from its scores on new and on old samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

# Each point that weights lose on old samples beyond what they may costs so many points of the new score.
FORGETTING_WEIGHT = 3.0


@dataclass(frozen=True)
class Source:
    """Where a validation batch comes from, and how it is scored.

    Attributes:
        name: empty for synthetic samples.
        joined: its labels are lines, and words found in one are joined before they are matched.
        complete: all of its text is labelled; otherwise only recall says something.
    """

    name: str = ""
    joined: bool = False
    complete: bool = True


SYNTHETIC = Source()


@dataclass
class Memory:
    """What the start knew and the weights may not forget: synthetic samples, and the real pictures that are kept.

    Attributes:
        may_forget: how far a score on old samples may fall below the start's at no cost.
        keeps: names of the sets of kept pictures.
        start: the start's scores on old samples by set, synthetic ones under an empty name; None from nothing, and
            before they are taken.
        last: as `start`, of the weights that were validated last.
    """

    may_forget: float = 0.01
    keeps: frozenset[str] = frozenset()
    start: dict[str, float] | None = None
    last: dict[str, float] = field(default_factory=dict)

    def score(self, synthetic: float, real: Mapping[str, float]) -> float:
        """The score of weights: synthetic alone, or the mean of the new sets less what was forgotten too much."""
        self.last = {SYNTHETIC.name: synthetic, **{name: real[name] for name in real if name in self.keeps}}
        new = [score for name, score in real.items() if name not in self.keeps]
        if not new:
            return synthetic
        return float(np.mean(new)) - FORGETTING_WEIGHT * self.forgotten

    @property
    def forgotten(self) -> float:
        """By how much the last weights lost more than they may, on the old set that lost most; 0 or above."""
        if self.start is None:
            return 0.0
        lost = [self.start[name] - score - self.may_forget for name, score in self.last.items() if name in self.start]
        return max(0.0, *lost) if lost else 0.0
