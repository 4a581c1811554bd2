"""`ocrsmith calibrate` and `ocrsmith export --int8` on a bundle that reads colours."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocrsmith.images import write_image
from ocrsmith.reading.bundle import Bundle
from ocrsmith.training import drawn_lines

Run = Callable[..., Any]
RED, GREEN = (255, 0, 0), (0, 255, 0)


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """160 crops of one letter, more or less red or green; every seventh has the wrong label."""
    folder = tmp_path_factory.mktemp("crops")
    rng = np.random.default_rng(0)
    rows = []
    for number in range(160):
        image = np.full((8, 12, 3), 255, np.uint8)
        image[:, 4:8] = RED if number % 2 else GREEN
        faded = image[:, 4:8].astype(float) + rng.uniform(0, 0.15) * (255 - image[:, 4:8])
        image[:, 4:8] = faded.astype(np.uint8)
        write_image(folder / f"{number}.png", image)
        right = "a" if number % 2 else "b"
        rows.append(
            json.dumps({"image": f"{number}.png", "text": "ab".replace(right, "") if number % 7 == 0 else right})
        )
    (folder / "labels.jsonl").write_text("\n".join(rows))
    return folder


def test_calibrate(ocrsmith: Run, tiny_bundle: Path, crops: Path, tmp_path: Path) -> None:
    out = tmp_path / "sure.ocrsmith"
    done = ocrsmith("calibrate", tiny_bundle, crops, "--output", out, "--engine", "onnxruntime")
    assert done.code == 0, done.errors
    assert "Held out, before" in done.text and "Held out, after" in done.text
    bundle = Bundle.load(out)
    assert bundle.recognizer is not None and bundle.recognizer.calibration is not None
    told = bundle.card["calibration"]
    assert told["words"] == 160 and told["held_out_error"]["words"] == 80
    assert told["held_out_error"]["after"] < told["held_out_error"]["before"]


def test_too_few_words(ocrsmith: Run, tiny_bundle: Path, tmp_path: Path) -> None:
    image = np.full((8, 12, 3), 255, np.uint8)
    write_image(tmp_path / "few" / "a.png", image)
    (tmp_path / "few" / "labels.jsonl").write_text('{"image": "a.png", "text": "a"}')
    done = ocrsmith("calibrate", tiny_bundle, tmp_path / "few", "-o", tmp_path / "x.ocrsmith")
    assert done.code == 3
    assert "at least 100 are needed" in done.errors


def test_int8(ocrsmith: Run, tiny_bundle: Path, crops: Path, tmp_path: Path) -> None:
    out = tmp_path / "small.ocrsmith"
    done = ocrsmith("export", tiny_bundle, "--int8", "--pictures", crops, "-o", out, "--largest-loss", 0.05)
    assert done.code == 0, done.errors
    assert "in 8 bits (80 counted)" in done.errors
    assert Bundle.load(out).card["int8"]["parts"] == ["recognizer"]


def test_int8_needs_pictures(ocrsmith: Run, tiny_bundle: Path, tmp_path: Path) -> None:
    done = ocrsmith("export", tiny_bundle, "--int8", "-o", tmp_path / "small.ocrsmith")
    assert done.code == 2
    assert "needs --pictures, or a --recipe" in done.errors
    done = ocrsmith("export", tiny_bundle, "--pictures", tmp_path, "-o", tmp_path / "small.ocrsmith")
    assert done.code == 2
    assert "belong to --int8" in done.errors


def test_int8_by_drawn_lines(
    ocrsmith: Run, tiny_bundle: Path, crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(drawn_lines, "draw_lines", lambda given, folder: drawn.append(given.recipe.name) or crops)
    out = tmp_path / "small.ocrsmith"
    done = ocrsmith("export", tiny_bundle, "--int8", "--recipe", "english_words", "-o", out, "--largest-loss", 0.05)
    assert done.code == 0, done.errors
    assert drawn == ["english_words"]
    assert Bundle.load(out).manifest["recognizer"]["precision"] == "int8"


def test_constraints_on_the_command_line(ocrsmith: Run, tiny_bundle: Path, crops: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("b\n\nbb\n", encoding="utf-8-sig")
    page = np.full((96, 160, 3), 255, np.uint8)
    page[32:48, 40:56] = RED
    write_image(tmp_path / "page.png", page)
    read = ("read", tmp_path / "page.png", "-m", tiny_bundle, "--min-confidence", 0)
    assert ocrsmith(*read).text.strip() == "a"
    assert ocrsmith(*read, "--pattern", "b+").text.strip() == "b"
    assert ocrsmith(*read, "--words", words).text.strip() == "b"
    assert ocrsmith(*read, "--words", words, "--word-bias", 0, "--beam", 4).text.strip() == "a"
    scores = ocrsmith("evaluate", tiny_bundle, crops, "--pattern", "b", "--json")
    assert json.loads(scores.text)["folders"][0]["scores"][0]["value"] == pytest.approx(0.5, abs=0.13)
    assert ocrsmith(*read, "--pattern", "[b").code == 16
    missing = ocrsmith(*read, "--words", tmp_path / "none.txt")
    assert missing.code == 3 and "cannot be read" in missing.errors
