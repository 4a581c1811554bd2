"""Rows of characters that are made when they are looked at: most who read a page want its words alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from ocrsmith.reading.page import ReadCharacter, RecognizedCharacter

Made = TypeVar("Made")

_ASCII_SOLID = np.array([not chr(code).isspace() for code in range(128)])


def solid(texts: Sequence[str], characters: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    """(N,) which characters of these texts are no spaces; the characters of all texts end to end.

    Args:
        texts: each the characters of its row joined.
        characters: a row a text.
    """
    joined = "".join(texts)
    if joined.isascii() and len(joined) == sum(map(len, characters)):
        # A page has thousands: to ask each takes longer than all that is done with the answer.
        codes = np.frombuffer(joined.encode("ascii"), np.uint8)
        return _ASCII_SOLID[codes]
    return np.array([not character.isspace() for row in characters for character in row], dtype=bool)


class _Row(Sequence[Made]):
    """A sequence of which a tuple is made where its members are asked for; it is copied and pickled as that tuple."""

    __slots__ = ()

    def _members(self) -> tuple[Made, ...]:
        raise NotImplementedError

    @overload
    def __getitem__(self, index: int) -> Made: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Made, ...]: ...

    def __getitem__(self, index: int | slice) -> Made | tuple[Made, ...]:
        return self._members()[index]

    def __iter__(self) -> Iterator[Made]:
        return iter(self._members())

    def __eq__(self, other: object) -> bool:
        return self._members() == (other._members() if isinstance(other, _Row) else other)

    def __hash__(self) -> int:
        return hash(self._members())

    def __repr__(self) -> str:
        return repr(self._members())

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (self._members(),)


class CropCharacters(_Row[RecognizedCharacter]):
    """The characters of one crop in columns; each column has an entry a character.

    Attributes:
        texts: what was read.
        confidences: 0 to 1.
        starts, stops: shares (0 to 1) of the crop's width.
    """

    __slots__ = ("confidences", "starts", "stops", "texts")

    def __init__(
        self, texts: Sequence[str], confidences: Sequence[float], starts: Sequence[float], stops: Sequence[float]
    ) -> None:
        self.texts, self.confidences, self.starts, self.stops = texts, confidences, starts, stops

    @classmethod
    def of(cls, characters: Sequence[RecognizedCharacter]) -> CropCharacters:
        """The columns of any row of characters."""
        if isinstance(characters, CropCharacters):
            return characters
        return cls(
            [character.text for character in characters],
            [character.confidence for character in characters],
            [character.start for character in characters],
            [character.stop for character in characters],
        )

    def __len__(self) -> int:
        return len(self.texts)

    def _members(self) -> tuple[RecognizedCharacter, ...]:
        return tuple(map(RecognizedCharacter, self.texts, self.confidences, self.starts, self.stops))


class Later(Generic[Made]):
    """Something that is made once, when it is first asked for; what it is made from is then let go."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make: Callable[[], Made] | None = make

    def __call__(self) -> Made:
        make = self._make
        if make is not None:
            # Two threads may both make it, and make the same.
            self._made = make()
            self._make = None
        return self._made


class WordCharacters(_Row[ReadCharacter]):
    """The characters of one word on a page, which are made together with those of the page's other words.

    Args:
        rows: the characters of each word.
        index: which of the words.
        count: how many characters it has.
    """

    __slots__ = ("_count", "_index", "_rows")

    def __init__(self, rows: Later[list[tuple[ReadCharacter, ...]]], index: int, count: int) -> None:
        self._rows, self._index, self._count = rows, index, count

    def __len__(self) -> int:
        return self._count

    def _members(self) -> tuple[ReadCharacter, ...]:
        return self._rows()[self._index]
