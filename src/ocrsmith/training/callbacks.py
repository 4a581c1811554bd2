"""What happens around a training step: weight averaging, learning rate, stopping, checkpoints, logs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import (
    Callback,
    EarlyStopping,
    ModelCheckpoint,
    RichProgressBar,
    Timer,
    WeightAveraging,
)
from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger
from torch import Tensor, nn

from ocrsmith.training.schedule import Budget, WarmupCosine

BEST = "best"
LAST = "last"
CSV_FOLDER = "csv"


class ScheduleByBudget(Callback):
    """Sets the learning rate before every step from the share of the budget that is used up."""

    def __init__(self, schedule: WarmupCosine, budget: Budget, timer: Timer) -> None:
        self.schedule = schedule
        self.budget = budget
        self.timer = timer
        self.used = 0.0

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Multiplies each group's first learning rate by the schedule's factor."""
        step = trainer.global_step
        self.used = self.budget.used(step, float(self.timer.time_elapsed()))
        pl_module.budget_used = self.used  # type: ignore[assignment]
        factor = self.schedule.factor(step, self.used)
        for optimizer in trainer.optimizers:
            for group in optimizer.param_groups:
                group.setdefault("peak_lr", group["lr"])
                group["lr"] = group["peak_lr"] * factor
        pl_module.log("learning_rate", trainer.optimizers[0].param_groups[0]["lr"], batch_size=1)


class SeedByStep(Callback):
    """Seeds PyTorch before every step by the run's seed and the step, so that dropout draws the same after a kill."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Sets the state of every device's generator."""
        state = np.random.SeedSequence([self.seed, trainer.global_step]).generate_state(1, np.uint64)
        torch.manual_seed(int(state[0]))


def ema_with_warmup(decay: float) -> Any:
    """An averaging function for `WeightAveraging`: an exponential moving mean whose memory grows with the run.

    Step n uses min(decay, (1 + n) / (10 + n)), as in TensorFlow's `ExponentialMovingAverage(num_updates=...)`, so that
    a short run does not end with the mean still at its start. Whole numbers (counters) are copied.
    """

    def average(averaged: Sequence[Tensor], current: Sequence[Tensor], num_averaged: Tensor | int) -> None:
        number = int(num_averaged)
        weight = 1.0 - min(decay, (1 + number) / (10 + number))
        if torch.is_floating_point(averaged[0]):
            torch._foreach_lerp_(list(averaged), list(current), weight)
        else:
            for mean, value in zip(averaged, current, strict=True):
                mean.copy_(value)

    return average


class PresentNetwork(Callback):
    """Gives the module's network as a validation would see it now: the averaged weights where there are some."""

    def __init__(self) -> None:
        self._trainer: pl.Trainer | None = None

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Remembers whose network it is."""
        self._trainer = trainer

    def __call__(self) -> nn.Module:
        """The network itself, not a copy; raises RuntimeError before a Trainer has begun."""
        if self._trainer is None:
            raise RuntimeError("The present network was asked for before a Trainer had begun.")
        module: Any = self._trainer.lightning_module
        for callback in self._trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, WeightAveraging) and callback._average_model is not None:
                module = callback._average_model.module
        network: nn.Module = module.model
        return network


class Bar(RichProgressBar):
    """Lightning's bar, without counting down epochs of a run that time or patience ends."""

    def _get_train_description(self, current_epoch: int) -> str:
        return f"Round {current_epoch + 1}"

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        """The logged figures, without the logger's version."""
        return {key: value for key, value in super().get_metrics(trainer, pl_module).items() if key != "v_num"}


def make_callbacks(
    folder: Path,
    budget: Budget,
    *,
    patience: int,
    schedule: WarmupCosine,
    ema_decay: float | None,
    checkpoint_minutes: float,
    seed: int,
    progress: bool,
) -> list[Callback]:
    """The callbacks of one phase, which writes into `folder`: best.ckpt, last.ckpt.

    The averaged weights stand in while a validation runs, so early stopping and the best checkpoint judge what ships.
    """
    timer = Timer(timedelta(seconds=budget.seconds) if budget.seconds else None, interval="step", verbose=False)
    callbacks: list[Callback] = [timer, ScheduleByBudget(schedule, budget, timer), SeedByStep(seed)]
    if ema_decay is not None:
        callbacks.append(WeightAveraging(multi_avg_fn=ema_with_warmup(ema_decay)))
    callbacks += [
        EarlyStopping("validation_score", mode="max", patience=patience, check_finite=False),
        ModelCheckpoint(
            folder, BEST, monitor="validation_score", mode="max", save_top_k=1, enable_version_counter=False
        ),
        ModelCheckpoint(
            folder, LAST, train_time_interval=timedelta(minutes=checkpoint_minutes), enable_version_counter=False
        ),
    ]
    if progress:
        callbacks.append(Bar(leave=False))
    return callbacks


def make_loggers(folder: Path) -> list[Logger]:
    """A CSV file and TensorBoard's files under `folder`; a resumed run opens a new version of the first.

    Rows are written as they come: a checkpoint after a validation whose row was not would have it lost for good.
    """
    return [
        CSVLogger(folder, name=CSV_FOLDER, flush_logs_every_n_steps=1),
        TensorBoardLogger(folder, name="", version="tensorboard"),
    ]
