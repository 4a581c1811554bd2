"""Samples of a world made by several processes: the same ones in the same order with any number of them.

Each process draws runs of neighbouring samples, makes of them what is asked for (encoded pictures, so that pixels need
not travel), and sends it back with the tally of what it refused. Two runs a process are under way at once, so memory is
bounded however many samples are asked for.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

import cv2

from ocrsmith.data.sources import World
from ocrsmith.errors import SynthesisError
from ocrsmith.synth.world import Tally

Made = TypeVar("Made")
Work = Callable[[int, Any], Made]

# Samples a run: enough that sending costs little, few enough that encoded pages of 1 to 4 MB fit.
RUN_LENGTH = 8
_RUNS_AHEAD = 2
# Of Python's collector in a worker: new containers before a look at them, and looks before one at older ones.
_COLLECTED_AFTER = (20_000, 20, 50)

_world: Any = None
_work: Any = None


def draw_in_order(world: World[Any], start: int, stop: int, work: Work[Made], workers: int = 0) -> Iterator[Made]:
    """`work(i, world[i])` for i in start..stop - 1, in order.

    Args:
        world: any; where it has a `tally`, the workers' counts are added to it as they come in.
        work: a function that pickles where processes are spawned; it runs where the sample is drawn.
        workers: processes that draw; 0 draws in this one.

    Raises:
        SynthesisError: the world gave up, or a worker was killed (too little memory, mostly).
        ValueError: a negative number of workers.
    """
    if workers < 0:
        raise ValueError(f"A world came to be drawn by {workers} workers; 0 or more is expected.")
    if workers == 0:
        return (work(index, world[index]) for index in range(start, stop))
    return _by_workers(world, start, stop, work, workers)


def _by_workers(world: World[Any], start: int, stop: int, work: Work[Made], workers: int) -> Iterator[Made]:
    runs = iter(range(start, stop, RUN_LENGTH))
    waiting: deque[Future[tuple[list[Made], Tally | None]]] = deque()
    pool = ProcessPoolExecutor(workers, _context(), initializer=_begin, initargs=(world, work))
    try:
        with warnings.catch_warnings():
            # Python 3.12 warns of every fork beside threads; these workers touch nothing that a thread may hold.
            warnings.filterwarnings("ignore", message=".*fork.*", category=DeprecationWarning)
            for first in _first(runs, _RUNS_AHEAD * workers):
                waiting.append(pool.submit(_draw_run, first, min(first + RUN_LENGTH, stop)))
        while waiting:
            made, tally = waiting.popleft().result()
            for first in _first(runs, 1):
                waiting.append(pool.submit(_draw_run, first, min(first + RUN_LENGTH, stop)))
            add_tally(world, tally)
            yield from made
    except BrokenProcessPool:
        raise SynthesisError(
            f"One of {workers} workers was killed while it drew samples. Mostly memory ran out: use fewer workers."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _first(runs: Iterator[int], count: int) -> Iterator[int]:
    for _, first in zip(range(count), runs):
        yield first


def _context() -> multiprocessing.context.BaseContext:
    """Fork where there is one: a world's fonts and photographs are then shared, not made again."""
    methods = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("fork" if "fork" in methods else "spawn")


def calm_worker() -> None:
    """Makes this process one that only draws: one thread, behind others in the queue for a processor.

    Python's collector leaves alone what is there (fonts, photographs, modules) and looks through new things seldom:
    samples leave next to no cycles, and looking took 6 % of a photo scene's time.
    """
    cv2.setNumThreads(0)
    if hasattr(os, "nice"):
        os.nice(5)
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AFTER)


def _begin(world: Any, work: Any) -> None:
    global _world, _work
    calm_worker()
    _world, _work = world, work


def _draw_run(first: int, stop: int) -> tuple[list[Any], Tally | None]:
    before = tally_of(_world)
    made = [_work(index, _world[index]) for index in range(first, stop)]
    return made, tally_since(_world, before)


def tally_of(world: Any) -> Tally | None:
    """A copy of a world's tally; None where it keeps none."""
    tally = getattr(world, "tally", None)
    return tally + Tally() if isinstance(tally, Tally) else None


def tally_since(world: Any, before: Tally | None) -> Tally | None:
    """What a world counted since `tally_of` gave `before`."""
    return None if before is None else world.tally - before


def add_tally(world: Any, counted: Tally | None) -> None:
    """Adds what a worker counted to the world here, which gives up where it would have given up alone.

    Raises:
        SynthesisError: too large a share of the draws was refused.
    """
    if counted is not None:
        world.tally += counted
        world.check_patience()
