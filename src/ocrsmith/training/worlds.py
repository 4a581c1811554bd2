"""From a recipe's tables to worlds: fonts, backgrounds and texts of one split, scenes with their settings, weights."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Union

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import OcrsmithError, RecipeError, nearest
from ocrsmith.splits import Split
from ocrsmith.synth.backgrounds import Backgrounds
from ocrsmith.synth.corpus import text_generator
from ocrsmith.synth.degradations import degradation_policy
from ocrsmith.synth.fonts import FontFace, FontSearch, search_fonts, split_fonts
from ocrsmith.synth.world import World
from ocrsmith.training.network_tables import DetectorTable, NetworkTable, RecognizerTable
from ocrsmith.training.real import RealSet, real_sets
from ocrsmith.training.recipe import Recipe
from ocrsmith.training.recipe_tables import WorldTable

# A scene's name in a recipe -> "module:class" under ocrsmith.synth.
SCENES = {
    "photo": "scenes:PageScene",
    "display": "display_scenes:DisplayScene",
    "page": "pages:DocumentScene",
    "pdf": "pdf_pages:PdfScene",
    "line": "lines:LineScene",
    "display_line": "displays:DisplayLine",
}
# What the recipe as a whole gives to a scene; everything else in its constructor is a setting of its table.
GIVEN = (
    "texts",
    "fonts",
    "backgrounds",
    "alphabet",
    "split",
    "segment_fonts",
    "label_fonts",
    "settings",
    "move",
    "palettes",
)
SEGMENT_CATEGORY = "segment"


@dataclass(frozen=True)
class Materials:
    """What worlds are made of, for the splits of one recipe. Making it reads the fonts and the list of backgrounds.

    Raises:
        FontError: no font draws the alphabet.
        InputError: a folder of backgrounds that is not there.
    """

    recipe: Recipe

    @cached_property
    def alphabet(self) -> Alphabet:
        """The recipe's alphabet."""
        return self.recipe.make_alphabet()

    @cached_property
    def fonts(self) -> FontSearch:
        """Every usable font of all splits, and the refused with their reasons."""
        table = self.recipe.fonts
        return search_fonts(
            [_folder(self.recipe, folder) for folder in table.folders],
            self.alphabet,
            table.include,
            table.exclude,
            table.categories,
            table.groups,
        )

    def fonts_of(self, split: Split) -> list[FontFace]:
        """The fonts of one split, whole families."""
        return split_fonts(self.fonts.faces, split, self.recipe.fonts.groups)

    def backgrounds_of(self, split: Split) -> Backgrounds:
        """The backgrounds of one split."""
        table = self.recipe.backgrounds
        folders = [_folder(self.recipe, folder) for folder in table.folders]
        return Backgrounds(folders, split, procedural_share=table.procedural_share)

    @cached_property
    def real_pages(self) -> list[RealSet]:
        """The detector's real pictures, those that it is to go on reading last.

        Raises:
            RecipeError: crops among them.
        """
        sets = _real_sets(self.recipe, self.recipe.detector)
        for one in sets:
            if one.kind != "pages":
                raise RecipeError(
                    f"{one.table.folder} holds crops of one text each; a detector learns from whole pictures with "
                    "places. Name it under [recognizer]."
                )
        return sets

    @cached_property
    def real_lines(self) -> list[RealSet]:
        """The recogniser's real pictures, crops or pages whose texts are cut out; those to go on reading last."""
        return _real_sets(self.recipe, self.recipe.recognizer)

    def told(self) -> list[str]:
        """What there is to say of the real pictures, each sentence once: both networks may have the same folder."""
        sets = [*self.real_pages, *self.real_lines]
        return list(dict.fromkeys(sentence for one in sets for sentence in one.told))

    def detector_world(self, table: DetectorTable, split: Split) -> World:
        """The detector's world of one split: square pages of the table's size."""
        size = {"width": table.image_size, "height": table.image_size}
        return self._world(table.world, split, size)

    def recognizer_world(self, table: RecognizerTable, split: Split) -> World:
        """The recogniser's world of one split."""
        return self._world(table.world, split, {})

    def _world(self, tables: Sequence[WorldTable], split: Split, defaults: Mapping[str, Any]) -> World:
        fonts, backgrounds = self.fonts_of(split), self.backgrounds_of(split)
        scenes = [(self._scene(table, split, fonts, backgrounds, defaults), table.weight) for table in tables]
        return World(scenes, self.recipe.seed, split)

    def _scene(
        self,
        table: WorldTable,
        split: Split,
        fonts: Sequence[FontFace],
        backgrounds: Backgrounds,
        defaults: Mapping[str, Any],
    ) -> Any:
        texts = text_generator(table.text or self.recipe.text, self.alphabet, split, folder=self.recipe.folder)
        given = {
            "texts": texts,
            "fonts": fonts,
            "backgrounds": backgrounds,
            "alphabet": self.alphabet,
            "split": split,
            "segment_fonts": [str(face.path) for face in fonts if face.category == SEGMENT_CATEGORY],
            "label_fonts": [str(face.path) for face in fonts if face.category != SEGMENT_CATEGORY],
        }
        settings = table.settings
        if isinstance(settings.get("folder"), str):
            settings["folder"] = str(self.recipe.path(settings["folder"]))
        return build_scene(table.scene, given, settings, defaults)


def _real_sets(recipe: Recipe, table: NetworkTable | None) -> list[RealSet]:
    return real_sets(recipe, [*table.real, *table.keep]) if table is not None else []


def _folder(recipe: Recipe, name: str) -> str | Path:
    """A folder seen from the recipe; the words "builtin" and "system" are left to who reads them."""
    return name if name in ("builtin", "system") else recipe.path(name)


def scene_class(name: str) -> type:
    """The class behind a scene's name."""
    module, _, cls = SCENES[name].partition(":")
    return getattr(importlib.import_module(f"ocrsmith.synth.{module}"), cls)


def scene_settings(name: str) -> list[str]:
    """The keys that a scene's table may have beside scene, weight and text."""
    own, table = _parameters(scene_class(name))
    return [*own, *table]


def scene_mistakes(name: str, settings: Mapping[str, Any]) -> list[str]:
    """What is wrong with a scene's settings, without building it: unknown keys, and tables that do not fit."""
    known = [*scene_settings(name), "scene", "weight", "text"]
    mistakes = [f"{key} is not known" + nearest(key, known) for key in settings if key not in known]
    if mistakes:
        return mistakes
    try:
        _arguments(scene_class(name), settings)
    except (OcrsmithError, TypeError, ValueError) as error:
        mistakes.append(str(error))
    return mistakes


def build_scene(
    name: str, given: Mapping[str, Any], settings: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
) -> Any:
    """A scene from what the recipe as a whole gives, its own settings, and defaults for those that it has.

    Raises:
        RecipeError: values that the scene refuses.
    """
    cls = scene_class(name)
    allowed = set(scene_settings(name))
    merged = {key: value for key, value in (defaults or {}).items() if key in allowed} | dict(settings)
    taken = {key: value for key, value in given.items() if key in inspect.signature(cls).parameters}
    try:
        return cls(**taken, **_arguments(cls, merged))
    except (TypeError, ValueError) as error:
        raise RecipeError(f"The scene {name!r} cannot be built with {dict(settings)}: {error}.") from None


def _parameters(cls: type) -> tuple[list[str], list[str]]:
    """Names of a scene's own settings, and of the fields of its `settings` dataclass, if it has one."""
    own = [key for key in inspect.signature(cls).parameters if key not in GIVEN]
    table = _dataclass_in(typing.get_type_hints(cls.__init__).get("settings"))  # type: ignore[misc]
    return own, [field.name for field in dataclasses.fields(table)] if table else []


def _arguments(cls: type, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments: tables become the dataclasses, lists the tuples that the constructor names."""
    hints = typing.get_type_hints(cls.__init__)  # type: ignore[misc]
    own, _ = _parameters(cls)
    arguments = {key: _value(key, value, hints.get(key)) for key, value in settings.items() if key in own}
    rest = {key: _tuples(value) for key, value in settings.items() if key not in own}
    table = _dataclass_in(hints.get("settings"))
    if table is not None:
        arguments["settings"] = table(**rest)
    return arguments


def _value(key: str, value: Any, hint: Any) -> Any:
    if key == "degrade":
        return degradation_policy(**value) if isinstance(value, Mapping) else degradation_policy(value)
    table = _dataclass_in(hint)
    if table is not None and isinstance(value, Mapping):
        known = [field.name for field in dataclasses.fields(table)]
        unknown = [f"{key}.{name} is not known" + nearest(name, known) for name in value if name not in known]
        if unknown:
            raise RecipeError("; ".join(unknown))
        return table(**{name: _tuples(item) for name, item in value.items()})
    return _tuples(value)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _dataclass_in(hint: Any) -> Any:
    """The dataclass in an annotation such as `PanelLook | None`."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return hint
    if typing.get_origin(hint) in (Union, types.UnionType):
        return next(filter(None, map(_dataclass_in, typing.get_args(hint))), None)
    return None
