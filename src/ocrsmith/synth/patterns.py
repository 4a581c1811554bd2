r"""Patterns such as `[A-Z]{3}-[0-9]{4}`, parsed once and drawn from: a safe subset of regular expressions.

Literals, `.` (any character of the alphabet but the space), classes `[A-Z0-9]` and `[^aeiou]`, the escapes `\d \w \s`
and `\` before a sign, groups `( | )` and `(?: | )`, and the repeats `? * + {m} {m,} {m,n}`. Drawing is bounded by
construction: every part knows its least length, so a text never outgrows what is left and nothing is drawn in vain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ocrsmith.alphabet import Alphabet, show
from ocrsmith.errors import RecipeError
from ocrsmith.synth.choices import Rng

# How often an open repeat (`*`, `+`, `{2,}`) goes on past its least count, at most.
OPEN_REPEAT = 8
_MAX_REPEAT = 1000
_MAX_DEPTH = 50
_SPECIAL = frozenset("[](){}?*+|.\\")


class Node(Protocol):
    """A part of a pattern."""

    @property
    def least(self) -> int:
        """Characters of its shortest text."""
        ...

    def sample(self, rng: Rng, budget: int) -> str:
        """A text of at most `budget` characters; `budget` >= `least`."""
        ...


@dataclass(frozen=True)
class OneCharacter:
    """One of several characters, evenly."""

    characters: tuple[str, ...]

    @property
    def least(self) -> int:
        """The shortest entry: entries of an alphabet may be several code points."""
        return min(len(c) for c in self.characters)

    def sample(self, rng: Rng, budget: int) -> str:
        """One of those that fit."""
        fitting = [c for c in self.characters if len(c) <= budget] if budget < 8 else self.characters
        return fitting[int(rng.integers(len(fitting)))]


@dataclass(frozen=True)
class Sequence:
    """Parts one after another."""

    parts: tuple[Node, ...]
    least: int

    def sample(self, rng: Rng, budget: int) -> str:
        """Each part gets what the others do not need at least."""
        spare, text = budget - self.least, []
        for part in self.parts:
            drawn = part.sample(rng, part.least + spare)
            spare -= len(drawn) - part.least
            text.append(drawn)
        return "".join(text)


@dataclass(frozen=True)
class Alternation:
    """One of several parts, evenly among those that fit."""

    options: tuple[Node, ...]
    least: int

    def sample(self, rng: Rng, budget: int) -> str:
        """A text of one option."""
        fitting = [option for option in self.options if option.least <= budget]
        return fitting[int(rng.integers(len(fitting)))].sample(rng, budget)


@dataclass(frozen=True)
class Repeat:
    """A part, lo to hi times; where it is `open`, `hi` is only where drawing stops."""

    part: Node
    lo: int
    hi: int
    open: bool = False

    @property
    def least(self) -> int:
        """The least length of the least count."""
        return self.lo * self.part.least

    def sample(self, rng: Rng, budget: int) -> str:
        """The part's texts, their count drawn evenly among those that fit."""
        each = self.part.least
        hi = self.hi if each == 0 else min(self.hi, budget // each)
        count = int(rng.integers(self.lo, hi + 1))
        spare, text = budget - count * each, []
        for _ in range(count):
            drawn = self.part.sample(rng, each + spare)
            spare -= len(drawn) - each
            text.append(drawn)
        return "".join(text)


def parse_pattern(pattern: str, alphabet: Alphabet) -> Node:
    """Parses a pattern whose classes are taken within the alphabet.

    Raises:
        RecipeError: it does not parse, or asks for characters that the alphabet lacks; the place is pointed at.
    """
    return _Parser(pattern, alphabet).parse()


class _Parser:
    """A recursive descent over the pattern; `at` is the next character."""

    def __init__(self, pattern: str, alphabet: Alphabet) -> None:
        self.pattern, self.alphabet = pattern, alphabet
        self.at = 0
        self.depth = 0
        self.any = tuple(c for c in alphabet.characters if not c.isspace())

    def parse(self) -> Node:
        if not self.pattern:
            raise RecipeError("A pattern came empty. Something such as [A-Z]{3}-[0-9]{4} is expected.")
        node = self._alternation()
        if self.at < len(self.pattern):
            raise self._error("a ')' that closes nothing", self.at)
        return node

    def _error(self, problem: str, at: int) -> RecipeError:
        return RecipeError(
            f"The pattern {self.pattern!r} has {problem} at position {at + 1}: {self.pattern[:at]} >>> "
            f"{self.pattern[at:] or 'its end'}. Expected are literals, [classes], (groups|of|choices), ? * + {{m,n}}, "
            r"\d \w \s, and \ before a special character that is meant itself."
        )

    def _peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def _alternation(self) -> Node:
        options = [self._sequence()]
        while self._peek() == "|":
            self.at += 1
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Alternation(tuple(options), min(o.least for o in options))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self._peek() and self._peek() not in "|)":
            parts.append(self._repeated(self._atom()))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts), sum(p.least for p in parts))

    def _atom(self) -> Node:
        start, c = self.at, self._peek()
        self.at += 1
        if c == "(":
            return self._group(start)
        if c == "[":
            return OneCharacter(self._class(start))
        if c == ".":
            return OneCharacter(self._known(self.any, start))
        if c == "\\":
            return OneCharacter(self._known(self._escape(start), start))
        if c in _SPECIAL:
            raise self._error(f"a {c!r} with nothing before it", start)
        return OneCharacter(self._known((c,), start))

    def _group(self, start: int) -> Node:
        if self.pattern.startswith("?", self.at):
            if not self.pattern.startswith("?:", self.at):
                raise self._error("a group of an unknown kind", start)
            self.at += 2
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise self._error(f"groups nested deeper than {_MAX_DEPTH}", start)
        node = self._alternation()
        if self._peek() != ")":
            raise self._error("a '(' that is never closed", start)
        self.at += 1
        self.depth -= 1
        return node

    def _escape(self, start: int) -> tuple[str, ...]:
        """What the escape whose backslash stands at `start` means; `at` is past the backslash."""
        c = self._peek()
        self.at += 1
        if c == "d":
            return tuple(a for a in self.alphabet.characters if a.isascii() and a.isdigit())
        if c == "w":
            return tuple(a for a in self.alphabet.characters if a.isalnum() or a == "_")
        if c == "s":
            return (" ",)
        if not c or c.isalnum():
            raise self._error(rf"an unknown escape \{c}" if c else r"a \ at its end", start)
        return (c,)

    def _known(self, wanted: tuple[str, ...], start: int) -> tuple[str, ...]:
        """`wanted`, which the alphabet must cover in full."""
        lacking = [c for c in wanted if not self.alphabet.covers(c)]
        if lacking or not wanted:
            what = f"{show(lacking)}, which the alphabet lacks," if lacking else "a class that is empty in the alphabet"
            raise self._error(what, start)
        return wanted

    def _class(self, start: int) -> tuple[str, ...]:
        negated = self._peek() == "^"
        self.at += negated
        members: dict[str, None] = {}
        first = True
        while first or self._peek() != "]":
            if not self._peek():
                raise self._error("a '[' that is never closed", start)
            first = False
            members.update(dict.fromkeys(self._class_member()))
        self.at += 1
        if negated:
            return self._known(tuple(c for c in self.any if c not in members), start)
        # A class is cut down to the alphabet: [A-Z] over an alphabet without O and I draws neither.
        return self._known(tuple(c for c in members if self.alphabet.covers(c)), start)

    def _class_member(self) -> tuple[str, ...]:
        start, c = self.at, self._peek()
        self.at += 1
        listed = self._escape(start) if c == "\\" else (c,)
        is_range = self._peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", "")
        if not is_range:
            return listed
        if len(listed) != 1:
            raise self._error("a range that starts with a class", start)
        self.at += 1
        end_at, end = self.at, self._peek()
        self.at += 1
        ends = self._escape(end_at) if end == "\\" else (end,)
        if len(ends) != 1 or ord(ends[0]) < ord(listed[0]) or ord(ends[0]) - ord(listed[0]) > 0x3000:
            raise self._error("a range that runs backwards or is too long", start)
        return tuple(chr(code) for code in range(ord(listed[0]), ord(ends[0]) + 1))

    def _repeated(self, node: Node) -> Node:
        start, c = self.at, self._peek()
        if not c or c not in "?*+{":
            return node
        self.at += 1
        if c == "{":
            lo, hi, is_open = self._counts(start)
        else:
            lo, hi = {"?": (0, 1), "*": (0, OPEN_REPEAT), "+": (1, 1 + OPEN_REPEAT)}[c]
            is_open = c != "?"
        if self._peek() and self._peek() in "?*+{":
            raise self._error("a repeat of a repeat", self.at)
        return Repeat(node, lo, hi, is_open)

    def _counts(self, start: int) -> tuple[int, int, bool]:
        """(least, most, whether there is no most) of {m}, {m,} or {m,n}; `at` is past the brace."""
        end = self.pattern.find("}", self.at)
        low, comma, high = self.pattern[self.at : max(end, self.at)].partition(",")
        if end < 0 or not low.isdecimal() or (high and not high.isdecimal()) or len(low) > 4 or len(high) > 4:
            raise self._error("a repeat that is not {m}, {m,} or {m,n}", start)
        self.at = end + 1
        lo = int(low)
        hi = int(high) if high else lo + OPEN_REPEAT if comma else lo
        if hi < lo or hi > _MAX_REPEAT:
            raise self._error(f"a repeat whose counts run backwards or past {_MAX_REPEAT}", start)
        return lo, hi, bool(comma and not high)
