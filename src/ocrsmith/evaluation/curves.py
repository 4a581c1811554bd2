"""Training curves from CSV logs, drawn as SVG that lies inside a page and takes its colours from it."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ocrsmith.errors import InputError, StorageError

MAX_POINTS = 500
Points = tuple[tuple[float, float], ...]
# Blue, orange, green, purple, red, grey: readable on light and on dark ground.
COLOURS = ("#3b82c4", "#e0803a", "#3fa35a", "#9168c0", "#d05560", "#808890")


@dataclass(frozen=True)
class Curve:
    """One plot: named series of (x, y) points, and the x of the checkpoint that was kept."""

    title: str
    series: Mapping[str, Points]
    x_label: str = "step"
    best_x: float | None = None


def curve_from_csv(
    path: str | Path, columns: Sequence[str], *, title: str, x: str = "step", best_x: float | None = None
) -> Curve:
    """Reads columns of a CSV log (Lightning's writes a row for training and one for validation, each with gaps).

    Cells that are empty, no numbers or not finite are left out; a column that the log lacks gives no series.

    Raises:
        InputError: the log cannot be read, or has no column `x`.
    """
    found: dict[str, list[tuple[float, float]]] = {column: [] for column in columns}
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            if x not in (rows.fieldnames or ()):
                raise InputError(f"The log {path} has no column {x!r}; it has {', '.join(rows.fieldnames or ())}.")
            for row in rows:
                at = _number(row.get(x))
                for column in columns:
                    value = _number(row.get(column))
                    if at is not None and value is not None:
                        found[column].append((at, value))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"The log {path} cannot be read ({error}). A CSV file with a header was expected.") from None
    return Curve(title, {name: tuple(points) for name, points in found.items() if points}, x, best_x)


def _number(cell: str | None) -> float | None:
    try:
        value = float(cell or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def curve_svg(curve: Curve, number: int = 0) -> str:
    """The plot as an `<svg>` element; text and axes in `currentColor`. `number` keeps ids apart on one page."""
    # Hashed ids make the same curves give the same bytes.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": f"curve{number}", "font.family": "sans-serif"}):
        figure = Figure(figsize=(5.6, 3.0), layout="constrained")
        axes = figure.add_subplot()
        _plot(axes, curve)
        if curve.series:
            figure.legend(loc="outside upper left", ncols=4, fontsize=8, frameon=False)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inline(buffer.getvalue())


def draw_curves(path: str | Path, curves: Sequence[Curve]) -> Path:
    """Draws plots under each other into a picture file; its ending says which kind: .png, .svg, .pdf.

    Raises:
        StorageError: the file cannot be written, or its ending is of no kind that is known.
    """
    target = Path(path)
    figure = Figure(figsize=(7.0, 3.2 * max(len(curves), 1)), layout="constrained")
    for place, curve in enumerate(curves, 1):
        axes = figure.add_subplot(max(len(curves), 1), 1, place)
        _plot(axes, curve)
        axes.set_title(curve.title, fontsize=10, loc="left")
        axes.legend(fontsize=8, frameon=False)
    try:
        figure.savefig(target, dpi=120)
    except (OSError, ValueError) as error:
        raise StorageError(f"The curves {target} cannot be drawn ({error}). Give a .png, .svg or .pdf file.") from None
    return target


def _plot(axes: Axes, curve: Curve) -> None:
    for (name, points), colour in zip(curve.series.items(), _cycle(len(curve.series))):
        if not points:
            continue
        xs, ys = zip(*_thinned(points))
        marker = "o" if len(points) < 25 else ""
        axes.plot(xs, ys, label=name, color=colour, linewidth=1.7, marker=marker, markersize=3)
    if curve.best_x is not None:
        axes.axvline(curve.best_x, color="#808890", linewidth=1, linestyle=(0, (4, 3)), label="kept")
    axes.set_xlabel(curve.x_label, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(color="#808890", alpha=0.22, linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)


def _thinned(points: Points) -> Points:
    """At most `MAX_POINTS`, each the mean of its neighbours: a million steps must not become a page of 50 MB."""
    size = -(-len(points) // MAX_POINTS)
    chunks = (points[start : start + size] for start in range(0, len(points), size))
    return tuple((sum(x for x, _ in c) / len(c), sum(y for _, y in c) / len(c)) for c in chunks)


def _cycle(count: int) -> list[str]:
    return [COLOURS[index % len(COLOURS)] for index in range(count)]


def _inline(svg: str) -> str:
    """Drops what only a file of its own needs, and lets black take the page's colour."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r"(stroke|fill): #000000", r"\1: currentColor", svg)
    # Letters without a colour of their own are black by SVG's rule.
    return svg.replace("<svg ", '<svg fill="currentColor" role="img" ', 1)
