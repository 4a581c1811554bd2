"""What the channels of an activation are divided by before they are rounded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrsmith.export.evening import MOVED, evening_factors


def test_even_channels_stay() -> None:
    weights = np.ones((2, 3, 1, 1), np.float32)
    assert evening_factors(np.array([2.0, 2.0, 2.0], np.float32), weights) == pytest.approx([1, 1, 1])


def test_a_large_channel_is_divided_and_its_neighbour_multiplied() -> None:
    # 100 and 1 with equal weights: 100 ** MOVED apart, 1 in the geometric mean.
    found = evening_factors(np.array([100.0, 1.0], np.float32), np.ones((4, 2, 3, 3), np.float32))
    assert found == pytest.approx([10**MOVED, 10**-MOVED])


def test_large_weights_take_less() -> None:
    weights = np.array([[[[4.0]], [[1.0]]]], np.float32)
    first, second = evening_factors(np.array([1.0, 1.0], np.float32), weights)
    assert first / second == pytest.approx(4 ** -(1 - MOVED))


def test_dead_channels_have_an_end() -> None:
    weights = np.zeros((1, 2, 1, 1), np.float32)
    assert evening_factors(np.zeros(2, np.float32), weights) == pytest.approx([1, 1])
    found = evening_factors(np.array([0.0, 1.0], np.float32), np.ones((1, 2, 1, 1), np.float32))
    assert found[1] / found[0] == pytest.approx(1000**MOVED, rel=1e-4)


@given(st.lists(st.floats(0, 1e4, width=32), min_size=1, max_size=9))
def test_the_product_stays(extremes: list[float]) -> None:
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((3, len(extremes), 1, 1)).astype(np.float32)
    inputs = rng.standard_normal((len(extremes), 5)) * np.array(extremes)[:, None]
    factors = evening_factors(np.array(extremes, np.float32), weights)
    evened = (weights[:, :, 0, 0] * factors) @ (inputs / factors[:, None])
    assert np.allclose(evened, weights[:, :, 0, 0] @ inputs, rtol=1e-4, atol=1e-3)
