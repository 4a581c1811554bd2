"""Networks in 8 bits: near to their own on both engines, computed in integers, and good as a start."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from test_onnx import TinyDetector, settle
from torch import nn

from ocrsmith.errors import InputError
from ocrsmith.export.onnx import example_images, export_network
from ocrsmith.export.quantization import quantize_network
from ocrsmith.models import torch_engine
from ocrsmith.models.onnx_state import load_state_from_onnx, state_from_onnx
from ocrsmith.reading.engines import open_engine
from ocrsmith.reading.openvino_engine import ROUNDED_OUTPUT

sys.path.append(str(Path(__file__).parents[1] / "reading"))
from tiny_networks import ctc_network


class Normalised(TinyDetector):
    """What pays in 8 bits: wide convolutions, with normalisation, GELU and pooling between them."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__("db", channels)
        self.backbone = nn.Sequential(
            nn.Conv2d(3, channels, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, 2 * channels, 1),
            nn.GELU(),
            nn.Conv2d(2 * channels, channels, 1),
            nn.BatchNorm2d(channels),
        )
        with torch.no_grad():
            self.backbone[3].weight[::3] *= -1
            self.backbone[3].weight[1] = 0


@pytest.fixture(scope="module")
def model() -> Normalised:
    torch.manual_seed(0)
    settled = settle(Normalised())
    assert isinstance(settled, Normalised)
    return settled


@pytest.fixture(scope="module")
def networks(model: Normalised, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """As exported with weights in 16 bits, and that in 8."""
    path = tmp_path_factory.mktemp("network") / "network.onnx"
    content = export_network(model, path, half_precision=True).read_bytes()
    shown = [example_images(model, seed=seed).numpy() for seed in range(3)]
    return content, quantize_network(content, shown, most_harm=np.inf)


def test_pytorch_reads_its_weights_on_their_levels(
    model: Normalised, networks: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_engine, "build_detector", lambda name, **settings: settle(Normalised()))
    images = example_images(model, seed=9).numpy()
    own, rounded = (torch_engine.TorchEngine(content, "normalised", {}, None, 1).run(images) for content in networks)
    found = open_engine(networks[1], "onnxruntime", 1).run(images)
    assert np.abs(own - open_engine(networks[0], "onnxruntime", 1).run(images)).max() < 1e-4
    assert 0 < np.abs(rounded - own).max() < 0.03
    assert 0 < np.abs(rounded - found).max() < 0.03


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_near_its_own(model: Normalised, networks: tuple[bytes, bytes], engine: str) -> None:
    if engine == "openvino":
        pytest.importorskip("openvino")
    images = example_images(model, seed=9).numpy()
    expected = open_engine(networks[0], "onnxruntime", 1).run(images)
    found = open_engine(networks[1], engine, 1).run(images)
    assert found.shape == expected.shape
    assert 0 < np.abs(found - expected).max() < 0.03
    wide = np.concatenate([images, images], axis=3)
    assert open_engine(networks[1], engine, 1).run(wide).shape[3] == 2 * found.shape[3]


def test_onnx_runtime_computes_it_in_integers(networks: tuple[bytes, bytes], tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(networks[1], options, providers=["CPUExecutionProvider"])
    operators = [node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node]
    assert operators.count("QLinearConv") == 3
    assert "BatchNormalization" not in operators


def test_outputs_are_rounded_where_no_layer_follows(networks: tuple[bytes, bytes]) -> None:
    nodes = onnx.load_model_from_string(networks[1]).graph.node
    behind = [node.name for node in nodes if node.name.endswith(ROUNDED_OUTPUT)]
    # Of three layers the first gives the second its input, which is rounded once.
    assert len(behind) == 2


def test_a_start_for_a_training(model: Normalised, networks: tuple[bytes, bytes]) -> None:
    new = Normalised()
    load_state_from_onnx(new, networks[1], "here")
    for key, value in model.state_dict().items():
        if key.endswith("num_batches_tracked"):
            continue
        step = 10 * float(value.abs().max()) / 127 if value.ndim == 4 else 0.1
        assert torch.allclose(new.state_dict()[key], value, atol=step), key
    # The weights of the file lie on the levels already.
    state = state_from_onnx(networks[1])
    name = "backbone.2.weight.float32"
    times = state[f"{name}.evened.times"] * state[f"{name}.signed.times"]
    codes = state["backbone.2.weight"] * times / state[f"{name}.scale"].reshape(-1, 1, 1, 1)
    assert torch.allclose(codes, codes.round(), atol=0.1)
    assert float(codes.abs().max()) == pytest.approx(127, abs=0.1)


def test_the_file_is_hardly_larger_than_before(networks: tuple[bytes, bytes]) -> None:
    # Nothing as large as the weights comes in: steps, factors and biases have a number a channel.
    plain, rounded = (
        sum(math.prod(tensor.dims) for tensor in onnx.load_model_from_string(content).graph.initializer)
        for content in networks
    )
    assert rounded < 1.1 * plain


def test_what_costs_more_than_its_share_stays(model: Normalised, networks: tuple[bytes, bytes]) -> None:
    def rounded_layers(content: bytes) -> list[str]:
        nodes = onnx.load_model_from_string(content).graph.node
        made = {node.output[0]: node.op_type for node in nodes}
        return [node.name for node in nodes if node.op_type == "Conv" and made.get(node.input[1]) == "DequantizeLinear"]

    shown = [example_images(model, seed=seed).numpy() for seed in range(3)]
    own = networks[0]
    everything = rounded_layers(networks[1])
    assert len(everything) == 3
    kept = rounded_layers(quantize_network(own, shown, most_harm=1.0))
    # Of shares of the harm over shares of the work, one at least is above 1, and one at most 1.
    assert 0 < len(kept) < 3
    assert set(kept) < set(everything)
    assert quantize_network(own, shown, most_harm=0.0) == own


def test_nothing_that_pays() -> None:
    content = ctc_network()
    assert quantize_network(content, [np.zeros((1, 3, 8, 16), np.float32)]) == content
    with pytest.raises(InputError, match="No pictures"):
        quantize_network(content, [])
