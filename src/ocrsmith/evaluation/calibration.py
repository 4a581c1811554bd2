"""How far confidences can be believed: reliability in bins, the calibration error, and what sets confidences right."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from ocrsmith.data.formats import LabelledPicture
from ocrsmith.errors import InputError
from ocrsmith.evaluation.boxes import match_polygons
from ocrsmith.evaluation.counts import add_counts, share, wilson_interval
from ocrsmith.evaluation.curves import Curve
from ocrsmith.evaluation.text import TextRule
from ocrsmith.reading.calibration import Calibration, Platt, log_odds
from ocrsmith.reading.reader import Reader
from ocrsmith.samples import Image

NUM_BINS = 20
# Confidences that say nothing, or the contrary, still keep their order.
LEAST_SLOPE = 0.05
# Fewer say too little of how sure a reader may be.
LEAST_WORDS = 100


@dataclass(frozen=True)
class Bin:
    """One bin of a reliability curve: how sure its words were said to be, how many are right, and their number."""

    low: float
    high: float
    confidence: float
    right: float
    num: int


@dataclass(frozen=True)
class CalibrationCounts:
    """Sums over (confidence, right or not) in `NUM_BINS` equal bins; parts add up to the whole.

    The expected calibration error is the bins' distances between mean confidence and share right, each weighed by its
    number (Naeini et al., AAAI 2015; Guo et al., ICML 2017, eq. 3). Nothing counted gives 1.0.
    """

    num: dict[int, int] = field(default_factory=dict, hash=False)
    num_right: dict[int, int] = field(default_factory=dict, hash=False)
    confidence: dict[int, float] = field(default_factory=dict, hash=False)

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[float, bool]]) -> CalibrationCounts:
        """Counts (confidence in 0 to 1, whether it was right)."""
        num: Counter[int] = Counter()
        right: Counter[int] = Counter()
        total: defaultdict[int, float] = defaultdict(float)
        for confidence, is_right in pairs:
            place = min(int(confidence * NUM_BINS), NUM_BINS - 1)
            num[place] += 1
            right[place] += bool(is_right)
            total[place] += confidence
        return cls(dict(num), dict(right), dict(total))

    def __add__(self, other: CalibrationCounts) -> CalibrationCounts:
        return add_counts(self, other)

    @property
    def num_counted(self) -> int:
        """Words counted."""
        return sum(self.num.values())

    @property
    def expected_error(self) -> float:
        """The expected calibration error; 1.0 where nothing was counted."""
        if not self.num_counted:
            return 1.0
        return sum(abs(self.confidence[place] - self.num_right[place]) for place in self.num) / self.num_counted

    def bins(self) -> list[Bin]:
        """The bins that hold something, the least sure first."""
        return [
            Bin(
                place / NUM_BINS,
                (place + 1) / NUM_BINS,
                self.confidence[place] / count,
                share(self.num_right[place], count),
                count,
            )
            for place, count in sorted(self.num.items())
        ]

    def curve(self, title: str = "How far confidences can be believed") -> Curve:
        """The reliability curve beside the diagonal that it should lie on; bins of fewer than five are left out."""
        points = tuple((b.confidence, b.right) for b in self.bins() if b.num >= 5)
        return Curve(title, {"share right": points, "as said": ((0.0, 0.0), (1.0, 1.0))}, "confidence")

    def rows(self) -> list[tuple[str, str, str, str]]:
        """For a table: confidence from and to, mean confidence, share right with its 95 % interval, number."""
        return [
            (
                f"{b.low:.2f} to {b.high:.2f}",
                f"{b.confidence:.3f}",
                "{:.3f} ({:.2f} to {:.2f})".format(b.right, *wilson_interval(self.num_right[place], b.num)),
                f"{b.num:,}",
            )
            for place, b in zip(sorted(self.num), self.bins())
        ]


def word_outcomes(
    truth_texts: Iterable[str],
    words: Iterable[tuple[str, float]],
    ignored_texts: Iterable[str] = (),
    *,
    rule: TextRule,
) -> list[tuple[float, bool]]:
    """(confidence, right) of a page's words by the bag of its true words: boxes are not compared.

    A word that is read once too often is wrong where it is least sure, and left out where an ignored truth holds it;
    words that are empty under `rule` are left out.
    """
    wanted = Counter(word for text in truth_texts for word in rule.words(text))
    forgiven = Counter(word for text in ignored_texts for word in rule.words(text))
    found: list[tuple[float, bool]] = []
    for text, confidence in sorted(words, key=lambda word: -word[1]):
        read = rule(text)
        if not read:
            continue
        if wanted[read] > 0:
            wanted[read] -= 1
            found.append((confidence, True))
        elif forgiven[read] > 0:
            forgiven[read] -= 1
        else:
            found.append((confidence, False))
    return found


def character_outcomes(
    truth: str, characters: Iterable[tuple[str, float]], *, rule: TextRule
) -> list[tuple[float, bool]]:
    """(confidence, right) of a text's characters, by one shortest alignment with the truth.

    Characters that `rule` drops are left out; one that is missed is nobody's mistake here.
    """
    kept = [(rule(character), confidence) for character, confidence in characters if rule(character)]
    text = "".join(character for character, _ in kept)
    owner = [index for index, (character, _) in enumerate(kept) for _ in character]
    steps = Levenshtein.editops(rule(truth), text)
    wrong = {owner[step.dest_pos] for step in steps if step.tag in ("insert", "replace")}
    return [(confidence, index not in wrong) for index, (_, confidence) in enumerate(kept)]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """(confidence, right) of words and of characters; parts add up to the whole."""

    words: tuple[tuple[float, bool], ...] = ()
    characters: tuple[tuple[float, bool], ...] = ()

    def __add__(self, other: Outcomes) -> Outcomes:
        return Outcomes(self.words + other.words, self.characters + other.characters)

    def calibration(self) -> Calibration:
        """The calibration under which they are likeliest."""
        return Calibration(fit_platt(self.words), fit_platt(self.characters))

    def under(self, calibration: Calibration) -> CalibrationCounts:
        """The words counted with their confidences set right."""
        sure = calibration.word([confidence for confidence, _ in self.words]).tolist()
        return CalibrationCounts.from_pairs((c, right) for c, (_, right) in zip(sure, self.words, strict=True))


@dataclass(frozen=True, eq=False)
class FittedCalibration:
    """A calibration fitted on everything, and what a fit on one half brought on the other half's words."""

    calibration: Calibration
    before: CalibrationCounts
    after: CalibrationCounts
    num_words: int
    num_characters: int

    def about(self, fitted_on: Sequence[str]) -> dict[str, Any]:
        """What a bundle's card says of it."""
        before, after = self.before.expected_error, self.after.expected_error
        return {
            "fitted_on": list(fitted_on),
            "words": self.num_words,
            "characters": self.num_characters,
            "held_out_error": {"words": self.after.num_counted, "before": before, "after": after},
        }


def fit_halves(halves: Sequence[Outcomes], current: Calibration) -> FittedCalibration:
    """Fits the outcomes of both halves; the first half's fit is compared with `current` on the second.

    Raises:
        InputError: fewer than `LEAST_WORDS` words.
    """
    first, second = halves
    whole = first + second
    if len(whole.words) < LEAST_WORDS:
        raise InputError(
            f"{len(whole.words)} words were read, and at least {LEAST_WORDS} are needed. Give more labelled pictures."
        )
    before, after = second.under(current), second.under(first.calibration())
    return FittedCalibration(whole.calibration(), before, after, len(whole.words), len(whole.characters))


def crop_outcomes(reader: Reader, image: Image, truth: str, rule: TextRule) -> Outcomes:
    """Reads one crop: its text counts as a word."""
    (read,) = reader.recognize([image])
    characters = [(character.text, character.confidence) for character in read.characters]
    words = ((read.confidence, rule.equal(truth, read.text)),) if read.text else ()
    return Outcomes(words, tuple(character_outcomes(truth, characters, rule=rule)))


def picture_outcomes(
    reader: Reader, entry: LabelledPicture, kind: Literal["pages", "crops"], rule: TextRule
) -> Outcomes:
    """Reads one labelled picture. A page's words count by the bag of its words, its characters where boxes match.

    Raises:
        InputError, EngineError: the picture cannot be read.
    """
    if kind == "crops":
        return crop_outcomes(reader, entry.image(), entry.text or "", rule)
    found, truths = reader.read(entry.image()).words, entry.instances
    wanted = [truth.text for truth in truths if not truth.ignore]
    ignored = [truth.text for truth in truths if truth.ignore]
    said = [(word.text, word.confidence) for word in found]
    matches = match_polygons([t.polygon for t in truths], [t.ignore for t in truths], [w.polygon for w in found])
    by_box = (
        character_outcomes(truths[a].text, [(c.text, c.confidence) for c in found[b].characters], rule=rule)
        for a, b, _ in matches.pairs
    )
    return Outcomes(tuple(word_outcomes(wanted, said, ignored, rule=rule)), tuple(chain.from_iterable(by_box)))


def fit_platt(pairs: Sequence[tuple[float, bool]], *, steps: int = 100) -> Platt:
    """The slope and offset under which the outcomes are likeliest, by damped Newton steps.

    Platt's own targets are taken instead of 0 and 1 (Platt 1999, section 2.2), and the slope is drawn a little towards
    1, so that a set without a mistake has an answer too; fewer than 20 outcomes change nothing.
    """
    if len(pairs) < 20:
        return Platt()
    odds = log_odds([confidence for confidence, _ in pairs])
    right = np.array([is_right for _, is_right in pairs], bool)
    num_right = int(right.sum())
    target = np.where(right, (num_right + 1) / (num_right + 2), 1 / (len(right) - num_right + 2))
    design = np.stack([odds, np.ones_like(odds)], axis=1)
    start = np.array([1.0, 0.0])

    def loss(weights: np.ndarray) -> float:
        scores = design @ weights
        return float((np.logaddexp(0, scores) - target * scores).sum() + ((weights - start) ** 2).sum() / 2)

    weights = start
    for _ in range(steps):
        sure = 1 / (1 + np.exp(-(design @ weights)))
        gradient = design.T @ (sure - target) + (weights - start)
        curvature = (design * (sure * (1 - sure))[:, None]).T @ design + np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        while loss(weights - step) > loss(weights) and np.abs(step).max() > 1e-9:
            step = step / 2
        weights = weights - step
        if np.abs(step).max() < 1e-7:
            break
    if weights[0] >= LEAST_SLOPE:
        return Platt(float(weights[0]), float(weights[1]))
    return Platt(LEAST_SLOPE, _offset(LEAST_SLOPE * odds, float(target.mean())))


def _offset(scores: NDArray[np.float64], share_right: float) -> float:
    """What brings the mean of confidences to a share, by bisection."""
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        too_low = (1 / (1 + np.exp(-(scores + middle)))).mean() < share_right
        low, high = (middle, high) if too_low else (low, middle)
    return low
