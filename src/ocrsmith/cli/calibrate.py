"""`ocrsmith calibrate`: a bundle whose confidences mean what they say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ocrsmith.cli.evaluate import Comparison
from ocrsmith.cli.terminal import examples, note, progress_bar, prose, show, table
from ocrsmith.errors import OcrsmithError

if TYPE_CHECKING:
    from ocrsmith.data.formats import LabelledFolder
    from ocrsmith.evaluation.calibration import CalibrationCounts, Outcomes
    from ocrsmith.evaluation.text import TextRule
    from ocrsmith.reading.reader import Reader

EPILOG = examples(
    "ocrsmith calibrate meters.ocrsmith drawn/ --output meters.ocrsmith",
    "ocrsmith calibrate english pages/ crops/ --output english.ocrsmith",
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(help=prose(calibrate), epilog=EPILOG, no_args_is_help=True)(calibrate)


def calibrate(
    model: Annotated[str, typer.Argument(help="A bundle: its name or its file.", show_default=False)],
    folders: Annotated[list[Path], typer.Argument(help="Folders of pictures with labels.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The bundle to write.", show_default=False)],
    comparison: Annotated[
        Comparison, typer.Option(help="When two texts count as equal.")
    ] = Comparison.letters_and_digits,
    engine: Annotated[str, typer.Option(help="auto, onnxruntime, openvino, cuda, coreml, ...")] = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads for the networks.", show_default="the processors, at most 16")
    ] = None,
) -> None:
    """Fits a bundle's confidences to labelled pictures: of the words said to be 90 % sure about 90 % are right.

    Four numbers are fitted, networks and texts stay as they are. What it brings is told from every second picture, with
    a fit on the others; all pictures make the fit that is written.
    """
    # Shapely, RapidFuzz and ONNX Runtime, which the help does not need.
    from ocrsmith.data.formats import read_labels
    from ocrsmith.evaluation.calibration import Outcomes, fit_halves
    from ocrsmith.evaluation.text import TEXT_RULES
    from ocrsmith.export.calibration import uncalibrated, write_calibrated
    from ocrsmith.reading.bundle import Bundle
    from ocrsmith.reading.calibration import Calibration
    from ocrsmith.reading.reader import Reader

    bundle = Bundle.load(model)
    reader = Reader(uncalibrated(bundle), engine=engine, threads=threads)
    halves = [Outcomes(), Outcomes()]
    for folder in folders:
        found = _outcomes(reader, read_labels(folder), TEXT_RULES[comparison.value])
        halves = [halves[0] + found[0], halves[1] + found[1]]
    fitted = fit_halves(halves, bundle.recognizer.calibration or Calibration() if bundle.recognizer else Calibration())
    about = fitted.about([folder.name for folder in folders])
    written = write_calibrated(bundle, output, fitted.calibration, about)
    _show("before", fitted.before)
    _show("after", fitted.after)
    errors = f"{fitted.before.expected_error:.3f} before, {fitted.after.expected_error:.3f} after"
    note(f"{written}: calibration error {errors}")


def _outcomes(reader: Reader, folder: LabelledFolder, rule: TextRule) -> list[Outcomes]:
    """Every second picture apart; one that cannot be read is told and left out."""
    # As above.
    from ocrsmith.evaluation.calibration import Outcomes, picture_outcomes

    halves = [Outcomes(), Outcomes()]
    with progress_bar(folder.path.name, len(folder)) as advance:
        for number, entry in enumerate(folder.entries):
            try:
                halves[number % 2] += picture_outcomes(reader, entry, folder.kind, rule)
            except OcrsmithError as error:
                note(f"not read: {entry.name}: {error}")
            advance(number + 1, len(folder))
    return halves


def _show(when: str, counts: CalibrationCounts) -> None:
    heading = f"Held out, {when}: calibration error {counts.expected_error:.3f} on {counts.num_counted:,} words"
    show(table(heading, ["said", "mean", "right", "words"], counts.rows(), numbers=[1, 2, 3]))
