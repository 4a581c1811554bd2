"""ICDAR robust reading text files, one a picture (`gt_img_1.txt` or `img_1.txt` for `img_1.jpg`).

2015: `x1,y1,x2,y2,x3,y3,x4,y4,text`; 2013: `left,top,right,bottom,"text"`, with commas or spaces; 2017 multi-lingual:
eight coordinates, script, text. `###` marks a word that is not to be scored. A text may hold commas.
(https://rrc.cvc.uab.es, challenges 2, 4 and 8, "Tasks".)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ocrsmith.data.formats.labelled import BadLabel, Kind, LabelledPicture, Problem, make_instance
from ocrsmith.data.formats.pictures import FilePicture, PictureFinder
from ocrsmith.data.formats.text_files import numbered_lines
from ocrsmith.geometry import box_quad, minimum_area_quad
from ocrsmith.samples import TextInstance

NAME = "icdar"
IGNORE_TEXT = "###"
SCRIPTS = frozenset({"Arabic", "Latin", "Chinese", "Japanese", "Korean", "Bangla", "Hindi", "Symbols", "Mixed", "None"})
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_EIGHT = re.compile(rf"\s*({_NUMBER}(?:\s*[,\s]\s*{_NUMBER}){{7}})\s*(?:[,\s]\s*(.*))?$", re.DOTALL)
_FOUR = re.compile(rf"\s*({_NUMBER}(?:\s*[,\s]\s*{_NUMBER}){{3}})\s*(?:[,\s]\s*(.*))?$", re.DOTALL)


def looks_like(line: str) -> bool:
    """Whether a line starts with four or eight coordinates."""
    return bool(_EIGHT.match(line) or _FOUR.match(line))


def read(files: Sequence[Path], finder: PictureFinder, problems: list[Problem]) -> tuple[Kind, list[LabelledPicture]]:
    """Reads one file a picture; an empty file is a page without text."""
    entries: list[LabelledPicture] = []
    for file in files:
        picture = picture_of(file, finder)
        if picture is None:
            problems.append(Problem(file, None, f"no picture, or more than one, is called {_stems(file)[0]!r}"))
            continue
        lines = list(numbered_lines(file, problems))
        with_script = bool(lines) and all(_has_script(line) for _, line in lines)
        instances = []
        for number, line in lines:
            try:
                instances.append(parse_line(line, with_script))
            except BadLabel as error:
                problems.append(Problem(file, number, str(error)))
        if instances or not lines:
            entries.append(LabelledPicture(picture, tuple(instances)))
    return "pages", entries


def picture_of(file: Path, finder: PictureFinder) -> FilePicture | None:
    """The picture that a label file belongs to by its name."""
    return next((found for stem in _stems(file) if (found := finder.find_stem(stem, file)) is not None), None)


def _stems(file: Path) -> list[str]:
    bare = re.sub(r"^(poly_)?gt_", "", file.stem, flags=re.IGNORECASE)
    return list(dict.fromkeys([bare, file.stem]))


def _has_script(line: str) -> bool:
    match = _EIGHT.match(line)
    return bool(match and (match[2] or "").partition(",")[0].strip() in SCRIPTS and "," in (match[2] or ""))


def parse_line(line: str, with_script: bool = False) -> TextInstance:
    """One word; raises BadLabel."""
    match = _EIGHT.match(line) or _FOUR.match(line)
    if match is None:
        raise BadLabel("the line does not start with eight coordinates (2015) or four (2013)")
    numbers = [float(piece) for piece in re.findall(_NUMBER, match[1])]
    text = (match[2] or "").strip("\r\n")
    if with_script:
        text = text.partition(",")[2]
    if len(numbers) == 4:
        if numbers[2] <= numbers[0] or numbers[3] <= numbers[1]:
            raise BadLabel(f"the box {numbers} has no area; left, top, right, bottom was expected")
        quoted = re.fullmatch(r'\s*"(.*)"\s*', text)
        return _instance(box_quad(*numbers).tolist(), quoted[1] if quoted else text)
    return _instance(list(zip(numbers[::2], numbers[1::2])), text)


def _instance(points: list[tuple[float, float]] | list[list[float]], text: str) -> TextInstance:
    ignore = text.strip() == IGNORE_TEXT
    return make_instance(points, "" if ignore else text, ignore=ignore)


def lines_of(instances: Sequence[TextInstance]) -> str:
    """The 2015 text of a page; a polygon of more points becomes its smallest rectangle, a line feed a space."""
    lines = []
    for instance in instances:
        quad = instance.polygon if len(instance.polygon) == 4 else minimum_area_quad(instance.polygon)
        numbers = ",".join(f"{value:.2f}".rstrip("0").rstrip(".") for value in quad.reshape(-1))
        text = IGNORE_TEXT if instance.ignore else re.sub(r"[\r\n]+", " ", instance.text)
        lines.append(f"{numbers},{text}\n")
    return "".join(lines)
