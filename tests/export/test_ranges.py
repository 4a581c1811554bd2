"""Ranges of activations: codes that hold zero, and few outliers that do not set them."""

from __future__ import annotations

import numpy as np
import pytest

from ocrsmith.export.ranges import Range, least_error_range


def test_a_range_holds_zero() -> None:
    assert Range.between(0.5, 2.55) == Range(pytest.approx(0.01), 0)
    assert Range.between(-1.0, 1.55) == Range(pytest.approx(0.01), 100)
    assert Range.between(-2.55, -1.0).zero == 255
    assert Range.between(0.0, 0.0).scale > 0
    values = np.array([-9.0, 0.0, 0.004, 0.006, 9.0], np.float32)
    assert Range(0.01, 100).rounded(values) == pytest.approx([-1.0, 0.0, 0.0, 0.01, 1.55])


def test_one_outlier_does_not_set_the_range() -> None:
    values = np.append(np.linspace(0, 1, 1_000_000), 10.0).astype(np.float32)
    found = least_error_range(values, 0.0, 10.0)
    assert 2.0 < 255 * found.scale < 6.0
    few = np.array([0.0, 10.0], np.float32)
    assert 255 * least_error_range(few, 0.0, 10.0).scale == pytest.approx(10.0, rel=1e-3)
