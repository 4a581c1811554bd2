"""CRAFT against what keras-ocr computed from the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ocrsmith.errors import WeightsError
from ocrsmith.images import read_image
from ocrsmith.models.craft import Craft
from ocrsmith.models.weights import find_start_weights, load_start_weights


@pytest.fixture(scope="module")
def general() -> Craft:
    try:
        find_start_weights("clovaai_general")
    except WeightsError as error:
        pytest.skip(str(error))
    model = Craft()
    report = load_start_weights(model, "clovaai_general")
    assert not report.missing and not report.unexpected
    assert report.licence == "MIT"
    return model.eval()


def test_maps_agree_with_the_reference(general: Craft, shared_dir: Path) -> None:
    image = read_image(shared_dir / "fixtures" / "keras_ocr" / "craft_input.png")
    expected = np.load(shared_dir / "fixtures" / "keras_ocr" / "craft_io.npz")["maps"]
    with torch.inference_mode():
        maps = general(torch.from_numpy(general.input.normalize(image[None])))
    # Measured: 7.2e-7, on values from -0.02 to 0.99.
    np.testing.assert_allclose(maps.numpy().transpose(0, 2, 3, 1), expected, rtol=0, atol=5e-6)


def test_the_number_of_parameters_is_the_published_one() -> None:
    assert sum(p.numel() for p in Craft().parameters()) == 20_770_466
