from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrsmith.reading.reader import Reader
from ocrsmith.reading.scaling import ScaleRule, tiles


@pytest.mark.parametrize(
    ("name", "height", "width", "scale"),
    [
        ("a small page is enlarged to 736", 368, 500, 2.0),
        ("a page of the right size stays", 1000, 754, 1.0),
        ("a large page is shrunk to 1280", 5120, 4000, 0.25),
        ("a tiny one by four at most", 50, 60, 4.0),
        ("a strip stops at the longest side", 100, 1000, 1.28),
        ("a very long strip is shrunk", 50, 5120, 0.25),
    ],
)
def test_scale(name: str, height: int, width: int, scale: float) -> None:
    assert ScaleRule().scale(height, width) == pytest.approx(scale), name


def test_a_second_look_only_at_small_text() -> None:
    rule = ScaleRule()
    assert rule.second_scale(0.5, 12, 4000, 3000) == pytest.approx(1.0)
    assert rule.second_scale(0.5, 40, 4000, 3000) is None
    assert ScaleRule(small_text_px=0).second_scale(0.5, 4, 4000, 3000) is None
    # Four times the longest side is the most.
    assert rule.second_scale(0.25, 1, 5120, 3000) == pytest.approx(1.0)


def test_a_second_look_at_half_the_size_or_less_where_text_is_large_or_none_is_found() -> None:
    rule = ScaleRule(large_text_px=128)
    assert rule.smaller_scale(1.0, 128) is None
    assert rule.smaller_scale(1.0, 129) == pytest.approx(0.5)
    # 512 px to 128.
    assert rule.smaller_scale(2.0, 256) == pytest.approx(0.5)
    assert rule.smaller_scale(0.5, None) == pytest.approx(0.25)
    assert ScaleRule().smaller_scale(1.0, 4000) is None
    assert ScaleRule().smaller_scale(1.0, None) is None


@pytest.mark.parametrize("changes", [{"min_side": 0}, {"max_side": -1}, {"tile_overlap": 9000}])
def test_bad_rules(changes: dict[str, int]) -> None:
    with pytest.raises(ValueError):
        ScaleRule(**changes)


@given(st.integers(1, 20_000), st.integers(64, 4000), st.integers(0, 60))
def test_tiles_cover_a_side_once(length: int, tile: int, overlap: int) -> None:
    reached = end = 0
    for start, stop, first, last in tiles(length, tile, overlap):
        assert start % 32 == 0
        assert first == reached
        assert start <= first < last <= stop <= length
        assert stop - start <= tile or length <= tile
        reached, end = last, stop
    assert reached == end == length


def test_the_second_look_keeps_every_mark_and_its_size(make_bundle: Callable[..., Path]) -> None:
    page = np.full((640, 1280, 3), 255, np.uint8)
    for left in range(40, 1200, 60):
        page[100:112, left : left + 24] = (255, 0, 0)
    # The bundle's rule shrinks this page to 640 px, where the marks are 6 px high: a second look sees them at 12.
    once = Reader(make_bundle(), engine="onnxruntime", threads=1)
    twice = Reader(make_bundle(), engine="onnxruntime", threads=1, scale={"small_text_px": 12.0})
    assert len(once.detect(page)) == len(twice.detect(page)) == 20
    assert float(np.ptp(twice.detect(page)[0].polygon[:, 1])) == pytest.approx(12, abs=0.5)


def test_a_large_mark_is_seen_at_a_smaller_size_and_keeps_its_own(make_bundle: Callable[..., Path]) -> None:
    page = np.full((320, 640, 3), 255, np.uint8)
    page[100:200, 100:500] = (255, 0, 0)
    scale = {"small_text_px": 0.0, "large_text_px": 60.0}
    reader = Reader(make_bundle(), engine="onnxruntime", threads=1, scale=scale)
    detector = reader._detector
    assert detector is not None
    # Half the size is not small enough for 60 px: 100 px are shown as 50 at least.
    assert detector.look(page).maps.shape[-1] == pytest.approx(320 / detector.part.input.map_stride, abs=16)
    (found,) = reader.detect(page)
    assert float(np.ptp(found.polygon[:, 1])) == pytest.approx(100, abs=6)
