"""ocrsmith: forge your own OCR from an alphabet, fonts and backgrounds.

    from ocrsmith import Reader
    page = Reader("english").read("scan.png")

The names below are the public ones; each is loaded when it is first used, so that importing ocrsmith costs nothing and
reading never loads PyTorch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocrsmith.alphabet import Alphabet
    from ocrsmith.data.formats import describe, read_labels, write_dataset
    from ocrsmith.errors import OcrsmithError
    from ocrsmith.evaluation.run import evaluate_reader
    from ocrsmith.export.bundle import export_bundle
    from ocrsmith.images import read_image, write_image
    from ocrsmith.models.registry import build_detector, build_recognizer, list_models
    from ocrsmith.models.weights import load_start_weights
    from ocrsmith.reading.bundle import Bundle
    from ocrsmith.reading.page import Line, Page, Word
    from ocrsmith.reading.reader import Reader
    from ocrsmith.samples import Character, LineSample, PageSample, TextInstance
    from ocrsmith.synth.fonts import find_fonts
    from ocrsmith.synth.world import World
    from ocrsmith.training.recipe import Recipe
    from ocrsmith.training.recipe_loading import load_recipe
    from ocrsmith.training.run import RunResult, train
    from ocrsmith.training.worlds import Materials

__version__ = "0.1.0"

# Public name -> the module that has it.
_MODULES = {
    "Alphabet": "alphabet",
    "Bundle": "reading.bundle",
    "Character": "samples",
    "Line": "reading.page",
    "LineSample": "samples",
    "Materials": "training.worlds",
    "OcrsmithError": "errors",
    "Page": "reading.page",
    "PageSample": "samples",
    "Reader": "reading.reader",
    "Recipe": "training.recipe",
    "RunResult": "training.run",
    "TextInstance": "samples",
    "Word": "reading.page",
    "World": "synth.world",
    "build_detector": "models.registry",
    "build_recognizer": "models.registry",
    "describe": "data.formats",
    "evaluate_reader": "evaluation.run",
    "export_bundle": "export.bundle",
    "find_fonts": "synth.fonts",
    "list_models": "models.registry",
    "load_recipe": "training.recipe_loading",
    "load_start_weights": "models.weights",
    "read_image": "images",
    "read_labels": "data.formats",
    "train": "training.run",
    "write_dataset": "data.formats",
    "write_image": "images",
}

__all__ = [
    "Alphabet",
    "Bundle",
    "Character",
    "Line",
    "LineSample",
    "Materials",
    "OcrsmithError",
    "Page",
    "PageSample",
    "Reader",
    "Recipe",
    "RunResult",
    "TextInstance",
    "Word",
    "World",
    "__version__",
    "build_detector",
    "build_recognizer",
    "describe",
    "evaluate_reader",
    "export_bundle",
    "find_fonts",
    "list_models",
    "load_recipe",
    "load_start_weights",
    "read_image",
    "read_labels",
    "train",
    "write_dataset",
    "write_image",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'ocrsmith' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"ocrsmith.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
