"""What measuring a folder came to: sums, and the figures that are taken from them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ocrsmith.evaluation.boxes import BoxCounts
from ocrsmith.evaluation.calibration import CalibrationCounts
from ocrsmith.evaluation.end_to_end import BagOfWordsCounts, EndToEndCounts
from ocrsmith.evaluation.mistakes import Mistake
from ocrsmith.evaluation.text import EXACT, LETTERS_AND_DIGITS, TextCounts


@dataclass(frozen=True)
class Failure:
    """A picture that could not be read, and why; it is in none of the scores."""

    name: str
    reason: str


@dataclass(frozen=True)
class Score:
    """One figure of a table. `num_counted` is what it was taken over: texts, words or boxes."""

    measure: str
    value: float
    num_counted: int
    higher_is_better: bool = True
    is_share: bool = True  # a share of num_counted: a percentage with an interval


@dataclass(frozen=True, eq=False)
class EvaluationResult:
    """The sums of one folder; `scores()` takes the means.

    `complete`: all text of the pictures is labelled. Otherwise what is found beside the labels may be right, and recall
    is all that `scores()` gives of pages.
    """

    name: str
    kind: Literal["pages", "crops"]
    num_pictures: int = 0  # that were read
    seconds: float = 0.0  # in the reader alone, pictures decoded before
    text: TextCounts | None = None
    boxes: BoxCounts | None = None
    bag_of_words: BagOfWordsCounts | None = None
    end_to_end: EndToEndCounts | None = None
    confidence: CalibrationCounts = field(default_factory=CalibrationCounts)
    mistakes: tuple[Mistake, ...] = ()
    mistake_counts: dict[str, int] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    complete: bool = True

    @property
    def seconds_per_picture(self) -> float:
        """Mean time in the reader; 0.0 where nothing was read."""
        return self.seconds / self.num_pictures if self.num_pictures else 0.0

    def scores(self) -> list[Score]:
        """Every figure with its count, the most telling first."""
        found: list[Score] = []
        if self.text is not None:
            text = self.text
            if text.rule != LETTERS_AND_DIGITS:
                found.append(Score(text.rule.name, text.accuracy, text.num_texts))
            found.append(Score(LETTERS_AND_DIGITS.name, text.caseless_accuracy, text.num_texts))
            if text.rule != EXACT:
                found.append(Score(EXACT.name, text.exact_accuracy, text.num_texts))
            error_rate = text.character_error_rate
            found.append(Score("character error rate", error_rate, text.num_characters, False, False))
        return [*found, *(self._page_scores() if self.complete else self._recalls())]

    def _page_scores(self) -> list[Score]:
        found: list[Score] = []
        if self.bag_of_words is not None:
            words = self.bag_of_words
            found.append(Score("words F", words.f_score, words.num_truth, is_share=False))
            found.append(Score("words recall", words.recall, words.num_truth))
            found.append(Score("words precision", words.precision, words.num_predicted))
        for name, counts in (("boxes F", self.boxes), ("end to end F", self.end_to_end)):
            if counts is not None:
                found.append(Score(name, counts.f_score, counts.num_truth, is_share=False))
        if self.boxes is not None and self.bag_of_words is None:
            # A detector alone.
            found.append(Score("boxes recall", self.boxes.recall, self.boxes.num_truth))
            found.append(Score("boxes precision", self.boxes.precision, self.boxes.num_predicted))
        return found

    def _recalls(self) -> list[Score]:
        parts = {"words": self.bag_of_words, "boxes": self.boxes, "end to end": self.end_to_end}
        return [
            Score(f"{name} recall", counts.recall, counts.num_truth)
            for name, counts in parts.items()
            if counts is not None
        ]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able form, the pictures of the mistakes left out."""
        return {
            "name": self.name,
            "kind": self.kind,
            "num_pictures": self.num_pictures,
            "seconds_per_picture": self.seconds_per_picture,
            "scores": [{"measure": s.measure, "value": s.value, "num_counted": s.num_counted} for s in self.scores()],
            "calibration_error": self.confidence.expected_error,
            "reliability": [asdict(part) for part in self.confidence.bins()],
            "failures": [{"name": f.name, "reason": f.reason} for f in self.failures],
            "mistakes": [
                {
                    "name": m.name,
                    "kind": m.kind,
                    "truth": m.truth,
                    "prediction": m.prediction,
                    "confidence": m.confidence,
                }
                for m in self.mistakes
            ],
        }
