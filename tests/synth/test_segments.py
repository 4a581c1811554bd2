"""Seven-segment digits: which segments, where, and the outlines that stand in for fonts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ocrsmith.errors import FontError
from ocrsmith.geometry import area
from ocrsmith.synth.outlines import glyph_outline
from ocrsmith.synth.segments import LIT, SegmentStyle, digit_polygons, ink_box, unit_segments

PLAIN = SegmentStyle(shape="bar", width=0.5, thickness=0.1, gap=0.0, slant=0.0)


def test_eight_lights_every_segment_and_one_only_the_right() -> None:
    assert set(LIT["8"]) == set("abcdefg")
    assert set(PLAIN.lit("1")) == {"b", "c"}
    assert len(digit_polygons(PLAIN, PLAIN.lit("8"))) == 7


def test_optional_segments_change_only_their_digit() -> None:
    assert set(SegmentStyle(tailed_seven=True).lit("7")) - set(PLAIN.lit("7")) == {"f"}
    assert set(PLAIN.lit("6")) - set(SegmentStyle(flat_six=True).lit("6")) == {"a"}
    assert set(PLAIN.lit("9")) - set(SegmentStyle(flat_nine=True).lit("9")) == {"d"}


@pytest.mark.parametrize("shape", ["trapezoid", "hexagon", "bar"])
@pytest.mark.parametrize("slant", [0.0, 0.2])
def test_segments_fill_their_cell(shape: str, slant: float) -> None:
    style = SegmentStyle(shape=shape, width=0.5, thickness=0.1, gap=0.01, slant=slant)  # type: ignore[arg-type]
    left, top, right, bottom = ink_box(style, "abcdefg")
    assert top == pytest.approx(0.0, abs=0.02)
    assert bottom == pytest.approx(1.0, abs=0.02)
    assert left == pytest.approx(0.0, abs=0.03)
    assert right == pytest.approx(0.5 + slant, abs=0.03)
    for name, polygon in unit_segments(style).items():
        assert area(polygon) > 0.01, name


def test_segments_of_a_bar_display_do_not_overlap_in_area() -> None:
    # A 0.5 x 1 cell: seven bars of 0.1, the horizontal ones 0.38 long, the upright ones 0.44.
    total = sum(area(p) for p in digit_polygons(PLAIN, "abcdefg"))
    assert total == pytest.approx(3 * 0.38 * 0.1 + 4 * 0.44 * 0.1, rel=1e-4)


def test_a_letter_that_segments_cannot_show_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        PLAIN.lit("W")


def test_outlines_refuse_what_is_not_a_font(tmp_path: Path) -> None:
    fake = tmp_path / "fake.ttf"
    fake.write_bytes(b"not a font")
    with pytest.raises(FontError, match="cannot be opened"):
        glyph_outline(str(fake), "A")


def test_outlines_are_in_em_units(segment_font: str) -> None:
    eight = glyph_outline(segment_font, "8")
    left, top, right, bottom = eight.box
    assert 0.3 < right - left < 1.2
    assert -1.2 < top < bottom < 0.2
    assert eight.advance > right - left
    assert all(np.isfinite(contour).all() and contour.shape[1] == 2 for contour in eight.contours)
    with pytest.raises(FontError, match=r"U\+4E00"):
        glyph_outline(segment_font, "\u4e00")
