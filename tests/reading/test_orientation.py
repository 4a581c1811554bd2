from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrsmith.errors import InputError
from ocrsmith.geometry import bounds, box_quad
from ocrsmith.reading.orientation import (
    lies_on_its_side,
    longest,
    turned_image,
    turned_points,
    upright_page,
    upright_points,
    weakest,
)
from ocrsmith.reading.outputs import alto_output, hocr_output, page_xml_output, pages_from_json, pdf_output
from ocrsmith.reading.outputs.plain import json_output
from ocrsmith.reading.page import Recognized, RecognizedCharacter
from ocrsmith.reading.paragraphs import paragraphs
from ocrsmith.reading.reader import Reader

ROOF, FOOT = (255, 0, 0), (0, 0, 255)


@dataclass
class RoofRecognizer:
    """Is sure of crops with red above and blue below, unsure of everything else; its text is the crop's width."""

    unsure: float = 0.55
    num_crops: int = 0
    widths: list[int] = field(default_factory=list)

    def recognize(self, crops: Sequence[np.ndarray], decoder: object = None) -> list[Recognized]:
        self.num_crops += len(crops)
        return [self._read(crop) for crop in crops]

    def _read(self, crop: np.ndarray) -> Recognized:
        height = len(crop)
        above, below = crop[: height // 3].mean(axis=(0, 1)), crop[-(height // 3) :].mean(axis=(0, 1))
        upright = above[0] - above[2] > 100 and below[2] - below[0] > 100
        text = "w" + "i" * (crop.shape[1] // 20)
        sure = 0.97 if upright else self.unsure
        places = np.linspace(0, 1, len(text) + 1)
        characters = [RecognizedCharacter(c, sure, float(a), float(b)) for c, a, b in zip(text, places, places[1:])]
        return Recognized(text, sure, tuple(characters))


def page_of_lines(num_lines: int = 6) -> np.ndarray:
    """Lines of different lengths, each with a red upper and a blue lower half."""
    page = np.full((40 + 50 * num_lines, 420, 3), 255, np.uint8)
    for row in range(num_lines):
        right = 160 + 40 * ((row * 2) % 5)
        page[30 + 50 * row : 40 + 50 * row, 30:right] = ROOF
        page[40 + 50 * row : 50 + 50 * row, 30:right] = FOOT
    return page


@pytest.fixture
def reader(make_bundle: Callable[..., Path]) -> Reader:
    made = Reader(make_bundle("db"), engine="onnxruntime", threads=1, min_confidence=0.0)
    made._recognizer = RoofRecognizer()
    return made


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_turned_page_reads_as_the_upright_one(reader: Reader, turns: int) -> None:
    upright = page_of_lines()
    expected = reader.read(upright)
    image = np.ascontiguousarray(np.rot90(upright, -turns))
    page = reader.read(image)
    assert page.rotation == 90 * turns
    assert page.size == (image.shape[1], image.shape[0])
    assert page.text == expected.text
    for word, other in zip(page.words, expected.words, strict=True):
        placed = turned_points(other.polygon, turns, page.size)
        np.testing.assert_allclose(word.polygon, placed, atol=0.01)
        left, top, right, bottom = (round(value) for value in bounds(word.polygon))
        assert (image[top + 2 : bottom - 2, left + 2 : right - 2] != 255).any(axis=2).mean() > 0.9
    assert [len(group) for group in paragraphs(page)] == [len(group) for group in paragraphs(expected)]


def test_an_upright_page_costs_no_crop(reader: Reader) -> None:
    recognizer = reader._recognizer
    assert isinstance(recognizer, RoofRecognizer)
    reader.read(page_of_lines(8))
    assert recognizer.num_crops == 8


def test_a_page_in_doubt_costs_a_few_crops(reader: Reader) -> None:
    recognizer = reader._recognizer
    assert isinstance(recognizer, RoofRecognizer)
    page = page_of_lines(20)
    page[(page == FOOT).all(axis=2)] = ROOF
    reader.read(page)
    # Twenty lines, six the other way round to judge the page, and one of the weak ones.
    assert recognizer.num_crops <= 27


def test_never_and_always(reader: Reader, make_bundle: Callable[..., Path]) -> None:
    turned = np.ascontiguousarray(np.rot90(page_of_lines(), 2))
    reader.orientation = "upright"
    assert reader.read(turned).rotation == 0
    reader.orientation = "check"
    # Sure of everything: only the right way up is surer still.
    reader._recognizer = RoofRecognizer(unsure=0.86)
    assert reader.read(turned).rotation == 180
    with pytest.raises(InputError, match="auto, check, upright"):
        Reader(make_bundle(), orientation="sideways")


def test_one_line_on_its_head(reader: Reader) -> None:
    image = page_of_lines(8)
    line = image[180:200, 30:240].copy()
    image[180:200, 30:240] = line[::-1]
    page = reader.read(image)
    assert page.rotation == 0
    turned = [word for word in page.words if word.quad[0, 0] > word.quad[1, 0]]
    assert len(turned) == 1
    assert turned[0].confidence == pytest.approx(0.97)
    assert bounds(turned[0].polygon)[1::2] == pytest.approx((180, 200), abs=2)


def test_outputs_tell_the_rotation(reader: Reader) -> None:
    page = reader.read(np.ascontiguousarray(np.rot90(page_of_lines(), -1)))
    assert pages_from_json(json_output([page]))[0].rotation == 90
    # Clockwise by 90: text runs down the picture.
    assert hocr_output([page]).count("textangle 270") == len(page.lines)
    assert 'ROTATION="270"' in alto_output([page])
    assert 'orientation="-90"' in page_xml_output([page])
    upright = reader.read(page_of_lines())
    assert "textangle" not in hocr_output([upright])
    assert "ROTATION" not in alto_output([upright])


def test_a_turned_pages_pdf_text_comes_out_in_order(reader: Reader) -> None:
    for turns in (1, 2, 3):
        page = reader.read(np.ascontiguousarray(np.rot90(page_of_lines(), -turns)))
        document = pypdfium2.PdfDocument(pdf_output([page]))
        assert document[0].get_width() > document[0].get_height()
        text = document[0].get_textpage().get_text_bounded()
        assert text.split() == page.text.split()
        document.close()
        upright = upright_page(page)
        assert (upright.rotation, upright.size) == (0, (420, 340))
        np.testing.assert_array_equal(upright.image, page_of_lines())
        assert upright_page(upright) is upright


def test_sideways_needs_several_tall_boxes() -> None:
    tall, wide = box_quad(0, 0, 20, 100), box_quad(0, 0, 60, 20)
    assert lies_on_its_side([tall] * 3)
    assert not lies_on_its_side([tall] * 2)
    assert not lies_on_its_side([tall] * 3 + [wide] * 4)
    assert not lies_on_its_side([])


def test_the_longest_and_the_weakest() -> None:
    quads = [box_quad(0, 0, width, 10) for width in (15, 50, 90, 40)]
    assert longest(quads, 2) == [2, 1]
    assert longest([box_quad(0, 0, 10, 80), quads[1]], 5, tall=True) == [0]
    assert weakest(quads, [0.1, 0.5, 0.9, 0.6], [5, 5, 5, 5]) == [1]
    assert weakest(quads, [0.1, 0.5, 0.9, 0.6], [5, 1, 5, 1]) == []


@given(st.integers(0, 3), st.integers(1, 500), st.integers(1, 500), st.floats(0, 500), st.floats(0, 500))
def test_points_go_there_and_back(turns: int, width: int, height: int, x: float, y: float) -> None:
    there = turned_points([[x, y]], turns, (width, height))
    np.testing.assert_allclose(upright_points(there, turns, (width, height)), [[x, y]], atol=1e-3)


def test_points_follow_pixels() -> None:
    image = np.zeros((30, 50, 3), np.uint8)
    image[5, 40] = 255
    for turns in range(4):
        upright = turned_image(image, turns)
        y, x = np.argwhere(upright[..., 0])[0]
        np.testing.assert_allclose(turned_points([x + 0.5, y + 0.5], turns, (50, 30)), [40.5, 5.5])
