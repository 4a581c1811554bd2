"""Draws and effects."""

from __future__ import annotations

import numpy as np
import pytest

from ocrsmith.errors import RecipeError
from ocrsmith.synth.choices import Chain, Choice, IntRange, OneOf, Sometimes, Uniform, draw


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def add_one(state: int, rng: np.random.Generator) -> int:
    return state + 1


def double(state: int, rng: np.random.Generator) -> int:
    return state * 2


def test_chain_keeps_order() -> None:
    assert Chain(add_one, double)(3, rng()) == 8
    assert Chain(double, add_one)(3, rng()) == 7
    assert Chain()(3, rng()) == 3


@pytest.mark.parametrize("p, expected", [(0.0, 3), (1.0, 4)])
def test_sometimes_at_its_ends(p: float, expected: int) -> None:
    assert Sometimes(p, add_one)(3, rng()) == expected


def test_sometimes_is_a_draw_too() -> None:
    assert Sometimes(1.0, 5).sample(rng()) == 5
    assert Sometimes(0.0, 5).sample(rng()) is None
    assert Sometimes(1.0, IntRange(7, 7)).sample(rng()) == 7


def test_one_of_follows_its_weights() -> None:
    generator = rng()
    drawn = [OneOf({"a": 2, "b": 1}).sample(generator) for _ in range(6000)]
    assert abs(drawn.count("a") / 6000 - 2 / 3) < 0.03
    assert OneOf({"never": 0, "always": 1}).sample(generator) == "always"


def test_one_of_applies_one_effect() -> None:
    assert OneOf({add_one: 1})(3, rng()) == 4
    assert {OneOf([(add_one, 1), (double, 1)])(5, rng(seed)) for seed in range(30)} == {6, 10}


def test_ranges_hold_their_ends() -> None:
    generator = rng()
    assert {IntRange(2, 4).sample(generator) for _ in range(200)} == {2, 3, 4}
    assert all(1.5 <= Uniform(1.5, 2.0).sample(generator) < 2.0 for _ in range(200))
    assert Uniform(3.0, 3.0).sample(generator) == 3.0


def test_choice_gives_values_as_they_are() -> None:
    inner = IntRange(0, 1)
    assert Choice([inner]).sample(rng()) is inner
    assert draw("plain", rng()) == "plain"


def test_the_same_generator_gives_the_same_draws() -> None:
    policy = Chain(Sometimes(0.5, add_one), OneOf({add_one: 1, double: 1}))
    assert [policy(1, rng(seed)) for seed in range(20)] == [policy(1, rng(seed)) for seed in range(20)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sometimes(1.5, add_one),
        lambda: OneOf({}),
        lambda: OneOf({"a": -1}),
        lambda: OneOf({"a": 0}),
        lambda: Choice([1, 2], [1]),
        lambda: Uniform(2, 1),
        lambda: Uniform(0, float("nan")),
        lambda: IntRange(2, 1),
    ],
)
def test_nonsense_is_refused(make: object) -> None:
    with pytest.raises(RecipeError):
        make()  # type: ignore[operator]
