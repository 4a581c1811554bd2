"""Photo scenes: labels that are true to the pixels, plans that replay."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest

from ocrsmith.alphabet import PRINTABLE_ASCII, Alphabet
from ocrsmith.errors import LabelError, RecipeError, SynthesisError
from ocrsmith.geometry import bounds
from ocrsmith.samples import Image, PageSample
from ocrsmith.synth import block_render
from ocrsmith.synth.block_lines import can_stack, run_of
from ocrsmith.synth.block_render import draw_block
from ocrsmith.synth.choices import Rng
from ocrsmith.synth.corpus import MixtureText, RandomText, WeightedText
from ocrsmith.synth.fonts import FontFace, named_faces
from ocrsmith.synth.layout import rotation_homography, translation
from ocrsmith.synth.scene_labels import InkContrast
from ocrsmith.synth.scene_plans import BendPlan, BlockPlan, InkPlan, LinePlan, ScenePlan
from ocrsmith.synth.scene_settings import PhotoSettings
from ocrsmith.synth.scenes import PageScene
from ocrsmith.synth.shaping import ShapedRun

FOLDER = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FACES = [
    FontFace(FOLDER / f"DejaVu{name}.ttf", f"DejaVu {name}", "Regular", "sans", frozenset(map(ord, PRINTABLE_ASCII)))
    for name in ("Sans", "Serif", "SansMono-Bold")
]


class Clouds:
    """Soft random colours."""

    def sample(self, rng: Rng, width: int, height: int) -> Image:
        small = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def scene(**settings: object) -> PageScene:
    return PageScene(RandomText(Alphabet(PRINTABLE_ASCII)), FACES, Clouds(), PhotoSettings(**settings))  # type: ignore[arg-type]


def sample(photo: PageScene, seed: int) -> PageSample:
    return photo.render(photo.plan(np.random.default_rng(seed)))


def test_labels_spell_and_lie_inside_or_are_flagged() -> None:
    photo = scene(cut_share=0.3, circle_share=0.15, wave_share=0.15, vertical_share=0.15)
    flagged = 0
    for seed in range(25):
        drawn = sample(photo, seed)
        assert drawn.image.shape == (640, 640, 3) and drawn.instances
        for instance in drawn.instances:
            assert instance.characters is not None
            assert "".join(c.text for c in instance.characters) == instance.text
            flagged += instance.ignore
            if not instance.ignore:
                for points in [instance.polygon, *(c.quad for c in instance.characters)]:
                    assert points.min() >= 0 and points.max() <= 640
    assert flagged > 0


def test_a_plan_replays_through_json() -> None:
    photo, other = scene(), scene()
    for seed in range(8):
        plan = photo.plan(np.random.default_rng(seed))
        again = ScenePlan.from_json(plan.to_json())
        assert again == plan and hash(again) == hash(plan)
        first, second = photo.render(plan), other.render(again)
        assert (first.image == second.image).all()
        assert [t.text for t in first.instances] == [t.text for t in second.instances]


@pytest.mark.parametrize("text", ["[]", "{}", "nonsense", '{"width": 3}'])
def test_a_damaged_plan_is_a_label_error(text: str) -> None:
    with pytest.raises(LabelError, match="does not parse"):
        ScenePlan.from_json(text)


TURNS = [(0, 0, 0), (30, 0, 0), (0, -35, 10), (20, 20, -15), (0, 0, 90), (-30, 25, 160)]
BENDS = {
    "straight": None,
    "arch": BendPlan("arch", 20.0),
    "sag": BendPlan("arch", -15.0),
    "wave": BendPlan("wave", 9.0, 160.0, 1.0),
    "over": BendPlan("circle", 80.0),
    "under": BendPlan("circle", -100.0),
    "flat circle": BendPlan("circle", 300.0),
    "down": None,
}


def _alone(run: ShapedRun, index: int) -> ShapedRun:
    """The same run with one character's ink left."""
    left, top, right, bottom = run.boxes[index]
    mask = np.zeros_like(run.mask)
    part = slice(int(top), math.ceil(bottom)), slice(int(left), math.ceil(right))
    mask[part] = run.mask[part]
    alone = copy.copy(run)
    alone.mask = mask
    return alone


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("bend", BENDS)
def test_a_character_alone_fills_its_quad(
    turn: tuple[float, float, float], bend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each character is drawn alone in white through the same warp: its ink lies in its quad and reaches every side.

    A rectangle round what a circle pinches to a trapezoid keeps up to 6 px free at a W's narrow end."""
    matrix = translation(240.3, 198.8) @ rotation_homography(*turn, 700)
    faces = named_faces(FACES)
    size, x, y = (28.0, 0, -90) if bend == "down" else (40.0, -100, 10)
    line = LinePlan("HxEqW", "DejaVu Sans Regular", size, 6.0, True, x, y, bend == "down")
    block = BlockPlan((line,), tuple(matrix.reshape(-1).tolist()), InkPlan((255, 255, 255)), None, BENDS[bend])
    whole = run_of(line, faces)
    for index in range(5):
        monkeypatch.setattr(block_render, "run_of", lambda line, faces, index=index: _alone(whole, index))
        image, ink = np.zeros((400, 480, 3), np.uint8), np.zeros((400, 480), np.uint8)
        drawn = draw_block(image, ink, block, faces)[0]
        assert drawn.pieces == tuple("HxEqW")
        quad = drawn.quads[index]
        rows, columns = np.nonzero(image[..., 0] > 127)
        points = np.stack([columns, rows], axis=1) + 0.5
        # Signed distance of every px of ink from each side, inwards.
        sides = np.roll(quad, -1, axis=0) - quad
        normals = np.stack([-sides[:, 1], sides[:, 0]], axis=1) / np.linalg.norm(sides, axis=1, keepdims=True)
        inwards = np.einsum("psd,sd->ps", points[:, None] - quad, normals)
        assert inwards.min() >= -1.5, f"ink of character {index} leaves its quad by {-inwards.min():.2f} px"
        assert inwards.min(axis=0).max() <= 6.0, f"character {index} stays {inwards.min(axis=0).max():.2f} px short"
        if turn == (0, 0, 0) and BENDS[bend] is None:
            seen = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            assert np.abs(np.array(seen) - np.array(bounds(quad))).max() <= 1.5


def test_quads_follow_reading_direction() -> None:
    matrix = translation(200, 200) @ rotation_homography(0, 0, 180, 700)
    line = LinePlan("ab", "DejaVu Sans Regular", 40.0, 0.0, True, -20, 10)
    block = BlockPlan((line,), tuple(matrix.reshape(-1).tolist()), InkPlan((255, 255, 255)))
    image = np.zeros((400, 400, 3), np.uint8)
    drawn = draw_block(image, np.zeros((400, 400), np.uint8), block, named_faces(FACES))[0]
    assert drawn.quads[0, 0, 0] > drawn.quads[1, 0, 0]
    assert drawn.polygon[0, 1] > drawn.polygon[3, 1]


def test_faint_and_blurred_text_is_flagged() -> None:
    photo = scene(shapes=(0, 0))
    flat = PageScene(
        RandomText(Alphabet("abc")), FACES, Clouds(), photo.settings, degrade=lambda image, rng: np.full_like(image, 90)
    )
    assert all(instance.ignore for seed in range(3) for instance in sample(flat, seed).instances)


def test_contrast_is_measured_between_ink_and_ground() -> None:
    image, ink = np.full((40, 40), 50, np.uint8), np.zeros((40, 40), np.uint8)
    ink[10:30, 10:30] = 255
    image[10:30, 10:30] = 180
    box = np.array([[5, 5], [35, 5], [35, 35], [5, 35]], np.float32)
    assert InkContrast(image, ink).within(box) == pytest.approx(130, abs=1)
    assert InkContrast(image, np.zeros_like(ink)).within(box) == 0
    assert InkContrast(image, ink).within(box + 500) == 0
    assert InkContrast(image, ink).of((slice(12, 28), slice(12, 28))) == 255  # nothing but ink
    # Thin strokes never cover a pixel: the better half of their coverage is ink.
    assert InkContrast(image, (ink // 4)).within(box) == pytest.approx(130, abs=1)


def test_a_warp_of_the_whole_picture_moves_the_labels() -> None:
    def mirrored_up(image: Image, points: np.ndarray, rng: Rng) -> tuple[Image, np.ndarray]:
        shift = int(rng.integers(3, 9))
        return np.roll(image, -shift, axis=0), points - np.array([0, shift], np.float32)

    still = scene(cut_share=0)
    moved = PageScene(RandomText(Alphabet(PRINTABLE_ASCII)), FACES, Clouds(), still.settings, move=mirrored_up)
    plan = still.plan(np.random.default_rng(5))
    before, after = still.render(plan).instances, moved.render(plan).instances
    gaps = {round(float((a.polygon - b.polygon)[:, 1].mean())) for a, b in zip(before, after) if not b.ignore}
    assert len(gaps) == 1 and 3 <= gaps.pop() <= 8


def test_small_and_long_texts() -> None:
    tiny = PageScene(WeightedText(["i"]), FACES, Clouds(), PhotoSettings(width=64, height=48, font_size_px=(8, 20)))
    assert sample(tiny, 0).image.shape == (48, 64, 3)
    long = PageScene(WeightedText(["w" * 200]), FACES, Clouds(), PhotoSettings(width=320, height=320))
    with pytest.raises(SynthesisError, match=r"TooWideError"):
        long.plan(np.random.default_rng(0))


def test_tofu_is_refused_and_counted() -> None:
    mixed = PageScene(WeightedText(["漢", "abc"]), FACES, Clouds())
    plan = mixed.plan(np.random.default_rng(0))
    assert dict(plan.refusals)["TofuError"] > 0
    assert all(line.text == "abc" for block in plan.blocks for line in block.lines)


def test_a_plan_of_an_unknown_font_is_refused() -> None:
    photo = scene()
    plan = photo.plan(np.random.default_rng(0))
    foreign = replace(plan.blocks[0].lines[0], font="Comic")
    with pytest.raises(SynthesisError, match="'Comic'"):
        photo.render(replace(plan, blocks=(replace(plan.blocks[0], lines=(foreign,)),)))


def test_settings_tell_all_mistakes_together() -> None:
    with pytest.raises(RecipeError, match="panel_share") as caught:
        PhotoSettings(width=5, panel_share=2, font_size_px=(30, 10))
    assert "font_size_px" in str(caught.value) and "5 x 640" in str(caught.value)
    with pytest.raises(SynthesisError, match="without fonts"):
        PageScene(RandomText(Alphabet("a")), [], Clouds())


def test_bends_stacks_and_looks_are_drawn_and_replay() -> None:
    photo = scene(arch_share=0.25, wave_share=0.25, circle_share=0.25, vertical_share=0.3, rich_share=1.0)
    kinds, down, looks = set(), 0, set()
    for seed in range(14):
        plan = photo.plan(np.random.default_rng(seed))
        again = ScenePlan.from_json(plan.to_json())
        assert again == plan
        drawn = photo.render(plan)
        assert (drawn.image == scene().render(again).image).all()
        for block in plan.blocks:
            kinds.add(block.bend.kind if block.bend else "straight")
            down += block.lines[0].down
            assert block.ink.look is not None
            looks |= {name for name, value in block.ink.look.to_dict().items() if value}
        for instance in drawn.instances:
            assert "".join(c.text for c in instance.characters or ()) == instance.text
    assert kinds == {"straight", "arch", "wave", "circle"} and down >= 5
    assert {"shadow", "outline", "extrusion", "emboss", "second_ink"} <= looks


def test_stacked_characters_run_down_and_spell_their_text() -> None:
    stacked = PageScene(WeightedText(["HOTEL", "a" * 40]), FACES, Clouds(), PhotoSettings(vertical_share=1.0))
    plan = stacked.plan(np.random.default_rng(3))
    upright = [block for block in plan.blocks if block.lines[0].down]
    assert upright and all(line.text == "HOTEL" for block in upright for line in block.lines)
    image, ink = np.zeros((900, 900, 3), np.uint8), np.zeros((900, 900), np.uint8)
    flat = replace(upright[0], matrix=tuple(translation(450, 450).reshape(-1)), panel=None)
    line = draw_block(image, ink, flat, stacked.faces)[0]
    middles = line.quads.mean(axis=1)
    assert line.text == "HOTEL" and (np.diff(middles[:, 1]) > 0).all()
    assert np.ptp(middles[:, 0]) < 0.2 * np.ptp(middles[:, 1])


@pytest.mark.parametrize("text", ["\u05d0\u05d1", "e\u0301a", "x", "w" * 20])
def test_what_is_joined_marked_or_long_is_not_stacked(text: str) -> None:
    assert not can_stack(text) and can_stack("HOTEL")


def test_a_part_that_meets_its_own_colour_makes_a_line_ignored() -> None:
    class Halves:
        def sample(self, rng: Rng, width: int, height: int) -> Image:
            image = np.full((height, width, 3), 255, np.uint8)
            image[:, width // 2 :] = 10
            return image

    photo = PageScene(WeightedText(["black"]), FACES, Halves(), PhotoSettings(shapes=(0, 0), width=400, height=200))
    plan = photo.plan(np.random.default_rng(0))
    ink = InkPlan((10, 10, 10))
    line = LinePlan("blackblack", "DejaVu Sans Regular", 30.0, 0.0, True, -90, 0)
    found = []
    for x in (200, 100):
        block = BlockPlan((line,), tuple(translation(x, 100).reshape(-1).tolist()), ink)
        found.append(photo.render(replace(plan, blocks=(block,))).instances[0].ignore)
    assert found == [True, False]


def test_several_alphabets_stand_in_one_scene() -> None:
    latin, greek = "abcdefgh", "\u03b1\u03b2\u03b3\u03b4\u03b5"
    faces = [
        replace(FACES[0], family="Latin", code_points=frozenset(map(ord, latin))),
        replace(FACES[1], family="Greek", code_points=frozenset(map(ord, greek))),
    ]
    texts = MixtureText([(RandomText(Alphabet(latin), 2, 5), 1), (RandomText(Alphabet(greek), 2, 5), 1)])
    photo = PageScene(texts, faces, Clouds(), PhotoSettings(blocks=(8, 12)))
    both = 0
    for seed in range(5):
        plan = photo.plan(np.random.default_rng(seed))
        lines = [line for block in plan.blocks for line in block.lines]
        assert all(line.font == f"{'Latin' if set(line.text) <= set(latin) else 'Greek'} Regular" for line in lines)
        both += len({line.font for line in lines}) == 2
        assert "TofuError" not in dict(plan.refusals)
    assert both >= 4


def test_stacked_characters_keep_their_gap_in_any_case_of_letters() -> None:
    for text in ("gjpqd", "HOTEL", "a.b-c", "Wagen 7"):
        photo = PageScene(WeightedText([text]), FACES, Clouds(), PhotoSettings(vertical_share=1.0, blocks=(2, 4)))
        for block in photo.plan(np.random.default_rng(1)).blocks:
            boxes = run_of(block.lines[0], photo.faces).boxes
            gaps = boxes[1:, 1] - boxes[:-1, 3]
            assert gaps.min() >= 0 and gaps.min() <= 0.6 * block.lines[0].size_px
