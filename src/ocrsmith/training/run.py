"""The main path: a recipe goes in, a measured bundle with its report comes out. `train` is all of it.

    prepare    fonts, backgrounds, worlds; sheets of samples to look at
    before     the start weights' scores, on held-out synthetic samples and on the recipe's real pictures
    detector   trained within its share of the minutes
    recognizer trained within the rest
    export     the bundle, proved against PyTorch, its confidences set right on held-out lines
    after      the bundle's scores
    report     one HTML page, and the table on the terminal

Each phase is noted in run.json when it is through; a run that was killed goes on at the phase, and within a training at
the step, where it was.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from rich.console import Console

from ocrsmith.errors import WeightsError
from ocrsmith.evaluation.report import ScoreRow, write_report
from ocrsmith.evaluation.result import EvaluationResult
from ocrsmith.export.bundle import export_bundle
from ocrsmith.models.weights import load_start_weights, save_weights
from ocrsmith.reading.bundle import SUFFIX
from ocrsmith.training.cards import add_scores
from ocrsmith.training.development import check_development
from ocrsmith.training.exporting import TOLD, export_trained
from ocrsmith.training.fitting import FitResult
from ocrsmith.training.loaders import default_workers, threads_beside
from ocrsmith.training.measuring import Scores, TestSet, measure, rows, test_sets, to_scores
from ocrsmith.training.network_tables import DetectorTable, NetworkTable, RecognizerTable
from ocrsmith.training.networks import NO_START, Role, StartedNetwork
from ocrsmith.training.phases import Trained, fit_settings, train_detector, train_recognizer
from ocrsmith.training.previews import write_previews
from ocrsmith.training.recipe import Recipe
from ocrsmith.training.recipe_changes import with_pictures, with_real, with_start
from ocrsmith.training.recipe_loading import load_recipe
from ocrsmith.training.run_networks import ROLES, networks_to_export, start_networks
from ocrsmith.training.run_report import print_summary, record_of
from ocrsmith.training.run_state import RunState
from ocrsmith.training.schedule import Budget, training_seconds
from ocrsmith.training.worlds import Materials


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a run came to.

    Attributes:
        bundle, report: the files. scores: every figure before and after.
        fits: by role; a network whose share was 0 has none.
        warnings: what the user must know: kept starts, and sets on which the result is worse.
    """

    folder: Path
    bundle: Path
    report: Path
    scores: tuple[ScoreRow, ...]
    fits: dict[str, FitResult]
    warnings: tuple[str, ...]
    seconds: float


def train(
    recipe: Recipe | str | Path,
    out_dir: str | Path | None = None,
    *,
    minutes: float | None = None,
    workers: int | None = None,
    resume: bool = True,
    accelerator: str = "auto",
    progress: bool = True,
    pictures: Sequence[str | Path] = (),
    real: Sequence[str | Path] = (),
    start: str | Path | None = None,
) -> RunResult:
    """Runs a recipe from its fonts to its bundle.

    Args:
        recipe: a recipe, its file, or the name of a packaged one.
        out_dir: everything is written there; `runs/NAME` by default.
        minutes: for everything together; the recipe's own by default.
        workers: processes that make samples; by default the recipe says, else all processors but one. It changes none.
        resume: go on with a run of the same recipe in the folder; False starts over.
        accelerator: "auto", "cpu" or "gpu", as Lightning has it.
        progress: bars and a table on the terminal.
        pictures: folders of labelled real pictures to measure on, before and after, beside the recipe's own.
        real: folders of labelled real pictures to train on, half of the samples between them, instead of the recipe's
            own; whole pictures for both networks, crops for the recogniser.
        start: of every network of the recipe, instead of its own: a bundle, or start weights by name.

    Raises:
        RecipeError: mistakes in the recipe, or another recipe's run in the folder.
        FontError, InputError, SynthesisError, TextDoesNotFitError: the world cannot be made of what is there.
        WeightsError, BundleError: the start does not fit.
        StorageError: the folder cannot be written.
    """
    loaded = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    if minutes is not None:
        loaded = loaded.model_copy(update={"minutes": minutes})
    loaded = with_start(with_real(with_pictures(loaded, pictures), real), start)
    folder = Path(out_dir) if out_dir is not None else Path("runs") / loaded.name
    run = _Run(loaded, folder, workers, resume, accelerator, progress)
    return run.all()


class _Run:
    """The phases, and what they hand on."""

    def __init__(
        self, recipe: Recipe, folder: Path, workers: int | None, resume: bool, accelerator: str, progress: bool
    ) -> None:
        self.recipe = recipe
        self.folder = folder
        self.state = RunState.open(folder, recipe, resume=resume)
        self.workers = workers
        self.accelerator = accelerator
        self.progress = progress
        self.console = Console(quiet=not progress)
        self.began = time.monotonic()
        self.spent_before = self.state.seconds
        self.materials = Materials(recipe)
        # New networks and new rows of a head are drawn at random: the same in every life of the run.
        pl.seed_everything(recipe.seed, verbose=False)
        self.networks = start_networks(recipe, self.materials.alphabet)
        self._sets: list[TestSet] | None = None

    def table(self, role: Role) -> NetworkTable | None:
        """The recipe's table of a network."""
        return getattr(self.recipe, role)

    @property
    def seconds(self) -> float:
        """Spent so far, over all lives."""
        return self.spent_before + time.monotonic() - self.began

    @property
    def sets(self) -> list[TestSet]:
        """What is measured on; made when it is first needed."""
        if self._sets is None:
            self._sets = test_sets(self.recipe, self.materials)
        return self._sets

    def all(self) -> RunResult:
        """Every phase that is not through yet."""
        check_development(self.recipe)
        if "prepare" not in self.state.phases:
            self._finish("prepare", self._prepare())
        if "before" not in self.state.phases:
            self._finish("before", {"scores": self._before()})
        for role in self.networks:
            self._train(role)
        bundle = self.folder / f"{self.recipe.export.name or self.recipe.name}{SUFFIX}"
        if "export" not in self.state.phases or not bundle.is_file():
            self._say("Exporting the bundle")
            left = export_trained(bundle, self.recipe, self.networks, self.fits(), self.materials, lambda: self.seconds)
            for told in (left[key] for key in TOLD if key in left):
                self.console.print(f"  {told}")
            self._finish("export", left)
        return self._conclude(bundle)

    def _finish(self, phase: str, left: dict[str, Any]) -> None:
        self.state.phases[phase] = left
        self.state.seconds = self.seconds
        self.state.save()

    def _say(self, text: str) -> None:
        self.console.print(f"[bold]{text}[/bold]  [dim]{self.seconds:.0f} s[/dim]")

    def _tell(self, text: str) -> None:
        """Says it, and keeps it for the report."""
        self.console.print(f"  {text}")
        told = self.state.notes.setdefault("told", [])
        if text not in told:
            self.state.note("told", [*told, text])

    def _prepare(self) -> dict[str, Any]:
        self._say(f"Preparing {self.recipe.name}: {len(self.materials.fonts.faces)} fonts")
        for role, network in self.networks.items():
            self.console.print(f"  {role}: {network.name} {network.start}")
        for sentence in self.materials.told():
            self.console.print(f"  {sentence}")
        previews = write_previews(self.folder / "samples", self.recipe, self.materials)
        return {"fonts": len(self.materials.fonts.faces), "samples": [str(path.name) for path in previews]}

    def _before(self) -> Scores:
        """Scores of the networks that start from something; a random network's would say nothing and take long."""
        started = {role: network for role, network in self.networks.items() if network.start.source != NO_START}
        if "recognizer" not in started and (self.recipe.recognizer is not None or not started):
            return {}
        self._say("Measuring the start")
        bundle = self.folder / f"start{SUFFIX}"
        parts = networks_to_export(self.recipe, started)
        export_bundle(
            bundle,
            detector=parts.get("detector"),
            recognizer=parts.get("recognizer"),
            whole_if_empty=self.recipe.export.whole_if_empty,
        )
        return to_scores(measure(bundle, self.sets))

    def _train(self, role: Role) -> None:
        network = self.networks[role]
        weights = self.folder / role / "model.safetensors"
        if role in self.state.phases:
            if weights.is_file():
                load_start_weights(network.model, weights)
                return
            raise WeightsError(
                f"{weights} is gone, though the run is past it. Start over with resume=False (--restart)."
            )
        table = self.table(role)
        assert table is not None
        left: dict[str, Any] = {}
        if table.share > 0:
            budget = Budget(steps=table.steps, seconds=self._budget_seconds(role))
            self._say(f"Training the {role}: {network.name} {network.start}, {budget.seconds:.0f} s")
            trained = self._fit(role, network, table, budget)
            left = {
                "fit": trained.fit.to_dict(),
                "refused": trained.refused,
                "drawn": trained.drawn.to_dict(),
            }
        save_weights(network.model, weights)
        self._finish(role, left)

    def _fit(self, role: Role, network: StartedNetwork, table: NetworkTable, budget: Budget) -> Trained:
        given = (self.materials, budget, self.state)
        settings = fit_settings(table, self.recipe.seed, progress=self.progress, accelerator=self.accelerator)
        asked = self.workers if self.workers is not None else table.workers
        workers = default_workers() if asked is None else asked
        options: dict[str, Any] = {
            "workers": workers,
            "from_nothing": network.start.source == NO_START,
            "say": self._tell,
        }
        with threads_beside(workers):
            if isinstance(table, DetectorTable):
                reading = table.reading(network.reading)
                trained = train_detector(network.model, table, *given, settings, reading=reading, **options)
            else:
                assert isinstance(table, RecognizerTable)
                new = network.start.new_characters
                trained = train_recognizer(network.model, table, *given, settings, new_characters=new, **options)
        network.model.cpu()
        return trained

    def _budget_seconds(self, role: Role) -> float:
        """A network's seconds: its share of what is left now, noted so that a later life does not share out again."""
        key = f"{role}_budget_seconds"
        if key not in self.state.notes:
            waiting = [other for other in self.networks if other not in self.state.phases]
            shares = {other: table.share for other in waiting if (table := self.table(other)) is not None}
            share = shares[role] / sum(shares.values())
            self.state.note(
                key, training_seconds(self.recipe.minutes * 60, self.seconds, share, rounds=self.recipe.export.int8)
            )
        return float(self.state.notes[key])

    def fits(self) -> dict[str, FitResult]:
        """The results of the trainings that are through, without their histories."""
        return {
            role: FitResult(**self.state.phases[role]["fit"])
            for role in ROLES
            if "fit" in self.state.phases.get(role, {})
        }

    def _conclude(self, bundle: Path) -> RunResult:
        self._say("Measuring the bundle")
        after: dict[str, EvaluationResult] = measure(bundle, self.sets)
        found = rows(self.state.phases["before"]["scores"], after)
        add_scores(bundle, found)
        record = record_of(
            self.recipe, self.folder, found, after, self.fits(), self.state, self.materials, self.seconds
        )
        report = write_report(self.folder / "report.html", record)
        self.state.seconds = self.seconds
        self.state.save()
        warnings = tuple(record.all_warnings())
        print_summary(self.console, found, warnings, bundle, report)
        return RunResult(self.folder, bundle, report, tuple(found), self.fits(), warnings, self.seconds)
