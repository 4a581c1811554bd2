"""A folder of crops with a list of their texts: `file<TAB>text`, CSV (`file,text`, quoted or not, a header allowed), or
`file text`. Such lists are called gt.txt, labels.txt, rec_gt.txt, labels.csv and the like by most tools.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ocrsmith.data.formats.labelled import BadLabel, Kind, LabelledPicture, Problem
from ocrsmith.data.formats.pictures import PICTURE_SUFFIXES, PictureFinder
from ocrsmith.data.formats.text_files import numbered_lines

NAME = "crops"
_HEADER = frozenset({"file", "filename", "file_name", "image", "path", "image_path", "img"})


def looks_like(line: str) -> bool:
    """Whether a line names a picture and gives its text, or is the header of such a list."""
    try:
        name, _ = split_line(line)
    except BadLabel:
        return False
    return _is_header(name) or PurePosixPath(name.replace("\\", "/")).suffix.lower() in PICTURE_SUFFIXES


def _is_header(name: str) -> bool:
    return name.strip().lower() in _HEADER


def split_line(line: str) -> tuple[str, str]:
    """(picture, text) of a line; raises BadLabel.

    A tab splits first; else a comma, by the rules of CSV; else the first space. Text after the second column of a CSV
    line whose text is not quoted belongs to the text, commas and all.
    """
    if "\t" in line:
        name, _, text = line.partition("\t")
        return name, text
    name, comma, rest = line.partition(",")
    if comma and not re.search(r"\s", name.strip()):
        if rest.lstrip().startswith('"'):
            try:
                return name, next(csv.reader([rest], skipinitialspace=True, strict=True))[0]
            except (csv.Error, StopIteration):
                pass  # a lone quotation mark, an inch sign: the text as it stands
        return name, rest.strip()
    name, space, text = line.strip().partition(" ")
    if not space:
        raise BadLabel("the line has no tab, comma or space between the picture and its text")
    return name, text


def read(files: Sequence[Path], finder: PictureFinder, problems: list[Problem]) -> tuple[Kind, list[LabelledPicture]]:
    """Reads every list."""
    return "crops", crops_from_files(files, finder, problems)


def crops_from_files(files: Sequence[Path], finder: PictureFinder, problems: list[Problem]) -> list[LabelledPicture]:
    """The crops of every list; a text may be empty, a picture must exist."""
    entries: list[LabelledPicture] = []
    for file in files:
        for position, (number, line) in enumerate(numbered_lines(file, problems)):
            try:
                name, text = split_line(line)
                picture = finder.find(name.strip().strip('"'), file)
                if picture is None:
                    if position == 0 and _is_header(name):
                        continue
                    raise BadLabel(f"the picture {name!r} does not exist")
                entries.append(LabelledPicture(picture, (), text))
            except BadLabel as error:
                problems.append(Problem(file, number, str(error)))
    return entries


def line_of_crop(image: str, text: str) -> str:
    """The line of a crop, without its end; line feeds and tabs in the text become spaces."""
    return f"{image}\t{re.sub(chr(9) + '|' + chr(13) + '|' + chr(10), ' ', text)}"
