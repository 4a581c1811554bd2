"""A run's own calibration: which lines it is fitted on, and when it is left alone."""

from __future__ import annotations

import re
import shutil
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tiny_runs import run, tiny

import ocrsmith.training.calibrating as calibrating
from ocrsmith.evaluation.calibration import Outcomes
from ocrsmith.reading.bundle import Bundle
from ocrsmith.training.run import RunResult
from ocrsmith.training.worlds import Materials


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    with pytest.MonkeyPatch.context() as patch:
        # Too few lines to fit on, however many a fast machine reads in the time.
        patch.setattr(calibrating, "MOST_LINES", 20)
        return run(tiny(), tmp_path_factory.mktemp("runs") / "made")


def calibrate(bundle: Path, seconds: float = 60.0) -> str:
    recipe = tiny()
    assert recipe.recognizer is not None
    return calibrating.calibrate_bundle(bundle, recipe.recognizer, Materials(recipe), seconds)


def test_a_run_says_what_became_of_its_confidences_and_what_was_drawn(made: RunResult) -> None:
    report = made.report.read_text()
    assert "Confidences are as they were: of " in report, "twenty lines are too few"
    assert "Training lines" in report and re.search(r"\d+ samples, \d+ draws refused", report)
    assert "Training lines: lengths of texts" in report


def test_halves_alternate_and_the_bundle_is_set_right(
    made: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = Path(shutil.copy(made.bundle, tmp_path / "x.ocrsmith"))
    number = count()

    def outcome(*_: Any) -> Outcomes:
        # Every third is wrong, in both halves.
        return Outcomes(words=((0.95, next(number) % 3 > 0),))

    monkeypatch.setattr(calibrating, "crop_outcomes", outcome)
    monkeypatch.setattr(calibrating, "MOST_LINES", 120)
    told = calibrate(bundle)
    assert told.startswith("Confidences were set right on 120 synthetic lines: calibration error 0.283 before and 0.0")
    loaded = Bundle.load(bundle)
    assert loaded.recognizer is not None and loaded.recognizer.calibration is not None
    assert float(loaded.recognizer.calibration.word(0.95)) == pytest.approx(2 / 3, abs=0.02)
    assert loaded.card["calibration"]["fitted_on"] == ["synthetic lines"]
    assert "would not better them" in calibrate(bundle), "a second fit finds nothing to set right"


def test_time_is_bounded(made: RunResult, tmp_path: Path) -> None:
    bundle = Path(shutil.copy(made.bundle, tmp_path / "x.ocrsmith"))
    assert "of 1 synthetic lines" in calibrate(bundle, 0.0)
    assert [calibrating.calibration_seconds(spent) for spent in (2, 100, 3600)] == [0.5, 3.0, 10.0]
