"""A world seen as a list."""

from __future__ import annotations

import numpy as np
import pytest

from ocrsmith.data.drawing import add_tally, tally_of, tally_since
from ocrsmith.data.sources import FixedWorld, MixedWorld, ShuffledWorld, WorldDataset
from ocrsmith.errors import InputError, LabelError, SynthesisError
from ocrsmith.samples import LineSample
from ocrsmith.synth.world import World


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


class Numbers:
    """Sample i of it is a line that says its name and i."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getitem__(self, index: int) -> LineSample:
        return line(f"{self.name}{index}")


def test_a_mixed_world_goes_through_its_parts_by_share() -> None:
    world = MixedWorld([(Numbers("s"), 0.5), (Numbers("a"), 0.25), (Numbers("b"), 0.25)])
    assert [world[i].text for i in range(8)] == ["s0", "a0", "b0", "s1", "s2", "a1", "b1", "s3"]
    assert world[MixedWorld.PERIOD].text == "s500"
    assert world[3].text == world[3].text == "s1"


@pytest.mark.parametrize("shares", [[1.0], [0.9, 0.1], [0.2, 0.3, 0.5], [1, 1, 1, 1]])
def test_no_sample_of_a_part_is_left_out(shares: list[float]) -> None:
    world = MixedWorld([(Numbers(str(part)), share) for part, share in enumerate(shares)])
    places = [world.place(index) for index in range(2 * MixedWorld.PERIOD)]
    for part, share in enumerate(shares):
        own = [index for which, index in places if which == part]
        assert own == list(range(len(own)))
        assert len(own) == pytest.approx(2 * MixedWorld.PERIOD * share / sum(shares), abs=2)


class Refusing:
    """A scene that refuses every third draw."""

    def plan(self, rng: np.random.Generator) -> int:
        number = int(rng.integers(3))
        if number == 0:
            raise SynthesisError("no room")
        return number

    def render(self, plan: int) -> LineSample:
        return line(str(plan))


def test_a_mixed_world_counts_what_its_synthetic_part_refused() -> None:
    mixed: MixedWorld[LineSample] = MixedWorld([(World([(Refusing(), 1)], seed=1), 0.5), (Numbers("a"), 0.5)])
    before = tally_of(mixed)
    for index in range(40):
        mixed[index]
    since = tally_since(mixed, before)
    assert since is not None
    assert since.samples == 20
    assert since.refused.total() > 0
    add_tally(mixed, since)
    assert mixed.tally.samples == 40
    assert tally_of(MixedWorld([(Numbers("a"), 1.0)])) is None


@pytest.mark.parametrize("parts", [[], [(Numbers("a"), 0.0)]])
def test_a_mixed_world_needs_shares(parts: list[tuple[Numbers, float]]) -> None:
    with pytest.raises(ValueError, match="each must be above 0"):
        MixedWorld(parts)


class Pictures(ShuffledWorld[LineSample]):
    """Items 0 to 4, of which 3 cannot be read."""

    def make(self, item: int, rng: np.random.Generator) -> LineSample:
        if item == 3:
            raise InputError("picture 3 is cut off")
        return line(str(item))


def test_each_item_comes_once_a_turn_and_a_bad_one_is_passed_over() -> None:
    world = Pictures(5, seed=1, name="mine")
    assert sorted(world.item_of(index) for index in range(5)) == [0, 1, 2, 3, 4]
    assert sorted(world.item_of(index) for index in range(5, 10)) == [0, 1, 2, 3, 4]
    texts = [world[index].text for index in range(10)]
    assert "3" not in texts
    assert texts == [Pictures(5, seed=1, name="mine")[index].text for index in range(10)]
    assert [world.item_of(i) for i in range(40)] != [Pictures(5, seed=1, name="other").item_of(i) for i in range(40)]


def test_nothing_but_bad_items_is_an_error() -> None:
    class Bad(Pictures):
        def item_of(self, index: int) -> int:
            return 3

    with pytest.raises(LabelError, match="picture 3 is cut off"):
        Bad(5, seed=1, name="mine")[0]
    with pytest.raises(ValueError, match="without items"):
        Pictures(0, seed=1, name="mine")
