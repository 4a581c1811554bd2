"""Every label format from a few lines written by hand, and what their damage becomes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocrsmith.data.formats import LabelledFolder, read_labels
from ocrsmith.errors import InputError, LabelError
from ocrsmith.images import write_image

SQUARE = [[10, 20], [50, 20], [50, 40], [10, 40]]
RESULT = {"id": "r", "type": "rectangle", "original_width": 100, "original_height": 50}

FILES: dict[str, tuple[str, str]] = {
    "jsonl": ("labels.jsonl", json.dumps({"image": "one.png", "words": [{"polygon": SQUARE, "text": "Exit"}]})),
    "icdar": ("gt_one.txt", "\ufeff10,20,50,20,50,40,10,40,Exit\n"),
    "total_text": (
        "poly_gt_one.txt",
        "x: [[10 50 50\n 10]], y: [[20 20 40 40]], ornt: [u'c'], transcriptions: [u'Exit']\n",
    ),
    "coco_text": (
        "set.json",
        json.dumps(
            {
                "imgs": {"7": {"id": 7, "file_name": "one.png"}},
                "anns": {
                    "1": {"image_id": 7, "bbox": [10, 20, 40, 20], "utf8_string": "Exit", "legibility": "legible"}
                },
            }
        ),
    ),
    "label_studio": (
        "export.json",
        json.dumps(
            [
                {
                    "data": {"ocr": "/data/upload/1/0a1b2c3d-one.png"},
                    "annotations": [
                        {
                            "result": [
                                RESULT | {"value": {"x": 10, "y": 40, "width": 40, "height": 40, "rotation": 0}},
                                RESULT | {"type": "textarea", "value": {"text": ["Exit"]}},
                            ]
                        }
                    ],
                }
            ]
        ),
    ),
    "page_xml": (
        "one.xml",
        '<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"><Page imageFilename="one.png">'
        '<TextRegion><TextLine><Coords points="0,0 9,0 9,9"/><Word><Coords points="10,20 50,20 50,40 10,40"/>'
        "<TextEquiv><Unicode>Exit</Unicode></TextEquiv></Word></TextLine></TextRegion></Page></PcGts>",
    ),
    "alto": (
        "one.xml",
        '<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Layout><Page WIDTH="100"><PrintSpace><TextBlock>'
        '<TextLine><String CONTENT="Exit" HPOS="10" VPOS="20" WIDTH="40" HEIGHT="20"/></TextLine></TextBlock>'
        "</PrintSpace></Page></Layout></alto>",
    ),
    "voc": (
        "one.xml",
        "<annotation><filename>one.png</filename><object><name>word</name><text>Exit</text><bndbox><xmin>10</xmin>"
        "<ymin>20</ymin><xmax>50</xmax><ymax>40</ymax></bndbox></object></annotation>",
    ),
    "cvat": (
        "annotations.xml",
        '<annotations><image name="one.png" width="100" height="50"><box label="word" xtl="10" ytl="20" xbr="50" '
        'ybr="40"><attribute name="text">Exit</attribute></box></image></annotations>',
    ),
    "paddleocr": ("Label.txt", "one.png\t" + json.dumps([{"transcription": "Exit", "points": SQUARE}]) + "\n"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_image(tmp_path / "one.png", np.full((50, 100, 3), 200, np.uint8))
    return tmp_path


def write_and_read(folder: Path, name: str, content: str) -> LabelledFolder:
    (folder / name).write_text(content, encoding="utf-8")
    return read_labels(folder)


@pytest.mark.parametrize("format", FILES)
def test_one_word_in_every_page_format(folder: Path, format: str) -> None:
    found = write_and_read(folder, *FILES[format])
    assert (found.format, found.kind, len(found), found.problems) == (format, "pages", 1, ())
    (instance,) = found.entries[0].instances
    assert (instance.text, instance.ignore) == ("Exit", False)
    np.testing.assert_allclose(instance.polygon, SQUARE, atol=1e-4)
    assert found.entries[0].page_sample().image.shape == (50, 100, 3)
    assert found.entries[0].source.size() == (100, 50)


@pytest.mark.parametrize(
    ("name", "content", "texts"),
    [
        pytest.param("gt.txt", "one.png\t12.5\n", ["12.5"], id="tab"),
        pytest.param("gt.txt", 'one.png, "a, b"\n', ["a, b"], id="ICDAR 2013 words"),
        pytest.param("labels.csv", 'filename,words\none.png,"say ""hi"""\n', ['say "hi"'], id="CSV with a header"),
        pytest.param("labels.csv", "one.png,1,000\n", ["1,000"], id="CSV with a comma in a plain text"),
        pytest.param("labels.txt", "one.png two words\n", ["two words"], id="a space"),
        pytest.param("gt.txt", "one.png\t\none.png\t é \n", ["", " é "], id="an empty text, and outer spaces kept"),
        pytest.param("labels.jsonl", '{"image": "one.png", "text": "a\u2028b"}\n', ["a\u2028b"], id="JSON lines"),
        pytest.param("gt.txt", 'one.png,7" pipe\n', ['7" pipe'], id="an inch sign"),
    ],
)
def test_crops(folder: Path, name: str, content: str, texts: list[str]) -> None:
    found = write_and_read(folder, name, content)
    assert found.kind == "crops" and found.problems == ()
    assert [entry.text for entry in found.entries] == texts
    assert found.entries[0].line_sample().text == texts[0]


@pytest.mark.parametrize(
    ("line", "text", "ignore", "first"),
    [
        pytest.param('38 43 92 215 "Tired, ness"', "Tired, ness", False, (38, 43), id="2013 with spaces"),
        pytest.param('38, 43, 92, 215, "a"', "a", False, (38, 43), id="2013 with commas"),
        pytest.param("1,2,9,2,9,8,1,8,###", "", True, (1, 2), id="not to be scored"),
        pytest.param("1,2,9,2,9,8,1,8,a,b", "a,b", False, (1, 2), id="a comma in the text"),
        pytest.param("1,2,9,2,9,8,1,8,12", "12", False, (1, 2), id="a number as text"),
        pytest.param("1,2,9,2,9,8,1,8,Latin,a", "a", False, (1, 2), id="2017 with a script"),
        pytest.param("-1.5,2,9,2,9,8,1,8,", "", False, (-1.5, 2), id="no text"),
    ],
)
def test_icdar_lines(folder: Path, line: str, text: str, ignore: bool, first: tuple[float, float]) -> None:
    (instance,) = write_and_read(folder, "gt_one.txt", line).entries[0].instances
    assert (instance.text, instance.ignore, tuple(instance.polygon[0])) == (text, ignore, first)


def test_an_empty_icdar_file_is_an_empty_page(folder: Path) -> None:
    write_image(folder / "two.png", np.zeros((5, 5, 3), np.uint8))
    (folder / "gt_two.txt").write_text("")
    (folder / "README.txt").write_text("not a label\n")
    found = write_and_read(folder, *FILES["icdar"])
    assert [len(entry.instances) for entry in found.entries] == [1, 0] and not found.problems


def test_bad_lines_never_stop_the_rest(folder: Path) -> None:
    good = FILES["jsonl"][1]
    rows = [
        "{not json",
        good,
        "[]",
        '{"image": "absent.png", "words": []}',
        '{"image": "one.png"}',
        '{"words": []}',
        '{"image": "one.png", "text": "a crop"}',
        '{"image": "one.png", "words": [{"polygon": [[0, 0], [1, 1]], "text": "a"}, {"polygon": '
        + json.dumps(SQUARE)
        + ', "text": "b", "characters": [{"text": "c", "quad": '
        + json.dumps(SQUARE)
        + "}]}, 5, {}]}",
        good,
    ]
    found = write_and_read(folder, "labels.jsonl", "\n".join(rows) + "\n")
    assert [len(entry.instances) for entry in found.entries] == [1, 0, 1]
    assert [problem.line for problem in found.problems] == [1, 3, 4, 5, 6, 7, 8, 8, 8, 8]
    assert str(found.problems[2]) == f"{folder / 'labels.jsonl'}:4: the picture 'absent.png' does not exist"
    assert "spell" in found.problems[7].reason


def test_characters_are_read(folder: Path) -> None:
    word = {"polygon": SQUARE, "text": "7", "characters": [{"text": "7", "quad": SQUARE}]}
    row = {"image": "one.png", "words": [word]}
    (instance,) = write_and_read(folder, "labels.jsonl", json.dumps(row)).entries[0].instances
    assert instance.characters is not None and instance.characters[0].text == "7"


def test_all_bad_is_an_error(folder: Path) -> None:
    with pytest.raises(LabelError, match=r"None of the jsonl labels .*(\n.*)*labels.jsonl:1: the line is not JSON"):
        write_and_read(folder, "labels.jsonl", "nonsense\n")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="No labels were found"):
        read_labels(tmp_path)
    with pytest.raises(InputError, match="do not exist"):
        read_labels(tmp_path / "absent")
    with pytest.raises(LabelError, match="unknown"):
        read_labels(tmp_path, format="docx")


@pytest.mark.parametrize("format", ["page_xml", "alto", "voc", "cvat"])
def test_entity_bombs_are_refused(folder: Path, format: str) -> None:
    name, content = FILES[format]
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    (folder / name).write_text(bomb + content)
    with pytest.raises(LabelError, match="document type"):
        read_labels(folder)


def test_deep_xml_is_refused(folder: Path) -> None:
    (folder / "deep.xml").write_text("<annotation>" * 5000)
    with pytest.raises(LabelError, match="200 levels"):
        read_labels(folder)


def test_xml_problems_have_lines(folder: Path) -> None:
    content = FILES["cvat"][1].replace("<box", "\n<box xtl='x'/>\n<box", 1)
    found = write_and_read(folder, "annotations.xml", content)
    assert len(found.entries[0].instances) == 1
    assert [problem.line for problem in found.problems] == [2]


def test_cvat_boxes_turn_about_their_centre(folder: Path) -> None:
    content = FILES["cvat"][1].replace('label="word"', 'label="word" rotation="90"')
    (instance,) = write_and_read(folder, "a.xml", content).entries[0].instances
    # Centre (30, 30); the top left corner (-20, -10) from it goes to (10, -20) from it.
    np.testing.assert_allclose(instance.polygon[0], (40, 10), atol=1e-4)


def test_label_studio_boxes_turn_about_their_corner(folder: Path) -> None:
    content = FILES["label_studio"][1].replace('"rotation": 0', '"rotation": 90')
    (instance,) = write_and_read(folder, "a.json", content).entries[0].instances
    np.testing.assert_allclose(instance.polygon[:2], [(10, 20), (10, 60)], atol=1e-4)


def test_alto_in_tenths_of_a_millimetre(folder: Path) -> None:
    content = FILES["alto"][1].replace('WIDTH="100"', 'WIDTH="50"')
    content = content.replace("<Layout>", "<Description><MeasurementUnit>mm10</MeasurementUnit></Description><Layout>")
    (instance,) = write_and_read(folder, "one.xml", content).entries[0].instances
    np.testing.assert_allclose(instance.polygon[0], (20, 40), atol=1e-4)


def test_illegible_words_are_ignored(folder: Path) -> None:
    coco = FILES["coco_text"][1].replace('"legible"', '"illegible"')
    assert write_and_read(folder, "set.json", coco).entries[0].instances[0].ignore
    paddle = FILES["paddleocr"][1].replace("Exit", "###")
    assert write_and_read(folder, "Label.txt", paddle).format == "coco_text"
    assert read_labels(folder, format="paddleocr").entries[0].instances[0].ignore


def test_a_second_format_is_named(folder: Path) -> None:
    (folder / "gt_one.txt").write_text(FILES["icdar"][1])
    found = write_and_read(folder, *FILES["jsonl"])
    assert found.format == "jsonl" and "labels in icdar were not read" in found.problems[0].reason
    assert read_labels(folder, format="icdar").format == "icdar"


def test_predictions_beside_the_labels_are_not_labels(folder: Path) -> None:
    (folder / "predictions.jsonl").write_text(FILES["jsonl"][1])
    found = write_and_read(folder, *FILES["jsonl"])
    assert len(found) == 1 and "predictions.jsonl: was not read" in str(found.problems[0])
    assert len(read_labels(folder / "predictions.jsonl")) == 1


def test_one_file_is_read_alone(folder: Path) -> None:
    write_and_read(folder, *FILES["jsonl"])
    assert len(read_labels(folder / "labels.jsonl")) == 1


SAMPLES = [*FILES.values(), ("gt.txt", 'one.png\t12\none.png,"a"\n')]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 3), st.binary(min_size=1, max_size=6)), max_size=6),
)
def test_damage_is_a_problem_or_an_error(
    tmp_path: Path, sample: tuple[str, str], edits: list[tuple[int, int, bytes]]
) -> None:
    write_image(tmp_path / "one.png", np.zeros((4, 4, 3), np.uint8))
    data = sample[1].encode()
    for place, length, new in edits:
        place %= len(data) + 1
        data = data[:place] + new + data[place + length :]
    path = tmp_path / sample[0]
    path.write_bytes(data)
    try:
        read_labels(path)
    except LabelError:
        pass
    finally:
        path.unlink()


@pytest.mark.parametrize("value", ["1e999", "NaN", "1" + "0" * 400, '"a"', "null", "[]", "{}", "true"])
def test_strange_numbers(folder: Path, value: str) -> None:
    content = FILES["jsonl"][1].replace("[[10, ", f"[[{value}, ", 1)
    found = write_and_read(folder, "labels.jsonl", content)
    assert len(found.problems) + len(found.entries[0].instances) == 1


def test_real_folders(shared_dir: Path) -> None:
    assert len(read_labels(shared_dir / "eval" / "scene_ic03")) == 50
    crops = read_labels(shared_dir / "eval" / "meters_7seg")
    assert (crops.kind, len(crops), crops.problems) == ("crops", 100, ())


CURVE = [[10, 20], [30, 10], [50, 20], [50, 40], [30, 30], [10, 40]]
FLAT = [number for point in CURVE for number in point]
PAIRS = " ".join(f"{x},{y}" for x, y in CURVE)
CURVED: dict[str, str] = {
    "jsonl": json.dumps({"image": "one.png", "words": [{"polygon": CURVE, "text": "Exit"}]}),
    "total_text": "x: [[10 30 50 50 30 10]], y: [[20 10 20 40 30 40]], ornt: [u'c'], transcriptions: [u'Exit']\n",
    "coco_text": FILES["coco_text"][1].replace('"bbox": [10, 20, 40, 20]', f'"mask": {FLAT}, "bbox": [10, 10, 40, 30]'),
    "label_studio": FILES["label_studio"][1].replace(
        '{"x": 10, "y": 40, "width": 40, "height": 40, "rotation": 0}',
        json.dumps({"points": [[x, 2 * y] for x, y in CURVE], "polygonlabels": ["Text"]}),
    ),
    "page_xml": FILES["page_xml"][1].replace("10,20 50,20 50,40 10,40", PAIRS),
    "alto": FILES["alto"][1].replace('"20"/>', f'"20"><Shape><Polygon POINTS="{PAIRS}"/></Shape></String>'),
    "cvat": FILES["cvat"][1]
    .replace('box label="word" xtl="10" ytl="20" xbr="50" ybr="40"', f'polygon label="word" points="{PAIRS}"')
    .replace("</box>", "</polygon>"),
    "paddleocr": "one.png\t" + json.dumps([{"transcription": "Exit", "points": CURVE}]) + "\n",
}


@pytest.mark.parametrize("format", CURVED)
def test_polygons_keep_all_their_points(folder: Path, format: str) -> None:
    found = write_and_read(folder, FILES[format][0], CURVED[format])
    assert (found.format, found.problems) == (format, ())
    (instance,) = found.entries[0].instances
    assert instance.text == "Exit"
    np.testing.assert_allclose(instance.polygon, CURVE, atol=1e-4)


@pytest.mark.parametrize(
    ("format", "mark", "illegible"),
    [
        ("jsonl", '"text": "Exit"', '"text": "Exit", "ignore": true'),
        ("icdar", ",Exit", ",###"),
        ("total_text", "u'Exit'", "u'#'"),
        ("coco_text", '"legible"', '"illegible"'),
        ("label_studio", '"rotation": 0', '"rotation": 0, "rectanglelabels": ["Illegible"]'),
        ("voc", "<text>", "<difficult>1</difficult><text>"),
        ("cvat", 'label="word"', 'label="ignore"'),
        ("paddleocr", "Exit", "###"),
    ],
)
def test_what_is_not_to_be_scored_is_ignored(folder: Path, format: str, mark: str, illegible: str) -> None:
    name, content = FILES[format]
    assert mark in content
    (instance,) = write_and_read(folder, name, content.replace(mark, illegible)).entries[0].instances
    assert instance.ignore


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        pytest.param("a.xml", "<annotations><track/></annotations>", "CVAT for images 1.1", id="CVAT's video export"),
        pytest.param("a.json", '[{"ocr": "one.png", "annotation_id": 1}]', "JSON-MIN", id="Label Studio's JSON-MIN"),
        pytest.param("one.xml", "<PcGts><Metadata/></PcGts>", "holds no <Page>", id="PAGE without a page"),
        pytest.param(
            "a.xml", FILES["alto"][1], "the picture '' does not exist", id="ALTO that neither names nor is a picture's"
        ),
    ],
)
def test_exports_of_another_kind_say_what_to_do(folder: Path, name: str, content: str, reason: str) -> None:
    with pytest.raises(LabelError, match=reason):
        write_and_read(folder, name, content)
