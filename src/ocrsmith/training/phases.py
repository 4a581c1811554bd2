"""The two training phases of a run: world, batches, module and fit of one network each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from ocrsmith.data.batches import LineBatches
from ocrsmith.training.callbacks import LAST
from ocrsmith.training.detector import DetectorCollate, DetectorModule
from ocrsmith.training.fitting import FitResult, FitSettings, fit
from ocrsmith.training.loaders import BatchStream, CollateEach, first_batches
from ocrsmith.training.networks import NO_START
from ocrsmith.training.recipe import DetectorTable, NetworkTable, RecognizerTable
from ocrsmith.training.recognizer import RecognizerModule
from ocrsmith.training.run_state import RunState
from ocrsmith.training.schedule import Budget, WarmupCosine
from ocrsmith.training.worlds import Materials

# A worker makes so many batches at a time and sorts their lines by width.
LINE_POOL = 8


def fit_settings(table: NetworkTable, *, progress: bool, accelerator: str) -> FitSettings:
    """A table's numbers as the fit takes them."""
    return FitSettings(
        patience=table.patience,
        schedule=WarmupCosine(warmup_steps=table.warmup_steps),
        ema_decay=table.ema_decay or None,
        gradient_clip=table.gradient_clip,
        progress=progress,
        accelerator=accelerator,
    )


def train_recognizer(
    model: nn.Module,
    table: RecognizerTable,
    materials: Materials,
    budget: Budget,
    state: RunState,
    settings: FitSettings,
    *,
    workers: int,
    from_nothing: bool = False,
) -> tuple[FitResult, dict[str, int]]:
    """Fits the recogniser in the run's folder `recognizer`; also counts the lines that were refused, by cause."""
    folder = state.folder / "recognizer"
    assemble = LineBatches(model.alphabet, model.input, materials.recipe.seed)  # type: ignore[arg-type]
    validation = first_batches(
        materials.recognizer_world(table, "validation"),
        assemble,
        batch_size=table.batch_size,
        num_batches=-(-table.validation_samples // table.batch_size),
        batches_per_pool=LINE_POOL,
    )
    stream = BatchStream(
        materials.recognizer_world(table, "train"),
        assemble,
        batch_size=table.batch_size,
        steps_per_epoch=table.steps_per_epoch,
        batches_per_pool=LINE_POOL,
        workers=workers,
    )
    alignment = table.alignment if table.alignment is not None else (0.3 if table.start == NO_START else 0.0)
    module = RecognizerModule(
        model,
        learning_rate=table.learning_rate,
        weight_decay=table.weight_decay,
        alignment=alignment,
        freeze=table.freeze,
    )
    result = _fit(module, stream, validation, budget, folder, settings, state, from_nothing)
    return result, dict(module.refused)


def train_detector(
    model: nn.Module,
    table: DetectorTable,
    materials: Materials,
    budget: Budget,
    state: RunState,
    settings: FitSettings,
    *,
    workers: int,
    from_nothing: bool = False,
) -> FitResult:
    """Fits the detector in the run's folder `detector`."""
    folder = state.folder / "detector"
    assemble = CollateEach(DetectorCollate(model.kind, model.input))  # type: ignore[arg-type]
    validation = first_batches(
        materials.detector_world(table, "validation"),
        assemble,
        batch_size=table.batch_size,
        num_batches=-(-table.validation_samples // table.batch_size),
    )
    stream = BatchStream(
        materials.detector_world(table, "train"),
        assemble,
        batch_size=table.batch_size,
        steps_per_epoch=table.steps_per_epoch,
        workers=workers,
    )
    module = DetectorModule(
        model, learning_rate=table.learning_rate, weight_decay=table.weight_decay, freeze=table.freeze
    )
    return _fit(module, stream, validation, budget, folder, settings, state, from_nothing)


def _fit(
    module: RecognizerModule | DetectorModule,
    stream: BatchStream[Any],
    validation: Sequence[Any],
    budget: Budget,
    folder: Path,
    settings: FitSettings,
    state: RunState,
    from_nothing: bool,
) -> FitResult:
    key = f"{folder.name}_start_score"
    resuming = (folder / f"{LAST}.ckpt").is_file() and (from_nothing or key in state.notes)
    return fit(
        module,
        stream,
        validation,
        budget,
        folder,
        settings,
        start_score=state.notes.get(key) if resuming else None,
        from_nothing=from_nothing,
        resume=resuming,
        on_start_score=lambda score: state.note(key, score),
    )
