"""Text generators, the general ones; `synth.corpus` has them all.

Each yields text that the alphabet covers, never empty, at most `max_length` long.

No text starts or ends with a space or holds two in a row, since a picture cannot show them. All randomness comes from
the generator passed to `sample`.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import InputError, RecipeError, SynthesisError
from ocrsmith.splits import Split, select_split
from ocrsmith.synth.choices import OneOf, Rng, pick, running_weights
from ocrsmith.synth.patterns import parse_pattern

MAX_LENGTH = 24
_REDRAWS = 100


class TextGenerator(Protocol):
    """Anything that yields texts."""

    def sample(self, rng: Rng) -> str:
        """A text, drawn from `rng` alone."""
        ...


class Coverage:
    """Whether an alphabet covers a text, answered by one set operation where it can be."""

    def __init__(self, alphabet: Alphabet) -> None:
        self.alphabet = alphabet
        singles = {c for entry in alphabet.characters for c in (entry, entry.lower(), entry.upper()) if len(c) == 1}
        self.singles = frozenset(c for c in singles if alphabet.covers(c))

    def __call__(self, text: str) -> bool:
        return self.singles.issuperset(text) or self.alphabet.covers(text)


def is_tidy(text: str) -> bool:
    """Whether a picture can show the text's spaces: none at its ends, no two in a row, no tabs or line breaks."""
    return bool(text) and " ".join(text.split()) == text


class RandomText:
    """Random characters, the rare ones as often as the common ones; spaces, where the alphabet has one, only inside.

    Args:
        alphabet: every character is drawn evenly; where the case policy folds, both cases are.
        min_length, max_length: characters, drawn evenly between.
        space_share: how often a character inside is a space.
        characters: those of the alphabet that are drawn; all where None.

    Raises:
        RecipeError: lengths or characters that leave nothing to draw.
    """

    def __init__(
        self,
        alphabet: Alphabet,
        min_length: int = 1,
        max_length: int = 12,
        *,
        space_share: float = 0.08,
        characters: str | None = None,
    ) -> None:
        check_lengths(min_length, max_length, "RandomText")
        entries = [c for entry in alphabet.characters for c in dict.fromkeys((entry, entry.lower(), entry.upper()))]
        self._characters = [c for c in dict.fromkeys(entries) if not c.isspace() and alphabet.covers(c)]
        if characters is not None:
            self._characters = [c for c in self._characters if c in characters]
        if not self._characters:
            raise RecipeError("Random text was asked of no characters but spaces. Give it some that the alphabet has.")
        self._min, self._max = min_length, max_length
        self._space_share = space_share if " " in alphabet else 0.0

    def sample(self, rng: Rng) -> str:
        """A text of an even length."""
        length = int(rng.integers(self._min, self._max + 1))
        drawn = [self._characters[i] for i in rng.integers(0, len(self._characters), length)]
        if self._space_share:
            spaces = rng.random(length) < self._space_share
            for i in range(1, length - 1):
                if spaces[i] and not spaces[i - 1]:
                    drawn[i] = " "
        text = unicodedata.normalize("NFC", "".join(drawn))
        # Entries of several code points may overrun; a combining mark must not lose its letter, so cut by entries.
        while len(text) > self._max and len(drawn) > 1:
            drawn.pop()
            text = unicodedata.normalize("NFC", "".join(drawn)).rstrip()
        return text


class PatternText:
    """Texts of a pattern such as `[A-Z]{3}-[0-9]{4}`; see `synth.patterns` for what it may hold."""

    def __init__(self, pattern: str, alphabet: Alphabet, *, max_length: int = MAX_LENGTH) -> None:
        check_lengths(1, max_length, "PatternText")
        self.pattern = pattern
        self._node, self._max = parse_pattern(pattern, alphabet), max_length
        if self._node.least > max_length:
            raise RecipeError(
                f"The pattern {pattern!r} gives at least {self._node.least} characters, max_length is {max_length}. "
                "Raise max_length, or shorten the pattern."
            )

    def sample(self, rng: Rng) -> str:
        """A text of the pattern."""
        for _ in range(_REDRAWS):
            text = self._node.sample(rng, self._max)
            if is_tidy(text):
                return text
        raise SynthesisError(
            f"The pattern {self.pattern!r} gave only empty texts or spaces at the ends in {_REDRAWS} draws. Ask for at "
            "least one character that is not a space."
        )


class WeightedText:
    """Given texts, drawn by weights."""

    def __init__(self, texts: Sequence[str], weights: Sequence[float] | None = None) -> None:
        self.texts = tuple(texts)
        self._cumulative = running_weights([1.0] * len(self.texts) if weights is None else weights, "A list of texts")

    def sample(self, rng: Rng) -> str:
        """One of the texts."""
        return self.texts[pick(self._cumulative, rng)]


class FileText:
    """A user's own lines, drawn evenly, split by hash into train, validation and test.

    Attributes:
        skipped: how many lines were left out, by cause ("not covered", "too long").

    Raises:
        InputError: the file is absent or not UTF-8.
        SynthesisError: no line is left.
    """

    def __init__(
        self, path: str | Path, alphabet: Alphabet, split: Split = "train", *, max_length: int = MAX_LENGTH
    ) -> None:
        check_lengths(1, max_length, "FileText")
        try:
            content = Path(path).read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(f"The text file {path} is not UTF-8 ({error}). Save it as UTF-8.") from None
        except OSError as error:
            raise InputError(f"The text file {path} cannot be read ({error}). Check the path.") from None
        covers, self.skipped = Coverage(alphabet), Counter[str]()
        kept: dict[str, None] = {}
        for line in content.splitlines():
            text = unicodedata.normalize("NFC", " ".join(line.split()))
            if not text:
                continue
            if len(text) > max_length:
                self.skipped["too long"] += 1
            elif not covers(text):
                self.skipped["not covered"] += 1
            else:
                kept[text] = None
        if not kept:
            raise SynthesisError(
                f"The text file {path} has no line that can be used (left out: {dict(self.skipped)}). One line a text "
                f"is expected, of at most {max_length} characters, all in the alphabet."
            )
        self._lines = WeightedText(select_split(kept, split, lambda line: line))

    @property
    def texts(self) -> tuple[str, ...]:
        """The lines of this split."""
        return self._lines.texts

    def sample(self, rng: Rng) -> str:
        """One of the lines."""
        return self._lines.sample(rng)


class MixtureText:
    """Texts of several generators, by weight: `MixtureText({words: 3, numbers: 1})`, or pairs.

    Args:
        mixed: the share of texts that hold a word of another generator: names, units and brands of another alphabet.
            It stands between two words or at an end, or in a word's place; a text that would come to be longer than
            MAX_LENGTH stays as it is.

    Raises:
        RecipeError: a share outside 0 to 1, or one above 0 with fewer than two generators.
    """

    def __init__(
        self,
        weighted: dict[TextGenerator, float] | Iterable[tuple[TextGenerator, float]],
        *,
        mixed: float = 0.0,
    ) -> None:
        pairs = list(weighted.items() if isinstance(weighted, dict) else weighted)
        self._parts, self._mixed = OneOf(pairs), mixed
        self._weights = [weight for _, weight in pairs]
        if not 0.0 <= mixed <= 1.0 or (mixed and sum(weight > 0 for weight in self._weights) < 2):
            raise RecipeError(
                f"mixed = {mixed} came with {len(pairs)} parts. A share from 0 to 1 is expected, and two parts of a "
                "weight above 0 where it is not 0."
            )

    @property
    def parts(self) -> tuple[TextGenerator, ...]:
        """The generators, in their order."""
        return self._parts.items

    def sample(self, rng: Rng) -> str:
        """A text of the generator drawn, by share with a word of another in it."""
        if not self._mixed or rng.random() >= self._mixed:
            return str(self._parts.sample(rng))
        own = pick(running_weights(self._weights, "A mixture"), rng)
        others = [0.0 if index == own else weight for index, weight in enumerate(self._weights)]
        text: str = self.parts[own].sample(rng)
        words = self.parts[pick(running_weights(others, "A mixture"), rng)].sample(rng).split(" ")
        word, line = words[int(rng.random() * len(words))], text.split(" ")
        place = int(rng.random() * (len(line) + 1))
        # As often beside the words as in the place of one; a single word is never given up.
        taken = int(rng.random() < 0.5 and len(line) > 1)
        line[place : place + taken] = [word]
        mixed = " ".join(line)
        return mixed if len(mixed) <= MAX_LENGTH else text


class BalancedText:
    """Evens out lengths and characters of another generator, as SynthTIGER's corpora do (Yim et al., ICDAR 2021, 3.1).

    Of `candidates` texts the one is taken whose length or whose characters were rarest in a trial of the generator at
    construction, so that `sample` stays a pure function of `rng`.

    Args:
        share: how often the rarest candidate is taken; otherwise the first.
    """

    def __init__(self, inner: TextGenerator, *, share: float = 0.5, candidates: int = 4, trial: int = 2000) -> None:
        if not 0 <= share <= 1 or candidates < 1 or trial < 1:
            raise RecipeError("BalancedText needs a share in 0 to 1, and at least one candidate and one trial draw.")
        self._inner, self._share, self._candidates = inner, share, candidates
        rng = np.random.default_rng(0)
        texts = [inner.sample(rng) for _ in range(trial)]
        self._lengths = Counter(len(text) for text in texts)
        self._characters = Counter(c for text in texts for c in text)

    def _rarity(self, text: str, by_length: bool) -> float:
        if by_length:
            return 1.0 / (1 + self._lengths[len(text)])
        return sum(1.0 / (1 + self._characters[c]) for c in text) / len(text)

    def sample(self, rng: Rng) -> str:
        """A text, by share the rarest of several."""
        if rng.random() >= self._share:
            return self._inner.sample(rng)
        by_length = bool(rng.random() < 0.5)
        return max((self._inner.sample(rng) for _ in range(self._candidates)), key=lambda t: self._rarity(t, by_length))


def check_lengths(min_length: int, max_length: int, name: str) -> None:
    """Raises RecipeError unless 1 <= min_length <= max_length."""
    if not 1 <= min_length <= max_length:
        raise RecipeError(
            f"{name} came with lengths {min_length} to {max_length}. At least 1 is expected, the lesser first."
        )
