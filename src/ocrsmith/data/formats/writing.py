"""Writing data sets as streams: bounded memory, and a killed run goes on where it stopped."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from ocrsmith.data.drawing import draw_in_order
from ocrsmith.data.formats import crop_list, icdar, jsonl, lmdb_store, paddle, parquet_files, tar_shards
from ocrsmith.data.formats.parquet_writer import ParquetWriter
from ocrsmith.data.formats.writers import (
    Encode,
    Encoded,
    IcdarWriter,
    LinesWriter,
    LmdbWriter,
    TarWriter,
    crop_line,
    json_line,
    paddle_line,
)
from ocrsmith.errors import LabelError, StorageError
from ocrsmith.samples import LineSample, PageSample

Sample = PageSample | LineSample


class DatasetWriter(Protocol):
    """Appends samples to a folder; `num_done` of them lay there, whole, when it was opened.

    `encode` is a pure function of a sample's number and the sample, which any process can call.
    """

    num_done: int
    encode: Encode

    def __enter__(self) -> DatasetWriter: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def write(self, sample: Sample) -> None:
        """Writes the next sample."""

    def write_encoded(self, encoded: Encoded) -> None:
        """Writes what `encode` made of the next sample."""


@dataclass(frozen=True)
class WriteResult:
    """What `write_dataset` did: samples written now, and samples that had been there and were skipped."""

    folder: Path
    num_written: int
    num_skipped: int


WRITERS = (jsonl.NAME, icdar.NAME, paddle.NAME, crop_list.NAME, lmdb_store.NAME, tar_shards.NAME, parquet_files.NAME)


def open_writer(
    folder: str | Path, format: str, *, resume: bool = True, suffix: str = ".png", per_shard: int = 1000
) -> DatasetWriter:
    """Opens a writer of one of `WRITERS`.

    Args:
        folder: made where it does not exist.
        format: which layout; ICDAR holds pages only, `crops` and LMDB hold crops only, the others either.
        resume: go on behind what is there; otherwise the folder must be empty or absent.
        suffix: how pictures are encoded: ".png" (lossless) or ".jpg".
        per_shard: samples a tar or Parquet file, or a transaction of the LMDB: what a killed run may lose.

    Raises:
        LabelError: an unknown format.
        StorageError: the folder cannot be written, or holds something and `resume` is off.
    """
    target = Path(folder)
    if format not in WRITERS:
        raise LabelError(f"The format {format!r} cannot be written. Use one of {', '.join(WRITERS)}.")
    try:
        target.mkdir(parents=True, exist_ok=True)
        occupied = any(target.iterdir())
    except OSError as error:
        raise StorageError(f"The folder {target} cannot be made ({error}). Check the path and rights.") from None
    if occupied and not resume:
        raise StorageError(f"The folder {target} is not empty. Name another, empty it, or go on with resume=True.")
    if format == icdar.NAME:
        return IcdarWriter(target, suffix)
    if format == lmdb_store.NAME:
        return LmdbWriter(target, suffix, per_shard)
    if format == tar_shards.NAME:
        return TarWriter(target, suffix, per_shard)
    if format == parquet_files.NAME:
        return ParquetWriter(target, suffix, per_shard)
    name, line = {
        jsonl.NAME: ("labels.jsonl", json_line),
        paddle.NAME: ("Label.txt", paddle_line),
        crop_list.NAME: ("gt.txt", crop_line),
    }[format]
    return LinesWriter(target, suffix, name, line)


def write_dataset(
    samples: Iterable[Sample],
    folder: str | Path,
    format: str = jsonl.NAME,
    *,
    resume: bool = True,
    count: int | None = None,
    suffix: str = ".png",
    per_shard: int = 1000,
    workers: int = 0,
    progress: Callable[[int], object] | None = None,
) -> WriteResult:
    """Writes samples one after another, in bounded memory.

    With `resume`, sample number i is taken to be the one that was number i before: of a sequence (a world, a list) the
    first ones are not even made, of another iterable they are drawn and thrown away.

    Args:
        samples: pages or crops.
        count: how many to hold at the end, those already there included; None for all.
        folder, format, suffix, per_shard: as for `open_writer`.
        workers: processes that draw and encode; 0 does it in this one. The data set is the same with any number. Only a
            sequence or a world can be shared between them.
        progress: is told after each sample how many there are.

    Raises:
        LabelError: workers for samples that only come one after another; samples that the format cannot hold.
        StorageError: as `open_writer`.
        SynthesisError: what the world gives up with.
    """
    with open_writer(folder, format, resume=resume, suffix=suffix, per_shard=per_shard) as writer:
        done = total = writer.num_done
        for encoded in _encoded(samples, done, count, writer.encode, workers):
            writer.write_encoded(encoded)
            total += 1
            if progress is not None:
                progress(total)
    return WriteResult(Path(folder), total - done, done)


def _encoded(
    samples: Iterable[Sample], done: int, count: int | None, encode: Encode, workers: int
) -> Iterator[Encoded]:
    if hasattr(samples, "__getitem__") and (count is not None or hasattr(samples, "__len__")):
        indexed: Any = samples
        return draw_in_order(indexed, done, len(indexed) if count is None else count, encode, workers)
    if workers:
        raise LabelError(f"{workers} workers came for samples without indices. Give a list or a world, or no workers.")
    rest = itertools.islice(samples, done, None if count is None else max(count, done))
    return (encode(done + number, sample) for number, sample in enumerate(rest))
