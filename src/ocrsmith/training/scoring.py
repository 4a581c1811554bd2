"""The one number that chooses a training's best weights, from its scores on real and on synthetic samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Each point that weights lose on synthetic samples beyond what they may costs so many points of the real score.
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
    """What the start knew and the weights may not forget.

    Attributes:
        may_forget: how far the score on synthetic samples may fall below the start's at no cost.
        start: the start's score on synthetic samples; None from nothing, and before it is taken.
    """

    may_forget: float = 0.01
    start: float | None = None

    def score(self, synthetic: float, real: Sequence[float]) -> float:
        """The score of weights: synthetic alone, or the mean of the real ones less what was forgotten too much."""
        if not real:
            return synthetic
        forgotten = 0.0 if self.start is None else max(0.0, self.start - synthetic - self.may_forget)
        return float(np.mean(real)) - FORGETTING_WEIGHT * forgotten
