"""Batches for Lightning's Trainer from what Keras scripts give: generators, objects with a length and items, arrays."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from ocrsmith.errors import InputError, LabelError


class Feed:
    """A generator, a sequence or arrays as an iterable of a known number of batches an epoch.

    A generator goes on where the last epoch left it. With workers it is drawn from by a thread that runs ahead; Python
    allows one thread in a generator, so a generator that two feeds share needs workers=0, as in Keras.

    Args:
        source: an endless generator of batches, an object with a length and items, or arrays with `y`.
        steps: batches an epoch; None takes the source's length.
        ahead: batches kept ready; 0 draws none ahead.
    """

    def __init__(self, source: Any, steps: int | None, ahead: int = 0, what: str = "steps_per_epoch") -> None:
        self.source = source
        self.is_sequence = hasattr(source, "__getitem__") and hasattr(source, "__len__")
        length = len(source) if hasattr(source, "__len__") else None
        if steps is None and length is None:
            raise InputError(f"A generator without a length came without {what}. Say how many batches to draw.")
        self.steps: int = int(steps if steps is not None else length or 0)
        if self.steps < 1:
            raise InputError(f"{what} came as {self.steps}. At least one batch is needed.")
        self.ran_out = False
        self._running: Iterator[Any] | None = None
        self._ahead = ahead
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Any]:
        if self._running is None:
            batches = self._batches()
            self._running = self._threaded(batches) if self._ahead and not self.is_sequence else batches
        for _ in range(self.steps):
            batch = next(self._running, None)
            if batch is None:
                self.ran_out = True
                return
            yield batch

    def _batches(self) -> Iterator[Any]:
        if not self.is_sequence:
            source = iter(self.source)
            # Not `yield from`, which would close the script's generator with this one.
            while (batch := next(source, None)) is not None:
                yield batch
            return
        while True:
            yield from (self.source[index] for index in range(len(self.source)))
            if hasattr(self.source, "on_epoch_end"):
                self.source.on_epoch_end()

    def _threaded(self, batches: Iterator[Any]) -> Iterator[Any]:
        ready: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue(self._ahead)

        def put(item: tuple[Any, BaseException | None]) -> bool:
            while not self._stop.is_set():
                try:
                    ready.put(item, timeout=0.1)
                    return True
                except queue.Full:
                    continue
            return False

        def draw() -> None:
            try:
                for batch in batches:
                    if not put((batch, None)):
                        return
                put((None, None))
            # Whatever the script's own generator raises is raised again where the batch is used.
            except BaseException as error:
                put((None, error))

        self._thread = threading.Thread(target=draw, daemon=True)
        self._thread.start()
        while True:
            batch, error = ready.get()
            if error is not None:
                raise error
            if batch is None:
                return
            yield batch

    def close(self) -> None:
        """Ends the thread, so that the script may draw from its generator again."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._thread = self._running = None


class _Arrays:
    """Arrays cut into batches, in a new order each epoch where `shuffle`."""

    def __init__(self, x: Any, y: Any, weights: Any, batch_size: int, shuffle: bool) -> None:
        self.x, self.y, self.weights, self.batch_size, self.shuffle = x, y, weights, batch_size, shuffle
        self.total = len(y)
        self.order = np.arange(self.total)
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-self.total // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        batch = (_take(self.x, chosen), _take(self.y, chosen))
        return batch if self.weights is None else (*batch, _take(self.weights, chosen))

    def on_epoch_end(self) -> None:
        """Draws the next order."""
        if self.shuffle:
            self.order = np.random.default_rng().permutation(self.total)


def _take(data: Any, chosen: Any) -> Any:
    if isinstance(data, (tuple, list)):
        return type(data)(_take(part, chosen) for part in data)
    return np.asarray(data)[chosen]


def make_feed(
    x: Any, y: Any, weights: Any, batch_size: int | None, shuffle: bool, steps: int | None, ahead: int, what: str
) -> Feed:
    """The batches of an argument of `fit`; raises InputError or LabelError where there are none or numbers differ."""
    if x is None:
        raise InputError("Nothing came to train on. Give a generator of batches, or arrays x and y.")
    if y is not None:
        totals = {len(part) for part in (x if isinstance(x, (tuple, list)) else (x,))} | {len(y)}
        if len(totals) != 1:
            raise LabelError(f"x and y came with {sorted(totals)} samples. Give as many of each.")
        return Feed(_Arrays(x, y, weights, batch_size or 32, shuffle), steps, 0, what)
    return Feed(x, steps, ahead, what)


def split_arrays(x: Any, y: Any, weights: Any, share: float) -> tuple[Any, Any, Any, Any]:
    """(x, y, weights, validation data) with the last `share` of arrays held out, as Keras does."""
    if y is None or not 0 < share < 1:
        raise InputError(f"validation_split came as {share}. It must lie between 0 and 1, with arrays x and y.")
    first = round(len(y) * (1 - share))
    head, tail = np.arange(first), np.arange(first, len(y))
    held = (_take(x, tail), _take(y, tail)) + (() if weights is None else (_take(weights, tail),))
    return _take(x, head), _take(y, head), None if weights is None else _take(weights, head), held
