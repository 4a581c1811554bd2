"""How a line's crop is drawn at random: what the draws give, worked out by hand."""

from __future__ import annotations

import math

import pytest

from ocrsmith.synth.line_choices import baseline, drawn_margins, drawn_size_px, drawn_spacing_px, ink_share
from ocrsmith.synth.line_plans import ExtraInk, LineSettings


def test_a_baseline_is_straight_arched_or_wavy() -> None:
    straight = (0.0, (0.0, 1.0, 0.0))
    assert baseline([0.5, 0, 0, 0, 0], 0.5, 10) == straight
    assert baseline([0.0, 0, 0, 0, 0], 0.5, 2) == straight
    # 0.07 of ten characters is the most, and half of 0.2 to 1 is 0.6.
    assert baseline([0.4, 0.5, 0.0, 0.5, 0], 0.5, 10) == (0.42, (0.0, 1.0, 0.0))
    assert baseline([0.4, 0.5, 0.7, 0.5, 0], 0.5, 10) == (-0.42, (0.0, 1.0, 0.0))
    assert baseline([0.4, 0.6, 0.5, 0.5, 0.5], 0.5, 10) == (0.0, (0.09, 1.0, round(math.pi, 3)))


def test_margins_are_even_cut_or_make_room() -> None:
    settings = LineSettings(cut=0.4, most_cut=0.1)
    assert drawn_margins([0.2, 1.0, 0.5, 0.25, 0.0, 0.9], settings, ()) == (0.08, 0.04, 0.02, 0.0)
    assert drawn_margins([0.2, 1.0, 0.5, 0.25, 0.0, 0.1], settings, ()) == (0.08, -0.1, 0.02, 0.0)
    assert drawn_margins([0.2, 1.0, 0.5, 0.25, 0.0, 0.3], settings, ()) == (0.08, 0.04, 0.02, -0.1)
    extras = (ExtraInk("left", 0.5, text="a"), ExtraInk("underline", 0.1, 0.05))
    assert drawn_margins([0.2, 1.0, 0.5, 0.25, 0.0, 0.1], settings, extras) == (0.7, 0.04, 0.02, 0.15)


@pytest.mark.parametrize(("text", "share"), [("ox", 0.55), ("Ab", 0.74), ("gap", 0.74), ("Ag", 0.93), ("1", 0.74)])
def test_ink_is_as_high_as_its_tallest_and_lowest_letters(text: str, share: float) -> None:
    assert ink_share(text) == pytest.approx(share)


def test_few_sizes_and_spacings() -> None:
    assert [drawn_size_px(wanted) for wanted in (3, 21, 33, 64, 65)] == [20, 24, 40, 64, 80]
    assert drawn_spacing_px(0.74, 40) == 0.0
    assert drawn_spacing_px(0.75, 50) == -2.0 and drawn_spacing_px(1.0, 50) == 13.0
