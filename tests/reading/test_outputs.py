from __future__ import annotations

import datetime
import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pypdfium2
import pytest

from ocrsmith.errors import InputError
from ocrsmith.geometry import box_quad
from ocrsmith.reading.outputs import (
    FORMATS,
    alto_output,
    drawn,
    hocr_output,
    json_output,
    markdown_output,
    page_xml_output,
    pages_from_json,
    pdf_output,
    text_output,
    tsv_output,
)
from ocrsmith.reading.page import Line, Page, ReadCharacter, Word
from ocrsmith.reading.paragraphs import paragraphs

ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"
PAGE = "{http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15}"
HTML = "{http://www.w3.org/1999/xhtml}"


def word(text: str, left: float, top: float, confidence: float = 0.95, height: float = 20) -> Word:
    """10 px a character."""
    characters = tuple(
        ReadCharacter(c, box_quad(left + 10 * i, top, left + 10 * i + 10, top + height), confidence)
        for i, c in enumerate(text)
    )
    return Word(text, box_quad(left, top, left + 10 * len(text), top + height), confidence, characters)


@pytest.fixture
def page() -> Page:
    lines = (
        Line((word("Hello", 20, 20), word("<wörld>", 80, 20, 0.5))),
        Line((word("日本", 20, 44), word("&𝒳", 60, 44))),
        Line((word("1.", 20, 200), word("*end*", 50, 200))),
    )
    return Page(lines, (300, 400), {"detector": 0.25}, np.full((400, 300, 3), 250, np.uint8), "a & b.png")


@pytest.fixture
def empty() -> Page:
    return Page((), (30, 20))


def test_text(page: Page, empty: Page) -> None:
    assert text_output([page]) == "Hello <wörld>\n日本 &𝒳\n1. *end*\n"
    assert text_output([page, page]).count("\f") == 1
    assert text_output([empty]) == ""


def test_paragraphs_split_at_wide_gaps(page: Page) -> None:
    assert [len(block) for block in paragraphs(page)] == [2, 1]


def test_json_round_trips(page: Page, empty: Page) -> None:
    written = json_output([page, empty])
    again = pages_from_json(written)
    assert json_output(again) == written
    assert again[0].text == page.text
    assert again[0].words[0].characters[1].text == "e"
    assert json.loads(written)["pages"][0]["lines"][0]["words"][0]["polygon"][0] == [20.0, 20.0]


def test_tsv(page: Page) -> None:
    header, *rows = [row.split("\t") for row in tsv_output([page]).splitlines()]
    assert len(header) == 12
    assert all(len(row) == 12 for row in rows)
    assert rows[0] == ["5", "1", "1", "1", "1", "1", "20", "20", "50", "20", "95.00", "Hello"]
    assert [row[-1] for row in rows] == [w.text for w in page.words]


def test_markdown_escapes_what_would_be_markup(page: Page, empty: Page) -> None:
    assert markdown_output([page]) == "Hello \\<wörld\\>\n日本 &𝒳\n\n1\\. \\*end\\*\n"
    assert markdown_output([empty]) == ""


def test_markdown_headings_are_larger() -> None:
    lines = [Line((word("Title", 0, 0, height=40),)), *(Line((word("body", 0, 80 + 25 * i),)) for i in range(3))]
    assert markdown_output([Page(tuple(lines), (100, 200))]) == "## Title\n\nbody\nbody\nbody\n"


def test_hocr(page: Page) -> None:
    text = hocr_output([page, page])
    root = ElementTree.fromstring(text.split("\n", 2)[2])
    words = [e for e in root.iter(f"{HTML}span") if e.get("class") == "ocrx_word"]
    assert [e.text for e in words] == [w.text for w in page.words] * 2
    assert words[0].get("title") == "bbox 20 20 70 40; x_wconf 95"
    identities = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(identities) == len(set(identities))
    assert 'image "a & b.png"; bbox 0 0 300 400; ppageno 0' in [e.get("title") for e in root.iter(f"{HTML}div")]


def test_hocr_gives_the_polygon_of_a_slanted_word() -> None:
    slanted = Word("x", np.array([[10, 20], [30, 10], [35, 20], [15, 30]], np.float32), 1.0)
    assert "; poly 10 20 30 10 35 20 15 30" in hocr_output([Page((Line((slanted,)),), (50, 50))])


def test_alto(page: Page) -> None:
    root = ElementTree.fromstring(alto_output([page]))
    strings = list(root.iter(f"{ALTO}String"))
    assert [s.get("CONTENT") for s in strings] == [w.text for w in page.words]
    assert (strings[0].get("HPOS"), strings[0].get("WIDTH"), strings[0].get("WC")) == ("20.00", "50.00", "0.9500")
    assert [g.get("CONTENT") for g in strings[0].iter(f"{ALTO}Glyph")] == list("Hello")
    assert len(list(root.iter(f"{ALTO}SP"))) == 3
    # A Shape comes first in its element: the schema's sequence.
    assert all(s[0].tag == f"{ALTO}Shape" for s in strings)


def test_page_xml(page: Page, empty: Page) -> None:
    root = ElementTree.fromstring(page_xml_output([page], datetime.datetime(2026, 1, 2, 3, 4, 5)))
    assert root.findtext(f"{PAGE}Metadata/{PAGE}Created") == "2026-01-02T03:04:05"
    lines = list(root.iter(f"{PAGE}TextLine"))
    assert [line.findtext(f"{PAGE}TextEquiv/{PAGE}Unicode") for line in lines] == [line.text for line in page.lines]
    coords = lines[0].find(f"{PAGE}Coords")
    assert coords is not None
    assert coords.get("points") == "20,20 150,20 150,40 20,40"
    region = root.find(f"{PAGE}Page/{PAGE}TextRegion")
    assert region is not None
    assert [child.tag.split("}")[1] for child in region] == ["Coords", "TextLine", "TextLine", "TextEquiv"]
    assert "ReadingOrder" not in page_xml_output([empty])
    with pytest.raises(InputError, match="2 pages"):
        page_xml_output([page, page])


def test_control_characters_do_not_break_xml() -> None:
    odd = Page((Line((Word("a\x00b\x1f", box_quad(0, 0, 9, 9), 1.0),)),), (20, 20))
    for write in (hocr_output, alto_output, page_xml_output):
        ElementTree.fromstring(write([odd]).replace("<!DOCTYPE", "<!--").replace('dtd">', "-->"))


def pdf_text(data: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(data)
    texts = []
    for page in document:
        textpage = page.get_textpage()
        texts.append(textpage.get_text_bounded())
        textpage.close()
    document.close()
    return texts


def test_the_pdf_gives_its_text_back_in_order(page: Page, empty: Page) -> None:
    first, second = pdf_text(pdf_output([page, empty]))
    assert first.split() == page.text.split()
    assert second == ""


def test_the_pdf_places_words_and_hides_them(page: Page) -> None:
    document = pypdfium2.PdfDocument(pdf_output([page], dpi=72))
    opened = document[0]
    assert opened.get_size() == (300, 400)
    textpage = opened.get_textpage()
    # The word at (80..150, 20..40) px from the top: PDF counts from the foot.
    assert textpage.get_text_bounded(78, 355, 155, 385).strip() == "<wörld>"
    textpage.close()
    assert np.ptp(opened.render(scale=1).to_numpy()) <= 3
    document.close()


def test_a_lone_character_is_in_the_pdf_too() -> None:
    # pdfium drops a text object whose glyphs have no extent; longer words have it from their advances.
    line = Line((word("APR", 10, 10), word("2", 60, 10), word(":", 90, 10)))
    assert pdf_text(pdf_output([Page((line,), (200, 50))]))[0].split() == ["APR", "2", ":"]


def test_slanted_text_in_the_pdf() -> None:
    angle = np.radians(30)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], np.float32)
    line = Line(
        tuple(
            Word(text, box_quad(left, 20, left + 60, 40) @ turn + (60, 20), 1.0)
            for text, left in (("one", 20), ("two", 90), ("three", 160))
        )
    )
    assert pdf_text(pdf_output([Page((line,), (400, 400))]))[0].split() == ["one", "two", "three"]


def test_drawn(page: Page, empty: Page) -> None:
    canvas = drawn(page)
    assert canvas.shape == (400, 300, 3)
    assert (canvas != page.image).any()
    with pytest.raises(InputError, match="without its picture"):
        drawn(empty)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_writes_bytes(name: str, page: Page) -> None:
    made = FORMATS[name]
    assert isinstance(made.write([page]), bytes)
    assert made.suffix.startswith(".")
    if made.single_page:
        with pytest.raises(InputError):
            made.write([page, page])
