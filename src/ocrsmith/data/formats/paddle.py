"""PaddleOCR label files: `path<TAB>[{"transcription": ..., "points": ...}, ...]` for pages, `path<TAB>text` for crops.

`###` and `*` mark words that are not to be scored.
(https://github.com/PaddlePaddle/PaddleOCR, docs on the training data of detection and recognition.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ocrsmith.data.formats.crop_list import crops_from_files
from ocrsmith.data.formats.jsonl import points_of
from ocrsmith.data.formats.labelled import BadLabel, Kind, LabelledPicture, Problem, make_instance
from ocrsmith.data.formats.pictures import PictureFinder
from ocrsmith.data.formats.text_files import first_lines, numbered_lines
from ocrsmith.samples import TextInstance

NAME = "paddleocr"
IGNORE_TEXTS = ("###", "*")


def looks_like(line: str) -> bool:
    """Whether a line is a page's."""
    return re.match(r'[^\t]+\t\s*\[\s*(\{\s*"|\]\s*$)', line) is not None


def read(files: Sequence[Path], finder: PictureFinder, problems: list[Problem]) -> tuple[Kind, list[LabelledPicture]]:
    """Pages where a first line holds JSON, crops otherwise."""
    if not any(looks_like(line) for file in files for line in first_lines(file)):
        return "crops", crops_from_files(files, finder, problems)
    entries: list[LabelledPicture] = []
    for file in files:
        for number, line in numbered_lines(file, problems):
            try:
                name, tab, words = line.partition("\t")
                if not tab:
                    raise BadLabel("no tab stands between the picture and its words")
                picture = finder.find(name, file)
                if picture is None:
                    raise BadLabel(f"the picture {name!r} does not exist")
                instances = []
                for index, word in enumerate(_words(words)):
                    try:
                        instances.append(_instance(word))
                    except BadLabel as error:
                        problems.append(Problem(file, number, f"word {index}: {error}"))
                entries.append(LabelledPicture(picture, tuple(instances)))
            except BadLabel as error:
                problems.append(Problem(file, number, str(error)))
    return "pages", entries


def _words(text: str) -> list[Any]:
    try:
        words = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadLabel(f"what follows the tab is not JSON ({error})") from None
    if not isinstance(words, list):
        raise BadLabel("what follows the tab is not a JSON list of words")
    return words


def _instance(word: Any) -> TextInstance:
    if not isinstance(word, dict) or "points" not in word:
        raise BadLabel('the key "points" is missing')
    text = word.get("transcription", "")
    ignore = text in IGNORE_TEXTS
    return make_instance(word["points"], "" if ignore else text, ignore=ignore)


def line_of_page(image: str, instances: Sequence[TextInstance]) -> str:
    """The line of a page, without its end."""
    words = [
        {"transcription": IGNORE_TEXTS[0] if word.ignore else word.text, "points": points_of(word.polygon)}
        for word in instances
    ]
    return f"{image}\t{json.dumps(words, ensure_ascii=False)}"
