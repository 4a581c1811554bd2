"""Pages of a folder of PDFs with text layers: real layouts and fonts, with a quad for every character.

scene = PdfScene("my_pdfs", alphabet)
plan = scene.plan(rng)          which page, at which dpi, which part of it
sample = scene.render(plan)     pixels and labels

An instance is a line, cut where the text layer leaves a wide gap. Words with characters outside the alphabet, with a
broken encoding, askew, cut by the edge or hidden are instances of their own that are marked `ignore`. So are pictures
in the page and shapes that may be drawn letters, since what is written there is in no text layer; annotations and form
fields are not drawn for the same reason.
"""

from __future__ import annotations

import atexit
import json
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import InputError, LabelError, RecipeError, SynthesisError
from ocrsmith.samples import Image, PageSample, TextInstance
from ocrsmith.splits import Split, select_split
from ocrsmith.synth.choices import Rng
from ocrsmith.synth.pdf_labels import line_instances, untold_instances
from ocrsmith.synth.pdf_text import PdfText, read_text
from ocrsmith.synth.scenes import Degrade

_MAX_SEED = 1 << 53
_OPEN_DOCUMENTS, _KEPT_TEXTS = 8, 32
# Past this share of broken characters a text layer is not to be believed.
_MOST_BROKEN = 0.3


def _close(scene: weakref.ref[PdfScene]) -> None:
    """Closes what a scene, if it is still there, has open."""
    left = scene()
    while left is not None and left._documents:
        left._documents.popitem()[1].close()


class NoTextLayerError(SynthesisError):
    """A page without text, or whose text is all hidden, as a scan's is."""


class BrokenEncodingError(SynthesisError):
    """A page whose text layer does not say what its glyphs are."""


class DamagedPageError(SynthesisError):
    """A page that pdfium cannot open or draw."""


@dataclass(frozen=True)
class PdfPlan:
    """Which part of which page: from px `left`, `top` of it at `dpi`. `refusals` counts its faulty characters."""

    file: str
    page: int
    dpi: float
    left: int
    top: int
    width: int
    height: int
    finish_seed: int
    refusals: tuple[tuple[str, int], ...] = ()

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> PdfPlan:
        """Reads what `to_json` wrote; raises LabelError where it is not that."""
        try:
            form = json.loads(text)
            form["refusals"] = tuple((str(cause), int(count)) for cause, count in form["refusals"])
            return cls(**form)
        except (ValueError, TypeError, KeyError) as error:
            raise LabelError(f"A PDF page's plan does not parse ({error}). Write it with PdfPlan.to_json.") from None


class PdfScene:
    """Draws parts of the pages of PDFs.

    Args:
        folder: searched with its subfolders for .pdf files. Damaged and locked ones are left out; `skipped` says why.
        alphabet: words with other characters are marked `ignore`; None takes all.
        split: which pages, by a hash of file and page; None takes all.
        width, height: px of the picture. Smaller pages lie in the middle of white.
        dpi: least and most, drawn evenly on a logarithmic scale.
        whole_share: pages shown whole, at the dpi that the picture leaves.
        legible_px: least height of a line's tallest character; lower lines are marked `ignore`.
        degrade: `(image, rng) -> image` of the same shape, applied last; None for none.

    Raises:
        InputError: no folder, or not one usable page in it.
        RecipeError: values out of range.
    """

    def __init__(
        self,
        folder: str | Path,
        alphabet: Alphabet | None = None,
        split: Split | None = None,
        *,
        width: int = 640,
        height: int = 640,
        dpi: tuple[float, float] = (72.0, 300.0),
        whole_share: float = 0.15,
        legible_px: float = 6.0,
        degrade: Degrade | None = None,
    ) -> None:
        if not 10 <= dpi[0] <= dpi[1] <= 1200 or not 0 <= whole_share <= 1 or min(width, height) < 32:
            raise RecipeError(
                f"PDF pages came with dpi {dpi}, whole_share {whole_share} and {width} x {height} px. 10 to 1,200 dpi, "
                "a share of 0 to 1 and at least 32 px a side are expected."
            )
        self.folder, self.alphabet, self.degrade = Path(folder), alphabet, degrade
        self.width, self.height, self.dpi, self.whole_share = width, height, dpi, whole_share
        self.legible_px = legible_px
        self.skipped: dict[str, str] = {}
        self._documents: OrderedDict[str, pypdfium2.PdfDocument] = OrderedDict()
        self._texts: OrderedDict[tuple[str, int], PdfText] = OrderedDict()
        every = list(self._find_pages())
        self.pages = every if split is None else select_split(every, split, lambda page: f"{page[0]}#{page[1]}")
        if not self.pages:
            raise InputError(
                f"The folder {self.folder} has {len(every)} usable PDF pages, none of them for this split "
                f"({len(self.skipped)} files were left out: {dict(list(self.skipped.items())[:3])}). Add PDFs."
            )

    def __getstate__(self) -> dict[str, Any]:
        """Without the open documents, which a worker process opens for itself."""
        return {**self.__dict__, "_documents": OrderedDict(), "_texts": OrderedDict()}

    def _find_pages(self) -> Iterator[tuple[str, int]]:
        if not self.folder.is_dir():
            raise InputError(f"The folder of PDFs {self.folder} does not exist. Check the path.")
        for path in sorted(self.folder.rglob("*")):
            if path.suffix.lower() != ".pdf" or not path.is_file():
                continue
            name = path.relative_to(self.folder).as_posix()
            try:
                document = pypdfium2.PdfDocument(path)
                count = len(document)
                document.close()
            except (pypdfium2.PdfiumError, OSError) as error:
                self.skipped[name] = str(error)
                continue
            yield from ((name, index) for index in range(count))

    def plan(self, rng: Rng) -> PdfPlan:
        """Draws a part of a page that holds text.

        Raises:
            NoTextLayerError, BrokenEncodingError, DamagedPageError: the page drawn is of no use; draw again.
        """
        file, number = self.pages[int(rng.random() * len(self.pages))]
        drawn, share, *places = rng.random(5).tolist()
        finish_seed = int(rng.integers(_MAX_SEED))
        page = self._page(file, number)
        text = self._text(file, number, page)
        visible = [c for line in text.lines for c in line if not c.hidden and not c.text.isspace()]
        if not visible:
            raise NoTextLayerError(f"Page {number + 1} of {file} has no text layer that is shown. Draw another.")
        if text.counts["BrokenEncoding"] > _MOST_BROKEN * text.num_characters:
            raise BrokenEncodingError(f"Page {number + 1} of {file} has a broken encoding. Draw another.")
        wide, high = page.get_size()
        dpi = self.dpi[0] * (self.dpi[1] / self.dpi[0]) ** drawn
        if share < self.whole_share:
            dpi = min(self.width / wide, self.height / high) * 72.0
        size = _page_px(page, dpi)
        chosen = visible[int(places[0] * len(visible))].quad.mean(axis=0) * size
        offsets = [
            _start(at, whole, seen, place)
            for at, whole, seen, place in zip(chosen.tolist(), size, (self.width, self.height), places[1:])
        ]
        counts = tuple(sorted((cause, count) for cause, count in text.counts.items() if count))
        return PdfPlan(
            file, number, round(dpi, 2), offsets[0], offsets[1], self.width, self.height, finish_seed, counts
        )

    def render(self, plan: PdfPlan) -> PageSample:
        """Pixels and labels of a plan; raises InputError where its file is not there any more."""
        page = self._page(plan.file, plan.page)
        clean = _draw(page, plan)
        image = clean
        if self.degrade is not None:
            image = self.degrade(clean.copy(), np.random.default_rng([plan.finish_seed, 1]))
        scale, shift = np.array(_page_px(page, plan.dpi)), np.array([plan.left, plan.top])
        # What the page's own edge cuts is cut, too.
        low, high = np.maximum(-shift, 0), np.minimum(scale - shift, (plan.width, plan.height))
        edges = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
        instances: list[TextInstance] = []
        text = self._text(plan.file, plan.page, page)
        for untold in text.untold:
            instances += untold_instances(clean, (untold * scale - shift).astype(np.float32))
        for line in text.lines:
            quads = (np.stack([c.quad for c in line]) * scale - shift).astype(np.float32)
            instances += line_instances(image, clean, line, quads, edges, self.alphabet, self.legible_px)
        return PageSample(image, tuple(instances))

    def _page(self, file: str, number: int) -> pypdfium2.PdfPage:
        document = self._documents.pop(file, None)
        try:
            if document is None:
                document = pypdfium2.PdfDocument(self.folder / file)
                if not self._documents:
                    # PDFium complains of documents that it finds open at the end.
                    atexit.register(_close, weakref.ref(self))
            self._documents[file] = document
            page = document[number]
        except (pypdfium2.PdfiumError, FileNotFoundError, IndexError) as error:
            raise DamagedPageError(f"Page {number + 1} of {file} cannot be opened ({error}). Draw another.") from None
        while len(self._documents) > _OPEN_DOCUMENTS:
            self._documents.popitem(last=False)[1].close()
        return page

    def _text(self, file: str, number: int, page: pypdfium2.PdfPage) -> PdfText:
        text = self._texts.pop((file, number), None)
        text = read_text(page) if text is None else text
        self._texts[file, number] = text
        while len(self._texts) > _KEPT_TEXTS:
            self._texts.popitem(last=False)
        return text


def _page_px(page: pypdfium2.PdfPage, dpi: float) -> tuple[int, int]:
    wide, high = page.get_size()
    return max(1, round(wide * dpi / 72.0)), max(1, round(high * dpi / 72.0))


def _start(at: float, whole: int, seen: int, place: float) -> int:
    """Where the picture starts so that `at` lies in it; a smaller page is centred."""
    if whole <= seen:
        return -((seen - whole) // 2)
    return int(np.clip(round(at - seen * (0.15 + 0.7 * place)), 0, whole - seen))


def _draw(page: pypdfium2.PdfPage, plan: PdfPlan) -> Image:
    """(H, W, 3) RGB: the page at its dpi, shifted so that only its part falls into the bitmap."""
    width, height = _page_px(page, plan.dpi)
    bitmap = pypdfium2.PdfBitmap.new_native(plan.width, plan.height, pdfium.FPDFBitmap_BGR)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, plan.width, plan.height)
    flags = pdfium.FPDF_REVERSE_BYTE_ORDER
    pdfium.FPDF_RenderPageBitmap(bitmap, page, -plan.left, -plan.top, width, height, 0, flags)
    image: Image = np.ascontiguousarray(bitmap.to_numpy()[..., :3])
    bitmap.close()
    return image
