"""The tables of a recipe's networks: what each starts from, trains on, and how the bundle reads with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, field_validator

from ocrsmith.reading.rereading import RereadingRule
from ocrsmith.reading.spaces import SpaceRule
from ocrsmith.training.recipe_tables import (
    Count,
    KeepTable,
    LineWorldTable,
    PageWorldTable,
    Positive,
    RealTable,
    Share,
    Table,
)

Mixtures = Annotated[tuple[Annotated[float, Field(gt=0.0, le=1.0)], ...], Field(min_length=1)]


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
        mixtures: with a start, shares of the tuned weights in the mixtures with the start's that are tried at the end,
            see `ocrsmith.training.mixing`; [1] leaves the tuned weights as they are. Left out, that is so on drawn
            samples alone, and with real pictures 1, 0.75, 0.5 and 0.3 are tried.
    """

    model: str = ""
    settings: dict[str, Any] = Field(default={})
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
    learning_rate_factors: dict[str, Positive] = Field(default={})
    real: tuple[RealTable, ...] = ()
    keep: tuple[KeepTable, ...] = ()
    may_forget: Share = 0.01
    mixtures: Mixtures | None = None

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
    thresholds: dict[str, Any] = Field(default={})
    scale: dict[str, Any] = Field(default={})
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
        min_confidence: words below it are dropped; on the network's own scale, which a calibration moves.
        crop_margin: see `ocrsmith.reading.bundle.RecognizerPart`.
        spaces, rereading: fields of the bundle's SpaceRule and RereadingRule; {} takes their own, left out there is no
            such rule. With real pictures, what these four leave out is as in the bundle that the network starts from.
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
    min_confidence: Share | None = None
    crop_margin: Annotated[float, Field(ge=0.0)] | None = None
    spaces: dict[str, Any] | None = None
    rereading: dict[str, Any] | None = None
    alignment: Share | None = None
    distill: Annotated[float, Field(ge=0.0)] = 0.0
    keep_statistics: bool = False
    world: tuple[LineWorldTable, ...] = (LineWorldTable(),)

    def reading(self, start: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What a bundle says of reading with this recogniser beside the network.

        `start` is what the bundle that it started from says, which a recogniser made better on real pictures keeps.
        """
        own: dict[str, Any] = {} if self.read_width is None else {"input": {"max_width": self.read_width}}
        given = {
            "min_confidence": self.min_confidence,
            "crop_margin": self.crop_margin,
            "spaces": None if self.spaces is None else SpaceRule(**self.spaces).to_dict(),
            "rereading": None if self.rereading is None else RereadingRule(**self.rereading).to_dict(),
        }
        own |= {key: value for key, value in given.items() if value is not None}
        return {**(start or {} if self.real else {}), **own}
