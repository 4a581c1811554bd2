"""PDF pages: quads that box the glyphs at any dpi and turn, and text layers that do not tell the truth."""

from __future__ import annotations

import ctypes
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
import pytest

from ocrsmith.alphabet import PRINTABLE_ASCII, Alphabet
from ocrsmith.errors import InputError, LabelError, RecipeError
from ocrsmith.samples import PageSample
from ocrsmith.synth.pdf_pages import BrokenEncodingError, NoTextLayerError, PdfPlan, PdfScene
from ocrsmith.synth.pdf_text import read_text

ASCII = Alphabet(PRINTABLE_ASCII)
Write = Callable[..., Path]


def add_text(
    document: pypdfium2.PdfDocument,
    page: pypdfium2.PdfPage,
    text: str,
    matrix: tuple[float, float, float, float, float, float],
    *,
    size: float = 20.0,
    mode: int = pdfium.FPDF_TEXTRENDERMODE_FILL,
    colour: tuple[int, int, int] = (0, 0, 0),
) -> None:
    font = pdfium.FPDFText_LoadStandardFont(document, b"Helvetica")
    part = pdfium.FPDFPageObj_CreateTextObj(document, font, size)
    coded = (text + "\0").encode("utf-16-le")
    pdfium.FPDFText_SetText(part, ctypes.cast(coded, ctypes.POINTER(ctypes.c_ushort)))
    pdfium.FPDFTextObj_SetTextRenderMode(part, mode)
    pdfium.FPDFPageObj_SetFillColor(part, *colour, 255)
    pdfium.FPDFPageObj_Transform(part, *matrix)
    pdfium.FPDFPage_InsertObject(page, part)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a PDF of one page, 400 x 300 points; each text is (text, x, y from below) and add_text's settings."""

    def make(name: str, *texts: tuple[str, tuple[float, ...], dict[str, object]], rotation: int = 0) -> Path:
        document = pypdfium2.PdfDocument.new()
        page = document.new_page(400, 300)
        for text, place, settings in texts:
            matrix = (1.0, 0.0, 0.0, 1.0, *place) if len(place) == 2 else place
            add_text(document, page, text, matrix, **settings)  # type: ignore[arg-type]
        pdfium.FPDFPage_GenerateContent(page)
        page.set_rotation(rotation)
        document.save(tmp_path / name)
        document.close()
        return tmp_path

    return make


def shown(folder: Path, dpi: float = 72.0, **settings: object) -> PageSample:
    scene = PdfScene(folder, ASCII, dpi=(dpi, dpi), whole_share=0.0, width=1300, height=1300, **settings)  # type: ignore[arg-type]
    return scene.render(scene.plan(np.random.default_rng(0)))


def found(sample: PageSample) -> dict[str, bool]:
    return {instance.text: instance.ignore for instance in sample.instances}


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("dpi", [72.0, 137.0, 216.0])
def test_quads_box_the_ink(write: Write, rotation: int, dpi: float) -> None:
    sample = shown(write("a.pdf", ("HxEq Wg", (60.0, 150.0), {}), rotation=rotation), dpi)
    assert found(sample) == {"HxEq Wg": False}
    characters = sample.instances[0].characters
    assert characters is not None and len(characters) == 7
    sides = np.abs(np.diff(sample.instances[0].polygon, axis=0))
    assert sides.min(axis=1).max() < 0.1, "a line along the page's edge has a box along it"
    for character in characters:
        if character.text == " ":
            continue
        low, high = character.quad.min(axis=0), character.quad.max(axis=0)
        x0, y0, x1, y1 = (int(v) for v in (*np.floor(low - 1), *np.ceil(high + 1)))
        rows, columns = np.nonzero(sample.image[y0:y1, x0:x1, 0] < 110)
        seen = np.array([columns.min() + x0, rows.min() + y0, columns.max() + 1 + x0, rows.max() + 1 + y0])
        # A neighbour may show within the px that is looked at beyond the quad.
        assert np.abs(seen - [*low, *high]).max() <= 2.0, character.text
    first, last = characters[0].quad.mean(axis=0), characters[-1].quad.mean(axis=0)
    way = np.rint((last - first) / np.abs(last - first).max()).astype(int).tolist()
    assert way == {0: [1, 0], 90: [0, 1], 180: [-1, 0], 270: [0, -1]}[rotation]
    top = characters[0].quad
    along = top[1] - top[0]
    assert float(along @ (last - first)) > 0


def test_lines_and_wide_gaps_part_instances(write: Write) -> None:
    texts = (("one two", (20.0, 200.0), {}), ("three", (20.0, 170.0), {}), ("four", (250.0, 200.0), {}))
    assert found(shown(write("a.pdf", *texts))) == {"one two": False, "three": False, "four": False}


def test_what_the_pages_edge_or_the_pictures_cuts_is_ignored(write: Write) -> None:
    # The page lies in the middle of the picture. H begins 1.5 px right of its pen at 20 px, so 1.5 of its 11.4 are cut.
    folder = write("a.pdf", ("Hcut", (-3.0, 200.0), {}), ("Hwhole", (-1.0, 150.0), {}))
    assert found(shown(folder)) == {"Hcut": True, "Hwhole": False}
    plan = PdfPlan("a.pdf", 0, 72.0, 50, 0, 300, 300, 0)
    (folder / "a.pdf").unlink()
    folder = write("a.pdf", ("Hcut here", (47.0, 200.0), {}), ("Hwhole", (49.0, 150.0), {}))
    assert found(PdfScene(folder, ASCII, width=300, height=300).render(plan)) == {
        "Hcut": True, "here": False, "Hwhole": False
    }  # fmt: skip


@pytest.mark.parametrize("rotation", [0, 90])
def test_a_rule_between_words_parts_them(write: Write, rotation: int) -> None:
    folder = write("a.pdf", *((text, (40.0 + 30 * i, 200.0), {}) for i, text in enumerate("123")), rotation=rotation)
    assert found(shown(folder)) == {"1 2 3": False}
    document = pypdfium2.PdfDocument(folder / "a.pdf")
    page = document[0]
    # One between the first two, and one that is no longer than a letter between the others.
    for x, y, high in ((60.0, 180.0, 50.0), (90.0, 199.0, 16.0)):
        rule = pdfium.FPDFPageObj_CreateNewRect(x, y, 1.0, high)
        pdfium.FPDFPath_SetDrawMode(rule, pdfium.FPDF_FILLMODE_WINDING, 0)
        pdfium.FPDFPage_InsertObject(page, rule)
    pdfium.FPDFPage_GenerateContent(page)
    document.save(folder / "b.pdf")
    document.close()
    (folder / "a.pdf").unlink()
    assert found(shown(folder)) == {"1": False, "2 3": False}


def test_turned_text_keeps_its_direction_and_askew_text_is_ignored(write: Write) -> None:
    texts = (
        ("level", (20.0, 250.0), {}),
        ("turned", (0.0, 1.0, -1.0, 0.0, 200.0, 50.0), {}),
        ("askew", (0.9, 0.44, -0.44, 0.9, 260.0, 100.0), {}),
    )
    sample = shown(write("a.pdf", *texts), 144.0)
    assert found(sample)["level"] is False and found(sample)["turned"] is False
    assert all(i.ignore for i in sample.instances if i.text not in ("level", "turned"))
    turned = next(i for i in sample.instances if i.text == "turned")
    assert turned.characters is not None
    along = turned.characters[0].quad[1] - turned.characters[0].quad[0]
    assert abs(along[0]) < 1e-3 and along[1] < 0


def test_hidden_white_and_covered_text(write: Write) -> None:
    invisible = {"mode": pdfium.FPDF_TEXTRENDERMODE_INVISIBLE}
    texts = (
        ("seen", (20.0, 250.0), {}),
        ("hidden", (20.0, 200.0), invisible),
        ("white", (20.0, 150.0), {"colour": (255, 255, 255)}),
        ("outside", (900.0, 150.0), {}),
    )
    folder = write("a.pdf", *texts)
    assert found(shown(folder)) == {"seen": False}
    plan = PdfScene(folder, ASCII).plan(np.random.default_rng(0))
    assert dict(plan.refusals)["HiddenText"] == 6


def test_a_hidden_layer_alone_is_refused(write: Write) -> None:
    folder = write("a.pdf", ("hidden", (20.0, 200.0), {"mode": pdfium.FPDF_TEXTRENDERMODE_INVISIBLE}))
    with pytest.raises(NoTextLayerError, match="no text layer that is shown"):
        shown(folder)


def test_a_page_without_text_is_refused(write: Write) -> None:
    with pytest.raises(NoTextLayerError):
        shown(write("a.pdf"))


def test_a_word_set_letter_by_letter_stays_one(write: Write) -> None:
    # Every other letter is set a little higher, in an object of its own, after which pdfium breaks the line.
    letters = [(letter, (40.0 + 14 * i, 200.0 + 3 * (i % 2)), {}) for i, letter in enumerate("VOLTS")]
    below = [("under", (40.0, 176.0), {}), ("far", (160.0, 200.0), {})]
    sample = shown(write("a.pdf", *letters, *below))
    assert found(sample) == {"VOLTS": False, "under": False, "far": False}


def test_a_negative_size_in_a_turned_matrix_is_upright_text(write: Write) -> None:
    folder = write("a.pdf", ("upright", (-1.0, 0.0, 0.0, -1.0, 40.0, 200.0), {"size": -20.0}))
    (instance,) = shown(folder).instances
    assert (instance.text, instance.ignore) == ("upright", False)
    assert instance.polygon[0, 0] < instance.polygon[1, 0] and instance.polygon[0, 1] < instance.polygon[3, 1]


def test_dots_that_lead_to_a_page_belong_to_neither_title_nor_page(write: Write) -> None:
    folder = write("a.pdf", ("2.1 Naming. . . . . . .  24", (40.0, 200.0), {}), ("end . 7", (40.0, 150.0), {}))
    counted = [i.text for i in shown(folder).instances if i.text != "."]
    assert counted == ["2.1 Naming.", "24", "end", "7"]
    dots = [i for i in shown(folder).instances if i.text == "."]
    # Standing alone they are too low to be read: 20 px of Helvetica have dots of 2 px.
    assert len(dots) == 7 and all(dot.ignore for dot in dots)


def test_a_hyphen_at_the_end_of_a_line_is_one(write: Write) -> None:
    folder = write("a.pdf", ("see the hyphen-", (40.0, 200.0), {}), ("ated word", (40.0, 176.0), {}))
    assert found(shown(folder)) == {"see the hyphen-": False, "ated word": False}


def test_lines_over_each_other_are_ignored_and_close_ones_are_not(write: Write) -> None:
    # Capitals of 20 points are 14 high: 6 apart they share more than half, 17 apart nothing.
    lines = (("LO", 100.0), ("OVER THIS", 106.0), ("FREE", 200.0), ("CLOSE", 217.0))
    sample = shown(write("a.pdf", *((text, (40.0, y), {}) for text, y in lines)))
    assert found(sample) == {"LO": True, "OVER": True, "THIS": False, "FREE": False, "CLOSE": False}


@pytest.mark.parametrize("rotation", [0, 90])
def test_a_picture_in_the_page_is_ignored_where_something_is_seen(write: Write, rotation: int) -> None:
    folder = write("a.pdf", ("words", (40.0, 200.0), {}))
    document = pypdfium2.PdfDocument(folder / "a.pdf")
    page = document[0]
    for left, colours in ((200.0, (0, 128, 128, 0)), (300.0, (255, 255, 255, 255))):
        bitmap = pypdfium2.PdfBitmap.new_native(4, 1, pdfium.FPDFBitmap_BGR)
        bitmap.to_numpy()[0, :, :] = np.array(colours)[:, None]
        picture = pypdfium2.PdfImage.new(document)
        picture.set_bitmap(bitmap)
        picture.set_matrix(pypdfium2.PdfMatrix().scale(60, 40).translate(left, 100))
        page.insert_obj(picture)
    page.gen_content()
    page.set_rotation(rotation)
    document.save(folder / "b.pdf")
    document.close()
    (folder / "a.pdf").unlink()
    sample = shown(folder)
    # Centred in 1,300 px: the page is 400 x 300, or 300 x 400 when it is turned.
    (ignored,) = [instance for instance in sample.instances if instance.ignore]
    left, top, right, bottom = (650, 660, 710, 700) if rotation == 0 else (600, 650, 640, 710)
    corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
    np.testing.assert_allclose(ignored.polygon, corners, atol=1.0)
    assert found(sample) == {"words": False, "": True}
    assert [word.text for instance in sample.instances for word in instance.words()] == ["", "words"]


def test_a_pictures_empty_margin_is_not_ignored(write: Write) -> None:
    folder = write("a.pdf", ("words", (40.0, 200.0), {}))
    document = pypdfium2.PdfDocument(folder / "a.pdf")
    page = document[0]
    bitmap = pypdfium2.PdfBitmap.new_native(60, 40, pdfium.FPDFBitmap_BGR)
    # A mirrored picture, as fax drivers write them: what is its lower quarter in the file stands at the top.
    bitmap.to_numpy()[:] = 255
    bitmap.to_numpy()[30:, :50] = 0
    picture = pypdfium2.PdfImage.new(document)
    picture.set_bitmap(bitmap)
    picture.set_matrix(pypdfium2.PdfMatrix(60, 0, 0, -40, 200, 140))
    page.insert_obj(picture)
    page.gen_content()
    document.save(folder / "b.pdf")
    document.close()
    (folder / "a.pdf").unlink()
    (ignored,) = [instance for instance in shown(folder).instances if instance.ignore]
    corners = [[650, 660], [700, 660], [700, 670], [650, 670]]
    np.testing.assert_allclose(ignored.polygon, corners, atol=1.0)


def add_star(page: pypdfium2.PdfPage, left: float, bottom: float, points: int, size: float = 10.0) -> None:
    angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
    # Every second point lies half as far out; the first is due right, so that the box is the circle's.
    radius = np.where(np.arange(points) % 2, 0.25, 0.5) * size
    xs, ys = left + size / 2 + radius * np.cos(angles), bottom + size / 2 + radius * np.sin(angles)
    path = pdfium.FPDFPageObj_CreateNewPath(float(xs[0]), float(ys[0]))
    for x, y in zip(xs[1:], ys[1:]):
        pdfium.FPDFPath_LineTo(path, float(x), float(y))
    pdfium.FPDFPath_Close(path)
    pdfium.FPDFPath_SetDrawMode(path, pdfium.FPDF_FILLMODE_WINDING, 0)
    pdfium.FPDFPage_InsertObject(page, path)


@pytest.mark.parametrize("rotation", [0, 90])
def test_groups_of_outlines_are_ignored(write: Write, rotation: int) -> None:
    folder = write("a.pdf", ("words", (40.0, 200.0), {}), ("on it", (200.0, 45.0), {"size": 10.0}))
    document = pypdfium2.PdfDocument(folder / "a.pdf")
    page = document[0]
    for left in (40.0, 52.0, 64.0):
        add_star(page, left, 100.0, 16)
    # A bar at their end, like an l; one like it stands far off, as does one star, which is no group.
    for x in (76.0, 300.0):
        bar = pdfium.FPDFPageObj_CreateNewRect(x, 100.0, 2.0, 10.0)
        pdfium.FPDFPath_SetDrawMode(bar, pdfium.FPDF_FILLMODE_WINDING, 0)
        pdfium.FPDFPage_InsertObject(page, bar)
    add_star(page, 200.0, 100.0, 16)
    # A shape of many points alone is ignored, but not where it is the ground of text.
    add_star(page, 300.0, 200.0, 80, 40.0)
    add_star(page, 180.0, 15.0, 80, 70.0)
    pdfium.FPDFPage_GenerateContent(page)
    page.set_rotation(rotation)
    document.save(folder / "b.pdf")
    document.close()
    (folder / "a.pdf").unlink()
    width, height = (400, 300) if rotation == 0 else (300, 400)
    shift = np.array([(1300 - width) / 2, (1300 - height) / 2])
    boxes = np.array([[[40, 190], [78, 200]], [[300, 60], [340, 100]]], float)
    if rotation == 90:
        boxes = np.stack([300 - boxes[:, ::-1, 1], boxes[:, :, 0]], axis=-1)
    ignored = [instance.polygon for instance in shown(folder).instances if instance.ignore and not instance.text]
    told = sorted((*quad.min(axis=0), *quad.max(axis=0)) for quad in ignored)
    np.testing.assert_allclose(told, sorted((box + shift).ravel().tolist() for box in boxes), atol=1.6)


def test_annotations_have_no_labels_and_are_not_drawn(write: Write) -> None:
    folder = write("a.pdf", ("words", (40.0, 200.0), {}))
    document = pypdfium2.PdfDocument(folder / "a.pdf")
    page = document[0]
    note = pdfium.FPDFPage_CreateAnnot(page, pdfium.FPDF_ANNOT_SQUARE)
    pdfium.FPDFAnnot_SetRect(note, pdfium.FS_RECTF(200, 140, 300, 100))
    pdfium.FPDFAnnot_SetColor(note, pdfium.FPDFANNOT_COLORTYPE_InteriorColor, 0, 0, 0, 255)
    pdfium.FPDFPage_CloseAnnot(note)
    document.save(folder / "b.pdf")
    document.close()
    (folder / "a.pdf").unlink()
    sample = shown(folder)
    assert found(sample) == {"words": False}
    assert sample.image[620:700, 640:760].min() == 255


def test_words_outside_the_alphabet_are_ignored_alone(write: Write) -> None:
    folder = write("a.pdf", ("price 12 \u00a5 now", (20.0, 200.0), {}))
    scene = PdfScene(folder, Alphabet("price now"), width=600, height=400, dpi=(72, 72))
    sample = scene.render(scene.plan(np.random.default_rng(0)))
    assert [(i.text, i.ignore) for i in sample.instances] == [
        ("price", False), ("12", True), ("\u00a5", True), ("now", False)
    ]  # fmt: skip


def test_a_layer_of_private_characters_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write("a.pdf", ("abcdef", (20.0, 200.0), {}))
    monkeypatch.setattr(pdfium, "FPDFText_GetUnicode", lambda page, index: 0xE000 + index)
    with pytest.raises(BrokenEncodingError, match="broken encoding"):
        shown(folder)


def test_a_ligature_in_one_box_is_one_cluster(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write("a.pdf", ("xay", (20.0, 200.0), {}))
    codes = {0: ord("x"), 1: 0xFB01, 2: ord("y")}
    monkeypatch.setattr(pdfium, "FPDFText_GetUnicode", lambda page, index: codes[index])
    page = pypdfium2.PdfDocument(folder / "a.pdf")[0]
    assert [c.text for c in read_text(page).lines[0]] == ["x", "fi", "y"]
    monkeypatch.setattr(pypdfium2.PdfTextPage, "get_charbox", lambda self, index: (20.0, 200.0, 30.0, 210.0))
    monkeypatch.setattr(pdfium, "FPDFText_GetUnicode", lambda page, index: ord("ffi"[index]))
    assert [c.text for c in read_text(page).lines[0]] == ["ffi"]


def test_bad_files_are_skipped_with_their_reason(write: Write) -> None:
    folder = write("good.pdf", ("text", (20.0, 200.0), {}))
    (folder / "damaged.pdf").write_bytes(b"%PDF-1.5 nonsense")
    (folder / "empty.pdf").write_bytes(b"")
    scene = PdfScene(folder, ASCII)
    assert sorted(scene.skipped) == ["damaged.pdf", "empty.pdf"] and scene.pages == [("good.pdf", 0)]


def test_nothing_to_draw_from_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        PdfScene(tmp_path / "nowhere")
    with pytest.raises(InputError, match="0 usable PDF pages"):
        PdfScene(tmp_path)
    with pytest.raises(RecipeError, match="dpi"):
        PdfScene(tmp_path, dpi=(300.0, 72.0))


def test_a_plan_replays_and_a_scene_travels_to_a_worker(write: Write) -> None:
    scene = PdfScene(write("a.pdf", ("one two three", (20.0, 200.0), {})), ASCII, width=128, height=128)
    for seed in range(5):
        plan = scene.plan(np.random.default_rng(seed))
        assert PdfPlan.from_json(plan.to_json()) == plan
        there = pickle.loads(pickle.dumps(scene))
        assert (there.render(plan).image == scene.render(plan).image).all()
    with pytest.raises(LabelError, match="does not parse"):
        PdfPlan.from_json("[]")
