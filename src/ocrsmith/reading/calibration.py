"""Confidences that mean what they say: of the words said to be 90 % sure about 90 % are right.

A network's own probabilities are surer than they should be (Guo et al., "On Calibration of Modern Neural Networks",
ICML 2017). Platt's scaling sets them right: a slope and an offset on the log odds ("Probabilistic Outputs for Support
Vector Machines", 1999), one pair for words and one for characters, fitted by `ocrsmith.evaluation.calibration` and kept
in the bundle. Both rise, so that no two texts change places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ocrsmith.reading.characters import Later, WordCharacters
from ocrsmith.reading.page import ReadCharacter, Recognized, Word

# Beyond this a float32 softmax tells nothing more.
_LEAST = 1e-4


def log_odds(confidences: ArrayLike) -> NDArray[np.float64]:
    """ln(p / (1 - p)), p held off 0 and 1."""
    held = np.clip(np.asarray(confidences, np.float64), _LEAST, 1 - _LEAST)
    return np.log(held / (1 - held))


@dataclass(frozen=True)
class Platt:
    """confidence -> 1 / (1 + e^-(slope * log odds + offset)); slope 1 and offset 0 change nothing."""

    slope: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not (self.slope > 0 and np.isfinite([self.slope, self.offset]).all()):
            raise ValueError(f"A calibration's slope must be above 0 and its offset a number; {self} came.")

    def __call__(self, confidences: ArrayLike) -> NDArray[np.float64]:
        """Confidences of any shape; what was 0 stays 0, since nothing was read there."""
        raw = np.asarray(confidences, np.float64)
        if self == Platt():
            return raw
        return np.where(raw > 0, 1 / (1 + np.exp(-(self.slope * log_odds(raw) + self.offset))), 0.0)


@dataclass(frozen=True)
class Calibration:
    """What becomes of the confidences of words and of characters."""

    word: Platt = Platt()
    character: Platt = Platt()

    def of_words(self, words: Sequence[Word]) -> list[Word]:
        """A page's words with their confidences set right at once, and their characters' when they are asked for."""
        sure = self.word([word.confidence for word in words]).tolist()
        rows = Later(partial(self._characters, [word.characters for word in words]))
        return [
            Word(word.text, word.polygon, confidence, WordCharacters(rows, index, len(word.characters)))
            for index, (word, confidence) in enumerate(zip(words, sure))
        ]

    def _characters(self, rows: Sequence[Sequence[ReadCharacter]]) -> list[tuple[ReadCharacter, ...]]:
        given = [tuple(row) for row in rows]
        sure = iter(self.character([c.confidence for row in given for c in row]).tolist())
        return [tuple(ReadCharacter(c.text, c.quad, next(sure)) for c in row) for row in given]

    def of_crop(self, text: Recognized) -> Recognized:
        """A crop's text with its confidences set right; the whole text counts as a word."""
        sure = self.character([character.confidence for character in text.characters])
        characters = tuple(replace(c, confidence=float(value)) for c, value in zip(text.characters, sure))
        return replace(text, confidence=float(self.word(text.confidence)), characters=characters)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able form; `from_dict` reads it back."""
        return {
            name: {"slope": round(platt.slope, 5), "offset": round(platt.offset, 5)}
            for name, platt in (("word", self.word), ("character", self.character))
        }

    @classmethod
    def from_dict(cls, form: Mapping[str, Any]) -> Calibration:
        """Reads what `to_dict` wrote; KeyError, TypeError or ValueError where it is not that."""
        return cls(Platt(**form["word"]), Platt(**form["character"]))
