"""Reading many sources: finding them, writing each result where it belongs, telling of the failed ones at the end."""

from __future__ import annotations

import contextlib
import queue
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from ocrsmith.cli.reading_sources import Source, find_sources, own_stems
from ocrsmith.cli.terminal import note, progress_bar, show, table, write_bytes
from ocrsmith.errors import EngineError, InputError, OcrsmithError, SomeInputsFailedError, StorageError
from ocrsmith.images import write_image
from ocrsmith.reading.documents import is_document, page_ranges
from ocrsmith.reading.outputs import FORMATS, drawn
from ocrsmith.reading.page import Page
from ocrsmith.reading.reader import Reader
from ocrsmith.reading.sources import fetched
from ocrsmith.reading.text_layer import LayerChoice

# In the name of a document's own file where its later pages could not be read: it is read again where a run goes on.
INCOMPLETE = ".incomplete"
# Told one by one; of more the rest are counted.
MOST_FAILURES_SHOWN = 20


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
        if self.file is not None and self.file.is_dir():
            raise StorageError(f"{self.file} is a folder. Give --output a file, or the folder to --output-dir.")
        if self.folder is not None and self.folder.exists() and not self.folder.is_dir():
            raise StorageError(f"{self.folder} is no folder. Give --output-dir a folder, or the file to --output.")

    @property
    def is_streamed(self) -> bool:
        """Whether each text goes to standard output as soon as it is read."""
        return self.format == "text" and self.file is None and self.folder is None

    @property
    def keeps_pictures(self) -> bool:
        """Whether a page's pixels are needed after it was read."""
        return self.draw is not None or FORMATS[self.format].binary

    def files(self, stem: str, num_pages: int) -> list[Path]:
        """The files in `folder` that a source's pages are written to."""
        form = FORMATS[self.format]
        assert self.folder is not None
        if not form.single_page or num_pages == 1:
            return [self.folder / (stem + form.suffix)]
        return [self.folder / f"{stem}-{number}{form.suffix}" for number in range(1, num_pages + 1)]

    def is_written(self, stem: str) -> bool:
        """Whether a source's files are there: of several pages the first, which is written last."""
        return self.files(stem, 1)[0].exists() or self.files(stem, 2)[0].exists()


@dataclass
class ReadingRun:
    """Reads sources with one reader, or with several at a time; results are written in the sources' order."""

    to: Destination
    pages: str | None = None
    dpi: float = 200.0
    password: str | None = None
    text_layer: LayerChoice = "ignore"
    skip_existing: bool = False
    timings: bool = False
    failures: list[tuple[str, OcrsmithError]] = field(default_factory=list)
    held: list[Page] = field(default_factory=list)
    seconds: Counter[str] = field(default_factory=Counter)
    num_pages: int = 0
    num_drawn: int = 0

    def find(self, names: Sequence[str], *, clipboard: bool = False) -> list[Source]:
        """The sources that the command line names; raises before a network is loaded where there are none."""
        self.to.check()
        if self.pages is not None:
            page_ranges(self.pages)
        return find_sources(names, clipboard=clipboard)

    def read_all(self, readers: Sequence[Reader], sources: Sequence[Source]) -> None:
        """Reads and writes everything, as many sources at a time as there are readers.

        Raises:
            SomeInputsFailedError: some sources could not be read; the others were written.
            InputError, EngineError: the only source could not be read.
            StorageError: a result could not be written; nothing more is read.
        """
        started = time.perf_counter()
        named = list(zip(sources, own_stems(sources)))
        if self.skip_existing:
            named = [(source, stem) for source, stem in named if not self.to.is_written(stem)]
        # Texts on a terminal show how far it is, and would stand in the bar's own line.
        seen = self.to.is_streamed and sys.stdout.isatty()
        with progress_bar("Reading", len(named), hidden=seen) as advance:
            for number, ((source, stem), pages) in enumerate(zip(named, self._outcomes(readers, named)), 1):
                read: list[Page] = []
                try:
                    for page in pages:
                        read.append(self._noted(page))
                        advance.tell(f"Reading, {counted(self.num_pages, 'page')}")
                except (InputError, EngineError) as error:
                    self.failures.append((source.name, error))
                    stem += INCOMPLETE
                if read:
                    self._keep(source, stem, read, headed=len(sources) > 1)
                advance(number)
        self._write_held()
        if self.timings:
            self._show_timings()
        self._tell_outcome(len(sources), len(sources) - len(named), time.perf_counter() - started)

    def _outcomes(self, readers: Sequence[Reader], named: Sequence[tuple[Source, str]]) -> Iterator[Iterator[Page]]:
        """The pages of each source, in order; an error comes up where its page would."""
        if len(readers) == 1:
            yield from (self._pages(readers[0], source) for source, _ in named)
            return
        free: queue.SimpleQueue[Reader] = queue.SimpleQueue()
        for reader in readers:
            free.put(reader)

        def read(source: Source) -> tuple[list[Page], OcrsmithError | None]:
            reader = free.get()
            done: list[Page] = []
            try:
                done.extend(self._pages(reader, source))
            except (InputError, EngineError) as error:
                return done, error
            finally:
                free.put(reader)
            return done, None

        pool = ThreadPoolExecutor(len(readers))
        try:
            waiting: deque[Future[tuple[list[Page], OcrsmithError | None]]] = deque()
            # What was read and not yet written is bounded: a slow first source does not fill the memory.
            for source, _ in named:
                waiting.append(pool.submit(read, source))
                if len(waiting) > 2 * len(readers):
                    yield _replayed(*waiting.popleft().result())
            while waiting:
                yield _replayed(*waiting.popleft().result())
        finally:
            pool.shutdown(cancel_futures=True)

    def _pages(self, reader: Reader, source: Source) -> Iterator[Page]:
        """A source's pages as they are read; their pixels are let go unless they are shown."""
        content = fetched(source.content)
        whole = self.pages is None and self.text_layer == "ignore" and not is_document(content)
        if whole:
            found: Iterable[Page] = [replace(reader.read(content), source=source.name)]
        else:
            name = source.name if not isinstance(source.content, Path) else ""
            found = (
                replace(page, source=name + page.source if name else page.source)
                for page in reader.read_document(
                    content, self.pages, dpi=self.dpi, password=self.password, text_layer=self.text_layer
                )
            )
        for page in found:
            yield page if self.to.keeps_pictures else replace(page, image=None)

    def _noted(self, page: Page) -> Page:
        """Counts a page, tells of its text layer and draws it."""
        self.num_pages += 1
        self.seconds.update(page.timings)
        if page.text_layer is not None and page.text_layer.state != "whole":
            note(f"{page.source}: the text layer is {page.text_layer.state}; the picture was read")
        elif page.text_layer is not None and page.text_layer.agreement is not None:
            note(f"{page.source}: {page.text_layer.agreement:.0%} of words agree with the text layer")
        if self.to.draw is not None:
            self.num_drawn += 1
            write_image(_numbered(self.to.draw, self.num_drawn), drawn(page))
        return page if FORMATS[self.to.format].binary else replace(page, image=None)

    def _keep(self, source: Source, stem: str, pages: list[Page], *, headed: bool) -> None:
        form = FORMATS[self.to.format]
        if self.to.folder is not None:
            files = self.to.files(stem, len(pages))
            if len(files) == 1:
                _write_file(files[0], form.write(pages))
                return
            # The first page last: it stands for the whole where a run was cut off.
            for file, page in reversed(list(zip(files, pages))):
                _write_file(file, form.write([page]))
        elif self.to.is_streamed:
            # As head and tail do it for several files.
            heading = f"==> {source.name} <==\n".encode("utf-8", "surrogateescape") if headed else b""
            write_bytes(heading + form.write(pages))
        else:
            self.held += pages
            if form.single_page and len(self.held) > 1:
                raise InputError(
                    f"The format {form.name} holds one page a file, and there are more to read. Give --output-dir."
                )

    def _write_held(self) -> None:
        if not self.held:
            return
        form = FORMATS[self.to.format]
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
            table(counted(self.num_pages, "page"), ["stage", "ms a page"], rows, numbers=[1]),
            to_error=True,
        )

    def _tell_outcome(self, num_sources: int, num_skipped: int, seconds: float) -> None:
        if num_sources == 1 and self.failures:
            name, error = self.failures[0]
            raise type(error)(_told(name, error)) from error
        for name, error in self.failures[:MOST_FAILURES_SHOWN]:
            note(f"not read: {_told(name, error)}")
        if len(self.failures) > MOST_FAILURES_SHOWN:
            note(f"and {len(self.failures) - MOST_FAILURES_SHOWN} more")
        if num_skipped or (num_sources > 1 and (self.to.file is not None or self.to.folder is not None)):
            num_read = num_sources - num_skipped - len(self.failures)
            note(
                f"{num_read} of {num_sources} sources read, {counted(self.num_pages, 'page')}, in {seconds:.1f} s; "
                f"{num_skipped} skipped, {len(self.failures)} failed"
            )
        if self.failures:
            raise SomeInputsFailedError(f"{len(self.failures)} of {num_sources} sources could not be read.")


def _replayed(pages: list[Page], error: OcrsmithError | None) -> Iterator[Page]:
    yield from pages
    if error is not None:
        raise error


def _told(name: str, error: OcrsmithError) -> str:
    """The error with its source, which what came as bytes does not know."""
    return str(error) if name in str(error) else f"{name}: {error}"


def counted(number: int, what: str) -> str:
    """1 page, 2 pages."""
    return f"{number} {what}{'s' * (number != 1)}"


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
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StorageError(f"{path} could not be written ({error}). Check space and rights.") from None
