"""A whole run on the smallest networks: its files, its phases, its second life."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_runs import RECOGNIZER, RECOGNIZER_SETTINGS, run, tiny

import ocrsmith.training.run as run_module
from ocrsmith.errors import EngineError, RecipeError
from ocrsmith.models.registry import build_recognizer
from ocrsmith.reading.bundle import Bundle
from ocrsmith.training import rounding
from ocrsmith.training.drawn_lines import NUM_LINES
from ocrsmith.training.networks import start_network
from ocrsmith.training.recognizer import RecognizerModule
from ocrsmith.training.run import RunResult
from ocrsmith.training.worlds import Materials


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return run(tiny(), tmp_path_factory.mktemp("runs") / "first")


def test_a_run_leaves_bundle_report_samples_and_log(first: RunResult) -> None:
    bundle = Bundle.load(first.bundle)
    assert bundle.name == "tiny"
    assert bundle.card["start"]["recognizer"]["source"] == "none"
    assert {score["data"] for score in bundle.card["scores"]} == {"synthetic lines"}
    assert "<html" in first.report.read_text()
    assert (first.folder / "samples" / "lines.png").is_file()
    assert (first.folder / "recognizer" / "metrics.csv").is_file()
    assert first.fits["recognizer"].steps == 8
    assert first.fits["recognizer"].start_score is None
    phases = json.loads((first.folder / "run.json").read_text())["phases"]
    assert list(phases) == ["prepare", "before", "recognizer", "export"]


def test_a_bundle_is_a_start_and_measured_before(first: RunResult, tmp_path: Path) -> None:
    recipe = tiny(alphabet="0123456789.", recognizer={**RECOGNIZER, "settings": {}, "start": str(first.bundle)})
    result = run(recipe, tmp_path)
    assert all(row.before is not None for row in result.scores)
    assert result.fits["recognizer"].start_score is not None
    assert Bundle.load(result.bundle).card["start"]["recognizer"]["source"] == "tiny"


def test_a_recipe_mixes_rounds_and_says_so(first: RunResult, tmp_path: Path) -> None:
    table = {**RECOGNIZER, "settings": {}, "start": str(first.bundle), "mixtures": [0.5], "min_confidence": 0.25}
    recipe = tiny(recognizer=table, export={"int8": True, "largest_loss": 1.0}, limits="Digits alone.")
    result = run(recipe, tmp_path)
    fit = result.fits["recognizer"]
    assert [one["share"] for one in fit.mixtures] == [0.5]
    bundle = Bundle.load(result.bundle)
    card, part = bundle.card, bundle.manifest["recognizer"]
    assert part["precision"] == "int8" and card["int8"]["parts"] == ["recognizer"]
    assert card["int8"]["num_counted"] == NUM_LINES // 2
    assert (card["limits"], card["command"]) == ("Digits alone.", "ocrsmith train tiny")
    assert card["modifications"].startswith("Recogniser from tiny: its head for 10 characters, ")
    assert ("moved 50% of the way" in card["modifications"]) is not fit.kept_start
    assert card["machine"].endswith("threads")
    left = json.loads((result.folder / "run.json").read_text())["phases"]["export"]
    assert left["rounding"] in result.report.read_text()


def test_a_recogniser_that_8_bits_would_harm_stays_as_it_was(
    first: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*given: Any, **options: Any) -> Any:
        raise EngineError("In 8 bits exact falls from 0.900 to 0.500.")

    monkeypatch.setattr(rounding, "write_int8", refused)
    copy = tmp_path / "copy.ocrsmith"
    copy.write_bytes(first.bundle.read_bytes())
    told = rounding.round_bundle(copy, Materials(tiny()))
    assert told == "The recogniser was not rounded to 8 bits. In 8 bits exact falls from 0.900 to 0.500."
    assert copy.read_bytes() == first.bundle.read_bytes()


def test_start_weights_from_a_bundle_are_its_own(first: RunResult) -> None:
    recipe = tiny()
    same = start_network("recognizer", recipe.make_alphabet(), start=str(first.bundle))
    assert same.name == "light_ctc"
    assert same.settings == RECOGNIZER_SETTINGS
    larger = start_network("recognizer", tiny(alphabet="x0123456789").make_alphabet(), start=str(first.bundle))
    assert larger.start.new_characters == ("x",)
    torch.testing.assert_close(larger.model.head.weight[2:], same.model.head.weight[1:])
    fresh = build_recognizer("light_ctc", recipe.make_alphabet(), **same.settings)
    assert not torch.equal(fresh.head.weight, same.model.head.weight)


class Killed(BaseException):
    """Stands for the kill."""


def test_a_killed_run_goes_on_at_its_phase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(run_module, "export_trained", killed)
        with pytest.raises(Killed):
            run(tiny(), tmp_path)
    assert "recognizer" in json.loads((tmp_path / "run.json").read_text())["phases"]
    with monkeypatch.context() as patched:
        patched.setattr(run_module, "train_recognizer", killed)  # not called again
        result = run(tiny(), tmp_path)
    assert result.fits["recognizer"].steps == 8
    assert result.bundle.is_file()


def test_starting_over_takes_nothing_of_the_run_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = tiny(recognizer={**RECOGNIZER, "checkpoint_minutes": 1e-9})
    run(recipe, tmp_path)
    assert (tmp_path / "recognizer" / "last.ckpt").is_file()
    steps: list[int] = []
    original = RecognizerModule.training_step

    def counting(self: RecognizerModule, *arguments: Any) -> torch.Tensor:
        steps.append(self.global_step)
        return original(self, *arguments)

    monkeypatch.setattr(RecognizerModule, "training_step", counting)
    run(recipe, tmp_path, resume=False)
    assert steps == list(range(8))


def test_another_recipe_needs_another_folder(first: RunResult, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="holds a run of another recipe"):
        run(tiny(seed=1), first.folder)


def test_a_share_of_nothing_leaves_a_network_as_it_started(tmp_path: Path) -> None:
    result = run(tiny(recognizer={**RECOGNIZER, "share": 0}), tmp_path)
    assert result.fits == {}
    assert result.bundle.is_file()
