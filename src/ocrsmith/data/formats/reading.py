"""Reading labelled folders: which format it is, and what it holds. Nothing that fails to parse stops the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ocrsmith.data.formats import (
    crop_list,
    icdar,
    json_exports,
    jsonl,
    lmdb_store,
    paddle,
    page_layouts,
    parquet_files,
    tar_shards,
    total_text,
    xml_exports,
)
from ocrsmith.data.formats.labelled import BadLabel, Kind, LabelledFolder, LabelledPicture, Problem
from ocrsmith.data.formats.markup import parse_xml
from ocrsmith.data.formats.pictures import PictureFinder
from ocrsmith.data.formats.text_files import first_lines
from ocrsmith.errors import InputError, LabelError

Reader = Callable[[Sequence[Path], PictureFinder, list[Problem]], tuple[Kind, list[LabelledPicture]]]

# In the order in which they are taken where a folder holds several.
READERS: dict[str, Reader] = {
    jsonl.NAME: jsonl.read,
    lmdb_store.NAME: lmdb_store.read,
    tar_shards.NAME: tar_shards.read,
    parquet_files.NAME: parquet_files.read,
    json_exports.COCO_TEXT: json_exports.read,
    json_exports.LABEL_STUDIO: json_exports.read,
    page_layouts.PAGE: page_layouts.read_page,
    page_layouts.ALTO: page_layouts.read_alto,
    xml_exports.CVAT: xml_exports.read_cvat,
    xml_exports.VOC: xml_exports.read_voc,
    paddle.NAME: paddle.read,
    total_text.NAME: total_text.read,
    icdar.NAME: icdar.read,
    crop_list.NAME: crop_list.read,
}
_SUFFIXES = frozenset({".jsonl", ".mdb", ".tar", ".parquet", ".json", ".xml", ".txt", ".csv", ".tsv"})
_BY_SUFFIX = {".jsonl": jsonl.NAME, ".mdb": lmdb_store.NAME, ".tar": tar_shards.NAME, ".parquet": parquet_files.NAME}
_ROOTS = {
    "PcGts": page_layouts.PAGE,
    "alto": page_layouts.ALTO,
    "annotations": xml_exports.CVAT,
    "annotation": xml_exports.VOC,
}


def read_labels(path: str | Path, format: str | None = None) -> LabelledFolder:
    """Reads the labels of a folder, or of one label file; pictures are read only when asked for.

    Args:
        path: a folder (searched through, pictures anywhere in it), or a label file (pictures beside it).
        format: one of `READERS`; None finds out from the files' contents.

    Returns:
        The labelled pictures, and a problem with file, line and reason for every label that was left out.

    Raises:
        InputError: the path does not exist.
        LabelError: no label was found, none of them could be read, or the format is unknown.
    """
    root = Path(path)
    if not root.exists():
        raise InputError(f"The labels {root} do not exist. Name a folder with pictures and labels, or a label file.")
    if format is not None and format not in READERS:
        raise LabelError(f"The label format {format!r} is unknown. Use one of {', '.join(READERS)}.")
    problems: list[Problem] = []
    by_format = _classify(_label_files(root), format, problems)
    if not by_format:
        raise LabelError(
            f"No labels were found in {root}. A folder with labels in one of these formats was expected: "
            f"{', '.join(READERS)}.{_listed(problems)}"
        )
    name = next(name for name in READERS if name in by_format)
    for other in by_format:
        if other != name:
            reason = f"labels in {other} were not read, as {name} was found too; name format={other!r} to read them"
            problems.append(Problem(by_format[other][0], None, reason))
    finder = PictureFinder(root if root.is_dir() else root.parent)
    files = by_format[name]
    if name == jsonl.NAME:
        files = _labels_alone(files, problems)
    if name == icdar.NAME and root.is_dir() and format is None:
        files = _with_empty_pages(files, root, finder)
    kind, entries = READERS[name](files, finder, problems)
    if not entries:
        raise LabelError(f"None of the {name} labels in {root} could be read.{_listed(problems)}")
    return LabelledFolder(root, name, kind, entries, tuple(problems))


def _listed(problems: Sequence[Problem], most: int = 5) -> str:
    shown = "".join(f"\n  {problem}" for problem in problems[:most])
    return shown + (f"\n  and {len(problems) - most} more" if len(problems) > most else "")


def _label_files(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file())
    return [file for file in files if not file.name.startswith(".") and file.name != "lock.mdb"]


def _classify(files: Sequence[Path], format: str | None, problems: list[Problem]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for file in files:
        name = _format_of(file, problems)
        if format is not None and (
            len(files) == 1 or name == format or {name, format} <= {paddle.NAME, crop_list.NAME}
        ):
            name = format
        if name is not None and (format is None or name == format):
            found.setdefault(name, []).append(file)
    return found


def _format_of(file: Path, problems: list[Problem]) -> str | None:
    """The format of a label file by its ending and first lines; None for a file that holds no labels."""
    suffix = file.suffix.lower()
    try:
        if suffix in _BY_SUFFIX:
            return _BY_SUFFIX[suffix]
        if suffix == ".json":
            return json_exports.format_of(json_exports.load_json(file))
        if suffix == ".xml":
            return _ROOTS.get(parse_xml(file.read_bytes()).tag)
    except (BadLabel, OSError) as error:
        problems.append(Problem(file, None, str(error)))
        return None
    lines = first_lines(file)
    # A header or one bad line at the top must not hide what the others are.
    for module in (paddle, total_text, icdar, crop_list):
        if any(module.looks_like(line) for line in lines):
            return module.NAME
    return None


def _labels_alone(files: list[Path], problems: list[Problem]) -> list[Path]:
    """Where a labels.jsonl is there, other JSON lines are predictions or logs that look alike."""
    labels = [file for file in files if file.name == "labels.jsonl"]
    if labels:
        reason = "was not read, as labels.jsonl is there; name the file itself to read it"
        problems += [Problem(file, None, reason) for file in files if file not in labels]
    return labels or files


def _with_empty_pages(files: list[Path], root: Path, finder: PictureFinder) -> list[Path]:
    """Adds empty text files that belong to a picture: pages on which no text stands."""
    empty = [p for p in root.rglob("*.txt") if p.stat().st_size <= 3 and icdar.picture_of(p, finder) is not None]
    return sorted({*files, *empty})
