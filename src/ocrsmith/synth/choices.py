"""Small parts that any policy of chance is composed of: values that are drawn, and effects that happen at times.

Two protocols. A *draw* has `.sample(rng)` and gives a value; a plain value is a draw that always gives itself. An
*effect* is called as `effect(state, rng)` and gives the next state. `Sometimes` and `OneOf` are both: as draws over
values, as effects over effects; `Chain` is an effect. Everything comes from the `numpy.random.Generator` passed in.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from ocrsmith.errors import RecipeError

Rng = np.random.Generator
State = Any
Effect = Callable[[State, Rng], State]
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


@dataclass(frozen=True)
class Uniform:
    """A float from lo (included) to hi (excluded)."""

    lo: float
    hi: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lo) and math.isfinite(self.hi) and self.lo <= self.hi):
            raise RecipeError(f"Uniform came with {self.lo} to {self.hi}. Two numbers, the lesser first, are expected.")

    def sample(self, rng: Rng) -> float:
        """One float."""
        return self.lo + (self.hi - self.lo) * rng.random()


@dataclass(frozen=True)
class IntRange:
    """An integer from lo to hi, both included."""

    lo: int
    hi: int

    def __post_init__(self) -> None:
        if self.lo > self.hi:
            raise RecipeError(f"IntRange came with {self.lo} to {self.hi}. The lesser is expected first.")

    def sample(self, rng: Rng) -> int:
        """One integer."""
        return int(rng.integers(self.lo, self.hi + 1))


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
    """One of several draws or effects, by weight: `OneOf({blur: 2, noise: 1})`, or pairs where they do not hash."""

    def __init__(self, weighted: Mapping[Any, float] | Iterable[tuple[Any, float]]) -> None:
        pairs = list(weighted.items() if isinstance(weighted, Mapping) else weighted)
        self.items = tuple(item for item, _ in pairs)
        self._cumulative = running_weights([weight for _, weight in pairs], "OneOf")

    def sample(self, rng: Rng) -> Any:
        """One value; where the item drawn is itself a draw, the value that it gives."""
        return draw(self.items[pick(self._cumulative, rng)], rng)

    def __call__(self, state: State, rng: Rng) -> State:
        """The state after the one effect drawn."""
        return self.items[pick(self._cumulative, rng)](state, rng)

    def __repr__(self) -> str:
        return f"OneOf({list(self.items)!r})"


@dataclass(frozen=True)
class Sometimes:
    """With probability p the draw or effect, otherwise nothing: None as a draw, the state unchanged as an effect."""

    p: float
    item: Any

    def __post_init__(self) -> None:
        if not 0.0 <= self.p <= 1.0:
            raise RecipeError(f"Sometimes came with probability {self.p}. A number in 0 to 1 is expected.")

    def sample(self, rng: Rng) -> Any:
        """The item's value, or None."""
        return draw(self.item, rng) if rng.random() < self.p else None

    def __call__(self, state: State, rng: Rng) -> State:
        """The state after the effect, or as it came."""
        return self.item(state, rng) if rng.random() < self.p else state


class Chain:
    """Effects one after another."""

    def __init__(self, *effects: Effect) -> None:
        self.effects = effects

    def __call__(self, state: State, rng: Rng) -> State:
        """The state after all of them, in order."""
        for effect in self.effects:
            state = effect(state, rng)
        return state

    def __repr__(self) -> str:
        return f"Chain{self.effects!r}"
