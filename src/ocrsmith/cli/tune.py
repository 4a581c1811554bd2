"""`ocrsmith tune`: a detector's thresholds chosen on labelled pages of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ocrsmith.cli.terminal import examples, note, progress_bar, prose, show, table, write_text
from ocrsmith.errors import SomeInputsFailedError

if TYPE_CHECKING:
    from ocrsmith.evaluation.boxes import BoxCounts
    from ocrsmith.evaluation.thresholds import ThresholdSearch

EPILOG = examples(
    "ocrsmith tune english pages/",
    "ocrsmith tune english pages/ --output tuned.ocrsmith",
    "ocrsmith tune craft.ocrsmith pages/ --curves thresholds.html --iou 0.6",
)
COUNTS = ["precision", "recall", "F"]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(help=prose(tune), epilog=EPILOG, no_args_is_help=True)(tune)


def tune(
    model: Annotated[str, typer.Argument(help="A bundle: its name or its file.", show_default=False)],
    folder: Annotated[
        Path, typer.Argument(help="Pages with boxes, in any format that 'describe' knows.", show_default=False)
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the bundle with the best thresholds: FILE.ocrsmith.")
    ] = None,
    curves: Annotated[
        Path | None, typer.Option(help="Draw precision, recall and F along each threshold: .html, .png, .svg or .pdf.")
    ] = None,
    iou: Annotated[float, typer.Option(min=0.05, max=1.0, help="Overlap from which two boxes match.")] = 0.5,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    engine: Annotated[str, typer.Option(help="auto, onnxruntime, openvino, cuda, coreml, ...")] = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads for the network.", show_default="the processors, at most 16")
    ] = None,
) -> None:
    """Searches the thresholds with which a detector finds the boxes of labelled pages best.

    The network sees each picture once. The best setting stands beside the bundle's own, and beside what such a choice
    is worth on pictures that it was not made on: each half of the folder counted by the best of the other half.
    Use pictures that nothing was trained on. A picture that cannot be read makes the exit code 15.
    """
    # Shapely, matplotlib and ONNX Runtime, which the help does not need.
    from ocrsmith.data.formats import read_labels
    from ocrsmith.errors import BundleError
    from ocrsmith.evaluation.thresholds import search_thresholds, write_curves, write_tuned_bundle
    from ocrsmith.reading.bundle import Bundle
    from ocrsmith.reading.detecting import PageDetector

    labelled = read_labels(folder)
    bundle = Bundle.load(model)
    if bundle.detector is None:
        raise BundleError(f"The bundle {bundle.name} has no detector, so it has no thresholds. Give one that has.")
    if labelled.problems:
        note(f"{len(labelled.problems)} labels of {folder} were left out; 'ocrsmith describe' lists them")
    with progress_bar(folder.name, len(labelled)) as advance:
        search = search_thresholds(PageDetector(bundle.detector, engine, threads), labelled, iou=iou, progress=advance)
    if json:
        write_text(_as_json(model, search))
    else:
        _show(search)
    if curves is not None:
        note(f"{write_curves(curves, search)}: precision, recall and F along each threshold")
    if output is not None:
        note(f"{write_tuned_bundle(output, bundle, search)}, with the best thresholds")
    for failure in search.failures[:20]:
        note(f"not read: {failure.name}: {failure.reason}")
    if search.failures:
        raise SomeInputsFailedError(f"{len(search.failures)} pictures could not be read and are in no count.")


def _as_json(model: str, search: ThresholdSearch) -> str:
    import json
    from dataclasses import asdict

    def form(counts: BoxCounts) -> dict[str, float]:
        return {"precision": counts.precision, "recall": counts.recall, "f": counts.f_score}

    found = {
        "model": model,
        "folder": search.name,
        "num_pictures": search.best.counts.num_pictures,
        "num_boxes": search.best.counts.num_truth,
        "iou": search.best.counts.iou_threshold,
        "present": {"thresholds": asdict(search.present.thresholds), **form(search.present.counts)},
        "best": {"thresholds": asdict(search.best.thresholds), **form(search.best.counts)},
        "held_out": None if search.held_out is None else form(search.held_out),
        "curves": {
            axis: [{axis: getattr(t.thresholds, axis), **form(t.counts)} for t in search.along(axis)]
            for axis in search.axes
        },
        "failures": [{"name": failure.name, "reason": failure.reason} for failure in search.failures],
    }
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def _show(search: ThresholdSearch) -> None:
    axes, best = list(search.axes), search.best
    rows = [
        [name, *(f"{getattr(trial.thresholds, axis):g}" for axis in axes), *_figures(trial.counts)]
        for name, trial in (("present", search.present), ("best", best))
    ]
    if search.held_out is not None:
        rows.append(["best of the other half", *("" for _ in axes), *_figures(search.held_out)])
    title = (
        f"{search.name}: {best.counts.num_truth:,} boxes on {best.counts.num_pictures:,} pictures, "
        f"IoU {best.counts.iou_threshold:g}"
    )
    show(table(title, ["", *axes, *COUNTS], rows, numbers=range(1, 1 + len(axes) + len(COUNTS))))
    for axis in axes:
        along = [
            [f"{getattr(trial.thresholds, axis):g}", *_figures(trial.counts), "*" if trial is best else ""]
            for trial in search.along(axis)
        ]
        show("", table(f"along {axis}", [axis, *COUNTS, ""], along, numbers=range(4)))
    if not search.improves:
        show("", "The present thresholds are as good on pictures that a choice was not made on. Keep them.")


def _figures(counts: BoxCounts) -> list[str]:
    return [f"{100 * value:.1f} %" for value in (counts.precision, counts.recall, counts.f_score)]
