"""Every surface is a pure function of its random numbers and its size."""

from __future__ import annotations

import numpy as np
import pytest

from ocrsmith.synth.surfaces import SURFACES


@pytest.mark.parametrize("name", SURFACES)
def test_a_surface_is_a_pure_function(name: str) -> None:
    surface = SURFACES[name]
    for height, width in ((1, 1), (3, 200), (120, 90), (900, 800)):
        first, second = (surface(np.random.default_rng(7), height, width) for _ in range(2))
        assert first.shape == (height, width, 3)
        assert first.dtype == np.uint8
        assert first.flags.c_contiguous
        assert np.array_equal(first, second)
    assert not np.array_equal(*(surface(np.random.default_rng(seed), 64, 64) for seed in (1, 2)))
