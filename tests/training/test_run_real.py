"""Whole runs on real pictures, on the smallest networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tiny_runs import DETECTOR, RECOGNIZER, drawn, run

from ocrsmith.data.batches import RecognizerBatch
from ocrsmith.reading.bundle import Bundle
from ocrsmith.training.long_lines import AlignedLine
from ocrsmith.training.recognizer import RecognizerModule
from ocrsmith.training.run import RunResult

LESS = {"steps": 4, "batch_size": 4, "steps_per_epoch": 2, "validation_samples": 8}


def real_folder(folder: Path) -> Path:
    """Six pages of two numbers as drawn by OpenCV; one number has a letter that no alphabet here knows."""
    folder.mkdir()
    rows = []
    for number in range(6):
        image = np.full((96, 160, 3), 220, np.uint8)
        cv2.putText(image, f"{number}12", (12, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (20, 20, 20), 2)
        cv2.imwrite(str(folder / f"{number}.png"), image)
        words = [
            {"polygon": [[10, 16], [66, 16], [66, 44], [10, 44]], "text": f"{number}12"},
            {"polygon": [[80, 60], [140, 60], [140, 80], [80, 80]], "text": "x7"},
        ]
        rows.append(json.dumps({"image": f"{number}.png", "words": words}))
    (folder / "labels.jsonl").write_text("\n".join(rows))
    return folder


def run_on(real: dict[str, Any], folder: Path, **networks: dict[str, Any]) -> RunResult:
    """Trains these networks alone, each on the real pictures too."""
    tables = {role: {**table, "real": [real]} for role, table in networks.items()}
    return run(drawn(test_samples=2, **tables), folder)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return real_folder(tmp_path_factory.mktemp("real") / "mine")


@pytest.fixture(scope="module")
def detector(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return run_on({"folder": str(pictures)}, tmp_path_factory.mktemp("runs") / "first", detector=DETECTOR)


def test_a_detector_is_labelled_every_round_and_measured_on_what_was_held_back(detector: RunResult) -> None:
    rounds = sorted((detector.folder / "detector" / "labels").glob("round_*.json"))
    assert len(rounds) == 2
    labels = json.loads(rounds[0].read_text())["mine"]
    (page, *_) = labels.values()
    assert all(len(word["characters"]) in (2, 3) for word in page)
    assert {row.data for row in detector.scores} == {"mine, held back", "synthetic pages"}
    assert {row.measure for row in detector.scores} >= {"boxes F", "boxes recall"}
    header = (detector.folder / "detector" / "metrics.csv").read_text().splitlines()[0]
    assert "validation_real_mine" in header
    report = detector.report.read_text()
    assert "mine: 6 pages of words" in report
    assert "words labelled" in report
    assert Bundle.load(detector.bundle).card["data"] == "synthetic and real"


def test_a_bundle_is_made_better_and_reads_as_it_did(detector: RunResult, pictures: Path, tmp_path: Path) -> None:
    table = {**DETECTOR, "settings": {}, "scale": {}, "start": str(detector.bundle), "learning_rate": 1e-6}
    result = run_on({"folder": str(pictures), "complete": False}, tmp_path, detector=table)
    assert result.fits["detector"].start_score is not None
    assert all(row.before is not None for row in result.scores)
    assert json.loads((tmp_path / "run.json").read_text())["notes"]["detector_start_old_scores"][""] >= 0
    assert Bundle.load(result.bundle).manifest["detector"]["scale"] == {"min_side": 64, "max_side": 128}


def test_mixtures_are_tried_and_old_pictures_decide(detector: RunResult, pictures: Path, tmp_path: Path) -> None:
    start = {"settings": {}, "scale": {}, "start": str(detector.bundle)}
    keep = {"folder": str(pictures), "name": "old", "level": "lines"}
    table = {**DETECTOR, **start, "mixtures": [1.0, 0.5], "keep": [keep], "real": [{"folder": str(pictures)}]}
    measured = [{"folder": str(pictures), "name": "in part", "complete": False}]
    result = run(drawn(test_samples=2, detector=table, pictures=measured), tmp_path)
    assert [one["share"] for one in result.fits["detector"].mixtures] == [1.0, 0.5]
    measures = {name: {row.measure for row in result.scores if row.data == name} for name in ("old, kept", "in part")}
    assert measures["old, kept"] == {"boxes F", "boxes recall", "boxes precision", "time a picture"}
    assert measures["in part"] == {"boxes recall", "time a picture"}
    assert "validation_real_old" in (tmp_path / "detector" / "metrics.csv").read_text().splitlines()[0]
    assert set(json.loads((tmp_path / "run.json").read_text())["notes"]["detector_start_old_scores"]) == {"", "old"}
    assert "50% tuned" in result.report.read_text()


def test_a_recogniser_takes_the_words_of_pages_and_says_what_it_refused(pictures: Path, tmp_path: Path) -> None:
    result = run_on({"folder": str(pictures), "share": 1.0}, tmp_path, recognizer={**RECOGNIZER, **LESS})
    assert "mine lines, held back" in {row.data for row in result.scores}
    refused = json.loads((tmp_path / "run.json").read_text())["phases"]["recognizer"]["refused"]
    assert any("lacks &#39;x&#39;" in cause or "lacks 'x'" in cause for cause in refused)
    assert "validation_real_mine" in (tmp_path / "recognizer" / "metrics.csv").read_text().splitlines()[0]


LONG_TEXT = "31415926535897932384" * 5


def long_lines(folder: Path) -> Path:
    """Four crops of a hundred digits, 24 px each and 32 px high: 2,400 px, of which the network takes 2,048 at once."""
    folder.mkdir()
    image = np.full((32, 24 * len(LONG_TEXT), 3), 220, np.uint8)
    for place, digit in enumerate(LONG_TEXT):
        cv2.putText(image, digit, (24 * place + 2, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (20, 20, 20), 2)
    rows = []
    for number in range(4):
        cv2.imwrite(str(folder / f"{number}.png"), image)
        rows.append(json.dumps({"image": f"{number}.png", "text": LONG_TEXT}))
    (folder / "labels.jsonl").write_text("\n".join(rows))
    return folder


def align_where_drawn(probabilities: Any, ids: Any, alphabet: Any, step_px: float) -> AlignedLine:
    """What a start that reads the lines would say; one of eight steps of training does not."""
    marks = 24.0 * np.arange(len(ids)) + 12
    return AlignedLine(marks, np.ones(len(ids), np.float32), np.zeros(len(probabilities)), step_px)


def test_a_recogniser_learns_long_lines_in_pieces_and_is_mixed_with_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = run(drawn(recognizer={**RECOGNIZER, **LESS}), tmp_path / "start")
    shown: list[tuple[str, int]] = []
    step = RecognizerModule.training_step

    def watched_step(module: RecognizerModule, batch: RecognizerBatch, batch_idx: int) -> Any:
        shown.extend(zip(batch.texts, batch.input_lengths.tolist(), strict=True))
        return step(module, batch, batch_idx)

    monkeypatch.setattr(RecognizerModule, "training_step", watched_step)
    monkeypatch.setattr("ocrsmith.training.long_lines.align", align_where_drawn)
    real = {"folder": str(long_lines(tmp_path / "long")), "share": 0.5}
    table = {**RECOGNIZER, **LESS, "settings": {}, "start": str(start.bundle), "mixtures": [1.0, 0.5]}
    result = run_on(real, tmp_path / "run", recognizer=table)

    # 85 digits are 2,040 px; 128 px, four heights, are five digits and a third, so that six come twice. A digit stands
    # within 3 px of the middle of its 24 px.
    long = [line for line in shown if len(line[0]) > 3]
    assert {text for text, _ in long} == {LONG_TEXT[:85], LONG_TEXT[79:]}
    assert all(steps == pytest.approx(6 * len(text), abs=1) for text, steps in long)
    kept = json.loads((tmp_path / "run" / "recognizer" / "long_lines.json").read_text())
    assert len(kept["lines"]) == 3  # the fourth picture is only measured
    for pieces in kept["lines"].values():
        assert [piece[:2] for piece in pieces] == [[0, pytest.approx(2040, abs=3)], [pytest.approx(1896, abs=3), 2400]]
    assert "lines wider than the network&#39;s input, cut into" in result.report.read_text()

    fitted = result.fits["recognizer"]
    assert [one["share"] for one in fitted.mixtures] == [1.0, 0.5]
    assert fitted.kept_start or fitted.mixture in (1.0, 0.5)
    noted = json.loads((tmp_path / "run" / "run.json").read_text())["phases"]["recognizer"]["fit"]
    assert noted["mixture"] == fitted.mixture and len(noted["mixtures"]) == 2
    assert "50% tuned" in result.report.read_text()

    # Killed before the training's end was noted: the next life cuts nothing again.
    state = json.loads((tmp_path / "run" / "run.json").read_text())
    for phase in ("recognizer", "export"):
        del state["phases"][phase]
    (tmp_path / "run" / "run.json").write_text(json.dumps(state))
    monkeypatch.setattr("ocrsmith.training.long_lines.align", lambda *given: pytest.fail("cut again"))
    again = run_on(real, tmp_path / "run", recognizer=table)
    assert again.fits["recognizer"].best_score == fitted.best_score
    assert json.loads((tmp_path / "run" / "recognizer" / "long_lines.json").read_text()) == kept
