"""The options that say what may be written, shared by the commands that read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ocrsmith.errors import InputError

if TYPE_CHECKING:
    from ocrsmith.reading.decoding import Constraints

Characters = Annotated[str | None, typer.Option(help="The only characters that may be written: 0123456789.")]
Pattern = Annotated[str | None, typer.Option(help="What each text must match: '[A-Z]{3}-[0-9]{4}'.")]
Words = Annotated[Path | None, typer.Option(help="A file of the only words that may be written, one a line.")]
WordBias = Annotated[
    float | None,
    typer.Option(min=0.0, help="Prefer --words instead: win over what is up to e^BIAS times likelier; 3 is a start."),
]
Beam = Annotated[int | None, typer.Option(min=1, help="Search so widely for the likeliest text, such as 10.")]


def constraints(
    characters: str | None, pattern: str | None, words: Path | None, word_bias: float | None, beam: int | None
) -> Constraints:
    """What the options ask for; raises InputError where the file of words cannot be read."""
    # NumPy, which the help does not need.
    from ocrsmith.reading.decoding import Constraints

    return Constraints(characters, pattern, None if words is None else _words_of(words), word_bias, beam)


def _words_of(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The words {path} cannot be read ({error}). Give a UTF-8 file, one word a line.") from None
