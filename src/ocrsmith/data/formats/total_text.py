"""Total-Text's curved words: `x: [[..]], y: [[..]], ornt: [u'c'], transcriptions: [u'WORD']`, one file a picture.

Long polygons run over several lines, as NumPy prints them. `#` marks a word that is not to be scored.
(Ch'ng and Chan, ICDAR 2017; https://github.com/cs-chan/Total-Text-Dataset.)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ocrsmith.data.formats.icdar import picture_of
from ocrsmith.data.formats.labelled import BadLabel, Kind, LabelledPicture, Problem, make_instance
from ocrsmith.data.formats.pictures import PictureFinder
from ocrsmith.data.formats.text_files import numbered_lines
from ocrsmith.samples import TextInstance

NAME = "total_text"
IGNORE_TEXT = "#"
_RECORD = re.compile(
    r"x:\s*\[\[(?P<x>[^\]]*)\]\]\s*,\s*y:\s*\[\[(?P<y>[^\]]*)\]\].*?transcriptions:\s*\[\s*u?(?P<q>['\"])(?P<text>.*)(?P=q)\s*\]",
    re.DOTALL,
)


def looks_like(line: str) -> bool:
    """Whether a line starts a record."""
    return re.match(r"\s*x:\s*\[\[", line) is not None


def read(files: Sequence[Path], finder: PictureFinder, problems: list[Problem]) -> tuple[Kind, list[LabelledPicture]]:
    """Reads one file a picture."""
    entries: list[LabelledPicture] = []
    for file in files:
        picture = picture_of(file, finder)
        if picture is None:
            problems.append(Problem(file, None, f"no picture, or more than one, belongs to {file.name!r}"))
            continue
        records = _records(list(numbered_lines(file, problems)))
        instances = []
        for number, record in records:
            try:
                instances.append(parse_record(record))
            except BadLabel as error:
                problems.append(Problem(file, number, str(error)))
        if instances or not records:
            entries.append(LabelledPicture(picture, tuple(instances)))
    return "pages", entries


def _records(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    records: list[tuple[int, str]] = []
    for number, line in lines:
        if looks_like(line) or not records:
            records.append((number, line))
        else:
            records[-1] = (records[-1][0], f"{records[-1][1]}\n{line}")
    return records


def parse_record(record: str) -> TextInstance:
    """One word; raises BadLabel."""
    match = _RECORD.search(record)
    if match is None:
        raise BadLabel("the record is not x: [[..]], y: [[..]], ..., transcriptions: [u'..']")
    try:
        xs, ys = ([float(piece) for piece in match[axis].replace(",", " ").split()] for axis in "xy")
    except ValueError as error:
        raise BadLabel(f"a coordinate is no number ({error})") from None
    if len(xs) != len(ys):
        raise BadLabel(f"{len(xs)} x coordinates came with {len(ys)} y coordinates")
    ignore = match["text"] in (IGNORE_TEXT, "###")
    return make_instance(list(zip(xs, ys)), "" if ignore else match["text"], ignore=ignore)
