"""How well texts were read: exact match, caseless letters-and-digits match, character error rate, confusions."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from rapidfuzz.distance import Levenshtein

from ocrsmith.evaluation.counts import add_counts, share


@dataclass(frozen=True)
class TextRule:
    """When two texts count as equal: what each becomes before they are compared.

    Args:
        name: how the rule is called in tables.
        fold_case: lower-case first.
        keep: after folding, every other character is dropped; None keeps all.
        replace: (from, to) pairs of single characters, applied after `keep`: ("o", "0") where both look alike.
        strip: outer white space is dropped.
    """

    name: str
    fold_case: bool = False
    keep: str | None = None
    replace: tuple[tuple[str, str], ...] = ()
    strip: bool = True

    def __call__(self, text: str) -> str:
        """What `text` becomes under the rule."""
        if self.fold_case:
            text = text.lower()
        if self.keep is not None:
            text = "".join(character for character in text if character in self.keep)
        if self.replace:
            text = text.translate({ord(before): after for before, after in self.replace})
        return text.strip() if self.strip else text

    def equal(self, truth: str, prediction: str) -> bool:
        """Whether both become the same text."""
        return self(truth) == self(prediction)

    def words(self, text: str) -> list[str]:
        """The words between white space, each under the rule, those that become empty left out."""
        return [word for word in map(self, text.split()) if word]


EXACT = TextRule("exact")
# The protocol of the six word sets since Shi et al., CRNN (TPAMI 39(11), 2017, section 3.2): lower case, [0-9a-z] only.
LETTERS_AND_DIGITS = TextRule(
    "caseless letters and digits", fold_case=True, keep=string.digits + string.ascii_lowercase
)
DIGITS = TextRule("digits only", keep=string.digits)
# O and 0, I and 1 look alike on number plates, and the labels of public plate sets mix them.
PLATES = TextRule(
    "plates (O as 0, I as 1)",
    fold_case=True,
    keep=string.digits + string.ascii_lowercase,
    replace=(("o", "0"), ("i", "1")),
)
TEXT_RULES = {"exact": EXACT, "letters_and_digits": LETTERS_AND_DIGITS, "digits": DIGITS, "plates": PLATES}


@dataclass(frozen=True)
class TextCounts:
    """Sums over (truth, prediction) pairs; parts add up to the whole.

    Exact match strips outer white space. Character error rate is the Levenshtein distance of the texts as they are,
    summed, over the truth's characters, summed, so that a long text weighs more than a short one; it may pass 1.
    `confusions` counts (truth character, predicted character) of one shortest alignment: "" on the left is a character
    too many, on the right one that was missed.

    No texts give accuracy 0.0 and error rate 1.0: nothing measured is never taken for good.
    """

    num_texts: int = 0
    num_exact: int = 0
    num_caseless: int = 0
    num_equal: int = 0  # under `rule`
    num_edits: int = 0
    num_characters: int = 0
    confusions: dict[tuple[str, str], int] = field(default_factory=dict, hash=False)
    rule: TextRule = LETTERS_AND_DIGITS

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[str, str]], rule: TextRule = LETTERS_AND_DIGITS) -> TextCounts:
        """Counts (truth, prediction) pairs; `rule` is a third comparison beside exact and caseless."""
        texts = exact = caseless = equal = edits = characters = 0
        confusions: Counter[tuple[str, str]] = Counter()
        for truth, prediction in pairs:
            texts += 1
            exact += EXACT.equal(truth, prediction)
            caseless += LETTERS_AND_DIGITS.equal(truth, prediction)
            equal += rule.equal(truth, prediction)
            characters += len(truth)
            if truth != prediction:
                pieces = _confusions(truth, prediction)
                edits += len(pieces)
                confusions.update(pieces)
        return cls(texts, exact, caseless, equal, edits, characters, dict(confusions), rule)

    def __add__(self, other: TextCounts) -> TextCounts:
        return add_counts(self, other, same=("rule",))

    @property
    def exact_accuracy(self) -> float:
        """Share of texts that are equal but for outer white space."""
        return share(self.num_exact, self.num_texts)

    @property
    def caseless_accuracy(self) -> float:
        """Share of texts whose lower-cased letters and digits are equal: the six-set protocol."""
        return share(self.num_caseless, self.num_texts)

    @property
    def accuracy(self) -> float:
        """Share of texts that are equal under `rule`."""
        return share(self.num_equal, self.num_texts)

    @property
    def character_error_rate(self) -> float:
        """Edits a character of truth; 1.0 without texts, and the edits themselves where all truths are empty."""
        if not self.num_texts:
            return 1.0
        return self.num_edits / max(self.num_characters, 1)

    def worst_confusions(self, most: int = 20) -> list[tuple[str, str, int]]:
        """(truth character, predicted character, times), the most frequent first, ties in the characters' order."""
        ranked = sorted(self.confusions.items(), key=lambda item: (-item[1], item[0]))
        return [(truth, predicted, times) for (truth, predicted), times in ranked[:most]]


def _confusions(truth: str, prediction: str) -> list[tuple[str, str]]:
    """One entry an edit, so that their number is the Levenshtein distance."""
    return [
        (
            truth[edit.src_pos] if edit.tag != "insert" else "",
            prediction[edit.dest_pos] if edit.tag != "delete" else "",
        )
        for edit in Levenshtein.editops(truth, prediction)
    ]
