"""The line world: plans replay, quads hold their ink, crops keep their text inside, refusals name their cause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrsmith.errors import LabelError, RecipeError, SynthesisError
from ocrsmith.samples import Image
from ocrsmith.synth.font_files import inspect_file
from ocrsmith.synth.fonts import FontFace
from ocrsmith.synth.legibility import (
    CropTooWideError,
    GlyphMissingError,
    IllegibleError,
    InkTooLowError,
    RefusedDrawError,
)
from ocrsmith.synth.line_layout import LaidLine, lay_out, place
from ocrsmith.synth.line_plans import ExtraInk, LinePlan, LineSettings
from ocrsmith.synth.lines import LineScene

WORDS = ("a", "-", "Ag", "jumps over", "QUICK 27.50", "Total (net)", "x", "of the 12 lazy dogs, one", "'tis")


class Words:
    """Texts for tests."""

    def sample(self, rng: np.random.Generator) -> str:
        return WORDS[int(rng.integers(len(WORDS)))]


class Stripes:
    """A loud ground."""

    def sample(self, rng: np.random.Generator, width: int, height: int) -> Image:
        row = (np.arange(width) // int(rng.integers(2, 30)) % 2 * 120 + 60).astype(np.uint8)
        return np.ascontiguousarray(np.broadcast_to(row[None, :, None], (height, width, 3)))


@pytest.fixture(scope="module")
def fonts() -> list[FontFace]:
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    faces = []
    for name in ("DejaVuSans.ttf", "DejaVuSerif-Italic.ttf", "DejaVuSansMono-Bold.ttf"):
        facts = inspect_file(folder / name, range(32, 127))[0]
        faces.append(FontFace(folder / name, facts.family, facts.style, facts.category, facts.code_points))
    return faces


def _laid(plan: LinePlan) -> LaidLine:
    return lay_out(plan, place(plan, 4096))


def _samples(scene: LineScene, num: int) -> Iterator[tuple[LinePlan, Image]]:
    for index in range(num):
        try:
            plan = scene.plan(np.random.default_rng([7, 0, index]))
            yield plan, scene.render(plan).image
        except RefusedDrawError as refusal:
            assert isinstance(refusal, (IllegibleError, InkTooLowError))


def test_plans_replay_pixel_for_pixel(fonts: list[FontFace]) -> None:
    scene = LineScene(Words(), fonts, Stripes(), LineSettings(height=None))
    other = LineScene(Words(), fonts, Stripes(), LineSettings(height=None))
    samples = list(_samples(scene, 60))
    assert len(samples) >= 50
    for plan, image in samples:
        again = LinePlan.from_json(plan.to_json())
        assert again == plan
        assert np.array_equal(scene.render(again).image, image)
        # Another process renders its own sheets.
        assert np.array_equal(other.render(again).image, image)
        assert 20 <= image.shape[0] <= 64 and image.shape[0] == plan.height


def test_a_labelled_crop_has_the_same_pixels_and_spells_its_text(fonts: list[FontFace]) -> None:
    scene = LineScene(Words(), fonts, settings=LineSettings(height=40))
    for plan, image in _samples(scene, 40):
        page = scene.render_labelled(plan)
        assert np.array_equal(page.image, image)
        (instance,) = page.instances
        assert instance.text == plan.text and instance.characters is not None
        assert "".join(character.text for character in instance.characters) == plan.text


def test_quads_hold_the_ink_and_the_ink_fills_the_quads(fonts: list[FontFace]) -> None:
    scene = LineScene(Words(), fonts, settings=LineSettings(height=64, bent=0.6, warp=1.0, extras=0.5, cut=0.0))
    for index in range(60):
        laid = _laid(scene.plan(np.random.default_rng([3, index])))
        height, width = laid.coverage.shape
        drawn = np.zeros((height, width), np.uint8)
        for quad, cluster in zip(laid.quads(), laid.run.clusters, strict=True):
            cv2.fillConvexPoly(drawn, np.rint((quad - 0.5) * 16).astype(np.int32), 255, shift=4)
            if cluster.text.strip():
                left, top = np.floor(quad.min(axis=0)).astype(int).clip(0)
                right, bottom = np.ceil(quad.max(axis=0)).astype(int)
                assert laid.coverage[top:bottom, left:right].max(initial=0) > 60, (index, cluster.text)
        # A bent edge leaves its quad by its sagitta, a blurred one by a px.
        outside = (laid.coverage > 128) & (cv2.dilate(drawn, np.ones((7, 7), np.uint8)) == 0)
        assert outside.sum() <= 0.01 * (laid.coverage > 128).sum(), index


def test_text_is_cut_by_no_more_than_the_setting(fonts: list[FontFace]) -> None:
    settings = LineSettings(height=64, cut=1.0, most_cut=0.07, extras=0.0, warp=0.0, bent=0.0)
    scene = LineScene(Words(), fonts, settings=settings)
    for index in range(40):
        plan = scene.plan(np.random.default_rng(index))
        laid = _laid(plan)
        quads = laid.quads()
        reach = 0.08 * 64
        assert quads[..., 1].min() > -reach and quads[..., 1].max() < 64 + reach
        assert quads[..., 0].min() > -1.5 and quads[..., 0].max() < laid.coverage.shape[1] + 1.5


def test_punctuation_alone_keeps_its_size(fonts: list[FontFace]) -> None:
    scene = LineScene(Words(), fonts[:1])
    plan = replace(scene.plan(np.random.default_rng(0)), text="-", size_px=40, extras=(), warps=(), arch=0.0)
    laid = _laid(plan)
    inked = np.nonzero(laid.coverage.max(axis=1) > 100)[0]
    assert np.ptp(inked) + 1 < 0.4 * plan.height


@pytest.mark.parametrize("kind", ["above", "below", "left", "right", "underline", "strike", "rule", "box"])
def test_other_ink_is_drawn_and_leaves_the_text_alone(kind: str, fonts: list[FontFace]) -> None:
    scene = LineScene(Words(), fonts[:1], settings=LineSettings(height=64, extras=0.0))
    base = replace(
        scene.plan(np.random.default_rng(1)), text="Hxg", size_px=48, margins=(0.6, 0.6, 0.6, 0.6), warps=(), arch=0.0
    )
    plan = replace(base, extras=(ExtraInk(kind, 0.3, 0.05, "HxH"),))  # type: ignore[arg-type]
    laid, alone = _laid(plan), _laid(base)
    assert laid.extras is not None and laid.extras.max() > 100
    assert laid.coverage.shape == alone.coverage.shape
    assert np.abs(laid.coverage.astype(int) - alone.coverage).mean() < 6
    if kind != "strike":
        assert (cv2.min(laid.coverage, laid.extras) > 128).sum() == 0


def test_illegible_and_oversized_crops_are_refused_with_their_cause(fonts: list[FontFace]) -> None:
    scene = LineScene(Words(), fonts, settings=LineSettings(max_width=40))
    with pytest.raises(CropTooWideError, match="at most 40 fit"):
        for index in range(50):
            scene.render(scene.plan(np.random.default_rng(index)))
    faint = LineScene(Words(), fonts, settings=LineSettings(contrast_floor=0.0, richness=0.0))
    plan = faint.plan(np.random.default_rng(0))
    causes = []
    for seed in range(400):
        try:
            faint.render(replace(plan, look_seed=seed, ground_colour=(170, 28, 36)))
        except RefusedDrawError as refused:
            causes.append(type(refused))
    assert causes and set(causes) == {IllegibleError}


def test_a_font_without_the_glyph_is_a_counted_refusal(fonts: list[FontFace]) -> None:
    scene = LineScene(Words(), fonts[2:])
    plan = replace(scene.plan(np.random.default_rng(0)), text="\u4e00")
    with pytest.raises(GlyphMissingError):
        scene.render(plan)


def test_settings_and_plans_that_are_wrong_are_told(fonts: list[FontFace]) -> None:
    with pytest.raises(RecipeError, match=r"richness = 2\.0 .* heights of 4"):
        LineSettings(richness=2.0, height=4)
    with pytest.raises(RecipeError, match="Did you mean 'jpeg'"):
        LineSettings(degradations=("jpg",))
    with pytest.raises(LabelError, match="does not parse"):
        LinePlan.from_json('{"text": "a"}')
    with pytest.raises(SynthesisError, match="without fonts"):
        LineScene(Words(), [])


def test_lines_of_two_alphabets_take_the_font_that_has_them(fonts: list[FontFace]) -> None:
    class Two:
        """Latin and Greek words in turn."""

        def sample(self, rng: np.random.Generator) -> str:
            return "abc" if rng.random() < 0.5 else "\u03b1\u03b2\u03b3"

    latin = replace(fonts[0], family="Latin", code_points=frozenset(map(ord, "abc")))
    greek = replace(fonts[1], family="Greek", code_points=frozenset(map(ord, "\u03b1\u03b2\u03b3")))
    scene = LineScene(Two(), [latin, greek])
    plans = [plan for plan, _ in _samples(scene, 30)]
    assert {(plan.text, plan.font) for plan in plans} == {
        ("abc", str(latin.path)),
        ("\u03b1\u03b2\u03b3", str(greek.path)),
    }
