"""A recipe's lines on disk, labelled: what a bundle is rounded and measured on where its user has no pictures."""

from __future__ import annotations

from pathlib import Path

from ocrsmith.data.formats import write_dataset
from ocrsmith.errors import RecipeError
from ocrsmith.training.recipe_loading import load_recipe
from ocrsmith.training.worlds import Materials

# Half of them round, half are measured.
NUM_LINES = 640


def draw_lines(recipe: str | Path, folder: Path, count: int = NUM_LINES) -> Path:
    """Draws lines of the recipe's validation split into a folder, and returns it.

    Raises:
        RecipeError: mistakes in the recipe, or no recogniser in it.
    """
    loaded = load_recipe(recipe)
    if loaded.recognizer is None:
        raise RecipeError(f"The recipe {loaded.name!r} has no recogniser, so that it has no lines. Give another.")
    world = Materials(loaded).recognizer_world(loaded.recognizer, "validation")
    write_dataset(world, folder, "jsonl", count=count)
    return folder
