"""Several alphabets in one line: which font writes what, at which size, in which order, with which labels."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest

from ocrsmith.errors import FontError
from ocrsmith.geometry import bounds
from ocrsmith.synth.bidi import visual_order
from ocrsmith.synth.block_lines import run_of
from ocrsmith.synth.corpus import WeightedText
from ocrsmith.synth.font_stretches import fonts_of, lacking_stretches, other_fonts, script_runs, writes_part
from ocrsmith.synth.fonts import FontFace
from ocrsmith.synth.legibility import CropTooWideError, IllegibleError, InkTooLowError
from ocrsmith.synth.line_layout import lay_out, place
from ocrsmith.synth.line_plans import LinePlan, LineSettings
from ocrsmith.synth.lines import LineScene
from ocrsmith.synth.page_labels import page_instances
from ocrsmith.synth.page_plans import DocumentPlan
from ocrsmith.synth.page_render import write_page
from ocrsmith.synth.page_settings import PageSettings
from ocrsmith.synth.pages import DocumentScene
from ocrsmith.synth.scene_settings import PhotoSettings
from ocrsmith.synth.scenes import PageScene
from ocrsmith.synth.shaping import shape

FOLDER = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
LATIN, GREEK, HEBREW = "abcdefghijklmnopqrstuvwxyz0123456789., ", "αβγδελοςόπσ", "אבגדשלוםי"
ALPHA_BETA = "αβ"


def face(file: str, family: str, characters: str, category: str = "sans", style: str = "Regular") -> FontFace:
    return FontFace(FOLDER / f"{file}.ttf", family, style, category, frozenset(map(ord, characters)))


SANS = face("DejaVuSans", "Latin", LATIN)
SERIF = face("DejaVuSerif", "Greek", GREEK, "serif")
BOLD = face("DejaVuSans-Bold", "Greek", GREEK, "sans", "Bold")
RIGHT = face("DejaVuSans-Oblique", "Hebrew", HEBREW)
FACES = {one.name: one for one in (SANS, SERIF, BOLD, RIGHT)}


def test_runs_of_scripts() -> None:
    assert script_runs("5 µm") == [(0, 3, "Zyyy"), (3, 4, "Latn")]
    assert script_runs("e\u0301λ") == [(0, 2, "Latn"), (2, 3, "Grek")]
    assert script_runs("") == []


def test_a_script_is_given_over_whole() -> None:
    # The font has the Greek "a" but not "b": neither word is written with it, though it could write the first.
    some = face("DejaVuSans", "Some", LATIN + "α")
    assert lacking_stretches(some, "x α, β") == [(2, 3, "Grek"), (5, 6, "Grek")]
    # Neighbours are one stretch, named by the first script in it: a comma of full width goes with its letters.
    assert lacking_stretches(SANS, "a，λb") == [(1, 3, "Grek")]
    assert writes_part(SANS, "a λ") and not writes_part(SANS, "λ 5") and not writes_part(SANS, "é")


def test_the_font_most_alike_is_taken_and_kept_to() -> None:
    rng = np.random.default_rng(0)
    # Both are Greek; the bold one shares the category, which counts for weight and slant together.
    assert other_fonts("ab λό", SANS, FACES, rng) == ((3, 5, "Greek Bold"),)
    assert other_fonts("αβ α", SANS, FACES, rng, {"Grek": "Greek Regular"}) == (
        (0, 2, "Greek Regular"),
        (3, 4, "Greek Regular"),
    )
    before = rng.bit_generator.state
    assert other_fonts("ab", SANS, FACES, rng) == () and rng.bit_generator.state == before
    with pytest.raises(FontError, match="None of 4 fonts"):
        other_fonts("ab 中", SANS, FACES, rng)


def test_the_main_font_is_left_only_where_it_has_nothing() -> None:
    rng = np.random.default_rng(0)
    assert fonts_of("ab", "Latin Regular", FACES, rng) == ("Latin Regular", ())
    assert fonts_of("ab α", "Latin Regular", FACES, rng) == ("Latin Regular", ((3, 4, "Greek Bold"),))
    name, others = fonts_of("αβ", "Latin Regular", FACES, rng)
    assert name in ("Greek Regular", "Greek Bold") and others == ()
    # No font has both; the Hebrew one has neither: one of the others writes its own part.
    name, others = fonts_of("abα", "Hebrew Regular", FACES, rng)
    assert (name, others[0][:2]) in (("Latin Regular", (2, 3)), ("Greek Bold", (0, 2)), ("Greek Regular", (0, 2)))


def test_two_fonts_in_a_run_stand_on_one_baseline_with_one_x_height() -> None:
    # x-heights of the files: 1120 and 1063 of 2048, so that the serif is set at 40 * 1120 / 1063 = 42.14: 42.25 px.
    run = shape(SANS, "ab αβ x", 40, others=[(3, 5, SERIF)])
    assert run.texts == tuple("ab αβ x")
    greek = shape(SERIF, ALPHA_BETA, 42.25)
    parts = [shape(SANS, "ab ", 40), greek, shape(SANS, " x", 40)]
    assert run.advance_px == pytest.approx(sum(part.advance_px for part in parts), abs=0.05)
    shift = parts[0].advance_px + run.origin[0] - greek.origin[0]
    assert np.abs(run.boxes[3:5, [0, 2]] - greek.boxes[:, [0, 2]] - shift).max() <= 1.0  # each is set on whole px
    assert np.abs((run.boxes[3:5, [1, 3]] - run.origin[1]) - (greek.boxes[:, [1, 3]] - greek.origin[1])).max() < 0.01
    # Alpha, as high as an x but for its overshoot.
    heights = run.boxes[:, 3] - run.boxes[:, 1]
    assert heights[3] == pytest.approx(heights[6], rel=0.06)


def test_right_to_left_words_within_a_line_are_reversed_where_they_stand() -> None:
    run = shape(SANS, "ab שלום c", 30, others=[(3, 7, RIGHT)])
    lefts = run.boxes[:, 0]
    assert run.texts == tuple("ab שלום c")
    assert lefts[1] < lefts[6] < lefts[5] < lefts[4] < lefts[3] < lefts[8]
    # A font that has half a right-to-left word writes its right half.
    half = shape(RIGHT, "שלום", 30, others=[(2, 4, BOLD)])
    assert (np.diff(half.boxes[:, 0]) < 0).all()


def test_visual_order_of_words_and_their_spaces() -> None:
    assert visual_order(["ab", "cd"]) == ([0, 1], [0])
    assert visual_order(["שלום", "אבג"]) == ([1, 0], [0])
    assert visual_order(["ab", "שלום", "אבג", "cd"]) == ([0, 2, 1, 3], [0, 1, 2])
    # To the right within a line to the left: the spaces come from the right, too.
    assert visual_order(["שלום", "ab", "cd", "אבג"]) == ([3, 1, 2, 0], [2, 1, 0])
    assert visual_order(["α"]) == ([0], [])


TEXTS = ["length 5 λόγος", "αβ cd", "one, two", "ab שלום אבג cd", "γδ"]


def test_pages_write_several_alphabets_in_a_line() -> None:
    pages = DocumentScene(
        WeightedText(TEXTS), list(FACES.values()), None, PageSettings(stamp_share=0.5, tilt_share=0.0, bend_share=0.0)
    )
    mixed = 0
    for seed in range(6):
        plan = pages.plan(np.random.default_rng(seed))
        again = DocumentPlan.from_json(plan.to_json())
        assert again == plan and hash(again) == hash(plan)
        assert pages.plan(np.random.default_rng(seed)) == plan
        for text in plan.texts:
            own = pages.faces[text.font]
            for index, word in enumerate(text.words):
                stretches = [other for place, other in text.others if place == index]
                held = [font for start, end, font in stretches for _ in range(start, end)]
                assert len(held) == sum(not own.draws(character) for character in word)
                assert all(pages.faces[font].draws(word[start:end]) for start, end, font in stretches)
            scripts = {name for word in text.words for _, _, name in script_runs(word)} - {"Zyyy"}
            mixed += len(scripts) > 1
        flat = write_page(plan, pages.faces, None)
        for instance in page_instances(flat.image, flat, 4.0):
            assert instance.characters is not None
            assert "".join(character.text for character in instance.characters) == instance.text
    assert mixed > 10


def test_spaces_stand_between_the_words_that_are_seen_side_by_side() -> None:
    pages = DocumentScene(WeightedText(["ab שלום אבג cd"]), list(FACES.values()), None, PageSettings(tilt_share=0.0))
    found = 0
    for seed in range(8):
        plan = pages.plan(np.random.default_rng(seed))
        page = write_page(replace(plan, stamps=(), bends=()), pages.faces, None)
        for text in page.texts:
            boxes = [bounds(quad) for quad in text.quads]
            spaces = [i for i, piece in enumerate(text.pieces) if piece == " "]
            for i in spaces:
                middle = (boxes[i][0] + boxes[i][2]) / 2
                found += 1
                inked = [box for j, box in enumerate(boxes) if j not in spaces]
                assert not any(left + 0.5 < middle < right - 0.5 for left, _, right, _ in inked)
    assert found > 20


def test_photo_scenes_write_several_alphabets_in_a_line() -> None:
    class Grey:
        """A plain ground."""

        def sample(self, rng: np.random.Generator, width: int, height: int) -> np.ndarray:
            return np.full((height, width, 3), 200, np.uint8)

    photo = PageScene(WeightedText(TEXTS), list(FACES.values()), Grey(), PhotoSettings(blocks=(6, 9)))
    mixed = 0
    for seed in range(6):
        plan = photo.plan(np.random.default_rng(seed))
        assert type(plan).from_json(plan.to_json()) == plan
        assert "TofuError" not in dict(plan.refusals)
        for line in (line for block in plan.blocks for line in block.lines):
            mixed += bool(line.others)
            assert "".join(run_of(line, photo.faces).texts) == line.text
        spelt = {instance.text for instance in photo.render(plan).instances}
        assert spelt & {line.text for block in plan.blocks for line in block.lines}
    assert mixed > 5


def test_lines_hold_several_alphabets() -> None:
    scene = LineScene(WeightedText(TEXTS), list(FACES.values()), settings=LineSettings(degradation=0.0, extras=0.5))
    mixed = 0
    for seed in range(60):
        try:
            plan = scene.plan(np.random.default_rng(seed))
        except (IllegibleError, InkTooLowError, CropTooWideError):
            continue
        assert LinePlan.from_json(plan.to_json()) == plan and json.loads(plan.to_json())["text"] == plan.text
        mixed += bool(plan.others)
        page = scene.render_labelled(plan)
        characters = page.instances[0].characters
        assert characters is not None and "".join(character.text for character in characters) == plan.text
        laid = lay_out(plan, place(plan, 4096))
        for piece, quad in zip(laid.run.texts, laid.quads(), strict=True):
            if not piece.isspace():
                left, top, right, bottom = (round(value) for value in bounds(quad))
                box = laid.coverage[max(top, 0) : bottom + 1, max(left, 0) : right + 1]
                assert cv2.countNonZero(box), piece
    assert mixed > 10
