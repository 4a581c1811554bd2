"""Every network of the registry on the harness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from harness import (
    check_replaces_its_alphabet,
    check_runs_in_bfloat16,
    check_saves_and_loads,
    check_trains_a_detector,
    check_trains_a_recognizer,
    detector_images,
    recognizer_images,
)

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import RecipeError
from ocrsmith.models.registry import DETECTORS, RECOGNIZERS, build_detector, build_recognizer, list_models

CRAFTS = ["craft", "craft_light"]
SMALL: dict[str, dict[str, Any]] = {
    "crnn": {"filters": (8, 8, 16, 16, 24, 24, 24), "rnn_units": (16, 16), "width": 64},
    "vgg_bilstm": {"channels": 32, "units": 16},
}
ALPHABET = Alphabet("0123456789.-")


@pytest.mark.parametrize("name", CRAFTS)
def test_a_detector_gives_two_maps_at_half_size(name: str) -> None:
    model = build_detector(name).eval()
    with torch.inference_mode():
        for height, width in ((32, 32), (64, 96)):
            assert model(detector_images(model, height, width)).shape == (2, 2, height // 2, width // 2)


@pytest.mark.parametrize("name", CRAFTS)
def test_a_detector_keeps_the_contract(name: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = build_detector(name)
    images = detector_images(model, 64, 64)
    check_trains_a_detector(model, images)
    check_runs_in_bfloat16(model, images)
    check_saves_and_loads(model, build_detector(name), images, tmp_path)


@pytest.mark.parametrize("name", sorted(RECOGNIZERS))
def test_a_recognizer_gives_the_steps_that_its_input_promises(name: str) -> None:
    model = build_recognizer(name, ALPHABET, **SMALL.get(name, {})).eval()
    with torch.inference_mode():
        for width in (64,) if model.input.fit == "letterbox" else (32, 64, 320):
            logits = model(recognizer_images(model, width))
            assert logits.shape == (2, model.input.num_steps(width), ALPHABET.num_classes)


@pytest.mark.parametrize("name", sorted(RECOGNIZERS))
def test_a_recognizer_keeps_the_contract(name: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    settings = SMALL.get(name, {})
    model = build_recognizer(name, ALPHABET, **settings)
    images = recognizer_images(model, 64)
    check_trains_a_recognizer(model, images)
    check_runs_in_bfloat16(model, images)
    check_saves_and_loads(model, build_recognizer(name, ALPHABET, **settings), images, tmp_path)
    check_replaces_its_alphabet(model, images)


def test_the_list_says_what_was_built() -> None:
    for info in list_models():
        if info.name in CRAFTS or info.role == "recognizer":
            characters = [chr(code) for code in range(0x4E00, 0x4E00 + 96)]
            built = (
                build_recognizer(info.name, Alphabet(characters))
                if info.role == "recognizer"
                else build_detector(info.name)
            )
            millions = sum(p.numel() for p in built.parameters()) / 1e6
            assert info.parameters == pytest.approx(millions, rel=0.01), info.name
    assert "clovaai_general (MIT)" in str(DETECTORS["craft"])


def test_misspelt_names_and_settings_are_answered_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match="Did you mean 'craft'"):
        build_detector("crafft")
    with pytest.raises(RecipeError, match="did you mean 'rnn_units'"):
        build_recognizer("crnn", ALPHABET, rnn_unit=(1, 1))
    with pytest.raises(RecipeError, match="7 convolutions"):
        build_recognizer("crnn", ALPHABET, filters=(8, 8))
