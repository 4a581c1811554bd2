"""Numbers as they stand on meters, price tags, forms and clocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import RecipeError, SynthesisError
from ocrsmith.synth.choices import OneOf, Rng
from ocrsmith.synth.texts import MAX_LENGTH, Coverage, check_lengths, is_tidy

_REDRAWS = 100
DEFAULT_KINDS: dict[str, float] = {
    "integer": 4,
    "decimal": 4,
    "leading_zeros": 1,
    "minus": 1,
    "thousands": 1,
    "date": 1,
    "time": 1,
    "price": 1,
    "percent": 0.5,
}


class NumberText:
    """Integers, decimals, leading zeros, minus signs, thousands separators, dates, times, prices and percents.

    Kinds that the alphabet cannot write are left out (`kinds` tells which stayed); digits outside the alphabet are
    never drawn.

    Args:
        alphabet: must hold a digit.
        kinds: weight of each kind.
        min_length, max_length: characters of a text.
        max_digits: digits of an integer part.
        currencies: signs before or behind a price.

    Raises:
        RecipeError: an unknown kind, or an alphabet without digits.
    """

    def __init__(
        self,
        alphabet: Alphabet,
        kinds: Mapping[str, float] | None = None,
        *,
        min_length: int = 1,
        max_length: int = MAX_LENGTH,
        max_digits: int = 7,
        currencies: str = "$€£¥",
    ) -> None:
        check_lengths(min_length, max_length, "NumberText")
        check_lengths(1, max_digits, "NumberText's max_digits")
        self._digits = [c for c in alphabet.characters if len(c) == 1 and c in "0123456789"]
        if not self._digits:
            raise RecipeError("Numbers were asked of an alphabet without digits. Add 0-9, or choose another text.")
        self._covers, self._min, self._max = Coverage(alphabet), min_length, max_length
        self._max_digits = min(max_digits, max_length)
        self._all_digits = len(self._digits) == 10
        self._points = [c for c in ".," if c in alphabet]
        self._separators = [c for c in ",. '" if c in alphabet]
        self._currencies = [c for c in currencies if c in alphabet]
        wanted = dict(DEFAULT_KINDS if kinds is None else kinds)
        unknown = [kind for kind in wanted if kind not in DEFAULT_KINDS]
        if unknown:
            raise RecipeError(f"The kinds of numbers {unknown} are unknown. Choose from {list(DEFAULT_KINDS)}.")
        possible = {kind: weight for kind, weight in wanted.items() if weight > 0 and self._can_write(kind, alphabet)}
        if not possible:
            raise RecipeError(
                f"The alphabet can write none of the kinds of numbers {list(wanted)}. Add '.', ':' or '-'."
            )
        self.kinds = tuple(possible)
        self._kinds = OneOf(possible)

    def _can_write(self, kind: str, alphabet: Alphabet) -> bool:
        needs = {
            "decimal": bool(self._points),
            "thousands": bool(self._separators),
            "minus": "-" in alphabet,
            "percent": "%" in alphabet,
            "price": bool(self._currencies) and bool(self._points),
            "date": self._all_digits and any(c in alphabet for c in "./-"),
            "time": self._all_digits and ":" in alphabet,
        }
        return needs.get(kind, True)

    def sample(self, rng: Rng) -> str:
        """A number."""
        writers: dict[str, Callable[[Rng], str]] = {
            "integer": self._integer,
            "decimal": self._decimal,
            "leading_zeros": self._leading_zeros,
            "minus": lambda r: "-" + (self._decimal(r) if self._points and r.random() < 0.5 else self._integer(r)),
            "thousands": self._thousands,
            "date": self._date,
            "time": self._time,
            "price": self._price,
            "percent": lambda r: (self._decimal(r) if self._points and r.random() < 0.5 else self._integer(r)) + "%",
        }
        for _ in range(_REDRAWS):
            text = writers[self._kinds.sample(rng)](rng)
            if self._min <= len(text) <= self._max and is_tidy(text) and self._covers(text):
                return text
        raise SynthesisError(
            f"No number of {self._min} to {self._max} characters of the kinds {list(self.kinds)} came in {_REDRAWS} "
            "draws. Widen the lengths, or allow more kinds."
        )

    def _run(self, rng: Rng, count: int) -> str:
        return "".join(self._digits[i] for i in rng.integers(0, len(self._digits), count))

    def _integer(self, rng: Rng, most: int | None = None) -> str:
        """Its count of digits drawn evenly, so that short and long numbers are as frequent; no leading zero."""
        most = min(most or self._max_digits, self._max_digits)
        least = min(self._min, most)
        text = self._run(rng, int(rng.integers(least, most + 1)))
        stripped = text.lstrip("0")
        return stripped if len(stripped) >= least else text

    def _decimal(self, rng: Rng) -> str:
        point = self._points[0 if rng.random() < 0.75 else -1]
        return self._integer(rng, max(1, self._max_digits - 1)) + point + self._run(rng, int(rng.integers(1, 4)))

    def _leading_zeros(self, rng: Rng) -> str:
        width = int(rng.integers(min(2, self._max_digits), self._max_digits + 1))
        return self._integer(rng, max(1, width - 1)).rjust(width, "0")

    def _thousands(self, rng: Rng) -> str:
        separator = self._separators[int(rng.integers(len(self._separators)))]
        groups = [self._run(rng, int(rng.integers(1, 4))).lstrip("0") or self._digits[-1]]
        groups += [self._run(rng, 3) for _ in range(int(rng.integers(1, 3)))]
        points = [c for c in self._points if c != separator]
        cents = points[0] + self._run(rng, 2) if points and rng.random() < 0.4 else ""
        return separator.join(groups) + cents

    def _price(self, rng: Rng) -> str:
        point = self._points[0 if rng.random() < 0.7 else -1]
        amount = self._integer(rng, 4) + point + (self._run(rng, 2) if rng.random() < 0.5 else "99")
        sign = self._currencies[int(rng.integers(len(self._currencies)))]
        if rng.random() < 0.6:
            return sign + amount
        return f"{amount} {sign}" if rng.random() < 0.5 else amount + sign

    def _date(self, rng: Rng) -> str:
        separators = [c for c in "./-" if self._covers(c)]
        separator = separators[int(rng.integers(len(separators)))]
        year, month, day = int(rng.integers(1950, 2040)), int(rng.integers(1, 13)), int(rng.integers(1, 29))
        style = int(rng.integers(4))
        if style == 0:
            parts = [f"{year}", f"{month:02}", f"{day:02}"]
        elif style == 1:
            parts = [f"{day:02}", f"{month:02}", f"{year}"]
        elif style == 2:
            parts = [f"{day}", f"{month}", f"{year % 100:02}"]
        else:
            parts = [f"{month:02}", f"{year}"]
        return separator.join(parts)

    def _time(self, rng: Rng) -> str:
        hour, minute, second = int(rng.integers(24)), int(rng.integers(60)), int(rng.integers(60))
        style = int(rng.integers(4))
        if style == 0:
            return f"{hour:02}:{minute:02}:{second:02}"
        if style == 1:
            return f"{hour % 12 + 1}:{minute:02} {'AM' if hour < 12 else 'PM'}"
        return f"{hour:02}:{minute:02}" if style == 2 else f"{hour}:{minute:02}"
