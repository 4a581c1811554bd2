"""A recipe's lines on disk, labelled: what a bundle is rounded and measured on where its user has no pictures."""

from __future__ import annotations

from pathlib import Path

from ocrsmith.data.formats import write_dataset
from ocrsmith.errors import RecipeError
from ocrsmith.training.worlds import Materials

# Half of them round, half are measured.
NUM_LINES = 640


def draw_lines(materials: Materials, folder: Path, count: int = NUM_LINES) -> Path:
    """Draws lines of a recipe's validation split into a folder, and returns it.

    Raises:
        RecipeError: no recogniser in the recipe.
    """
    table = materials.recipe.recognizer
    if table is None:
        raise RecipeError(
            f"The recipe {materials.recipe.name!r} has no recogniser, so that it has no lines. Give another."
        )
    write_dataset(materials.recognizer_world(table, "validation"), folder, "jsonl", count=count)
    return folder
