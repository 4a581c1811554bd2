"""The alphabet: the ordered characters that a recogniser can write, and the only place that knows their ids.

Id 0 is the CTC blank; character i of the alphabet has id i + 1. Case folding, spaces and punctuation are explicit
policy: `normalize` says what a text becomes before it is encoded, and an unknown character is an error that names it.
"""

from __future__ import annotations

import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ocrsmith.errors import AlphabetError

CasePolicy = Literal["keep", "lower", "upper"]
BLANK_ID = 0

DIGITS = string.digits
PRINTABLE_ASCII = "".join(chr(code) for code in range(0x20, 0x7F))


class Alphabet:
    """Ordered, NFC-normalised, without repeats. Immutable; equal where characters and case policy are equal.

    Args:
        characters: a string, or a sequence of strings where one entry is several code points (a cluster such as a
            letter with a combining mark that has no single code point).
        case: what `normalize` does to letters before encoding: "keep" them, fold to "lower" or to "upper".

    Raises:
        AlphabetError: empty, a repeated character, a control character, or letters that the case policy removes.
    """

    blank_id = BLANK_ID

    def __init__(self, characters: str | Sequence[str], *, case: CasePolicy = "keep") -> None:
        if case not in ("keep", "lower", "upper"):
            raise AlphabetError(f"The case policy came as {case!r}. Use 'keep', 'lower' or 'upper'.")
        entries = tuple(unicodedata.normalize("NFC", entry) for entry in characters)
        if not entries or any(not entry for entry in entries):
            raise AlphabetError("The alphabet came empty. Give it at least one character.")
        repeated = sorted(entry for entry, times in Counter(entries).items() if times > 1)
        if repeated:
            raise AlphabetError(f"The alphabet repeats {show(repeated)}. Give each character once.")
        controls = [entry for entry in entries if any(unicodedata.category(c) in ("Cc", "Cs") for c in entry)]
        if controls:
            raise AlphabetError(f"The alphabet holds control characters {show(controls)}. Leave them out.")
        self._entries = entries
        self._case: CasePolicy = case
        self._ids = {entry: index + 1 for index, entry in enumerate(entries)}
        self._longest = max(len(entry) for entry in entries)
        folded_away = [entry for entry in entries if self._fold(entry) != entry]
        if folded_away:
            raise AlphabetError(
                f"The case policy {case!r} folds {show(folded_away)} away, so that no text could ever hold them. "
                "Leave them out, or use case='keep'."
            )

    @property
    def characters(self) -> tuple[str, ...]:
        """The characters in id order, the blank not among them."""
        return self._entries

    @property
    def case(self) -> CasePolicy:
        """The case policy."""
        return self._case

    @property
    def num_classes(self) -> int:
        """Classes of a CTC head: the characters and the blank."""
        return len(self._entries) + 1

    def _fold(self, text: str) -> str:
        return {"keep": text, "lower": text.lower(), "upper": text.upper()}[self._case]

    def normalize(self, text: str) -> str:
        """NFC, then the case policy. Nothing is dropped; `missing` tells what does not fit."""
        return self._fold(unicodedata.normalize("NFC", text))

    def _split(self, text: str) -> list[tuple[str, int | None]]:
        """Longest entries first, so that a cluster wins over its own letter."""
        found: list[tuple[str, int | None]] = []
        position = 0
        while position < len(text):
            for length in range(min(self._longest, len(text) - position), 0, -1):
                piece = text[position : position + length]
                if piece in self._ids:
                    found.append((piece, self._ids[piece]))
                    position += length
                    break
            else:
                found.append((text[position], None))
                position += 1
        return found

    def missing(self, text: str) -> list[str]:
        """The characters of the normalised text that the alphabet lacks, each once, in order of appearance."""
        return list(dict.fromkeys(piece for piece, id_ in self._split(self.normalize(text)) if id_ is None))

    def covers(self, text: str) -> bool:
        """Whether `encode(text)` would succeed."""
        return not self.missing(text)

    def encode(self, text: str) -> NDArray[np.int64]:
        """Ids (L,) int64 of the normalised text, each >= 1; raises AlphabetError naming what is missing."""
        pieces = self._split(self.normalize(text))
        unknown = list(dict.fromkeys(piece for piece, id_ in pieces if id_ is None))
        if unknown:
            raise AlphabetError(
                f"The text {text!r} holds {show(unknown)}, which the alphabet of {len(self._entries)} lacks. "
                "Add them to the alphabet, or filter such texts out first with alphabet.covers(text)."
            )
        return np.array([id_ for _, id_ in pieces], dtype=np.int64)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids, blanks skipped; repeats are kept (CTC's collapsing is the decoder's work)."""
        try:
            return "".join(self._entries[int(id_) - 1] for id_ in ids if int(id_) != BLANK_ID)
        except IndexError:
            raise AlphabetError(
                f"An id lies outside 0..{len(self._entries)}. The network and this alphabet do not belong together."
            ) from None

    def extend(self, characters: str | Sequence[str]) -> Alphabet:
        """This alphabet with the new ones of `characters` behind its own, so that shared ids stay where they were."""
        new = [c for c in (unicodedata.normalize("NFC", c) for c in characters) if c not in self._ids]
        return Alphabet(self._entries + tuple(dict.fromkeys(new)), case=self._case)

    def shared_ids(self, other: Alphabet) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(own ids, other's ids), both (S,) int64, of the blank and of every character that both have.

        A head's rows `new[own] = old[others]` keep what start weights know.
        """
        pairs = [(BLANK_ID, BLANK_ID)]
        pairs += [(id_, other._ids[entry]) for entry, id_ in self._ids.items() if entry in other._ids]
        own, others = np.array(pairs, dtype=np.int64).T
        return own, others

    def font_coverage(self, code_points: Iterable[int]) -> list[str]:
        """The alphabet's characters that a font with these code points cannot draw (space needs no glyph)."""
        have = set(code_points)
        return [e for e in self._entries if not e.isspace() and any(ord(c) not in have for c in e)]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able form; `from_dict` reads it back."""
        return {"characters": list(self._entries), "case": self._case}

    @classmethod
    def from_dict(cls, form: dict[str, Any]) -> Alphabet:
        """Reads what `to_dict` wrote; raises AlphabetError where it is not that."""
        try:
            return cls(form["characters"], case=form.get("case", "keep"))
        except (KeyError, TypeError) as error:
            raise AlphabetError(
                f"An alphabet's form came without a list of characters ({error}). Write it with Alphabet.to_dict."
            ) from error

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, character: object) -> bool:
        return character in self._ids

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alphabet) and (self._entries, self._case) == (other._entries, other._case)

    def __hash__(self) -> int:
        return hash((self._entries, self._case))

    def __repr__(self) -> str:
        return f"Alphabet({''.join(self._entries)!r}, case={self._case!r})"


def show(characters: Iterable[str], most: int = 12) -> str:
    """Characters for a message: quoted, with code points, the first few of many."""
    listed = list(characters)
    shown = ", ".join(f"{c!r} (U+{' U+'.join(f'{ord(x):04X}' for x in c)})" for c in listed[:most])
    return shown + (f" and {len(listed) - most} more" if len(listed) > most else "")
