"""Where the pixels of a labelled picture lie: in a file, a tar shard, an LMDB, a Parquet file. All pickle."""

from __future__ import annotations

import io
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from PIL import Image as PillowImage

from ocrsmith.errors import InputError
from ocrsmith.images import read_image
from ocrsmith.samples import Image

PICTURE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm", ".jp2"}
)


class PictureSource(Protocol):
    """Reads one picture on demand."""

    @property
    def name(self) -> str:
        """How the picture is called in lists."""

    @property
    def path(self) -> Path:
        """The file on disk."""

    def read(self) -> Image:
        """Pixels, uint8 RGB (H, W, 3); raises InputError."""

    def size(self) -> tuple[int, int]:
        """(width, height) in pixels from the picture's header; raises InputError."""


@dataclass(frozen=True, slots=True)
class FilePicture:
    """A picture in a file of its own; `name` is how the labels call it."""

    path: Path
    name: str

    def read(self) -> Image:
        """Reads the file."""
        return read_image(self.path)

    def size(self) -> tuple[int, int]:
        """(width, height) px from the header."""
        return header_size(self.path, str(self.path))


class StoredPicture(ABC):
    """A picture whose bytes lie inside a larger file."""

    __slots__ = ()
    path: Path

    @property
    @abstractmethod
    def name(self) -> str:
        """What messages call it."""

    @abstractmethod
    def _bytes(self) -> bytes:
        """The encoded picture; raises InputError where it is gone."""

    def read(self) -> Image:
        """Reads the bytes and decodes them."""
        return decode_picture(self._bytes(), self.name)

    def size(self) -> tuple[int, int]:
        """(width, height) px from the header."""
        return header_size(io.BytesIO(self._bytes()), self.name)


@dataclass(frozen=True, slots=True)
class TarPicture(StoredPicture):
    """A picture inside an uncompressed tar, by its place, so that no archive is scanned again."""

    path: Path
    member: str
    offset: int
    num_bytes: int

    @property
    def name(self) -> str:
        """The shard and the member."""
        return f"{self.path.name}/{self.member}"

    def _bytes(self) -> bytes:
        try:
            with self.path.open("rb") as shard:
                shard.seek(self.offset)
                return shard.read(self.num_bytes)
        except OSError as error:
            raise InputError(f"The shard {self.path} cannot be read ({error}). Check that it is still there.") from None


def decode_picture(data: bytes, name: str) -> Image:
    try:
        return read_image(data)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def header_size(source: Any, name: str) -> tuple[int, int]:
    """(width, height) px after EXIF rotation, without decoding; raises InputError."""
    try:
        with PillowImage.open(source) as opened:
            width, height = opened.size
            # Orientations 5 to 8 lie on their side.
            return (height, width) if opened.getexif().get(0x0112, 1) >= 5 else (width, height)
    except (OSError, ValueError, SyntaxError, PillowImage.DecompressionBombError) as error:
        raise InputError(f"{name} is not a picture that can be read ({error}). Export it again.") from None


class PictureFinder:
    """Finds the file that a label means: beside the labels, under the folder, or by its bare name anywhere in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        """Pictures under the root by lower-cased name, and by lower-cased stem with a slash, which no name holds."""
        found: dict[str, list[Path]] = {}
        for path in sorted(self.root.rglob("*")):
            if path.suffix.lower() in PICTURE_SUFFIXES:
                found.setdefault(path.name.lower(), []).append(path)
                found.setdefault(path.stem.lower() + "/", []).append(path)
        return found

    def find(self, name: str, label_file: Path) -> FilePicture | None:
        """The picture called `name` in `label_file`, or None where there is none or where it is ambiguous."""
        plain = name.strip().replace("\\", "/")
        if not plain or "\0" in plain:
            return None
        # PaddleOCR writes paths from the data root, which is a parent of the folder that holds the label file.
        for base in (label_file.parent, self.root, label_file.parent.parent):
            path = base / plain
            if is_file(path):
                return FilePicture(path, plain)
        bare = PurePosixPath(plain).name.lower()
        # Label Studio puts eight hexadecimal digits before an uploaded file's name.
        for candidate in (bare, re.sub(r"^[0-9a-f]{8}-", "", bare)):
            paths = self._files.get(candidate, [])
            if len(paths) == 1:
                return FilePicture(paths[0], plain)
        return None

    def find_stem(self, stem: str, label_file: Path) -> FilePicture | None:
        """The only picture whose name without its ending is `stem`, beside the labels before elsewhere, or None."""
        paths = self._files.get(stem.lower() + "/", [])
        paths = [path for path in paths if path.parent == label_file.parent] or paths
        return FilePicture(paths[0], self._relative(paths[0])) if len(paths) == 1 else None

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def is_file(path: Path) -> bool:
    """Whether the path is a file; a name too long for the system is none."""
    try:
        return path.is_file()
    except OSError:
        return False
