"""Tiny networks, made with onnx's own helpers, on which a reader's every number can be worked out.

The detector takes colour for text: its maps are 1 where a pixel is coloured and 0 where it is white, grey or black. The
recogniser reads colours, 4 px a step: red is "a", green is "b", blue is a space, and white is the blank.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ocrsmith.alphabet import Alphabet
from ocrsmith.preprocess import DetectorInput, RecognizerInput
from ocrsmith.reading.bundle import write_bundle

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0), "pad_value": 255}


def _network(nodes: list, weights: list, output_rank: int) -> bytes:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["B", 3, "H", "W"])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [None] * output_rank)],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def db_network() -> bytes:
    """(B, 3, H, W) -> (B, 1, H, W): the greatest channel less the least."""
    return _network(
        [
            helper.make_node("ReduceMax", ["images"], ["most"], axes=[1], keepdims=1),
            helper.make_node("ReduceMin", ["images"], ["least"], axes=[1], keepdims=1),
            helper.make_node("Sub", ["most", "least"], ["output"]),
        ],
        [],
        4,
    )


def craft_network() -> bytes:
    """(B, 3, H, W) -> (B, 2, H/2, W/2): colour as region, no affinity."""
    return _network(
        [
            helper.make_node("ReduceMax", ["images"], ["most"], axes=[1], keepdims=1),
            helper.make_node("ReduceMin", ["images"], ["least"], axes=[1], keepdims=1),
            helper.make_node("Sub", ["most", "least"], ["colour"]),
            helper.make_node("AveragePool", ["colour"], ["region"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Sub", ["region", "region"], ["affinity"]),
            helper.make_node("Concat", ["region", "affinity"], ["output"], axis=1),
        ],
        [],
        4,
    )


def ctc_network() -> bytes:
    """(B, 3, 8, W) -> logits (B, W/4, 4) of blank, "a", "b", " "."""
    colours = 12 * np.array([[0.5, 0.5, 0.5], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], np.float32)
    return _network(
        [
            helper.make_node("AveragePool", ["images"], ["steps"], kernel_shape=[8, 4], strides=[8, 4]),
            helper.make_node("Conv", ["steps", "colours"], ["classes"]),
            helper.make_node("Squeeze", ["classes", "height"], ["flat"]),
            helper.make_node("Transpose", ["flat"], ["output"], perm=[0, 2, 1]),
        ],
        [
            numpy_helper.from_array(colours[:, :, None, None], "colours"),
            numpy_helper.from_array(np.array([2], np.int64), "height"),
        ],
        3,
    )


@pytest.fixture(scope="session")
def make_bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes a tiny bundle: `make_bundle(kind="db", **manifest)`; `kind` None leaves the detector out."""

    def make(kind: str | None = "db", **manifest: object) -> Path:
        files = {"recognizer.onnx": ctc_network()}
        form: dict[str, object] = {
            "recognizer": {
                "kind": "ctc",
                "input": RecognizerInput(height=8, min_width=4, width_multiple=4, step_px=4, **PLAIN).to_dict(),
                "alphabet": Alphabet("ab ").to_dict(),
                "output": "logits",
                "min_confidence": 0.5,
            },
            **manifest,
        }
        if kind is not None:
            files["detector.onnx"] = craft_network() if kind == "craft" else db_network()
            thresholds = {} if kind == "craft" else {"unclip_ratio": 0.0}
            stride = 2 if kind == "craft" else 1
            form["detector"] = {
                "kind": kind,
                "input": DetectorInput(map_stride=stride, **PLAIN).to_dict(),
                "thresholds": thresholds,
                "scale": {"min_side": 64, "max_side": 640},
            }
        path = tmp_path_factory.mktemp("bundle") / "tiny.ocrsmith"
        return write_bundle(path, form, files)

    return make


@pytest.fixture
def colour_page() -> np.ndarray:
    """A white page of 200x120 with "ab a" at (20, 16) and "b" at (20, 64), each letter 16x16 with a white gap of 8."""
    page = np.full((120, 200, 3), 255, np.uint8)
    page[16:32, 20:36] = RED
    page[16:32, 36:52] = GREEN
    page[16:32, 52:68] = BLUE
    page[16:32, 68:84] = RED
    page[64:80, 20:36] = GREEN
    return page
