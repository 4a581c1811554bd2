"""RapidOCR, EasyOCR and Tesseract behind the two calls that `evaluate_reader` makes, as their users get them."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ocrsmith.evaluation.run import PageReader
from ocrsmith.geometry import Polygon, box_quad
from ocrsmith.samples import Image


@dataclass(frozen=True, eq=False)
class PeerWord:
    """A word or line as a peer returns it."""

    text: str
    polygon: Polygon
    confidence: float


@dataclass(frozen=True, eq=False)
class PeerPage:
    """What `read` returns."""

    words: Sequence[PeerWord]


class RapidOcr:
    """RapidOCR's defaults; crops without detection. It takes BGR."""

    def __init__(self) -> None:
        self._engine: Any = importlib.import_module("rapidocr").RapidOCR(params={"Global.log_level": "error"})

    def read(self, image: Image) -> PeerPage:
        """Lines."""
        # It remembers the flags of the call before.
        flags = {"use_det": True, "use_cls": True, "use_rec": True}
        found = self._engine(np.ascontiguousarray(image[..., ::-1]), **flags)
        if getattr(found, "boxes", None) is None:
            return PeerPage(())
        rows = zip(found.boxes, found.txts, found.scores)
        return PeerPage([PeerWord(text, np.asarray(box, np.float32), float(score)) for box, text, score in rows])

    def recognize(self, images: Sequence[Image]) -> list[PeerWord]:
        """One text a crop."""
        crops = []
        for image in images:
            bgr = np.ascontiguousarray(image[..., ::-1])
            found = self._engine(bgr, use_det=False, use_cls=False, use_rec=True)
            text, score = (found.txts[0], found.scores[0]) if found.txts else ("", 0.0)
            crops.append(PeerWord(text, _whole(image), float(score)))
        return crops


class EasyOcr:
    """EasyOCR's defaults with English."""

    def __init__(self) -> None:
        self._reader: Any = importlib.import_module("easyocr").Reader(["en"], gpu=False, verbose=False)

    def read(self, image: Image) -> PeerPage:
        """Words and short lines."""
        rows = self._reader.readtext(image)
        return PeerPage([PeerWord(text, np.asarray(box, np.float32), float(score)) for box, text, score in rows])

    def recognize(self, images: Sequence[Image]) -> list[PeerWord]:
        """One text a crop, the whole crop taken for one line."""
        crops = []
        for image in images:
            box = [[0, image.shape[1], 0, image.shape[0]]]
            rows = self._reader.recognize(np.dot(image, [0.299, 0.587, 0.114]).astype(np.uint8), box, [])
            crops.append(PeerWord(" ".join(row[1] for row in rows), _whole(image), float(rows[0][2] if rows else 0)))
        return crops


class Tesseract:
    """Tesseract's defaults with English; crops as single lines."""

    def __init__(self) -> None:
        self._module: Any = importlib.import_module("pytesseract")

    def _words(self, image: Image, options: str) -> list[PeerWord]:
        table = self._module.image_to_data(image, config=options, output_type=self._module.Output.DICT)
        columns = zip(*(table[key] for key in ("text", "left", "top", "width", "height", "conf")))
        return [
            PeerWord(text, box_quad(left, top, left + width, top + height), float(confidence) / 100)
            for text, left, top, width, height, confidence in columns
            if text.strip()
        ]

    def read(self, image: Image) -> PeerPage:
        """Words."""
        return PeerPage(self._words(image, ""))

    def recognize(self, images: Sequence[Image]) -> list[PeerWord]:
        """One text a crop."""
        texts = [" ".join(word.text for word in self._words(image, "--psm 7")) for image in images]
        return [PeerWord(text, _whole(image), 0.0) for text, image in zip(texts, images)]


PEERS: dict[str, type[RapidOcr] | type[Tesseract] | type[EasyOcr]] = {
    "RapidOCR": RapidOcr,
    "Tesseract": Tesseract,
    "EasyOCR": EasyOcr,
}


def open_peers() -> dict[str, PageReader]:
    """The peers that are installed whole, by name; the others are named with what they lack."""
    opened: dict[str, PageReader] = {}
    for name, peer in PEERS.items():
        try:
            opened[name] = peer()
        except ImportError as error:
            print(f"{name} is left out: {error}")
    return opened


def _whole(image: Image) -> Polygon:
    return box_quad(0, 0, image.shape[1], image.shape[0])
