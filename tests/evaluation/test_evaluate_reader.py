"""A reader that knows the answers, or gets them wrong on purpose, on folders written for the test."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ocrsmith.data.formats import read_labels, write_dataset
from ocrsmith.errors import EngineError
from ocrsmith.evaluation.mistakes import WorstMistakes, blank_mistake, surroundings
from ocrsmith.evaluation.run import evaluate_reader
from ocrsmith.evaluation.text import DIGITS, EXACT
from ocrsmith.geometry import Polygon, box_quad
from ocrsmith.samples import Image, LineSample, PageSample, TextInstance


@dataclass
class Word:
    text: str
    polygon: Polygon
    confidence: float = 0.9


@dataclass
class Page:
    words: list[Word]


class FixedReader:
    """Answers by the value of a picture's first pixel."""

    def __init__(self, pages: list[list[Word]] | None = None, texts: list[str] | None = None) -> None:
        self.pages, self.texts = pages or [], texts or []

    def read(self, image: Image) -> Page:
        return Page(self.pages[image[0, 0, 0]])

    def recognize(self, images: Sequence[Image]) -> list[Word]:
        if any(image[0, 0, 0] == 99 for image in images):
            raise EngineError("The engine failed on a picture.")
        return [Word(self.texts[image[0, 0, 0]], box_quad(0, 0, 1, 1), 0.5) for image in images]


FIRST, SECOND, THIRD = box_quad(2, 2, 12, 8), box_quad(20, 2, 30, 8), box_quad(2, 12, 30, 18)


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    words = [TextInstance(FIRST, "Exit"), TextInstance(SECOND, "left"), TextInstance(THIRD, "", ignore=True)]
    samples = [PageSample(np.full((24, 40, 3), i, np.uint8), w) for i, w in enumerate([words, [], words[:1]])]
    write_dataset(samples, tmp_path / "pages")
    return tmp_path / "pages"


def crops(folder: Path, texts: list[str], values: list[int] | None = None) -> Path:
    values = values or list(range(len(texts)))
    write_dataset((LineSample(np.full((6, 20, 3), v, np.uint8), t) for v, t in zip(values, texts)), folder)
    return folder


def test_pages(pages: Path, tmp_path: Path) -> None:
    reader = FixedReader([[Word("EXIT", FIRST), Word("lift", SECOND, 0.7), Word("?", THIRD)], [], [Word("x", SECOND)]])
    result = evaluate_reader(reader, read_labels(pages), predictions=tmp_path / "predictions.jsonl")
    assert (result.num_pictures, result.kind, result.text) == (3, "pages", None)
    assert result.boxes is not None and result.end_to_end is not None and result.bag_of_words is not None
    assert (result.boxes.num_matched, result.boxes.num_truth, result.boxes.num_predicted) == (2, 3, 3)
    assert result.end_to_end.num_matched == 1
    assert (result.bag_of_words.num_matched, result.bag_of_words.num_truth) == (1, 3)
    assert [(m.kind, m.truth, m.prediction) for m in result.mistakes] == [
        ("misread", "left", "lift"),
        ("missed", "Exit", ""),
        ("invented", "", "x"),
    ]
    rows = [json.loads(line) for line in (tmp_path / "predictions.jsonl").read_text().splitlines()]
    assert rows[0]["image"] == "images/00000000.png" and rows[0]["words"][1]["text"] == "lift"
    assert rows[1]["words"] == [] and rows[0]["seconds"] >= 0
    json.dumps(result.to_dict())


def test_of_pages_labelled_in_part_recall_alone_is_told(pages: Path) -> None:
    reader = FixedReader([[Word("Exit", FIRST), Word("no label", THIRD)], [], []])
    result = evaluate_reader(reader, read_labels(pages), complete=False)
    assert [(score.measure, round(score.value, 3)) for score in result.scores()] == [
        ("words recall", 0.333),
        ("boxes recall", 0.333),
        ("end to end recall", 0.333),
    ]


def test_words_found_in_a_labelled_line_are_joined(tmp_path: Path) -> None:
    line = TextInstance(box_quad(2, 2, 30, 8), "Exit left")
    write_dataset([PageSample(np.zeros((24, 40, 3), np.uint8), [line])], tmp_path)
    reader = FixedReader([[Word("Exit", FIRST), Word("left", SECOND)]])
    apart = evaluate_reader(reader, read_labels(tmp_path)).boxes
    joined = evaluate_reader(reader, read_labels(tmp_path), joined=True)
    assert apart is not None and joined.boxes is not None
    assert (apart.num_matched, joined.boxes.num_matched) == (0, 1)
    assert joined.end_to_end is None
    assert [score.measure for score in joined.scores()][:1] == ["words F"]


def test_crops(tmp_path: Path) -> None:
    folder = crops(tmp_path / "crops", ["12.5", "7", "80"])
    result = evaluate_reader(FixedReader(texts=["125", "7", "08"]), read_labels(folder), batch_size=2, rule=DIGITS)
    assert result.text is not None
    assert (result.text.num_texts, result.text.num_exact, result.text.num_equal) == (3, 1, 2)
    assert [(m.truth, m.prediction, m.confidence) for m in result.mistakes] == [("80", "08", 0.5)]
    assert [score.measure for score in result.scores()] == [
        "digits only",
        "caseless letters and digits",
        "exact",
        "character error rate",
    ]


def test_the_rule_of_exact_texts_gives_its_figure_once_and_first(tmp_path: Path) -> None:
    folder = crops(tmp_path / "crops", ["12.5", "7"])
    result = evaluate_reader(FixedReader(texts=["125", "7"]), read_labels(folder), rule=EXACT)
    assert [(score.measure, score.value) for score in result.scores()][:2] == [
        ("exact", 0.5),
        ("caseless letters and digits", 1.0),
    ]
    assert [score.measure for score in result.scores()].count("exact") == 1


def test_crops_by_the_whole_reader(tmp_path: Path) -> None:
    folder = crops(tmp_path / "crops", ["12 5", ""])
    reader = FixedReader([[Word("12", FIRST, 0.9), Word("5", SECOND, 0.6)], []])
    result = evaluate_reader(reader, read_labels(folder), crops_by="read")
    assert result.text is not None and result.text.exact_accuracy == 1.0


def test_bad_pictures_are_counted_and_never_stop_the_rest(tmp_path: Path) -> None:
    folder = crops(tmp_path / "crops", ["a", "b", "c", "d"], [0, 1, 99, 2])
    (folder / "images" / "00000001.png").write_bytes(b"damaged")
    seen: list[tuple[int, int]] = []
    result = evaluate_reader(
        FixedReader(texts=["a", "b", "d"]), read_labels(folder), progress=lambda *at: seen.append(at)
    )
    assert [failure.name for failure in result.failures] == ["images/00000001.png", "images/00000002.png"]
    assert "engine failed" in result.failures[1].reason
    assert result.text is not None and result.text.num_texts == 2 and result.text.exact_accuracy == 1.0
    assert seen == [(4, 4)]


def test_all_pictures_bad(tmp_path: Path) -> None:
    folder = crops(tmp_path / "crops", ["a"])
    (folder / "images" / "00000000.png").write_bytes(b"damaged")
    result = evaluate_reader(FixedReader(texts=["a"]), read_labels(folder))
    assert result.seconds_per_picture == 0.0 and [score.value for score in result.scores()] == [0.0, 0.0, 1.0]


def test_the_worst_are_kept() -> None:
    picture = np.zeros((10, 10, 3), np.uint8)
    worst = WorstMistakes(8)
    for index in range(20):
        worst.add(picture, None, blank_mistake(f"{index}", "a", "b", index / 20), index / 20)
        worst.add(picture, None, blank_mistake(f"{index}", "a", "", None, "missed"), index)
    kept = worst.worst()
    assert [m.name for m in kept] == ["19", "18", "17", "16", "15", "14", "19", "18"]
    assert worst.counts() == {"misread": 20, "missed": 20}
    assert WorstMistakes(0).worst() == ()


@pytest.mark.parametrize(
    ("polygon", "shape"),
    [
        pytest.param(None, (48, 480), id="the whole, shrunk"),
        pytest.param(box_quad(10, 10, 30, 20), (20, 30), id="half the height as margin"),
        pytest.param(box_quad(-50, -50, -40, -40), (1, 1), id="outside"),
        pytest.param(box_quad(0, 0, 5000, 5000), (48, 480), id="larger than the picture"),
    ],
)
def test_surroundings(polygon: Polygon | None, shape: tuple[int, int]) -> None:
    assert surroundings(np.zeros((100, 1000, 3), np.uint8), polygon).shape[:2] == shape
