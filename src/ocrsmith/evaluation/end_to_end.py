"""How well a whole page was read: boxes with their texts, and the bag of its words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from ocrsmith.evaluation.boxes import match_polygons
from ocrsmith.evaluation.counts import MatchCounts, add_counts
from ocrsmith.evaluation.text import LETTERS_AND_DIGITS, TextRule


@dataclass(frozen=True)
class EndToEndCounts(MatchCounts):
    """Sums of words found and read: a pair counts where `match_polygons` matches it and `rule` finds its texts equal.

    The protocol is that of ICDAR 2015 challenge 4, task 4, without a lexicon: boxes are matched by IoU alone, then the
    texts of each pair are compared.
    """

    rule: TextRule = LETTERS_AND_DIGITS
    iou_threshold: float = 0.5

    @classmethod
    def from_page(
        cls,
        truth: Sequence[ArrayLike],
        truth_texts: Sequence[str],
        ignored: Sequence[bool],
        predicted: Sequence[ArrayLike],
        predicted_texts: Sequence[str],
        *,
        rule: TextRule = LETTERS_AND_DIGITS,
        iou: float = 0.5,
    ) -> EndToEndCounts:
        """Counts one page; raises ValueError where polygons and texts differ in number."""
        if len(truth) != len(truth_texts) or len(predicted) != len(predicted_texts):
            raise ValueError(
                f"{len(truth)} truths came with {len(truth_texts)} texts and {len(predicted)} predictions with "
                f"{len(predicted_texts)}. Give one text a polygon."
            )
        matches = match_polygons(truth, ignored, predicted, iou)
        return cls(
            num_matched=sum(rule.equal(truth_texts[a], predicted_texts[b]) for a, b, _ in matches.pairs),
            num_truth=len(truth) - sum(map(bool, ignored)),
            num_predicted=len(predicted) - int(matches.forgiven.sum()),
            num_pictures=1,
            rule=rule,
            iou_threshold=iou,
        )

    def __add__(self, other: EndToEndCounts) -> EndToEndCounts:
        return add_counts(self, other, same=("rule", "iou_threshold"))


@dataclass(frozen=True)
class BagOfWordsCounts(MatchCounts):
    """Sums of the words of each page as a multiset, wherever they stand: fair to engines that return words or lines.

    Texts are split at white space and every word goes through `rule`. A predicted word too many is forgiven where an
    ignored truth holds it.
    """

    rule: TextRule = LETTERS_AND_DIGITS

    @classmethod
    def from_page(
        cls,
        truth_texts: Iterable[str],
        predicted_texts: Iterable[str],
        ignored_texts: Iterable[str] = (),
        *,
        rule: TextRule = LETTERS_AND_DIGITS,
    ) -> BagOfWordsCounts:
        """Counts one page from its texts, words or lines."""
        truth = Counter(word for text in truth_texts for word in rule.words(text))
        predicted = Counter(word for text in predicted_texts for word in rule.words(text))
        ignored = Counter(word for text in ignored_texts for word in rule.words(text))
        forgiven = (predicted - truth) & ignored
        return cls(
            num_matched=(truth & predicted).total(),
            num_truth=truth.total(),
            num_predicted=predicted.total() - forgiven.total(),
            num_pictures=1,
            rule=rule,
        )

    def __add__(self, other: BagOfWordsCounts) -> BagOfWordsCounts:
        return add_counts(self, other, same=("rule",))
