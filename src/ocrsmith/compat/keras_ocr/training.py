"""`fit` as Keras scripts call it, driven by Lightning: batches from generators or arrays, callbacks, a history."""

from __future__ import annotations

import tempfile
import time
import warnings
from typing import Any, Protocol

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from ocrsmith.compat.keras_ocr.callbacks import CallbackList, CSVLogger, EarlyStopping, History, ModelCheckpoint
from ocrsmith.compat.keras_ocr.feeds import Feed, make_feed, split_arrays
from ocrsmith.compat.keras_ocr.optimizers import OptimizerSettings
from ocrsmith.errors import InputError
from ocrsmith.training.fitting import calm_lightning, check_finite, choose_precision

__all__ = ["CSVLogger", "EarlyStopping", "History", "ModelCheckpoint", "evaluate", "fit"]


class Trainable(Protocol):
    """What `fit` needs of a model; `keras_model.KerasModel` is one."""

    network: nn.Module
    optimizer: OptimizerSettings | None
    stop_training: bool
    history: Any

    def batch_loss(self, batch: Any) -> Tensor:
        """The loss of a batch."""
        ...

    def torch_optimizer(self) -> torch.optim.Optimizer:
        """The optimiser over what is trainable."""
        ...


def default_device() -> torch.device:
    """The GPU where PyTorch has one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def mixed_precision(device: torch.device) -> torch.autocast:
    """The precision that `fit` trains in, for a step outside of it: bfloat16 where the machine computes in it."""
    wanted = choose_precision("auto", "gpu" if device.type == "cuda" else "cpu")
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted == "bf16-mixed")


class FitModule(pl.LightningModule):
    """A model's loss and optimiser for Lightning's Trainer; it gathers the epoch's mean losses."""

    def __init__(self, model: Trainable) -> None:
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
        trainer.should_stop = trainer.should_stop or pl_module.facade.stop_training or self.feed.ran_out


def fit(
    model: Trainable,
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
        x, y, sample_weight, validation_data = split_arrays(x, y, sample_weight, validation_split)
    ahead = max(0, int(max_queue_size)) if workers else 0
    feed = make_feed(x, y, sample_weight, batch_size, shuffle, steps_per_epoch, ahead, "steps_per_epoch")
    validation = None
    if validation_data is not None:
        # Drawn between epochs, never ahead: a script may give training and validation one generator underneath.
        parts = validation_data if isinstance(validation_data, tuple) else (validation_data, None)
        size = validation_batch_size or batch_size
        validation = make_feed(
            parts[0], parts[1], (*parts, None)[2], size, False, validation_steps, 0, "validation_steps"
        )
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
    if feed.ran_out:
        warnings.warn("The generator ran out of batches; training ended there. Give one without end.", stacklevel=3)
    model.network.eval()
    model.history = listed.history
    return listed.history


def evaluate(model: Trainable, x: Any = None, y: Any = None, steps: int | None = None, **settings: Any) -> float:
    """The mean loss over `steps` batches, without training; raises InputError as `fit` does."""
    feed = make_feed(x, y, settings.get("sample_weight"), settings.get("batch_size"), False, steps, 0, "steps")
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
