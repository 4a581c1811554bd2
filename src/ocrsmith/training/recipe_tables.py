"""The tables that a recipe is made of: every key, what it means, its type and its default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ocrsmith.alphabet import CasePolicy

PageSceneName = Literal["photo", "display", "page", "pdf"]
LineSceneName = Literal["line", "display_line"]

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Count = Annotated[int, Field(ge=1)]
Mixtures = Annotated[tuple[Annotated[float, Field(gt=0.0, le=1.0)], ...], Field(min_length=1)]


class Table(BaseModel):
    """A table of a recipe: frozen, and without keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class AlphabetTable(Table):
    """The characters to read, and what becomes of letters' case."""

    characters: str
    case: CasePolicy = "keep"


class FontsTable(Table):
    """Where fonts come from, and which of them: as `ocrsmith.synth.fonts.search_fonts`.

    Attributes:
        groups: parts of the alphabet, such as Latin and Greek letters, for which fonts of their own are enough. They
            hold all of it between them; every text is set in a font that draws it, and one of several alphabets (a
            mixture's `mixed`) in a font of each.
    """

    folders: tuple[str, ...] = ("builtin",)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class BackgroundsTable(Table):
    """Where photographs come from, and the share of grounds that are drawn instead."""

    folders: tuple[str, ...] = ("builtin",)
    procedural_share: Share = 0.4


class WorldTable(BaseModel):
    """One scene of a world. Keys that are not here are the scene's own settings, checked against it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    scene: str
    weight: Positive = 1.0
    text: dict[str, Any] | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The scene's own settings."""
        return dict(self.model_extra or {})


class PageWorldTable(WorldTable):
    """A scene of whole pictures."""

    scene: PageSceneName = "photo"


class LineWorldTable(WorldTable):
    """A scene of single lines."""

    scene: LineSceneName = "line"


class LabelledTable(Table):
    """A folder of labelled pictures, in any format that ocrsmith reads.

    Attributes:
        name: how reports call them; the folder's where empty.
        format: of the labels, where a folder holds several.
        level: "words" or "lines": what one label is. "auto" takes lines where more than a fifth of the texts hold a
            space. It says how boxes are counted; character boxes, where labels have them, are used either way.
        complete: False where some of the text in the pictures has no label. Recall alone is then counted.
    """

    folder: str
    name: str = ""
    format: str | None = None
    level: Literal["auto", "words", "lines"] = "auto"
    complete: bool = True


class RealTable(LabelledTable):
    """Labelled real pictures to train on beside the synthetic ones.

    Where they are not `complete`, text that the network sees beside the labels is neither text nor ground to it.

    Attributes:
        share: of the training samples. What the tables' shares leave stays synthetic: replay, so that what was known
            is not forgotten.
        held_back: share of the pictures, by a hash of their names, that are not trained on: half of them choose the
            best weights, half are only measured, before and after.
    """

    share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    held_back: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.3


class KeepTable(LabelledTable):
    """Labelled real pictures of what the start reads well and is to go on reading: never trained on.

    Half of them, by a hash of their names, say which weights forget too much; half are only measured.
    """


class NetworkTable(Table):
    """What the detector's and the recogniser's tables share.

    Attributes:
        model, settings: the registry's name and the settings that it is built with; left out, those of the start.
        start: start weights by name, a bundle by name or file, a weights file, or "none".
        share: of the minutes, beside the other network's share; 0 leaves the network as it started.
        steps: optimiser steps at most; without it time and patience end the training.
        steps_per_epoch: steps between two validations. validation_samples: how many each goes through.
        checkpoint_minutes: between two checkpoints; a run that was killed goes on at the last one.
        workers: processes that draw samples, where the command does not say. 0 draws them between the steps, with every
            processor for the network: faster where a step takes much longer than its samples. It changes no sample.
        freeze: parts of the network that are not trained: "backbone", or a list such as ["backbone.stem"].
        learning_rate_factors: of parts by name, multiplied where one lies in another: { backbone = 0.1 }.
        real: tables of labelled real pictures that are trained on too.
        keep: tables of labelled real pictures of old kinds, which with the synthetic samples are what is not forgotten.
        may_forget: with real pictures and a start, how much of the start's score on old samples weights may lose before
            they count as worse for it.
        mixtures: with real pictures and a start, shares of the tuned weights in the mixtures with the start's that are
            tried at the end, see `ocrsmith.training.mixing`; [1] leaves the tuned weights as they are.
    """

    model: str = ""
    settings: dict[str, Any] = {}
    start: str = "none"
    share: Share = 0.5
    steps: Count | None = None
    batch_size: Count = 16
    learning_rate: Positive = 1e-3
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.01
    warmup_steps: Annotated[int, Field(ge=0)] = 100
    gradient_clip: Positive = 5.0
    ema_decay: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.999
    steps_per_epoch: Count = 100
    validation_samples: Count = 64
    patience: Count = 25
    checkpoint_minutes: Positive = 2.0
    workers: Annotated[int, Field(ge=0)] | None = None
    freeze: tuple[str, ...] = ()
    learning_rate_factors: dict[str, Positive] = {}
    real: tuple[RealTable, ...] = ()
    keep: tuple[KeepTable, ...] = ()
    may_forget: Share = 0.01
    mixtures: Mixtures = (1.0, 0.75, 0.5, 0.3)

    @field_validator("freeze", mode="before")
    @classmethod
    def _one_part(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class DetectorTable(NetworkTable):
    """The detector: its network, its pages, its training. `image_size` is the width and height of a training page.

    Attributes:
        thresholds, scale: fields of the bundle's thresholds and ScaleRule. With real pictures, what they leave out is
            as in the bundle that the network starts from. Else pages smaller than `image_size` are enlarged to it.
        negative_ratio, min_negatives: of CRAFT's loss, how many pixels of ground count beside those of text.
        zoom, turn_degrees, colours: how windows of real pages vary, see `ocrsmith.data.page_crops.PageWindows`.
        relabel_steps: CRAFT finds the characters of real words and lines itself, and does so anew after so many steps;
            left out, after `steps_per_epoch`, of which it is a multiple.
    """

    share: Share = 0.45
    batch_size: Count = 4
    image_size: Annotated[int, Field(ge=64, multiple_of=32)] = 512
    validation_samples: Count = 32
    patience: Count = 5
    world: tuple[PageWorldTable, ...] = (PageWorldTable(),)
    thresholds: dict[str, Any] = {}
    scale: dict[str, Any] = {}
    negative_ratio: Positive = 1.0
    min_negatives: Annotated[int, Field(ge=0)] = 1000
    zoom: tuple[Positive, Positive] = (0.7, 1.4)
    turn_degrees: Annotated[float, Field(ge=0.0, le=45.0)] = 5.0
    colours: Share = 0.2
    relabel_steps: Count | None = None

    def reading(self, start: Mapping[str, Any] | None = None, *, trained: bool = True) -> dict[str, Any]:
        """What a bundle says of reading with this detector: its thresholds and scale.

        `start` is what the bundle that it started from says, which a detector made better on real pictures keeps;
        `trained`: on pages of `image_size`.
        """
        kept = start if self.real else None
        shown = {"min_side": self.image_size} if trained and kept is None else {}
        known = kept or {}
        given = {
            "thresholds": {**known.get("thresholds", {}), **self.thresholds},
            "scale": {**shown, **known.get("scale", {}), **self.scale},
        }
        return {key: value for key, value in given.items() if value}


class RecognizerTable(NetworkTable):
    """The recogniser: its network, its lines, its training.

    Attributes:
        read_width: px that a crop of the network's height is squeezed to at most when it is read; left out, the
            network's own. Text that is stored or printed wide may be trained on wide and read better narrow.
        alignment: share of the training in which the places of drawn characters teach beside CTC; left out, 0.3 from
            nothing and 0 from start weights, which have places of their own.
        distill: weight of a second loss that holds the network to what it read at its start, on lines that it read
            rightly then: what it knows of real pictures is forgotten less. A third more time a step.
        keep_statistics: batch normalisation keeps the start's statistics instead of taking those of drawn lines.
    """

    share: Share = 0.55
    batch_size: Count = 64
    validation_samples: Count = 512
    patience: Count = 25
    read_width: Annotated[int, Field(ge=32)] | None = None
    alignment: Share | None = None
    distill: Annotated[float, Field(ge=0.0)] = 0.0
    keep_statistics: bool = False
    world: tuple[LineWorldTable, ...] = (LineWorldTable(),)

    def reading(self, start: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What a bundle says of reading with this recogniser beside the network.

        `start` is what the bundle that it started from says, which a recogniser made better on real pictures keeps.
        """
        own = {} if self.read_width is None else {"input": {"max_width": self.read_width}}
        return {**(start or {} if self.real else {}), **own}


class PicturesTable(LabelledTable):
    """Real pictures to measure on, before and after: a folder with labels, never trained on.

    Attributes:
        kind: "lines" for crops of one text each, "pages" for whole pictures, "auto" for what the labels say.
        read_by: "recognizer" reads crops as they are; "reader" looks for the text in them first.
        comparison: "exact", "letters_and_digits", "digits" or "plates": when two texts count as equal.
        most: of the pictures, the first so many are taken.
        development: so many of those, spread evenly, are read at each validation of the training too: crops by the
            recogniser, on whole pictures the detector's boxes are counted. Their scores are logged and plotted, and
            choose no weights.
    """

    kind: Literal["auto", "lines", "pages"] = "auto"
    read_by: Literal["recognizer", "reader"] = "recognizer"
    comparison: Literal["exact", "letters_and_digits", "digits", "plates"] = "exact"
    most: Count | None = None
    development: Annotated[int, Field(ge=0)] = 0


class ExportTable(Table):
    """The bundle: its name (the recipe's where empty), and how its networks are stored.

    Attributes:
        half_precision: weights are stored in 16 bits and computed with in 32; half the file.
        whole_if_empty: a picture without detections is read as one crop.
        largest_difference: between PyTorch's outputs and the bundle's, past which the export fails.
    """

    name: str = ""
    half_precision: bool = True
    whole_if_empty: bool = False
    largest_difference: Positive = 0.02
