"""Parquet files `part-000000.parquet`, written a row group at a time; each appears under its name when it is whole."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from ocrsmith.data.formats.jsonl import row_of_page
from ocrsmith.data.formats.parquet_files import load_pyarrow
from ocrsmith.data.formats.writers import Closing, Encoded, Sample, storage_error
from ocrsmith.errors import LabelError
from ocrsmith.images import encode_image
from ocrsmith.samples import PageSample

# A row group is what a reader has to load for one picture, and what the writer holds in memory.
_GROUP_ROWS, _GROUP_BYTES = 64, 8 << 20


def _encode_row(number: int, sample: Sample, *, suffix: str) -> Encoded:
    data = encode_image(sample.image, suffix)
    row: dict[str, Any] = {"image": {"bytes": data, "path": f"{number:08d}{suffix}"}}
    is_page = isinstance(sample, PageSample)
    if isinstance(sample, PageSample):
        row["words"] = row_of_page("", sample.instances)["words"]
    else:
        row["text"] = sample.text
    return Encoded(data, row, is_page)


class ParquetWriter(Closing):
    """Rows of `image` (`bytes`, `path`) with `text` or `words`; see `parquet_files`."""

    def __init__(self, folder: Path, suffix: str, per_shard: int) -> None:
        self.folder, self._per_shard = folder, max(1, per_shard)
        self.encode = partial(_encode_row, suffix=suffix)
        self._arrow = load_pyarrow()
        try:
            parts = sorted(folder.glob("part-*.parquet"))
            self.num_done = sum(self._arrow.parquet.read_metadata(part).num_rows for part in parts)
            for unfinished in folder.glob("part-*.parquet.part"):
                unfinished.unlink()
        except (OSError, self._arrow.ArrowException) as error:
            raise storage_error(folder, error) from None
        self._next = self.num_done
        self._part_number = 1 + max((int(part.stem.rpartition("-")[2]) for part in parts), default=-1)
        self._file: Any = None
        self._are_pages = False
        self._rows: list[dict[str, Any]] = []
        self._waiting_bytes = self._in_part = 0

    def _path(self) -> Path:
        return self.folder / f"part-{self._part_number:06d}.parquet"

    def write_encoded(self, encoded: Encoded) -> None:
        """Adds the next sample to the open row group."""
        if self._in_part and encoded.is_page != self._are_pages:
            raise LabelError("Pages and crops came to one Parquet data set. Write each into a folder of its own.")
        self._are_pages = encoded.is_page
        self._rows.append(encoded.label)
        self._waiting_bytes += len(encoded.data)
        self._next += 1
        self._in_part += 1
        if self._in_part == self._per_shard:
            self.close()
        elif len(self._rows) == _GROUP_ROWS or self._waiting_bytes >= _GROUP_BYTES:
            self._write_group()

    def _schema(self) -> Any:
        arrow = self._arrow
        image = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
        if not self._are_pages:
            return arrow.schema([("image", image), ("text", arrow.string())])
        points = arrow.list_(arrow.list_(arrow.float32()))
        character = arrow.struct([("text", arrow.string()), ("quad", points)])
        fields = [("polygon", points), ("text", arrow.string()), ("ignore", arrow.bool_())]
        word = arrow.struct([*fields, ("characters", arrow.list_(character))])
        return arrow.schema([("image", image), ("words", arrow.list_(word))])

    def _write_group(self) -> None:
        try:
            if self._file is None:
                # Encoded pictures neither repeat nor shrink, and their least and greatest say nothing.
                self._file = self._arrow.parquet.ParquetWriter(
                    f"{self._path()}.part", self._schema(), use_dictionary=False, write_statistics=False
                )
            table = self._arrow.Table.from_pylist(self._rows, schema=self._file.schema)
            self._file.write_table(table, row_group_size=len(self._rows))
        except (OSError, self._arrow.ArrowException) as error:
            raise storage_error(self.folder, error) from None
        self._rows.clear()
        self._waiting_bytes = 0

    def close(self) -> None:
        """Finishes the open file."""
        if self._rows:
            self._write_group()
        if self._file is not None:
            self._file.close()
            self._file = None
            Path(f"{self._path()}.part").replace(self._path())
            self._part_number += 1
            self._in_part = 0
