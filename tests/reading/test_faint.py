"""Faint boxes: which stand alone, and which their reading confirms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from tiny_networks import RED

import ocrsmith.reading.reader as reader_module
from ocrsmith.geometry import box_quad
from ocrsmith.reading.db_maps import DbThresholds, boxes_from_map
from ocrsmith.reading.detections import Detection
from ocrsmith.reading.faint import standing_alone
from ocrsmith.reading.reader import Reader


def at(left: float, top: float, right: float, bottom: float) -> Detection:
    return Detection(box_quad(left, top, right, bottom), 0.4)


@pytest.mark.parametrize(
    ("other", "alone"),
    [
        (at(60, 100, 80, 120), True),  # on its row, 30 px away at 20 px of height
        (at(40, 100, 80, 120), False),  # 10 px away
        (at(0, 100, 40, 120), False),  # one inside the other
        (at(0, 115, 100, 135), True),  # another row: a quarter of the height in common
        (at(0, 108, 100, 128), False),  # more than half
        (at(45, 60, 145, 160), False),  # a large word beside it: heights of the lower count
        (at(55, 60, 155, 160), True),
    ],
)
def test_alone_on_its_row(other: Detection, alone: bool) -> None:
    faint = at(10, 100, 30, 120)
    assert standing_alone([faint], [other]) == ([faint] if alone else [])
    # Two faint boxes beside each other are both pieces of something.
    assert (faint in standing_alone([faint, other], [])) is alone


def test_nothing_faint_and_nothing_beside() -> None:
    faint = at(0, 0, 10, 10)
    assert standing_alone([], [faint]) == []
    assert standing_alone([faint], []) == [faint]


def test_maps_give_faint_boxes_where_they_are_asked_for() -> None:
    probabilities = np.zeros((100, 100), np.float32)
    probabilities[20:40, 20:60] = 0.9
    probabilities[60:80, 20:60] = 0.4
    faint = DbThresholds(faint=0.35)
    assert len(boxes_from_map(probabilities, faint)) == 1
    assert len(boxes_from_map(probabilities, faint, with_faint=True)) == 2
    assert len(boxes_from_map(probabilities, DbThresholds(), with_faint=True)) == 1
    # One above `box` changes nothing.
    assert len(boxes_from_map(probabilities, DbThresholds(faint=0.95), with_faint=True)) == 1


@pytest.mark.parametrize(("needed", "read"), [(0.0, ["a", "a"]), (1.1, ["a"])])
def test_a_faint_box_is_kept_where_its_reading_is_sure(
    make_bundle: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, needed: float, read: list[str]
) -> None:
    own = Reader(make_bundle("db"), engine="onnxruntime", threads=1)
    page = np.full((200, 200, 3), 255, np.uint8)
    page[20:36, 40:56] = page[140:156, 40:56] = RED
    found = own._detector.detect(page)  # type: ignore[union-attr]
    assert len(found) == 2

    def split(*given: object) -> tuple[Sequence[Detection], Sequence[Detection]]:
        return found[:1], found[1:]

    monkeypatch.setattr(own._detector, "detect_with_faint", split)
    monkeypatch.setattr(reader_module, "CONFIRMED", needed)
    assert [word.text for word in own.read(page).words] == read
