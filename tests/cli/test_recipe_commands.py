"""`synth`, `train`, `evaluate`, `export`, `describe`, `models`, `assets`: that they call what they name, and say it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ocrsmith.cli.evaluate import Comparison
from ocrsmith.cli.synth import DatasetFormat, SplitName
from ocrsmith.data.formats import WRITERS, read_labels, write_dataset
from ocrsmith.evaluation.text import TEXT_RULES
from ocrsmith.geometry import box_quad
from ocrsmith.images import read_image
from ocrsmith.reading.bundle import Bundle
from ocrsmith.samples import LineSample, PageSample, TextInstance
from ocrsmith.splits import SPLITS

Run = Callable[..., Any]
RECIPE = """
name = "tiny"
alphabet = "0123456789"
backgrounds = { procedural_share = 1.0 }
fonts = { categories = ["mono"] }
text = { kind = "random", max_length = 3, space_share = 0.0 }

[recognizer]
settings = { widths = [8, 16, 16, 24], context = [1] }
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def pages(tmp_path: Path, colours: np.ndarray) -> Path:
    """A page labelled rightly, and the same one with a wrong word."""
    right = [TextInstance(box_quad(20, 16, 52, 32), "ab"), TextInstance(box_quad(68, 16, 84, 32), "a")]
    last = [TextInstance(box_quad(20, 64, 36, 80), text) for text in "ba"]
    write_dataset([PageSample(colours, [*right, word]) for word in last], tmp_path / "pages")
    return tmp_path / "pages"


def test_names_are_those_of_the_floors_below() -> None:
    assert {each.value for each in DatasetFormat} == set(WRITERS)
    assert {each.value for each in Comparison} == set(TEXT_RULES)
    assert tuple(each.value for each in SplitName) == SPLITS


def test_synth_writes_a_sheet(ocrsmith: Run, recipe: Path, tmp_path: Path) -> None:
    done = ocrsmith("synth", recipe, "--preview", tmp_path / "sheet.png", "--count", "6")
    assert done.code == 0 and "6 samples" in done.errors
    assert read_image(tmp_path / "sheet.png").shape[1] > 1000


def test_synth_writes_the_same_with_workers(ocrsmith: Run, recipe: Path, tmp_path: Path) -> None:
    folders = [tmp_path / "alone", tmp_path / "shared"]
    for folder, workers in zip(folders, ("0", "2")):
        done = ocrsmith("synth", recipe, "--out", folder, "--count", "9", "--workers", workers)
        assert done.code == 0 and "9 samples written" in done.errors and "texts of 1 to 3 characters" in done.errors
    alone, shared = ({p.name: p.read_bytes() for p in folder.rglob("*.*")} for folder in folders)
    assert alone == shared and len(alone) == 10


def test_synth_counts_what_cannot_be_read(ocrsmith: Run, recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / "bad.ttf").write_bytes(b"no font")
    recipe.write_text(RECIPE.replace('{ categories = ["mono"] }', '{ folders = ["builtin", "fonts"] }'))
    done = ocrsmith("synth", recipe, "--out", tmp_path / "data", "--count", "2")
    assert done.code == 0 and "Left out as they cannot be read: 1 fonts (such as" in done.errors


def test_synth_writes_a_data_set_and_goes_on(ocrsmith: Run, recipe: Path, tmp_path: Path) -> None:
    assert ocrsmith("synth", recipe, "--out", tmp_path / "data", "--count", "3").code == 0
    first = (tmp_path / "data" / "labels.jsonl").read_text()
    done = ocrsmith("synth", recipe, "--out", tmp_path / "data", "--count", "5")
    assert "2 samples written" in done.errors and "3 were there" in done.errors
    assert (tmp_path / "data" / "labels.jsonl").read_text().startswith(first)
    assert len(read_labels(tmp_path / "data")) == 5


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--out", "data"], 2, "--count"),
        (["--what", "pages", "--preview", "sheet.png"], 7, "[detector]"),
    ],
)
def test_synth_says_what_is_missing(ocrsmith: Run, recipe: Path, arguments: list[str], code: int, says: str) -> None:
    done = ocrsmith("synth", recipe, *arguments)
    assert done.code == code and says in done.errors


def test_a_recipe_with_mistakes_tells_all_of_them(ocrsmith: Run, recipe: Path) -> None:
    recipe.write_text(RECIPE.replace("alphabet", "alfabet") + "\nlearning_rat = 1\n")
    done = ocrsmith("synth", recipe, "--preview", "sheet.png")
    assert done.code == 7
    assert "alfabet" in done.errors and "learning_rate" in done.errors and "Traceback" not in done.errors


def test_train_hands_everything_on(ocrsmith: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import ocrsmith.training.run as run_module

    given: dict[str, Any] = {}

    def train(recipe: str, out: Path, **options: Any) -> SimpleNamespace:
        given.update(recipe=recipe, out=out, **options)
        return SimpleNamespace(report=tmp_path / "report.html")

    monkeypatch.setattr(run_module, "train", train)
    options = ["--out", tmp_path, "--minutes", "3", "--workers", "0", "--restart", "--accelerator", "cpu", "-q"]
    folders = ["--pictures", "mine", "--real", "yours", "--real", "ours", "--start", "english"]
    assert ocrsmith("train", "a.toml", *options, *folders).code == 0
    assert given == {
        **{"recipe": "a.toml", "out": tmp_path, "minutes": 3.0, "workers": 0, "resume": False},
        **{"accelerator": "cpu", "progress": False, "pictures": [Path("mine")]},
        **{"real": [Path("yours"), Path("ours")], "start": "english"},
    }


def test_train_without_such_a_recipe(ocrsmith: Run) -> None:
    done = ocrsmith("train", "seven_segmnt")
    assert done.code == 7 and "did you mean 'seven_segment'?" in done.errors and done.errors.count("\n") == 1


def test_evaluate_prints_counts_beside_scores(ocrsmith: Run, tiny_bundle: Path, pages: Path, tmp_path: Path) -> None:
    done = ocrsmith("evaluate", tiny_bundle, pages, "--predictions", tmp_path / "read.jsonl")
    assert done.code == 0
    rows = {tuple(line.split()[:-3]): line.split()[-3:] for line in done.text.splitlines() if line.startswith("pages ")}
    # Five of six words are read as labelled; every box is found.
    assert rows[("pages", "boxes", "F")] == ["100.0", "%", "6"]
    assert rows[("pages", "words", "recall")] == ["83.3", "%", "6"]
    assert len((tmp_path / "read.jsonl").read_text().splitlines()) == 2


def test_evaluate_in_json_with_a_bad_picture(ocrsmith: Run, tiny_bundle: Path, pages: Path, tmp_path: Path) -> None:
    next((pages / "images").iterdir()).write_bytes(b"no picture")
    done = ocrsmith("evaluate", tiny_bundle, pages, pages, "--json", "--predictions", tmp_path / "read")
    assert done.code == 15
    folders = json.loads(done.text)["folders"]
    assert [folder["num_pictures"] for folder in folders] == [1, 1]
    assert len(folders[0]["failures"]) == 1 and "not read: pages/" in done.errors
    assert (tmp_path / "read" / "pages.jsonl").is_file()


def test_evaluate_crops(ocrsmith: Run, tiny_bundle: Path, colours: np.ndarray, tmp_path: Path) -> None:
    crops = [LineSample(colours[16:32, 20:84], "ab a"), LineSample(colours[64:80, 20:36], "a")]
    write_dataset(crops, tmp_path / "crops")
    done = ocrsmith("evaluate", tiny_bundle, tmp_path / "crops", "--comparison", "exact")
    assert done.code == 0 and "50.0 %" in done.text


def test_evaluate_prints_another_model_beside(
    ocrsmith: Run, tiny_bundle: Path, pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.ocrsmith"
    other.write_bytes(tiny_bundle.read_bytes())
    done = ocrsmith("evaluate", tiny_bundle, pages, "--beside", other)
    rows = {tuple(line.split()[:-5]): line.split()[-5:] for line in done.text.splitlines() if line.startswith("pages ")}
    assert done.code == 0 and rows[("pages", "words", "recall")] == ["83.3", "%", "83.3", "%", "6"]
    assert "other" in done.text
    # Bundles of one name are told apart by their paths.
    namesake = tmp_path / "b" / "other.ocrsmith"
    namesake.parent.mkdir()
    namesake.write_bytes(other.read_bytes())
    monkeypatch.chdir(tmp_path)  # short paths, which no column folds
    heads = ocrsmith("evaluate", "other.ocrsmith", pages, "--beside", "b/other.ocrsmith").text.partition("\npages")[0]
    assert " other.ocrsmith " in heads and " b/other.ocrsmith " in heads
    form = json.loads(ocrsmith("evaluate", tiny_bundle, pages, "--beside", other, "--json").text)
    assert form["beside"]["model"] == str(other)
    assert form["beside"]["folders"][0]["scores"] == form["folders"][0]["scores"]


def test_describe(ocrsmith: Run, pages: Path) -> None:
    done = ocrsmith("describe", pages, "--alphabet", "b")
    assert done.code == 0
    assert "2 pages with jsonl labels" in done.text and "lacks 'a'" in done.text
    (pages / "labels.jsonl").write_text((pages / "labels.jsonl").read_text() + "{broken\n")
    done = ocrsmith("describe", pages)
    assert done.code == 15 and "labels.jsonl:3" in done.text


def test_models_card(ocrsmith: Run, tiny_bundle: Path) -> None:
    done = ocrsmith("models", "card", tiny_bundle)
    assert done.code == 0
    assert "CC0-1.0" in done.text and "3: ab " in done.text and "detector (db) and recognizer (ctc)" in done.text
    form = json.loads(ocrsmith("models", "card", tiny_bundle, "--json").text)
    assert form["name"] == "tiny" and form["card"]["description"] == "Reads colours."


def test_models_lists_networks_and_start_weights(ocrsmith: Run) -> None:
    done = ocrsmith("models")
    assert done.code == 0
    assert all(name in done.text for name in ("light_ctc", "clovaai_general", "MIT", "ppocr_v6_small", "Apache-2.0"))


def test_models_fetch_names_the_known(ocrsmith: Run) -> None:
    done = ocrsmith("models", "fetch", "clova")
    assert done.code == 8 and "clovaai_general" in done.errors


def test_assets_are_counted_with_licences(ocrsmith: Run) -> None:
    done = ocrsmith("assets")
    assert done.code == 0
    assert all(word in done.text for word in ("segment", "OFL-1.1", "CC0", "english", "seven_segment"))


def test_assets_fonts_tells_coverage(ocrsmith: Run) -> None:
    done = ocrsmith("assets", "fonts", "--alphabet", "0123456789", "--category", "segment", "--refused")
    assert done.code == 0
    assert " segment " in done.text and "is of category sans" in done.text and "families draw it" in done.errors
    assert ocrsmith("assets", "fonts", "--alphabet", "漢").code == 5


def test_assets_fetch_knows_one_name(ocrsmith: Run) -> None:
    done = ocrsmith("assets", "fetch", "everything")
    assert done.code == 2 and "keras-ocr" in done.errors


def test_export_needs_one_source(ocrsmith: Run, tmp_path: Path) -> None:
    assert ocrsmith("export", "--out", tmp_path / "x.ocrsmith").code == 2
    done = ocrsmith("export", tmp_path, "--out", tmp_path / "x.ocrsmith")
    assert done.code == 3 and "no finished run" in done.errors


def test_export_of_start_weights_reads(ocrsmith: Run, tmp_path: Path) -> None:
    from ocrsmith.alphabet import Alphabet
    from ocrsmith.export.bundle import NetworkToExport, export_bundle
    from ocrsmith.models.registry import build_recognizer

    settings = {"widths": [8, 16, 16, 24], "context": [1]}
    model = build_recognizer("light_ctc", Alphabet("0123456789"), **settings)
    first = export_bundle(tmp_path / "first.ocrsmith", recognizer=NetworkToExport(model, "light_ctc", settings))
    target = tmp_path / "second.ocrsmith"
    done = ocrsmith("export", "--recognizer", first, "--alphabet", "0189", "--full-precision", "--out", target)
    assert done.code == 0, done.errors
    bundle = Bundle.load(target)
    assert bundle.recognizer is not None and "".join(bundle.recognizer.alphabet.characters) == "0189"
    assert bundle.card["parity"]["recognizer"] and bundle.card["start"]["recognizer"]["source"] == "first"
    assert bundle.detector is None


@pytest.mark.parametrize("name", ["english", "seven_segment"])
def test_models_card_of_a_packaged_bundle(ocrsmith: Run, name: str) -> None:
    done = ocrsmith("models", "card", name)
    assert done.code == 0, done.errors
    assert "ppocr_v6_small" in done.text
    assert ("docs/accuracy.md" if name == "english" else "90.0 %") in done.text
