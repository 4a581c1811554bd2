"""The world: a pure function of seed, split and index; refusals counted."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass

import numpy as np
import pytest
from test_scenes import scene

from ocrsmith.errors import RecipeError, SynthesisError
from ocrsmith.geometry import box_quad
from ocrsmith.samples import LineSample, PageSample, TextInstance
from ocrsmith.synth.choices import Rng
from ocrsmith.synth.preview import contact_sheet
from ocrsmith.synth.world import Tally, World


class PickyError(SynthesisError):
    """A refusal with a cause."""


@dataclass(frozen=True)
class Numbers:
    """Draws a number; refuses a share of its draws."""

    refused_share: float = 0.0

    def plan(self, rng: Rng) -> int:
        if rng.random() < self.refused_share:
            raise PickyError("Not this one.")
        return int(rng.integers(1, 1000))

    def render(self, plan: int) -> LineSample:
        return LineSample(np.full((4, 9, 3), plan % 256, np.uint8), str(plan))


def test_a_sample_is_the_same_in_any_order() -> None:
    world = World([(Numbers(), 2), (Numbers(0.2), 1)], seed=3)
    forwards = [world[i].text for i in range(40)]
    other = World([(Numbers(), 2), (Numbers(0.2), 1)], seed=3)
    backwards = [other[i].text for i in reversed(range(40))][::-1]
    assert forwards == backwards
    assert str(world.plan(7)) == forwards[7]


def test_seeds_and_splits_differ() -> None:
    drawn = [
        tuple(World([(Numbers(), 1)], seed, split).plan(i) for i in range(10))
        for seed, split in ((0, "train"), (1, "train"), (0, "validation"), (0, "test"))
    ]
    assert len(set(drawn)) == 4


def test_refusals_are_drawn_again_and_counted() -> None:
    world = World([(Numbers(0.3), 1)])
    for i in range(200):
        world.plan(i)
    assert world.tally.samples == 200
    assert 50 < world.tally.refused["PickyError"] < 130
    assert world.tally.refused_share == pytest.approx(0.3, abs=0.07)


def test_too_many_refusals_end_with_the_tally() -> None:
    with pytest.raises(SynthesisError, match=r"refused 3 times.*PickyError 3"):
        World([(Numbers(1.0), 1)], redraws=2).plan(0)
    world = World([(Numbers(0.8), 1)], redraws=50, max_refused_share=0.5)
    with pytest.raises(SynthesisError, match=r"more than the 50% that it may.*PickyError"):
        for i in range(100):
            world.plan(i)


def test_tallies_add_up() -> None:
    world = World([(Numbers(0.3), 1)])
    world.plan(0)
    both = world.tally + Tally(samples=4)
    assert both.samples == 5 and both.to_dict()["samples"] == 5
    assert "5 samples" in str(both)
    assert Tally().refused_share == 0
    assert both - Tally(samples=4) == world.tally


def test_texts_are_tallied_by_character_and_length() -> None:
    tally = Tally()
    tally.count(LineSample(np.zeros((4, 9, 3), np.uint8), "aab"), [("NoWordFits", 2)])
    tally.count(PageSample(np.zeros((4, 9, 3), np.uint8), (TextInstance(box_quad(0, 0, 4, 4), "b"),)))
    assert tally.characters == {"a": 2, "b": 2} and tally.lengths == {3: 1, 1: 1} and tally.samples == 2
    assert tally.inner == {"NoWordFits": 2}
    assert tally.to_dict()["lengths"] == {"1": 1, "3": 1}
    assert tally.balance() == "2 texts of 1 to 3 characters, median 3; 2 characters between 'b' 50 % and 'a' 50 %"
    assert Tally().balance() == "no texts"


@pytest.mark.parametrize("settings", [{"seed": -1}, {"split": "dev"}, {"redraws": -1}, {"max_refused_share": 0}])
def test_nonsense_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(RecipeError):
        World([(Numbers(), 1)], **settings)  # type: ignore[arg-type]
    with pytest.raises(RecipeError):
        World([])


def test_negative_indices_are_errors() -> None:
    with pytest.raises(IndexError):
        World([(Numbers(), 1)])[-1]


def _picture(index: int) -> tuple[bytes, list[str]]:
    drawn = World([(scene(width=200, height=160, font_size_px=(10, 30)), 1)], seed=5)[index]
    return drawn.image.tobytes(), [instance.text for instance in drawn.instances]


def test_other_processes_draw_the_same_pictures() -> None:
    here = [_picture(i) for i in range(4)]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(_picture, [3, 1, 2, 0]) == [here[i] for i in (3, 1, 2, 0)]


def test_a_contact_sheet_shows_pages_and_lines() -> None:
    pages = World([(scene(width=200, height=160, font_size_px=(10, 30)), 1)])
    assert contact_sheet(pages, 3).shape[2] == 3
    assert contact_sheet(World([(Numbers(), 1)]), 5).shape[0] < 200
