"""The bundles inside the package: small enough, licensed, and able to read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrsmith.alphabet import PRINTABLE_ASCII
from ocrsmith.reading.bundle import SUFFIX, Bundle
from ocrsmith.reading.reader import Reader
from ocrsmith.settings import package_assets_dir

BUNDLES = sorted((package_assets_dir() / "bundles").glob("*" + SUFFIX))
ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.stem)
def test_every_bundle_says_whose_it_is(path: Path) -> None:
    bundle = Bundle.load(path)
    assert bundle.name == path.stem
    assert bundle.card["licence"]
    assert path.stat().st_size < 12e6
    assert len(bundle.detector_bytes or b"") + len(bundle.recognizer_bytes or b"") < 12e6


@pytest.fixture(scope="module")
def english() -> Reader:
    return Reader("english", engine="onnxruntime", threads=1)


def page(*lines: tuple[str, int, int]) -> np.ndarray:
    picture = np.full((240, 640, 3), 245, np.uint8)
    for text, x, y in lines:
        cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (20, 20, 30), 2, cv2.LINE_AA)
    return picture


def test_english_reads_lines_with_spaces(english: Reader) -> None:
    read = english.read(page(("Total amount due", 30, 70), ("1,234.50", 30, 170)))
    assert read.text == "Total amount due\n1,234.50"


def test_english_gives_every_word_its_place(english: Reader) -> None:
    words = english.read(page(("left", 30, 100), ("right", 400, 100))).words
    assert [word.text for word in words] == ["left", "right"]
    assert words[0].polygon[:, 0].max() < 200 < words[1].polygon[:, 0].min()


def test_english_reads_an_empty_page_as_empty(english: Reader) -> None:
    assert english.read(np.full((64, 64, 3), 255, np.uint8)).text == ""


def test_english_writes_ascii_latin_letters_and_signs(english: Reader) -> None:
    assert english.bundle.recognizer is not None
    alphabet = english.bundle.recognizer.alphabet
    assert alphabet.covers(PRINTABLE_ASCII + "äöüßéèçñåøæœ£€“”‘’–—•…")
    assert not any(character in alphabet for character in "¡‚„‹›")
    assert all(character in english.bundle.card["limits"] for character in "¡‚„‹›")


def test_the_notice_names_the_weights() -> None:
    notice = (ROOT / "NOTICE").read_text("utf-8")
    assert "PaddleOCR" in notice
    assert "RapidOCR" in notice
