"""Development sets: real pictures on which each checkpoint is measured while it trains, and which choose nothing.

They are the pictures of a recipe's `[[pictures]]` tables that say `development`: crops are read by the recogniser, on
whole pictures the detector's boxes are counted. The scores stand in metrics.csv beside those of the validation.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

from ocrsmith.data.batches import EncodedLine, collate_lines
from ocrsmith.data.formats import LabelledFolder
from ocrsmith.data.page_crops import resize_page
from ocrsmith.errors import InputError, RecipeError
from ocrsmith.evaluation.boxes import BoxCounts
from ocrsmith.evaluation.text import TextCounts
from ocrsmith.preprocess import RecognizerInput
from ocrsmith.reading.scaling import ScaleRule
from ocrsmith.training.detector import DetectorBatch, DetectorCollate, DetectorModule, page_counts
from ocrsmith.training.history import DEVELOPMENT_SECONDS
from ocrsmith.training.measuring import TestSet, real_set
from ocrsmith.training.recipe import Recipe
from ocrsmith.training.recognizer import RecognizerModule
from ocrsmith.training.scoring import Source

# Of a set's column in metrics.csv.
COLUMN = "development_"


@dataclass(frozen=True, eq=False)
class DevelopmentSet:
    """One set as a network takes it.

    Attributes:
        name: as in reports; no two of a recipe share one.
        score: the network's module, in evaluation, gives its score, 0 to 1: the share of texts that are right under
            the set's comparison, or F of boxes at IoU .5 (recall, where the pictures are labelled in part).
        num_pictures: those that could be read.
    """

    name: str
    score: Callable[[Any], float]
    num_pictures: int


class Development(Callback):
    """Scores every set at each validation, with the weights that the validation judges: the averaged ones.

    It stands before the averaging callback, which takes its weights back when a validation ends.
    """

    def __init__(self, sets: Sequence[DevelopmentSet]) -> None:
        self.sets = tuple(sets)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Logs `development_NAME` for every set, and the seconds that all took."""
        if not self.sets:
            return
        began = time.monotonic()
        for one in self.sets:
            # Nothing that a network draws here may change what it draws in the next step.
            with torch.random.fork_rng(devices=[]), trainer.precision_plugin.val_step_context():
                pl_module.log(COLUMN + one.name, one.score(pl_module), batch_size=one.num_pictures)
        pl_module.log(DEVELOPMENT_SECONDS, time.monotonic() - began, batch_size=1)


def check_development(recipe: Recipe) -> None:
    """Raises what the sets of a recipe would raise when its networks are trained, an hour from now.

    Raises:
        InputError, LabelError, RecipeError: as `development_lines`.
    """
    for test_set in [*_sets(recipe, "crops"), *_sets(recipe, "pages")]:
        _check_any(test_set, sum(1 for _ in itertools.islice(_readable(test_set), 1)))


def _readable(test_set: TestSet) -> Iterator[None]:
    for entry in test_set.folder.entries:
        try:
            entry.image()
        except InputError:
            continue
        yield


def development_lines(recipe: Recipe, contract: RecognizerInput, batch_size: int) -> list[DevelopmentSet]:
    """The recipe's development sets of crops, for its recogniser.

    A text that the alphabet or the network's width has no room for counts as misread, as in the tables of the report.

    Raises:
        InputError, LabelError, RecipeError: a folder that is not there, has no labels, or cannot be used.
    """
    found = []
    for test_set in _sets(recipe, "crops"):
        lines = []
        for entry in test_set.folder.entries:
            try:
                image = contract.resize(entry.image())
            except InputError:
                continue  # told where the set is measured before and after
            lines.append(EncodedLine(image, np.zeros(0, np.int64), entry.text or ""))
        _check_any(test_set, len(lines))
        lines.sort(key=lambda line: line.image.shape[1])
        batches = [
            collate_lines(lines[start : start + batch_size], contract) for start in range(0, len(lines), batch_size)
        ]

        def score(module: RecognizerModule, batches: Any = batches, rule: Any = test_set.rule) -> float:
            pairs = [pair for batch in batches for pair in zip(batch.texts, module.texts(batch), strict=True)]
            return TextCounts.from_pairs(pairs, rule).accuracy

        found.append(DevelopmentSet(test_set.name, score, len(lines)))
    return found


def development_pages(recipe: Recipe, rule: ScaleRule, collate: DetectorCollate) -> list[DevelopmentSet]:
    """The recipe's development sets of whole pictures, for its detector, at the scale at which the bundle reads them.

    Raises:
        InputError, LabelError, RecipeError: as `development_lines`.
    """
    found = []
    for test_set in _sets(recipe, "pages"):
        batches = []
        for entry in test_set.folder.entries:
            try:
                page = entry.page_sample()
            except InputError:
                continue
            image = collate.contract.resize(page.image, rule.scale(*page.image.shape[:2]))
            instances = collate.units(resize_page(page, image))
            batches.append(DetectorBatch(collate.contract.stack([image]), (), (instances,)))
        _check_any(test_set, len(batches))
        # A detector that finds whole lines has none of its boxes joined.
        joined = test_set.source.joined and collate.kind == "craft"
        source = Source(test_set.name, joined, test_set.source.complete)

        def score(module: DetectorModule, batches: Any = batches, source: Any = source) -> float:
            counts = BoxCounts()
            for batch in batches:
                (detections,) = module.boxes(module(batch)[0])
                counts += page_counts(batch.instances[0], [one.polygon for one in detections], source)
            return counts.f_score if source.complete else counts.recall

        found.append(DevelopmentSet(test_set.name, score, len(batches)))
    return found


def _sets(recipe: Recipe, kind: str) -> list[TestSet]:
    """The recipe's sets of one kind, each cut to its number of development pictures; names are told apart."""
    found: list[TestSet] = []
    names: dict[str, int] = {}
    for table in recipe.pictures:
        if not table.development:
            continue
        test_set = real_set(recipe, table)
        reader = recipe.detector if test_set.folder.kind == "pages" else recipe.recognizer
        if reader is None:
            network = "a detector" if test_set.folder.kind == "pages" else "a recogniser"
            raise RecipeError(
                f"The pictures in {table.folder} are {test_set.folder.kind}, to be measured on while {network} trains, "
                "and the recipe has none. Take `development` out of their table, or add the network's."
            )
        number = names[test_set.name] = names.get(test_set.name, 0) + 1
        name = test_set.name if number == 1 else f"{test_set.name} ({number})"
        if test_set.folder.kind == kind:
            folder = spread(test_set.folder, table.development)
            found.append(TestSet(name, folder, test_set.rule, source=test_set.source))
    return found


def spread(folder: LabelledFolder, most: int) -> LabelledFolder:
    """So many pictures of a folder at most, spread evenly over it: neighbours are often alike."""
    length = len(folder.entries)
    if length <= most:
        return folder
    entries = [folder.entries[place * length // most] for place in range(most)]
    return LabelledFolder(folder.path, folder.format, folder.kind, entries, folder.problems)


def _check_any(test_set: TestSet, num_readable: int) -> None:
    if not num_readable:
        raise RecipeError(
            f"None of the {len(test_set.folder.entries)} development pictures in {test_set.folder.path} can be read. "
            "Give whole pictures, or take `development` out of their table."
        )
