"""What every count of found, wanted and matched things shares: sums that add, and means that are taken once.

A share with nothing to divide by is the worst value, 0.0: an empty validation set is never taken for a perfect one.
The counts stand beside every share, so that an empty one is seen.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeVar

Counts = TypeVar("Counts")


def add_counts(first: Counts, second: Counts, *, same: tuple[str, ...] = ()) -> Counts:
    """Field by field sum of two dataclasses of one class; the fields in `same` are the protocol and must agree.

    Raises:
        TypeError: the two are of different classes.
        ValueError: they were counted by different protocols, so that their sum would mean nothing.
    """
    if type(first) is not type(second):
        raise TypeError(f"{type(first).__name__} and {type(second).__name__} cannot be added. Add counts of one kind.")
    values: dict[str, Any] = {}
    for field in fields(first):  # type: ignore[arg-type]
        one, other = getattr(first, field.name), getattr(second, field.name)
        if field.name in same:
            if one != other:
                raise ValueError(
                    f"{type(first).__name__} with {field.name}={one!r} and with {field.name}={other!r} cannot be "
                    "added. Count both by the same protocol."
                )
            values[field.name] = one
        elif isinstance(one, dict):
            values[field.name] = {key: one.get(key, 0) + other.get(key, 0) for key in one | other}
        else:
            values[field.name] = one + other
    return type(first)(**values)


def share(part: float, whole: float) -> float:
    """part / whole, 0.0 where there is nothing to divide by."""
    return part / whole if whole else 0.0


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share by Wilson's score (JASA 22(158), 1927); (0, 1) for no trials.

    It tells a reader whether two scores on a few hundred pictures differ at all.
    """
    if trials <= 0:
        return 0.0, 1.0
    z = 1.959964
    p = successes / trials
    centre = p + z * z / (2 * trials)
    spread = z * ((p * (1 - p) + z * z / (4 * trials)) / trials) ** 0.5
    scale = 1 + z * z / trials
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


@dataclass(frozen=True)
class MatchCounts:
    """Sums of a one-to-one matching; precision, recall and F are of the whole set, not averaged over pictures."""

    num_matched: int = 0
    num_truth: int = 0
    num_predicted: int = 0
    num_pictures: int = 0

    @property
    def recall(self) -> float:
        """Matched of the wanted; 0.0 where nothing was wanted."""
        return share(self.num_matched, self.num_truth)

    @property
    def precision(self) -> float:
        """Matched of the found; 0.0 where nothing was found."""
        return share(self.num_matched, self.num_predicted)

    @property
    def f_score(self) -> float:
        """Harmonic mean of precision and recall; 0.0 where nothing was wanted or found."""
        return share(2 * self.num_matched, self.num_truth + self.num_predicted)
