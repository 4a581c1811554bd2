"""Document pages: labels that are true to the pixels, plans that replay, texts that keep apart."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest

from ocrsmith.alphabet import PRINTABLE_ASCII, Alphabet
from ocrsmith.errors import LabelError, RecipeError, SynthesisError
from ocrsmith.geometry import area, bounds, box_quad
from ocrsmith.samples import PageSample
from ocrsmith.synth.block_render import draw_block
from ocrsmith.synth.corpus import RandomText, WeightedText
from ocrsmith.synth.fonts import FontFace
from ocrsmith.synth.legibility import is_written_over
from ocrsmith.synth.page_labels import page_instances
from ocrsmith.synth.page_plans import DocumentPlan, PaperPlan, TextPlan
from ocrsmith.synth.page_render import is_level, seen_window, write_page
from ocrsmith.synth.page_settings import PageSettings
from ocrsmith.synth.pages import DocumentScene
from ocrsmith.synth.scene_plans import BlockPlan, InkPlan, LinePlan
from ocrsmith.synth.warp_plans import WarpStep

FOLDER = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
ASCII = Alphabet(PRINTABLE_ASCII)
FACES = [
    FontFace(FOLDER / f"DejaVu{name}.ttf", f"DejaVu {name}", "Regular", kind, frozenset(map(ord, PRINTABLE_ASCII)))
    for name, kind in (("Sans", "sans"), ("Serif", "serif"), ("SansMono-Bold", "mono"), ("Sans-Oblique", "handwriting"))
]
LAYOUTS = ("article", "letter", "form", "table", "receipt", "notice")


def scene(alphabet: Alphabet = ASCII, **settings: object) -> DocumentScene:
    texts = RandomText(alphabet, 1, 12)
    return DocumentScene(texts, FACES, None, PageSettings(**settings), alphabet=alphabet)  # type: ignore[arg-type]


def only(layout: str, **settings: object) -> DocumentScene:
    weights = {name: float(name == layout) for name in LAYOUTS}
    return scene(**weights, **settings)


def sample(pages: DocumentScene, seed: int) -> PageSample:
    return pages.render(pages.plan(np.random.default_rng(seed)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_labels_spell_and_lie_inside_or_are_flagged(layout: str) -> None:
    pages = only(layout)
    for seed in range(4):
        drawn = sample(pages, seed)
        assert drawn.image.shape == (640, 640, 3) and drawn.instances
        for instance in drawn.instances:
            assert instance.characters is not None
            assert "".join(c.text for c in instance.characters) == instance.text
            assert instance.text == instance.text.strip()
            if not instance.ignore:
                for character in instance.characters:
                    assert character.quad.min() >= 0 and character.quad.max() <= 640


def test_a_plan_replays_through_json() -> None:
    pages, other = scene(stamp_share=0.6, note_share=0.6), scene()
    for seed in range(6):
        plan = pages.plan(np.random.default_rng(seed))
        again = DocumentPlan.from_json(plan.to_json())
        assert again == plan and hash(again) == hash(plan)
        first, second = pages.render(plan), other.render(again)
        assert (first.image == second.image).all()
        assert [t.text for t in first.instances] == [t.text for t in second.instances]


@pytest.mark.parametrize("text", ["[]", "{}", "nonsense", '{"width": 3}'])
def test_a_damaged_plan_is_a_label_error(text: str) -> None:
    with pytest.raises(LabelError, match="does not parse"):
        DocumentPlan.from_json(text)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_texts_of_the_print_keep_apart(layout: str) -> None:
    """Quads of two instances share at most a sliver: what one font's descenders and the next line's hats need."""
    pages = only(layout, tilt_share=0.0, stamp_share=0.0, note_share=0.0)
    for seed in range(3):
        boxes = [bounds(t.polygon) for t in sample(pages, seed).instances]
        for index, first in enumerate(boxes):
            for second in boxes[index + 1 :]:
                wide = min(first[2], second[2]) - max(first[0], second[0])
                high = min(first[3], second[3]) - max(first[1], second[1])
                least = min(first[3] - first[1], second[3] - second[1])
                assert wide <= 2 or high <= 0.35 * least + 1, (layout, seed, first, second)


def planned(texts: tuple[TextPlan, ...], matrix: np.ndarray, spaced: bool = True) -> DocumentPlan:
    paper = PaperPlan((255, 255, 255), 0.0, 0.0, 0)
    flat = tuple(float(v) for v in np.asarray(matrix).reshape(-1))
    return DocumentPlan("test", 400, 300, 400, 300, 100.0, 30.0, spaced, flat, paper, texts, (), (), 0, 0)


TURNS = [
    np.eye(3),
    np.array([[1, 0, 25.0], [0, 1, -12.0], [0, 0, 1]]),
    np.array([[0.97, -0.12, 30.0], [0.1, 0.96, 4.0], [0.0002, -0.0001, 1.0]]),
]


@pytest.mark.parametrize("words, xs", [(("HH", "HH", "HH"), (60, 160, 280)), (("שש", "שש", "שש"), (280, 160, 60))])
def test_a_space_reaches_from_ink_to_ink_whichever_way_a_line_runs(words: tuple[str, ...], xs: tuple[int, ...]) -> None:
    faces = {face.name: face for face in FACES}
    lines = (
        TextPlan(words, "DejaVu Sans Regular", 40.0, (0, 0, 0), xs, 100),
        TextPlan(words[:1], "DejaVu Sans Regular", 40.0, (0, 0, 0), (60,), 200),
    )
    line, alone = write_page(planned(lines, np.eye(3)), faces, None).texts
    assert line.pieces == tuple(" ".join(words)) and alone.pieces == tuple(words[0])
    left, right = line.quads[..., 0].min(axis=1), line.quads[..., 0].max(axis=1)
    for index in (2, 5):
        before, after = (slice(index - 2, index), slice(index + 1, index + 3))
        if xs[0] < xs[1]:
            ends = right[before].max(), left[after].min()
        else:
            ends = right[after].max(), left[before].min()
        assert (left[index], right[index]) == pytest.approx(ends)
        assert line.quads[index, 2, 1] == 100  # stands on the baseline
        assert line.quads[index, 0, 1] == pytest.approx(100 - 40 * 0.547, abs=0.1)  # x-height: 1120 of 2048 units


@pytest.mark.parametrize("matrix", TURNS, ids=["level", "shifted", "tilted"])
def test_a_character_alone_fills_its_quad(matrix: np.ndarray) -> None:
    """Each character's ink, drawn alone on a page of the same matrix, is boxed by its quad within 1.5 px."""
    faces = {face.name: face for face in FACES}
    whole = TextPlan(("HxEq", "gW"), "DejaVu Sans Regular", 40.0, (0, 0, 0), (60, 200), 150)
    page = write_page(planned((whole,), matrix), faces, None)
    assert page.texts[0].pieces == tuple("HxEq gW")
    quads = page.texts[0].quads
    for index, quad in enumerate(quads):
        if page.texts[0].pieces[index] == " ":
            assert quads[3][:, 0].max() <= quad[:, 0].max() and area(quad) > 20
            continue
        window = np.zeros((300, 400), np.uint8)
        cv2.fillConvexPoly(window, np.rint(quad + (quad - quad.mean(axis=0)) * 0.05).astype(np.int32), 255)
        rows, columns = np.nonzero((page.image[..., 0] < 100) & (window > 0))
        hull = quad.reshape(-1, 1, 2)
        worst = max(-cv2.pointPolygonTest(hull, (float(x) + 0.5, float(y) + 0.5), True) for x, y in zip(columns, rows))
        assert worst <= 1.5
        seen = np.array([[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]])
        assert np.abs(seen - [quad.min(axis=0), quad.max(axis=0)]).max() <= 4.0


@pytest.mark.parametrize("kind", ["curl", "fold", "cylinder", "waves", "elastic"])
@pytest.mark.parametrize("matrix", TURNS, ids=["level", "shifted", "tilted"])
def test_a_character_alone_fills_its_quad_on_bent_paper(kind: str, matrix: np.ndarray) -> None:
    faces = {face.name: face for face in FACES}
    for seed, (letter, x, y) in enumerate((("H", 60, 120), ("g", 200, 160), ("W", 300, 90))):
        text = TextPlan((letter,), "DejaVu Sans Regular", 40.0, (0, 0, 0), (x,), y)
        plan = replace(planned((text,), matrix), bends=(WarpStep(kind, 0.7, seed),))
        page = write_page(plan, faces, None)
        quad = page.texts[0].quads[0]
        rows, columns = np.nonzero(page.inks[0] > 127)
        points = np.stack([columns, rows], axis=1) + 0.5
        sides = np.roll(quad, -1, axis=0) - quad
        normals = np.stack([-sides[:, 1], sides[:, 0]], axis=1) / np.linalg.norm(sides, axis=1, keepdims=True)
        inwards = np.einsum("psd,sd->ps", points[:, None] - quad, normals)
        assert inwards.min() >= -1.5 and inwards.min(axis=0).max() <= 3.0
        assert page.texts[0].polygon is not None and len(page.texts[0].polygon) > 4
        assert DocumentPlan.from_json(plan.to_json()) == plan


def test_bent_pages_show_their_text_to_the_edge_and_keep_labels_apart() -> None:
    pages = scene(bend_share=1.0, bend_strength=1.0)
    kinds: set[str] = set()
    for seed in range(8):
        plan = pages.plan(np.random.default_rng(seed))
        kinds.update(step.kind for step in plan.bends)
        drawn = pages.render(plan)
        assert drawn.image.shape == (640, 640, 3) and drawn.instances
        for instance in drawn.instances:
            assert "".join(c.text for c in instance.characters or ()) == instance.text
    assert len(kinds) >= 3


def test_a_seal_goes_round_its_middle_in_words() -> None:
    pages = scene(stamp_share=1.0, seal_share=1.0, tilt_share=0.0)
    bent = 0
    for seed in range(6):
        plan = pages.plan(np.random.default_rng(seed))
        for block in plan.stamps:
            if block.bend is None:
                continue
            bent += 1
            image, ink = np.full((900, 900, 3), 255, np.uint8), np.zeros((900, 900), np.uint8)
            shift = np.array([[1, 0, 450], [0, 1, 450], [0, 0, 1.0]])
            for line in draw_block(image, ink, replace(block, matrix=tuple(shift.reshape(-1))), pages.faces):
                assert " " not in line.text
                away = np.linalg.norm(line.quads.mean(axis=1) - 450, axis=1)
                assert np.abs(away - block.bend.amount_px).max() < 1.2 * block.lines[0].size_px
    assert bent >= 4


def test_words_stand_apart_without_a_space() -> None:
    digits = Alphabet("0123456789")
    for seed in range(3):
        drawn = sample(scene(digits), seed)
        assert all(" " not in t.text and t.text.isdigit() for t in drawn.instances)


def test_a_line_cut_by_the_edge_keeps_its_whole_words() -> None:
    faces = {face.name: face for face in FACES}
    text = TextPlan(("left", "middle", "right"), "DejaVu Sans Regular", 40.0, (0, 0, 0), (-30, 80, 330), 150)
    page = write_page(planned((text,), np.eye(3)), faces, None)
    found = {t.text: t.ignore for t in page_instances(page.image, page, 6.0)}
    assert found == {"left": True, "middle": False, "right": True}


def test_a_picture_that_shows_no_text_of_a_page_is_blank() -> None:
    faces = {face.name: face for face in FACES}
    text = TextPlan(("left",), "DejaVu Sans Regular", 40.0, (0, 0, 0), (10,), 50)
    page = write_page(planned((text,), np.array([[1, 0, -200.0], [0, 1, -150.0], [0, 0, 1]])), faces, None)
    assert page.image[:150, :200].min() == 255
    assert not [found for found in page_instances(page.image, page, 6.0) if not found.ignore]


def test_what_a_shifted_picture_sees_of_a_page() -> None:
    assert is_level(np.array([[1, 0, -30.0], [0, 1, 7.0], [0, 0, 1]]))
    assert not is_level(np.array([[1, 0, -30.5], [0, 1, 7.0], [0, 0, 1]]))
    assert seen_window(np.array([[1, 0, -30.0], [0, 1, 7.0], [0, 0, 1]]), (100, 50), (500, 40)) == (30, 0, 130, 40)


def test_whole_pages_fit() -> None:
    pages = scene(whole_share=1.0, tilt_share=0.0)
    for seed in range(6):
        plan = pages.plan(np.random.default_rng(seed))
        assert plan.page_width <= 640 and plan.page_height <= 640
        assert plan.body_px >= 8


def test_a_stamp_makes_what_it_hides_ignored() -> None:
    faces = {face.name: face for face in FACES}
    texts = tuple(
        TextPlan(("minimum", "nummer"), "DejaVu Sans Regular", 20.0, (90, 90, 90), (60, 200), y) for y in (100, 200)
    )
    line = LinePlan("\u2588" * 9, "DejaVu SansMono-Bold Regular", 50.0, 0.0, False, 40, 110)
    block = BlockPlan((line,), tuple(np.eye(3).reshape(-1).tolist()), InkPlan((8, 8, 12)))
    plan = planned(texts, np.eye(3))
    plan = DocumentPlan.from_json(plan.to_json().replace('"stamps": []', '"stamps": [' + _json(block) + "]"))
    page = write_page(plan, faces, None)
    found = [(t.text, t.ignore) for t in page_instances(page.image, page, 6.0)]
    assert ("minimum nummer", True) in found and ("minimum nummer", False) in found


def test_a_stamp_over_the_edge_of_the_sheet_is_marked() -> None:
    # The sheet of 400 x 300 px lies 100 px to the right and 100 px down: its left edge is at x = 100 of the picture.
    faces = {face.name: face for face in FACES}
    matrix = np.array([[1.0, 0, 100], [0, 1, 100], [0, 0, 1]])
    plan = planned((), matrix)
    ink = InkPlan((8, 8, 12))
    found = {}
    for text, x in (("inside", 40), ("across", -30), ("beyond", -300)):
        line = LinePlan(text, "DejaVu Sans Regular", 30.0, 0.0, False, x, 190)
        stamped = replace(plan, stamps=(BlockPlan((line,), tuple(np.eye(3).reshape(-1).tolist()), ink),))
        page = write_page(stamped, faces, None)
        found[text] = [one.ignore for one in page_instances(page.image, page, 6.0)]
    assert found == {"inside": [False], "across": [True], "beyond": []}


def test_writing_across_a_word_loses_it_where_it_is_as_dark() -> None:
    # Two characters of 20 x 20 px, 8 x 20 px of own ink each; other ink of 8 x 20 px crosses the first, or a pale one.
    image = np.full((20, 40, 3), 250, np.uint8)
    ink, other = np.zeros((20, 40), np.uint8), np.zeros((20, 40), np.uint8)
    ink[:, 2:10] = ink[:, 22:30] = 255
    other[:, 10:18] = 255
    quads = [box_quad(0, 0, 20, 20), box_quad(20, 0, 40, 20)]
    image[ink > 0] = 50
    for grey, lost in ((50, True), (149, True), (151, False), (240, False)):
        image[other > 0] = grey
        # 250 - 150 is half of 250 - 50.
        assert is_written_over(image, ink, other, quads) is lost
    # One lost character in five is less than a quarter.
    image[other > 0] = 50
    wide = np.hstack([image, *[np.full((20, 60, 3), 250, np.uint8)]])
    wide[:, 42:50] = wide[:, 62:70] = wide[:, 82:90] = 50
    wide_ink = np.where(wide[..., 0] == 50, 255, 0).astype(np.uint8)
    wide_other = np.hstack([other, np.zeros((20, 60), np.uint8)])
    wide_ink[wide_other > 0] = 0
    five = [box_quad(20.0 * i, 0, 20.0 * i + 20, 20) for i in range(5)]
    assert not is_written_over(wide, wide_ink, wide_other, five)
    assert is_written_over(wide, wide_ink, wide_other, five[:4])
    assert not is_written_over(image, ink, np.zeros_like(other), quads) and not is_written_over(image, ink, other, [])


def test_a_point_lost_in_other_ink_loses_its_word() -> None:
    # Five characters of 20 x 20 px with 8 x 20 px of ink, but for the third, a point of 4 x 4 px; other ink of 6 x 6 px
    # lies on it, on half of it (8 px of 16 covered, 12 more beside), or a px beside it (6 px about it), or on a letter.
    image = np.full((24, 104, 3), 250, np.uint8)
    ink, other = np.zeros((24, 104), np.uint8), np.zeros((24, 104), np.uint8)
    for left in (8, 28, 68, 88):
        ink[2:22, left : left + 8] = 255
    ink[18:22, 50:54] = 255
    quads = [box_quad(x, 2, x + 8, 22) for x in (8, 28)] + [box_quad(50, 18, 54, 22)]
    quads += [box_quad(x, 2, x + 8, 22) for x in (68, 88)]
    image[ink > 0] = 50
    for place, grey, lost in ((49, 50, True), (49, 200, False), (52, 50, True), (55, 50, False), (29, 50, False)):
        other[:] = 0
        other[17:23, place : place + 6] = 255
        crossed = image.copy()
        crossed[(other > 0) & (ink == 0)] = grey
        assert is_written_over(crossed, ink, other, quads) is lost, (place, grey)
    assert not is_written_over(crossed, np.zeros_like(ink), other, quads[:1])  # no ink of its own, none of others near


def _json(block: BlockPlan) -> str:
    return json.dumps(asdict(block))


def test_odd_settings_are_refused_together() -> None:
    with pytest.raises(RecipeError, match=r"tilt_share.*least_px.*sheets"):
        PageSettings(tilt_share=2.0, least_px=1.0, sheets=("a3",))
    with pytest.raises(RecipeError, match="weights"):
        PageSettings(article=0, letter=0, form=0, table=0, receipt=0, notice=0)


def test_no_fonts_and_foreign_fonts_are_refused() -> None:
    with pytest.raises(SynthesisError, match="without fonts"):
        DocumentScene(WeightedText(["a"]), [])
    pages = scene()
    plan = pages.plan(np.random.default_rng(0))
    other = DocumentScene(WeightedText(["a"]), [FontFace(FOLDER / "DejaVuSans.ttf", "Other", "", "sans", frozenset())])
    with pytest.raises(SynthesisError, match="does not have"):
        other.render(plan)


def test_text_that_the_fonts_lack_is_left_out_with_a_count() -> None:
    pages = DocumentScene(WeightedText(["abc", "\u4e2d\u6587"], [4, 1]), FACES)
    plan = pages.plan(np.random.default_rng(3))
    assert dict(plan.refusals)["GlyphMissing"] > 0
    assert all("\u4e2d" not in word for text in plan.texts for word in text.words)
