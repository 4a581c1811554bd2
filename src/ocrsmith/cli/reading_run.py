"""Reading many sources: finding them, writing each result where it belongs, telling of the failed ones at the end."""

from __future__ import annotations

import glob
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ocrsmith.cli.terminal import note, progress_bar, show, table, write_bytes
from ocrsmith.errors import EngineError, InputError, OcrsmithError, SomeInputsFailedError, StorageError
from ocrsmith.images import write_image
from ocrsmith.reading.documents import is_document
from ocrsmith.reading.outputs import FORMATS, drawn
from ocrsmith.reading.page import Page
from ocrsmith.reading.reader import Reader

STANDARD_INPUT = "-"
SUFFIXES = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".pdf", ".png", ".ppm", ".tif", ".tiff", ".webp", ".jp2", ".pgm", ".pbm"}
)
# Told one by one; of more the rest are counted.
MOST_FAILURES_SHOWN = 20


@dataclass(frozen=True)
class Source:
    """One thing to read: a path, or the bytes of standard input."""

    name: str
    content: Path | bytes

    @property
    def stem(self) -> str:
        """What its own output files are called."""
        return self.content.stem if isinstance(self.content, Path) else "stdin"


def find_sources(names: Sequence[str]) -> list[Source]:
    """Files as they are, folders searched through for pictures, globs that no shell has expanded, and `-`.

    Raises:
        InputError: a folder without pictures, or a glob that nothing matches; a single absent file is left to the
            reading, so that it does not stop the others.
    """
    found: list[Source] = []
    for name in names:
        path = Path(name)
        if name == STANDARD_INPUT:
            found.append(Source("standard input", sys.stdin.buffer.read()))
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
    return found


@dataclass(frozen=True)
class Destination:
    """Where results go: `file`, a file each in `folder`, or standard output; drawn pictures beside."""

    format: str
    file: Path | None = None
    folder: Path | None = None
    draw: Path | None = None

    def check(self) -> None:
        """Refuses what cannot work, before anything is read."""
        if FORMATS[self.format].binary and self.file is None and self.folder is None and sys.stdout.isatty():
            raise StorageError(
                f"The format {self.format} is no text, and would go to the terminal. Give --output or --output-dir."
            )


@dataclass
class ReadingRun:
    """Reads sources one after another with one reader."""

    to: Destination
    pages: str | None = None
    dpi: float = 200.0
    password: str | None = None
    timings: bool = False
    failures: list[tuple[str, OcrsmithError]] = field(default_factory=list)
    held: list[Page] = field(default_factory=list)
    seconds: Counter[str] = field(default_factory=Counter)
    num_pages: int = 0
    num_drawn: int = 0
    stems: Counter[str] = field(default_factory=Counter)

    def find(self, names: Sequence[str]) -> list[Source]:
        """The sources that the command line names; raises before a network is loaded where there are none."""
        self.to.check()
        return find_sources(names)

    def read_all(self, reader: Reader, sources: Sequence[Source]) -> None:
        """Reads and writes everything.

        Raises:
            SomeInputsFailedError: some sources could not be read; the others were written.
            InputError, EngineError: the only source could not be read.
            StorageError: a result could not be written; nothing more is read.
        """
        streams = self.to.format == "text" and self.to.file is None and self.to.folder is None
        with progress_bar("Reading", len(sources)) as advance:
            for number, source in enumerate(sources, 1):
                read: list[Page] = []
                try:
                    for page in self._pages(reader, source):
                        read.append(self._noted(page))
                except (InputError, EngineError) as error:
                    self.failures.append((source.name, error))
                if read and streams:
                    self._print_text(source, read, headed=len(sources) > 1)
                elif read:
                    self._keep(source, read)
                advance(number)
        self._write_held()
        if self.timings:
            self._show_timings()
        self._tell_failures(len(sources))

    def _pages(self, reader: Reader, source: Source) -> Iterator[Page]:
        if self.pages is None and not is_document(source.content):
            page = reader.read(source.content)
            yield replace(page, source=source.name)
            return
        for page in reader.read_document(source.content, self.pages, dpi=self.dpi, password=self.password):
            yield replace(page, source=page.source or source.name)

    def _noted(self, page: Page) -> Page:
        """Counts a page and draws it; its pixels are let go unless the format shows them."""
        self.num_pages += 1
        self.seconds.update(page.timings)
        if self.to.draw is not None:
            self.num_drawn += 1
            write_image(_numbered(self.to.draw, self.num_drawn), drawn(page))
        return page if FORMATS[self.to.format].binary else replace(page, image=None)

    def _print_text(self, source: Source, pages: Sequence[Page], *, headed: bool) -> None:
        # As head and tail do it for several files.
        heading = f"==> {source.name} <==\n".encode("utf-8", "surrogateescape") if headed else b""
        write_bytes(heading + FORMATS["text"].write(pages))

    def _keep(self, source: Source, pages: list[Page]) -> None:
        if self.to.folder is None:
            self.held += pages
            return
        self.stems[source.stem] += 1
        again = self.stems[source.stem]
        # Two folders may hold pictures of one name.
        stem = source.stem if again == 1 else f"{source.stem}_{again}"
        form = FORMATS[self.to.format]
        if not form.single_page or len(pages) == 1:
            _write_file(self.to.folder / (stem + form.suffix), form.write(pages))
            return
        for number, page in enumerate(pages, 1):
            _write_file(self.to.folder / f"{stem}-{number}{form.suffix}", form.write([page]))

    def _write_held(self) -> None:
        if not self.held:
            return
        form = FORMATS[self.to.format]
        if form.single_page and len(self.held) > 1:
            raise InputError(
                f"The format {form.name} holds one page a file, and {len(self.held)} were read. Give --output-dir."
            )
        content = form.write(self.held)
        if self.to.file is None:
            write_bytes(content)
        else:
            _write_file(self.to.file, content)

    def _show_timings(self) -> None:
        pages = max(1, self.num_pages)
        rows = [(stage, f"{1000 * spent / pages:.1f}") for stage, spent in self.seconds.items()]
        rows.append(("all", f"{1000 * sum(self.seconds.values()) / pages:.1f}"))
        show(
            table(f"{self.num_pages} page{'s' * (self.num_pages != 1)}", ["stage", "ms a page"], rows, numbers=[1]),
            to_error=True,
        )

    def _tell_failures(self, num_sources: int) -> None:
        if not self.failures:
            return
        if num_sources == 1:
            raise self.failures[0][1]
        for name, error in self.failures[:MOST_FAILURES_SHOWN]:
            note(f"not read: {name}: {error}")
        if len(self.failures) > MOST_FAILURES_SHOWN:
            note(f"and {len(self.failures) - MOST_FAILURES_SHOWN} more")
        raise SomeInputsFailedError(f"{len(self.failures)} of {num_sources} sources could not be read.")


def _numbered(path: Path, number: int) -> Path:
    """boxes.png, boxes-2.png, boxes-3.png, ..."""
    return path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")


def _write_file(path: Path, content: bytes) -> None:
    """Writes a file, whole or not at all."""
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise StorageError(f"{path} could not be written ({error}). Check space and rights.") from None
