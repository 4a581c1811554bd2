"""The worst mistakes of a reader, kept as pictures: what a person looks at first."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from ocrsmith.evaluation.boxes import match_polygons
from ocrsmith.evaluation.text import TextRule
from ocrsmith.geometry import Polygon, bounds
from ocrsmith.samples import Image, TextInstance

MistakeKind = Literal["misread", "missed", "invented"]
# Enough to see a word by; a report of a hundred such pictures stays below a few megabytes.
MAX_WIDTH_PX, MAX_HEIGHT_PX = 480, 240


@dataclass(frozen=True, eq=False)
class Mistake:
    """A text read wrongly, not found ("missed", no prediction) or found where none stands ("invented", no truth)."""

    image: Image  # (H, W, 3) uint8 RGB, the surroundings, shrunk
    name: str
    truth: str
    prediction: str
    confidence: float | None = None
    kind: MistakeKind = "misread"


class WorstMistakes:
    """Keeps a bounded number of mistakes of each kind, the worst ones.

    Of misread and invented texts the most confident are the worst: there the network is sure and wrong, or the label
    is. Of missed ones the highest are.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._heaps: dict[str, list[tuple[float, int, Mistake]]] = {"misread": [], "missed": [], "invented": []}
        self._counts: Counter[str] = Counter()

    def add(self, picture: Image, polygon: Polygon | None, mistake: Mistake, weight: float) -> None:
        """Adds one with its surroundings cut out of `picture`, if it is among the worst so far."""
        self._counts[mistake.kind] += 1
        heap = self._heaps[mistake.kind]
        if self._most <= 0 or (len(heap) == self._most and weight <= heap[0][0]):
            return
        kept = Mistake(
            surroundings(picture, polygon),
            mistake.name,
            mistake.truth,
            mistake.prediction,
            mistake.confidence,
            mistake.kind,
        )
        # The running number keeps equal weights in their order, the earliest as the worst.
        entry = (weight, -self._counts.total(), kept)
        if len(heap) == self._most:
            heapq.heapreplace(heap, entry)
        else:
            heapq.heappush(heap, entry)

    def counts(self) -> dict[str, int]:
        """How many there were of each kind, those not kept included."""
        return dict(self._counts)

    def worst(self) -> tuple[Mistake, ...]:
        """At most `most` together: misread first, then half each of missed and invented as room is left."""
        ranked = {
            kind: [m for *_, m in sorted(heap, key=lambda e: (-e[0], -e[1]))] for kind, heap in self._heaps.items()
        }
        others = min(self._most // 4, len(ranked["missed"])), min(self._most // 4, len(ranked["invented"]))
        misread = ranked["misread"][: self._most - sum(others)]
        missed = ranked["missed"][: max(others[0], self._most - len(misread) - others[1])]
        return (*misread, *missed, *ranked["invented"][: self._most - len(misread) - len(missed)])


def blank_mistake(
    name: str, truth: str, prediction: str, confidence: float | None, kind: MistakeKind = "misread"
) -> Mistake:
    """A mistake whose picture is still to be cut out."""
    return Mistake(np.zeros((1, 1, 3), np.uint8), name, truth, prediction, confidence, kind)


def surroundings(picture: Image, polygon: Polygon | None) -> Image:
    """A copy of the picture round a polygon, with a margin of half its lesser side; the whole without a polygon."""
    height, width = picture.shape[:2]
    left, top, right, bottom = (0.0, 0.0, float(width), float(height)) if polygon is None else bounds(polygon)
    margin = 0.0 if polygon is None else max(4.0, 0.5 * min(right - left, bottom - top))
    x0, y0 = (int(np.clip(v - margin, 0, end - 1)) for v, end in ((left, width), (top, height)))
    x1, y1 = (int(np.clip(v + margin, start + 1, end)) for v, start, end in ((right, x0, width), (bottom, y0, height)))
    part = picture[y0:y1, x0:x1]
    scale = min(1.0, MAX_WIDTH_PX / part.shape[1], MAX_HEIGHT_PX / part.shape[0])
    if scale == 1.0:
        return part.copy()
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def collect_page_mistakes(
    worst: WorstMistakes,
    picture: Image,
    name: str,
    truth: Sequence[TextInstance],
    polygons: Sequence[Polygon],
    texts: Sequence[str],
    confidences: Sequence[float],
    *,
    rule: TextRule,
    iou: float,
) -> None:
    """Adds a page's mistakes.

    A word that was read right within a larger or smaller box (a line for its words, say) is not shown as missed, nor
    what was read there as invented.
    """
    ignored = [instance.ignore for instance in truth]
    matches = match_polygons([instance.polygon for instance in truth], ignored, polygons, iou)
    matched_truth = {a for a, _, _ in matches.pairs}
    matched_predictions = {b for _, b, _ in matches.pairs}
    for a, b, _ in matches.pairs:
        if not rule.equal(truth[a].text, texts[b]):
            mistake = blank_mistake(name, truth[a].text, texts[b], confidences[b])
            worst.add(picture, truth[a].polygon, mistake, confidences[b])
    read_words = {word for text in texts for word in rule.words(text)}
    true_words = {word for instance in truth for word in rule.words(instance.text)}
    for a, instance in enumerate(truth):
        if a not in matched_truth and not instance.ignore and not set(rule.words(instance.text)) <= read_words:
            _, top, _, bottom = bounds(instance.polygon)
            worst.add(picture, instance.polygon, blank_mistake(name, instance.text, "", None, "missed"), bottom - top)
    for b, text in enumerate(texts):
        if b not in matched_predictions and not matches.forgiven[b] and not set(rule.words(text)) <= true_words:
            worst.add(picture, polygons[b], blank_mistake(name, "", text, confidences[b], "invented"), confidences[b])
