"""CRAFT against what keras-ocr computed from the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ocrsmith.errors import WeightsError
from ocrsmith.images import read_image
from ocrsmith.models.craft import Craft
from ocrsmith.models.start_weights import find_start_weights
from ocrsmith.models.weights import load_start_weights


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


def write_keras_layout(path: Path, model: Craft) -> None:
    """What keras-ocr would save of these weights: layers named as in the checkpoint, Keras's axes and names."""
    h5py = pytest.importorskip("h5py")
    keras_names = {"running_mean": "moving_mean", "running_var": "moving_variance"}
    layers: dict[str, dict[str, np.ndarray]] = {}
    for key, value in model.state_dict().items():
        layer, _, name = key.rpartition(".")
        array = value.numpy()
        if name == "num_batches_tracked":
            continue
        if f"{layer}.running_mean" in model.state_dict():
            name = {"weight": "gamma", "bias": "beta"}.get(name, keras_names.get(name, name))
        elif name == "weight":
            name, array = "kernel", array.transpose(2, 3, 1, 0)
        layers.setdefault(layer, {})[name] = array
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"input_1", *[layer.encode() for layer in layers]]
        file.create_group("input_1").attrs["weight_names"] = np.zeros(0, "S1")
        for layer, arrays in layers.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = [f"{layer}/{name}:0".encode() for name in arrays]
            for name, array in arrays.items():
                group[f"{layer}/{name}:0"] = array


def test_the_keras_layout_is_read_back(general: Craft, tmp_path: Path) -> None:
    write_keras_layout(tmp_path / "craft_mlt_25k.h5", general)
    model = Craft()
    report = load_start_weights(model, tmp_path / "craft_mlt_25k.h5")
    assert not report.missing and not report.unexpected
    own = general.state_dict()
    for key, value in model.state_dict().items():
        if not key.endswith("num_batches_tracked"):
            torch.testing.assert_close(value, own[key], rtol=0, atol=0)
