"""Words of a frequency list: alone, several together, and sentence-like, in several cases."""

from __future__ import annotations

import bz2
import gzip
import lzma
import math
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import InputError, RecipeError, SynthesisError
from ocrsmith.settings import package_assets_dir
from ocrsmith.splits import Split, select_split
from ocrsmith.synth.choices import Choice, Rng, pick, running_weights
from ocrsmith.synth.texts import MAX_LENGTH, Coverage, check_lengths

_OPENERS: dict[str, Callable[[Path, str], Any]] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
# Frequencies of words fall so steeply (Zipf) that a tenth of the list would be all that is ever seen. A power below
# one keeps the order and lets the tail be seen.
_TEMPER = 0.4
_CASES = Choice(("as it is", "Capitalised", "UPPER", "lower"), (5, 3, 2, 1))
_MIDDLES = Choice(("", ",", ";", ":", " -", " &"), (12, 4, 1, 1, 1, 1))
_ENDS = Choice((".", "!", "?", "...", ":", ""), (6, 2, 2, 1, 1, 2))
_WRAPS = Choice((("", ""), ('"', '"'), ("(", ")"), ("'", "'"), ("[", "]"), ("“", "”")), (20, 2, 2, 1, 0.5, 1))


class DictionaryText:
    """Words with frequencies, filtered by what the alphabet covers and split by hash of the word.

    Args:
        words: the list; a word counts as covered if it is so as written, Capitalised or in UPPER case.
        frequencies: one a word, any scale; None for even ones.
        alphabet, split: which characters may be written, and which part of the list.
        min_length, max_length: characters of a text.
        single, several, sentence: weights of a word alone, of words with spaces, of words with punctuation. The two
            latter need a space in the alphabet.
        keep_case: write words as they stand in the list, always.

    Raises:
        SynthesisError: no word is left.
    """

    def __init__(
        self,
        words: Sequence[str],
        frequencies: Sequence[float] | None,
        alphabet: Alphabet,
        split: Split = "train",
        *,
        min_length: int = 1,
        max_length: int = MAX_LENGTH,
        single: float = 0.6,
        several: float = 0.25,
        sentence: float = 0.15,
        keep_case: bool = False,
    ) -> None:
        check_lengths(min_length, max_length, "DictionaryText")
        if frequencies is not None and len(frequencies) != len(words):
            raise RecipeError(f"{len(words)} words came with {len(frequencies)} frequencies. One a word is expected.")
        self._covers, self._min, self._max = Coverage(alphabet), min_length, max_length
        self._keep_case = keep_case
        weights = [1.0] * len(words) if frequencies is None else frequencies
        fitting = [(w, f) for w, f in zip(words, weights, strict=True) if w and len(w) <= max_length and self._cased(w)]
        chosen = select_split(fitting, split, lambda pair: pair[0].casefold())
        spaced = " " in alphabet
        if not spaced or (single > 0 and several <= 0 and sentence <= 0):
            chosen = [pair for pair in chosen if len(pair[0]) >= min_length]
        if not chosen:
            raise SynthesisError(
                f"Of {len(words)} words none of {min_length} to {max_length} characters is left in the alphabet. "
                "Widen the lengths or the alphabet, or choose random text or a pattern."
            )
        self.words = tuple(w for w, _ in chosen)
        self._cumulative = running_weights([max(float(f), 0.0) ** _TEMPER for _, f in chosen], "A word list")
        several, sentence = (several, sentence) if spaced else (0.0, 0.0)
        self._style = Choice(("single", "several", "sentence"), (max(single, 0 if spaced else 1), several, sentence))

    def _cased(self, word: str) -> list[str]:
        """The word's spellings that the alphabet covers, as written first."""
        if self._keep_case:
            return [word] if self._covers(word) else []
        return [w for w in (word, word[:1].upper() + word[1:], word.upper(), word.lower()) if self._covers(w)]

    def _word(self, rng: Rng, case: str) -> str:
        word = self.words[pick(self._cumulative, rng)]
        if not self._keep_case:
            wanted = {
                "as it is": word,
                "Capitalised": word[:1].upper() + word[1:],
                "UPPER": word.upper(),
                "lower": word.lower(),
            }[case]
            if self._covers(wanted):
                return wanted
        return self._cased(word)[0]

    def sample(self, rng: Rng) -> str:
        """A text; one that came too short is drawn again, and the longest is given where none is long enough."""
        best = ""
        for _ in range(20):
            style, case = self._style.sample(rng), _CASES.sample(rng)
            if style == "single":
                text = self._word(rng, case)
            else:
                text = self._words(rng, case, punctuated=style == "sentence")
            text = unicodedata.normalize("NFC", text)
            if self._min <= len(text) <= self._max:
                return text
            if len(best) < len(text) <= self._max:
                best = text
        return best or self._cased(self.words[0])[0]

    def _words(self, rng: Rng, case: str, *, punctuated: bool) -> str:
        """As many words as fit a length drawn evenly."""
        wanted = int(rng.integers(max(2, self._min), max(self._max, 2) + 1))
        first_case, rest_case = (case, case) if case != "Capitalised" or rng.random() < 0.5 else (case, "as it is")
        text = self._word(rng, first_case)
        for _ in range(self._max):
            gap = " "
            if punctuated:
                middle = _MIDDLES.sample(rng)
                gap = middle + " " if self._covers(middle) else " "
            word = self._word(rng, rest_case)
            length = len(text) + len(gap) + len(word)
            if length > wanted and len(text) >= self._min:
                break
            if length <= self._max:
                text += gap + word
        if punctuated:
            for before, after in (("", _ENDS.sample(rng)), _WRAPS.sample(rng)):
                if len(before + text + after) <= self._max and self._covers(before + after):
                    text = before + text + after
        return text


def read_words(path: Path) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Words and frequencies of a file of `word<TAB>frequency` lines (the frequency 1 where it is left out).

    Plain or packed (.gz, .xz, .bz2), UTF-8. Raises InputError where it is absent, damaged or does not parse.
    """
    words: list[str] = []
    frequencies: list[float] = []
    opener = _OPENERS.get(path.suffix, open)
    try:
        with opener(path, "rb") as packed:
            lines = packed.read().decode("utf-8").split("\n")
        for number, line in enumerate(lines, 1):
            word, _, frequency = line.rstrip("\r").partition("\t")
            if not word.strip():
                continue
            value = float(frequency) if frequency else 1.0
            if not math.isfinite(value):
                raise ValueError(f"line {number} has the frequency {frequency}")
            words.append(unicodedata.normalize("NFC", word.strip()))
            frequencies.append(value)
    except (OSError, EOFError, lzma.LZMAError, ValueError) as error:
        raise InputError(
            f"The word list {path} cannot be read ({error}). UTF-8 lines of word<TAB>frequency are expected."
        ) from None
    return tuple(words), tuple(frequencies)


@lru_cache(maxsize=4)
def packaged_words(name: str = "english") -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Words and frequencies of a list that ships with the package; raises InputError naming those that there are."""
    folder = package_assets_dir() / "words"
    lists = sorted(folder.glob("*")) if folder.is_dir() else []
    named = {path.name.split(".")[0]: path for path in _data_files(lists)}
    if name not in named:
        raise InputError(
            f"No word list {name!r} is in the package; there are {sorted(named)}. Name one, or give a file."
        )
    return read_words(named[name])


def _data_files(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if ".tsv" in path.suffixes or ".txt" in path.suffixes]
