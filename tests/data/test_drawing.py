"""Worlds drawn by several processes: the same, in order, bounded, with one tally."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import pytest

from ocrsmith.data.drawing import RUN_LENGTH, draw_in_order
from ocrsmith.errors import SynthesisError
from ocrsmith.samples import LineSample
from ocrsmith.synth.choices import Rng
from ocrsmith.synth.world import World


@dataclass(frozen=True)
class Numbers:
    """Draws a number; refuses a share of its draws."""

    refused_share: float = 0.0

    def plan(self, rng: Rng) -> int:
        if rng.random() < self.refused_share:
            raise SynthesisError("Not this one.")
        return int(rng.integers(1, 1000))

    def render(self, plan: int) -> LineSample:
        return LineSample(np.full((4, 9, 3), plan % 256, np.uint8), str(plan))


class Deadly:
    """Ends its process."""

    def __getitem__(self, index: int) -> LineSample:
        os._exit(1)


def texts(index: int, sample: LineSample) -> tuple[int, str]:
    return index, sample.text


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_give_what_none_give_and_one_tally(workers: int) -> None:
    alone, shared = World([(Numbers(0.3), 1)], seed=4), World([(Numbers(0.3), 1)], seed=4)
    stop = 7 * RUN_LENGTH + 3
    expected = list(draw_in_order(alone, 5, stop, texts))
    assert list(draw_in_order(shared, 5, stop, texts, workers)) == expected
    assert [index for index, _ in expected] == list(range(5, stop))
    assert shared.tally == alone.tally and alone.tally.samples == stop - 5
    assert alone.tally.refused["SynthesisError"] > 0 and alone.tally.characters.total() > 2 * (stop - 5)


def test_nothing_asked_for_is_nothing_drawn() -> None:
    assert list(draw_in_order(World([(Numbers(), 1)]), 3, 3, texts, 2)) == []


def test_who_stops_early_leaves_no_worker_behind() -> None:
    drawn = draw_in_order(World([(Numbers(), 1)]), 0, 10**9, texts, 1)
    assert next(drawn)[0] == 0
    drawn.close()  # type: ignore[attr-defined]


def test_a_world_that_gives_up_says_so_from_a_worker_too() -> None:
    with pytest.raises(SynthesisError, match="Not this one"):
        list(draw_in_order(World([(Numbers(1.0), 1)], redraws=1), 0, 9, texts, 1))


def test_patience_is_judged_over_all_workers() -> None:
    world = World([(Numbers(0.7), 1)], redraws=60, max_refused_share=0.6)
    with pytest.raises(SynthesisError, match="more than the 60% that it may"):
        list(draw_in_order(world, 0, 200, texts, 2))


def test_a_killed_worker_is_told() -> None:
    with pytest.raises(SynthesisError, match="was killed"):
        list(draw_in_order(Deadly(), 0, 9, texts, 1))


def test_a_negative_number_of_workers() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        draw_in_order(World([(Numbers(), 1)]), 0, 1, texts, -1)
