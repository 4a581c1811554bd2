"""Doubtful crops read again at other widths: which, how often, and what stays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from ocrsmith.geometry import box_quad
from ocrsmith.reading.page import Recognized, RecognizedCharacter
from ocrsmith.reading.rereading import RereadingRule, read_doubtful
from ocrsmith.reading.units import Unit, UnitReader
from ocrsmith.samples import Image


def result(text: str, confidence: float) -> Recognized:
    return Recognized(text, confidence, tuple(RecognizedCharacter(c, confidence, 0.0, 1.0) for c in text))


def crop(width: int) -> Image:
    return np.full((20, width, 3), 255, np.uint8)


class ByWidth:
    """Reads a crop as its width, surer the nearer to `best` it is."""

    def __init__(self, best: int) -> None:
        self.best = best
        self.seen: list[list[tuple[int, ...]]] = []

    def __call__(self, crops: Sequence[Image]) -> list[Recognized]:
        self.seen.append([each.shape[:2] for each in crops])
        return [result(str(each.shape[1]), 1 - abs(each.shape[1] - self.best) / 200) for each in crops]


def test_only_doubtful_crops_are_read_again_and_all_at_once() -> None:
    reader = ByWidth(120)
    crops, rule = [crop(100), crop(40), crop(100), crop(50)], RereadingRule(0.9, (0.8, 1.2))
    first = [result("sure", 0.95), result("40", 0.5), result("edge", 0.9), result("", 0.0)]
    read = read_doubtful(crops, first, reader, rule)
    # The second alone: the first is sure, the third just so, and the fourth holds nothing.
    assert reader.seen == [[(20, 32), (20, 48)]]
    assert [each.text for each in read] == ["sure", "48", "edge", ""]


def test_another_reading_needs_a_lead() -> None:
    crops, rule = [crop(100)], RereadingRule(0.9, (0.5, 1.5), lead=0.0625)
    assert read_doubtful(crops, [result("100", 0.75)], ByWidth(100), rule)[0].text == "100"
    # 50 and 150 are as far from 100: both .75, and the first of them stays.
    assert read_doubtful(crops, [result("was", 0.6875)], ByWidth(100), rule)[0].text == "50"
    assert read_doubtful(crops, [result("was", 0.7)], ByWidth(100), rule)[0].text == "was"


def test_nothing_doubtful_costs_nothing() -> None:
    reader = ByWidth(0)
    assert read_doubtful([], [], reader, RereadingRule()) == []
    assert read_doubtful([crop(9)], [result("a", 0.1)], reader, RereadingRule(0.9, ()))[0].text == "a"
    assert read_doubtful([crop(1)], [result("a", 0.95)], reader, RereadingRule())[0].text == "a"
    assert reader.seen == []


def test_a_crop_of_one_pixel_stays_one() -> None:
    reader = ByWidth(0)
    read_doubtful([crop(1)], [result("a", 0.1)], reader, RereadingRule(0.9, (0.25,)))
    assert reader.seen == [[(20, 1)]]


@pytest.mark.parametrize(("below", "widths"), [(1.5, (1.2,)), (-0.1, (1.2,)), (0.9, (0.0,)), (0.9, (1.2, 9.0))])
def test_rules_out_of_range_are_refused(below: float, widths: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"was expected|were expected"):
        RereadingRule(below, widths)


def test_a_rule_survives_json() -> None:
    form = RereadingRule(0.8, (0.85, 1.2)).to_dict()
    assert RereadingRule(**{**form, "widths": list(form["widths"])}) == RereadingRule(0.8, (0.85, 1.2))


def test_units_keep_their_places() -> None:
    image = crop(300)
    reader = UnitReader(image, ByWidth(120), 0.0, {})
    quad = box_quad(0, 0, 100, 20)
    unit = Unit(result("x", 0.3), quad, lambda _: [], crop(100))
    assert reader.read_doubtful([unit], None)[0].recognized.text == "x"
    (read,) = reader.read_doubtful([unit], RereadingRule(0.9, (1.2,)))
    assert (read.recognized.text, read.recognized.confidence) == ("120", 1.0)
    assert read.upright is quad and read.place is unit.place
