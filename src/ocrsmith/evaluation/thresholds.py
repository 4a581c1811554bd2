"""Which thresholds of a detector find the boxes of a labelled folder best.

The network sees every picture once. CRAFT's text threshold and DB's box threshold only drop detections by their score,
so a picture's boxes are made once for each pair of the other two thresholds and counted at every level of the third.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ocrsmith.data.formats import LabelledFolder, LabelledPicture, read_labels
from ocrsmith.errors import BundleError, InputError, LabelError, OcrsmithError
from ocrsmith.evaluation.boxes import BoxCounts
from ocrsmith.evaluation.curves import Curve, draw_curves
from ocrsmith.evaluation.report import RunRecord, ScoreRow, write_report
from ocrsmith.evaluation.result import Failure
from ocrsmith.reading.bundle import SUFFIX, Bundle, write_bundle
from ocrsmith.reading.craft_maps import CraftThresholds
from ocrsmith.reading.db_maps import DbThresholds
from ocrsmith.reading.detecting import PageDetector
from ocrsmith.samples import TextInstance

Thresholds = CraftThresholds | DbThresholds
Axes = Mapping[str, Sequence[float]]

# The first of each is the threshold on a detection's score. Round CRAFT's published settings (.5 to .85, .2 to .5,
# .3 to .5) and PP-OCR's (.5 to .6, .3, 1.5 to 2).
CRAFT_AXES: Axes = {
    "text": tuple(round(0.05 * i, 2) for i in range(5, 20)),
    "link": (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6),
    "low_text": (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6),
}
DB_AXES: Axes = {
    "box": tuple(round(0.05 * i, 2) for i in range(4, 18)),
    "binary": (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6),
    "unclip_ratio": (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.5),
}


@dataclass(frozen=True)
class ThresholdTrial:
    """One setting, and what it finds in the whole folder."""

    thresholds: Thresholds
    counts: BoxCounts


@dataclass(frozen=True, eq=False)
class ThresholdSearch:
    """What a search came to.

    Attributes:
        name: of the folder.
        axes: the values that each threshold was tried at, all with all; the present ones among them.
        present, best: the bundle's own thresholds, and those of the highest F; of equal ones the nearest.
        held_out: the best of each half of the pictures, counted on the other half: what the choice is worth on
            pictures that it was not made on. None with fewer than two pictures.
        trials: every setting.
        failures: pictures that could not be looked at, which are in no count.
    """

    name: str
    axes: Axes
    present: ThresholdTrial
    best: ThresholdTrial
    held_out: BoxCounts | None
    trials: tuple[ThresholdTrial, ...]
    failures: tuple[Failure, ...] = ()

    @property
    def improves(self) -> bool:
        """Whether the best is better than the present, also on pictures that it was not chosen on."""
        if self.best.counts.f_score <= self.present.counts.f_score:
            return False
        return self.held_out is None or self.held_out.f_score > self.present.counts.f_score

    def along(self, axis: str) -> tuple[ThresholdTrial, ...]:
        """The trials along one threshold, the others at their best, from the least to the greatest."""
        best = self.best.thresholds
        same = [t for t in self.trials if replace(t.thresholds, **{axis: getattr(best, axis)}) == best]
        return tuple(sorted(same, key=lambda trial: getattr(trial.thresholds, axis)))

    def curves(self) -> tuple[Curve, ...]:
        """Precision, recall and F along each threshold, the others at their best."""
        return tuple(
            Curve(
                title=f"{self.name}: {axis}",
                series={
                    name: tuple((getattr(t.thresholds, axis), getattr(t.counts, field)) for t in self.along(axis))
                    for name, field in (("F", "f_score"), ("precision", "precision"), ("recall", "recall"))
                },
                x_label=axis,
                best_x=getattr(self.best.thresholds, axis),
            )
            for axis in self.axes
        )


def search_thresholds(
    detector: PageDetector | Bundle | str | Path,
    folder: LabelledFolder | str | Path,
    *,
    iou: float = 0.5,
    axes: Axes | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ThresholdSearch:
    """Tries every combination of thresholds on the labelled pages of a folder.

    A box counts as found from `iou` on; ignored labels forgive what lies in them. Where CRAFT is searched, labels with
    characters are cut into words. A second look at small text is taken as the present thresholds ask for it.

    Args:
        detector: or the bundle that holds it, or its name or file.
        folder: or its path.
        axes: values for each threshold, by the names of its fields; None takes `CRAFT_AXES` or `DB_AXES`.
        progress: is told (pictures done, pictures).

    Raises:
        BundleError: the bundle has no detector.
        LabelError: the folder holds crops, or no legible text.
        InputError: no picture can be looked at, or no label is found at any thresholds.
        ValueError: an axis that the thresholds do not have.
    """
    folder = folder if isinstance(folder, LabelledFolder) else read_labels(folder)
    detector = detector if isinstance(detector, PageDetector) else _detector(detector)
    present = detector.part.thresholds
    tried = _all_axes(present, axes)
    _check_folder(folder)
    settings = [_changed(present, dict(zip(tried, values))) for values in itertools.product(*tried.values())]
    halves: list[list[BoxCounts]] = []
    failures = []
    for done, entry in enumerate(folder.entries, 1):
        try:
            _add_to(halves, done, _picture_counts(detector, entry, tried, iou))
        except OcrsmithError as error:
            failures.append(Failure(entry.name, str(error)))
        if progress is not None:
            progress(done, len(folder))
    if not halves:
        raise InputError(f"None of the pictures of {folder.path} could be looked at. The first: {failures[0].reason}")
    return _conclude(folder.path.name, tried, present, settings, halves, tuple(failures))


def _detector(bundle: Bundle | str | Path) -> PageDetector:
    loaded = bundle if isinstance(bundle, Bundle) else Bundle.load(bundle)
    if loaded.detector is None:
        raise BundleError(f"The bundle {loaded.name} has no detector, so it has no thresholds. Give one that has.")
    return PageDetector(loaded.detector)


def _all_axes(present: Thresholds, axes: Axes | None) -> dict[str, tuple[float, ...]]:
    """The axes with the present values among them, the one of the score first."""
    known = CRAFT_AXES if isinstance(present, CraftThresholds) else DB_AXES
    asked = known if axes is None else axes
    unknown = sorted(set(asked) - set(known))
    if unknown:
        raise ValueError(f"The axes {unknown} came; {', '.join(known)} can be searched.")
    return {name: tuple(sorted({*asked.get(name, ()), getattr(present, name)})) for name in known}


def _check_folder(folder: LabelledFolder) -> None:
    if folder.kind != "pages":
        raise LabelError(
            f"{folder.path} holds crops with their texts. Pages with boxes were expected: thresholds are chosen on "
            "whole pictures."
        )
    if not any(not instance.ignore for entry in folder.entries for instance in entry.instances):
        raise LabelError(
            f"{folder.path} has no legible text in its {len(folder):,} pictures' labels. Pages with boxes that are not "
            "ignored were expected; 'ocrsmith describe' tells what a folder holds."
        )


def _picture_counts(
    detector: PageDetector, entry: LabelledPicture, axes: dict[str, tuple[float, ...]], iou: float
) -> list[BoxCounts]:
    """The counts of one picture at every setting, in the order of the axes' product."""
    truth = _units(entry.instances, words=detector.part.kind == "craft")
    polygons, ignored = [unit.polygon for unit in truth], [unit.ignore for unit in truth]
    look = detector.look(entry.image())
    (scored, levels), *others = axes.items()
    columns = []
    for values in itertools.product(*(values for _, values in others)):
        changes = dict(zip((name for name, _ in others), values)) | {scored: levels[0]}
        found = detector.boxes(look, _changed(detector.part.thresholds, changes))
        scores = [detection.score for detection in found]
        predicted = [detection.polygon for detection in found]
        columns.append(BoxCounts.from_page_at_scores(polygons, ignored, predicted, scores, levels, iou))
    return [column[level] for level in range(len(levels)) for column in columns]


def _changed(thresholds: Thresholds, values: Mapping[str, Any]) -> Thresholds:
    return replace(thresholds, **values)


def _add_to(halves: list[list[BoxCounts]], number: int, counts: list[BoxCounts]) -> None:
    """Adds a picture to one of the two halves by turns; the second is there from the second picture on."""
    if len(halves) < 2:
        halves.append(counts)
    else:
        half = number % 2
        halves[half] = [one + other for one, other in zip(halves[half], counts, strict=True)]


def _units(instances: Sequence[TextInstance], *, words: bool) -> list[TextInstance]:
    return [word for instance in instances for word in instance.words()] if words else list(instances)


def _conclude(
    name: str,
    axes: dict[str, tuple[float, ...]],
    present: Thresholds,
    settings: Sequence[Thresholds],
    halves: Sequence[Sequence[BoxCounts]],
    failures: tuple[Failure, ...],
) -> ThresholdSearch:
    totals = [counts[0] if len(counts) == 1 else counts[0] + counts[1] for counts in zip(*halves, strict=True)]
    nearness = [-sum(abs(getattr(setting, axis) - getattr(present, axis)) for axis in axes) for setting in settings]
    if not any(counts.num_matched for counts in totals):
        raise InputError(
            f"The detector finds none of the {totals[0].num_truth:,} labels of {name} at any thresholds. It was "
            "trained for other pictures, or its boxes are of another kind than the labels': words, or whole lines."
        )

    def best_of(part: Sequence[BoxCounts]) -> int:
        return max(range(len(settings)), key=lambda index: (part[index].f_score, nearness[index]))

    held_out = None
    if len(halves) > 1:
        held_out = halves[1][best_of(halves[0])] + halves[0][best_of(halves[1])]
    trials = tuple(ThresholdTrial(setting, counts) for setting, counts in zip(settings, totals))
    return ThresholdSearch(
        name, axes, trials[settings.index(present)], trials[best_of(totals)], held_out, trials, failures
    )


def write_tuned_bundle(path: str | Path, bundle: Bundle, search: ThresholdSearch) -> Path:
    """Writes the bundle with the best thresholds of a search, and what they were chosen on in its card.

    Raises:
        BundleError: the bundle has no detector of that kind.
        StorageError: the file cannot be written.
    """
    if bundle.detector is None or type(bundle.detector.thresholds) is not type(search.best.thresholds):
        raise BundleError(f"The thresholds of {search.name} are of another detector than the bundle {bundle.name}'s.")
    target = Path(path)
    before, after, held_out = search.present.counts, search.best.counts, search.held_out
    tuned: dict[str, Any] = {
        "folder": search.name,
        "num_pictures": after.num_pictures,
        "num_boxes": after.num_truth,
        "iou": after.iou_threshold,
        "boxes_f_before": round(before.f_score, 4),
        "boxes_f": round(after.f_score, 4),
        "boxes_f_held_out": None if held_out is None else round(held_out.f_score, 4),
    }
    manifest = {key: value for key, value in bundle.manifest.items() if key not in ("ocrsmith", "name")}
    manifest["detector"] = {**bundle.manifest["detector"], "thresholds": asdict(search.best.thresholds)}
    manifest["card"] = {**bundle.card, "thresholds_tuned": tuned}
    manifest["name"] = target.name.removesuffix(SUFFIX)
    parts = (("detector", bundle.detector_bytes), ("recognizer", bundle.recognizer_bytes))
    files = {bundle.manifest[part]["file"]: data for part, data in parts if data is not None}
    return write_bundle(target, manifest, files)


def write_curves(path: str | Path, search: ThresholdSearch) -> Path:
    """Draws precision, recall and F along each threshold: a page for .html, else a picture (.png, .svg, .pdf).

    Raises:
        StorageError: the file cannot be written, or its ending is of no kind that is known.
    """
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        return draw_curves(target, search.curves())
    counts = search.best.counts
    rows = [
        ScoreRow(
            search.name, measure, getattr(search.present.counts, field), getattr(counts, field), number, True, share
        )
        for measure, field, number, share in (
            ("boxes F", "f_score", counts.num_truth, False),
            ("boxes precision", "precision", counts.num_predicted, True),
            ("boxes recall", "recall", counts.num_truth, True),
        )
    ]
    chosen = ", ".join(f"{axis} {getattr(search.best.thresholds, axis):g}" for axis in search.axes)
    summary = f"Thresholds chosen on {counts.num_pictures:,} pictures: {chosen}."
    if search.held_out is not None:
        summary += f" The best of each half of them has F {100 * search.held_out.f_score:.1f} % on the other half."
    return write_report(target, RunRecord(name=search.name, summary=summary, scores=rows, curves=search.curves()))
