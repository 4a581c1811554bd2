"""Parquet: a row a picture, its encoded bytes beside its labels, as Hugging Face's data sets have them.

Crops: `image` (struct of `bytes` and `path`) and `text`. Pages: `image` and `words`, a list of structs with the keys of
our JSON lines. A plain binary column `image` is read too; other columns are passed over. The labels are read as a
stream, pictures only when asked for. (https://parquet.apache.org; image columns as in
https://huggingface.co/docs/datasets/image_dataset.) Needs the package pyarrow (`pip install "ocrsmith[parquet]"`).
"""

from __future__ import annotations

import functools
import importlib
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ocrsmith.data.formats.jsonl import labels_from_row
from ocrsmith.data.formats.labelled import BadLabel, Kind, LabelledPicture, Problem, note_problem
from ocrsmith.data.formats.pictures import PictureFinder, StoredPicture
from ocrsmith.errors import InputError

NAME = "parquet"
# Rows of labels in memory at once.
_BATCH_ROWS = 1024


def load_pyarrow() -> Any:
    """The module pyarrow with pyarrow.parquet; raises InputError where it is not installed."""
    try:
        importlib.import_module("pyarrow.parquet")
        return importlib.import_module("pyarrow")
    except ImportError:
        raise InputError(
            'Parquet needs the package pyarrow. Install it with pip install "ocrsmith[parquet]".'
        ) from None


@functools.lru_cache(maxsize=8)
def _opened(file: Path, process: int) -> Any:
    pyarrow = load_pyarrow()
    try:
        return pyarrow.parquet.ParquetFile(file, memory_map=True)
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{file} is not a Parquet file that can be read ({error}).") from None


@functools.lru_cache(maxsize=4)
def _images_of(file: Path, row_group: int, process: int) -> Any:
    """The column of pictures of one row group: neighbours are mostly asked for one after another."""
    pyarrow = load_pyarrow()
    try:
        return _opened(file, process).read_row_group(row_group, columns=["image"], use_threads=False).column("image")
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"The pictures of {file} cannot be read ({error}). Check that it is still there.") from None


@dataclass(frozen=True, slots=True)
class ParquetPicture(StoredPicture):
    """A picture inside a Parquet file, by its row group, its row in there, and its number in the file."""

    path: Path
    row_group: int
    row: int
    number: int

    @property
    def name(self) -> str:
        """The file and the number of the row in it."""
        return f"{self.path.name}/{self.number}"

    def _bytes(self) -> bytes:
        value = _images_of(self.path, self.row_group, os.getpid())[self.row].as_py()
        data = value.get("bytes") if isinstance(value, dict) else value
        if not isinstance(data, bytes):
            raise InputError(f"{self.name} has no bytes in its column image. Pictures outside the file are not read.")
        return data


def read(files: Sequence[Path], finder: PictureFinder, problems: list[Problem]) -> tuple[Kind, list[LabelledPicture]]:
    """Reads the labels of every file; the first good row says whether these are pages or crops."""
    pyarrow = load_pyarrow()
    kind: Kind | None = None
    entries: list[LabelledPicture] = []
    for file in files:
        try:
            for entry in _entries(file, problems):
                this: Kind = "pages" if entry.text is None else "crops"
                if kind is not None and kind != this:
                    raise BadLabel(f"{entry.name} is of {this}, the rows before it of {kind}")
                kind = this
                entries.append(entry)
        except (InputError, BadLabel) as error:
            problems.append(Problem(file, None, str(error)))
        except (OSError, pyarrow.ArrowException) as error:
            # What stood before the damage is kept.
            problems.append(Problem(file, None, f"the file is damaged ({error})"))
    return kind or "pages", entries


def _entries(file: Path, problems: list[Problem]) -> Iterator[LabelledPicture]:
    opened = _opened(file, os.getpid())
    names = opened.schema_arrow.names
    column = next((name for name in ("words", "text") if name in names), None)
    if column is None or "image" not in names:
        raise BadLabel(f"the columns are {', '.join(names)}; image with words (pages) or text (crops) was expected")
    places = _places(opened)
    batches = opened.iter_batches(_BATCH_ROWS, columns=[column], use_threads=False)
    values = itertools.chain.from_iterable(batch.column(0).to_pylist() for batch in batches)
    for number, ((row_group, row), value) in enumerate(zip(places, values, strict=True)):
        picture = ParquetPicture(file, row_group, row, number)
        try:
            labels = labels_from_row({column: value}, partial(note_problem, problems, file, number + 1))
        except BadLabel as error:
            problems.append(Problem(file, number + 1, str(error)))
            continue
        yield LabelledPicture(picture, *labels)


def _places(opened: Any) -> Iterator[tuple[int, int]]:
    """(row group, row in it) of every row in order."""
    for group in range(opened.num_row_groups):
        for row in range(opened.metadata.row_group(group).num_rows):
            yield group, row
