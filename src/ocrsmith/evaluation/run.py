"""Measuring a reader on a labelled folder: every score with its count, the worst mistakes, the pictures that failed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from ocrsmith.data.formats import LabelledFolder, LabelledPicture
from ocrsmith.data.formats.jsonl import points_of
from ocrsmith.errors import OcrsmithError, StorageError
from ocrsmith.evaluation.boxes import BoxCounts
from ocrsmith.evaluation.calibration import CalibrationCounts, word_outcomes
from ocrsmith.evaluation.end_to_end import BagOfWordsCounts, EndToEndCounts
from ocrsmith.evaluation.joined_boxes import join_words_by_line
from ocrsmith.evaluation.mistakes import WorstMistakes, blank_mistake, collect_page_mistakes
from ocrsmith.evaluation.result import EvaluationResult, Failure
from ocrsmith.evaluation.text import LETTERS_AND_DIGITS, TextCounts, TextRule
from ocrsmith.geometry import Polygon
from ocrsmith.samples import Image


class ReadText(Protocol):
    """A text with a confidence in 0 to 1."""

    @property
    def text(self) -> str: ...
    @property
    def confidence(self) -> float: ...


class ReadWord(ReadText, Protocol):
    """A text with its place."""

    @property
    def polygon(self) -> Polygon: ...


class ReadPage(Protocol):
    """What `reader.read` gives: words, in reading order."""

    @property
    def words(self) -> Sequence[ReadWord]: ...


class PageReader(Protocol):
    """Anything that reads pages and crops."""

    def read(self, image: Image, /) -> ReadPage:
        """A page's words."""

    def recognize(self, images: Sequence[Image], /) -> Sequence[ReadText]:
        """One text a crop."""


def evaluate_reader(
    reader: PageReader,
    folder: LabelledFolder,
    *,
    rule: TextRule = LETTERS_AND_DIGITS,
    iou: float = 0.5,
    joined: bool = False,
    complete: bool = True,
    crops_by: Literal["recognize", "read"] = "recognize",
    batch_size: int = 32,
    most_mistakes: int = 24,
    predictions: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> EvaluationResult:
    """Reads every picture of a folder and compares.

    Pages are scored by boxes at `iou`, by the bag of their words and end to end; crops by their texts. A picture that
    cannot be read is a failure with its reason, is in no score, and never stops the rest.

    Args:
        reader: `.read(image).words` with `.text .polygon .confidence`; `.recognize(images)` with `.text .confidence`.
        folder: from `data.formats.read_labels`.
        rule: when texts are equal.
        joined: labels are lines: the words found in one are joined before their boxes are counted, and nothing is
            counted end to end.
        complete: all text of the pages is labelled; otherwise recall alone is scored.
        crops_by: "recognize" gives crops to the recogniser alone; "read" to the whole reader, words joined by spaces.
        batch_size: crops a call.
        most_mistakes: how many are kept as pictures.
        predictions: a file for the predictions, a JSON object a line: `image`, `words` or `text`, `seconds`.
        progress: called with (pictures done, pictures).

    Raises:
        StorageError: the predictions cannot be written.
    """
    run = _Run(folder, rule, iou, WorstMistakes(most_mistakes), joined, complete)
    with ExitStack() as stack:
        if predictions is not None:
            run.file = stack.enter_context(_open(Path(predictions)))
        if folder.kind == "pages":
            batches: Iterator[Sequence[LabelledPicture]] = ([entry] for entry in folder.entries)
        else:
            size = batch_size if crops_by == "recognize" else 1
            batches = (folder.entries[i : i + size] for i in range(0, len(folder.entries), size))
        done = 0
        for batch in batches:
            if folder.kind == "pages":
                run.page(reader, batch[0])
            elif crops_by == "read":
                run.crop_as_page(reader, batch[0])
            else:
                run.crops(reader, batch)
            done += len(batch)
            if progress is not None:
                progress(done, len(folder.entries))
    return run.result()


def _open(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"The predictions {path} cannot be written ({error}). Check the path and rights.") from None


class _Run:
    """The sums while a folder is read."""

    def __init__(
        self, folder: LabelledFolder, rule: TextRule, iou: float, worst: WorstMistakes, joined: bool, complete: bool
    ) -> None:
        self.folder, self.rule, self.iou, self.worst = folder, rule, iou, worst
        self.joined, self.complete = joined, complete
        self.text = TextCounts(rule=rule)
        self.boxes = BoxCounts(iou_threshold=iou)
        self.bag = BagOfWordsCounts(rule=rule)
        self.end_to_end = EndToEndCounts(rule=rule, iou_threshold=iou)
        self.confidence = CalibrationCounts()
        self.failures: list[Failure] = []
        self.seconds, self.num_pictures = 0.0, 0
        self.file: IO[str] | None = None

    def _fail(self, entry: LabelledPicture, error: OcrsmithError) -> None:
        self.failures.append(Failure(entry.name, str(error)))

    def _done(self, entry: LabelledPicture, seconds: float, row: dict[str, Any]) -> None:
        self.num_pictures += 1
        self.seconds += seconds
        if self.file is not None:
            row = {"image": entry.name, **row, "seconds": round(seconds, 5)}
            try:
                self.file.write(json.dumps(row, ensure_ascii=False) + "\n")
            except OSError as error:
                raise StorageError(f"The predictions cannot be written on ({error}). Free some space.") from None

    def _read(self, reader: PageReader, entry: LabelledPicture) -> tuple[Image, list[ReadWord], float] | None:
        """(picture, its words, seconds of reading); None where it failed, which is noted."""
        try:
            image = entry.image()
            began = time.perf_counter()
            words = list(reader.read(image).words)
            return image, words, time.perf_counter() - began
        except OcrsmithError as error:
            self._fail(entry, error)
            return None

    def page(self, reader: PageReader, entry: LabelledPicture) -> None:
        """Reads and counts one page."""
        read = self._read(reader, entry)
        if read is None:
            return
        image, words, seconds = read
        truth = entry.instances
        polygons, texts = [word.polygon for word in words], [word.text for word in words]
        true_polygons, ignored = [t.polygon for t in truth], [t.ignore for t in truth]
        found = join_words_by_line(polygons, true_polygons) if self.joined else polygons
        self.boxes += BoxCounts.from_page(true_polygons, ignored, found, self.iou)
        wanted, ignored_texts = [t.text for t in truth if not t.ignore], [t.text for t in truth if t.ignore]
        self.bag += BagOfWordsCounts.from_page(wanted, texts, ignored_texts, rule=self.rule)
        self.end_to_end += EndToEndCounts.from_page(
            true_polygons, [t.text for t in truth], ignored, polygons, texts, rule=self.rule, iou=self.iou
        )
        confidences = [float(word.confidence) for word in words]
        outcomes = word_outcomes(wanted, zip(texts, confidences), ignored_texts, rule=self.rule)
        self.confidence += CalibrationCounts.from_pairs(outcomes)
        collect_page_mistakes(
            self.worst, image, entry.name, truth, polygons, texts, confidences, rule=self.rule, iou=self.iou
        )
        rows = [
            {"text": text, "polygon": points_of(polygon), "confidence": round(confidence, 4)}
            for text, polygon, confidence in zip(texts, polygons, confidences)
        ]
        self._done(entry, seconds, {"words": rows})

    def crop_as_page(self, reader: PageReader, entry: LabelledPicture) -> None:
        """Reads one crop with the whole reader, as if nobody had cut it."""
        read = self._read(reader, entry)
        if read is None:
            return
        image, words, seconds = read
        confidence = min((float(word.confidence) for word in words), default=0.0)
        self._count_crop(entry, image, " ".join(word.text for word in words), confidence, seconds)

    def crops(self, reader: PageReader, entries: Sequence[LabelledPicture]) -> None:
        """Reads and counts a batch of crops; where a batch fails its crops are tried alone, to name the bad one."""
        readable: list[tuple[LabelledPicture, Image]] = []
        for entry in entries:
            try:
                readable.append((entry, entry.image()))
            except OcrsmithError as error:
                self._fail(entry, error)
        if not readable:
            return
        try:
            began = time.perf_counter()
            found = list(reader.recognize([image for _, image in readable]))
            seconds = (time.perf_counter() - began) / len(readable)
        except OcrsmithError as error:
            if len(readable) == 1:
                self._fail(readable[0][0], error)
                return
            for entry, _ in readable:
                self.crops(reader, [entry])
            return
        for (entry, image), read in zip(readable, found, strict=True):
            self._count_crop(entry, image, read.text, float(read.confidence), seconds)

    def _count_crop(
        self, entry: LabelledPicture, image: Image, prediction: str, confidence: float, seconds: float
    ) -> None:
        truth = entry.text or ""
        self.text += TextCounts.from_pairs([(truth, prediction)], self.rule)
        self.confidence += CalibrationCounts.from_pairs([(confidence, self.rule.equal(truth, prediction))])
        if not self.rule.equal(truth, prediction):
            self.worst.add(image, None, blank_mistake(entry.name, truth, prediction, confidence), confidence)
        self._done(entry, seconds, {"text": prediction, "confidence": round(confidence, 4)})

    def result(self) -> EvaluationResult:
        """The finished sums."""
        pages = self.folder.kind == "pages"
        return EvaluationResult(
            name=self.folder.path.name,
            kind=self.folder.kind,
            num_pictures=self.num_pictures,
            seconds=self.seconds,
            text=None if pages else self.text,
            boxes=self.boxes if pages else None,
            bag_of_words=self.bag if pages else None,
            end_to_end=self.end_to_end if pages and not self.joined else None,
            confidence=self.confidence,
            mistakes=self.worst.worst(),
            mistake_counts=self.worst.counts(),
            failures=tuple(self.failures),
            complete=self.complete,
        )
