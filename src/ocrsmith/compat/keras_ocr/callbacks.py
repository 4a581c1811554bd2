"""Keras's callbacks by their names and settings; real Keras objects are read by these, and Keras is not imported."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from ocrsmith.errors import OcrsmithError, RecipeError, StorageError

Logs = dict[str, float]
_HOOKS = ("on_epoch_end", "on_epoch_begin", "on_train_begin", "on_train_end", "on_train_batch_end", "on_batch_end")


class Callback:
    """What is called while a model is fitted. `model` and `params` are set before the first call."""

    model: Any = None
    params: dict[str, Any]

    def set_model(self, model: Any) -> None:
        """Keeps the model that is fitted."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Keeps {"epochs", "steps", "verbose"}."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation, with "loss" and, where there is validation, "val_loss"."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a step, counted from 0 in its epoch."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a step."""


class History(Callback):
    """What `fit` returns: `history`, a list a metric with an entry an epoch, and `epoch`, their numbers from 0."""

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Appends the epoch's figures."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class _Watching(Callback):
    """A callback that watches one figure for getting better."""

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0, baseline: float | None = None) -> None:
        if mode not in ("auto", "min", "max"):
            raise RecipeError(f"mode came as {mode!r}. Use 'auto', 'min' or 'max'.")
        self.monitor = monitor
        rising = mode == "max" or (mode == "auto" and monitor.endswith(("acc", "accuracy", "auc")))
        self.sign = 1.0 if rising else -1.0
        self.min_delta = abs(min_delta)
        self.best = -math.inf if baseline is None else self.sign * baseline

    def value(self, logs: Logs | None) -> float:
        """The watched figure; raises RecipeError naming those that there are."""
        if self.monitor not in (logs or {}):
            raise RecipeError(
                f"{type(self).__name__} watches {self.monitor!r}, which this run does not have. It has "
                f"{', '.join(logs or {})}. Give validation_data and validation_steps, or set monitor='loss'."
            )
        return (logs or {})[self.monitor]

    def improved(self, value: float) -> bool:
        """Whether it is better than the best by more than `min_delta`; the best is then moved."""
        if not self.sign * value - self.min_delta > self.best:
            return False
        self.best = self.sign * value
        return True


class EarlyStopping(_Watching):
    """Stops when `monitor` has not got better for `patience` epochs; puts the best weights back where asked."""

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta, baseline)
        self.patience = patience
        self.verbose = verbose
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.wait = 0
        self.stopped_epoch = 0
        self.best_epoch = 0
        self.best_weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Counts, keeps the best weights, and stops."""
        if epoch < self.start_from_epoch:
            return
        improved = self.improved(self.value(logs))
        if self.restore_best_weights and (improved or self.best_weights is None):
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait = 0 if improved else self.wait + 1
        # Keras waits for at least one epoch without progress, whatever the patience.
        if self.wait >= max(1, self.patience) and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Puts the best weights back, also where the run was not stopped early."""
        if self.restore_best_weights and self.best_weights is not None:
            self.model.set_weights(self.best_weights)
        if self.verbose and self.stopped_epoch:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")


class CSVLogger(Callback):
    """Writes a row an epoch, `epoch` first and the other figures by name; `append` goes on with an existing file."""

    def __init__(self, filename: str | Path, separator: str = ",", append: bool = False) -> None:
        self.filename = Path(filename)
        self.separator = separator
        self.append = append

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Empties the file, unless it is to be gone on with."""
        try:
            self.filename.parent.mkdir(parents=True, exist_ok=True)
            if not self.append:
                self.filename.write_text("", encoding="utf-8")
        except OSError as error:
            raise StorageError(f"The log {self.filename} cannot be written ({error}). Check the path.") from None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Writes a row, and the header where the file has none."""
        row = {"epoch": epoch, **dict(sorted((logs or {}).items()))}
        with self.filename.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row), delimiter=self.separator)
            if file.tell() == 0:
                writer.writeheader()
            writer.writerow(row)


class ModelCheckpoint(_Watching):
    """Saves the weights after every epoch, or those of the best; `{epoch:02d}` and figures may stand in the path.

    A whole model, as Keras saves it without `save_weights_only`, is weights and code; here it is the weights.
    """

    def __init__(
        self,
        filepath: str | Path,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        **_: Any,
    ) -> None:
        super().__init__(monitor, mode)
        self.filepath = str(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_freq = save_freq
        self._steps = 0

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Saves every `save_freq` steps, where that is a number."""
        self._steps += 1
        if isinstance(self.save_freq, int) and self._steps % self.save_freq == 0:
            self._save(0, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Saves, where this epoch is to be saved."""
        if self.save_freq == "epoch" and (not self.save_best_only or self.improved(self.value(logs))):
            self._save(epoch, logs or {})

    def _save(self, epoch: int, logs: Logs) -> None:
        try:
            path = self.filepath.format(epoch=epoch + 1, **logs)
        except (KeyError, IndexError) as error:
            raise RecipeError(
                f"The checkpoint's path {self.filepath!r} names {error}, which this run does not have. It has epoch, "
                f"{', '.join(logs)}."
            ) from None
        saved = self.model.save_weights(path)
        if self.verbose:
            print(f"Epoch {epoch + 1}: saved {saved}")


class TensorBoard(Callback):
    """Writes `epoch_loss` under train and validation of `log_dir`, as Keras names them; graphs are not written."""

    def __init__(self, log_dir: str | Path = "logs", **_: Any) -> None:
        self.log_dir = Path(log_dir)
        self._writers: dict[str, SummaryWriter] = {}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Writes the epoch's figures."""
        for name, value in (logs or {}).items():
            part, figure = ("validation", name.removeprefix("val_")) if name.startswith("val_") else ("train", name)
            if part not in self._writers:
                self._writers[part] = SummaryWriter(str(self.log_dir / part))
            self._writers[part].add_scalar(f"epoch_{figure}", value, epoch)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Closes the files."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}


def as_callback(given: Any) -> Any:
    """A callback of this module for a real Keras object of the same name; other objects with Keras's hooks as they are.

    Raises:
        RecipeError: an object without any of the hooks.
    """
    if isinstance(given, Callback):
        return given
    name = type(given).__name__
    if name in _FROM_KERAS:
        return _FROM_KERAS[name](given)
    if not any(hasattr(given, hook) for hook in _HOOKS):
        raise RecipeError(
            f"A callback came as {name}, without any of {', '.join(_HOOKS)}. Use EarlyStopping, CSVLogger, "
            "ModelCheckpoint or TensorBoard, Keras's or those of ocrsmith.compat.keras_ocr.callbacks, or your own."
        )
    return given


def _mode(given: Any) -> str:
    """Keras keeps the comparison that it chose, not the mode it was given."""
    operator = getattr(given, "monitor_op", None)
    if operator is not None:
        return "max" if operator(np.float64(1), np.float64(0)) else "min"
    return str(getattr(given, "mode", "auto"))


def _early_stopping(given: Any) -> EarlyStopping:
    return EarlyStopping(
        given.monitor,
        given.min_delta,
        given.patience,
        getattr(given, "verbose", 0),
        _mode(given),
        getattr(given, "baseline", None),
        given.restore_best_weights,
        getattr(given, "start_from_epoch", 0),
    )


def _csv_logger(given: Any) -> CSVLogger:
    return CSVLogger(given.filename, getattr(given, "sep", ","), given.append)


def _checkpoint(given: Any) -> ModelCheckpoint:
    return ModelCheckpoint(
        given.filepath,
        given.monitor,
        getattr(given, "verbose", 0),
        given.save_best_only,
        given.save_weights_only,
        _mode(given),
        getattr(given, "save_freq", "epoch"),
    )


def _tensor_board(given: Any) -> TensorBoard:
    return TensorBoard(given.log_dir)


_FROM_KERAS: dict[str, Any] = {
    "EarlyStopping": _early_stopping,
    "CSVLogger": _csv_logger,
    "ModelCheckpoint": _checkpoint,
    "TensorBoard": _tensor_board,
}


class CallbackList:
    """Calls a hook of every callback, those of others' classes included, in their order."""

    def __init__(self, callbacks: Any, model: Any, params: dict[str, Any]) -> None:
        given: Sequence[Any] = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks] if callbacks else []
        self.history = History()
        self.callbacks = [*(as_callback(callback) for callback in given), self.history]
        for callback in self.callbacks:
            for name, value in (("set_params", params), ("set_model", model)):
                if hasattr(callback, name):
                    getattr(callback, name)(value)

    def call(self, hook: str, *arguments: Any) -> None:
        """Calls `hook` where a callback has it.

        Raises:
            OcrsmithError: a callback of another class failed because it reaches for what only Keras has.
        """
        for callback in self.callbacks:
            method = getattr(callback, hook, None)
            if method is None:
                continue
            try:
                method(*arguments)
            except AttributeError as error:
                if isinstance(callback, Callback):
                    raise
                raise OcrsmithError(
                    f"The callback {type(callback).__name__} needs something that only Keras has ({error}). Write it "
                    "with model.get_weights, save_weights, optimizer.learning_rate and stop_training, or leave it out."
                ) from error
