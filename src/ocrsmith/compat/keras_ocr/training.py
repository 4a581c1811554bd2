"""`fit` as Keras scripts call it, driven by Lightning: batches from generators or arrays, callbacks, a history."""

from __future__ import annotations

import queue
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from ocrsmith.compat.keras_ocr.callbacks import CallbackList, CSVLogger, EarlyStopping, History, ModelCheckpoint
from ocrsmith.compat.keras_ocr.keras_model import KerasModel, default_device
from ocrsmith.errors import InputError, LabelError, OcrsmithError
from ocrsmith.training.fitting import calm_lightning, check_finite, choose_precision

__all__ = ["CSVLogger", "EarlyStopping", "History", "ModelCheckpoint", "evaluate", "fit"]


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
            yield from self.source
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


class FitModule(pl.LightningModule):
    """A model's loss and optimiser for Lightning's Trainer; it gathers the epoch's mean losses."""

    def __init__(self, model: KerasModel) -> None:
        super().__init__()
        self.network = model.network
        self.facade = model
        self.sums: dict[str, list[float | Tensor]] = {"loss": [], "val_loss": []}

    def train(self, mode: bool = True) -> FitModule:
        """As in PyTorch, but frozen normalisations keep to evaluation, as Keras's do."""
        super().train(mode)
        for module in self.network.modules():
            own = list(module.parameters(recurse=False))
            if own and not any(parameter.requires_grad for parameter in own):
                module.eval()
        return self

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """One step's loss."""
        loss = self.facade.batch_loss(batch)
        check_finite(loss, self.global_step)
        self.sums["loss"].append(loss.detach())
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Adds a batch's loss to the epoch's."""
        self.sums["val_loss"].append(self.facade.batch_loss(batch).detach())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The compiled one."""
        return self.facade.torch_optimizer()

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Leaves the arrays as they are: the loss moves what it needs."""
        return batch

    def logs(self) -> dict[str, float]:
        """The mean losses since the last call."""
        means = {
            name: float(torch.stack([torch.as_tensor(v) for v in values]).mean())
            for name, values in self.sums.items()
            if values
        }
        for values in self.sums.values():
            values.clear()
        return means


class _Bridge(pl.Callback):
    """Calls Keras-style callbacks from Lightning's hooks."""

    def __init__(self, callbacks: CallbackList, feed: Feed, first_epoch: int, last_epoch: int, verbose: bool) -> None:
        self.callbacks = callbacks
        self.feed = feed
        self.first_epoch, self.last_epoch = first_epoch, last_epoch
        self.verbose = verbose
        self.started = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begins an epoch; the learning rate follows `model.optimizer`."""
        self.started = time.monotonic()
        self.callbacks.call("on_epoch_begin", self.first_epoch + trainer.current_epoch, {})
        for optimizer in trainer.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = pl_module.facade.optimizer.learning_rate  # type: ignore[union-attr]

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Before a step."""
        self.callbacks.call("on_train_batch_begin", batch_idx, {})

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """After a step."""
        self.callbacks.call("on_train_batch_end", batch_idx, {"loss": float(pl_module.sums["loss"][-1])})

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Ends an epoch, after its validation."""
        logs = pl_module.logs()
        epoch = self.first_epoch + trainer.current_epoch
        if self.verbose:
            figures = " - ".join(f"{name}: {value:.4f}" for name, value in logs.items())
            print(f"Epoch {epoch + 1}/{self.last_epoch} - {time.monotonic() - self.started:.0f}s - {figures}")
        self.callbacks.call("on_epoch_end", epoch, logs)
        if self.feed.ran_out:
            warnings.warn(
                f"The generator ran out of batches in epoch {epoch + 1}; training ends there. Give one without end.",
                stacklevel=2,
            )
        trainer.should_stop = trainer.should_stop or pl_module.facade.stop_training or self.feed.ran_out


def fit(
    model: KerasModel,
    x: Any = None,
    y: Any = None,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: Any = "auto",
    callbacks: Any = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    shuffle: bool = True,
    class_weight: Any = None,
    sample_weight: Any = None,
    initial_epoch: int = 0,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    validation_batch_size: int | None = None,
    validation_freq: int = 1,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    generator: Any = None,
) -> History:
    """Trains and returns the History; the arguments are Keras's.

    Args:
        x: a generator of batches as `get_batch_generator` yields them, an object with length and items, or arrays
            with `y`; `generator` is its old name.
        workers: 0 draws batches between steps, more draw them in a thread of their own, `max_queue_size` ahead.

    Raises:
        InputError: nothing to draw from, or no number of steps.
        RecipeError: an unknown callback, a model that is not compiled, or everything frozen.
        OcrsmithError: the loss became infinite or no number.
    """
    if class_weight is not None:
        raise InputError("class_weight came, and there are no classes here. Use sample weights.")
    x = generator if x is None else x
    if validation_split:
        x, y, sample_weight, validation_data = _split(x, y, sample_weight, validation_split)
    ahead = max(0, int(max_queue_size)) if workers else 0
    feed = _feed(x, y, sample_weight, batch_size, shuffle, steps_per_epoch, ahead, "steps_per_epoch")
    validation = None
    if validation_data is not None:
        # Drawn between epochs, never ahead: a script may give training and validation one generator underneath.
        parts = validation_data if isinstance(validation_data, tuple) else (validation_data, None)
        size = validation_batch_size or batch_size
        validation = _feed(parts[0], parts[1], (*parts, None)[2], size, False, validation_steps, 0, "validation_steps")
    model.stop_training = False
    listed = CallbackList(callbacks, model, {"epochs": epochs, "steps": feed.steps, "verbose": verbose})
    bridge = _Bridge(listed, feed, initial_epoch, epochs, verbose not in (0, False))
    module = FitModule(model)
    with calm_lightning(), tempfile.TemporaryDirectory() as folder:
        trainer = _trainer(folder, epochs - initial_epoch, bridge, validation, validation_freq)
        listed.call("on_train_begin", {})
        module.train()
        try:
            trainer.fit(module, feed, validation)
        finally:
            feed.close()
    if trainer.interrupted:
        raise KeyboardInterrupt
    listed.call("on_train_end", {})
    model.network.eval()
    model.history = listed.history
    return listed.history


def evaluate(model: KerasModel, x: Any = None, y: Any = None, steps: int | None = None, **settings: Any) -> float:
    """The mean loss over `steps` batches, without training; raises InputError as `fit` does."""
    feed = _feed(x, y, settings.get("sample_weight"), settings.get("batch_size"), False, steps, 0, "steps")
    model.network.to(default_device()).eval()
    with torch.inference_mode():
        losses = [float(model.batch_loss(batch)) for batch in feed]
    if not losses:
        raise InputError("The generator gave no batch to evaluate. Give one that is not used up.")
    return float(np.mean(losses))


def _trainer(
    folder: str, epochs: int, bridge: pl.Callback, validation: Feed | None, validation_freq: int
) -> pl.Trainer:
    accelerator = "gpu" if torch.cuda.is_available() else "cpu"
    return pl.Trainer(
        accelerator=accelerator,
        devices=1,
        precision=choose_precision("auto", accelerator),  # type: ignore[arg-type]
        max_epochs=max(0, epochs),
        check_val_every_n_epoch=validation_freq,
        limit_val_batches=1.0 if validation is not None else 0,
        callbacks=[bridge],
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def _feed(
    x: Any, y: Any, weights: Any, batch_size: int | None, shuffle: bool, steps: int | None, ahead: int, what: str
) -> Feed:
    if x is None:
        raise InputError("Nothing came to train on. Give a generator of batches, or arrays x and y.")
    if y is not None:
        totals = {len(part) for part in (x if isinstance(x, (tuple, list)) else (x,))} | {len(y)}
        if len(totals) != 1:
            raise LabelError(f"x and y came with {sorted(totals)} samples. Give as many of each.")
        return Feed(_Arrays(x, y, weights, batch_size or 32, shuffle), steps, 0, what)
    return Feed(x, steps, ahead, what)


def _split(x: Any, y: Any, weights: Any, share: float) -> tuple[Any, Any, Any, Any]:
    if y is None or not 0 < share < 1:
        raise InputError(f"validation_split came as {share}. It must lie between 0 and 1, with arrays x and y.")
    first = round(len(y) * (1 - share))
    head, tail = np.arange(first), np.arange(first, len(y))
    held = (_take(x, tail), _take(y, tail)) + (() if weights is None else (_take(weights, tail),))
    return _take(x, head), _take(y, head), None if weights is None else _take(weights, head), held
