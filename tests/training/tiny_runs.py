"""Recipes of the smallest networks, which train in a second, and a way to run them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ocrsmith.training.recipe import Recipe
from ocrsmith.training.recipe_loading import parse_recipe
from ocrsmith.training.run import RunResult, train

DETECTOR_SETTINGS: dict[str, Any] = {"widths": [8, 8, 8, 8, 8], "depths": [1, 1, 1, 1]}
RECOGNIZER_SETTINGS: dict[str, Any] = {"widths": [8, 16, 16, 24], "context": [1]}
DETECTOR: dict[str, Any] = {
    "settings": DETECTOR_SETTINGS,
    "image_size": 64,
    "batch_size": 2,
    "steps": 4,
    "steps_per_epoch": 2,
    "validation_samples": 2,
    "scale": {"max_side": 128},
}
RECOGNIZER: dict[str, Any] = {
    "settings": RECOGNIZER_SETTINGS,
    "steps": 8,
    "batch_size": 8,
    "steps_per_epoch": 4,
    "validation_samples": 16,
}
# The least that a recipe needs beside a network's table.
LEAST: dict[str, Any] = {"name": "tiny", "alphabet": "0123456789"}
# Numbers of up to three digits on drawn grounds; without a network.
FORM: dict[str, Any] = {
    **LEAST,
    "minutes": 10,
    "test_samples": 8,
    "fonts": {"categories": ["sans"]},
    "backgrounds": {"procedural_share": 1.0},
    "text": {"kind": "random", "max_length": 3, "space_share": 0.0},
}


def least(**tables: Any) -> Recipe:
    """A recipe of these tables, which is not run: everything else is the recipe's own."""
    return parse_recipe({**LEAST, **tables})


def drawn(**tables: Any) -> Recipe:
    """A recipe of these tables on drawn numbers."""
    return parse_recipe({**FORM, **tables})


def tiny(**changes: Any) -> Recipe:
    """A recipe of a recogniser alone, with these keys instead of its own."""
    return drawn(**{"recognizer": RECOGNIZER, **changes})


def run(recipe: Recipe, folder: Path, **options: Any) -> RunResult:
    """Trains in this process, on one thread."""
    torch.set_num_threads(1)
    return train(recipe, folder, workers=0, accelerator="cpu", progress=False, **options)
