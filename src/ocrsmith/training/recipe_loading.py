"""Recipes as TOML files: found by path or name, read, and checked.

Unknown keys name the nearest known one, and all mistakes of a file are reported together, before any font or picture is
read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from ocrsmith.errors import AlphabetError, RecipeError, nearest
from ocrsmith.settings import package_assets_dir
from ocrsmith.training.recipe import Recipe
from ocrsmith.training.recipe_checks import mistakes_beyond_types

SUFFIX = ".toml"


def builtin_recipes() -> dict[str, Path]:
    """The recipes in the package, by name."""
    return {path.stem: path for path in sorted((package_assets_dir() / "recipes").glob("*" + SUFFIX))}


def find_recipe(path_or_name: str | Path) -> Path:
    """The file of a recipe, by path or by the name of a packaged one; raises RecipeError naming those."""
    path = Path(path_or_name)
    if path.is_file():
        return path
    known = builtin_recipes()
    if str(path_or_name) in known:
        return known[str(path_or_name)]
    raise RecipeError(
        f"There is no recipe {str(path_or_name)!r}, as a file or by name"
        + nearest(str(path_or_name), list(known))
        + ". Give the path of a TOML file, or one of the names."
    )


def load_recipe(path_or_name: str | Path) -> Recipe:
    """Reads and checks a recipe.

    Raises:
        RecipeError: no such file, not TOML, or mistakes in it; all of them, one after the other.
    """
    path = find_recipe(path_or_name)
    try:
        form = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"The recipe {path} is not TOML ({error}). Correct that line.") from None
    return parse_recipe(form, path.parent, str(path))


def parse_recipe(form: dict[str, Any], folder: Path = Path(), source: str = "the recipe") -> Recipe:
    """Checks a recipe that is already a dictionary; raises RecipeError with every mistake."""
    mistakes: list[str] = []
    recipe: Recipe | None = None
    if "folder" in form:
        mistakes.append("folder is not a key of a recipe: it is where the file lies")
    try:
        recipe = Recipe.model_validate({**form, "folder": folder})
    except ValidationError as error:
        mistakes += [_mistake(entry) for entry in error.errors(include_url=False)]
    if recipe is not None:
        try:
            recipe.make_alphabet()
        except AlphabetError as error:
            mistakes.append(f"alphabet: {error}")
        else:
            mistakes += mistakes_beyond_types(recipe)
    if mistakes or recipe is None:
        listed = "".join(f"\n  {number}. {mistake}" for number, mistake in enumerate(mistakes, 1))
        raise RecipeError(f"{source} has {len(mistakes)} mistake{'s' * (len(mistakes) > 1)}:{listed}")
    return recipe


def _mistake(entry: Any) -> str:
    """One of pydantic's findings as a sentence: where, what is wrong, and what is near."""
    place = _place(entry["loc"])
    if entry["type"] == "extra_forbidden":
        return f"{place} is not known" + nearest(str(entry["loc"][-1]), _known_keys(entry["loc"][:-1]))
    if entry["type"] == "missing":
        return f"{place} is missing"
    came = entry["input"]
    if entry["type"] == "literal_error" and isinstance(came, str):
        return f"{place} is {came!r}" + nearest(came, re.findall("'([^']*)'", entry["ctx"]["expected"]))
    shown = f" (came as {came!r})" if not isinstance(came, (dict, list)) else ""
    return f"{place}: {entry['msg'][0].lower()}{entry['msg'][1:]}{shown}"


def _place(location: Sequence[str | int]) -> str:
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return parts.removeprefix(".")


def _known_keys(location: Sequence[str | int]) -> list[str]:
    """The keys of the table at `location`."""
    table: Any = Recipe
    for part in location:
        if isinstance(part, int):
            continue
        table = _table_in(table.model_fields[part].annotation)
    return [name for name in table.model_fields if name != "folder" or table is not Recipe]


def _table_in(annotation: Any) -> Any:
    """The table class in an annotation such as `DetectorTable | None` or `tuple[PicturesTable, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_table_in, get_args(annotation))), None)
