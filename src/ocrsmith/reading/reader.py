"""The reader: a picture in, a page of text out."""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pypdfium2 import PdfPage

from ocrsmith.errors import BundleError, InputError
from ocrsmith.geometry import Polygon, Quad, box_quad
from ocrsmith.images import ImageSource, read_image
from ocrsmith.memory import give_back_memory
from ocrsmith.reading.bundle import Bundle
from ocrsmith.reading.calibration import Calibration
from ocrsmith.reading.decoding import Constraints, Decoder
from ocrsmith.reading.detecting import PageDetector
from ocrsmith.reading.detections import Detection, outline_quads
from ocrsmith.reading.documents import DEFAULT_DPI, DocumentPage, is_document, open_document, render_page
from ocrsmith.reading.faint import CONFIRMED, standing_alone
from ocrsmith.reading.order import lines_of
from ocrsmith.reading.orientation import (
    ORIENTATIONS,
    SAMPLE,
    SURE_LINE,
    SURE_PAGE,
    Orientation,
    lies_on_its_side,
    longest,
    turned_image,
    turned_page,
)
from ocrsmith.reading.page import LayerReport, Page, Recognized
from ocrsmith.reading.recognizing import CropRecognizer
from ocrsmith.reading.rereading import RereadingRule, read_doubtful
from ocrsmith.reading.sources import fetched
from ocrsmith.reading.text_layer import LAYER_CHOICES, MIN_AGREEMENT, LayerChoice, agreement
from ocrsmith.reading.units import Unit, UnitReader, weighted_confidence, words_of
from ocrsmith.samples import Image

# After so many pages what a reader does not hold for good goes back to the system, which takes less than a ms of each.
_PAGES_A_ROUND = 16


class Reader:
    """Reads pictures with a bundle. Loading takes the networks into memory; a reader is then used again and again.

    Threads may share one, as those of a web server do; they share its networks' `threads` too.

    Args:
        bundle: a name ("english"), a path, or a loaded Bundle.
        engine: see `ocrsmith.reading.engines.open_engine`.
        threads: at most so many for the networks; None takes `ocrsmith.settings.num_threads()`.
        min_confidence: words below are dropped; None takes the bundle's own threshold.
        characters, pattern, words, word_bias, beam: what may be written, see
            `ocrsmith.reading.decoding.Constraints`; None of them allows every text.
        detector_thresholds: fields of the bundle's CraftThresholds or DbThresholds to set otherwise.
        scale: fields of the bundle's ScaleRule to set otherwise.
        orientation: "auto" finds pages and lines that lie on their side or stand on their head where boxes or
            confidences give reason to look; "check" looks at every page; "upright" never does.
        curved: follow curved words with polygons and straighten them; False leaves it to the bundle's thresholds.

    Raises:
        BundleError: the bundle is absent, damaged or too new, or a threshold's name is unknown.
        AlphabetError, ConstraintError: what may be written cannot be.
        EngineError: the engine is absent or refuses a network.
    """

    def __init__(
        self,
        bundle: str | Path | Bundle = "english",
        *,
        engine: str = "auto",
        threads: int | None = None,
        min_confidence: float | None = None,
        characters: Iterable[str] | None = None,
        pattern: str | None = None,
        words: Sequence[str] | None = None,
        word_bias: float | None = None,
        beam: int | None = None,
        detector_thresholds: dict[str, Any] | None = None,
        scale: dict[str, Any] | None = None,
        orientation: Orientation = "auto",
        curved: bool = False,
    ) -> None:
        if orientation not in ORIENTATIONS:
            raise InputError(f"The orientation came as {orientation!r}. One of {', '.join(ORIENTATIONS)} was expected.")
        self.orientation = orientation
        self._pages = itertools.count(1)
        self.bundle = bundle if isinstance(bundle, Bundle) else Bundle.load(bundle)
        self._detector = None
        if self.bundle.detector is not None:
            part = self.bundle.detector
            part = replace(part, thresholds=_changed(part.thresholds, detector_thresholds))
            if curved:
                part = replace(part, thresholds=_changed(part.thresholds, {"shape": "polygon"}))
            part = replace(part, scale=_changed(part.scale, scale))
            self._detector = PageDetector(part, engine, threads)
        self._recognizer = None
        self._crop_margin = 0.0
        self._rereading: RereadingRule | None = None
        if self.bundle.recognizer is not None:
            self._recognizer = CropRecognizer(self.bundle.recognizer, engine, threads)
            self._crop_margin = self.bundle.recognizer.crop_margin
            self._rereading = self.bundle.recognizer.rereading
            self._calibration = self.bundle.recognizer.calibration or Calibration()
            bundled = self.bundle.recognizer.min_confidence
            self.min_confidence = bundled if min_confidence is None else min_confidence
            self._decoder = Decoder(
                self.bundle.recognizer.alphabet, Constraints(characters, pattern, words, word_bias, beam)
            )

    def constrained(self, constraints: Constraints) -> Reader:
        """A reader under other constraints with the same networks in memory; this one stays as it is."""
        other = copy.copy(self)
        if self.bundle.recognizer is not None:
            other._decoder = Decoder(self.bundle.recognizer.alphabet, constraints)
        return other

    def detect(self, image: ImageSource) -> list[Detection]:
        """Polygons with scores, in the picture's px; raises BundleError where the bundle has no detector."""
        if self._detector is None:
            raise BundleError(f"The bundle {self.bundle.name!r} has no detector. Use recognize, or another bundle.")
        return self._detector.detect(read_image(image))

    def recognize(self, crops: Sequence[ImageSource]) -> list[Recognized]:
        """One text a crop (a word or a line cut out, upright), in order; low confidences are not dropped here."""
        images = [read_image(crop) for crop in crops]
        read = self._recognized(images)
        read = read_doubtful(images, read, self._recognized, self._rereading)
        return [self._calibration.of_crop(text) for text in read]

    def _recognized(self, crops: Sequence[Image]) -> list[Recognized]:
        if self._recognizer is None:
            raise BundleError(f"The bundle {self.bundle.name!r} has no recogniser. Use detect, or another bundle.")
        return self._recognizer.recognize(crops, self._decoder)

    def read(self, source: ImageSource | PdfPage) -> Page:
        """A picture -> its page. A PDF or TIFF must have one page; `read_document` reads the others.

        A `source` that starts with http:// or https:// is downloaded, see `ocrsmith.reading.sources`.

        Raises:
            InputError: the picture cannot be read, or the document has several pages.
        """
        started = time.perf_counter()
        image = _only_picture(source if isinstance(source, PdfPage) else fetched(source))
        name = str(source) if isinstance(source, (str, Path)) else ""
        return self._page(image, name, {"load": time.perf_counter() - started})

    def read_document(
        self,
        source: ImageSource,
        pages: str | Sequence[int] | None = None,
        *,
        dpi: float = DEFAULT_DPI,
        password: str | None = None,
        text_layer: LayerChoice = "ignore",
    ) -> Iterator[Page]:
        """The pages of a PDF or multi-page TIFF, one by one; see `ocrsmith.reading.documents.open_document`.

        `text_layer` says what becomes of the text that a PDF carries: "ignore" reads the picture; "use" takes it where
        it is there and sound, and reads the other pages; "check" reads every page, takes the layer where both say the
        same, and tells in `Page.text_layer` how far they agree.
        """
        if text_layer not in LAYER_CHOICES:
            raise InputError(f"The text layer's use came as {text_layer!r}. One of {LAYER_CHOICES} was expected.")
        name = str(source) if isinstance(source, (str, Path)) else ""
        started = time.perf_counter()
        layers = text_layer != "ignore"
        for page in open_document(fetched(source), pages, dpi=dpi, password=password, layers=layers):
            timings = {"load": time.perf_counter() - started}
            yield self._document_page(page, f"{name}#{page.number}", timings, check=text_layer == "check")
            started = time.perf_counter()

    def _document_page(self, page: DocumentPage, name: str, timings: dict[str, float], *, check: bool) -> Page:
        layer = page.layer
        if layer is None:
            return self._page(page.image, name, timings)
        whole = layer.state == "whole"
        lines = lines_of([[word] for word in layer.words]) if whole else ()
        if whole and not check:
            size = (page.image.shape[1], page.image.shape[0])
            return Page(lines, size, timings, page.image, name, text_layer=LayerReport("whole", True))
        read = self._page(page.image, name, timings)
        if not whole:
            return replace(read, text_layer=LayerReport(layer.state, False))
        common = agreement(layer.words, read.words)
        # Without anything read there is nothing that contradicts the layer.
        used = common >= MIN_AGREEMENT or not read.lines
        report = LayerReport("whole" if used else "broken", used, round(common, 4))
        return replace(read, lines=lines if used else read.lines, text_layer=report)

    def _page(self, image: Image, name: str, timings: dict[str, float]) -> Page:
        page = self._read_page(image, name, timings)
        if next(self._pages) % _PAGES_A_ROUND == 0:
            # The buffers of the largest page so far would else stay for as long as the reader does.
            for part in (self._detector, self._recognizer):
                if part is not None:
                    part.engine.release_buffers()
            give_back_memory()
        return page

    def _read_page(self, image: Image, name: str, timings: dict[str, float]) -> Page:
        if self._detector is None:
            return self._arranged(self._read_whole(image, timings), image, name, timings)
        sure, faint = self._detector.detect_with_faint(image, timings)
        outlines = [detection.polygon for detection in sure]
        reading = UnitReader(image, self._recognized, self._crop_margin, timings)
        turns = self._side_turns(reading, outlines)
        if turns:
            return self._turned(image, name, timings, turns)
        units = reading.read([*outlines, *(detection.polygon for detection in standing_alone(faint, sure))])
        units[len(sure) :] = [unit for unit in units[len(sure) :] if unit.recognized.confidence >= CONFIRMED]
        if self.orientation != "upright":
            doubted = weighted_confidence([unit.recognized for unit in units]) < SURE_PAGE
            if (doubted or self.orientation == "check") and reading.stands_on_its_head(units):
                return self._turned(image, name, timings, 2)
            units = reading.join_stacks(reading.turn_lines(units))
        units = reading.read_doubtful(units, self._rereading)
        page = self._arranged(units, image, name, timings)
        if not page.lines and self.bundle.whole_if_empty:
            return self._arranged(self._read_whole(image, timings), image, name, timings)
        return page

    def _read_whole(self, image: Image, timings: dict[str, float]) -> list[Unit]:
        """The picture as one crop, which has no surroundings to grow into."""
        reading = UnitReader(image, self._recognized, 0.0, timings)
        return reading.read_doubtful(reading.read([_whole(image)]), self._rereading)

    def _side_turns(self, reading: UnitReader, outlines: Sequence[Polygon]) -> int:
        """1 or 3 quarter turns where a page of text lies on its side, else 0."""
        quads = outline_quads(outlines)
        if self.orientation == "upright" or not lies_on_its_side(quads):
            return 0
        chosen = [quads[index] for index in longest(quads, SAMPLE, tall=True)]
        down, up = reading.confidences(chosen, (1, 3))
        return 0 if max(down, up) < SURE_LINE else (1 if down >= up else 3)

    def _turned(self, image: Image, name: str, timings: dict[str, float], turns: int) -> Page:
        """Reads the picture set upright, whose boxes are better than those of text that lies on its side."""
        assert self._detector is not None
        upright = turned_image(image, turns)
        outlines = [detection.polygon for detection in self._detector.detect(upright, timings)]
        reading = UnitReader(upright, self._recognized, self._crop_margin, timings)
        units = reading.read_doubtful(reading.turn_lines(reading.read(outlines)), self._rereading)
        page = self._arranged(units, upright, name, timings)
        return turned_page(page, turns, image)

    def _arranged(self, units: Sequence[Unit], image: Image, name: str, timings: dict[str, float]) -> Page:
        started = time.perf_counter()
        placed = words_of(units)
        sure = iter(self._calibration.of_words([word for words in placed for word in words]))
        words = [[next(sure) for _ in unit] for unit in placed]
        kept = [[word for word in unit if word.confidence >= self.min_confidence] for unit in words]
        lines = lines_of([words for words in kept if words])
        timings["order"] = time.perf_counter() - started
        return Page(lines, (image.shape[1], image.shape[0]), timings, image, name)

    def read_many(
        self,
        sources: Iterable[ImageSource | PdfPage],
        on_error: Callable[[ImageSource | PdfPage, InputError], None] | None = None,
    ) -> Iterator[Page]:
        """Pages one by one, as they are read; only one picture is held at a time.

        `on_error`, where given, is called with a source that cannot be read, which is then skipped; without it the
        InputError is raised.
        """
        for source in sources:
            try:
                yield self.read(source)
            except InputError as error:
                if on_error is None:
                    raise
                on_error(source, error)


def _changed(settings: Any, changes: dict[str, Any] | None) -> Any:
    try:
        return replace(settings, **(changes or {}))
    except TypeError:
        known = sorted(vars(settings))
        raise BundleError(f"{sorted(changes or {})} were to be changed; this bundle's settings are {known}.") from None


def _only_picture(source: ImageSource | PdfPage) -> Image:
    """The picture of a source that has one: a picture file or array, a PDF page, or a document of one page."""
    if isinstance(source, PdfPage):
        return render_page(source)
    if not is_document(source):
        return read_image(source)
    pages = [page.image for page, _ in zip(open_document(source), range(2))]
    if len(pages) > 1:
        raise InputError("A document of several pages came where one picture was expected. Use read_document.")
    return pages[0]


def _whole(image: Image) -> Quad:
    return box_quad(0, 0, image.shape[1], image.shape[0])
