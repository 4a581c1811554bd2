"""Text, JSON, TSV and Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ocrsmith.geometry import bounds
from ocrsmith.reading.page import JSON_VERSION, Page, Word
from ocrsmith.reading.paragraphs import line_height, paragraphs

_POLYGON = {
    "type": "array",
    "minItems": 3,
    "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
}
_CONFIDENCE = {"type": "number", "minimum": 0, "maximum": 1}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


_CHARACTER = _object(text={"type": "string"}, polygon=_POLYGON, confidence=_CONFIDENCE)
_WORD = _object(
    text={"type": "string"},
    polygon=_POLYGON,
    confidence=_CONFIDENCE,
    characters={"type": "array", "items": _CHARACTER},
)
_LINE = _object(
    text={"type": "string"}, polygon=_POLYGON, confidence=_CONFIDENCE, words={"type": "array", "items": _WORD}
)
_TEXT_LAYER = _object(
    state={"enum": ["whole", "absent", "broken"]},
    used={"type": "boolean"},
    agreement={"type": ["number", "null"], "minimum": 0, "maximum": 1},
)
_PAGE = _object(
    version={"const": JSON_VERSION},
    source={"type": "string"},
    width={"type": "integer"},
    height={"type": "integer"},
    rotation={"enum": [0, 90, 180, 270]},
    text_layer={"oneOf": [{"type": "null"}, _TEXT_LAYER]},
    text={"type": "string"},
    lines={"type": "array", "items": _LINE},
    timings={"type": "object", "additionalProperties": {"type": "number"}},
)
# JSON Schema, draft 2020-12: coordinates are px of the picture, x to the right and y down; timings are seconds;
# rotation is by how many degrees the page lies turned clockwise.
JSON_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_object(pages={"type": "array", "items": _PAGE}),
}


def text_output(pages: Sequence[Page]) -> str:
    """Lines as read, one a row, with a form feed between pages."""
    return "\f".join(page.text + "\n" if page.lines else "" for page in pages)


# A string never holds a line break of its own: these match numbers alone.
_POINT_ROWS = re.compile(r"\[\n\s+(-?[\d.]+),\n\s+(-?[\d.]+)\n\s+\]")
_POLYGON_ROWS = re.compile(r"\[\n\s+((?:\[-?[\d.]+, -?[\d.]+\](?:,\n\s+)?)+)\n\s+\]")


def json_output(pages: Sequence[Page]) -> str:
    """`{"pages": [page.to_dict(), ...]}`, as `JSON_SCHEMA` describes it; a polygon stands in one row."""
    form = json.dumps({"pages": [page.to_dict() for page in pages]}, ensure_ascii=False, indent=1)
    points = _POINT_ROWS.sub(r"[\1, \2]", form)
    return _POLYGON_ROWS.sub(lambda match: "[" + re.sub(r",\n\s+", ", ", match[1]) + "]", points) + "\n"


def pages_from_json(text: str) -> list[Page]:
    """Reads what `json_output` wrote."""
    return [Page.from_dict(form) for form in json.loads(text)["pages"]]


# Tesseract's columns, so that what reads its tables reads ours.
_TSV_HEADER = "level page_num block_num par_num line_num word_num left top width height conf text".replace(" ", "\t")


def tsv_output(pages: Sequence[Page]) -> str:
    """Tesseract's table, one row a word (level 5); conf is 0 to 100, boxes are upright px."""
    rows = [_TSV_HEADER]
    for page_number, page in enumerate(pages, 1):
        for block_number, block in enumerate(paragraphs(page), 1):
            for line_number, line in enumerate(block, 1):
                for word_number, word in enumerate(line.words, 1):
                    numbers = (5, page_number, block_number, 1, line_number, word_number, *upright_box(word))
                    cells = [*map(str, numbers), f"{100 * word.confidence:.2f}", word.text.replace("\t", " ")]
                    rows.append("\t".join(cells))
    return "\n".join(rows) + "\n"


def upright_box(word: Word) -> tuple[int, int, int, int]:
    """(left, top, width, height) px, whole numbers that hold the word."""
    left, top, right, bottom = bounds(word.polygon)
    x, y = int(np.floor(left)), int(np.floor(top))
    return x, y, int(np.ceil(right)) - x, int(np.ceil(bottom)) - y


def markdown_output(pages: Sequence[Page]) -> str:
    """Paragraphs with an empty line between; lines half as tall again as the page's usual are headings."""
    parts = []
    for page in pages:
        blocks = paragraphs(page)
        usual = float(np.median([line_height([line]) for line in page.lines])) if page.lines else 0.0
        for block in blocks:
            heading = len(block) <= 2 and line_height(block) >= 1.5 * usual
            words = " ".join(line.text for line in block) if heading else "\n".join(line.text for line in block)
            parts.append(("## " if heading else "") + _escaped(words))
    return "\n\n".join(parts) + ("\n" if parts else "")


def _escaped(text: str) -> str:
    """Keeps what was read from being taken for markup: CommonMark's inline marks, and marks at a line's start."""
    text = re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text)
    return re.sub(r"^(\s*)(#{1,6}(?=\s)|[-+](?=\s)|\d+(?=[.)]\s)|[-=]{2,}$)", _at_start, text, flags=re.MULTILINE)


def _at_start(match: re.Match[str]) -> str:
    space, mark = match.groups()
    # "1." is disarmed at its point, everything else before its first sign.
    return f"{space}{mark}\\" if mark[0].isdigit() else f"{space}\\{mark}"
