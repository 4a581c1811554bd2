"""The LMDB of deep-text-recognition-benchmark (Baek et al., ICCV 2019), which most recognition code reads.

Keys `num-samples`, `image-000000001`, `label-000000001`, ...: encoded pictures and UTF-8 texts, numbered from 1.
Needs the package lmdb (`pip install "ocrsmith[formats]"`).
"""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocrsmith.data.formats.labelled import Kind, LabelledPicture, Problem
from ocrsmith.data.formats.pictures import PictureFinder, StoredPicture
from ocrsmith.errors import InputError

NAME = "lmdb"


def load_lmdb() -> Any:
    """The module lmdb; raises InputError where it is not installed."""
    try:
        return importlib.import_module("lmdb")
    except ImportError:
        raise InputError('An LMDB needs the package lmdb. Install it with pip install "ocrsmith[formats]".') from None


@functools.lru_cache(maxsize=8)
def _environment(folder: Path, process: int) -> Any:
    """One open environment a process: LMDB forbids using one across a fork."""
    lmdb = load_lmdb()
    try:
        return lmdb.open(str(folder), readonly=True, lock=False, readahead=False, meminit=False, max_readers=64)
    except lmdb.Error as error:
        raise InputError(f"{folder} is not an LMDB that can be opened ({error}).") from None


def get(folder: Path, key: str) -> bytes | None:
    """The value of a key, or None."""
    with _environment(folder.resolve(), os.getpid()).begin() as transaction:
        value = transaction.get(key.encode())
    return None if value is None else bytes(value)


@dataclass(frozen=True, slots=True)
class LmdbPicture(StoredPicture):
    """A picture inside an LMDB, by its number from 1."""

    path: Path
    number: int

    @property
    def name(self) -> str:
        """The folder and the key."""
        return f"{self.path.name}/image-{self.number:09d}"

    def _bytes(self) -> bytes:
        value = get(self.path, f"image-{self.number:09d}")
        if value is None:
            raise InputError(f"{self.name} is not in the LMDB any more. Read its labels again.")
        return value


def read(files: Sequence[Path], finder: PictureFinder, problems: list[Problem]) -> tuple[Kind, list[LabelledPicture]]:
    """Reads the texts of every `data.mdb`; pictures stay where they are."""
    entries: list[LabelledPicture] = []
    for file in files:
        folder = file.parent
        load_lmdb()
        try:
            stated = get(folder, "num-samples")
        except InputError as error:
            problems.append(Problem(file, None, str(error)))
            continue
        if stated is None or not stated.isdigit():
            problems.append(Problem(file, None, f"num-samples is {stated!r}; a number was expected"))
            continue
        with _environment(folder.resolve(), os.getpid()).begin() as transaction, transaction.cursor() as cursor:
            for number in range(1, int(stated) + 1):
                label = transaction.get(b"label-%09d" % number)
                if label is None or not cursor.set_key(b"image-%09d" % number):
                    problems.append(Problem(file, number, "the picture or its label is missing"))
                    continue
                try:
                    text = bytes(label).decode("utf-8")
                except UnicodeDecodeError as error:
                    problems.append(Problem(file, number, f"the label is not UTF-8 ({error.reason})"))
                    continue
                entries.append(LabelledPicture(LmdbPicture(folder, number), (), text))
    return "crops", entries
