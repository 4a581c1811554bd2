from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from PIL import Image as PillowImage

from ocrsmith.errors import InputError
from ocrsmith.reading.documents import is_document, open_document, page_numbers, render_page
from ocrsmith.reading.outputs import pdf_output
from ocrsmith.reading.page import Page
from ocrsmith.reading.reader import Reader


def pdf_of(*images: np.ndarray, dpi: float = 72) -> bytes:
    return pdf_output([Page((), (i.shape[1], i.shape[0]), {}, i) for i in images], dpi=dpi, quality=100)


def tiff_of(*images: np.ndarray) -> bytes:
    first, *rest = [PillowImage.fromarray(image) for image in images]
    out = io.BytesIO()
    first.save(out, "TIFF", save_all=True, append_images=rest)
    return out.getvalue()


def grey(value: int, size: tuple[int, int] = (40, 60)) -> np.ndarray:
    return np.full((*size, 3), value, np.uint8)


def test_pdf_pages_come_in_order_at_their_dpi() -> None:
    pages = list(open_document(pdf_of(grey(50), grey(200)), dpi=144))
    assert [page.number for page in pages] == [1, 2]
    assert pages[0].image.shape == (80, 120, 3)
    assert [int(page.image.mean()) for page in pages] == pytest.approx([50, 200], abs=3)


def test_tiff_pages() -> None:
    pages = list(open_document(tiff_of(grey(10), grey(20), grey(30)), "3,1"))
    assert [(page.number, int(page.image.mean())) for page in pages] == [(3, 30), (1, 10)]


def test_other_pictures_are_their_own_only_page(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    PillowImage.fromarray(grey(9)).save(path)
    for source in (path, path.read_bytes(), grey(9)):
        assert not is_document(source)
        assert [page.number for page in open_document(source)] == [1]


@pytest.mark.parametrize(
    ("pages", "numbers"),
    [(None, [1, 2, 3, 4, 5]), ("2-3,5", [2, 3, 5]), ("4-", [4, 5]), ("-2", [1, 2]), ([3, 1], [3, 1])],
)
def test_page_ranges(pages: str | list[int] | None, numbers: list[int]) -> None:
    assert page_numbers(pages, 5, "it") == numbers


@pytest.mark.parametrize(
    "pages", ["", "0", "6", "3-1", "a", "1-b", "-", "²", "1-" + 5000 * "9", "1-999999999", [0], []]
)
def test_bad_page_ranges(pages: str | list[int]) -> None:
    with pytest.raises(InputError):
        page_numbers(pages, 5, "it")


@pytest.mark.parametrize(
    "content", [b"%PDF-1.5\nnothing", b"II*\0", b"MM\0*garbage garbage"], ids=["pdf", "short tiff", "bad tiff"]
)
def test_damaged_documents(content: bytes) -> None:
    with pytest.raises(InputError):
        list(open_document(content))


@pytest.mark.parametrize("source", [None, [[1, 2]], 7])
def test_what_is_no_source_at_all(source: object) -> None:
    with pytest.raises(InputError, match=f"{type(source).__name__} came as a picture"):
        list(open_document(source))


def test_every_truncation_of_a_document_is_an_input_error_or_pages() -> None:
    for content in (pdf_of(grey(50)), tiff_of(grey(50), grey(60))):
        for length in range(0, len(content), max(1, len(content) // 12)):
            try:
                list(open_document(content[:length]))
            except InputError:
                continue


def test_reader_on_documents(make_bundle: Callable[..., Path], colour_page: np.ndarray) -> None:
    reader = Reader(make_bundle(), engine="onnxruntime", threads=1)
    both = tiff_of(colour_page, colour_page)
    assert [page.text for page in reader.read_document(both)] == ["ab a\nb"] * 2
    assert reader.read(tiff_of(colour_page)).text == "ab a\nb"
    with pytest.raises(InputError, match="several pages"):
        reader.read(both)
    assert [page.source for page in reader.read_document(both, "2")] == ["#2"]


def test_one_pdf_page(make_bundle: Callable[..., Path]) -> None:
    document = pypdfium2.PdfDocument(pdf_of(grey(255)))
    assert render_page(document[0], 72).shape == (40, 60, 3)
    assert Reader(make_bundle(), engine="onnxruntime").read(document[0]).text == ""
    document.close()
