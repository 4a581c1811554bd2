"""Reading label text line by line, whatever editor saved it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ocrsmith.data.formats.labelled import Problem

# A line longer than this is no label; a page of 10,000 polygons stays far below.
MAX_LINE_CHARACTERS = 32_000_000


def numbered_lines(path: Path, problems: list[Problem]) -> Iterator[tuple[int, str]]:
    """(line number from 1, text without its ending) of every line that is not blank.

    UTF-8 with or without a byte order mark; a line that is not UTF-8 becomes a problem, as does a file that cannot be
    opened. Lines end at a line feed alone: a text may hold Unicode's other separators.
    """
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                if number == 1:
                    raw = raw.removeprefix(b"\xef\xbb\xbf")
                if len(raw) > MAX_LINE_CHARACTERS:
                    problems.append(Problem(path, number, f"the line has {len(raw):,} bytes; no label is so long"))
                    continue
                try:
                    line = raw.decode("utf-8").rstrip("\r\n")
                except UnicodeDecodeError as error:
                    problems.append(Problem(path, number, f"the line is not UTF-8 ({error.reason}); save it as UTF-8"))
                    continue
                if line.strip():
                    yield number, line
    except OSError as error:
        problems.append(Problem(path, None, f"the file cannot be read ({error.strerror})"))


def first_lines(path: Path, most: int = 5) -> list[str]:
    """The first lines that are not blank, for telling what a file is; damage is passed over here."""
    lines: list[str] = []
    for _, line in numbered_lines(path, []):
        lines.append(line)
        if len(lines) == most:
            break
    return lines
