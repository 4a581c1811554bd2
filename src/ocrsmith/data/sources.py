"""Where samples come from, seen as lists: an index in, a sample out, no state between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from ocrsmith.samples import LineSample, PageSample

Sample_co = TypeVar("Sample_co", covariant=True, bound=LineSample | PageSample)
AnySample = TypeVar("AnySample", bound=LineSample | PageSample)


class World(Protocol[Sample_co]):
    """Anything whose i-th sample is a pure function of i, for every i >= 0."""

    def __getitem__(self, index: int) -> Sample_co: ...


class WorldDataset(Generic[AnySample]):
    """A stretch of a world: item i is `world[start + i]`, for i in 0..length - 1.

    An epoch e of n samples is `WorldDataset(world, e * n, n)`, so that no sample is seen twice and a resumed run sees
    what the unbroken one would have seen.

    Raises:
        ValueError: a negative start or length.
        IndexError: an item outside the stretch.
    """

    def __init__(self, world: World[AnySample], start: int, length: int) -> None:
        if start < 0 or length < 0:
            raise ValueError(f"A stretch of a world came with start={start} and length={length}; both must be >= 0.")
        self.world = world
        self.start = start
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> AnySample:
        if not 0 <= index < self.length:
            raise IndexError(f"Sample {index} was asked for, of a stretch of {self.length}.")
        return self.world[self.start + index]

    def __iter__(self) -> Iterator[AnySample]:
        return (self[index] for index in range(self.length))


class FixedWorld(Generic[AnySample]):
    """A list of samples seen as a world without end: index i is sample i modulo their number.

    For a user's own labelled crops or pages, and for tests that learn four samples by heart.
    """

    def __init__(self, samples: Sequence[AnySample]) -> None:
        if not samples:
            raise ValueError("A fixed world came without samples. Give it at least one.")
        self.samples = list(samples)

    def __getitem__(self, index: int) -> AnySample:
        return self.samples[index % len(self.samples)]
