"""Fitting one network: the Trainer, its budget, resuming, and the rule that nobody ends worse than they started."""

from __future__ import annotations

import dataclasses
import logging
import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, Timer
from torch import Tensor, nn

from ocrsmith.errors import OcrsmithError
from ocrsmith.memory import kept_memory
from ocrsmith.training.callbacks import BEST, LAST, make_callbacks, make_loggers
from ocrsmith.training.history import DEVELOPMENT_SECONDS, read_best, read_history, write_history
from ocrsmith.training.loaders import BatchStream, KeptBatches
from ocrsmith.training.mixing import Mixing, Mixture, State
from ocrsmith.training.schedule import Budget, WarmupCosine


@dataclass(frozen=True)
class FitSettings:
    """How a network is fitted; flat values that a recipe gives.

    Attributes:
        patience: validations without a better score before the run stops.
        ema_decay: of the weights' moving mean; None validates and keeps the weights as they are.
        precision: "auto" takes bfloat16 where the machine computes in it; else Lightning's own names.
        checkpoint_minutes: between two last.ckpt.
        seed: of what the network itself draws, such as dropout.
    """

    patience: int = 25
    schedule: WarmupCosine = field(default_factory=WarmupCosine)
    ema_decay: float | None = 0.999
    precision: str = "auto"
    gradient_clip: float = 5.0
    checkpoint_minutes: float = 2.0
    seed: int = 0
    accelerator: str = "auto"
    progress: bool = True


@dataclass(frozen=True)
class FitResult:
    """What a fit came to. Scores are of `validation_score`, higher is better.

    Attributes:
        start_score: of the first weights, None where they were random; best_score: the best seen while training, or
            that of the chosen mixture.
        kept_start: the training's best was worse, and the start weights were put back.
        stopped: why it ended: "budget", "patience", or "steps".
        mixture: how much of the weights is the tuned ones, the rest being the start's.
        mixtures: `Mixture.to_dict` of all that were tried.
        history: one dictionary a row of metrics.csv, numbers only.
    """

    start_score: float | None
    best_score: float
    kept_start: bool
    steps: int
    seconds: float
    stopped: str
    mixture: float = 1.0
    mixtures: tuple[dict[str, float], ...] = ()
    history: tuple[dict[str, float], ...] = ()

    @property
    def score(self) -> float:
        """Of the weights that the network has now."""
        return self.start_score if self.kept_start and self.start_score is not None else self.best_score

    def to_dict(self) -> dict[str, Any]:
        """As run.json keeps it: without its history, which metrics.csv has."""
        return {**dataclasses.asdict(self), "history": ()}


def fit(
    module: pl.LightningModule,
    stream: BatchStream[Any],
    validation: Sequence[Any],
    budget: Budget,
    folder: Path,
    settings: FitSettings,
    *,
    start_score: float | None = None,
    from_nothing: bool = False,
    on_start_score: Callable[[float], None] = lambda score: None,
    callbacks: Sequence[pl.Callback] = (),
    mixing: Mixing | None = None,
) -> FitResult:
    """Trains `module.model` until the budget or the patience ends, and leaves it with the best weights seen.

    The module logs `validation_score`, higher is better, and `validation_forgotten` for a mixing. Where the folder
    holds last.ckpt of a killed run, that run goes on at its step with the batches it would have seen.

    Args:
        stream: training batches, whose `position` this sets; its length is the time between validations.
        validation: batches, gone through whole at each validation.
        start_score: of the start weights, if a run before this one took it; else it is taken now.
        from_nothing: the start is random, so that there is nothing to measure or to keep.
        on_start_score: is told the start's score before training, so that a killed run need not take it again.
        callbacks: beside those that every fit has.
        mixing: mixtures of the start's and the best weights to try at the end; the time of it is taken off the budget.
    """
    module.to(memory_format=torch.channels_last)
    start_state = clone_state(module.model)  # type: ignore[arg-type]
    last = folder / f"{LAST}.ckpt"
    trainer = make_trainer(folder, budget, settings, callbacks)
    with calm_lightning(), kept_memory():
        if start_score is None and not from_nothing:
            began = time.monotonic()
            scores = _scores(trainer, module, validation)
            start_score = scores["validation_score"]
            on_start_score(start_score)
            if mixing is not None and budget.seconds is not None:
                # Mixtures are not read on development sets.
                took = time.monotonic() - began - scores.get(DEVELOPMENT_SECONDS, 0.0)
                budget = budget.less(len(mixing.shares) * took)
                trainer = make_trainer(folder, budget, settings, callbacks)
        # A Trainer leaves the modes that it finds; a module's own `train` keeps its frozen part in evaluation.
        module.train()
        stream.position = lambda: trainer.global_step
        try:
            trainer.fit(
                module,
                stream,
                KeptBatches(validation),
                ckpt_path=last if last.is_file() else None,
                weights_only=True,
            )
        finally:
            stream.close()
    if trainer.interrupted:
        raise KeyboardInterrupt
    model: nn.Module = module.model  # type: ignore[assignment]
    best = folder / f"{BEST}.ckpt"
    tuned = read_best(best) if best.is_file() else None
    tried: list[Mixture] = []
    chosen = Mixture(1.0, tuned[1]) if tuned is not None else None
    if mixing is not None and tuned is not None and start_score is not None:
        tried = _try_mixtures(module, mixing, start_state, tuned[0], validation, settings)
        chosen = mixing.choose(tried, start_score)
    kept_start = start_score is not None and (chosen is None or chosen.score < start_score)
    if kept_start:
        model.load_state_dict(start_state)
    elif tuned is not None and chosen is not None:
        model.load_state_dict((mixing or Mixing()).mixed(start_state, tuned[0], chosen.share))
    model.eval()
    return _result(trainer, folder, start_score, chosen, kept_start, tried)


def _scores(trainer: pl.Trainer, module: pl.LightningModule, validation: Sequence[Any]) -> dict[str, float]:
    """What the module logs of its weights as they are."""
    scores = trainer.validate(module, KeptBatches(validation), verbose=False)
    if trainer.interrupted:
        raise KeyboardInterrupt
    return {name: float(value) for name, value in scores[0].items()}


def _try_mixtures(
    module: pl.LightningModule,
    mixing: Mixing,
    start: State,
    tuned: State,
    validation: Sequence[Any],
    settings: FitSettings,
) -> list[Mixture]:
    """Every mixture with its scores; the module is left with the last."""
    tried = []
    with calm_lightning():
        # One without callbacks: the averages of the training would stand in for the mixture.
        trainer = pl.Trainer(
            accelerator=settings.accelerator,
            devices=1,
            precision=choose_precision(settings.precision, settings.accelerator),  # type: ignore[arg-type]
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        for share in mixing.shares:
            module.model.load_state_dict(mixing.mixed(start, tuned, share))  # type: ignore[union-attr]
            scores = _scores(trainer, module, validation)
            tried.append(Mixture(share, scores["validation_score"], scores["validation_forgotten"]))
    return tried


def make_trainer(
    folder: Path, budget: Budget, settings: FitSettings, callbacks: Sequence[pl.Callback] = ()
) -> pl.Trainer:
    """The Trainer of one phase."""
    folder.mkdir(parents=True, exist_ok=True)
    with calm_lightning():
        return pl.Trainer(
            accelerator=settings.accelerator,
            devices=1,
            precision=choose_precision(settings.precision, settings.accelerator),  # type: ignore[arg-type]
            max_steps=budget.steps or -1,
            max_epochs=-1,
            gradient_clip_val=settings.gradient_clip,
            callbacks=[
                *callbacks,
                *make_callbacks(
                    folder,
                    budget,
                    patience=settings.patience,
                    schedule=settings.schedule,
                    ema_decay=settings.ema_decay,
                    checkpoint_minutes=settings.checkpoint_minutes,
                    seed=settings.seed,
                    progress=settings.progress,
                ),
            ],
            logger=make_loggers(folder),
            enable_progress_bar=settings.progress,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            log_every_n_steps=20,
        )


def _result(
    trainer: pl.Trainer,
    folder: Path,
    start_score: float | None,
    chosen: Mixture | None,
    kept_start: bool,
    tried: Sequence[Mixture],
) -> FitResult:
    timer = next(c for c in trainer.callbacks if isinstance(c, Timer))  # type: ignore[attr-defined]
    stopper = next(c for c in trainer.callbacks if isinstance(c, EarlyStopping))  # type: ignore[attr-defined]
    by_patience = stopper.wait_count >= stopper.patience
    by_steps = 0 < trainer.max_steps <= trainer.global_step
    history = read_history(folder)
    write_history(folder, history)
    return FitResult(
        start_score=start_score,
        best_score=-math.inf if chosen is None else chosen.score,
        kept_start=kept_start,
        steps=trainer.global_step,
        seconds=float(timer.time_elapsed()),
        stopped="patience" if by_patience else "steps" if by_steps else "budget",
        mixture=1.0 if chosen is None else chosen.share,
        mixtures=tuple(one.to_dict() for one in tried),
        history=history,
    )


def clone_state(model: nn.Module) -> State:
    """A copy of a network's state on the CPU that training does not touch."""
    return {key: value.detach().cpu().clone() for key, value in model.state_dict().items()}


def choose_precision(wanted: str, accelerator: str) -> str:
    """Lightning's name for the precision: bfloat16 where the machine computes in it, else float32."""
    if wanted != "auto":
        return wanted
    if accelerator != "cpu" and torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    # PyTorch 2.11 and newer name the processor's abilities here.
    abilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return "bf16-mixed" if abilities.get("avx512_bf16") or abilities.get("amx_bf16") else "32-true"


def check_finite(loss: Tensor, step: int, every: int = 50) -> None:
    """Raises OcrsmithError where the loss is not a number; on an accelerator, which waits for it, every so often."""
    if (loss.device.type == "cpu" or step % every == 0) and not torch.isfinite(loss.detach()):
        raise OcrsmithError(
            f"The training loss became {float(loss)} at step {step}. Lower learning_rate or gradient_clip; "
            "the best checkpoint so far is kept, and the run resumes from the last one."
        )


class calm_lightning(warnings.catch_warnings):
    """Silences the Trainer's advice on machines and loaders; its errors stay."""

    def __enter__(self) -> Any:
        entered = super().__enter__()
        for name in ("pytorch_lightning", "lightning_fabric", "pytorch_lightning.utilities.rank_zero"):
            logging.getLogger(name).setLevel(logging.ERROR)
        # Our streams are no DataLoaders, so advice on their workers is beside the point; the rest names old folders.
        for category in (UserWarning, FutureWarning, DeprecationWarning):
            warnings.filterwarnings(
                "ignore", category=category, module=r"(pytorch_lightning|lightning_fabric|torch)\..*"
            )
        return entered
