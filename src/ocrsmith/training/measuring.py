"""Scores before and after: on synthetic samples of the held-out split, and on the recipe's real pictures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ocrsmith.data.formats import LabelledFolder, LabelledPicture, read_labels
from ocrsmith.data.sources import World
from ocrsmith.errors import OcrsmithError, RecipeError
from ocrsmith.evaluation.boxes import BoxCounts
from ocrsmith.evaluation.report import ScoreRow, rows_beside, score_values
from ocrsmith.evaluation.result import EvaluationResult, Failure
from ocrsmith.evaluation.run import evaluate_reader
from ocrsmith.evaluation.text import EXACT, TEXT_RULES, TextRule
from ocrsmith.preprocess import RecognizerInput
from ocrsmith.reading.bundle import Bundle
from ocrsmith.reading.reader import Reader
from ocrsmith.samples import Image, LineSample, PageSample
from ocrsmith.training.detector import page_counts
from ocrsmith.training.real import RealSet, level_of
from ocrsmith.training.real_samples import crop_folder, crops_of
from ocrsmith.training.recipe import Recipe
from ocrsmith.training.recipe_tables import PicturesTable
from ocrsmith.training.scoring import SYNTHETIC, Source
from ocrsmith.training.worlds import Materials

MOST_TEST_PAGES = 30
_KINDS = {"lines": "crops", "pages": "pages"}
# Scores by (set, measure): (value, count). JSON-able through `to_rows`.
Scores = dict[str, dict[str, float]]


@dataclass(frozen=True)
class WorldPicture:
    """A world's sample as a labelled picture's source: rendered whenever it is read, and never kept."""

    world: World[Any]
    index: int
    name: str
    path: Path = Path("synthetic")

    def read(self) -> Image:
        """The pixels: the same at every call."""
        sample: LineSample | PageSample = self.world[self.index]
        return sample.image

    def size(self) -> tuple[int, int]:
        """(width, height) px, known only by rendering."""
        height, width = self.read().shape[:2]
        return width, height


@dataclass(frozen=True)
class TestSet:
    """One set to measure on: its labels, when two texts count as equal, what reads its crops, how its boxes count."""

    # Not a test, whatever pytest thinks of the name.
    __test__ = False

    name: str
    folder: LabelledFolder
    rule: TextRule
    crops_by: Literal["recognize", "read"] = "recognize"
    source: Source = SYNTHETIC


def synthetic_set(world: World[Any], name: str, length: int) -> LabelledFolder:
    """The first samples of a world as a labelled folder: crops where it gives lines, else pages."""
    entries = []
    for index in range(length):
        sample = world[index]
        source = WorldPicture(world, index, f"{name} {index}")
        if isinstance(sample, LineSample):
            entries.append(LabelledPicture(source, text=sample.text))
        else:
            entries.append(LabelledPicture(source, instances=sample.instances))
    kind: Any = "crops" if entries and entries[0].text is not None else "pages"
    return LabelledFolder(Path(name), "synthetic", kind, entries)


def by_words(folder: LabelledFolder) -> LabelledFolder:
    """The folder with a label for every word, as readers and CRAFT find them: drawn lines know where each stands."""
    entries = [
        replace(entry, instances=tuple(word for instance in entry.instances for word in instance.words()))
        for entry in folder.entries
    ]
    return replace(folder, entries=entries)


def test_sets(recipe: Recipe, materials: Materials) -> list[TestSet]:
    """Every set of a recipe: real pictures first, since they are what counts.

    Of the real pictures that are trained on, those that are held back for it: what is new to the start. The pictures
    to keep, the recipe's other pictures and the synthetic samples are what it may not forget.
    """
    sets = [_held_back(real, materials) for real in (*materials.real_pages, *materials.real_lines)]
    sets += [real_set(recipe, table) for table in recipe.pictures]
    if recipe.recognizer is not None:
        world = materials.recognizer_world(recipe.recognizer, "test")
        sets.append(TestSet("synthetic lines", synthetic_set(world, "line", recipe.test_samples), EXACT))
    if recipe.detector is not None:
        world = materials.detector_world(recipe.detector, "test")
        length = min(recipe.test_samples, MOST_TEST_PAGES)
        sets.append(TestSet("synthetic pages", synthetic_set(world, "page", length), EXACT))
    return sets


test_sets.__test__ = False  # type: ignore[attr-defined]


def _held_back(real: RealSet, materials: Materials) -> TestSet:
    folder = real.folder("test")
    part = "kept" if real.kept else "held back"
    if real in materials.real_pages:
        source = Source(real.name, real.level == "lines", real.table.complete)
        return TestSet(f"{real.name}, {part}", folder, EXACT, source=source)
    if real.kind == "pages":
        assert materials.recipe.recognizer is not None
        contract = RecognizerInput(height=32)
        found = crops_of(real.pictures["test"], materials.alphabet, contract)
        folder = crop_folder(found.crops, folder.path)
    return TestSet(f"{real.name} lines, {part}", folder, EXACT)


def real_set(recipe: Recipe, table: PicturesTable) -> TestSet:
    """A table's pictures as a set; raises RecipeError where they are not of the kind that it says."""
    folder = read_labels(recipe.path(table.folder), table.format)
    if table.kind != "auto" and folder.kind != _KINDS[table.kind]:
        raise RecipeError(
            f"The pictures in {table.folder} are {folder.kind}, the recipe calls them {table.kind}. "
            "Say kind = 'lines' for crops of one text each, 'pages' for whole pictures."
        )
    if table.most is not None and len(folder.entries) > table.most:
        folder = LabelledFolder(folder.path, folder.format, folder.kind, folder.entries[: table.most], folder.problems)
    name = table.name or folder.path.name
    joined = folder.kind == "pages" and level_of(folder, table) == "lines"
    return TestSet(
        name,
        folder,
        TEXT_RULES[table.comparison],
        "read" if table.read_by == "reader" else "recognize",
        Source(name, joined, table.complete),
    )


def measure(bundle: Path, sets: Sequence[TestSet]) -> dict[str, EvaluationResult]:
    """A bundle's results on every set that it can read: pages need both of its networks, lines the recogniser."""
    loaded = Bundle.load(bundle)
    reader = Reader(loaded)
    if loaded.recognizer is None:
        pages = [one for one in sets if one.folder.kind == "pages"]
        return {one.name: measure_boxes(reader, one.folder, one.source) for one in pages}
    alone = [one for one in sets if one.folder.kind == "crops" and one.crops_by == "recognize"]
    readable = sets if loaded.detector is not None else alone
    return {
        one.name: evaluate_reader(
            reader,
            by_words(one.folder) if one.source == SYNTHETIC and one.folder.kind == "pages" else one.folder,
            rule=one.rule,
            joined=one.source.joined,
            complete=one.source.complete,
            crops_by=one.crops_by,
        )
        for one in readable
    }


def measure_boxes(reader: Reader, folder: LabelledFolder, source: Source = SYNTHETIC) -> EvaluationResult:
    """The boxes of a detector alone on pages, counted as `source` is scored."""
    boxes, seconds, num_pictures = BoxCounts(), 0.0, 0
    failures = []
    part = reader.bundle.detector
    # A detector that finds whole lines has none of its boxes joined.
    finds_words = part is not None and part.kind == "craft"
    counted_as = replace(source, joined=source.joined and finds_words)
    for entry in (by_words(folder) if source == SYNTHETIC and finds_words else folder).entries:
        try:
            image = entry.image()
            began = time.perf_counter()
            found = [detection.polygon for detection in reader.detect(image)]
        except OcrsmithError as error:
            failures.append(Failure(entry.name, str(error)))
            continue
        seconds += time.perf_counter() - began
        boxes += page_counts(entry.instances, found, counted_as)
        num_pictures += 1
    return EvaluationResult(
        name=source.name or folder.path.name,
        kind="pages",
        num_pictures=num_pictures,
        seconds=seconds,
        boxes=boxes,
        failures=tuple(failures),
        complete=source.complete,
    )


def to_scores(results: dict[str, EvaluationResult]) -> Scores:
    """The values by set and measure, with the time a picture in seconds: what a killed run keeps of a measurement."""
    return {name: score_values(result) for name, result in results.items()}


def rows(before: Scores, after: dict[str, EvaluationResult]) -> list[ScoreRow]:
    """The report's rows: every figure of `after` beside that of `before`, the time a picture last of each set."""
    return [row for name, result in after.items() for row in rows_beside(before.get(name, {}), result, data=name)]
