"""A whole run on new pictures beside old ones to keep, on the smallest network."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import torch

from ocrsmith.models.craft_light import CraftLight
from ocrsmith.models.weights import save_weights
from ocrsmith.training.recipe_loading import parse_recipe
from ocrsmith.training.run import train

SETTINGS = {"widths": [8, 8, 8, 8, 8], "depths": [1, 1, 1, 1]}


def pages(folder: Path) -> Path:
    """Four pages of one number each."""
    folder.mkdir()
    rows = []
    for number in range(4):
        image = np.full((64, 96, 3), 220, np.uint8)
        cv2.putText(image, f"{number}12", (12, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (20, 20, 20), 2)
        cv2.imwrite(str(folder / f"{number}.png"), image)
        word = {"polygon": [[10, 16], [66, 16], [66, 44], [10, 44]], "text": f"{number}12"}
        rows.append(json.dumps({"image": f"{number}.png", "words": [word]}))
    (folder / "labels.jsonl").write_text("\n".join(rows))
    return folder


def test_mixtures_are_tried_and_old_pictures_decide(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    save_weights(CraftLight(**SETTINGS), tmp_path / "start.safetensors")  # type: ignore[arg-type]
    mine = str(pages(tmp_path / "mine"))
    table = {
        "model": "craft_light",
        "settings": SETTINGS,
        "start": str(tmp_path / "start.safetensors"),
        "image_size": 64,
        "batch_size": 2,
        "steps": 2,
        "steps_per_epoch": 2,
        "validation_samples": 2,
        "mixtures": [1.0, 0.5],
        "real": [{"folder": mine}],
        "keep": [{"folder": mine, "name": "old", "level": "lines"}],
    }
    form = {
        "name": "tiny",
        "alphabet": "0123456789",
        "minutes": 10,
        "test_samples": 2,
        "fonts": {"categories": ["sans"]},
        "backgrounds": {"procedural_share": 1.0},
        "text": {"kind": "random", "max_length": 3, "space_share": 0.0},
        "detector": table,
        "pictures": [{"folder": mine, "name": "in part", "complete": False}],
    }
    result = train(parse_recipe(form), tmp_path / "run", workers=0, accelerator="cpu", progress=False)
    assert [one["share"] for one in result.fits["detector"].mixtures] == [1.0, 0.5]
    measures = {name: {row.measure for row in result.scores if row.data == name} for name in ("old, kept", "in part")}
    assert measures["old, kept"] == {"boxes F", "boxes recall", "boxes precision", "time a picture"}
    assert measures["in part"] == {"boxes recall", "time a picture"}
    assert "validation_real_old" in (result.folder / "detector" / "metrics.csv").read_text().splitlines()[0]
    notes = json.loads((result.folder / "run.json").read_text())["notes"]
    assert set(notes["detector_start_old_scores"]) == {"", "old"}
    assert "50% tuned" in result.report.read_text()
