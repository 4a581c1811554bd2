"""Display crops and scenes: labels agree with pixels, plans replay, faint ones are drawn again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ocrsmith.errors import SynthesisError
from ocrsmith.geometry import bounds, box_quad, inside_share, quad_to_quad, transform_points
from ocrsmith.samples import Image
from ocrsmith.synth.display_scenes import DisplayScene, DisplayScenePlan
from ocrsmith.synth.displays import DisplayLine, DisplayLinePlan, _lit_shapes, _matrix, visible_contrast
from ocrsmith.synth.legibility import is_washed_out
from ocrsmith.synth.optics import Optics, apply_optics
from ocrsmith.synth.panel_choices import PanelLook, draw_panel_plan
from ocrsmith.synth.panel_print import Label, fits, label_box, label_contours
from ocrsmith.synth.panels import cells_of, digits_box, draw_panel, text_width, window_quad


class Readings:
    """Readings with leading zeros, a point and now and then a minus."""

    def sample(self, rng: np.random.Generator) -> str:
        digits = "".join(str(d) for d in rng.integers(0, 10, int(rng.integers(1, 7))))
        minus = "-" if rng.random() < 0.2 else ""
        return minus + (f"{digits[:-1]}.{digits[-1]}" if len(digits) > 2 and rng.random() < 0.5 else digits)


class Flat:
    """A grey background."""

    def plan(self, rng: np.random.Generator, width: int, height: int) -> dict[str, Any]:
        return {"level": int(rng.integers(256)), "width": width, "height": height}

    def render(self, plan: dict[str, Any]) -> Image:
        return np.full((plan["height"], plan["width"], 3), plan["level"], np.uint8)


def test_a_smaller_tail_stands_behind_its_point() -> None:
    panel = draw_panel_plan("12.3", PanelLook(tail=1.0, hidden_point=0.0), np.random.default_rng(0))
    panel = replace(panel, blank_cells=0, pitch=1.0, point_room=0.0, tail_scale=0.5)
    cells = cells_of(panel)
    assert [c.text for c in cells] == ["1", "2", ".", "3"]
    assert [c.left for c in cells if c.text != "."] == [0.0, 1.0, 2.0]
    assert cells[3].scale == 0.5
    assert cells[3].top == 0.5
    assert 1.0 + panel.style.width < cells[2].left + panel.point_size / 2 < 2.0


def test_quads_hold_the_ink() -> None:
    """Lit segments drawn alone in black on white lie inside their characters' quads, and touch each of their sides."""
    panel = draw_panel_plan("80.4", PanelLook(tail=0, ghosts=0, labels=0, blanks=0), np.random.default_rng(3))
    panel = replace(panel, ink=(0, 0, 0), ground=(255, 255, 255), ink_alpha=1.0, shadow=(0, 0, 0), bezel_width=0.0)
    matrix = quad_to_quad(box_quad(0, 0, text_width(panel), 1), box_quad(20, 20, 380, 120))
    image = np.full((140, 400, 3), 255, np.uint8)
    characters = draw_panel(image, matrix, panel)
    assert "".join(c.text for c in characters) == "80.4"
    for character in characters:
        left, top, right, bottom = (round(v) for v in bounds(character.quad))
        ink = np.argwhere(image[top - 2 : bottom + 2, left : right + 1, 0] < 128)
        assert len(ink), character.text
        assert abs(int(ink[:, 0].min()) - 2) <= 2
        assert abs(int(ink[:, 0].max()) - (bottom - top + 1)) <= 2


@pytest.mark.parametrize("seed", range(8))
def test_line_plans_replay_and_survive_json(seed: int, segment_font: str) -> None:
    scene = DisplayLine(Readings(), segment_fonts=[segment_font])
    plan = scene.plan(np.random.default_rng([5, seed]))
    again = DisplayLinePlan.from_json(plan.to_json())
    assert again == plan
    first, second = scene.render(plan), scene.render(again)
    assert first.text == second.text == plan.panel.text
    np.testing.assert_array_equal(first.image, second.image)
    assert first.image.shape == (plan.height_px, plan.width_px, 3)


def test_scenes_replay_survive_json_and_mark_what_is_cut() -> None:
    scene = DisplayScene(Readings(), Flat(), width=200, height=160, empty=0.2)
    counts = []
    for seed in range(12):
        plan = scene.plan(np.random.default_rng([6, seed]))
        again = DisplayScenePlan.from_json(plan.to_json())
        assert again == plan
        sample = scene.render(plan)
        np.testing.assert_array_equal(sample.image, scene.render(again).image)
        assert sample.image.shape == (160, 200, 3)
        counts.append(len(sample.instances))
        for instance in sample.instances:
            assert "".join(c.text for c in instance.characters or ()) == instance.text
    assert 0 in counts
    assert max(counts) >= 1


@pytest.fixture(scope="module")
def print_font() -> str:
    """A packaged text font."""
    folder = Path(__file__).resolve().parents[2] / "src" / "ocrsmith" / "assets" / "fonts"
    found = sorted(path for path in folder.rglob("*.ttf") if "segment" not in path.name.lower())
    if not found:
        pytest.skip("the packaged fonts are not built")
    return str(next((path for path in found if "Sans" in path.name), found[0]))


def meet(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def test_a_labels_box_holds_its_contours_and_frame(print_font: str) -> None:
    for boxed in (False, True):
        label = Label("kWh", print_font, 1.0, 2.0, 0.5, boxed=boxed)
        points = np.concatenate([contour for glyph in label_contours(label) for contour in glyph])
        # Of curves the box holds the handles, too.
        np.testing.assert_allclose(label_box(label), (*points.min(axis=0), *points.max(axis=0)), atol=0.01)
    left, top, right, bottom = label_box(Label("kWh", print_font, 1.0, 2.0, 0.5))
    assert 1.0 <= left < 1.1 and 1.5 < top < bottom and 1.99 < bottom < 2.02 and 1.5 < right < 3.0


def test_print_on_a_panel_stands_clear_of_the_digits_and_of_other_print(print_font: str) -> None:
    look = PanelLook(labels=6.0, ghosts=0.5, blanks=0.5)
    seen = 0
    for seed in range(60):
        rng = np.random.default_rng([21, seed])
        panel = draw_panel_plan(Readings().sample(rng), look, rng, label_fonts=[print_font])
        boxes = [digits_box(panel), *(label_box(label) for label in panel.labels)]
        seen += len(panel.labels)
        assert not any(meet(a, b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert seen > 100, "most labels find a place"


def test_print_on_a_plate_stays_on_it_and_off_the_window(print_font: str) -> None:
    scene = DisplayScene(Readings(), Flat(), label_fonts=[print_font], empty=0.0)
    seen = 0
    for seed in range(40):
        for device in scene.plan(np.random.default_rng([22, seed])).devices:
            (left, top), (right, bottom) = window_quad(device.panel)[[0, 2]].tolist()
            edge = device.panel.bezel_width
            boxes = [(left - edge, top - edge, right + edge, bottom + edge), *map(label_box, device.print)]
            assert not any(meet(a, b) for i, a in enumerate(boxes) for b in boxes[:i])
            for box in boxes[1:]:
                seen += 1
                assert box[0] >= left - device.face[0] and box[1] >= top - device.face[1]
                assert box[2] <= right + device.face[2] and box[3] <= bottom + device.face[3]
    assert seen > 40


def test_print_is_cut_by_a_tilted_windows_edge(print_font: str) -> None:
    panel = draw_panel_plan("1", PanelLook(labels=0, ghosts=0, blanks=0), np.random.default_rng(1))
    label = Label("HHHHHHHH", print_font, 0.2, 0.9, 0.8, 1.0)
    panel = replace(panel, labels=(label,), ink=(0, 0, 0), ground=(200, 0, 0), ink_alpha=1.0, shadow=(0, 0, 0))
    panel = replace(panel, bezel_width=0.0, window=(0.1, 0.1, 0.1, 0.1))
    corners = np.array([[60, 20], [110, 60], [70, 110], [20, 70]], np.float32)
    image = np.full((130, 130, 3), 255, np.uint8)
    draw_panel(image, quad_to_quad(window_quad(panel), corners), panel)
    outside: Any = np.full((130, 130), 255, np.uint8)
    cv2.fillConvexPoly(outside, corners.astype(np.int32), 0)
    outside = cv2.erode(outside, np.ones((5, 5), np.uint8))
    assert (image[outside > 0] == 255).all()


def test_a_font_without_the_glyphs_has_no_place(segment_font: str) -> None:
    taken: list[tuple[float, float, float, float]] = []
    assert not fits(Label("\u4e00", segment_font, 0.0, 0.0, 1.0), taken, 0.0)
    assert taken == []
    assert fits(Label("8", segment_font, 0.0, 0.0, 1.0), taken, 0.0)
    assert not fits(Label("8", segment_font, 0.1, 0.0, 1.0), taken, 0.0)
    assert len(taken) == 1


def segment_shares(plan: DisplayLinePlan) -> np.ndarray:
    """The shares of lit segments, or of a font's glyphs, that lie in the crop, points left out."""
    size = (plan.width_px, plan.height_px)
    shapes = [transform_points(shape, _matrix(plan)) for shape in _lit_shapes(plan.panel)]
    return np.array([inside_share(shape, *size) for shape in shapes])


def test_tight_crops_cut_no_segment_by_half() -> None:
    """In 300 crops each lit segment keeps three fifths of itself or more, and some crops still cut into the ink."""
    scene = DisplayLine(Readings())
    least = [segment_shares(scene.plan(np.random.default_rng([9, i]))).min() for i in range(300)]
    assert min(least) >= 0.6
    assert 10 <= sum(share < 0.99 for share in least) <= 240


def test_what_is_too_faint_is_drawn_again_and_a_world_of_it_is_an_error() -> None:
    rng = np.random.default_rng(1)
    scene = DisplayLine(Readings(), look=PanelLook(faint=1.0))
    for _ in range(30):
        plan = scene.plan(rng)
        assert visible_contrast(plan.panel, plan.optics) >= 1.0

    class Invisible(DisplayLine):
        def _draw(self, rng: np.random.Generator) -> DisplayLinePlan:
            plan = super()._draw(rng)
            return replace(plan, panel=replace(plan.panel, ink=plan.panel.ground))

    with pytest.raises(SynthesisError, match="too faint"):
        Invisible(Readings()).plan(rng)


def test_what_is_washed_out_is_refused_with_a_count_in_crops_and_marked_in_scenes() -> None:
    class Overexposed(DisplayLine):
        """Every second draw is lit until nothing is left."""

        draws = 0

        def _draw(self, rng: np.random.Generator) -> DisplayLinePlan:
            plan = super()._draw(rng)
            self.draws += 1
            glare = replace(plan.optics, brightness=400.0) if self.draws % 2 else plan.optics
            return replace(plan, optics=glare)

    scene, causes = Overexposed(Readings()), Counter[str]()
    for seed in range(10):
        plan = scene.plan(np.random.default_rng(seed))
        causes.update(dict(plan.refusals))
        assert scene.render_labelled(plan).image.shape[0] == plan.height_px
        assert DisplayLinePlan.from_json(plan.to_json()) == plan
    assert causes["IllegibleError"] >= 5
    meters = DisplayScene(Readings(), Flat(), width=200, height=160, empty=0.0)
    whole = meters.plan(np.random.default_rng(1))
    assert any(not instance.ignore for instance in meters.render(whole).instances)
    lit = meters.render(replace(whole, optics=replace(whole.optics, brightness=400.0)))
    assert lit.instances and all(instance.ignore for instance in lit.instances)


def test_one_digit_that_drowned_is_enough() -> None:
    image, coverage = np.full((40, 80, 3), 90, np.uint8), np.zeros((40, 80), np.uint8)
    quads = [box_quad(10, 10, 24, 30), box_quad(40, 10, 54, 30)]
    for left in (10, 40):
        coverage[10:30, left : left + 4] = 255
    image[coverage > 0] = 60
    assert not is_washed_out(image, coverage, quads)
    image[:, 34:] = 255
    assert is_washed_out(image, coverage, quads) and not is_washed_out(image, coverage, quads[:1])
    assert not is_washed_out(image, coverage, [box_quad(100, 5, 110, 15)])


PLAIN = Optics((1.0, 1.0, 1.0, 1.0), 0.0, 0.0, 1.0, 0.0, (1.0, 1.0, 1.0), 0.0, (0.0, 0.0), 0.0, 1.0, 1.0, 0, 5)
EFFECTS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "light": {"light": (0.6, 1.2, 1.1, 0.7)},
    "glare": {"glare": 120.0},
    "clouds": {"clouds": 20.0},
    "contrast": {"contrast": 0.4, "brightness": 30.0},
    "cast": {"cast": (0.8, 1.2, 1.0)},
    "blur": {"blur_px": 2.5, "stretch": 1.5},
    "motion across": {"motion_px": (5.0, 0.0)},
    "motion aslant": {"motion_px": (3.0, 4.0)},
    "noise": {"noise": 12.0},
    "shrink": {"shrink": 2.6},
    "shrink stretched": {"shrink": 2.2, "stretch": 1.7},
    "jpeg": {"jpeg": 25},
}


@pytest.mark.parametrize("name", EFFECTS)
@pytest.mark.parametrize("seed", [4, 5, 6])
def test_every_optical_effect_alone_leaves_a_digit_where_it_was(name: str, seed: int) -> None:
    mask = np.zeros((96, 128), np.uint8)
    cv2.putText(mask, "4", (44, 66), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 255, 6, cv2.LINE_AA)
    image = np.stack([200 - (mask.astype(np.float32) * 0.6).astype(np.uint8)] * 3, axis=-1)
    out = apply_optics(image, replace(PLAIN, seed=seed, **EFFECTS[name]))
    dark = 255.0 - out[12:84, 24:104].mean(axis=2, dtype=np.float32)
    fit = cv2.matchTemplate(dark, np.ascontiguousarray(mask[20:76, 32:96], np.float32), cv2.TM_CCOEFF_NORMED)
    row, column = np.unravel_index(int(fit.argmax()), fit.shape)
    assert abs(row - 8) <= 1 and abs(column - 8) <= 1
