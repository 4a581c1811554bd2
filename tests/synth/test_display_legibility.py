"""What a display's digits and point look like when they can be told, and what refuses those that cannot."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ocrsmith.geometry import box_quad, quad_to_quad
from ocrsmith.samples import Image
from ocrsmith.synth.display_legibility import Clarity, reading_clarity
from ocrsmith.synth.displays import DisplayLine, DisplayLinePlan
from ocrsmith.synth.panel_choices import PanelLook, draw_panel_plan
from ocrsmith.synth.panels import Panel, draw_panel, text_width
from ocrsmith.synth.segment_probes import HOLES, NUM_HOLE, NUM_ON, SEGMENTS, font_probes, style_probes
from ocrsmith.synth.segments import LIT, SegmentStyle, unit_segments

STYLE = SegmentStyle("bar", width=0.5, thickness=0.1, gap=0.0, slant=0.0)
DIGIT_PX = 80


def a_panel(text: str, **changes: Any) -> Panel:
    """Black digits on white, half as wide as high, a digit's width apart, the point in the middle between them."""
    panel = draw_panel_plan(text, PanelLook(tail=0, ghosts=0, blanks=0, labels=0), np.random.default_rng(0))
    plain: dict[str, Any] = {"ink": (0, 0, 0), "ground": (255, 255, 255), "ink_alpha": 1.0, "shadow": (0.0, 0.0, 0.0)}
    plain |= {"style": STYLE, "pitch": 1.0, "point_alpha": 1.0, "point_size": 0.15, "point_place": 0.5}
    plain |= {"point_room": 0.0, "bezel": (255, 255, 255), "window": (0.5, 0.5, 0.5, 0.5)}
    return replace(panel, **(plain | changes))


def drawn(panel: Panel) -> tuple[Image, NDArray[np.float64]]:
    """The panel at 80 px a digit with half a digit of ground round it, and its matrix."""
    width = round((text_width(panel) + 1) * DIGIT_PX)
    image = np.full((2 * DIGIT_PX, width, 3), 255, np.uint8)
    matrix = quad_to_quad(box_quad(-0.5, -0.5, text_width(panel) + 0.5, 1.5), box_quad(0, 0, width, 2 * DIGIT_PX))
    draw_panel(image, matrix, panel)
    return image, matrix


def clarity(panel: Panel, change: Any = None) -> Clarity:
    image, matrix = drawn(panel)
    return reading_clarity(image if change is None else change(image), matrix, panel)


def smeared(px: int) -> Any:
    """A camera that moves sideways by some px."""
    return lambda image: cv2.blur(image, (px, 1))


@pytest.mark.parametrize("digit", "0123456789-")
def test_a_sharp_digit_is_told_by_half_a_stroke_for_each_segment_that_its_nearest_rival_differs_in(digit: str) -> None:
    style = replace(STYLE, tailed_seven=False)
    codes = {d: set(LIT[d]) for d in "0123456789"}
    nearest = min(len(set(LIT[digit]) ^ code) for d, code in codes.items() if d != digit)
    measured = clarity(a_panel(digit, style=style))
    assert measured.digits[0] == pytest.approx(nearest / 2, abs=0.06)
    assert measured.fault is None and len(measured.points) == 0


def test_smear_over_a_stroke_is_kept_and_over_a_digits_width_refused() -> None:
    panel = a_panel("083")
    # Strokes are 8 px wide, digits 40.
    assert clarity(panel, smeared(8)).fault is None
    assert clarity(panel, smeared(40)).fault == "UnclearDigit"
    least = [clarity(panel, smeared(px)).digits.min() for px in (1, 16, 28, 40)]
    assert least == sorted(least, reverse=True)


def test_smear_upwards_that_fills_the_holes_of_an_8_is_refused() -> None:
    """Holes are 28 px high and strokes 8: smeared over 9 the middle bar stands alone, over 42 it is not told."""
    assert clarity(a_panel("8"), lambda image: cv2.blur(image, (1, 9))).fault is None
    assert clarity(a_panel("8"), lambda image: cv2.blur(image, (1, 43))).fault == "UnclearDigit"


def test_unlit_segments_as_dark_as_lit_ones_are_refused_as_any_digit_looks_like_8() -> None:
    dim = a_panel("2", ghost=0.2, ghost_ink=(0, 0, 0))
    assert clarity(dim).fault is None
    loud = a_panel("2", ghost=0.9, ghost_ink=(1, 1, 1))
    assert clarity(loud).digits[0] == pytest.approx(-1.0, abs=0.1), "an 8 but for two segments, both fully on"
    assert clarity(loud).fault == "UnclearDigit"


def test_light_that_slopes_across_a_digit_leaves_it_told() -> None:
    def sloped(image: Image) -> Image:
        slope = np.linspace(0.3, 1.0, image.shape[0], dtype=np.float32)[:, None, None]
        return (image * 0.4 * slope + 150 * slope).astype(np.uint8)

    for digit in "0123456789":
        assert clarity(a_panel(digit), sloped).fault is None, digit


def test_noise_counts_against_faint_strokes_and_not_against_strong_ones() -> None:
    noise = np.random.default_rng(4).normal(0, 25, (160, 300, 3))

    def noisy(image: Image) -> Image:
        return (image + noise[:, : image.shape[1]]).clip(0, 255).astype(np.uint8)

    assert clarity(a_panel("08"), noisy).fault is None
    assert clarity(a_panel("08", ink=(196, 196, 196), ground=(200, 200, 200)), noisy).fault == "UnclearDigit"


def test_a_clear_point_is_kept_and_one_faded_to_nothing_refused() -> None:
    """Full strength is 255 levels a channel, 442 along the diagonal; noise of flat colours counts as 1."""
    clear = clarity(a_panel("1.2", point_size=0.2))
    assert clear.fault is None
    assert 442 / np.sqrt(442 * 10) < clear.points[0] <= 442 / np.sqrt(442)
    gone = clarity(a_panel("1.2", point_alpha=0.0))
    assert gone.points.tolist() == [0.0] and gone.fault == "UnseenPoint"
    seen = [clarity(a_panel("1.2", point_alpha=alpha)).points[0] for alpha in (0.0, 0.1, 0.3, 1.0)]
    assert seen == sorted(seen)


def test_a_point_is_not_missed_where_smaller_digits_tell_of_it() -> None:
    panel = a_panel("1.2", point_alpha=0.0, tail=1, tail_scale=0.6, tail_alpha=1.0)
    measured = clarity(panel)
    assert len(measured.points) == 0 and measured.fault is None


def test_points_that_touch_one_foot_or_both_are_seen() -> None:
    """Feet 0.1 of a height apart: a point of .1 touches both digits, one of .05 at their left end touches one."""
    for size, place in ((0.1, 0.5), (0.05, 0.25)):
        panel = a_panel("8.8", pitch=0.6, point_size=size, point_place=place)
        assert clarity(panel).fault is None, (size, place)
        assert clarity(replace(panel, point_alpha=0.0)).fault == "UnseenPoint"


def test_a_smeared_out_point_is_refused_while_its_digits_are_told() -> None:
    panel = a_panel("1.1", point_size=0.06)
    measured = clarity(panel, lambda image: cv2.GaussianBlur(image, (0, 0), 10))
    assert measured.digits.min() > 0 and measured.points[0] < clarity(panel).points[0] / 4


def test_nothing_is_measured_of_a_text_without_digits() -> None:
    measured = clarity(a_panel("."))
    assert len(measured.digits) == 0 and measured.fault is None


def test_probes_lie_on_the_segments_and_in_the_holes() -> None:
    style = SegmentStyle("hexagon", width=0.6, thickness=0.14, gap=0.02, slant=0.2)
    probes = style_probes(style, "8")
    shapes = unit_segments(style)
    for name, points in zip(SEGMENTS, probes.points[: HOLES.start].reshape(7, NUM_ON, 2), strict=True):
        assert all(cv2.pointPolygonTest(shapes[name], p, False) >= 0 for p in points.tolist()), name
    rest = probes.points[HOLES.start :].tolist()
    assert len(rest) == 2 * NUM_HOLE + 6 * 7
    assert not any(cv2.pointPolygonTest(shape, p, False) >= 0 for p in rest for shape in shapes.values())


def test_every_packaged_segment_font_lights_what_seven_segments_light() -> None:
    folder = Path(__file__).resolve().parents[2] / "src" / "ocrsmith" / "assets" / "fonts" / "files"
    fonts = sorted(map(str, folder.glob("*Segment*.ttf")))
    if not fonts:
        pytest.skip("the packaged fonts are not built")
    for font in fonts:
        for digit in "012345689-":
            lit = font_probes(font, digit, 0.5).lit
            assert "".join(name for name, on in zip(SEGMENTS, lit, strict=True) if on) == "".join(sorted(LIT[digit]))


def test_a_readings_faults_are_counted_by_cause() -> None:
    class Readings:
        def sample(self, rng: np.random.Generator) -> str:
            return f"{int(rng.integers(100))}.{int(rng.integers(10))}"

    class Shaken(DisplayLine):
        """Every second draw has no point, every third is smeared over half its digits' height."""

        draws = 0

        def _draw(self, rng: np.random.Generator) -> DisplayLinePlan:
            plan = super()._draw(rng)
            self.draws += 1
            if self.draws % 2:
                plan = replace(plan, panel=replace(plan.panel, point_alpha=0.0))
            if self.draws % 3 == 0:
                plan = replace(plan, optics=replace(plan.optics, motion_px=(plan.height_px / 2, 0.0)))
            return plan

    scene, causes = Shaken(Readings(), look=PanelLook(tail=0.0)), Counter[str]()
    for seed in range(12):
        plan = scene.plan(np.random.default_rng(seed))
        causes.update(dict(plan.refusals))
        assert DisplayLinePlan.from_json(plan.to_json()) == plan
    assert causes["UnseenPoint"] >= 5 and causes["UnclearDigit"] >= 3
