"""Sets of code points written as ranges."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ocrsmith.synth.code_points import format_code_points, parse_code_points


@given(st.frozensets(st.integers(0, 0x10FFFF), max_size=50))
def test_code_points_round_trip(code_points: frozenset[int]) -> None:
    assert parse_code_points(format_code_points(code_points)) == code_points
    assert format_code_points({0x20, 0x21, 0xA0}) == "20-21 a0"
    assert format_code_points(()) == "" and parse_code_points("") == frozenset()
