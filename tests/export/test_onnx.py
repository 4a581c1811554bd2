"""Exported networks: equal to PyTorch's, at any size, in half the bytes, and good as a start."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import BundleError, EngineError, OcrsmithError, StorageError, WeightsError
from ocrsmith.export.bundle import NetworkToExport, export_bundle
from ocrsmith.export.onnx import example_images, export_network
from ocrsmith.export.parity import prove, reference_output
from ocrsmith.models.onnx_state import exported_keys, load_state_from_onnx, state_from_onnx
from ocrsmith.models.registry import DETECTORS, RECOGNIZERS, build_detector, build_recognizer
from ocrsmith.preprocess import DetectorInput, RecognizerInput
from ocrsmith.reading.bundle import Bundle

ALPHABET = Alphabet("0123456789")


class TinyDetector(nn.Module):
    """Two maps, or one, at half the size."""

    def __init__(self, kind: str = "craft", channels: int = 16) -> None:
        super().__init__()
        self.kind = kind
        self.input = DetectorInput(multiple=8)
        self.backbone = nn.Sequential(
            nn.Conv2d(3, channels, 3, 2, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 1, 1),
        )
        self.head = nn.Conv2d(channels, 2 if kind == "craft" else 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        features = self.backbone(images)
        coarse = nn.functional.max_pool2d(features, 2)
        fine = nn.functional.interpolate(coarse, size=features.shape[2:], mode="bilinear", align_corners=False)
        return self.head(features + fine)


class TinyRecognizer(nn.Module):
    """Convolution, LSTM and a linear head."""

    kind = "ctc"

    def __init__(self, alphabet: Alphabet = ALPHABET, hidden: int = 16) -> None:
        super().__init__()
        self.alphabet = alphabet
        self.input = RecognizerInput(height=16, min_width=16, width_multiple=8, step_px=4)
        self.backbone = nn.Sequential(nn.Conv2d(3, hidden, 3, 2, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU())
        self.lstm = nn.LSTM(hidden, hidden, bidirectional=True, batch_first=True)
        self.head = nn.Linear(2 * hidden, alphabet.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        columns = nn.functional.avg_pool2d(self.backbone(images), (8, 2)).squeeze(2).transpose(1, 2)
        return self.head(self.lstm(columns)[0])


def settle(model: nn.Module) -> nn.Module:
    """Gives normalisation statistics that are not its first ones."""
    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    return model.eval()


@pytest.fixture(params=["craft", "db", "ctc"])
def model(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    return settle(TinyRecognizer() if request.param == "ctc" else TinyDetector(request.param))


@pytest.mark.parametrize("half", [False, True])
def test_engines_agree_with_pytorch_at_sizes_that_the_export_never_saw(
    model: nn.Module, half: bool, tmp_path: Path
) -> None:
    path = export_network(model, tmp_path / "network.onnx", half_precision=half)
    proof = prove(model, path)[0]
    assert proof.engine == "onnxruntime"
    assert proof.greatest_difference < (2e-3 if half else 2e-5)
    assert proof.num_inputs == 5
    assert proof.num_equal_texts == proof.num_texts == (5 if model.kind == "ctc" else 0)


def test_openvino_agrees_as_far_as_its_bfloat16_goes(model: nn.Module, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    proof = prove(model, export_network(model, tmp_path / "network.onnx"), engines=["openvino"])[0]
    assert proof.greatest_difference < 0.02


def test_db_and_ctc_give_probabilities_and_craft_its_maps(model: nn.Module, tmp_path: Path) -> None:
    path = export_network(model, tmp_path / "network.onnx")
    name = onnx.load(path).graph.output[0].name
    assert name == ("maps" if model.kind == "craft" else "probabilities")
    if model.kind == "ctc":
        np.testing.assert_allclose(reference_output(model, example_images(model)).sum(axis=2), 1, atol=1e-5)


def test_every_tensor_comes_back_as_it_was(model: nn.Module, tmp_path: Path) -> None:
    path = export_network(model, tmp_path / "network.onnx")
    state = state_from_onnx(path.read_bytes())
    for key in exported_keys(model):
        torch.testing.assert_close(state[key], model.state_dict()[key], rtol=0, atol=0)


def test_half_precision_halves_the_file_and_can_be_started_from(tmp_path: Path) -> None:
    big = settle(TinyRecognizer(hidden=96))
    whole = export_network(big, tmp_path / "whole.onnx")
    half = export_network(big, tmp_path / "half.onnx", half_precision=True)
    assert half.stat().st_size < 0.56 * whole.stat().st_size
    other = TinyRecognizer(hidden=96)
    keys = load_state_from_onnx(other, half.read_bytes(), "half.onnx")
    assert list(keys) == exported_keys(big)
    torch.testing.assert_close(other.lstm.weight_hh_l0, big.lstm.weight_hh_l0, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(other.backbone[1].running_var, big.backbone[1].running_var, rtol=0, atol=0)


def test_equal_tensors_are_stored_once_and_found_for_both(tmp_path: Path) -> None:
    tied = settle(TinyDetector())
    tied.second = tied.head  # one module under two names
    path = export_network(tied, tmp_path / "tied.onnx")
    state = state_from_onnx(path.read_bytes())
    torch.testing.assert_close(state["second.weight"], state["head.weight"])


def test_the_mode_is_left_as_it_was(tmp_path: Path) -> None:
    training = TinyDetector().train()
    export_network(training, tmp_path / "network.onnx")
    assert training.training


def test_a_parameter_without_use_is_named(tmp_path: Path) -> None:
    idle = settle(TinyDetector())
    idle.spare = nn.Linear(3, 5)
    with pytest.raises(OcrsmithError, match=r"spare.weight.*Every parameter must be used"):
        export_network(idle, tmp_path / "network.onnx")


def test_a_network_of_another_size_is_refused(tmp_path: Path) -> None:
    path = export_network(settle(TinyDetector(channels=16)), tmp_path / "network.onnx")
    with pytest.raises(WeightsError, match=r"backbone.0.weight is \(16, 3, 3, 3\) instead of \(8, 3, 3, 3\)"):
        load_state_from_onnx(TinyDetector(channels=8), path.read_bytes(), "network.onnx")


def test_what_is_no_onnx_is_refused() -> None:
    with pytest.raises(WeightsError, match="cannot be read as ONNX"):
        state_from_onnx(b"\xff\xff\xff not a network")


def test_past_the_bound_is_an_error(tmp_path: Path) -> None:
    path = export_network(settle(TinyDetector()), tmp_path / "network.onnx")
    with pytest.raises(EngineError, match=r"differ by .*at most 0.02 was expected"):
        prove(settle(TinyDetector(channels=16)).apply(_disturb), path)


def _disturb(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        module.weight.data.add_(1.0)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="could not be written"):
        export_network(settle(TinyDetector()), tmp_path / "nowhere" / "network.onnx")


def test_a_bundle_names_its_networks_and_holds_the_proof(tmp_path: Path) -> None:
    path = export_bundle(
        tmp_path / "tiny.ocrsmith",
        detector=NetworkToExport(settle(TinyDetector()), "tiny", {"channels": 16}),
        recognizer=NetworkToExport(settle(TinyRecognizer()), "tiny_ctc"),
        card={"licence": "Apache-2.0"},
    )
    bundle = Bundle.load(path)
    assert bundle.name == "tiny"
    assert bundle.manifest["detector"]["network"] == {"name": "tiny", "settings": {"channels": 16}}
    assert bundle.recognizer is not None
    assert bundle.recognizer.alphabet == ALPHABET
    assert bundle.card["licence"] == "Apache-2.0"
    assert bundle.card["parity"]["recognizer"][0]["engine"] == "onnxruntime"


def test_an_empty_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="without a detector and without a recogniser"):
        export_bundle(tmp_path / "none.ocrsmith")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*DETECTORS, *(f"recognizer:{name}" for name in RECOGNIZERS)])
def test_every_network_of_the_registry_exports_whole(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    kind, _, recognizer = name.partition(":")
    network = settle(build_recognizer(recognizer, ALPHABET) if recognizer else build_detector(kind))
    path = export_network(network, tmp_path / "network.onnx")
    prove(network, path, largest_difference=1e-3)
    state = state_from_onnx(path.read_bytes())
    for key in exported_keys(network):
        torch.testing.assert_close(state[key], network.state_dict()[key], rtol=0, atol=0)
