"""One writer a layout. Each writes a sample's picture before its label, so that a label's picture is always whole."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Callable
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
from ocrsmith.images import encode_image, write_image
from ocrsmith.samples import LineSample, PageSample

Sample = PageSample | LineSample


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


class _Closing:
    """Turns a full disk or a missing right into StorageError on the way out."""

    folder: Path

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
            raise _storage_error(self.folder, failure) from None


def _storage_error(folder: Path, error: Exception) -> StorageError:
    return StorageError(
        f"The data set {folder} could not be written on ({error}). Free some space or check rights; "
        "what is there is whole, and the same command goes on from it."
    )


class LinesWriter(_Closing):
    """`images/` and one file of labels, a line a sample, to which lines are appended."""

    def __init__(self, folder: Path, suffix: str, name: str, line: Callable[[str, Sample], str]) -> None:
        self.folder, self._suffix, self._line = folder, suffix, line
        path = folder / name
        try:
            self.num_done = _whole_lines(path)
            self._file: IO[str] = path.open("a", encoding="utf-8", newline="\n")
        except OSError as error:
            raise _storage_error(folder, error) from None
        self._next = self.num_done

    def write(self, sample: Sample) -> None:
        """Writes the next picture and its line."""
        image = f"images/{self._next:08d}{self._suffix}"
        line = self._line(image, sample)
        write_image(self.folder / image, sample.image)
        try:
            self._file.write(line + "\n")
            self._file.flush()
        except OSError as error:
            raise _storage_error(self.folder, error) from None
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


class IcdarWriter(_Closing):
    """`images/img_1.png` with `labels/gt_img_1.txt` in the layout of ICDAR 2015."""

    def __init__(self, folder: Path, suffix: str) -> None:
        self.folder, self._suffix = folder, suffix
        done = {
            int(m[1]) for p in (folder / "labels").glob("gt_img_*.txt") if (m := re.search(r"_(\d+)\.txt$", p.name))
        }
        self.num_done = next(number for number in range(len(done) + 1) if number + 1 not in done)
        self._next = self.num_done + 1

    def write(self, sample: Sample) -> None:
        """Writes the next picture and its text file."""
        if not isinstance(sample, PageSample):
            raise LabelError("A crop came to ICDAR's pages. Write crops, lmdb or jsonl instead.")
        write_image(self.folder / "images" / f"img_{self._next}{self._suffix}", sample.image)
        label = self.folder / "labels" / f"gt_img_{self._next}.txt"
        try:
            label.parent.mkdir(exist_ok=True)
            partial = label.with_suffix(".part")
            partial.write_text(lines_of(sample.instances), encoding="utf-8", newline="\n")
            partial.replace(label)
        except OSError as error:
            raise _storage_error(self.folder, error) from None
        self._next += 1


class LmdbWriter(_Closing):
    """The LMDB of deep-text-recognition-benchmark; the count and its samples are committed together."""

    def __init__(self, folder: Path, suffix: str, per_transaction: int) -> None:
        self.folder, self._suffix, self._per_transaction = folder, suffix, per_transaction
        self._lmdb = load_lmdb()
        # A sparse map of 1 TiB, as is usual: the file grows only with its contents.
        try:
            self._environment = self._lmdb.open(str(folder), map_size=1 << 40, subdir=True)
            with self._environment.begin() as transaction:
                self.num_done = int(bytes(transaction.get(b"num-samples") or b"0"))
        except (self._lmdb.Error, ValueError) as error:
            raise _storage_error(folder, error) from None
        self._next = self.num_done
        self._waiting: list[tuple[bytes, bytes]] = []

    def write(self, sample: Sample) -> None:
        """Holds the next crop until its transaction is full."""
        if isinstance(sample, PageSample):
            raise LabelError("A page came to an LMDB of crops. Cut its words out first, or write jsonl.")
        self._next += 1
        self._waiting.append((b"image-%09d" % self._next, encode_image(sample.image, self._suffix)))
        self._waiting.append((b"label-%09d" % self._next, sample.text.encode()))
        if len(self._waiting) >= 2 * self._per_transaction:
            self._commit()

    def _commit(self) -> None:
        try:
            with self._environment.begin(write=True) as transaction:
                for key, value in self._waiting:
                    transaction.put(key, value)
                transaction.put(b"num-samples", str(self._next).encode())
        except self._lmdb.Error as error:
            raise _storage_error(self.folder, error) from None
        self._waiting.clear()

    def close(self) -> None:
        """Commits the rest."""
        try:
            self._commit()
        finally:
            self._environment.close()


class TarWriter(_Closing):
    """WebDataset shards `shard-000000.tar`; a shard appears under its name when it is whole."""

    def __init__(self, folder: Path, suffix: str, per_shard: int) -> None:
        self.folder, self._suffix, self._per_shard = folder, suffix, max(1, per_shard)
        try:
            shards = sorted(folder.glob("shard-*.tar"))
            self.num_done = sum(_num_samples(shard) for shard in shards)
            for partial in folder.glob("shard-*.tar.part"):
                partial.unlink()
        except (OSError, tarfile.TarError) as error:
            raise _storage_error(folder, error) from None
        self._next = self.num_done
        self._shard_number = 1 + max((int(s.stem.rpartition("-")[2]) for s in shards), default=-1)
        self._tar: tarfile.TarFile | None = None
        self._in_shard = 0

    def _path(self) -> Path:
        return self.folder / f"shard-{self._shard_number:06d}.tar"

    def write(self, sample: Sample) -> None:
        """Adds the next sample to the open shard."""
        key = f"{self._next:09d}"
        image = encode_image(sample.image, self._suffix)
        if isinstance(sample, PageSample):
            label, ending = json_line(f"{key}{self._suffix}", sample), ".json"
        else:
            label, ending = sample.text, ".txt"
        try:
            if self._tar is None:
                self._tar = tarfile.open(f"{self._path()}.part", "w")  # noqa: SIM115 (open over many calls)
            self._add(key + self._suffix, image)
            self._add(key + ending, label.encode())
            self._next += 1
            self._in_shard += 1
            if self._in_shard == self._per_shard:
                self.close()
        except OSError as error:
            raise _storage_error(self.folder, error) from None

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
