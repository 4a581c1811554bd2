"""What a command says in a recipe's place: real pictures to measure and to train on, and where networks start."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ocrsmith.data.formats import read_labels
from ocrsmith.errors import RecipeError
from ocrsmith.training.networks import NO_START, start_bundle
from ocrsmith.training.recipe import Recipe
from ocrsmith.training.recipe_tables import PicturesTable, RealTable

# Of the training samples, between all folders; the others stay synthetic.
REAL_SHARE = 0.5


def with_pictures(recipe: Recipe, folders: Sequence[str | Path]) -> Recipe:
    """The recipe with these folders of labelled pictures to measure on, beside its own."""
    tables = [PicturesTable(folder=str(Path(folder).resolve())) for folder in folders]
    return recipe.model_copy(update={"pictures": (*recipe.pictures, *tables)})


def with_real(recipe: Recipe, folders: Sequence[str | Path]) -> Recipe:
    """The recipe with these folders to train on: pages for both networks, crops for the recogniser.

    Raises:
        InputError, LabelError: a folder that is not there or has no labels.
        RecipeError: crops alone for a recipe without a recogniser.
    """
    if not folders:
        return recipe
    paths = [Path(folder).resolve() for folder in folders]
    pages = [path for path in paths if read_labels(path).kind == "pages"]
    changes = {}
    for role, own in (("detector", pages), ("recognizer", paths)):
        table = getattr(recipe, role)
        if table is not None and own:
            real = tuple(RealTable(folder=str(path), share=REAL_SHARE / len(own)) for path in own)
            changes[role] = table.model_copy(update={"real": real})
    if not changes:
        raise RecipeError(
            f"The recipe {recipe.name} trains a detector alone, and {paths[0]} holds crops of one text each. Give "
            "whole pictures with labels that say where their texts are."
        )
    return recipe.model_copy(update=changes)


def with_start(recipe: Recipe, start: str | Path | None) -> Recipe:
    """The recipe with every network started from `start`, a path being taken from the present folder."""
    if start is None:
        return recipe
    path = Path(start)
    place = str(path.resolve()) if path.is_file() else str(start)
    if place != NO_START:
        start_bundle(place)  # a bundle that is not there is an error now
    changes = {}
    for role in ("detector", "recognizer"):
        table = getattr(recipe, role)
        if table is not None:
            changes[role] = table.model_copy(update={"start": place, "model": "", "settings": {}})
    return recipe.model_copy(update=changes)
