"""Pages with texts, and our sums against the protocol of the real pictures' folder."""

from __future__ import annotations

import importlib.util
import json
import random
from pathlib import Path
from types import ModuleType

import pytest

from ocrsmith.evaluation.boxes import BoxCounts
from ocrsmith.evaluation.end_to_end import BagOfWordsCounts, EndToEndCounts
from ocrsmith.evaluation.text import EXACT, TextCounts
from ocrsmith.geometry import box_quad

FIRST, SECOND = box_quad(0, 0, 10, 10), box_quad(20, 0, 30, 10)


def test_a_box_counts_with_its_text() -> None:
    counts = EndToEndCounts.from_page(
        [FIRST, SECOND], ["Exit", "left"], [False, False], [FIRST, SECOND], ["EXIT", "lift"]
    )
    assert (counts.num_matched, counts.num_truth, counts.num_predicted) == (1, 2, 2)
    assert counts.f_score == 0.5
    exact = EndToEndCounts.from_page([FIRST], ["Exit"], [False], [FIRST], ["EXIT"], rule=EXACT)
    assert exact.num_matched == 0


def test_ignored_words() -> None:
    counts = EndToEndCounts.from_page([FIRST, SECOND], ["a", ""], [False, True], [FIRST, SECOND], ["a", "b"])
    assert (counts.num_truth, counts.num_predicted, counts.f_score) == (1, 1, 1.0)


def test_empty_page() -> None:
    assert EndToEndCounts.from_page([], [], [], [], []) == EndToEndCounts(num_pictures=1)
    assert BagOfWordsCounts.from_page([], []) == BagOfWordsCounts(num_pictures=1)


def test_texts_must_fit() -> None:
    with pytest.raises(ValueError, match="one text a polygon"):
        EndToEndCounts.from_page([FIRST], [], [False], [], [])


def test_bag_of_words() -> None:
    counts = BagOfWordsCounts.from_page(["the cat", "the"], ["The the", "dog", "and"], ["AND and"])
    assert (counts.num_matched, counts.num_truth, counts.num_predicted) == (2, 3, 3)


def test_sums_add() -> None:
    bag = BagOfWordsCounts.from_page(["a b"], ["a"]) + BagOfWordsCounts.from_page(["c"], ["c"])
    assert (bag.num_matched, bag.num_truth, bag.num_predicted, bag.num_pictures) == (2, 3, 2, 2)
    page = EndToEndCounts.from_page([FIRST], ["a"], [False], [FIRST], ["a"])
    assert (page + page).num_matched == 2
    with pytest.raises(TypeError, match="one kind"):
        bag + page  # type: ignore[operator]


@pytest.fixture(scope="session")
def score(shared_dir: Path) -> ModuleType:
    path = shared_dir / "eval" / "score.py"
    if not path.exists():
        pytest.skip("the scoring script is not beside this checkout")
    spec = importlib.util.spec_from_file_location("score", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_rows(shared_dir: Path, name: str) -> list[dict]:
    return [json.loads(line) for line in (shared_dir / "eval" / name / "labels.jsonl").read_text().splitlines()]


def spoil(words: list[dict], rng: random.Random) -> list[dict]:
    """Predictions with the mistakes that readers make: moved, lost, doubled and misread words."""
    found = []
    for word in words:
        if rng.random() < 0.15:
            continue
        dx, dy = rng.choice([0, 0, 1, 4, 30]), rng.choice([0, 0, 2])
        text = word["text"] if rng.random() < 0.8 else word["text"][::-1] + "x y"
        found.append({"polygon": [[x + dx, y + dy] for x, y in word["polygon"]], "text": text})
        if rng.random() < 0.1:
            found.append(found[-1])
    return found


@pytest.mark.parametrize("name", ["scene_ic03", "forms_funsd", "receipts_sroie"])
def test_pages_equal_the_script(shared_dir: Path, score: ModuleType, name: str) -> None:
    labels = {row["image"]: row for row in read_rows(shared_dir, name)}
    rng = random.Random(3)
    predictions = {key: {"words": spoil(row["words"], rng)} for key, row in labels.items()}
    bag, boxes = BagOfWordsCounts(), BoxCounts()
    for key, row in labels.items():
        found, ignored = predictions[key]["words"], [w.get("ignore", False) for w in row["words"]]
        bag += BagOfWordsCounts.from_page(
            [w["text"] for w in row["words"] if not w.get("ignore")],
            [w["text"] for w in found],
            [w["text"] for w in row["words"] if w.get("ignore")],
        )
        boxes += BoxCounts.from_page([w["polygon"] for w in row["words"]], ignored, [w["polygon"] for w in found])
    page, box = score.page(labels, predictions), score.boxes(labels, predictions)
    assert (page["recall"], page["precision"], page["f"]) == tuple(
        round(x, 4) for x in (bag.recall, bag.precision, bag.f_score)
    )
    assert page["words"] == bag.num_truth
    assert (box["box_recall"], box["box_precision"], box["box_f"]) == tuple(
        round(x, 4) for x in (boxes.recall, boxes.precision, boxes.f_score)
    )


def test_crops_equal_the_script(shared_dir: Path, score: ModuleType) -> None:
    rows = read_rows(shared_dir, "meters_7seg")
    rng = random.Random(5)
    pairs = [(row["text"], "".join(c for c in row["text"] if rng.random() < 0.9)) for row in rows]
    counts = TextCounts.from_pairs(pairs)
    script = score.crops(
        {str(i): {"text": truth} for i, (truth, _) in enumerate(pairs)},
        {str(i): {"text": prediction} for i, (_, prediction) in enumerate(pairs)},
    )
    assert script["word_accuracy"] == round(counts.caseless_accuracy, 4)
    assert script["exact"] == round(counts.exact_accuracy, 4)
    assert script["cer"] == round(counts.character_error_rate, 4)
