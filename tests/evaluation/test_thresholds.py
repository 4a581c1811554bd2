"""The search over thresholds, on a network that takes colour for text: every box and score can be worked out."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ocrsmith.data.formats import read_labels
from ocrsmith.errors import BundleError, InputError, LabelError, StorageError
from ocrsmith.evaluation.boxes import BoxCounts
from ocrsmith.evaluation.thresholds import search_thresholds, write_curves, write_tuned_bundle
from ocrsmith.geometry import box_quad
from ocrsmith.images import write_image
from ocrsmith.preprocess import DetectorInput
from ocrsmith.reading.bundle import Bundle, write_bundle

sys.path.append(str(Path(__file__).parents[1] / "reading"))
from tiny_networks import PLAIN, craft_network, db_network

# (left, top, right, bottom) and how much of a colour it has: CRAFT's region score there.
STRONG, WEAK, NOISE = ((20, 16, 80, 36), 0.9), ((20, 70, 80, 90), 0.63), ((120, 40, 180, 60), 0.47)
PICTURE = {"image": "0.png", "words": [{"polygon": box_quad(*box).tolist(), "text": "ab"} for box, _ in (STRONG, WEAK)]}


def page() -> np.ndarray:
    image = np.full((120, 200, 3), 255, np.uint8)
    for (left, top, right, bottom), score in (STRONG, WEAK, NOISE):
        image[top:bottom, left:right, 1:] = round(255 * (1 - score))
    return image


def bundle(tmp_path: Path, kind: str = "craft") -> Bundle:
    part = {
        "kind": kind,
        "input": DetectorInput(map_stride=2 if kind == "craft" else 1, **PLAIN).to_dict(),
        "thresholds": {} if kind == "craft" else {"unclip_ratio": 0.0, "box": 0.8},
        "scale": {"min_side": 64, "max_side": 640},
        "network": {"name": "tiny", "settings": {}},
    }
    network = craft_network() if kind == "craft" else db_network()
    path = write_bundle(tmp_path / "tiny.ocrsmith", {"detector": part, "card": {"a": 1}}, {"detector.onnx": network})
    return Bundle.load(path)


def folder(tmp_path: Path, rows: list[dict] | None = None, pictures: int = 2) -> Path:  # type: ignore[type-arg]
    path = tmp_path / "pages"
    path.mkdir()
    for number in range(pictures):
        write_image(path / f"{number}.png", page())
    rows = rows if rows is not None else [PICTURE | {"image": f"{number}.png"} for number in range(pictures)]
    (path / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_weak_word_is_found_and_the_noise_is_not(tmp_path: Path) -> None:
    search = search_thresholds(bundle(tmp_path), folder(tmp_path))
    # At .7 one of two words is found; below .63 both; below .47 the noise too. The nearest to the present is .6.
    assert (search.present.counts.precision, search.present.counts.recall) == (1.0, 0.5)
    assert search.present.thresholds.text == 0.7  # type: ignore[union-attr]
    assert search.best.thresholds == replace(search.present.thresholds, text=0.6)
    assert search.best.counts.f_score == 1.0 and search.best.counts.num_pictures == 2
    assert search.held_out is not None and search.held_out.f_score == 1.0 and search.improves


def test_along_the_text_threshold(tmp_path: Path) -> None:
    search = search_thresholds(bundle(tmp_path), folder(tmp_path), axes={"text": (0.45, 0.55, 0.95)})
    along = search.along("text")
    assert [trial.thresholds.text for trial in along] == [0.45, 0.55, 0.7, 0.95]  # type: ignore[union-attr]
    assert [(t.counts.num_matched, t.counts.num_predicted) for t in along] == [(4, 6), (4, 4), (2, 2), (0, 0)]
    assert {name: len(values) for name, values in search.axes.items()} == {"text": 4, "link": 1, "low_text": 1}
    assert [curve.best_x for curve in search.curves()] == [0.55, 0.4, 0.4]


def test_db_has_its_own_thresholds(tmp_path: Path) -> None:
    search = search_thresholds(bundle(tmp_path, "db"), folder(tmp_path), axes={"box": (0.4, 0.5)})
    assert search.best.thresholds == replace(search.present.thresholds, box=0.5)
    assert (search.present.counts.num_matched, search.best.counts.num_matched) == (2, 4)


def test_a_single_picture_has_no_other_half(tmp_path: Path) -> None:
    assert search_thresholds(bundle(tmp_path), folder(tmp_path, pictures=1), axes={}).held_out is None


def test_nothing_better_is_told(tmp_path: Path) -> None:
    search = search_thresholds(bundle(tmp_path), folder(tmp_path), axes={})
    assert search.best is search.present and not search.improves


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        pytest.param([{"image": "0.png", "text": "ab"}], LabelError, "holds crops", id="crops"),
        pytest.param([{"image": "0.png", "words": []}], LabelError, "no legible text", id="empty pages"),
        pytest.param(
            [{"image": "0.png", "words": [{"polygon": box_quad(0, 100, 9, 109).tolist(), "text": "x"}]}],
            InputError,
            "finds none of the 1 labels",
            id="labels elsewhere",
        ),
    ],
)
def test_folders_that_nothing_can_be_chosen_on(
    tmp_path: Path,
    rows: list[dict],  # type: ignore[type-arg]
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        search_thresholds(bundle(tmp_path), folder(tmp_path, rows))


def test_unreadable_pictures_are_told_and_left_out(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "1.png").write_bytes(b"no picture")
    search = search_thresholds(bundle(tmp_path), path, axes={})
    assert [failure.name for failure in search.failures] == ["1.png"] and search.best.counts.num_pictures == 1
    (path / "0.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="None of the pictures"):
        search_thresholds(bundle(tmp_path), path)


def test_unknown_axes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="text, link, low_text can be searched"):
        search_thresholds(bundle(tmp_path), folder(tmp_path), axes={"binary": (0.3,)})


def test_the_tuned_bundle_is_the_same_but_for_its_thresholds(tmp_path: Path) -> None:
    present = bundle(tmp_path)
    search = search_thresholds(present, read_labels(folder(tmp_path)))
    tuned = Bundle.load(write_tuned_bundle(tmp_path / "tuned.ocrsmith", present, search))
    assert tuned.name == "tuned" and tuned.detector is not None and present.detector is not None
    assert tuned.detector.thresholds == search.best.thresholds
    assert replace(tuned.detector, thresholds=present.detector.thresholds) == present.detector
    assert tuned.manifest["detector"]["network"] == {"name": "tiny", "settings": {}}
    assert tuned.card["a"] == 1 and tuned.card["thresholds_tuned"]["boxes_f_held_out"] == 1.0
    with pytest.raises(BundleError, match="another detector"):
        (tmp_path / "db").mkdir()
        write_tuned_bundle(tmp_path / "x.ocrsmith", bundle(tmp_path / "db", "db"), search)


@pytest.mark.parametrize("name", ["curves.png", "curves.svg", "curves.html"])
def test_curves_are_drawn(tmp_path: Path, name: str) -> None:
    search = search_thresholds(bundle(tmp_path), folder(tmp_path), axes={"text": (0.5, 0.6)})
    assert write_curves(tmp_path / name, search).stat().st_size > 5000
    with pytest.raises(StorageError, match=r"Give a \.png"):
        write_curves(tmp_path / "curves.nothing", search)


def test_counts_at_scores_are_those_of_each_part() -> None:
    truth = [box_quad(0, 0, 10, 10), box_quad(20, 0, 30, 10), box_quad(40, 0, 50, 10)]
    predicted = [box_quad(0, 0, 10, 9), box_quad(0, 0, 10, 8), box_quad(21, 0, 30, 10), box_quad(41, 1, 49, 9)]
    scores, ignored = [0.5, 0.9, 0.7, 0.8], [False, False, True]
    for least, counts in zip(
        (0.0, 0.6, 1.0), BoxCounts.from_page_at_scores(truth, ignored, predicted, scores, (0, 0.6, 1))
    ):
        part = [polygon for polygon, score in zip(predicted, scores) if score >= least]
        assert counts == BoxCounts.from_page(truth, ignored, part)
    with pytest.raises(ValueError, match="one score each"):
        BoxCounts.from_page_at_scores(truth, ignored, predicted, [0.5], [0.5])
