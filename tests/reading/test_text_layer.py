from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pypdfium2
import pytest

from ocrsmith.errors import InputError
from ocrsmith.geometry import bounds, box_quad
from ocrsmith.reading.documents import open_document
from ocrsmith.reading.outputs import json_output, pages_from_json, pdf_output
from ocrsmith.reading.page import LayerReport, Line, Page, ReadCharacter, Word
from ocrsmith.reading.reader import Reader
from ocrsmith.reading.text_layer import agreement


def word(text: str, left: float, top: float, right: float, bottom: float) -> Word:
    steps = np.linspace(left, right, len(text) + 1)
    characters = tuple(ReadCharacter(c, box_quad(a, top, b, bottom), 1.0) for c, a, b in zip(text, steps, steps[1:]))
    return Word(text, box_quad(left, top, right, bottom), 1.0, characters)


def page_with(image: np.ndarray, *lines: list[Word]) -> Page:
    return Page(tuple(Line(tuple(line)) for line in lines), (image.shape[1], image.shape[0]), {}, image)


def layered(image: np.ndarray, *texts: str) -> bytes:
    """A PDF of the colour page whose own text says these three words."""
    boxes = [(20, 16, 52, 32), (68, 16, 84, 32), (20, 64, 36, 80)]
    first, second, third = (word(text, *box) for text, box in zip(texts, boxes, strict=True))
    return pdf_output([page_with(image, [first, second], [third])], dpi=200)


@pytest.fixture
def reader(make_bundle: Callable[..., Path]) -> Reader:
    return Reader(make_bundle("db"), engine="onnxruntime", threads=1)


def only(reader: Reader, content: bytes, text_layer: str) -> Page:
    (page,) = reader.read_document(content, dpi=200, text_layer=text_layer)
    return page


def test_words_lie_where_the_file_puts_them(colour_page: np.ndarray) -> None:
    (page,) = open_document(layered(colour_page, "Straße", "№", "𝛼!"), dpi=200, layers=True)
    assert page.layer is not None
    assert page.layer.state == "whole"
    assert [each.text for each in page.layer.words] == ["Straße", "№", "𝛼!"]
    assert bounds(page.layer.words[0].polygon) == pytest.approx((20, 16, 52, 32), abs=1)
    # PDFium places a character beyond the basic plane by its second half.
    assert bounds(page.layer.words[2].polygon)[1:] == pytest.approx((64, 36, 80), abs=1)
    assert bounds(page.layer.words[0].characters[5].quad)[2] == pytest.approx(52, abs=1)
    assert page.layer.text == "Straße № 𝛼!"


def test_a_layer_is_not_looked_at_unasked(colour_page: np.ndarray) -> None:
    (page,) = open_document(layered(colour_page, "x", "y", "z"))
    assert page.layer is None


def test_use_takes_the_layers_words(reader: Reader, colour_page: np.ndarray) -> None:
    content = layered(colour_page, "Straße", "5", "x")
    used = only(reader, content, "use")
    assert used.text == "Straße 5\nx"
    assert used.text_layer == LayerReport("whole", True)
    assert "recognizer" not in used.timings
    assert all(each.confidence == 1.0 for each in used.words)
    ignored = only(reader, content, "ignore")
    assert ignored.text == "ab a\nb"
    assert ignored.text_layer is None


def test_a_page_without_a_layer_is_read(reader: Reader, colour_page: np.ndarray) -> None:
    content = pdf_output([page_with(colour_page)], dpi=200)
    for choice in ("use", "check"):
        page = only(reader, content, choice)
        assert page.text == "ab a\nb"
        assert page.text_layer == LayerReport("absent", False)


@pytest.mark.parametrize("broken", ["\ue001\ue002\ue003", "\ufffd\ufffd", "\x01\x03"])
def test_a_broken_encoding_is_read(reader: Reader, colour_page: np.ndarray, broken: str) -> None:
    page = only(reader, layered(colour_page, broken, "a", "b"), "use")
    assert page.text == "ab a\nb"
    assert page.text_layer == LayerReport("broken", False)


def test_check_says_how_far_both_agree(reader: Reader, colour_page: np.ndarray) -> None:
    same = only(reader, layered(colour_page, "ab", "a", "b"), "check")
    assert same.text_layer == LayerReport("whole", True, 1.0)
    nearly = only(reader, layered(colour_page, "ab", "o", "b"), "check")
    assert nearly.text == "ab o\nb"
    assert nearly.text_layer == LayerReport("whole", True, pytest.approx(0.6667, abs=1e-4))
    # Every letter shifted by one: each character means something, and none is what the page shows.
    shifted = only(reader, layered(colour_page, "bc", "c", "d"), "check")
    assert shifted.text == "ab a\nb"
    assert shifted.text_layer == LayerReport("broken", False, 0.0)
    assert pages_from_json(json_output([nearly]))[0].text_layer == replace(nearly.text_layer)


def test_turned_pages(colour_page: np.ndarray) -> None:
    document = pypdfium2.PdfDocument(layered(colour_page, "ab", "a", "b"))
    document[0].set_rotation(90)
    turned = io.BytesIO()
    document.save(turned)
    document.close()
    (page,) = open_document(turned.getvalue(), dpi=200, layers=True)
    assert page.image.shape[:2] == pytest.approx((200, 120), abs=1)
    assert page.layer is not None
    first = page.layer.words[0]
    # Turned clockwise by 90 degrees, (x, y) comes to (120 - y, x), and the text runs down.
    assert bounds(first.polygon) == pytest.approx((120 - 32, 20, 120 - 16, 52), abs=1.5)
    np.testing.assert_allclose(first.quad[0], (120 - 16, 20), atol=1.5)


def test_a_layer_outside_the_page_is_broken(reader: Reader, colour_page: np.ndarray) -> None:
    far = page_with(colour_page, [word("hidden", 900, 16, 990, 32)])
    page = only(reader, pdf_output([far], dpi=200), "use")
    assert page.text == "ab a\nb"
    assert page.text_layer is not None and page.text_layer.state in ("broken", "absent")


def test_an_unknown_choice(reader: Reader, colour_page: np.ndarray) -> None:
    with pytest.raises(InputError, match="ignore"):
        list(reader.read_document(colour_page, text_layer="maybe"))


def test_agreement_counts_words_in_common() -> None:
    first = [word(text, 0, 0, 9, 9) for text in ("The", "cat,", "sat", "-")]
    second = [word(text, 0, 0, 9, 9) for text in ("the", "cat", "ran", "off")]
    assert agreement(first, second) == pytest.approx(2 * 2 / 7)
    assert agreement([], []) == 1.0
    assert agreement(first, []) == 0.0


def test_a_file_with_fonts_of_its_own() -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    for kind in (3, 42):
        figure = Figure(figsize=(4, 2))
        figure.text(0.1, 0.7, "Total amount: 42.50", fontsize=14)
        figure.text(0.1, 0.3, "upwards", rotation=90, fontsize=14)
        made = io.BytesIO()
        with matplotlib_fonts(kind):
            figure.savefig(made, format="pdf")
        (page,) = open_document(made.getvalue(), dpi=144, layers=True)
        assert page.layer is not None
        assert page.layer.state == "whole"
        assert [each.text for each in page.layer.words] == ["Total", "amount:", "42.50", "upwards"]
        left, top, right, bottom = bounds(page.layer.words[0].polygon)
        ink = page.image[round(top) : round(bottom), round(left) : round(right)]
        assert (ink < 128).any()
        # Text that runs up starts at the lower left corner.
        upwards = page.layer.words[3].quad
        assert upwards[0, 1] > upwards[1, 1] + 20


def matplotlib_fonts(kind: int) -> contextlib.AbstractContextManager[None]:
    import matplotlib

    return matplotlib.rc_context({"pdf.fonttype": kind})
