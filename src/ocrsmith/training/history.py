"""What a training left in its folder: the best checkpoint, and one log of all its lives."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import torch

from ocrsmith.errors import WeightsError
from ocrsmith.training.callbacks import CSV_FOLDER
from ocrsmith.training.mixing import State

# The column of the time that reading all development sets took.
DEVELOPMENT_SECONDS = "seconds_on_development"


def read_history(folder: Path) -> tuple[dict[str, float], ...]:
    """The rows of a run's CSV logs, each with the numbers that it has, in the order of steps.

    A resumed run goes back to its last checkpoint: rows that it wrote again replace those of the run before it.
    """
    rows: list[dict[str, float]] = []
    versions = sorted(folder.glob(f"{CSV_FOLDER}/version_*/metrics.csv"), key=lambda path: path.stat().st_mtime)
    for path in versions:
        with path.open(newline="", encoding="utf-8") as file:
            newer = [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]
        if newer:
            rows = [row for row in rows if row["step"] < newer[0]["step"]] + newer
    return tuple(rows)


def write_history(folder: Path, history: Sequence[dict[str, float]]) -> Path:
    """One metrics.csv of a whole run, over all its resumptions."""
    path = folder / "metrics.csv"
    names = sorted({name for row in history for name in row}, key=lambda name: (name not in ("epoch", "step"), name))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(history)
    return path


def read_best(path: Path) -> tuple[State, float]:
    """The network's state in a checkpoint and the best score that it records; nothing is unpickled but tensors."""
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    prefix = "model."
    state = {key[len(prefix) :]: value for key, value in checkpoint["state_dict"].items() if key.startswith(prefix)}
    scores = [
        entry["best_model_score"]
        for entry in checkpoint["callbacks"].values()
        if entry.get("monitor") == "validation_score" and "best_model_score" in entry
    ]
    if not state or not scores or scores[0] is None:
        raise WeightsError(f"The checkpoint {path} holds no scored network. Delete the folder and train again.")
    return state, float(scores[0])


def column_names(log: Path) -> list[str]:
    """The columns of a log."""
    with log.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file).fieldnames or ())


def best_step(log: Path) -> float | None:
    """The step with the best validation score in a log, the first of equals as the checkpoint is; None without one."""
    with log.open(newline="", encoding="utf-8") as file:
        scored = [
            (float(row["step"]), float(row["validation_score"]))
            for row in csv.DictReader(file)
            if row.get("validation_score")
        ]
    return max(scored, key=lambda pair: pair[1])[0] if scored else None
