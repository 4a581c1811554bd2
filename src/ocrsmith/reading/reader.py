"""The reader: a picture in, a page of text out."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pypdfium2 import PdfPage

from ocrsmith.errors import BundleError, InputError
from ocrsmith.geometry import Quad, box_quad
from ocrsmith.images import ImageSource, read_image
from ocrsmith.reading.alignment import words_on_page
from ocrsmith.reading.bundle import Bundle
from ocrsmith.reading.decoding import Constraints, Decoder
from ocrsmith.reading.crops import is_tall, rectify, turn_quad
from ocrsmith.reading.detecting import PageDetector
from ocrsmith.reading.detections import Detection
from ocrsmith.reading.documents import DEFAULT_DPI, is_document, open_document, render_page
from ocrsmith.reading.order import arrange
from ocrsmith.reading.page import Line, Page, Recognized, Word
from ocrsmith.reading.recognizing import CropRecognizer
from ocrsmith.samples import Image

# A tall box is one narrow letter or a line that runs down or up; the upright reading wins ties within this.
UPRIGHT_LEAD = 0.1


class Reader:
    """Reads pictures with a bundle. Loading takes the networks into memory; a reader is then used again and again.

    Args:
        bundle: a name ("english"), a path, or a loaded Bundle.
        engine: see `ocrsmith.reading.engines.open_engine`.
        threads: at most so many for the networks; None takes `ocrsmith.settings.num_threads()`.
        min_confidence: words below are dropped; None takes the bundle's own threshold.
        characters, pattern, words, word_bias, beam: what may be written, see
            `ocrsmith.reading.decoding.Constraints`; None of them allows every text.
        detector_thresholds: fields of the bundle's CraftThresholds or DbThresholds to set otherwise.
        scale: fields of the bundle's ScaleRule to set otherwise.

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
    ) -> None:
        self.bundle = bundle if isinstance(bundle, Bundle) else Bundle.load(bundle)
        self._detector = None
        if self.bundle.detector is not None:
            part = self.bundle.detector
            part = replace(part, thresholds=_changed(part.thresholds, detector_thresholds))
            part = replace(part, scale=_changed(part.scale, scale))
            self._detector = PageDetector(part, engine, threads)
        self._recognizer = None
        self._crop_margin = 0.0
        if self.bundle.recognizer is not None:
            self._recognizer = CropRecognizer(self.bundle.recognizer, engine, threads)
            self._crop_margin = self.bundle.recognizer.crop_margin
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
        return self._recognized([read_image(crop) for crop in crops])

    def _recognized(self, crops: Sequence[Image]) -> list[Recognized]:
        if self._recognizer is None:
            raise BundleError(f"The bundle {self.bundle.name!r} has no recogniser. Use detect, or another bundle.")
        return self._recognizer.recognize(crops, self._decoder)

    def read(self, source: ImageSource | PdfPage) -> Page:
        """A picture -> its page. A PDF or TIFF must have one page; `read_document` reads the others.

        Raises:
            InputError: the picture cannot be read, or the document has several pages.
        """
        started = time.perf_counter()
        image = _only_picture(source)
        name = str(source) if isinstance(source, (str, Path)) else ""
        return self._page(image, name, {"load": time.perf_counter() - started})

    def read_document(
        self,
        source: ImageSource,
        pages: str | Sequence[int] | None = None,
        *,
        dpi: float = DEFAULT_DPI,
        password: str | None = None,
    ) -> Iterator[Page]:
        """The pages of a PDF or multi-page TIFF, one by one; see `ocrsmith.reading.documents.open_document`."""
        name = str(source) if isinstance(source, (str, Path)) else ""
        started = time.perf_counter()
        for page in open_document(source, pages, dpi=dpi, password=password):
            yield self._page(page.image, f"{name}#{page.number}", {"load": time.perf_counter() - started})
            started = time.perf_counter()

    def _page(self, image: Image, name: str, timings: dict[str, float]) -> Page:
        quads = self._quads(image, timings)
        # A whole picture has no surroundings.
        margin = self._crop_margin if self._detector is not None else 0.0
        units = self._read_quads(image, quads, timings, margin)
        if not units and self._detector is not None and self.bundle.whole_if_empty:
            units = self._read_quads(image, [_whole(image)], timings)
        started = time.perf_counter()
        lines = _lines(units)
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

    def _quads(self, image: Image, timings: dict[str, float]) -> list[Quad]:
        if self._detector is None:
            return [_whole(image)]
        return [detection.quad for detection in self._detector.detect(image, timings)]

    def _read_quads(
        self, image: Image, quads: Sequence[Quad], timings: dict[str, float], margin: float = 0.0
    ) -> list[list[Word]]:
        """Words of each quad that has any; tall quads are read across, down and up, and the surest reading stays.

        `margin` is what each quad is grown by before it is cut out, a share of its height.
        """
        started = time.perf_counter()
        variants = [
            (owner, turn) for owner, quad in enumerate(quads) for turn in ((0, 1, 3) if is_tall(quad) else (0,))
        ]
        turned = [turn_quad(quads[owner], turn) for owner, turn in variants]
        crops = rectify(image, turned, margin=margin)
        cut = time.perf_counter()
        best: dict[int, tuple[float, Recognized, Quad]] = {}
        for (owner, turn), quad, result in zip(variants, turned, self._recognized(crops)):
            value = result.confidence + (UPRIGHT_LEAD if turn == 0 else 0.0)
            if owner not in best or value > best[owner][0]:
                best[owner] = (value, result, quad)
        words = [words_on_page(result, quad, margin) for _, result, quad in (best[owner] for owner in sorted(best))]
        timings["crops"] = timings.get("crops", 0.0) + cut - started
        timings["recognizer"] = timings.get("recognizer", 0.0) + time.perf_counter() - cut
        kept = [[word for word in unit if word.confidence >= self.min_confidence] for unit in words]
        return [unit for unit in kept if unit]


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


def _lines(units: Sequence[Sequence[Word]]) -> tuple[Line, ...]:
    """Units (the words of one detection each) -> lines in reading order; a unit's own words stay together."""
    if not units:
        return ()
    quads = [Line(tuple(unit)).polygon for unit in units]
    return tuple(Line(tuple(word for index in line for word in units[index])) for line in arrange(quads))
