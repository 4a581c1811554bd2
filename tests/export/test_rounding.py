"""Weights on the levels of 8 bits: each to the nearest, or so that they make good each other's errors."""

from __future__ import annotations

import numpy as np
import pytest

from ocrsmith.export.rounding import least_output_error, nearest


def test_weights_on_levels() -> None:
    weights = np.array([[1.27, 0.004, -0.996], [0.0, 0.0, 0.0]], np.float32)
    found = nearest(weights, np.array([3.0, 4.0], np.float32))
    assert found.scales[0] == pytest.approx(0.01)
    assert found.weights[0] == pytest.approx([1.27, 0.0, -1.0])
    assert not found.weights[1].any()
    assert found.bias.tolist() == [3.0, 4.0]


def test_weights_make_good_each_others_errors() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(500, 4)) @ rng.normal(size=(4, 24)) + rng.normal(scale=0.1, size=(500, 24)) + 1.0
    weights, bias = rng.normal(size=(8, 24)).astype(np.float32), np.zeros(8, np.float32)
    columns = np.pad(inputs, ((0, 0), (0, 1)), constant_values=1.0)

    def error(rounded: np.ndarray, shift: np.ndarray) -> float:
        return float(np.square(inputs @ (rounded - weights).T + shift).mean())

    plain, good = nearest(weights, bias), least_output_error(weights, bias, columns.T @ columns)
    assert error(good.weights, good.bias) < error(plain.weights, plain.bias) / 4
    codes = good.weights / good.scales[:, None]
    assert codes == pytest.approx(np.rint(codes), abs=1e-3)
