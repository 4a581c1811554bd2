"""One writer a layout. Each writes a sample's picture before its label, so that a label's picture is always whole.

A sample is written in two halves: `encode`, a function of its number and itself that any process can do, and
`write_encoded`, which appends what came of it.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from ocrsmith.data.formats.crop_list import line_of_crop
from ocrsmith.data.formats.icdar import lines_of
from ocrsmith.data.formats.jsonl import row_of_crop, row_of_page
from ocrsmith.data.formats.lmdb_store import load_lmdb
from ocrsmith.data.formats.paddle import line_of_page
from ocrsmith.data.formats.tar_shards import split_member
from ocrsmith.errors import LabelError, StorageError
from ocrsmith.images import encode_image
from ocrsmith.samples import LineSample, PageSample

Sample = PageSample | LineSample


@dataclass(frozen=True, slots=True)
class Encoded:
    """A sample as it will lie on disk: the picture's bytes, and its label as the layout has it."""

    data: bytes
    label: Any
    is_page: bool


# (number of the sample, sample) -> Encoded
Encode = Callable[[int, Sample], Encoded]


def json_line(image: str, sample: Sample) -> str:
    """The line of our JSON lines."""
    row = row_of_page(image, sample.instances) if isinstance(sample, PageSample) else row_of_crop(image, sample.text)
    return json.dumps(row, ensure_ascii=False)


def paddle_line(image: str, sample: Sample) -> str:
    """The line of PaddleOCR's detection or recognition labels."""
    return line_of_page(image, sample.instances) if isinstance(sample, PageSample) else crop_line(image, sample)


def crop_line(image: str, sample: Sample) -> str:
    """The line of a list of crops."""
    if isinstance(sample, PageSample):
        raise LabelError("A page came to a list of crops. Cut its words out first, or write jsonl.")
    return line_of_crop(image, sample.text)


class Closing:
    """What all writers share; it turns a full disk or a missing right into StorageError on the way out."""

    folder: Path
    encode: Encode
    _next: int

    def write(self, sample: Sample) -> None:
        """Encodes and writes the next sample."""
        self.write_encoded(self.encode(self._next, sample))

    def write_encoded(self, encoded: Encoded) -> None:
        """Writes what `encode` made of the next sample."""
        raise NotImplementedError

    def close(self) -> None:
        """Finishes what is open."""

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except OSError as failure:
            raise storage_error(self.folder, failure) from None


def storage_error(folder: Path, error: Exception) -> StorageError:
    """What a full disk or a missing right is told as."""
    return StorageError(
        f"The data set {folder} could not be written on ({error}). Free some space or check rights; "
        "what is there is whole, and the same command goes on from it."
    )


def _write_whole(path: Path, data: bytes) -> None:
    """A file under its name is whole: it is written beside it first."""
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_bytes(data)
    unfinished.replace(path)


def _picture_name(number: int, suffix: str) -> str:
    return f"images/{number:08d}{suffix}"


def _encode_line(number: int, sample: Sample, *, suffix: str, line: Callable[[str, Sample], str]) -> Encoded:
    label = line(_picture_name(number, suffix), sample)
    return Encoded(encode_image(sample.image, suffix), label, isinstance(sample, PageSample))


class LinesWriter(Closing):
    """`images/` and one file of labels, a line a sample, to which lines are appended."""

    def __init__(self, folder: Path, suffix: str, name: str, line: Callable[[str, Sample], str]) -> None:
        self.folder, self._suffix = folder, suffix
        self.encode = partial(_encode_line, suffix=suffix, line=line)
        path = folder / name
        try:
            self.num_done = _whole_lines(path)
            self._file: IO[str] = path.open("a", encoding="utf-8", newline="\n")
        except OSError as error:
            raise storage_error(folder, error) from None
        self._next = self.num_done

    def write_encoded(self, encoded: Encoded) -> None:
        """Writes the next picture and its line."""
        try:
            _write_whole(self.folder / _picture_name(self._next, self._suffix), encoded.data)
            self._file.write(encoded.label + "\n")
            self._file.flush()
        except OSError as error:
            raise storage_error(self.folder, error) from None
        self._next += 1

    def close(self) -> None:
        """Closes the labels."""
        self._file.close()


def _whole_lines(path: Path) -> int:
    """Counts the lines that end; what a killed run left of a line is cut off."""
    if not path.exists():
        return 0
    count = end = 0
    with path.open("rb+") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            count, end = count + 1, end + len(line)
        file.truncate(end)
    return count


def _encode_icdar(number: int, sample: Sample, *, suffix: str) -> Encoded:
    if not isinstance(sample, PageSample):
        raise LabelError("A crop came to ICDAR's pages. Write crops, lmdb or jsonl instead.")
    return Encoded(encode_image(sample.image, suffix), lines_of(sample.instances), True)


class IcdarWriter(Closing):
    """`images/img_1.png` with `labels/gt_img_1.txt` in the layout of ICDAR 2015."""

    def __init__(self, folder: Path, suffix: str) -> None:
        self.folder, self._suffix = folder, suffix
        self.encode = partial(_encode_icdar, suffix=suffix)
        done = {
            int(m[1]) for p in (folder / "labels").glob("gt_img_*.txt") if (m := re.search(r"_(\d+)\.txt$", p.name))
        }
        self.num_done = next(number for number in range(len(done) + 1) if number + 1 not in done)
        self._next = self.num_done

    def write_encoded(self, encoded: Encoded) -> None:
        """Writes the next picture and its text file."""
        name = f"img_{self._next + 1}"
        try:
            _write_whole(self.folder / "images" / (name + self._suffix), encoded.data)
            _write_whole(self.folder / "labels" / f"gt_{name}.txt", encoded.label.encode())
        except OSError as error:
            raise storage_error(self.folder, error) from None
        self._next += 1


def _encode_lmdb(number: int, sample: Sample, *, suffix: str) -> Encoded:
    if isinstance(sample, PageSample):
        raise LabelError("A page came to an LMDB of crops. Cut its words out first, or write jsonl.")
    return Encoded(encode_image(sample.image, suffix), sample.text.encode(), False)


class LmdbWriter(Closing):
    """The LMDB of deep-text-recognition-benchmark; the count and its samples are committed together."""

    def __init__(self, folder: Path, suffix: str, per_transaction: int) -> None:
        self.folder, self._per_transaction = folder, per_transaction
        self.encode = partial(_encode_lmdb, suffix=suffix)
        self._lmdb = load_lmdb()
        # A sparse map of 1 TiB, as is usual: the file grows only with its contents.
        try:
            self._environment = self._lmdb.open(str(folder), map_size=1 << 40, subdir=True)
            with self._environment.begin() as transaction:
                self.num_done = int(bytes(transaction.get(b"num-samples") or b"0"))
        except (self._lmdb.Error, ValueError) as error:
            raise storage_error(folder, error) from None
        self._next = self.num_done
        self._waiting: list[tuple[bytes, bytes]] = []

    def write_encoded(self, encoded: Encoded) -> None:
        """Holds the next crop until its transaction is full."""
        self._next += 1
        self._waiting.append((b"image-%09d" % self._next, encoded.data))
        self._waiting.append((b"label-%09d" % self._next, encoded.label))
        if len(self._waiting) >= 2 * self._per_transaction:
            self._commit()

    def _commit(self) -> None:
        try:
            with self._environment.begin(write=True) as transaction:
                for key, value in self._waiting:
                    transaction.put(key, value)
                transaction.put(b"num-samples", str(self._next).encode())
        except self._lmdb.Error as error:
            raise storage_error(self.folder, error) from None
        self._waiting.clear()

    def close(self) -> None:
        """Commits the rest."""
        try:
            self._commit()
        finally:
            self._environment.close()


def _encode_members(number: int, sample: Sample, *, suffix: str) -> Encoded:
    data = encode_image(sample.image, suffix)
    if isinstance(sample, PageSample):
        return Encoded(data, json_line(f"{number:09d}{suffix}", sample), True)
    return Encoded(data, sample.text, False)


class TarWriter(Closing):
    """WebDataset shards `shard-000000.tar`; a shard appears under its name when it is whole."""

    def __init__(self, folder: Path, suffix: str, per_shard: int) -> None:
        self.folder, self._suffix, self._per_shard = folder, suffix, max(1, per_shard)
        self.encode = partial(_encode_members, suffix=suffix)
        try:
            shards = sorted(folder.glob("shard-*.tar"))
            self.num_done = sum(_num_samples(shard) for shard in shards)
            for unfinished in folder.glob("shard-*.tar.part"):
                unfinished.unlink()
        except (OSError, tarfile.TarError) as error:
            raise storage_error(folder, error) from None
        self._next = self.num_done
        self._shard_number = 1 + max((int(s.stem.rpartition("-")[2]) for s in shards), default=-1)
        self._tar: tarfile.TarFile | None = None
        self._in_shard = 0

    def _path(self) -> Path:
        return self.folder / f"shard-{self._shard_number:06d}.tar"

    def write_encoded(self, encoded: Encoded) -> None:
        """Adds the next sample to the open shard."""
        key = f"{self._next:09d}"
        try:
            if self._tar is None:
                self._tar = tarfile.open(f"{self._path()}.part", "w")  # noqa: SIM115 (open over many calls)
            self._add(key + self._suffix, encoded.data)
            self._add(key + (".json" if encoded.is_page else ".txt"), encoded.label.encode())
            self._next += 1
            self._in_shard += 1
            if self._in_shard == self._per_shard:
                self.close()
        except OSError as error:
            raise storage_error(self.folder, error) from None

    def _add(self, name: str, data: bytes) -> None:
        assert self._tar is not None
        member = tarfile.TarInfo(name)
        member.size = len(data)
        self._tar.addfile(member, io.BytesIO(data))

    def close(self) -> None:
        """Finishes the open shard."""
        if self._tar is not None:
            self._tar.close()
            self._tar = None
            Path(f"{self._path()}.part").replace(self._path())
            self._shard_number += 1
            self._in_shard = 0


def _num_samples(shard: Path) -> int:
    with tarfile.open(shard, "r:") as opened:
        return len({split_member(member.name)[0] for member in opened})
