"""Mistakes of a recipe that types cannot show: scenes, networks, texts, folders. No font or picture is read."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ocrsmith.alphabet import show
from ocrsmith.data.formats import READERS
from ocrsmith.errors import OcrsmithError, nearest
from ocrsmith.models.registry import DETECTORS, RECOGNIZERS, ModelInfo
from ocrsmith.reading.craft_maps import CraftThresholds
from ocrsmith.reading.db_maps import DbThresholds
from ocrsmith.reading.rereading import RereadingRule
from ocrsmith.reading.scaling import ScaleRule
from ocrsmith.reading.spaces import SpaceRule
from ocrsmith.synth.corpus import text_generator
from ocrsmith.training.network_tables import DetectorTable, NetworkTable, RecognizerTable
from ocrsmith.training.networks import NO_START, Role, network_name
from ocrsmith.training.recipe import Recipe
from ocrsmith.training.recipe_tables import LabelledTable
from ocrsmith.training.worlds import scene_mistakes


def mistakes_beyond_types(recipe: Recipe) -> list[str]:
    """Each as a sentence that begins with the key's place."""
    mistakes: list[str] = []
    if recipe.detector is None and recipe.recognizer is None:
        mistakes.append("the recipe has neither a detector nor a recogniser: add a table [detector] or [recognizer]")
    if recipe.detector is not None:
        mistakes += _network_mistakes(recipe, "detector", recipe.detector, DETECTORS)
    if recipe.recognizer is not None:
        mistakes += _network_mistakes(recipe, "recognizer", recipe.recognizer, RECOGNIZERS)
    mistakes += _text_mistakes(recipe)
    mistakes += _group_mistakes(recipe)
    mistakes += _folder_mistakes(recipe)
    mistakes += _format_mistakes("pictures", recipe.pictures)
    return mistakes


def _network_mistakes(
    recipe: Recipe, role: Role, table: DetectorTable | RecognizerTable, known: dict[str, ModelInfo]
) -> list[str]:
    mistakes = _model_mistakes(recipe, role, table, known)
    mistakes += _real_mistakes(role, table)
    if table.mixtures is not None and table.start == NO_START:
        mistakes.append(f"{role}.mixtures are of trained weights and the start's, and {role}.start is none")
    if isinstance(table, RecognizerTable):
        mistakes += _rule_mistakes(recipe, table)
    for place, world in enumerate(table.world):
        mistakes += [f"{role}.world[{place}].{mistake}" for mistake in scene_mistakes(world.scene, world.settings)]
    return mistakes


def _real_mistakes(role: Role, table: DetectorTable | RecognizerTable) -> list[str]:
    mistakes = []
    shares = sum(real.share for real in table.real)
    if shares > 1.0 + 1e-9:
        mistakes.append(f"{role}.real: the shares sum to {shares:g}; 1 at most, and what they leave is synthetic")
    if table.keep and not table.real:
        mistakes.append(f"{role}.keep says what training on real pictures may not cost, and {role}.real has none")
    for key, tables in (("real", table.real), ("keep", table.keep)):
        mistakes += _format_mistakes(f"{role}.{key}", tables)
    if isinstance(table, DetectorTable):
        if table.relabel_steps is not None and table.relabel_steps % table.steps_per_epoch:
            mistakes.append(
                f"{role}.relabel_steps is {table.relabel_steps}, which is no multiple of steps_per_epoch, "
                f"{table.steps_per_epoch}"
            )
        if table.zoom[0] > table.zoom[1]:
            mistakes.append(f"{role}.zoom is {list(table.zoom)}; the least factor comes first")
    return mistakes


def _rule_mistakes(recipe: Recipe, table: RecognizerTable) -> list[str]:
    mistakes = _field_mistakes("recognizer.spaces", table.spaces or {}, SpaceRule)
    mistakes += _field_mistakes("recognizer.rereading", table.rereading or {}, RereadingRule)
    if table.spaces is not None and " " not in recipe.alphabet.characters:
        mistakes.append("recognizer.spaces puts spaces into texts, and the alphabet has none")
    return mistakes


def _format_mistakes(place: str, tables: Sequence[LabelledTable]) -> list[str]:
    return [
        f"{place}[{number}].format is {table.format!r}" + nearest(table.format, list(READERS))
        for number, table in enumerate(tables)
        if table.format is not None and table.format not in READERS
    ]


def _model_mistakes(recipe: Recipe, role: Role, table: NetworkTable, known: dict[str, ModelInfo]) -> list[str]:
    if table.model and table.model not in known:
        return [f"{role}.model is {table.model!r}" + nearest(table.model, list(known))]
    try:
        name, settings = network_name(role, table.model, table.settings, table.start, recipe.folder)
    except OcrsmithError as error:
        return [f"{role}.start: {error}"]
    info = known[name]
    module, _, cls = info.builder.partition(":")
    builder = getattr(importlib.import_module(f"ocrsmith.models.{module}"), cls)
    names = [key for key in inspect.signature(builder).parameters if key != "alphabet"]
    mistakes = [f"{role}.settings.{key} is not known" + nearest(key, names) for key in settings if key not in names]
    if isinstance(table, DetectorTable):
        thresholds = CraftThresholds if builder.kind == "craft" else DbThresholds
        mistakes += _field_mistakes(f"{role}.thresholds", table.thresholds, thresholds)
        mistakes += _field_mistakes(f"{role}.scale", table.scale, ScaleRule)
    return mistakes


def _field_mistakes(
    place: str,
    values: Mapping[str, Any],
    form: type[CraftThresholds | DbThresholds | ScaleRule | SpaceRule | RereadingRule],
) -> list[str]:
    """What keeps a table from being a dataclass of reading: unknown keys, values of another type or out of range."""
    known = [field.name for field in dataclasses.fields(form)]
    unknown = [f"{place}.{key} is not known" + nearest(key, known) for key in values if key not in known]
    if unknown:
        return unknown
    try:
        TypeAdapter(form).validate_python(values)
    except ValidationError as error:
        return [
            ".".join((place, *map(str, entry["loc"]))) + f": {entry['msg'][0].lower()}{entry['msg'][1:]}"
            for entry in error.errors(include_url=False)
        ]
    return []


def _text_mistakes(recipe: Recipe) -> list[str]:
    tables = [("text", recipe.text)]
    for role, network in (("detector", recipe.detector), ("recognizer", recipe.recognizer)):
        for place, world in enumerate(network.world if network is not None else ()):
            if world.text is not None:
                tables.append((f"{role}.world[{place}].text", world.text))
    mistakes = []
    for where, settings in tables:
        try:
            text_generator(settings, recipe.make_alphabet(), folder=recipe.folder)
        except OcrsmithError as error:
            mistakes.append(f"{where}: {error}")
    return mistakes


def _group_mistakes(recipe: Recipe) -> list[str]:
    groups = recipe.fonts.groups
    left = recipe.make_alphabet().font_coverage(map(ord, "".join(groups))) if groups else []
    return [f"fonts.groups leave out {show(left)}, which the alphabet has"] if left else []


def _folder_mistakes(recipe: Recipe) -> list[str]:
    named = [(f"fonts.folders[{i}]", folder) for i, folder in enumerate(recipe.fonts.folders)]
    named += [(f"backgrounds.folders[{i}]", folder) for i, folder in enumerate(recipe.backgrounds.folders)]
    named += [(f"pictures[{i}].folder", table.folder) for i, table in enumerate(recipe.pictures)]
    for role, network in (("detector", recipe.detector), ("recognizer", recipe.recognizer)):
        for key, tables in (("real", network.real), ("keep", network.keep)) if network is not None else ():
            named += [(f"{role}.{key}[{i}].folder", table.folder) for i, table in enumerate(tables)]
    return [
        f"{place}: {recipe.path(folder)} does not exist; paths are taken from the recipe's own folder"
        for place, folder in named
        if folder not in ("builtin", "system") and not recipe.path(folder).exists()
    ]
