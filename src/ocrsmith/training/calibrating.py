"""A run's bundle is as sure as it is right: calibrated on lines that its recogniser was not trained on.

Lines of the world's validation split, past those that choose the best weights, and the crops of the recipe's real
pictures that are held back for choosing, in turn. What scores are taken on is never touched.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ocrsmith.errors import InputError
from ocrsmith.evaluation.calibration import LEAST_WORDS, Outcomes, crop_outcomes, fit_halves
from ocrsmith.evaluation.text import EXACT
from ocrsmith.export.calibration import uncalibrated, write_calibrated
from ocrsmith.preprocess import RecognizerInput
from ocrsmith.reading.bundle import Bundle
from ocrsmith.reading.calibration import Calibration
from ocrsmith.reading.reader import Reader
from ocrsmith.samples import Image
from ocrsmith.training.network_tables import RecognizerTable
from ocrsmith.training.real import RealSet
from ocrsmith.training.real_samples import crops_of
from ocrsmith.training.worlds import Materials

MOST_LINES = 800
# Of the time that the run has taken, for the reading of those lines; at least and at most so many seconds.
_SHARE, _LEAST_SECONDS, _MOST_SECONDS = 0.03, 0.5, 10.0
_SYNTHETIC = "synthetic lines"

Line = tuple[Image, str]


def calibration_seconds(spent: float) -> float:
    """How long a run that has taken `spent` seconds may read for its calibration."""
    return min(max(_SHARE * spent, _LEAST_SECONDS), _MOST_SECONDS)


def calibrate_bundle(path: Path, table: RecognizerTable, materials: Materials, seconds: float) -> str:
    """Sets the confidences of a bundle's recogniser right, in place, and says what that brought.

    It is left as it is where fewer than `LEAST_WORDS` texts were read in `seconds`, and where a fit on every second
    line does not lower the calibration error of the others.
    """
    bundle = Bundle.load(path)
    assert bundle.recognizer is not None
    reader = Reader(uncalibrated(bundle))
    halves = [Outcomes(), Outcomes()]
    num_lines: Counter[str] = Counter()
    ends = time.monotonic() + seconds
    for name, (image, text) in _in_turn(_sources(table, materials)):
        halves[num_lines[name] % 2] += crop_outcomes(reader, image, text, EXACT)
        num_lines[name] += 1
        if num_lines.total() >= MOST_LINES or time.monotonic() > ends:
            break
    read = " and ".join(f"{count} {name}" for name, count in num_lines.items())
    try:
        fitted = fit_halves(halves, bundle.recognizer.calibration or Calibration())
    except InputError:
        words = sum(len(half.words) for half in halves)
        return (
            f"Confidences are as they were: of {read} {words} gave a text, {LEAST_WORDS} are needed to set them right."
        )
    errors = f"{fitted.before.expected_error:.3f} before and {fitted.after.expected_error:.3f} after"
    counted = f"calibration error {errors} on every second line with a fit on the others"
    if fitted.after.expected_error >= fitted.before.expected_error:
        return f"Confidences are as they were: a fit on {read} would not better them ({counted})."
    write_calibrated(bundle, path, fitted.calibration, fitted.about(list(num_lines)))
    return f"Confidences were set right on {read}: {counted}."


def _sources(table: RecognizerTable, materials: Materials) -> dict[str, Iterator[Line]]:
    held_back = {f"crops of {real.name}": _real_lines(real, materials) for real in materials.real_lines}
    return {_SYNTHETIC: _synthetic_lines(table, materials), **held_back}


def _synthetic_lines(table: RecognizerTable, materials: Materials) -> Iterator[Line]:
    world = materials.recognizer_world(table, "validation")
    for index in range(table.validation_samples, table.validation_samples + MOST_LINES):
        line = world[index]
        yield line.image, line.text


def _real_lines(real: RealSet, materials: Materials) -> Iterator[Line]:
    """Crops of the pictures held back for choosing; none where everything is trained on."""
    trained = {picture.name for picture in real.pictures["train"]}
    pictures = [picture for picture in real.pictures["validation"] if picture.name not in trained]
    for crop in crops_of(pictures, materials.alphabet, RecognizerInput(height=32)).crops:
        try:
            yield crop.image(), crop.text
        except InputError:
            continue  # the header was whole, the rest is not; told where the set is measured


def _in_turn(sources: dict[str, Iterator[Line]]) -> Iterator[tuple[str, Line]]:
    """One of each source after the other, so that a bound on time takes from all of them."""
    left = dict(sources)
    while left:
        for name, lines in list(left.items()):
            line = next(lines, None)
            if line is None:
                del left[name]
            else:
                yield name, line
