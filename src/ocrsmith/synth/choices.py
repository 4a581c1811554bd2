"""What is drawn by weights: an index, one of several values, one of several draws.

A draw has `.sample(rng)` and gives a value; a plain value is a draw that always gives itself. Everything comes from
the `numpy.random.Generator` passed in.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from ocrsmith.errors import RecipeError

Rng = np.random.Generator
Item = TypeVar("Item")


class Draw(Protocol):
    """Anything with `.sample(rng)`."""

    def sample(self, rng: Rng) -> Any:
        """One value, drawn from `rng` alone."""
        ...


def draw(value: Any, rng: Rng) -> Any:
    """The value of a draw, and any other value as it is."""
    sample = getattr(value, "sample", None)
    return value if sample is None else sample(rng)


def pick(cumulative: Sequence[float], rng: Rng) -> int:
    """An index drawn by running sums of weights; many times faster than `Generator.choice` on few items."""
    return min(bisect.bisect_right(cumulative, rng.random() * cumulative[-1]), len(cumulative) - 1)


def running_weights(weights: Iterable[float], name: str) -> list[float]:
    """Checks weights and sums them up for `pick`; raises RecipeError naming the owner."""
    listed = [float(weight) for weight in weights]
    if not listed or any(not math.isfinite(w) or w < 0 for w in listed) or sum(listed) <= 0:
        raise RecipeError(
            f"{name} came with the weights {listed[:8]}. At least one was expected, none negative, their sum above 0."
        )
    return list(itertools.accumulate(listed))


class Choice(Generic[Item]):
    """One of a list of values, evenly or by weights; the values are given as they are, never called."""

    def __init__(self, values: Sequence[Item], weights: Sequence[float] | None = None) -> None:
        self.values = tuple(values)
        if weights is not None and len(weights) != len(self.values):
            raise RecipeError(f"Choice came with {len(self.values)} values and {len(weights)} weights. Give one each.")
        self._cumulative = running_weights([1.0] * len(self.values) if weights is None else weights, "Choice")

    def sample(self, rng: Rng) -> Item:
        """One value."""
        return self.values[pick(self._cumulative, rng)]

    def __repr__(self) -> str:
        return f"Choice({list(self.values)!r})"


class OneOf:
    """One of several draws, by weight: `OneOf({numbers: 2, words: 1})`, or pairs where they do not hash."""

    def __init__(self, weighted: Mapping[Any, float] | Iterable[tuple[Any, float]]) -> None:
        pairs = list(weighted.items() if isinstance(weighted, Mapping) else weighted)
        self.items = tuple(item for item, _ in pairs)
        self._cumulative = running_weights([weight for _, weight in pairs], "OneOf")

    def sample(self, rng: Rng) -> Any:
        """One value; where the item drawn is itself a draw, the value that it gives."""
        return draw(self.items[pick(self._cumulative, rng)], rng)

    def __repr__(self) -> str:
        return f"OneOf({list(self.items)!r})"
