"""What `ocrsmith read` is to read: files, folders, globs, web addresses, standard input, the clipboard."""

from __future__ import annotations

import glob
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ocrsmith.errors import InputError
from ocrsmith.reading.sources import from_clipboard, is_url, url_stem
from ocrsmith.samples import Image

STANDARD_INPUT = "-"
# Of files that folders are searched for; a file that is named itself may have any ending.
_ENDINGS = "avif bmp dib gif hdr jfif jp2 jpe jpeg jpg pbm pcx pdf pgm png pnm ppm qoi tga tif tiff webp"
SUFFIXES = frozenset(f".{ending}" for ending in _ENDINGS.split())


@dataclass(frozen=True, eq=False)
class Source:
    """One thing to read: a path, a web address, or what standard input or the clipboard held."""

    name: str
    content: Path | str | bytes | Image

    @property
    def stem(self) -> str:
        """What its own output files are called."""
        if isinstance(self.content, Path):
            return self.content.stem
        if isinstance(self.content, str):
            return url_stem(self.content)
        return "stdin" if isinstance(self.content, bytes) else "clipboard"


def find_sources(names: Sequence[str], *, clipboard: bool = False) -> list[Source]:
    """Files as they are, folders searched through, globs that no shell has expanded, web addresses, `-`, the clipboard.

    Raises:
        InputError: a folder without pictures, a glob that nothing matches, or nothing in the clipboard; a single absent
            file is left to the reading, so that it does not stop the others.
    """
    found: list[Source] = []
    for name in names:
        path = Path(name)
        if name == STANDARD_INPUT:
            found.append(Source("standard input", sys.stdin.buffer.read()))
        elif is_url(name):
            found.append(Source(name, name))
        elif path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
            if not inside:
                raise InputError(f"The folder {name} holds no pictures or PDFs. Name another, or the files themselves.")
            found += [Source(str(file), file) for file in inside]
        elif not path.exists() and glob.has_magic(name):
            matching = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 (Path.glob takes no absolute pattern)
            if not matching:
                raise InputError(f"No file matches {name!r}. Check the pattern, or name the files themselves.")
            found += [Source(file, Path(file)) for file in matching if Path(file).is_file()]
        else:
            found.append(Source(name, path))
    if clipboard:
        found += [Source(str(item) if isinstance(item, Path) else "the clipboard", item) for item in from_clipboard()]
    if not found:
        raise InputError("Nothing was named to be read. Give pictures, folders, web addresses, - or --clipboard.")
    return found


def own_stems(sources: Sequence[Source]) -> list[str]:
    """A name for each source's files: two folders may hold pictures of one name. The same sources, the same names."""
    taken: set[str] = set()
    stems = []
    for source in sources:
        # On some systems files differ by more than their letters' case only.
        numbered = (f"{source.stem}_{number}" for number in itertools.count(2))
        stem = next(name for name in itertools.chain([source.stem], numbered) if name.casefold() not in taken)
        taken.add(stem.casefold())
        stems.append(stem)
    return stems
