"""What a run tells: the report's record, and the table on the terminal."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from ocrsmith import __version__
from ocrsmith.alphabet import Alphabet, show
from ocrsmith.evaluation.curves import Curve, curve_from_csv
from ocrsmith.evaluation.report import ReportPicture, RunRecord, ScoreRow, shown, shown_change
from ocrsmith.evaluation.result import EvaluationResult
from ocrsmith.images import read_image
from ocrsmith.synth.world import Tally
from ocrsmith.training.development import COLUMN
from ocrsmith.training.exporting import TOLD
from ocrsmith.training.fitting import FitResult
from ocrsmith.training.history import best_step, column_names
from ocrsmith.training.network_tables import NetworkTable
from ocrsmith.training.recipe import Recipe
from ocrsmith.training.run_state import RunState
from ocrsmith.training.worlds import Materials

_TITLES = {"pages": "Training pages, a quad a character", "lines": "Training lines"}
_WORLDS = {"detector": "Training pages", "recognizer": "Training lines"}


def fit_warnings(fits: Mapping[str, FitResult], recipe: Recipe) -> list[str]:
    """A sentence for each network whose start weights were put back."""
    warnings = []
    for role, fit in fits.items():
        if not fit.kept_start:
            continue
        table: NetworkTable = getattr(recipe, role)
        advice = "Give it more minutes, a lower learning_rate, or a world nearer to your pictures."
        if table.real:
            advice = (
                "The score is that of the real pictures held back to choose by, less what was forgotten of synthetic "
                "samples. Give it more pictures, more minutes, a lower learning_rate, or a smaller share of real ones."
            )
        warnings.append(
            f"Training the {role} did not better its start (validation score {fit.best_score:.3f}, start "
            f"{fit.start_score:.3f}): the start weights were kept. {advice}"
        )
    return warnings


def record_of(
    recipe: Recipe,
    folder: Path,
    scores: Sequence[ScoreRow],
    after: Mapping[str, EvaluationResult],
    fits: Mapping[str, FitResult],
    state: RunState,
    materials: Materials,
    seconds: float,
) -> RunRecord:
    """Everything that the report shows."""
    refused: dict[str, int] = dict(state.phases.get("recognizer", {}).get("refused", {}))
    drawn = _drawn(state)
    recognizer = fits.get("recognizer")
    draws = recognizer.steps * recipe.recognizer.batch_size if recognizer and recipe.recognizer else 0
    return RunRecord(
        name=recipe.name,
        summary=recipe.description,
        scores=scores,
        warnings=fit_warnings(fits, recipe),
        notes=[*_notes(fits, materials, state), *_never_drawn(drawn, materials.alphabet)],
        samples=[
            ReportPicture(_TITLES[path.stem], read_image(path)) for path in sorted((folder / "samples").glob("*.png"))
        ],
        curves=[*_curves(folder, fits), *_lengths(drawn), *_reliability(after)],
        mistakes={name: result.mistakes for name, result in after.items() if result.mistakes},
        confusions={
            name: result.text.worst_confusions(12) for name, result in after.items() if result.text is not None
        },
        failures={
            name: [f"{failure.name}: {failure.reason}" for failure in result.failures]
            for name, result in after.items()
            if result.failures
        },
        refusals=refused,
        num_draws=draws,
        drawn=drawn,
        timings={**{f"training the {role}": fit.seconds for role, fit in fits.items()}, "all": seconds},
        environment={
            "ocrsmith": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        },
        recipe=recipe.model_dump_json(indent=1, exclude={"folder"}),
    )


def _notes(fits: Mapping[str, FitResult], materials: Materials, state: RunState) -> list[str]:
    notes = [
        f"{len(materials.fonts.faces)} fonts draw the whole alphabet; {len(materials.fonts.refused)} were refused."
    ]
    notes += [
        f"The {role} was trained for {fit.steps} steps and stopped by {fit.stopped}." for role, fit in fits.items()
    ]
    notes += [sentence for role, fit in fits.items() for sentence in _mixture_notes(role, fit)]
    told = materials.told()
    notes += told
    notes += state.notes.get("told", [])
    notes += filter(None, [state.phases["export"].get(key) for key in TOLD])
    if told:
        notes.append(
            "New: what is called held back. Old: what is called kept, the synthetic samples and the recipe's other "
            "pictures. Both were measured with the start and with the result."
        )
    return notes


def _mixture_notes(role: str, fit: FitResult) -> list[str]:
    """What became of the tuned weights: how far the way from the start's to them was gone, and what else was tried."""
    if not fit.mixtures or fit.start_score is None:
        return []
    chosen = "the start's were kept" if fit.kept_start else f"{fit.mixture:.0%} tuned, the rest the start's"
    tried = "; ".join(
        f"{one['share']:.0%} tuned {one['score']:.3f}"
        + (f" (forgets {one['forgotten']:.3f} too much)" if one["forgotten"] > 0 else "")
        for one in fit.mixtures
    )
    return [f"The {role}'s weights: {chosen}. Validation scores: start {fit.start_score:.3f}; {tried}."]


def _curves(folder: Path, fits: Mapping[str, FitResult]) -> list[Curve]:
    """Each training's losses and scores over its steps, with the step of the weights that were kept."""
    curves = []
    for role, fit in fits.items():
        log = folder / role / "metrics.csv"
        if not log.is_file():
            continue
        best = None if fit.kept_start else best_step(log)
        names = column_names(log)
        chosen_by = [name for name in names if name.startswith("validation_real_")]
        development = [name for name in names if name.startswith(COLUMN)]
        for title, columns in (
            ("train_loss, validation_loss", ["train_loss", "validation_loss"]),
            ("validation_score", ["validation_score"]),
            ("real pictures that choose the weights", chosen_by),
            ("development sets, which choose nothing", development),
        ):
            curve = curve_from_csv(log, columns, title=f"{role}: {title}", best_x=best)
            if curve.series:
                curves.append(_without_prefix(curve))
    return curves


def _without_prefix(curve: Curve) -> Curve:
    """Sets by their own names; those of losses stay."""
    series = {
        name.removeprefix("validation_real_").removeprefix(COLUMN): points for name, points in curve.series.items()
    }
    return dataclasses.replace(curve, series=series)


def _drawn(state: RunState) -> dict[str, Tally]:
    """What each network's synthetic world drew; none where only real pictures were trained on."""
    forms = {_WORLDS[role]: state.phases.get(role, {}).get("drawn") for role in _WORLDS}
    tallies = {title: Tally.from_dict(form) for title, form in forms.items() if form}
    return {title: tally for title, tally in tallies.items() if tally.draws}


def _never_drawn(drawn: Mapping[str, Tally], alphabet: Alphabet) -> list[str]:
    """A sentence where the recogniser's world left characters of the alphabet out."""
    tally = drawn.get(_WORLDS["recognizer"])
    missing = [c for c in alphabet.characters if c not in tally.characters] if tally else []
    if not missing or tally is None:
        return []
    return [f"In {tally.samples:,} training lines {len(missing)} characters were never drawn: {show(missing)}."]


def _lengths(drawn: Mapping[str, Tally]) -> list[Curve]:
    return [
        Curve(f"{title}: lengths of texts", {"texts": tuple(sorted(tally.lengths.items()))}, "characters")
        for title, tally in drawn.items()
        if len(tally.lengths) > 1
    ]


def _reliability(after: Mapping[str, EvaluationResult]) -> list[Curve]:
    """How far the bundle's confidences can be believed, on every set whose bins say something."""
    curves = []
    for name, result in after.items():
        counts = result.confidence
        error = f"calibration error {counts.expected_error:.3f} on {counts.num_counted:,} texts"
        curve = counts.curve(f"{name}: how far confidences can be believed, {error}")
        if curve.series["share right"]:
            curves.append(curve)
    return curves


def print_summary(
    console: Console, scores: Sequence[ScoreRow], warnings: Sequence[str], bundle: Path, report: Path
) -> None:
    """The scores before and after as a table, the warnings, and where the files are."""
    table = Table(title="Before and after")
    for heading, justify in (
        ("set", "left"),
        ("measure", "left"),
        ("before", "right"),
        ("after", "right"),
        ("", "right"),
    ):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for row in scores:
        table.add_row(row.data, row.measure, shown(row, "before"), shown(row, "after"), shown_change(row))
    console.print(table)
    for warning in warnings:
        console.print(f"[yellow]Warning:[/yellow] {warning}")
    console.print(f"Bundle: {bundle}\nReport: {report}")
