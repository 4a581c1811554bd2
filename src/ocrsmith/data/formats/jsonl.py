"""JSON lines: one picture a line, the format that ocrsmith itself writes.

Pages: `{"image": "images/1.png", "words": [{"polygon": [[x, y], ...], "text": "a", "ignore": false,
"characters": [{"text": "a", "quad": [[x, y], ...]}]}]}`; `ignore` and `characters` may be left out.
Crops: `{"image": "images/1.png", "text": "a"}`. Other keys are passed over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ocrsmith.data.formats.labelled import (
    BadLabel,
    Kind,
    LabelledPicture,
    Problem,
    checked_text,
    make_instance,
    note_problem,
)
from ocrsmith.data.formats.pictures import PictureFinder
from ocrsmith.data.formats.text_files import numbered_lines
from ocrsmith.geometry import Polygon
from ocrsmith.samples import TextInstance

NAME = "jsonl"


def read(files: Sequence[Path], finder: PictureFinder, problems: list[Problem]) -> tuple[Kind, list[LabelledPicture]]:
    """Reads every file; the first good line says whether these are pages or crops."""
    kind: Kind | None = None
    entries: list[LabelledPicture] = []
    for file in files:
        for number, line in numbered_lines(file, problems):
            try:
                row = parse_object(line)
                this: Kind = "pages" if "words" in row else "crops"
                if kind is not None and this != kind:
                    raise BadLabel(f"the line is of {this}, the lines before it are of {kind}")
                name = row.get("image")
                if not isinstance(name, str):
                    raise BadLabel('the key "image" with the path of a picture is missing')
                picture = finder.find(name, file)
                if picture is None:
                    raise BadLabel(f"the picture {name!r} does not exist")
                labels = labels_from_row(row, partial(note_problem, problems, file, number))
                entries.append(LabelledPicture(picture, *labels))
                kind = this
            except BadLabel as error:
                problems.append(Problem(file, number, str(error)))
    return kind or "pages", entries


def parse_object(text: str) -> dict[str, Any]:
    """A JSON object; raises BadLabel."""
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadLabel(f"the line is not JSON ({error})") from None
    if not isinstance(row, dict):
        raise BadLabel(f"the line is a JSON {type(row).__name__}; an object was expected")
    return row


def labels_from_row(row: dict[str, Any], note: Callable[[str], None]) -> tuple[tuple[TextInstance, ...], str | None]:
    """(instances, None) of a page or ((), text) of a crop.

    `note(reason)` is told of a word that does not parse; the page keeps its others. Raises BadLabel where the whole row
    is no label.
    """
    if "words" in row:
        if not isinstance(row["words"], list):
            raise BadLabel('"words" is not a list')
        instances = []
        for index, word in enumerate(row["words"]):
            try:
                instances.append(_instance(word))
            except BadLabel as error:
                note(f"word {index}: {error}")
        return tuple(instances), None
    if not isinstance(row.get("text"), str):
        raise BadLabel('neither "words" (a page) nor "text" (a crop) is there')
    return (), checked_text(row["text"])


def _instance(word: Any) -> TextInstance:
    if not isinstance(word, dict) or "polygon" not in word:
        raise BadLabel('the key "polygon" is missing')
    characters = word.get("characters")
    if characters is not None:
        try:
            characters = [(c["text"], c["quad"]) for c in characters]
        except (KeyError, TypeError):
            raise BadLabel('"characters" is not a list of {"text", "quad"}') from None
    return make_instance(
        word["polygon"], word.get("text", ""), ignore=bool(word.get("ignore", False)), characters=characters
    )


def row_of_page(image: str, instances: Sequence[TextInstance]) -> dict[str, Any]:
    """The line of a page; `labels_from_row` reads it back."""
    return {"image": image, "words": [_word_row(instance) for instance in instances]}


def row_of_crop(image: str, text: str) -> dict[str, Any]:
    """The line of a crop."""
    return {"image": image, "text": text}


def _word_row(instance: TextInstance) -> dict[str, Any]:
    row: dict[str, Any] = {"polygon": points_of(instance.polygon), "text": instance.text, "ignore": instance.ignore}
    if instance.characters is not None:
        row["characters"] = [{"text": c.text, "quad": points_of(c.quad)} for c in instance.characters]
    return row


def points_of(polygon: Polygon) -> list[list[float]]:
    """Points for JSON, to a hundredth of a pixel."""
    return [[round(float(x), 2), round(float(y), 2)] for x, y in polygon]
