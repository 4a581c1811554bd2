"""Where samples come from, seen as lists: an index in, a sample out, no state between."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ocrsmith.errors import LabelError, OcrsmithError
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


class MixedWorld(Generic[AnySample]):
    """Several worlds as one, mixed by share, so that any stretch of it holds nearly the share of each.

    Sample i is a pure function of i: the order of the parts repeats after `PERIOD` samples, and each part is gone
    through from its first sample on without a gap. Of two parts with shares 0.5 the samples come from them in turn.

    Args:
        parts: (world, share) each; shares are above 0 and need not sum to 1.

    Raises:
        ValueError: no part, or a share that is not above 0.
    """

    PERIOD = 1000

    def __init__(self, parts: Sequence[tuple[World[AnySample], float]]) -> None:
        if not parts or min(share for _, share in parts) <= 0:
            raise ValueError(f"A mixed world came with shares {[share for _, share in parts]}; each must be above 0.")
        self.worlds = tuple(world for world, _ in parts)
        shares = np.array([share for _, share in parts], np.float64)
        self._order = _even_order(shares / shares.sum(), self.PERIOD)
        # How many samples of each part come before each place of a period: (PERIOD + 1, parts).
        taken = self._order[:, None] == np.arange(len(parts))
        self._before = np.concatenate([np.zeros((1, len(parts)), np.int64), np.cumsum(taken, axis=0)])

    def __getitem__(self, index: int) -> AnySample:
        part, own = self.place(index)
        return self.worlds[part][own]

    @property
    def _counting(self) -> Any:
        """The first part that keeps a tally of what it refused: the synthetic one; None where none does."""
        return next((world for world in self.worlds if getattr(world, "tally", None) is not None), None)

    @property
    def tally(self) -> Any:
        """What the synthetic part refused, see `ocrsmith.synth.world.Tally`; None without such a part."""
        return None if self._counting is None else self._counting.tally

    @tally.setter
    def tally(self, tally: Any) -> None:
        self._counting.tally = tally

    def check_patience(self) -> None:
        """As the synthetic part's: raises SynthesisError where it refused too large a share."""
        self._counting.check_patience()

    def place(self, index: int) -> tuple[int, int]:
        """(part, index in that part) of sample `index`."""
        period, place = divmod(index, self.PERIOD)
        part = int(self._order[place])
        return part, period * int(self._before[-1, part]) + int(self._before[place, part])


def _even_order(shares: NDArray[np.float64], length: int) -> NDArray[np.int64]:
    """(length,) parts: at every place the one that lags most behind its share, the first of equals."""
    given = np.zeros(len(shares))
    order = np.zeros(length, np.int64)
    for place in range(length):
        order[place] = np.argmax(shares * (place + 1) - given)
        given[order[place]] += 1
    return order


class ShuffledWorld(Generic[AnySample]):
    """A world over a list of things to make samples of, each once before any comes again, in a new order each time.

    A subclass says in `make` what the sample of an item is. An item that raises an OcrsmithError there, a picture that
    is cut off in the middle of its file, is passed over for the next.

    Args:
        num_items: how many there are, at least 1.
        seed, name: of the order and of the samples' generators.

    Raises:
        ValueError: no items.
        LabelError: no item gives a sample.
    """

    def __init__(self, num_items: int, seed: int, name: str) -> None:
        if num_items < 1:
            raise ValueError("A shuffled world came without items. Give it at least one.")
        self.num_items = num_items
        self._key = [seed, zlib.crc32(name.encode())]

    def item_of(self, index: int) -> int:
        """Which item sample `index` is made of."""
        turn, place = divmod(index, self.num_items)
        return int(np.random.default_rng([*self._key, turn, 0, 1]).permutation(self.num_items)[place])

    def make(self, item: int, rng: np.random.Generator) -> AnySample:
        """The sample of an item; the generator is the sample's own."""
        raise NotImplementedError

    def __getitem__(self, index: int) -> AnySample:
        refusal: OcrsmithError | None = None
        for attempt in range(self.num_items):
            try:
                return self.make(self.item_of(index + attempt), np.random.default_rng([*self._key, index, attempt]))
            except OcrsmithError as error:
                refusal = error
        raise LabelError(f"None of {self.num_items} pictures can be used. The last one: {refusal}")
