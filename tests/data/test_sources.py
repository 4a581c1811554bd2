"""A world seen as a list."""

from __future__ import annotations

import numpy as np
import pytest

from ocrsmith.data.sources import FixedWorld, WorldDataset
from ocrsmith.samples import LineSample


def line(text: str) -> LineSample:
    return LineSample(np.zeros((4, 8, 3), np.uint8), text)


def test_epochs_follow_each_other_without_a_gap() -> None:
    world = FixedWorld([line(str(number)) for number in range(10)])
    first, second = WorldDataset(world, 0, 4), WorldDataset(world, 4, 4)
    assert [sample.text for sample in first] == ["0", "1", "2", "3"]
    assert [second[i].text for i in range(len(second))] == ["4", "5", "6", "7"]


def test_an_empty_stretch_has_nothing() -> None:
    assert list(WorldDataset(FixedWorld([line("a")]), 5, 0)) == []


@pytest.mark.parametrize("index", [-1, 3])
def test_outside_the_stretch(index: int) -> None:
    with pytest.raises(IndexError, match="of a stretch of 3"):
        WorldDataset(FixedWorld([line("a")]), 0, 3)[index]


@pytest.mark.parametrize(("start", "length"), [(-1, 1), (0, -1)])
def test_negative_stretches(start: int, length: int) -> None:
    with pytest.raises(ValueError, match="must be >= 0"):
        WorldDataset(FixedWorld([line("a")]), start, length)


def test_a_fixed_world_goes_round() -> None:
    world = FixedWorld([line("a"), line("b")])
    assert [world[i].text for i in range(5)] == ["a", "b", "a", "b", "a"]
    with pytest.raises(ValueError, match="without samples"):
        FixedWorld([])
