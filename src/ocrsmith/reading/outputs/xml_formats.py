"""hOCR 1.2, ALTO 4 and PAGE 2019-07-15."""

from __future__ import annotations

import datetime
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ocrsmith import __version__
from ocrsmith.errors import InputError
from ocrsmith.geometry import bounds, enclosing_quad
from ocrsmith.reading.page import Line, Page, ReadCharacter, Word
from ocrsmith.reading.paragraphs import paragraphs

ALTO_NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"
ALTO_SCHEMA = "http://www.loc.gov/standards/alto/v4/alto-4-4.xsd"
PAGE_NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
PAGE_SCHEMA = PAGE_NAMESPACE + "/pagecontent.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
# What XML 1.0 cannot hold, even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_HOCR_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
"""


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)


def _serialized(root: ElementTree.Element) -> str:
    ElementTree.indent(root, space=" ")
    body = ElementTree.tostring(root, encoding="unicode", xml_declaration=False)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _box(points: ArrayLike) -> str:
    """hOCR's bbox: four whole numbers, 0 at least."""
    left, top, right, bottom = bounds(points)
    values = (np.floor(left), np.floor(top), np.ceil(right), np.ceil(bottom))
    return "bbox " + " ".join(str(max(0, int(value))) for value in values)


def _hull(lines: Iterable[Line]) -> ArrayLike:
    return np.concatenate([line.polygon for line in lines])


def hocr_output(pages: Sequence[Page]) -> str:
    """hOCR 1.2 (http://kba.github.io/hocr-spec/1.2/) in XHTML: ocr_page, ocr_carea, ocr_par, ocr_line, ocrx_word.

    `x_wconf` is 0 to 100; a word that is not upright carries its polygon as `poly`, a line turned by quarters its
    `textangle`.
    """
    html = ElementTree.Element("html", {"xmlns": "http://www.w3.org/1999/xhtml", "xml:lang": "en", "lang": "en"})
    head = ElementTree.SubElement(html, "head")
    ElementTree.SubElement(head, "title").text = "Read by ocrsmith"
    ElementTree.SubElement(head, "meta", {"http-equiv": "Content-Type", "content": "text/html;charset=utf-8"})
    for name, content in (
        ("ocr-system", f"ocrsmith {__version__}"),
        ("ocr-capabilities", "ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrp_poly"),
    ):
        ElementTree.SubElement(head, "meta", {"name": name, "content": content})
    body = ElementTree.SubElement(html, "body")
    for number, page in enumerate(pages):
        _hocr_page(body, page, number)
    return _HOCR_HEAD + _serialized(html).split("\n", 1)[1]


def _hocr_page(body: ElementTree.Element, page: Page, number: int) -> None:
    # Readers of hOCR cut titles at every semicolon, in quotes or not; the name may be a URL, where it is written so.
    name = _clean(page.source).replace('"', "'").replace(";", "%3B")
    title = f'image "{name}"; bbox 0 0 {page.size[0]} {page.size[1]}; ppageno {number}'
    at = f"{number + 1}"
    element = ElementTree.SubElement(body, "div", {"class": "ocr_page", "id": f"page_{at}", "title": title})
    lines = words = 0
    for block_number, block in enumerate(paragraphs(page), 1):
        box = _box(_hull(block))
        area = ElementTree.SubElement(
            element, "div", {"class": "ocr_carea", "id": f"block_{at}_{block_number}", "title": box}
        )
        par = ElementTree.SubElement(area, "p", {"class": "ocr_par", "id": f"par_{at}_{block_number}", "title": box})
        for line in block:
            lines += 1
            span = ElementTree.SubElement(
                par, "span", {"class": "ocr_line", "id": f"line_{at}_{lines}", "title": _hocr_line_title(line)}
            )
            for word in line.words:
                words += 1
                ElementTree.SubElement(
                    span, "span", {"class": "ocrx_word", "id": f"word_{at}_{words}", "title": _hocr_title(word)}
                ).text = _clean(word.text)


def _hocr_line_title(line: Line) -> str:
    title = _box(line.polygon)
    across = line.polygon[1] - line.polygon[0]
    # Counterclockwise, in quarters: a smaller angle is the page's skew, which the words' polygons tell.
    quarters = round(float(np.degrees(np.arctan2(-across[1], across[0]))) / 90) % 4
    return f"{title}; textangle {90 * quarters}" if quarters else title


def _hocr_title(word: Word) -> str:
    title = f"{_box(word.polygon)}; x_wconf {round(100 * word.confidence)}"
    left, top, right, bottom = bounds(word.polygon)
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    if word.polygon.shape != (4, 2) or np.abs(word.polygon - corners).max() > 1:
        title += "; poly " + " ".join(str(max(0, round(float(value)))) for value in word.polygon.reshape(-1))
    return title


def alto_output(pages: Sequence[Page]) -> str:
    """ALTO 4.4 (https://www.loc.gov/standards/alto/) with words, characters as Glyphs, and their polygons."""
    ElementTree.register_namespace("", ALTO_NAMESPACE)
    ElementTree.register_namespace("xsi", _INSTANCE)
    root = ElementTree.Element(
        f"{{{ALTO_NAMESPACE}}}alto", {f"{{{_INSTANCE}}}schemaLocation": f"{ALTO_NAMESPACE} {ALTO_SCHEMA}"}
    )
    description = _alto(root, "Description")
    _alto(description, "MeasurementUnit").text = "pixel"
    information = _alto(description, "sourceImageInformation")
    _alto(information, "fileName").text = _clean(pages[0].source if pages else "")
    processing = _alto(description, "Processing", ID="processing_1")
    software = _alto(processing, "processingSoftware")
    _alto(software, "softwareName").text = "ocrsmith"
    _alto(software, "softwareVersion").text = __version__
    layout = _alto(root, "Layout")
    for number, page in enumerate(pages, 1):
        size = {"WIDTH": str(page.size[0]), "HEIGHT": str(page.size[1])}
        element = _alto(layout, "Page", ID=f"page_{number}", PHYSICAL_IMG_NR=str(number), **size)
        space = _alto(element, "PrintSpace", HPOS="0", VPOS="0", **size)
        for block_number, block in enumerate(paragraphs(page), 1):
            _alto_block(space, block, f"{number}_{block_number}", page.rotation)
    return _serialized(root)


def _alto(parent: ElementTree.Element, tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, f"{{{ALTO_NAMESPACE}}}{tag}", attributes)


def _alto_box(points: ArrayLike) -> dict[str, str]:
    left, top, right, bottom = bounds(points)
    values = {"HPOS": left, "VPOS": top, "WIDTH": right - left, "HEIGHT": bottom - top}
    return {key: f"{value:.2f}" for key, value in values.items()}


def _alto_shape(parent: ElementTree.Element, points: ArrayLike) -> None:
    flat = " ".join(f"{x:.2f},{y:.2f}" for x, y in np.asarray(points))
    _alto(_alto(parent, "Shape"), "Polygon", POINTS=flat)


def _alto_block(space: ElementTree.Element, block: Sequence[Line], at: str, rotation: int) -> None:
    # ALTO turns counterclockwise.
    turned = {"ROTATION": str(360 - rotation)} if rotation else {}
    element = _alto(space, "TextBlock", ID=f"block_{at}", **_alto_box(_hull(block)), **turned)
    for line_number, line in enumerate(block, 1):
        row = _alto(element, "TextLine", ID=f"line_{at}_{line_number}", **_alto_box(line.polygon))
        _alto_shape(row, line.polygon)
        for word_number, word in enumerate(line.words, 1):
            if word_number > 1:
                _alto(row, "SP")
            name = f"{at}_{line_number}_{word_number}"
            string = _alto(
                row,
                "String",
                ID=f"string_{name}",
                **_alto_box(word.polygon),
                CONTENT=_clean(word.text),
                WC=f"{word.confidence:.4f}",
            )
            _alto_shape(string, word.polygon)
            # A Glyph is one code point, and a word has all of its glyphs or none.
            single = all(len(character.text) == 1 for character in word.characters)
            for index, character in enumerate(word.characters if single else (), 1):
                glyph = _alto(
                    string,
                    "Glyph",
                    ID=f"glyph_{name}_{index}",
                    CONTENT=_clean(character.text),
                    **_alto_box(character.quad),
                    GC=f"{character.confidence:.4f}",
                )
                _alto_shape(glyph, character.quad)


def page_xml_output(pages: Sequence[Page], created: datetime.datetime | None = None) -> str:
    """PAGE XML 2019-07-15 (PRImA) of one page, with regions, lines, words and glyphs.

    Args:
        pages: exactly one: the format holds one page a file.
        created: the time to write down; None takes now.

    Raises:
        InputError: more or fewer than one page.
    """
    if len(pages) != 1:
        raise InputError(f"{len(pages)} pages came for PAGE XML, which holds one a file. Write one file a page.")
    page = pages[0]
    stamp = (created or datetime.datetime.now(datetime.UTC)).strftime("%Y-%m-%dT%H:%M:%S")
    ElementTree.register_namespace("", PAGE_NAMESPACE)
    ElementTree.register_namespace("xsi", _INSTANCE)
    root = ElementTree.Element(
        f"{{{PAGE_NAMESPACE}}}PcGts", {f"{{{_INSTANCE}}}schemaLocation": f"{PAGE_NAMESPACE} {PAGE_SCHEMA}"}
    )
    metadata = _prima(root, "Metadata")
    _prima(metadata, "Creator").text = f"ocrsmith {__version__}"
    _prima(metadata, "Created").text = stamp
    _prima(metadata, "LastChange").text = stamp
    # PAGE names the clockwise turn that sets the page upright, from -179.999 to 180.
    turned = {"orientation": str({90: -90, 180: 180, 270: 90}[page.rotation])} if page.rotation else {}
    element = _prima(
        root,
        "Page",
        imageFilename=_clean(page.source),
        imageWidth=str(page.size[0]),
        imageHeight=str(page.size[1]),
        **turned,
    )
    blocks = paragraphs(page)
    if blocks:
        group = _prima(_prima(element, "ReadingOrder"), "OrderedGroup", id="reading_order")
        for index in range(len(blocks)):
            _prima(group, "RegionRefIndexed", index=str(index), regionRef=f"region_{index + 1}")
    for index, block in enumerate(blocks, 1):
        _prima_region(element, block, f"{index}")
    return _serialized(root)


def _prima(parent: ElementTree.Element, tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, f"{{{PAGE_NAMESPACE}}}{tag}", attributes)


def _prima_coords(parent: ElementTree.Element, points: ArrayLike) -> None:
    whole = np.maximum(np.round(np.asarray(points)).astype(int), 0)
    _prima(parent, "Coords", points=" ".join(f"{x},{y}" for x, y in whole))


def _prima_text(parent: ElementTree.Element, text: str, confidence: float | None) -> None:
    sure = {} if confidence is None else {"conf": f"{confidence:.4f}"}
    _prima(_prima(parent, "TextEquiv", **sure), "Unicode").text = _clean(text)


def _prima_region(page: ElementTree.Element, block: Sequence[Line], at: str) -> None:
    region = _prima(page, "TextRegion", id=f"region_{at}")
    _prima_coords(region, enclosing_quad([line.polygon for line in block]))
    for line_number, line in enumerate(block, 1):
        row = _prima(region, "TextLine", id=f"line_{at}_{line_number}")
        _prima_coords(row, line.polygon)
        for word_number, word in enumerate(line.words, 1):
            name = f"{at}_{line_number}_{word_number}"
            element = _prima(row, "Word", id=f"word_{name}")
            _prima_coords(element, word.polygon)
            for index, character in enumerate(word.characters, 1):
                _prima_glyph(element, character, f"glyph_{name}_{index}")
            _prima_text(element, word.text, word.confidence)
        _prima_text(row, line.text, line.confidence)
    _prima_text(region, "\n".join(line.text for line in block), None)


def _prima_glyph(word: ElementTree.Element, character: ReadCharacter, name: str) -> None:
    glyph = _prima(word, "Glyph", id=name)
    _prima_coords(glyph, character.quad)
    _prima_text(glyph, character.text, character.confidence)
