"""Sets of code points written as ranges, as the table of packaged fonts says what each of them draws."""

from __future__ import annotations

from collections.abc import Iterable


def parse_code_points(ranges: str) -> frozenset[int]:
    """'20-7e a0' -> {0x20, ..., 0x7e, 0xa0}; `format_code_points` writes it."""
    found: set[int] = set()
    for part in ranges.split():
        first, _, last = part.partition("-")
        found.update(range(int(first, 16), int(last or first, 16) + 1))
    return frozenset(found)


def format_code_points(code_points: Iterable[int]) -> str:
    """{0x20, 0x21, 0xa0} -> '20-21 a0'."""
    runs: list[list[int]] = []
    for code in sorted(code_points):
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return " ".join(f"{first:x}" if first == last else f"{first:x}-{last:x}" for first, last in runs)
