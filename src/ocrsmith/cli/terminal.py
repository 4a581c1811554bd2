"""What commands share at the terminal: results on standard output, everything else on standard error."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import typer
from rich.console import Console, RenderableType
from rich.table import Table

from ocrsmith.errors import StorageError

# What a shell reports of a program that a closed pipe ended: 128 + SIGPIPE.
CLOSED_PIPE = 141
# Where standard output is no terminal, tables are never folded at 80 columns.
FILE_WIDTH = 200
HEADING = "[bold]Examples[/bold]"


def examples(*lines: str) -> str:
    """An epilog of examples, one a line; square brackets are kept from being taken for markup."""
    return "\n".join([HEADING, *("  " + line.replace("[", "\\[") for line in lines)])


def prose(function: Callable[..., object]) -> str:
    """A command's docstring as its help: a paragraph's lines joined, since the help folds at another width."""
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


@contextmanager
def standard_output() -> Iterator[None]:
    """Writes within are flushed; a reader that went away ends the command quietly, a full disk as StorageError."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_standard_output()
        raise typer.Exit(CLOSED_PIPE) from None
    except OSError as error:
        _drop_standard_output()
        raise StorageError(
            f"Standard output could not be written ({error}). Check the space and rights of where it goes."
        ) from None


def _drop_standard_output() -> None:
    """Sends what is still buffered to nowhere: Python would fail on it once more when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def write_text(text: str) -> None:
    """Writes to standard output, as it is, as UTF-8."""
    write_bytes(text.encode("utf-8", "surrogateescape"))


def write_bytes(data: bytes) -> None:
    """Writes to standard output."""
    with standard_output():
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def show(*renderables: RenderableType, to_error: bool = False) -> None:
    """Prints tables and texts to standard output, or beside the results to standard error."""
    with standard_output():
        stream = sys.stderr if to_error else sys.stdout
        console = Console(file=stream, width=None if stream.isatty() else FILE_WIDTH, highlight=False)
        console.print(*renderables, sep="\n")


def note(text: str) -> None:
    """A line for the user on standard error, beside the results."""
    print(text, file=sys.stderr, flush=True)


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, numbers: Sequence[int] = ()
) -> Table:
    """A plain table; the columns in `numbers` stand to the right."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold", title_style="bold")
    for index, column in enumerate(columns):
        made.add_column(column, justify="right" if index in numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*(str(cell).replace("[", "\\[") for cell in row))
    return made


@contextmanager
def progress_bar(what: str, total: int | None, *, hidden: bool = False) -> Iterator[Advance]:
    """A bar on standard error, on terminals alone, and not where `hidden`; `advance(done, total)` moves it."""
    # A fifth of the start-up time of a command that draws no bar.
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    disabled = hidden or not console.is_terminal
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=disabled) as progress:
        yield Advance(progress, progress.add_task(what, total=total))


class Advance:
    """Moves a bar to a count, and says what it counts."""

    def __init__(self, progress: object, task: int) -> None:
        self._progress, self._task = progress, task

    def __call__(self, done: int, total: int | None = None) -> None:
        """So many are done, of so many."""
        self._progress.update(self._task, completed=done, total=total)  # type: ignore[attr-defined]

    def tell(self, what: str) -> None:
        """What stands before the bar."""
        self._progress.update(self._task, description=what)  # type: ignore[attr-defined]
