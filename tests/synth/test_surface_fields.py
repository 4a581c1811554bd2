"""What surfaces are made of: deviations, ranges and colours that can be worked out."""

from __future__ import annotations

import numpy as np
import pytest

from ocrsmith.synth.surface_fields import (
    blended,
    cloud_field,
    drawn_colour,
    grain_field,
    ramp_field,
    shaded,
    streak_field,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_fields_keep_their_deviation_and_range() -> None:
    grain, streaks = grain_field(rng(), 400, 400), streak_field(rng(), 400, 400, 10.0)
    assert grain.mean() == pytest.approx(0, abs=0.1) and grain.std() == pytest.approx(1, abs=0.1)
    assert streaks.mean() == pytest.approx(0, abs=0.2) and 0.5 < streaks.std() < 1.5
    # Drawn out along the rows: neighbours across are far nearer than neighbours down.
    assert np.abs(np.diff(streaks, axis=1)).mean() < np.abs(np.diff(streaks, axis=0)).mean() / 3
    for scale in (1.0, 5.0):
        clouds = cloud_field(rng(), 300, 200, scale)
        assert clouds.shape == (300, 200) and clouds.min() >= -1 and clouds.max() <= 1
    ramp = ramp_field(rng(), 50, 80)
    assert np.abs(ramp).max() <= 1 and np.allclose(np.diff(ramp, 2, axis=1), 0, atol=1e-5)


def test_colours_are_shaded_and_blended() -> None:
    assert drawn_colour(rng(), (0, 0), (1, 1), (1, 1)) == (255.0, 0.0, 0.0)
    assert drawn_colour(rng(), (0.5, 0.5), (0, 0), (0.2, 0.2)) == pytest.approx((51.0, 51.0, 51.0))
    field = np.array([[-20, 0, 20, 300]], np.float32)
    assert shaded((100.0, 10.0, 250.0), field)[0].tolist() == [
        [80, 0, 230],
        [100, 10, 250],
        [120, 30, 255],
        [227, 137, 255],
    ]
    share = np.array([[-1, 0, 1, 2]], np.float32)
    assert blended((0.0, 10.0, 100.0), (255.0, 10.0, 0.0), share)[0].tolist() == [[0, 10, 100]] * 2 + [[255, 10, 0]] * 2
