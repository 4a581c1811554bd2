"""docs/outputs.md shows one small page in every text format: each block is what is written, to the letter."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

from ocrsmith.geometry import box_quad
from ocrsmith.reading.outputs import (
    FORMATS,
    alto_output,
    hocr_output,
    json_output,
    markdown_output,
    page_xml_output,
    text_output,
    tsv_output,
)
from ocrsmith.reading.page import Line, Page, ReadCharacter, Word

DOCUMENT = (Path(__file__).parents[2] / "docs" / "outputs.md").read_text("utf-8")


def shown_page() -> Page:
    words = []
    for text, left in (("No", 10), ("7", 50)):
        quads = [box_quad(left + 15 * i, 8, left + 15 * i + 15, 28) for i in range(len(text))]
        characters = tuple(ReadCharacter(c, quad, 0.97) for c, quad in zip(text, quads))
        words.append(Word(text, box_quad(left, 8, left + 15 * len(text), 28), 0.97, characters))
    return Page((Line(tuple(words)),), (80, 40), {"detector": 0.12, "recognizer": 0.03}, None, "number.png")


WRITTEN = {
    "text": text_output([shown_page()]),
    "markdown": markdown_output([shown_page()]),
    "tsv": tsv_output([shown_page()]),
    "json": json_output([shown_page()]),
    "hocr": hocr_output([shown_page()]),
    "alto": alto_output([shown_page()]),
    "page": page_xml_output([shown_page()], datetime.datetime(2026, 1, 2, 3, 4, 5)),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_block_is_what_is_written(name: str) -> None:
    block = re.search(rf"^## `{name}`.*?^```\w*\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert block is not None
    assert block[1].rstrip("\n") == WRITTEN[name].rstrip("\n")


def test_every_format_has_its_heading() -> None:
    assert set(re.findall(r"^## `(\w+)`", DOCUMENT, re.MULTILINE)) == set(FORMATS)
