from __future__ import annotations

import cv2
import numpy as np
import pytest

from ocrsmith.reading.ink import gaps, ink_mask


def drawn(starts: list[int], width: int) -> np.ndarray:
    """Letters as blocks 20 px wide and 30 high."""
    crop = np.full((48, width, 3), 230, np.uint8)
    for start in starts:
        crop[9:39, start : start + 20] = 20
    return crop


def test_gaps_are_columns_between_ink() -> None:
    found, height = gaps(ink_mask(drawn([4, 28, 100], 130)))
    assert found.tolist() == [[24, 28], [48, 100]]
    assert height == 30


def test_noise_is_no_ink() -> None:
    noise = np.random.default_rng(0).integers(118, 128, (48, 200, 3), dtype=np.uint8)
    assert not ink_mask(cv2.GaussianBlur(noise, (0, 0), 2)).any()


# 1.6 heights of 48 px are 77.
@pytest.mark.parametrize("start", [37, 38, 39, 75, 76, 100, 121])
@pytest.mark.parametrize(("length", "is_rule"), [(76, False), (77, True), (78, True)])
def test_a_rule_is_a_run_of_ink_wherever_it_begins(start: int, length: int, is_rule: bool) -> None:
    crop = drawn([4], 200)
    crop[41:43, start : start + length] = 20
    ink = ink_mask(crop)
    assert bool(ink[41, start + 40]) is not is_rule
    assert ink[20, 10]


@pytest.mark.parametrize("ends", [slice(0, 40), slice(160, 200)])
def test_a_run_at_the_crops_end_may_go_on_beyond_it(ends: slice) -> None:
    crop = drawn([70], 200)
    crop[41:43, ends] = 20
    assert not ink_mask(crop)[41].any()


def test_a_picture_of_one_colour_has_no_ink() -> None:
    assert not ink_mask(np.full((48, 200, 3), 7, np.uint8)).any()
    assert gaps(np.zeros((48, 200), np.bool_))[1] == 0.0
