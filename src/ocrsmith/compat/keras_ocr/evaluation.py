"""keras-ocr's evaluation of whole pages: precision and recall of boxes with their texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from rapidfuzz.distance import Levenshtein

from ocrsmith.errors import LabelError
from ocrsmith.evaluation.boxes import match_polygons
from ocrsmith.geometry import intersection_over_union, order_clockwise


def iou_score(box1: ArrayLike, box2: ArrayLike) -> float:
    """Intersection over union of two boxes: (4, 2) corners, or (x1, y1, x2, y2)."""
    return intersection_over_union(_quad(box1), _quad(box2))


def _quad(box: ArrayLike) -> Any:
    points = np.asarray(box, np.float32)
    if points.shape == (4,):
        left, top, right, bottom = points
        points = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    if points.shape != (4, 2):
        raise LabelError(f"A box came as {points.shape}. (4, 2) corners or (x1, y1, x2, y2) was expected.")
    return order_clockwise(points)


def score(
    true: Mapping[Any, Sequence[Mapping[str, Any]]],
    pred: Mapping[Any, Sequence[Mapping[str, Any]]],
    iou_threshold: float = 0.5,
    similarity_threshold: float = 0.5,
    translator: Any = None,
) -> tuple[dict[Any, dict[str, Any]], tuple[float, float]]:
    """(results of each picture, (precision, recall)) of texts found and read, matched one to one.

    A truth and a prediction match where their boxes overlap by `iou_threshold` and their texts are alike by
    `similarity_threshold` (1 less the edit distance over the longer text). Truths with "ignore" count neither way.

    Args:
        true, pred: picture -> list of {"vertices": (4, 2), "text": str}; truths may have "ignore": True.
        translator: a table for `str.translate`, applied to both texts.

    Returns:
        For each picture "true_positives" [(index of the truth, index of the prediction)], "false_positives" and
        "false_negatives" [indices].

    Raises:
        LabelError: pictures that only one side has.
    """
    if set(true) != set(pred):
        odd = sorted(map(str, set(true) ^ set(pred)))
        raise LabelError(f"true and pred name different pictures: {', '.join(odd[:5])}. Give every one on both sides.")
    results: dict[Any, dict[str, Any]] = {}
    found = missed = wrong = 0
    for picture, truths in true.items():
        predictions = pred[picture]
        pairs, forgiven, ignored = _matches(truths, predictions, iou_threshold, similarity_threshold, translator)
        matched_truth, matched_prediction = {a for a, _ in pairs}, {b for _, b in pairs}
        false_negatives = [i for i in range(len(truths)) if i not in matched_truth and not ignored[i]]
        false_positives = [j for j in range(len(predictions)) if j not in matched_prediction and not forgiven[j]]
        results[picture] = {
            "true_positives": pairs,
            "false_positives": false_positives,
            "false_negatives": false_negatives,
        }
        found, missed, wrong = found + len(pairs), missed + len(false_negatives), wrong + len(false_positives)
    precision = found / (found + wrong) if found + wrong else 0.0
    recall = found / (found + missed) if found + missed else 0.0
    return results, (precision, recall)


def _matches(
    truths: Sequence[Mapping[str, Any]],
    predictions: Sequence[Mapping[str, Any]],
    iou_threshold: float,
    similarity_threshold: float,
    translator: Any,
) -> tuple[list[tuple[int, int]], list[bool], list[bool]]:
    ignored = [bool(truth.get("ignore", False)) for truth in truths]
    truth_quads = [_quad(truth["vertices"]) for truth in truths]
    quads = [_quad(prediction["vertices"]) for prediction in predictions]
    forgiven = match_polygons(truth_quads, ignored, quads, iou_threshold).forgiven.tolist()
    candidates = []
    for a, truth in enumerate(truths):
        for b, prediction in enumerate(predictions):
            if ignored[a] or forgiven[b]:
                continue
            overlap = intersection_over_union(truth_quads[a], quads[b])
            alike = _similarity(truth.get("text", ""), prediction.get("text", ""), translator)
            if overlap >= iou_threshold and alike >= similarity_threshold:
                candidates.append((overlap, alike, a, b))
    pairs: list[tuple[int, int]] = []
    used_truths: set[int] = set()
    used_predictions: set[int] = set()
    for _, _, a, b in sorted(candidates, reverse=True):
        if a not in used_truths and b not in used_predictions:
            used_truths.add(a)
            used_predictions.add(b)
            pairs.append((a, b))
    return sorted(pairs), forgiven, ignored


def _similarity(first: str, second: str, translator: Any) -> float:
    if translator is not None:
        first, second = first.translate(translator), second.translate(translator)
    return float(Levenshtein.normalized_similarity(first, second))
