"""Draws by weight."""

from __future__ import annotations

import numpy as np
import pytest

from ocrsmith.errors import RecipeError
from ocrsmith.synth.choices import Choice, OneOf, draw, pick, running_weights


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_one_of_follows_its_weights() -> None:
    generator = rng()
    drawn = [OneOf({"a": 2, "b": 1}).sample(generator) for _ in range(6000)]
    assert abs(drawn.count("a") / 6000 - 2 / 3) < 0.03
    assert OneOf({"never": 0, "always": 1}).sample(generator) == "always"


def test_a_draw_of_draws_gives_their_values() -> None:
    assert OneOf([(Choice([7]), 1)]).sample(rng()) == 7


def test_indices_by_running_sums() -> None:
    assert running_weights([1, 0, 3], "weights") == [1.0, 1.0, 4.0]
    generator = rng()
    drawn = [pick([1.0, 1.0, 4.0], generator) for _ in range(4000)]
    assert drawn.count(1) == 0 and abs(drawn.count(0) / 4000 - 1 / 4) < 0.03


def test_choice_gives_values_as_they_are() -> None:
    inner = Choice([0, 1])
    assert Choice([inner]).sample(rng()) is inner
    assert draw("plain", rng()) == "plain"


@pytest.mark.parametrize(
    "make",
    [
        lambda: OneOf({}),
        lambda: OneOf({"a": -1}),
        lambda: OneOf({"a": 0}),
        lambda: Choice([1, 2], [1]),
    ],
)
def test_nonsense_is_refused(make: object) -> None:
    with pytest.raises(RecipeError):
        make()  # type: ignore[operator]
