"""WebDataset shards: plain tars in which the files of a sample share their name up to the first dot.

`000001.png` with `000001.txt` is a crop; with `000001.json`, whose value is a line of our JSON lines, a page or a crop.
(https://github.com/webdataset/webdataset.) Nothing is ever unpacked to disk.
"""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from pathlib import Path

from ocrsmith.data.formats.jsonl import labels_from_row, parse_object
from ocrsmith.data.formats.labelled import BadLabel, Kind, LabelledPicture, Problem
from ocrsmith.data.formats.pictures import PICTURE_SUFFIXES, PictureFinder, TarPicture

NAME = "webdataset"
# A label file inside a shard; a larger one is refused unread.
MAX_LABEL_BYTES = 64 * 1024 * 1024


def split_member(name: str) -> tuple[str, str]:
    """(sample key, lower-cased ending with its dot): `a/b.c.png` is ("a/b", ".c.png"), as WebDataset has it."""
    folder, slash, bare = name.rpartition("/")
    key, dot, ending = bare.partition(".")
    return folder + slash + key, (dot + ending).lower()


def read(files: Sequence[Path], finder: PictureFinder, problems: list[Problem]) -> tuple[Kind, list[LabelledPicture]]:
    """Reads the labels of every shard; the first good sample says whether these are pages or crops."""
    kind: Kind | None = None
    entries: list[LabelledPicture] = []
    for file in files:
        for entry in _read_shard(file, problems):
            this: Kind = "pages" if entry.text is None else "crops"
            if kind is None or kind == this:
                kind = this
                entries.append(entry)
            else:
                problems.append(Problem(file, None, f"{entry.name} is of {this}, the samples before it of {kind}"))
    return kind or "pages", entries


def _read_shard(file: Path, problems: list[Problem]) -> list[LabelledPicture]:
    pictures: dict[str, TarPicture] = {}
    labels: dict[str, tuple[str, bytes]] = {}
    try:
        with tarfile.open(file, "r:") as shard:
            for member in shard:
                key, ending = split_member(member.name)
                if not member.isreg():
                    continue
                if "." + ending.rpartition(".")[2] in PICTURE_SUFFIXES:
                    pictures[key] = TarPicture(file, member.name, member.offset_data, member.size)
                elif ending in (".txt", ".json") and member.size <= MAX_LABEL_BYTES:
                    opened = shard.extractfile(member)
                    labels[key] = (ending, opened.read() if opened is not None else b"")
    except (tarfile.TarError, OSError) as error:
        # What stood before the damage is kept.
        problems.append(Problem(file, None, f"the shard is damaged or cut short ({error})"))
    entries = []
    for key, picture in pictures.items():
        try:
            if key not in labels:
                raise BadLabel(f"{picture.member} has no .txt or .json beside it")
            entries.append(_entry(picture, *labels[key], file, problems))
        except BadLabel as error:
            problems.append(Problem(file, None, f"{key}: {error}"))
    return entries


def _entry(picture: TarPicture, ending: str, data: bytes, file: Path, problems: list[Problem]) -> LabelledPicture:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadLabel(f"the label is not UTF-8 ({error.reason})") from None
    if ending == ".txt":
        return LabelledPicture(picture, (), text.rstrip("\r\n"))
    labels = labels_from_row(
        parse_object(text), lambda reason: problems.append(Problem(file, None, f"{picture.member}: {reason}"))
    )
    return LabelledPicture(picture, *labels)
