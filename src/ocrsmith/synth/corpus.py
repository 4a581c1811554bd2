"""What is written: every text generator, and how a recipe's table becomes one.

Each generator yields text that the alphabet covers, never empty, at most `max_length` long; no text starts or ends
with a space or holds two in a row. All randomness comes from the generator passed to `sample`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import OcrsmithError, RecipeError, nearest
from ocrsmith.splits import Split
from ocrsmith.synth.dictionary_text import DictionaryText, packaged_words, read_words
from ocrsmith.synth.number_text import NumberText
from ocrsmith.synth.texts import (
    MAX_LENGTH,
    BalancedText,
    FileText,
    MixtureText,
    PatternText,
    RandomText,
    TextGenerator,
    WeightedText,
)

__all__ = [
    "MAX_LENGTH",
    "BalancedText",
    "DictionaryText",
    "FileText",
    "MixtureText",
    "NumberText",
    "PatternText",
    "RandomText",
    "TextGenerator",
    "WeightedText",
    "text_generator",
]


def text_generator(
    settings: Mapping[str, Any], alphabet: Alphabet, split: Split = "train", *, folder: Path | None = None
) -> TextGenerator:
    """Builds a generator from a table of a recipe.

    `kind` is one of: "words" (`words`: a packaged list's name or a file, and DictionaryText's settings), "random"
    (`characters`: some of the alphabet's), "numbers", "pattern" (`pattern`), "file" (`path`), "texts" (`texts`: a
    list), "mixture" (`parts`: tables, each with a `weight`; `mixed`: the share of texts that hold a word of another
    part, so that several alphabets stand in one line). Any table takes `balance`, the share of draws that even
    out lengths and characters (see BalancedText). Relative paths are taken from `folder`.

    Raises:
        RecipeError: unknown kinds and keys (each with the nearest known one) and bad values, all of them together.
    """
    mistakes: list[str] = []
    generator = _build(settings, alphabet, split, folder or Path(), "text", mistakes)
    if generator is None or mistakes:
        raise RecipeError("The recipe's texts cannot be built: " + " / ".join(mistakes))
    return generator


def _words(
    alphabet: Alphabet,
    split: Split,
    folder: Path,
    words: str = "english",
    min_length: int = 1,
    max_length: int = MAX_LENGTH,
    single: float = 0.6,
    several: float = 0.25,
    sentence: float = 0.15,
    keep_case: bool = False,
) -> TextGenerator:
    is_file = "/" in words or "\\" in words or "." in words
    listed, frequencies = read_words(folder / words) if is_file else packaged_words(words)
    return DictionaryText(
        listed,
        frequencies,
        alphabet,
        split,
        min_length=min_length,
        max_length=max_length,
        single=single,
        several=several,
        sentence=sentence,
        keep_case=keep_case,
    )


def _random(
    alphabet: Alphabet,
    split: Split,
    folder: Path,
    min_length: int = 1,
    max_length: int = 12,
    space_share: float = 0.08,
    characters: str | None = None,
) -> TextGenerator:
    return RandomText(alphabet, min_length, max_length, space_share=space_share, characters=characters)


def _numbers(
    alphabet: Alphabet,
    split: Split,
    folder: Path,
    kinds: Mapping[str, float] | None = None,
    min_length: int = 1,
    max_length: int = MAX_LENGTH,
    max_digits: int = 7,
    currencies: str = "$€£¥",
) -> TextGenerator:
    return NumberText(
        alphabet, kinds, min_length=min_length, max_length=max_length, max_digits=max_digits, currencies=currencies
    )


def _pattern(
    alphabet: Alphabet, split: Split, folder: Path, *, pattern: str, max_length: int = MAX_LENGTH
) -> TextGenerator:
    return PatternText(pattern, alphabet, max_length=max_length)


def _file(alphabet: Alphabet, split: Split, folder: Path, *, path: str, max_length: int = MAX_LENGTH) -> TextGenerator:
    return FileText(folder / path, alphabet, split, max_length=max_length)


def _texts(alphabet: Alphabet, split: Split, folder: Path, *, texts: list[str]) -> TextGenerator:
    bad = [text for text in texts if not alphabet.covers(text) or not text or " ".join(text.split()) != text]
    if bad or not texts:
        raise RecipeError(
            f"The texts {bad[:5]} are not in the alphabet, empty, or hold stray spaces. Correct the list."
        )
    return WeightedText(texts)


_KINDS: dict[str, Callable[..., TextGenerator]] = {
    "words": _words,
    "random": _random,
    "numbers": _numbers,
    "pattern": _pattern,
    "file": _file,
    "texts": _texts,
}
_GIVEN = ("alphabet", "split", "folder")


def _build(
    table: object, alphabet: Alphabet, split: Split, folder: Path, where: str, mistakes: list[str]
) -> TextGenerator | None:
    """One table's generator; where it is wrong, None, with what is wrong added to `mistakes`."""
    if not isinstance(table, Mapping):
        mistakes.append(f"{where} is {table!r}; a table such as {{kind = 'numbers'}} is expected")
        return None
    settings = {key: value for key, value in table.items() if key not in ("weight", "balance")}
    kind = settings.pop("kind", None)
    balance = _number(table.get("balance", 0.0), f"{where}.balance", 1.0, mistakes)
    if kind == "mixture":
        generator = _build_mixture(settings, alphabet, split, folder, where, mistakes)
    elif kind in _KINDS:
        generator = _build_kind(kind, settings, (alphabet, split, folder), where, mistakes)
    else:
        mistakes.append(f"{where}.kind is {kind!r}" + nearest(str(kind), [*_KINDS, "mixture"]))
        return None
    return BalancedText(generator, share=balance) if generator is not None and balance else generator


def _build_kind(
    kind: str, settings: dict[str, Any], given: tuple[Any, ...], where: str, mistakes: list[str]
) -> TextGenerator | None:
    parameters = inspect.signature(_KINDS[kind]).parameters
    known = [name for name in parameters if name not in _GIVEN]
    unknown = [key for key in settings if key not in known]
    mistakes.extend(
        f"{where} ({kind}) has the unknown key {key!r}" + nearest(key, [*known, "weight", "balance"]) for key in unknown
    )
    lacking = [name for name in known if parameters[name].default is inspect.Parameter.empty and name not in settings]
    mistakes.extend(f"{where} ({kind}) lacks {name!r}" for name in lacking)
    if unknown or lacking:
        return None
    try:
        return _KINDS[kind](*given, **settings)
    except OcrsmithError as error:
        mistakes.append(f"{where} ({kind}): {error}")
    except (TypeError, ValueError, AttributeError) as error:
        # A value of the wrong kind (a string for a number) shows wherever it is first used.
        mistakes.append(f"{where} ({kind}) has a value of the wrong kind ({error})")
    return None


def _build_mixture(
    settings: dict[str, Any], alphabet: Alphabet, split: Split, folder: Path, where: str, mistakes: list[str]
) -> TextGenerator | None:
    mistakes.extend(
        f"{where} (mixture) has the unknown key {key!r}" + nearest(key, ["parts", "mixed"])
        for key in settings
        if key not in ("parts", "mixed")
    )
    mixed = _number(settings.get("mixed", 0.0), f"{where}.mixed", 1.0, mistakes)
    if mixed and " " not in alphabet:
        mistakes.append(f"{where}.mixed is {mixed:g}, but the alphabet has no space to part the words with")
    parts = settings.get("parts")
    if not isinstance(parts, (list, tuple)) or not parts:
        mistakes.append(f"{where} (mixture) lacks 'parts', a list of tables")
        return None
    pairs: list[tuple[TextGenerator, float]] = []
    for index, part in enumerate(parts):
        place = f"{where}.parts[{index}]"
        generator = _build(part, alphabet, split, folder, place, mistakes)
        if generator is not None and isinstance(part, Mapping):
            pairs.append((generator, _number(part.get("weight", 1.0), f"{place}.weight", 1e9, mistakes)))
    if len(pairs) != len(parts):
        return None
    try:
        return MixtureText(pairs, mixed=mixed)
    except RecipeError as error:
        mistakes.append(f"{where} (mixture): {error}")
        return None


def _number(value: object, where: str, most: float, mistakes: list[str]) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= most:
        return float(value)
    mistakes.append(f"{where} is {value!r}; a number from 0 to {most:g} is expected")
    return 0.0
