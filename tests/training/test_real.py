"""Real pictures of a recipe: held back by hash, cut, refused with reasons, and what weights may not forget."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_runs import least
from torch import nn

from ocrsmith.alphabet import Alphabet
from ocrsmith.data.formats import read_labels
from ocrsmith.errors import RecipeError
from ocrsmith.preprocess import RecognizerInput
from ocrsmith.training.parameter_groups import freeze_part, parameter_groups
from ocrsmith.training.real import halve, hold_back, kept_names, real_sets
from ocrsmith.training.real_samples import RealLines, crops_of
from ocrsmith.training.recipe_changes import with_real, with_start
from ocrsmith.training.recipe_tables import KeepTable, RealTable
from ocrsmith.training.scoring import Memory

NAMES = [f"images/{number}.png" for number in range(100)]


def test_a_share_of_the_pictures_is_held_back_by_name() -> None:
    splits = hold_back(NAMES, 0.3)
    counts = Counter(splits)
    assert counts["train"] == pytest.approx(70, abs=12)
    assert counts["test"] == pytest.approx(15, abs=9)
    # Others coming or going move nothing.
    assert hold_back(NAMES[40:], 0.3) == splits[40:]


@given(st.lists(st.text(min_size=1), unique=True, min_size=3, max_size=9), st.floats(0.01, 0.99))
@settings(deadline=None)
def test_three_pictures_are_enough_for_all_splits(names: list[str], share: float) -> None:
    assert set(hold_back(names, share)) == {"train", "validation", "test"}


def test_too_few_or_none_to_hold_back() -> None:
    assert hold_back(["a", "b"], 0.3) == ["all", "all"]
    assert hold_back(NAMES[:4], 0.0) == ["all"] * 4


def write_pages(folder: Path, rows: list[dict[str, Any]]) -> Path:
    """Pages of 64 x 200 px, a row of labels each; a row's "broken" writes bytes that are no picture."""
    folder.mkdir(parents=True)
    lines = []
    for number, row in enumerate(rows):
        path = folder / f"{number}.png"
        if row.pop("broken", False):
            path.write_bytes(b"no picture")
        else:
            cv2.imwrite(str(path), np.full((64, 200, 3), 200, np.uint8))
        lines.append(json.dumps({"image": path.name, "words": [], **row}))
    (folder / "labels.jsonl").write_text("\n".join([*lines, "{not json"]))
    return folder


def box(left: float, right: float, text: str, **more: bool) -> dict[str, Any]:
    return {"polygon": [[left, 10], [right, 10], [right, 30], [left, 30]], "text": text, **more}


def some_pages(folder: Path) -> Path:
    rows: list[dict[str, Any]] = [{"words": [box(10, 90, "1234"), box(100, 110, "5")]} for _ in range(6)]
    return write_pages(folder, [*rows, {}, {"broken": True}, {"words": [box(0, 9, "x", ignore=True), box(9, 20, "")]}])


def recipe(folder: Path, **real: Any) -> Any:
    return least(recognizer={"real": [{"folder": str(folder), **real}]})


def test_a_folder_is_told_with_all_that_is_wrong_in_it(tmp_path: Path) -> None:
    (real,) = real_sets(recipe(some_pages(tmp_path / "mine")), [RealTable(folder=str(tmp_path / "mine"))])
    assert (real.name, real.kind, real.level) == ("mine", "pages", "words")
    told = "\n".join(real.told)
    assert "mine: 8 pages of words (jsonl)" in told
    assert "mine: 1 empty pages" in told
    assert "mine: 1 labels to be ignored" in told
    assert "mine: 1 labels without a text" in told
    assert "mine: 6 words of one character" in told
    assert "mine: 2 labels or pictures were left out" in told
    assert sum(len(pictures) for pictures in real.pictures.values()) == 8


def test_two_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    tables = [RealTable(folder=str(some_pages(tmp_path / part / "mine"))) for part in "ab"]
    assert [real.name for real in real_sets(recipe(tmp_path / "a" / "mine"), tables)] == ["mine", "mine (2)"]


def test_a_folder_without_text_or_pictures_is_refused(tmp_path: Path) -> None:
    empty = write_pages(tmp_path / "empty", [{}, {}])
    with pytest.raises(RecipeError, match="No text is labelled"):
        real_sets(recipe(empty), [RealTable(folder=str(empty))])
    broken = write_pages(tmp_path / "broken", [{"broken": True}])
    with pytest.raises(RecipeError, match="None of the 1 pictures"):
        real_sets(recipe(broken), [RealTable(folder=str(broken))])


def test_crops_are_cut_and_the_others_counted_by_reason(tmp_path: Path) -> None:
    words = [
        box(10, 90, "1234"),
        box(10, 90, "12a4"),
        box(10, 90, " "),
        box(100, 130, "123456789"),
        box(140, 145, "12"),
        box(150, 170, "7", ignore=True),
    ]
    folder = read_labels(write_pages(tmp_path / "mine", [{"words": words}]))
    found = crops_of(folder.entries, Alphabet("0123456789"), RecognizerInput(height=20, step_px=4))
    crops, refused = found.crops, found.refused
    assert [crop.text for crop in crops] == ["1234"]
    assert crops[0].margin_px == 4  # a fifth of 20
    assert crops[0].image().shape == (22, 82, 3)
    assert dict(refused) == {
        "text outside the alphabet, which lacks 'a' (U+0061)": 1,
        "empty text": 1,
        "text longer than its CTC steps": 1,
        "text taller than wide, whose direction the label does not say": 1,
        "label to be ignored": 1,
    }
    world = RealLines(crops, 0.2, 1, "mine")
    shapes = {world[index].image.shape for index in range(20)}
    assert len(shapes) > 3
    assert all(20 <= height <= 28 and 80 <= width <= 88 for height, width, _ in shapes)


def test_more_than_everything_cannot_be_real(tmp_path: Path) -> None:
    folder = str(some_pages(tmp_path / "mine"))
    table = {
        "real": [{"folder": folder, "share": 0.7}, {"folder": folder, "share": 0.6, "format": "jsnl"}],
        "relabel_steps": 150,
        "zoom": [2.0, 1.0],
    }
    with pytest.raises(RecipeError) as caught:
        least(detector=table)
    message = str(caught.value)
    assert "has 4 mistakes" in message
    assert "detector.real: the shares sum to 1.3" in message
    assert "did you mean 'jsonl'" in message
    assert "no multiple of steps_per_epoch, 100" in message
    assert "the least factor comes first" in message


def test_folders_of_the_command_line_go_to_who_can_use_them(tmp_path: Path) -> None:
    pages = some_pages(tmp_path / "pages")
    crops = tmp_path / "crops"
    crops.mkdir()
    cv2.imwrite(str(crops / "a.png"), np.zeros((8, 8, 3), np.uint8))
    (crops / "labels.jsonl").write_text(json.dumps({"image": "a.png", "text": "1"}))
    both = least(detector={}, recognizer={})
    changed = with_real(both, [pages, crops])
    assert [Path(one.folder).name for one in changed.detector.real] == ["pages"]  # type: ignore[union-attr]
    assert [(Path(one.folder).name, one.share) for one in changed.recognizer.real] == [  # type: ignore[union-attr]
        ("pages", 0.25),
        ("crops", 0.25),
    ]
    alone = least(detector={})
    with pytest.raises(RecipeError, match="trains a detector alone"):
        with_real(alone, [crops])
    assert with_real(both, []) is both
    assert with_start(both, None) is both
    assert with_start(both, "ppocr_v6_small").detector.start == "ppocr_v6_small"  # type: ignore[union-attr]


def test_forgetting_counts_beyond_what_is_allowed() -> None:
    memory = Memory(may_forget=0.01, start={"": 0.80})
    assert memory.score(0.5, {}) == 0.5
    assert memory.score(0.80, {"a": 0.6, "b": 0.8}) == pytest.approx(0.7)
    assert memory.score(0.79, {"a": 0.7}) == pytest.approx(0.7)
    assert memory.score(0.74, {"a": 0.9}) == pytest.approx(0.9 - 3 * 0.05)
    assert memory.score(0.99, {"a": 0.7}) == pytest.approx(0.7)
    assert Memory().score(0.0, {"a": 0.7}) == 0.7


def test_of_old_sets_the_one_that_lost_most_counts_and_none_is_new() -> None:
    memory = Memory(0.01, frozenset({"old"}), {"": 0.80, "old": 0.60})
    assert memory.score(0.78, {"new": 0.9, "old": 0.55}) == pytest.approx(0.9 - 3 * 0.04)
    assert memory.forgotten == pytest.approx(0.04)
    assert memory.last == {"": 0.78, "old": 0.55}
    assert memory.score(0.80, {"new": 0.9, "old": 0.99}) == pytest.approx(0.9)
    assert memory.forgotten == 0.0


def test_pictures_to_keep_are_halved_by_name() -> None:
    splits = halve(NAMES)
    assert Counter(splits)["test"] == pytest.approx(50, abs=15)
    assert set(splits) == {"test", "validation"}
    assert halve(NAMES[40:]) == splits[40:]
    assert halve(["a"]) == ["all"]
    assert all(set(halve([one, two])) == {"test", "validation"} for one in NAMES[:9] for two in NAMES[9:12])


def test_a_kept_set_trains_nothing_and_says_what_it_is_for(tmp_path: Path) -> None:
    folder = str(some_pages(tmp_path / "mine"))
    learnt, kept = real_sets(recipe(tmp_path / "mine"), [RealTable(folder=folder), KeepTable(folder=folder)])
    assert (learnt.kept, kept.kept, kept.name) == (False, True, "mine (2)")
    assert kept.pictures["train"] == ()
    assert len(kept.pictures["validation"]) + len(kept.pictures["test"]) == 8
    assert "to choose the best weights by" in kept.told[0] and "to train on" not in kept.told[0]
    assert kept_names([learnt, kept]) == {"mine (2)"}


def test_what_is_kept_needs_something_new(tmp_path: Path) -> None:
    folder = str(some_pages(tmp_path / "mine"))
    with pytest.raises(RecipeError) as caught:
        least(recognizer={"keep": [{"folder": folder, "format": "jsnl"}]})
    assert "recognizer.real has none" in str(caught.value)
    assert "recognizer.keep[0].format is 'jsnl'; did you mean 'jsonl'" in str(caught.value)


def test_learning_rates_by_part_and_decay_by_shape() -> None:
    model = nn.ModuleDict({"backbone": nn.ModuleDict({"stem": nn.Linear(2, 2)}), "head": nn.Linear(2, 1)})
    groups = parameter_groups(model, 0.1, 0.01, {"backbone": 0.5, "backbone.stem": 0.2})
    assert [(round(g["lr"], 4), g["weight_decay"], len(g["params"])) for g in groups] == [
        (0.1, 0.01, 1),
        (0.1, 0.0, 1),
        (0.01, 0.01, 1),
        (0.01, 0.0, 1),
    ]
    freeze_part(model, "backbone")
    assert len(parameter_groups(model, 0.1, 0.01)) == 2
    with pytest.raises(RecipeError, match=r"learning_rate_factors came with 'neck'.*backbone, head"):
        parameter_groups(model, 0.1, 0.01, {"neck": 0.1})
    torch.optim.AdamW(groups)
