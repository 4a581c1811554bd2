"""The networks by name. A new one is a line here and a test of ten lines on the harness in tests/models."""

from __future__ import annotations

import difflib
import importlib
import inspect
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import RecipeError
from ocrsmith.models.start_weights import START_WEIGHTS

Role = Literal["detector", "recognizer"]


@dataclass(frozen=True)
class ModelInfo:
    """A line about a network.

    Attributes:
        builder: "module:class" under ocrsmith.models, imported when it is built.
        parameters: at the defaults, a recogniser's with an alphabet of 96 characters, in millions.
    """

    name: str
    role: Role
    builder: str
    parameters: float
    about: str

    @property
    def start_weights(self) -> tuple[str, ...]:
        """Names that `load_start_weights` takes for it, each with its licence, such as "english_g2 (Apache-2.0)"."""
        kinds = ("ctc",) if self.role == "recognizer" else ("craft", "db")
        return tuple(f"{e.name} ({e.licence})" for e in START_WEIGHTS if e.network == self.name and e.kind in kinds)

    def __str__(self) -> str:
        starts = ", ".join(self.start_weights) or "none"
        return f"{self.name} ({self.role}, {self.parameters:g} M parameters): {self.about} Start weights: {starts}."


DETECTORS: dict[str, ModelInfo] = {
    info.name: info
    for info in (
        ModelInfo("craft", "detector", "craft:Craft", 20.77, "CRAFT with VGG16-BN as released."),
        ModelInfo("craft_light", "detector", "craft_light:CraftLight", 1.58, "CRAFT's maps from a light backbone."),
        ModelInfo("ppocr_v6_small", "detector", "ppocr_detector:PPOCRDetector", 2.45, "PP-OCRv6 small, DB maps."),
    )
}

RECOGNIZERS: dict[str, ModelInfo] = {
    info.name: info
    for info in (
        ModelInfo(
            "light_ctc", "recognizer", "light_ctc:LightCTC", 0.465, "Plain convolutions, no recurrence, any width."
        ),
        ModelInfo("crnn", "recognizer", "crnn:CRNN", 8.8, "keras-ocr's CRNN with a spatial transformer, 31 x 200 px."),
        ModelInfo("vgg_bilstm", "recognizer", "vgg_bilstm:VggBiLSTM", 3.78, "EasyOCR's second generation, 64 px high."),
        ModelInfo(
            "ppocr_v6_small", "recognizer", "ppocr_recognizer:PPOCRRecognizer", 3.02, "PP-OCRv6 small, 48 px high."
        ),
    )
}


def build_detector(name: str, **settings: Any) -> nn.Module:
    """A new detector; `settings` are its constructor's.

    Raises:
        RecipeError: an unknown name, unknown settings, or values that it cannot be built with.
    """
    return _build(_info(DETECTORS, name, "detector"), (), settings)


def build_recognizer(name: str, alphabet: Alphabet, **settings: Any) -> nn.Module:
    """A new recogniser with a class for the blank and one for each character of `alphabet`; raises RecipeError."""
    return _build(_info(RECOGNIZERS, name, "recogniser"), (alphabet,), settings)


def list_models() -> tuple[ModelInfo, ...]:
    """Every network: `print(*list_models(), sep="\\n")` tells parameters, start weights and their licences."""
    return (*DETECTORS.values(), *RECOGNIZERS.values())


def _info(table: dict[str, ModelInfo], name: str, what: str) -> ModelInfo:
    if name not in table:
        near = difflib.get_close_matches(name, table, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise RecipeError(f"No {what} is called {name!r}.{hint} Known: {', '.join(table)}.")
    return table[name]


def _build(info: ModelInfo, arguments: tuple[Any, ...], settings: dict[str, Any]) -> nn.Module:
    module, _, cls = info.builder.partition(":")
    builder = getattr(importlib.import_module(f"ocrsmith.models.{module}"), cls)
    known = list(inspect.signature(builder).parameters)[len(arguments) :]
    unknown = [key for key in settings if key not in known]
    if unknown:
        near = {key: difflib.get_close_matches(key, known, n=1) for key in unknown}
        hints = ", ".join(f"{key!r}" + (f" (did you mean {near[key][0]!r}?)" if near[key] else "") for key in unknown)
        raise RecipeError(f"The network {info.name} has no setting {hints}. It has: {', '.join(known) or 'none'}.")
    try:
        network: nn.Module = builder(*arguments, **settings)
    except ValueError as error:
        raise RecipeError(f"The network {info.name} cannot be built with these settings. {error}") from None
    return network
