"""Feeding a network from a world: any number of workers, always the same batches, from any step on.

Training batch b of a run is a pure function of (world, b). Workers make pools of a few batches; pool p holds the
samples p * n .. (p + 1) * n - 1, and comes back in order. So a run that was killed goes on where its optimiser stood,
with 0 workers or with many.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, get_worker_info

from ocrsmith.data.drawing import add_tally, calm_worker, tally_of, tally_since
from ocrsmith.data.sources import World, WorldDataset
from ocrsmith.preprocess import DetectorInput, RecognizerInput
from ocrsmith.synth.world import Tally

Batch = TypeVar("Batch")
# A stream has no end; the sampler of a DataLoader needs one that is never reached.
_ENDLESS = 2**40


class Assemble(Protocol[Batch]):
    """Turns a pool of samples into exactly `num_batches` batches, by the samples and the pool's number alone."""

    def __call__(self, samples: Sequence[Any], pool: int, num_batches: int) -> list[Batch]: ...


class CollateEach(Generic[Batch]):
    """An Assemble that cuts a pool into runs of equal length and collates each: what a detector needs."""

    def __init__(self, collate: Callable[[Sequence[Any]], Batch]) -> None:
        self.collate = collate

    def __call__(self, samples: Sequence[Any], pool: int, num_batches: int) -> list[Batch]:
        size = len(samples) // num_batches
        return [self.collate(samples[part * size : (part + 1) * size]) for part in range(num_batches)]


class PoolDataset(Dataset[list[Batch]]):
    """Item p: the batches of pool p, made whole in one worker."""

    def __init__(
        self, world: World[Any], assemble: Assemble[Batch], batch_size: int, batches_per_pool: int, start_pool: int = 0
    ) -> None:
        self.world = world
        self.assemble = assemble
        self.batch_size = batch_size
        self.batches_per_pool = batches_per_pool
        self.start_pool = start_pool

    def __len__(self) -> int:
        return _ENDLESS

    def __getitem__(self, place: int) -> list[Batch]:
        pool = self.start_pool + place
        length = self.batch_size * self.batches_per_pool
        samples = list(WorldDataset(self.world, pool * length, length))
        return self.assemble(samples, pool, self.batches_per_pool)


class _Tallied(Dataset[tuple[list[Batch], Tally | None]]):
    """A pool's batches with what the world counted for them in a worker; in the training process it counts itself."""

    def __init__(self, pools: PoolDataset[Batch]) -> None:
        self.pools = pools

    def __len__(self) -> int:
        return len(self.pools)

    def __getitem__(self, place: int) -> tuple[list[Batch], Tally | None]:
        before = tally_of(self.pools.world) if get_worker_info() is not None else None
        batches = self.pools[place]
        return batches, tally_since(self.pools.world, before)


class BatchStream(Generic[Batch]):
    """An epoch's batches, as an iterable of known length that starts at whatever step the run has reached.

    Args:
        world: gives the samples; where it has a tally, the workers' counts are added to it as their pools come in.
        assemble: turns a pool of samples into batches; must be picklable where workers are spawned.
        batch_size: samples a batch (fewer where some were refused).
        steps_per_epoch: the stream's length.
        position: says how many batches the run has trained on so far; asked at the start of every epoch.
        batches_per_pool: more of them sort widths better and let a worker run longer on its own.
        workers: processes that make pools; 0 makes them in the training process.
        world_at: the world from a step on, asked at the start of every epoch; it must be the same object while nothing
            changes. Left out, it is always `world`.
    """

    def __init__(
        self,
        world: World[Any],
        assemble: Assemble[Batch],
        *,
        batch_size: int,
        steps_per_epoch: int,
        position: Callable[[], int] = lambda: 0,
        batches_per_pool: int = 1,
        workers: int = 0,
        world_at: Callable[[int], World[Any]] | None = None,
    ) -> None:
        if min(batch_size, steps_per_epoch, batches_per_pool) < 1 or workers < 0:
            raise ValueError(
                f"A stream came with batch_size={batch_size}, steps_per_epoch={steps_per_epoch}, "
                f"batches_per_pool={batches_per_pool}, workers={workers}; the first three must be >= 1, workers >= 0."
            )
        self.world = world
        self.assemble = assemble
        self.batch_size = batch_size
        self.steps_per_epoch = steps_per_epoch
        self.position = position
        self.batches_per_pool = batches_per_pool
        self.workers = workers
        self.world_at = world_at
        self._running: Iterator[Batch] | None = None
        self._next_step = -1

    def __len__(self) -> int:
        return self.steps_per_epoch

    def __iter__(self) -> Iterator[Batch]:
        step = self.position()
        if self.world_at is not None:
            world = self.world_at(step)
            if world is not self.world:
                # What workers have drawn ahead is of the world before.
                self.close()
                self.world = world
        if self._running is None or self._next_step != step:
            # Workers that already run ahead are kept over epochs, and left only when the run jumped to another step.
            self.close()
            self._running = self._endless(step)
            self._next_step = step
        for _ in range(self.steps_per_epoch):
            self._next_step += 1
            yield next(self._running)

    def close(self) -> None:
        """Ends the workers; the next epoch starts new ones."""
        running, self._running = self._running, None
        if isinstance(running, Iterator) and hasattr(running, "close"):
            running.close()

    def _endless(self, step: int) -> Iterator[Batch]:
        start_pool, skip = divmod(step, self.batches_per_pool)
        pools = PoolDataset(self.world, self.assemble, self.batch_size, self.batches_per_pool, start_pool)
        loader: DataLoader[tuple[list[Batch], Tally | None]] = DataLoader(
            _Tallied(pools),
            batch_size=None,
            sampler=range(_ENDLESS),
            num_workers=self.workers,
            worker_init_fn=_calm_worker if self.workers else None,
            multiprocessing_context=_context() if self.workers else None,
        )
        with warnings.catch_warnings():
            # Python 3.12 warns of every fork beside threads; these workers use one thread, as PyTorch's own do.
            warnings.filterwarnings("ignore", message=".*fork.*", category=DeprecationWarning)
            iterator = iter(loader)
        for batches, counted in iterator:
            add_tally(self.world, counted)
            yield from batches[skip:]
            skip = 0


def _context() -> str:
    """Fork where there is one: a world's caches of fonts and photographs are then shared, not made again."""
    methods = multiprocessing.get_all_start_methods()
    return "fork" if "fork" in methods else "spawn"


def _calm_worker(worker_id: int) -> None:
    """See `calm_worker`; PyTorch too keeps to one thread."""
    calm_worker()
    torch.set_num_threads(1)


def usable_processors() -> int:
    """Processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no affinity call
        return os.cpu_count() or 1


def default_workers() -> int:
    """Processes that make samples: one less than the processors this process may use, at least 1, at most 15."""
    return max(1, min(usable_processors() - 1, 15))


@contextlib.contextmanager
def threads_beside(workers: int) -> Iterator[None]:
    """Leaves each worker a processor: PyTorch computes with the others while this lasts.

    Threads that wait for each other at every layer wait for the slowest: with two threads and one busy worker on two
    processors a training step was measured at fifty times its time with one thread.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(before, usable_processors() - workers)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


class KeptBatches(Generic[Batch]):
    """Batches in memory as one loader: a Trainer takes a list for several."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self.batches = list(batches)

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches)


def first_batches(
    world: World[Any], assemble: Assemble[Batch], *, batch_size: int, num_batches: int, batches_per_pool: int = 1
) -> list[Batch]:
    """The first batches of a world, made once and kept: what a validation set is."""
    pools = PoolDataset(world, assemble, batch_size, min(batches_per_pool, num_batches))
    batches: list[Batch] = []
    pool = 0
    while len(batches) < num_batches:
        batches += pools[pool]
        pool += 1
    return batches[:num_batches]


def normalize_on_device(
    stack: NDArray[np.uint8] | Tensor, contract: RecognizerInput | DetectorInput, device: torch.device | str
) -> Tensor:
    """(B, H, W, 3) uint8 RGB -> (B, C, H, W) float32 in channels_last on `device`, as `contract.normalize` does.

    The bytes are moved first and become floats there; a test holds the two equal.
    """
    pixels = (torch.from_numpy(stack) if isinstance(stack, np.ndarray) else stack).to(device, non_blocking=True)
    values = pixels.permute(0, 3, 1, 2)
    if contract.channels == "gray":
        luma = torch.tensor([0.299, 0.587, 0.114], device=device).view(1, 3, 1, 1)
        values = (values.float() * luma).sum(1, keepdim=True)
    elif contract.channels == "bgr":
        values = values.flip(1)
    mean = torch.tensor(contract.mean, device=device).view(1, -1, 1, 1)
    std = torch.tensor(contract.std, device=device).view(1, -1, 1, 1)
    normalised = values.float() * (1.0 / (255.0 * std)) - mean / std
    return normalised.contiguous(memory_format=torch.channels_last)
