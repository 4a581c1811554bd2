"""Outputs held against the formats' own rules: a public hOCR checker, PAGE's schema, ALTO's, JSON Schema."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from lxml import etree

from ocrsmith.geometry import box_quad
from ocrsmith.reading.outputs import (
    JSON_SCHEMA,
    alto_output,
    hocr_output,
    json_output,
    page_xml_output,
    pdf_output,
)
from ocrsmith.reading.page import Line, Page, ReadCharacter, Word

SCHEMAS = Path(__file__).parent / "schemas"
ANGLE = np.radians(20)
TURN = np.array([[np.cos(ANGLE), np.sin(ANGLE)], [-np.sin(ANGLE), np.cos(ANGLE)]], np.float32)


def word(text: str, left: float, top: float, *, slanted: bool = False, entries: tuple[str, ...] = ()) -> Word:
    entries = entries or tuple(text)
    quads = [box_quad(left + 10 * i, top, left + 10 * i + 10, top + 20) for i in range(len(entries))]
    quads = [(quad @ TURN + (40, 0)).astype(np.float32) if slanted else quad for quad in quads]
    whole = np.array([quads[0][0], quads[-1][1], quads[-1][2], quads[0][3]], np.float32)
    return Word(text, whole, 0.75, tuple(ReadCharacter(c, quad, 0.5) for c, quad in zip(entries, quads)))


def page(name: str = 'a & "b"; c.png') -> Page:
    # Of one entry of an alphabet that is two code points, the letter has no composed form.
    odd = word("x\u0306y", 100, 250, entries=("x\u0306", "y"))
    lines = (
        Line((word("Hello", 20, 20), word("<wörld>", 80, 20))),
        Line((word("日本", 20, 44), word("&𝒳", 60, 44))),
        Line((word("slanted", 20, 120, slanted=True), word("text", 110, 120, slanted=True))),
        Line((odd, word("\x00\x1f", 200, 250))),
        # Partly outside the picture.
        Line((word("edge", -15, 380),)),
    )
    return Page(lines, (300, 400), {"detector": 0.25}, np.full((400, 300, 3), 250, np.uint8), name)


EMPTY = Page((), (30, 20))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("pages", [[page()], [page(), page("second.png")], [EMPTY]], ids=["one", "two", "empty"])
def test_hocr_passes_the_public_checker(pages: list[Page], tmp_path: Path) -> None:
    from hocr_spec.validate import HocrValidator

    path = tmp_path / "page.hocr"
    path.write_text(hocr_output(pages), "utf-8")
    report = HocrValidator("standard").validate(str(path), parse_strict=False)
    assert [str(item) for item in report.items if item.level in ("ERROR", "FATAL")] == []
    etree.parse(str(path), etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True))


@pytest.mark.parametrize("shown", [page(), EMPTY], ids=["full", "empty"])
def test_page_xml_is_valid_against_its_schema(shown: Page) -> None:
    schema = etree.XMLSchema(etree.parse(str(SCHEMAS / "pagecontent-2019-07-15.xsd")))
    schema.assertValid(etree.fromstring(page_xml_output([shown]).encode()))


class Links(etree.Resolver):
    """ALTO's schema imports XLink's from the web, for the attributes of links: none is written, so none is known."""

    def resolve(self, url: str, identity: str, context: object) -> object:
        if not url.endswith("/xlink.xsd"):
            return None
        head = '<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="http://www.w3.org/1999/xlink">'
        return self.resolve_string(head + '<attributeGroup name="simpleLink"/></schema>', context)


@pytest.fixture(scope="module")
def alto_schema() -> etree.XMLSchema:
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(Links())
    return etree.XMLSchema(etree.parse(str(SCHEMAS / "alto-4-4.xsd"), parser))


TURNED = Page((Line((word("turned", 20, 20),)),), (300, 400), rotation=270)


@pytest.mark.parametrize(
    "pages",
    [[page()], [page(), page("second.png")], [EMPTY], [TURNED]],
    ids=["one", "two", "empty", "turned"],
)
def test_alto_is_valid_against_its_schema(pages: list[Page], alto_schema: etree.XMLSchema) -> None:
    root = etree.fromstring(alto_output(pages).encode())
    alto_schema.assertValid(root)
    assert root.findtext(".//{*}MeasurementUnit") == "pixel"
    # Said in the schema's words alone: a glyph is one code point.
    assert all(len(glyph.attrib["CONTENT"]) == 1 for glyph in root.iter("{*}Glyph"))


def test_the_schema_of_alto_refuses(alto_schema: etree.XMLSchema) -> None:
    written = alto_output([page()])
    for right, wrong in (("WC=", "CONFIDENCE="), ("<Polygon", "<Poly"), ('ID="line_1_1_2"', 'ID="line_1_1_1"')):
        assert right in written
        assert not alto_schema.validate(etree.fromstring(written.replace(right, wrong, 1).encode()))


def test_json_is_what_its_schema_says() -> None:
    form = json.loads(json_output([page(), EMPTY]))
    jsonschema.Draft202012Validator.check_schema(JSON_SCHEMA)
    jsonschema.validate(form, JSON_SCHEMA)
    form["pages"][0]["lines"][0]["words"][0]["confidence"] = 1.5
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(form, JSON_SCHEMA)


needs_pdftotext = pytest.mark.skipif(
    shutil.which("pdftotext") is None, reason="pdftotext (poppler-utils) is not on the path"
)


@needs_pdftotext
def test_words_are_found_where_they_stand(tmp_path: Path) -> None:
    shown = [word("Total", 20, 20), word("9.50", 200, 20), word("x", 20, 60)]
    path = tmp_path / "page.pdf"
    path.write_bytes(pdf_output([Page((Line(tuple(shown[:2])), Line(tuple(shown[2:]))), (300, 200))], dpi=72))
    command = ["pdftotext", "-bbox", str(path), "-"]
    root = etree.fromstring(subprocess.run(command, capture_output=True, check=True).stdout)
    edges = ("xMin", "yMin", "xMax", "yMax")
    found = {each.text: [float(each.attrib[name]) for name in edges] for each in root.iter("{*}word")}
    assert found == {each.text: pytest.approx([*each.polygon[0], *each.polygon[2]], abs=4) for each in shown}


@needs_pdftotext
def test_pdftotext_gives_the_text_back_in_order(tmp_path: Path) -> None:
    lines = tuple(
        Line(tuple(word(text, 20 + 90 * place, 20 + 40 * row) for place, text in enumerate(texts)))
        for row, texts in enumerate((("Total", "9.50"), ("déjà", "日本"), ("a", "b", "c")))
    )
    path = tmp_path / "page.pdf"
    path.write_bytes(pdf_output([Page(lines, (300, 200)), Page(lines[:1], (300, 200))]))
    found = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, check=True).stdout.decode()
    texts = [text.split() for text in found.split("\f")[:2]]
    assert texts == [["Total", "9.50", "déjà", "日本", "a", "b", "c"], ["Total", "9.50"]]
