"""`ocrsmith tune` from the line to what it prints and writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocrsmith.geometry import box_quad
from ocrsmith.images import write_image
from ocrsmith.reading.bundle import Bundle

Run = Callable[..., Any]


@pytest.fixture
def pages(tmp_path: Path, colours: np.ndarray) -> Path:
    folder = tmp_path / "pages"
    folder.mkdir()
    words = [{"polygon": box_quad(20, 16, 84, 32).tolist(), "text": "ab a"}]
    words.append({"polygon": box_quad(20, 64, 36, 80).tolist(), "text": "b"})
    rows = []
    for number in range(2):
        write_image(folder / f"{number}.png", colours)
        rows.append(json.dumps({"image": f"{number}.png", "words": words}))
    (folder / "labels.jsonl").write_text("\n".join(rows), encoding="utf-8")
    return folder


def test_tables_and_a_bundle(ocrsmith: Run, tiny_bundle: Path, pages: Path, tmp_path: Path) -> None:
    done = ocrsmith(
        "tune", tiny_bundle, pages, "-o", tmp_path / "new.ocrsmith", "--curves", tmp_path / "c.html", "--threads", "1"
    )
    assert done.code == 0, done.errors
    assert "pages: 4 boxes on 2 pictures, IoU 0.5" in done.text
    assert all(f"along {axis}" in done.text for axis in ("box", "binary", "unclip_ratio"))
    assert all(line in done.text for line in ("present", "best of the other half", "100.0 %"))
    # Colour is all or nothing: the present thresholds find everything, and nothing is better.
    assert "Keep them" in done.text
    assert Bundle.load(tmp_path / "new.ocrsmith").card["thresholds_tuned"]["num_pictures"] == 2
    assert "<svg" in (tmp_path / "c.html").read_text(encoding="utf-8")


def test_json(ocrsmith: Run, tiny_bundle: Path, pages: Path) -> None:
    done = ocrsmith("tune", tiny_bundle, pages, "--json", "--threads", "1")
    form = json.loads(done.text)
    assert form["best"]["thresholds"] == form["present"]["thresholds"] and form["best"]["f"] == 1.0
    assert form["held_out"] == {"precision": 1.0, "recall": 1.0, "f": 1.0}
    assert set(form["curves"]) == {"box", "binary", "unclip_ratio"} and form["num_boxes"] == 4


def test_what_cannot_be_tuned(ocrsmith: Run, tiny_bundle: Path, pages: Path, tmp_path: Path) -> None:
    (pages / "1.png").write_bytes(b"no picture")
    done = ocrsmith("tune", tiny_bundle, pages, "--threads", "1")
    assert done.code == 15 and "not read: 1.png" in done.errors
    (pages / "labels.jsonl").unlink()
    done = ocrsmith("tune", tiny_bundle, pages)
    assert done.code in (3, 6) and "Traceback" not in done.errors and "labels" in done.errors
