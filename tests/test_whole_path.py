"""From an alphabet and fonts to a bundle that reads pictures: the whole path, with small networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ocrsmith.evaluation.text import TextCounts
from ocrsmith.reading.reader import Reader
from ocrsmith.training.recipe_loading import parse_recipe
from ocrsmith.training.run import train
from ocrsmith.training.worlds import Materials

RECIPE = {
    "name": "whole_path",
    "alphabet": "0123456789",
    "minutes": 3,
    "test_samples": 40,
    "fonts": {"categories": ["sans"]},
    "text": {"kind": "random", "min_length": 2, "max_length": 4, "space_share": 0.0},
    "detector": {
        "model": "craft_light",
        "share": 0.5,
        "image_size": 192,
        "batch_size": 4,
        "learning_rate": 3e-3,
        "steps_per_epoch": 40,
        "validation_samples": 8,
        "world": [{"scene": "photo", "font_size_px": [24.0, 48.0], "blocks": [1, 3], "rotation_degrees": [0, 0, 5]}],
    },
    "recognizer": {
        "model": "light_ctc",
        "share": 0.5,
        "batch_size": 32,
        "learning_rate": 3e-3,
        "steps_per_epoch": 50,
        "validation_samples": 128,
        "world": [{"scene": "line", "degradation": 0.2}],
    },
}


@pytest.mark.slow
def test_a_recipe_becomes_a_reader(tmp_path: Path) -> None:
    recipe = parse_recipe(RECIPE)
    result = train(recipe, tmp_path, workers=1, accelerator="cpu", progress=False)
    assert recipe.recognizer is not None
    assert recipe.detector is not None
    materials = Materials(recipe)
    reader = Reader(result.bundle)

    lines = materials.recognizer_world(recipe.recognizer, "test")
    samples = [lines[index] for index in range(100, 200)]
    found = reader.recognize([sample.image for sample in samples])
    counts = TextCounts.from_pairs((s.text, f.text) for s, f in zip(samples, found, strict=True))
    assert counts.character_error_rate < 0.5

    pages = materials.detector_world(recipe.detector, "test")
    read = [{word.text for word in reader.read(pages[index].image).words} for index in range(10)]
    assert any(text for page in read for text in page)
    blank = reader.read(np.full((192, 192, 3), 128, np.uint8))
    assert len(blank.words) <= 2
