"""Runs of one direction, in visual order: a small part of the Unicode bidirectional algorithm (UAX 9).

It serves generated single lines: strong letters, numbers and neutrals at one level of embedding. Explicit embedding
and override characters are not interpreted.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Literal

HorizontalDirection = Literal["ltr", "rtl"]

_RIGHT = frozenset(("R", "AL"))
_NUMBERS = frozenset(("EN", "AN"))
# Separators and signs that stay with the numbers on their two sides or at one side (UAX 9, rules W4 and W5).
_BETWEEN_NUMBERS = frozenset(("CS", "ES"))
_BESIDE_NUMBERS = frozenset(("ET",))


def directional_runs(text: str) -> list[tuple[int, int, HorizontalDirection]]:
    """(start, end, direction) of each run of code points, from left to right as seen.

    A text without right-to-left letters is one "ltr" run. Otherwise the first strong letter gives the base direction,
    numbers run to the right inside either, and neutrals follow the letters round them where those agree, else the base.
    """
    if text.isascii():
        return [(0, len(text), "ltr")]
    classes = [unicodedata.bidirectional(c) for c in text]
    if not any(c in _RIGHT for c in classes):
        return [(0, len(text), "ltr")]
    base_right = next(c for c in classes if c in _RIGHT or c == "L") in _RIGHT
    levels = _levels(classes, base_right)
    return _visual_runs(levels)


def visual_order(words: Sequence[str]) -> tuple[list[int], list[int]]:
    """Which word stands first, second, ... from left to right, and the same of the spaces between them.

    Space k follows word k. The n-th space as seen lies between the n-th and the next word as seen: in the line
    "abc ALEF BET def" (capitals run to the left) the words stand 0, 2, 1, 3 and the spaces 0, 1, 2.
    """
    line = " ".join(words)
    runs = directional_runs(line)
    if runs[0] == (0, len(line), "ltr"):
        return list(range(len(words))), list(range(len(words) - 1))
    seen = [
        i for start, end, way in runs for i in (range(start, end) if way == "ltr" else range(end - 1, start - 1, -1))
    ]
    place = {index: rank for rank, index in enumerate(seen)}
    starts = [0]
    for word in words[:-1]:
        starts.append(starts[-1] + len(word) + 1)
    leftmost = [min(place[start + i] for i in range(len(word))) for start, word in zip(starts, words, strict=True)]
    order = sorted(range(len(words)), key=leftmost.__getitem__)
    return order, sorted(range(len(words) - 1), key=lambda k: place[starts[k + 1] - 1])


def _levels(classes: list[str], base_right: bool) -> list[int]:
    """Embedding levels: even to the right, odd to the left."""
    base = 1 if base_right else 0
    levels: list[int | None] = [None] * len(classes)
    numeric = [c in _NUMBERS for c in classes]
    for i, c in enumerate(classes):
        before, after = i > 0 and numeric[i - 1], i + 1 < len(classes) and numeric[i + 1]
        if (c in _BETWEEN_NUMBERS and before and after) or (c in _BESIDE_NUMBERS and (before or after)):
            numeric[i] = True
    strong: bool | None = None  # whether the last strong letter ran to the left
    for i, c in enumerate(classes):
        if c in _RIGHT:
            strong, levels[i] = True, 1
        elif c == "L":
            strong, levels[i] = False, 2 if base_right else 0
        elif numeric[i]:
            # Numbers after Latin letters belong to them (W7); otherwise they are an island in the right-to-left text.
            levels[i] = base if (strong is False and not base_right) else 2 if base_right or strong else 0
        elif c == "NSM" and i and levels[i - 1] is not None:
            levels[i] = levels[i - 1]
    return _neutrals(levels, base)


def _neutrals(levels: list[int | None], base: int) -> list[int]:
    resolved: list[int] = []
    for i, level in enumerate(levels):
        if level is not None:
            resolved.append(level)
            continue
        before = resolved[-1] if resolved else base
        after = next((later for later in levels[i + 1 :] if later is not None), base)
        # Beside neutrals a number counts as right-to-left (N1) unless the base is left-to-right and so are both sides.
        resolved.append(before if before == after else base)
    return resolved


def _visual_runs(levels: list[int]) -> list[tuple[int, int, HorizontalDirection]]:
    """Cuts at changes of level and reverses from the highest level down to the lowest odd one (UAX 9, rule L2)."""
    runs: list[tuple[int, int, int]] = []
    for i, level in enumerate(levels):
        if runs and runs[-1][2] == level:
            runs[-1] = (runs[-1][0], i + 1, level)
        else:
            runs.append((i, i + 1, level))
    for threshold in range(max(levels), 0, -1):
        i = 0
        while i < len(runs):
            j = i
            while j < len(runs) and runs[j][2] >= threshold:
                j += 1
            runs[i:j] = runs[i:j][::-1]
            i = max(j, i + 1)
    return [(start, end, "rtl" if level % 2 else "ltr") for start, end, level in runs]
