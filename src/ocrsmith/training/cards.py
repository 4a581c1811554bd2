"""What a run writes into its bundle's card: what the bundle is, what it was made from, how, and how well it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from ocrsmith.evaluation.report import ScoreRow
from ocrsmith.reading.bundle import Bundle, write_bundle
from ocrsmith.settings import processor_name
from ocrsmith.training.fitting import FitResult
from ocrsmith.training.networks import NO_START, Role, StartReport
from ocrsmith.training.recipe import Recipe

_CALLED: dict[Role, str] = {"detector": "detector", "recognizer": "recogniser"}


def card_of(recipe: Recipe, starts: Mapping[Role, StartReport], fits: Mapping[str, FitResult]) -> dict[str, Any]:
    """The bundle's card before it is measured."""
    tables = [table for table in (recipe.detector, recipe.recognizer) if table is not None]
    return {
        "description": recipe.description,
        "licence": recipe.licence,
        "attribution": "; ".join(dict.fromkeys(start.attribution for start in starts.values() if start.attribution)),
        "modifications": _modifications(recipe, starts, fits),
        "made": datetime.now(UTC).date().isoformat(),
        "command": f"ocrsmith train {recipe.name}",
        "machine": f"{processor_name()}, {torch.get_num_threads()} threads",
        "start": {
            role: {"source": start.source, "licence": start.licence, "attribution": start.attribution}
            for role, start in starts.items()
        },
        "training": {
            role: {
                "steps": fit.steps,
                "seconds": round(fit.seconds, 1),
                "start_score": fit.start_score,
                "score": fit.score,
                "kept_start": fit.kept_start,
                "mixture": fit.mixture,
            }
            for role, fit in fits.items()
        },
        "data": "synthetic and real" if any(table.real for table in tables) else "synthetic",
        "seed": recipe.seed,
        **({"limits": recipe.limits} if recipe.limits else {}),
    }


def _modifications(recipe: Recipe, starts: Mapping[Role, StartReport], fits: Mapping[str, FitResult]) -> str:
    """What became of the start weights: licences such as Apache-2.0, section 4b, want changes told."""
    return " ".join(
        f"{_CALLED[role].capitalize()} from {start.source}: {', '.join(_changes(recipe, role, start, fits.get(role)))}."
        for role, start in starts.items()
        if start.source != NO_START
    )


def _changes(recipe: Recipe, role: Role, start: StartReport, fit: FitResult | None) -> list[str]:
    changes = []
    if role == "recognizer":
        changes.append(f"its head for {len(start.kept_characters) + len(start.new_characters)} characters")
    if fit is None or fit.kept_start:
        changes.append("not trained")
    else:
        changes.append(f"trained for {fit.steps:,} steps on the samples of the recipe {recipe.name}")
        if fit.mixture < 1:
            changes.append(f"its weights moved {fit.mixture:.0%} of the way from the start to the trained ones")
    if recipe.export.half_precision:
        changes.append("large weights stored in 16 bits")
    return changes


def add_scores(path: Path, scores: Sequence[ScoreRow]) -> None:
    """Writes the scores into the bundle's card: what was measured is the very file that ships."""
    bundle = Bundle.load(path)
    listed = [
        {
            "data": row.data,
            "measure": row.measure,
            "before": row.before,
            "after": row.after,
            "num_counted": row.num_counted,
        }
        for row in scores
        if row.unit == "%"
    ]
    manifest = {**bundle.manifest, "card": {**bundle.card, "scores": listed}}
    networks = {"detector.onnx": bundle.detector_bytes, "recognizer.onnx": bundle.recognizer_bytes}
    write_bundle(path, manifest, {name: content for name, content in networks.items() if content is not None})
