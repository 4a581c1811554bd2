"""One self-contained HTML page on a training run: what came out, how it got there, and what still goes wrong."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import jinja2
import numpy as np
from markupsafe import Markup
from rapidfuzz.distance import Levenshtein

from ocrsmith.errors import StorageError
from ocrsmith.evaluation.counts import wilson_interval
from ocrsmith.evaluation.curves import Curve, curve_svg
from ocrsmith.evaluation.mistakes import Mistake
from ocrsmith.evaluation.result import EvaluationResult
from ocrsmith.images import encode_image
from ocrsmith.samples import Image
from ocrsmith.synth.world import Tally

MAX_FIGURE_WIDTH_PX = 1600


@dataclass(frozen=True)
class ScoreRow:
    """One line of the score table. `before` is None where nothing was measured before training.

    `is_share`: the value is a share of `num_counted`, shown as a percentage with its 95 % interval. Otherwise it is an
    F score or an error rate, shown as a percentage alone, or, with another `unit`, a plain number.
    """

    data: str
    measure: str
    before: float | None
    after: float | None
    num_counted: int
    higher_is_better: bool = True
    is_share: bool = True
    unit: str = "%"

    @property
    def change(self) -> float | None:
        """after - before, or None."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def verdict(self) -> str:
        """ "better", "worse", "same" or "new"."""
        if self.change is None:
            return "new"
        if abs(self.change) < 5e-5:
            return "same"
        return "better" if (self.change > 0) == self.higher_is_better else "worse"


def score_values(result: EvaluationResult) -> dict[str, float]:
    """A measurement's values by measure, and the "seconds" a picture: what rows are later set beside. JSON-able."""
    return {**{score.measure: score.value for score in result.scores()}, "seconds": result.seconds_per_picture}


def rows_beside(earlier: Mapping[str, float], after: EvaluationResult, *, data: str | None = None) -> list[ScoreRow]:
    """The rows of one folder beside what `score_values` gave before; the time a picture comes last."""
    name = data or after.name
    rows = [
        ScoreRow(
            name,
            score.measure,
            earlier.get(score.measure),
            score.value,
            score.num_counted,
            score.higher_is_better,
            score.is_share,
        )
        for score in after.scores()
    ]
    seconds = earlier.get("seconds")
    earlier_ms = None if seconds is None else seconds * 1000
    milliseconds = after.seconds_per_picture * 1000
    rows.append(ScoreRow(name, "time a picture", earlier_ms, milliseconds, after.num_pictures, False, False, "ms"))
    return rows


@dataclass(frozen=True, eq=False)
class ReportPicture:
    """A picture with a caption: a sheet of samples, a page with its boxes drawn."""

    title: str
    image: Image
    caption: str = ""


@dataclass(frozen=True, eq=False)
class RunRecord:
    """What a run has to tell. Everything but the name may be left empty, and its section is then left out.

    The headline is `headline`, or the first row of `scores`. `refusals` counts training samples that were left out, by
    cause, of `num_draws`; `drawn` is what each synthetic world made and refused.
    `warnings` stand at the top; every score that got worse is added to them by `all_warnings`.
    """

    name: str
    summary: str = ""
    scores: Sequence[ScoreRow] = ()
    headline: ScoreRow | None = None
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()
    samples: Sequence[ReportPicture] = ()
    curves: Sequence[Curve] = ()
    mistakes: Mapping[str, Sequence[Mistake]] = field(default_factory=dict)
    confusions: Mapping[str, Sequence[tuple[str, str, int]]] = field(default_factory=dict)
    failures: Mapping[str, Sequence[str]] = field(default_factory=dict)
    refusals: Mapping[str, int] = field(default_factory=dict)
    num_draws: int = 0
    drawn: Mapping[str, Tally] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)  # seconds
    environment: Mapping[str, str] = field(default_factory=dict)
    recipe: str = ""

    def main_score(self) -> ScoreRow | None:
        """The row of the headline, or None where nothing was measured."""
        return self.headline or (self.scores[0] if self.scores else None)

    def all_warnings(self) -> list[str]:
        """The warnings, and one for every set on which a score is worse than the start."""
        worse: dict[str, list[str]] = {}
        for row in self.scores:
            if row.verdict == "worse" and row.unit == "%":
                change = f"{row.measure} {shown(row, 'before')} → {shown(row, 'after')} ({row.num_counted:,} counted)"
                worse.setdefault(row.data, []).append(change)
        return [
            *self.warnings,
            *(f"The result is worse than the start on {data}: {'; '.join(rows)}." for data, rows in worse.items()),
        ]


def shown(row: ScoreRow, which: str) -> str:
    """A value as the table has it: "87.5 %", "3.1 ms", or "–" where there is none."""
    value = row.before if which == "before" else row.after
    if value is None:
        return "–"
    return f"{100 * value:.1f} %" if row.unit == "%" else f"{value:.3g} {row.unit}"


def shown_change(row: ScoreRow) -> str:
    """The difference, in points of a percentage or in the row's unit."""
    if row.change is None:
        return ""
    if row.unit == "%":
        return f"{100 * row.change:+.1f}".replace("-", "−")
    return f"{row.change:+.3g}".replace("-", "−")


def shown_interval(row: ScoreRow) -> str:
    """The 95 % interval of a share, empty for other scores."""
    if not row.is_share or row.after is None or not row.num_counted:
        return ""
    low, high = wilson_interval(round(row.after * row.num_counted), row.num_counted)
    return f"{100 * low:.0f}–{100 * high:.0f} %"


def duration(seconds: float) -> str:
    """ "850 ms", "12.3 s", "4 min 10 s", "2 h 5 min"."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def picture_uri(image: Image) -> str:
    """A data URI: PNG where it is small, JPEG otherwise; shrunk to 1,600 pixels of width."""
    if image.shape[1] > MAX_FIGURE_WIDTH_PX:
        height = max(1, round(image.shape[0] * MAX_FIGURE_WIDTH_PX / image.shape[1]))
        image = np.asarray(cv2.resize(image, (MAX_FIGURE_WIDTH_PX, height), interpolation=cv2.INTER_AREA), np.uint8)
    data, kind = encode_image(image, ".png"), "png"
    if len(data) > 30_000:
        data, kind = encode_image(image, ".jpg", quality=85), "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def marked_difference(truth: str, prediction: str) -> tuple[Markup, Markup]:
    """Both texts, with what only the truth has and what only the prediction has in `<mark>`."""
    sides: tuple[list[str], list[str]] = ([], [])
    for step in Levenshtein.opcodes(truth, prediction):
        pieces = (truth[step.src_start : step.src_end], prediction[step.dest_start : step.dest_end])
        for side, piece in zip(sides, pieces):
            if piece:
                side.append(html.escape(piece) if step.tag == "equal" else f"<mark>{html.escape(piece)}</mark>")
    return Markup("".join(sides[0])), Markup("".join(sides[1]))


def write_report(path: str | Path, record: RunRecord) -> Path:
    """Writes the page, whole or not at all; it asks for nothing outside itself.

    Raises:
        StorageError: it cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ocrsmith.evaluation", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(duration=duration, uri=picture_uri)
    curves = [(curve.title, Markup(curve_svg(curve, number))) for number, curve in enumerate(record.curves)]
    page = environment.get_template("report.html.j2").render(
        record=record,
        curves=curves,
        marked_difference=marked_difference,
        shown=shown,
        shown_change=shown_change,
        shown_interval=shown_interval,
    )
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(target.name + ".part")
        partial.write_text(page, encoding="utf-8")
        partial.replace(target)
    except OSError as error:
        raise StorageError(f"The report {target} could not be written ({error}). Check space and rights.") from None
    return target
