"""What a training may spend, how much of it is used up, and what learning rate that gives."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Of a run's seconds, kept for export and the scores after; at least and at most so many.
RESERVE_SHARE, LEAST_RESERVE, MOST_RESERVE = 0.08, 5.0, 120.0
# And for 8 bits: PP-OCRv6 small takes so long on two cores.
ROUNDING_SHARE, ROUNDING_SECONDS = 0.2, 130.0
# A training that finds its time used up by what came before still gets this much.
LEAST_TRAINING_SECONDS = 5.0


def training_seconds(total_seconds: float, spent_seconds: float, share: float, *, rounds: bool = False) -> float:
    """A training's `share` (0..1) of what a run of `total_seconds` has left, less what export and scores need.

    `rounds`: the export is in 8 bits.
    """
    reserve = min(max(RESERVE_SHARE * total_seconds, LEAST_RESERVE), MOST_RESERVE)
    if rounds:
        reserve += min(ROUNDING_SHARE * total_seconds, ROUNDING_SECONDS)
    return max(LEAST_TRAINING_SECONDS, (total_seconds - reserve - spent_seconds) * share)


@dataclass(frozen=True)
class Budget:
    """What a training run may spend: optimiser steps, seconds of training, or both, whichever ends first.

    Raises:
        ValueError: neither is given, or one is not above zero.
    """

    steps: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.steps, self.seconds) if value is not None]
        if not given or min(given) <= 0:
            raise ValueError(
                f"A budget came with steps={self.steps}, seconds={self.seconds}; one at least, above zero."
            )

    def used(self, step: int, elapsed_seconds: float) -> float:
        """The share 0..1 of the budget that is used up."""
        by_steps = step / self.steps if self.steps else 0.0
        by_time = elapsed_seconds / self.seconds if self.seconds else 0.0
        return min(1.0, max(by_steps, by_time))

    def less(self, seconds: float) -> Budget:
        """What is left of it when `seconds` go to something else; half of it at least."""
        if self.seconds is None:
            return self
        return Budget(self.steps, max(0.5 * self.seconds, self.seconds - seconds))


@dataclass(frozen=True)
class WarmupCosine:
    """A factor on the learning rate: linear from 0 over `warmup_steps`, then half a cosine down to `floor`.

    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, section 3, without
    restarts, over the share of the budget used, so that a run ends at the floor whether steps or minutes end it.
    """

    warmup_steps: int = 100
    floor: float = 0.01

    def factor(self, step: int, used: float) -> float:
        """The factor for optimiser step `step` (from 0) when the share `used` of the budget is gone."""
        warmup = min(1.0, (step + 1) / max(self.warmup_steps, 1))
        return warmup * (self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * min(used, 1.0))))
