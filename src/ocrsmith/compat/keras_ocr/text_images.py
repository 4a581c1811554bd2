"""Drawing text as keras-ocr does: one text, broken into lines within a contour, turned in space, a box a character.

Glyphs come from HarfBuzz and FreeType through `synth.shaping`; lines are laid out on a mask of where ink may be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ocrsmith.alphabet import show
from ocrsmith.compat.keras_ocr.boxes import Line
from ocrsmith.compat.keras_ocr.contours import get_rotation_matrix, permitted_mask
from ocrsmith.errors import AlphabetError, FontError
from ocrsmith.geometry import transform_points
from ocrsmith.synth.glyphs import guard, open_font
from ocrsmith.synth.shaping import shape

# keras-ocr's table: a ligature's own code point, and the letters that it stands for.
LIGATURES = {"\ufb01": "fi", "\ufb02": "fl"}
_NO_LIGATURES = {"liga": False, "clig": False}
_LINE_HEIGHT = 1.15  # of ascender and descender together


@dataclass(frozen=True)
class FontFile:
    """A font's file as `synth.shaping` takes it."""

    path: Path
    index: int = 0


@dataclass(frozen=True, eq=False)
class DrawnText:
    """A text on its canvas: coverage (H, W) 0..255, and its lines."""

    mask: NDArray[np.uint8]
    lines: list[Line]


def draw_text_image(
    text: str,
    fontsize: float,
    height: int,
    width: int,
    fonts: Mapping[str, str | Path],
    use_ligatures: bool = False,
    thetaX: float = 0,
    thetaY: float = 0,
    thetaZ: float = 0,
    color: Sequence[int] = (0, 0, 0),
    permitted_contour: ArrayLike | None = None,
    draw_contour: bool = False,
) -> tuple[NDArray[np.uint8], list[Line]]:
    """(RGBA picture (height, width, 4), transparent but for the text, and its lines).

    As many words as fit are drawn, from the upper left.

    Args:
        fonts: alphabet -> font file; each character is drawn with the first whose alphabet has it.
        thetaX, thetaY, thetaZ: degrees, see `get_rotation_matrix`.
        permitted_contour: (P, 2) or (P, 1, 2) px of the picture that the text stays in.
        draw_contour: outlines it.

    Raises:
        AlphabetError: a character that no alphabet of `fonts` has.
        FontError: a font that cannot be opened, or lacks a glyph.
    """
    matrix = get_rotation_matrix(width, height, thetaX, thetaY, thetaZ)
    drawn = draw_text(text, fontsize, height, width, fonts, matrix, permitted_contour, use_ligatures=use_ligatures)
    picture = np.zeros((height, width, 4), np.uint8)
    picture[..., :3] = np.asarray(color, np.uint8)[:3]
    picture[..., 3] = drawn.mask
    if draw_contour and permitted_contour is not None:
        points = np.asarray(permitted_contour, np.float64).reshape(-1, 1, 2).round().astype(np.int32)
        cv2.polylines(picture, [points], True, (255, 0, 0, 255), 2)
    return picture, drawn.lines


def draw_text(
    text: str,
    fontsize: float,
    height: int,
    width: int,
    fonts: Mapping[str, str | Path],
    matrix: NDArray[np.float64],
    contour: ArrayLike | None = None,
    *,
    use_ligatures: bool = False,
) -> DrawnText:
    """`draw_text_image` without its colours."""
    faces = {alphabet: FontFile(Path(path)) for alphabet, path in fonts.items()}
    permitted = permitted_mask(width, height, matrix, contour)
    mask = np.zeros((height, width), np.uint8)
    words = [_set(word, faces, fontsize, use_ligatures) for word in text.split()]
    ascender, descender = _extent(list(faces.values()), fontsize)
    lines: list[Line] = []
    top, next_word = _first_row(permitted), 0
    while next_word < len(words) and top + ascender + descender <= height:
        line, taken = _line(mask, permitted, words[next_word:], top, ascender, descender)
        next_word += taken
        if line:
            lines.append(line)
            top += int(_LINE_HEIGHT * (ascender + descender)) + 1
        else:
            # The band is too narrow here for the next word: try a little lower.
            top += max(1, int(ascender + descender) // 4)
    if not np.allclose(matrix, np.eye(3)):
        mask = cv2.warpPerspective(mask, matrix, (width, height), flags=cv2.INTER_LINEAR)  # type: ignore[assignment]
        lines = [[(transform_points(box, matrix), character) for box, character in line] for line in lines]
    return DrawnText(mask, lines)


@dataclass(frozen=True)
class _Word:
    """Runs side by side on one baseline: (x of the run's mask, y of it from the baseline, its mask), and boxes."""

    parts: list[tuple[int, int, NDArray[np.uint8]]]
    boxes: list[tuple[tuple[float, float, float, float], str]]
    width: float
    space: float


def _set(word: str, faces: Mapping[str, FontFile], size: float, use_ligatures: bool) -> _Word:
    parts: list[tuple[int, int, NDArray[np.uint8]]] = []
    boxes: list[tuple[tuple[float, float, float, float], str]] = []
    pen = 0.0
    face = next(iter(faces.values()))
    for run_text, face in _runs(word, faces):
        features = None if use_ligatures else _NO_LIGATURES
        # Left to right, as keras-ocr draws every script.
        run = shape(face, run_text, float(np.clip(size, 2, 2000)), features=features, direction="ltr")
        left, top = round(pen - run.origin[0]), round(-run.origin[1])
        parts.append((left, top, run.mask))
        for cluster in run.clusters:
            x0, y0, x1, y1 = cluster.box
            step = (x1 - x0) / len(cluster.text)
            for place, character in enumerate(cluster.text):
                boxes.append(
                    ((left + x0 + place * step, top + y0, left + x0 + (place + 1) * step, top + y1), character)
                )
        pen += run.advance_px
    width = max([pen, *(x + m.shape[1] for x, _, m in parts)])
    return _Word(parts, boxes, width, max(2.0, 0.28 * size))


def _runs(word: str, faces: Mapping[str, FontFile]) -> list[tuple[str, FontFile]]:
    runs: list[tuple[str, FontFile]] = []
    missing = [c for c in dict.fromkeys(word) if not any(c in alphabet for alphabet in faces)]
    if missing:
        raise AlphabetError(
            f"The text holds {show(missing)}, which no alphabet of the fonts has. Give a font group for them, or a "
            "text generator of the same alphabet."
        )
    for character in word:
        face = next(face for alphabet, face in faces.items() if character in alphabet)
        if runs and runs[-1][1] is face:
            runs[-1] = (runs[-1][0] + character, face)
        else:
            runs.append((character, face))
    return runs


def _extent(faces: Sequence[FontFile], size: float) -> tuple[float, float]:
    if not faces:
        raise FontError("No fonts came to draw with. Give a font group of at least one font.")
    with guard.lock:
        fonts = [open_font(face) for face in faces]
        return max(f.ascender for f in fonts) * size, max(f.descender for f in fonts) * size


def _first_row(permitted: NDArray[np.uint8]) -> int:
    rows = np.flatnonzero(permitted.any(axis=1))
    return int(rows[0]) if len(rows) else permitted.shape[0]


def _line(
    mask: NDArray[np.uint8],
    permitted: NDArray[np.uint8],
    words: Sequence[_Word],
    top: int,
    ascender: float,
    descender: float,
) -> tuple[Line, int]:
    """Draws what fits of the words into the widest run of permitted columns; (its characters, words taken)."""
    bottom = top + int(np.ceil(ascender + descender))
    start, end = _widest_run(np.asarray(permitted[top:bottom].all(axis=0)))
    baseline = top + round(ascender)
    line: Line = []
    pen, taken = float(start), 0
    for word in words:
        if pen + word.width > end:
            break
        if line:
            y0, y1 = baseline - 0.5 * ascender, float(baseline)
            line.append((_quad(pen - words[taken - 1].space, y0, pen, y1), " "))
        _paste(mask, word, round(pen), baseline)
        x = round(pen)
        line += [(_quad(x + a, baseline + b, x + c, baseline + d), character) for (a, b, c, d), character in word.boxes]
        pen, taken = pen + word.width + word.space, taken + 1
    if not taken and words and words[0].width > permitted.shape[1]:
        return [], 1  # wider than the whole canvas: it never fits
    return line, taken


def _widest_run(columns: NDArray[np.bool_]) -> tuple[int, int]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], columns.astype(np.int8), [0]])))
    if not len(edges):
        return 0, 0
    starts, ends = edges[::2], edges[1::2]
    widest = int((ends - starts).argmax())
    return int(starts[widest]), int(ends[widest])


def _paste(mask: NDArray[np.uint8], word: _Word, x: int, baseline: int) -> None:
    height, width = mask.shape
    for left, top, ink in word.parts:
        column, row = x + left, baseline + top
        cut_left, cut_top = max(0, -column), max(0, -row)
        part = ink[cut_top : max(0, height - row), cut_left : max(0, width - column)]
        view = mask[
            row + cut_top : row + cut_top + part.shape[0], column + cut_left : column + cut_left + part.shape[1]
        ]
        np.maximum(view, part, out=view)


def _quad(left: float, top: float, right: float, bottom: float) -> Any:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
