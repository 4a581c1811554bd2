"""Documents of several pages: PDFs by page range, and multi-page TIFFs. Everything else is a document of one page."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pypdfium2
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from ocrsmith.errors import InputError
from ocrsmith.images import MAX_PIXELS, ImageSource, read_image
from ocrsmith.reading.text_layer import TextLayer, read_text_layer
from ocrsmith.samples import Image

DEFAULT_DPI = 200.0


@dataclass(frozen=True, eq=False)
class DocumentPage:
    """One page of a document: its number, from 1, its picture, and a PDF's own text for it, where it was asked for."""

    number: int
    image: Image
    layer: TextLayer | None = None


def open_document(
    source: ImageSource,
    pages: str | Sequence[int] | None = None,
    *,
    dpi: float = DEFAULT_DPI,
    password: str | None = None,
    layers: bool = False,
) -> Iterator[DocumentPage]:
    """The pages of a PDF or a TIFF as pictures, one at a time; any other picture is its own only page.

    Args:
        source: a path, bytes, a file object, an array or a PIL image.
        pages: which, from 1: "1-3,7", "5-", or numbers; None takes all. In the order given.
        dpi: of a PDF's rendering; lowered where a page would have more than 200 megapixels.
        password: of a locked PDF.
        layers: read the text that a PDF carries, too.

    Raises:
        InputError: not readable, locked, or without a page that was asked for.
    """
    content = _document_bytes(source)
    if content is None:
        named = str(source) if isinstance(source, (str, Path)) else "the picture"
        image = read_image(source)
        for number in page_numbers(pages, 1, named):
            yield DocumentPage(number, image)
        return
    name = str(source) if isinstance(source, (str, Path)) else "the document"
    if b"%PDF-" in content[:1024]:
        yield from _pdf_pages(content, name, pages, dpi, password, layers)
    else:
        yield from _tiff_pages(content, name, pages)


def is_document(source: ImageSource) -> bool:
    """Whether a source is a PDF or a TIFF, which may have several pages; file objects are left where they were."""
    return _document_bytes(source) is not None


def _document_bytes(source: ImageSource) -> bytes | None:
    """The whole content of a PDF or TIFF, else None."""
    if isinstance(source, (np.ndarray, PillowImage.Image)):
        return None
    if isinstance(source, (bytes, bytearray)):
        content = bytes(source)
        return content if _is_document(content[:1024]) else None
    if isinstance(source, (str, Path)):
        path = Path(source)
        if not path.is_file():
            return None
        try:
            with path.open("rb") as stream:
                return _content_of(stream)
        except OSError as error:
            raise InputError(f"{path} cannot be opened ({error}). Check its rights.") from None
    return _content_of(source) if hasattr(source, "read") else None


def _content_of(stream: IO[bytes]) -> bytes | None:
    start = stream.tell()
    head = stream.read(1024)
    stream.seek(start)
    if not _is_document(head):
        return None
    content = stream.read()
    stream.seek(start)
    return content


def _is_document(head: bytes) -> bool:
    return b"%PDF-" in head or head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def page_ranges(pages: str) -> list[tuple[int, int | None]]:
    """(first, last) of each part of a choice such as "1-3,7" or "5-", whose last is None; raises InputError."""
    ranges: list[tuple[int, int | None]] = []
    for part in pages.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        # No document has more pages than nine digits tell.
        if not (first or last) or not all(piece.isdecimal() and len(piece) < 10 for piece in (first, last) if piece):
            raise InputError(f"The pages came as {pages!r}. Write them as 1-3,7 or 5-.")
        start = int(first) if first else 1
        ranges.append((start, (int(last) if last else None) if dash else start))
    return ranges


def page_numbers(pages: str | Sequence[int] | None, count: int, name: str) -> list[int]:
    """Resolves a choice of pages ("1-3,7", "5-", numbers, None for all) to numbers from 1; raises InputError."""
    if pages is None:
        return list(range(1, count + 1))
    if isinstance(pages, str):
        bounds = [(first, count if last is None else last) for first, last in page_ranges(pages)]
    else:
        bounds = [(int(number), int(number)) for number in pages]
    outside = [number for ends in bounds for number in ends if not 1 <= number <= count]
    chosen = [] if outside else [number for first, last in bounds for number in range(first, last + 1)]
    if not chosen:
        asked = f"page {outside[0]}" if outside else "none of them"
        raise InputError(
            f"{name} has {count} page{'s' * (count != 1)}, and {asked} was asked for. Choose from 1 to {count}."
        )
    return chosen


def _pdf_pages(
    content: bytes, name: str, pages: str | Sequence[int] | None, dpi: float, password: str | None, layers: bool
) -> Iterator[DocumentPage]:
    if not 10 <= dpi <= 2400:
        raise InputError(f"A PDF was to be rendered at {dpi} dpi. Choose between 10 and 2400; 200 is usual.")
    try:
        document = pypdfium2.PdfDocument(content, password=password)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise InputError(f"{name} is locked with a password. Give it, or unlock the PDF first.") from None
        raise InputError(f"{name} is damaged or not a PDF ({error}). Export it again.") from None
    try:
        for number in page_numbers(pages, len(document), name):
            try:
                page = document[number - 1]
                image = render_page(page, dpi)
                layer = read_text_layer(page, (image.shape[1], image.shape[0])) if layers else None
                page.close()
                yield DocumentPage(number, image, layer)
            except pypdfium2.PdfiumError as error:
                raise InputError(f"Page {number} of {name} cannot be rendered ({error}). Export it again.") from None
    finally:
        document.close()


def render_page(page: pypdfium2.PdfPage, dpi: float = DEFAULT_DPI) -> Image:
    """One PDF page -> (H, W, 3) uint8 RGB, on white, at most 200 megapixels."""
    width, height = (max(1.0, side / 72.0) for side in page.get_size())
    largest = math.sqrt(0.98 * MAX_PIXELS / (width * height))
    bitmap = page.render(scale=min(dpi, largest) / 72.0, rev_byteorder=True)
    array = bitmap.to_numpy()
    return read_image(np.ascontiguousarray(array[..., :3] if array.ndim == 3 and array.shape[2] > 3 else array))


def _num_frames(content: bytes) -> int:
    with warnings.catch_warnings():
        # Pillow warns of every odd tag; whether the page can be decoded decides instead.
        warnings.simplefilter("ignore")
        with PillowImage.open(io.BytesIO(content)) as opened:
            return getattr(opened, "n_frames", 1)


def _frame(content: bytes, number: int, name: str) -> PillowImage.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with PillowImage.open(io.BytesIO(content)) as opened:
            opened.seek(number - 1)
            if opened.width * opened.height > MAX_PIXELS:
                raise InputError(f"Page {number} of {name} has more than {MAX_PIXELS:,} pixels. Shrink it.")
            return opened.copy()


def _tiff_pages(content: bytes, name: str, pages: str | Sequence[int] | None) -> Iterator[DocumentPage]:
    try:
        for number in page_numbers(pages, _num_frames(content), name):
            yield DocumentPage(number, read_image(_frame(content, number, name)))
    except PillowImage.DecompressionBombError as error:
        raise InputError(f"{name} is too large to open safely. {error}") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError) as error:
        raise InputError(f"{name} is damaged or cut short ({error}). Export it again.") from None
