"""The two training phases of a run: world, batches, module and fit of one network each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback
from torch import nn

from ocrsmith.data.batches import LineBatches
from ocrsmith.reading.craft_maps import CraftThresholds
from ocrsmith.reading.db_maps import DbThresholds
from ocrsmith.reading.scaling import ScaleRule
from ocrsmith.synth.world import Tally
from ocrsmith.training.callbacks import BEST, LAST, PresentNetwork
from ocrsmith.training.detector import DetectorCollate, DetectorModule
from ocrsmith.training.development import Development, development_lines, development_pages
from ocrsmith.training.fitting import FitResult, FitSettings, fit
from ocrsmith.training.loaders import BatchStream, CollateEach, first_batches
from ocrsmith.training.long_lines import LongLines
from ocrsmith.training.mixing import Mixing
from ocrsmith.training.network_tables import DetectorTable, NetworkTable, RecognizerTable
from ocrsmith.training.networks import NO_START
from ocrsmith.training.real import kept_names
from ocrsmith.training.real_parts import RealLineParts, page_rounds, page_validation
from ocrsmith.training.recognizer import RecognizerModule
from ocrsmith.training.rounds import Rounds
from ocrsmith.training.run_state import RunState
from ocrsmith.training.schedule import Budget, WarmupCosine
from ocrsmith.training.scoring import Memory
from ocrsmith.training.worlds import Materials

# A worker makes so many batches at a time and sorts their lines by width.
LINE_POOL = 8
# The pieces of a recogniser's long real lines, in its folder; and the note that they are this run's.
LONG_LINES, _LONG_LINES_CUT = "long_lines.json", "recognizer_long_lines_cut"

# Shares that are tried behind a training on real pictures which names none.
REAL_MIXTURES = (1.0, 0.75, 0.5, 0.3)

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training phase came to.

    Attributes:
        refused: lines that the alphabet or the network's input refused, by cause.
        drawn: what the synthetic world drew and refused in this life of the run, somewhat ahead of the training.
    """

    fit: FitResult
    refused: dict[str, int]
    drawn: Tally


def fit_settings(table: NetworkTable, seed: int, *, progress: bool, accelerator: str) -> FitSettings:
    """A table's numbers as the fit takes them, and the recipe's seed."""
    return FitSettings(
        patience=table.patience,
        schedule=WarmupCosine(warmup_steps=table.warmup_steps),
        ema_decay=table.ema_decay or None,
        gradient_clip=table.gradient_clip,
        checkpoint_minutes=table.checkpoint_minutes,
        seed=seed,
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
    say: Say = lambda text: None,
    new_characters: Sequence[str] = (),
) -> Trained:
    """Fits the recogniser in the run's folder `recognizer`; the start did not write `new_characters`."""
    folder = state.folder / "recognizer"
    assemble = LineBatches(model.alphabet, model.input, materials.recipe.seed)  # type: ignore[arg-type]
    validation = first_batches(
        materials.recognizer_world(table, "validation"),
        assemble,
        batch_size=table.batch_size,
        num_batches=-(-table.validation_samples // table.batch_size),
        batches_per_pool=LINE_POOL,
    )
    long_lines = None if from_nothing else _long_lines(model, new_characters, state)
    cut_long = {} if long_lines is None else {"cut_long": long_lines.cut}
    real = RealLineParts(materials, table, model.alphabet, model.input, **cut_long)  # type: ignore[arg-type]
    for sentence in real.told:
        say(sentence)
    world = materials.recognizer_world(table, "train")
    stream = BatchStream(
        real.mixed(world),
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
        learning_rate_factors=table.learning_rate_factors,
        memory=Memory(table.may_forget, kept_names(materials.real_lines)),
        distill=table.distill,
        keep_statistics=table.keep_statistics,
    )
    validation += real.validation_batches(table.batch_size, table.validation_samples)
    if long_lines is not None and long_lines.seconds:
        long_lines.save(folder / LONG_LINES)
        state.note(_LONG_LINES_CUT, True)
        budget = budget.less(long_lines.seconds)
    # A character's id is its place behind the blank.
    known = {character: number for number, character in enumerate(materials.alphabet.characters, 1)}
    new_classes = tuple(known[character] for character in new_characters)
    mixing = None if from_nothing else _mixing(table, new_classes)
    sets = development_lines(materials.recipe, model.input, table.batch_size)  # type: ignore[arg-type]
    watch = [Development(sets)]
    result = _fit(module, stream, validation, budget, folder, settings, state, from_nothing, mixing, watch)
    return Trained(result, dict(module.refused + real.refused), world.tally)


def _long_lines(model: nn.Module, new_characters: Sequence[str], state: RunState) -> LongLines:
    """What cuts lines wider than the network's input, with the pieces of this run's lives before."""
    long_lines = LongLines(model, new_characters)
    # A file without the note is of a run before this one, which was started over.
    if _LONG_LINES_CUT in state.notes:
        long_lines.load(state.folder / "recognizer" / LONG_LINES)
    return long_lines


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
    say: Say = lambda text: None,
    reading: Mapping[str, Any] | None = None,
) -> Trained:
    """Fits the detector in the run's folder `detector`; with real pages of words, those are labelled round by round.

    `reading` is what the bundle will say of it, see `DetectorTable.reading`.
    """
    reading = table.reading() if reading is None else reading
    thresholds = CraftThresholds if model.kind == "craft" else DbThresholds
    rule = ScaleRule(**reading.get("scale", {}))
    folder = state.folder / "detector"
    collate = DetectorCollate(model.kind, model.input)  # type: ignore[arg-type]
    assemble = CollateEach(collate)
    validation = first_batches(
        materials.detector_world(table, "validation"),
        assemble,
        batch_size=table.batch_size,
        num_batches=-(-table.validation_samples // table.batch_size),
    )
    module = DetectorModule(
        model,
        learning_rate=table.learning_rate,
        weight_decay=table.weight_decay,
        freeze=table.freeze,
        thresholds=thresholds(**reading.get("thresholds", {})),
        learning_rate_factors=table.learning_rate_factors,
        negative_ratio=table.negative_ratio,
        min_negatives=table.min_negatives,
        memory=Memory(table.may_forget, kept_names(materials.real_pages)),
    )
    present = PresentNetwork()
    synthetic = materials.detector_world(table, "train")
    world: Any = synthetic
    rounds: Rounds | None = None
    if materials.real_pages:
        rounds = page_rounds(materials, table, synthetic, module, rule, folder / "labels", present, say)
        world = rounds.world_at(0) if not rounds.change else world
        validation += page_validation(materials.real_pages, rule, collate, table.validation_samples)
    stream = BatchStream(
        world,
        assemble,
        batch_size=table.batch_size,
        steps_per_epoch=table.steps_per_epoch,
        workers=workers,
        world_at=rounds.world_at if rounds is not None and rounds.change else None,
    )
    mixing = None if from_nothing else _mixing(table)
    watch = [present, Development(development_pages(materials.recipe, rule, collate))]
    result = _fit(module, stream, validation, budget, folder, settings, state, from_nothing, mixing, watch)
    return Trained(result, {}, synthetic.tally)


def _mixing(table: NetworkTable, new_classes: tuple[int, ...] = ()) -> Mixing | None:
    """What a table says of mixtures; where it says nothing, real pictures are what may cost something old."""
    shares = table.mixtures or (REAL_MIXTURES if table.real else None)
    return None if shares is None else Mixing(shares, bool(table.keep), new_classes)


def _fit(
    module: RecognizerModule | DetectorModule,
    stream: BatchStream[Any],
    validation: Sequence[Any],
    budget: Budget,
    folder: Path,
    settings: FitSettings,
    state: RunState,
    from_nothing: bool,
    mixing: Mixing | None,
    callbacks: Sequence[Callback] = (),
) -> FitResult:
    begun, key, remembered = (f"{folder.name}_{what}" for what in ("begun", "start_score", "start_old_scores"))
    # A checkpoint may also lie there from a run before this one, which was started over.
    resuming = begun in state.notes and (folder / f"{LAST}.ckpt").is_file() and (from_nothing or key in state.notes)
    if not resuming:
        for name in (LAST, BEST):
            (folder / f"{name}.ckpt").unlink(missing_ok=True)
        state.note(begun, True)
    if resuming:
        module.memory.start = state.notes.get(remembered)

    def note_start(score: float) -> None:
        module.memory.start = dict(module.memory.last)
        state.note(remembered, module.memory.start)
        state.note(key, score)

    return fit(
        module,
        stream,
        validation,
        budget,
        folder,
        settings,
        start_score=state.notes.get(key) if resuming else None,
        from_nothing=from_nothing,
        on_start_score=note_start,
        callbacks=callbacks,
        mixing=mixing,
    )
