"""The nodes that round, computed by ONNX Runtime: values on the codes of their range, biases in whole numbers."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from ocrsmith.export.ranges import Range
from ocrsmith.export.rounding_nodes import RoundingNodes, gained


def computed(parts: RoundingNodes, given: str, values: np.ndarray, output: str) -> np.ndarray:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, values.shape) for name in (given, output)]
    graph = helper.make_graph(parts.taken(), "rounding", ends[:1], ends[1:], parts.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run([output], {given: values})[0])


def test_an_activation_lies_on_the_codes_of_its_range() -> None:
    parts = RoundingNodes()
    name = parts.activation("x", Range(0.01, 100), ".rounded")
    values = np.array([-9.0, 0.0, 0.004, 0.006, 9.0], np.float32)
    assert name == "x.rounded"
    assert computed(parts, "x", values, name) == pytest.approx([-1.0, 0.0, 0.0, 0.01, 1.55])
    assert parts.taken() == []


def test_channels_are_evened_before_their_codes() -> None:
    parts = RoundingNodes()
    name = parts.activation("x", Range(0.1, 0), ".rounded", np.array([10.0, 0.5], np.float32))
    values = np.array([[[[7.0]], [[0.26]]]], np.float32)
    # 7 / 10 and .26 / .5 on steps of .1.
    assert computed(parts, "x", values, name).ravel() == pytest.approx([0.7, 0.5])


def test_weights_lie_on_levels_of_what_is_multiplied() -> None:
    parts = RoundingNodes()
    scales, gains, factors = (
        np.array([0.5, 0.1], np.float32),
        np.array([2.0, -1.0], np.float32),
        np.array([4.0], np.float32),
    )
    name = parts.weights("w", scales, gains, factors)
    weights = np.array([0.3, 0.11], np.float32).reshape(2, 1, 1, 1)
    # .3 * 4 = 1.2 -> 2 steps of .5, times 2; .11 * 4 * -1 = -.44 -> -4 steps of .1.
    assert computed(parts, "w", weights, name).ravel() == pytest.approx([2.0, -0.4])


def test_a_bias_is_a_whole_number_of_steps() -> None:
    parts = RoundingNodes()
    name = parts.bias("b", np.array([0.25, 0.1], np.float32))
    assert computed(parts, "b", np.array([1.1, -0.26], np.float32), name) == pytest.approx([1.0, -0.3])


def test_gained_steps_are_never_zero() -> None:
    scales, gains = np.array([0.5, 0.5, 0.5], np.float32), np.array([2.0, -2.0, 0.0], np.float32)
    assert gained(scales, gains) == pytest.approx([1.0, 1.0, 1e-12])
