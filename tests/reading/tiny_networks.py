"""Tiny networks, made with onnx's own helpers, on which a reader's every number can be worked out.

The detector takes colour for text: its maps are 1 where a pixel is coloured, 0 where it is white, grey or black. The
recogniser reads colours, 4 px a step, the least of each channel in it: red is "a", green is "b", blue is a space, and
white is the blank.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

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
            helper.make_node("Neg", ["images"], ["ink"]),
            helper.make_node("MaxPool", ["ink"], ["darkest"], kernel_shape=[8, 4], strides=[8, 4]),
            helper.make_node("Neg", ["darkest"], ["steps"]),
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
