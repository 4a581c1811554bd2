"""Scores of each checkpoint on development sets: logged, plotted, kept over a kill, and without a say in anything."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from tiny_runs import DETECTOR, RECOGNIZER, drawn, run, tiny

from ocrsmith.data.formats import LabelledFolder, LabelledPicture
from ocrsmith.data.formats.pictures import FilePicture
from ocrsmith.errors import RecipeError
from ocrsmith.training.development import development_lines, spread
from ocrsmith.training.history import best_step, read_best
from ocrsmith.training.networks import start_network
from ocrsmith.training.recognizer import RecognizerModule
from ocrsmith.training.run import RunResult
from ocrsmith.training.run_state import recipe_fingerprint


def number(text: str) -> np.ndarray:
    image = np.full((48, 22 * len(text) + 20, 3), 220, np.uint8)
    cv2.putText(image, text, (8, 36), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (20, 20, 20), 2)
    return image


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five crops; one has letters that no alphabet here knows."""
    folder = tmp_path_factory.mktemp("crops")
    rows = []
    for place, text in enumerate(("1", "22", "345", "6", "x7")):
        cv2.imwrite(str(folder / f"{place}.png"), number(text))
        rows.append(f"{place}.png\t{text}")
    (folder / "labels.tsv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    rows = []
    for place in range(3):
        cv2.imwrite(str(folder / f"{place}.png"), number("12"))
        rows.append(
            json.dumps(
                {
                    "image": f"{place}.png",
                    "words": [{"polygon": [[6, 10], [56, 10], [56, 40], [6, 40]], "text": "12"}],
                }
            )
        )
    (folder / "labels.jsonl").write_text("\n".join(rows))
    return folder


def log_of(folder: Path, role: str) -> list[dict[str, str]]:
    with (folder / role / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def column(folder: Path, role: str, name: str) -> list[float]:
    return [float(row[name]) for row in log_of(folder, role) if row.get(name)]


def table(folder: Path, most: int, **more: Any) -> dict[str, Any]:
    return {"folder": str(folder), "development": most, **more}


@pytest.fixture(scope="module")
def both(crops: Path, pages: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    pictures = [table(crops, 4, name="crops"), table(crops, 2, name="crops"), table(pages, 2, name="photos, mine")]
    recipe = drawn(test_samples=2, detector=DETECTOR, recognizer=RECOGNIZER, pictures=pictures)
    return run(recipe, tmp_path_factory.mktemp("runs") / "both")


def test_every_validation_is_logged_with_its_step(both: RunResult) -> None:
    validations = len(column(both.folder, "recognizer", "validation_score"))
    assert validations == 2
    for name in ("development_crops", "development_crops (2)", "seconds_on_development"):
        assert len(column(both.folder, "recognizer", name)) == validations
    assert all(0 <= score <= 1 for score in column(both.folder, "recognizer", "development_crops"))
    assert len(column(both.folder, "detector", "development_photos, mine")) == 2
    assert "development_crops" not in log_of(both.folder, "detector")[0]


def test_the_report_plots_them_with_the_kept_step(both: RunResult) -> None:
    page = both.report.read_text()
    assert page.count("development sets, which choose nothing") == 2
    assert "photos, mine" in page
    assert ">kept<" in page


def test_the_averaged_weights_are_scored(crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []
    original = RecognizerModule.texts

    def watching(self: RecognizerModule, batch: Any) -> list[str]:
        assert not self.training
        seen.append(self.model.head.weight.detach().clone())  # type: ignore[union-attr]
        return original(self, batch)

    monkeypatch.setattr(RecognizerModule, "texts", watching)
    result = run(tiny(pictures=[table(crops, 4)]), tmp_path)
    best, _ = read_best(result.folder / "recognizer" / "best.ckpt")  # the averages are what the checkpoint holds
    assert any(torch.equal(weights, best["head.weight"]) for weights in seen)


def test_they_change_neither_weights_nor_scores(crops: Path, tmp_path: Path) -> None:
    # With minutes that are never used up the rate follows from the steps alone, whatever time the sets take.
    recipes = {most: tiny(pictures=[table(crops, most)], minutes=1e9) for most in (5, 0)}
    watched, alone = (run(recipe, tmp_path / str(most)) for most, recipe in recipes.items())
    for name in ("validation_score", "validation_loss", "train_loss"):
        assert column(watched.folder, "recognizer", name) == column(alone.folder, "recognizer", name)
    first, second = (read_best(one.folder / "recognizer" / "best.ckpt")[0] for one in (watched, alone))
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_killed_run_has_every_score_once(crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    recipe = tiny(
        recognizer={**RECOGNIZER, "steps": 16, "checkpoint_minutes": 1e-9}, pictures=[table(crops, 4, name="mine")]
    )
    original = RecognizerModule.training_step

    def killed(self: RecognizerModule, *arguments: Any) -> torch.Tensor:
        if self.global_step == 10:
            raise Killed
        return original(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(RecognizerModule, "training_step", killed)
        with pytest.raises(Killed):
            run(recipe, tmp_path)
    run(recipe, tmp_path)
    steps = [float(row["step"]) for row in log_of(tmp_path, "recognizer") if row.get("development_mine")]
    assert len(steps) == 4
    assert steps == sorted(set(steps))


def test_text_outside_the_alphabet_counts_as_misread(crops: Path) -> None:
    recipe = tiny(pictures=[table(crops, 5)])
    network = start_network("recognizer", recipe.make_alphabet(), settings=RECOGNIZER["settings"]).model.eval()
    (found,) = development_lines(recipe, network.input, 2)  # type: ignore[arg-type]

    class Perfect:
        def texts(self, batch: Any) -> list[str]:
            return [text.replace("x", "") for text in batch.texts]

    assert found.num_pictures == 5
    assert found.score(Perfect()) == pytest.approx(4 / 5)


def test_pictures_are_spread_over_the_folder() -> None:
    entries = [LabelledPicture(FilePicture(Path(f"{place}.png"), f"{place}.png"), text="1") for place in range(10)]
    folder = LabelledFolder(Path("mine"), "tsv", "crops", entries)
    assert [entry.path.name for entry in spread(folder, 4).entries] == ["0.png", "2.png", "5.png", "7.png"]
    assert spread(folder, 10) is folder


def test_pages_need_a_detector_that_trains(pages: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="the recipe has none"):
        run(tiny(pictures=[table(pages, 2)]), tmp_path)


def test_pictures_that_cannot_be_read_are_told_before_anything_is_trained(tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "0.png").write_bytes(b"no picture")
    (folder / "labels.tsv").write_text("0.png\t12\n")
    with pytest.raises(RecipeError, match=r"None of the 1 development pictures in .*broken can be read"):
        run(tiny(pictures=[table(folder, 2)]), tmp_path / "run")
    assert not (tmp_path / "run" / "samples").exists()


def test_a_folder_that_is_not_there_is_named() -> None:
    with pytest.raises(RecipeError, match=r"pictures\[0\].folder: .*nowhere does not exist"):
        tiny(pictures=[table(Path("/nowhere"), 2)])


def test_they_may_be_added_to_a_run_that_was_killed(crops: Path) -> None:
    assert recipe_fingerprint(tiny(pictures=[table(crops, 0)])) == recipe_fingerprint(tiny(pictures=[table(crops, 9)]))
    assert recipe_fingerprint(tiny(seed=1)) != recipe_fingerprint(tiny())


def test_the_best_step_is_the_first_of_equals(tmp_path: Path) -> None:
    log = tmp_path / "metrics.csv"
    log.write_text("step,train_loss,validation_score\n3,1.0,\n3,,0.2\n7,,0.5\n11,,0.5\n")
    assert best_step(log) == 7
    log.write_text("step,train_loss\n3,1.0\n")
    assert best_step(log) is None
