"""What a read page can be written as: `FORMATS["hocr"].write([page])`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ocrsmith.reading.outputs.pictures import drawn, picture_output
from ocrsmith.reading.outputs.plain import (
    JSON_SCHEMA,
    json_output,
    markdown_output,
    pages_from_json,
    text_output,
    tsv_output,
)
from ocrsmith.reading.outputs.searchable_pdf import pdf_output
from ocrsmith.reading.outputs.xml_formats import alto_output, hocr_output, page_xml_output
from ocrsmith.reading.page import Page

__all__ = [
    "FORMATS",
    "JSON_SCHEMA",
    "OutputFormat",
    "alto_output",
    "drawn",
    "hocr_output",
    "json_output",
    "markdown_output",
    "page_xml_output",
    "pages_from_json",
    "pdf_output",
    "picture_output",
    "text_output",
    "tsv_output",
]


@dataclass(frozen=True)
class OutputFormat:
    """One way to write pages.

    Attributes:
        name: what a user types.
        suffix: the ending of its files.
        write: pages -> bytes; text formats are UTF-8.
        single_page: whether a file holds exactly one page.
        binary: whether it is of no use on a terminal.
    """

    name: str
    suffix: str
    write: Callable[[Sequence[Page]], bytes]
    single_page: bool = False
    binary: bool = False


def _encoded(function: Callable[[Sequence[Page]], str]) -> Callable[[Sequence[Page]], bytes]:
    return lambda pages: function(pages).encode("utf-8")


FORMATS: dict[str, OutputFormat] = {
    made.name: made
    for made in (
        OutputFormat("text", ".txt", _encoded(text_output)),
        OutputFormat("json", ".json", _encoded(json_output)),
        OutputFormat("tsv", ".tsv", _encoded(tsv_output)),
        OutputFormat("markdown", ".md", _encoded(markdown_output)),
        OutputFormat("hocr", ".hocr", _encoded(hocr_output)),
        OutputFormat("alto", ".alto.xml", _encoded(alto_output)),
        OutputFormat("page", ".page.xml", _encoded(page_xml_output), single_page=True),
        OutputFormat("picture", ".png", picture_output, single_page=True, binary=True),
        OutputFormat("pdf", ".pdf", pdf_output, binary=True),
    )
}
