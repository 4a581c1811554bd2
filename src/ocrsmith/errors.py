"""The errors that ocrsmith raises on purpose, as one tree.

    OcrsmithError                what came, what was expected, what to do; exit code 1
    |-- InputError               an image, PDF or folder that cannot be read          exit 3
    |-- AlphabetError            characters outside an alphabet, or a bad alphabet    exit 4
    |-- FontError                a font that cannot be opened or lacks glyphs         exit 5
    |-- LabelError               a label that does not parse or contradicts itself    exit 6
    |-- RecipeError              a recipe with unknown keys or bad values             exit 7
    |-- WeightsError             start weights that do not fit or fail their checksum exit 8
    |   `-- DownloadError        a download that failed or was not what was expected  exit 9
    |-- BundleError              a bundle that is damaged, foreign or too new         exit 10
    |-- TextDoesNotFitError      a text longer than its CTC steps                     exit 11
    |-- SynthesisError           too many refused draws, nothing left to draw from    exit 12
    |-- EngineError              an inference engine that is absent or failed         exit 13
    |-- StorageError             a full disk, a file that cannot be written           exit 14
    |-- SomeInputsFailedError    a batch went on, but some inputs were skipped        exit 15
    `-- ConstraintError          a pattern, word list or beam that cannot be used     exit 16

A message is one sentence of what came, one of what was expected, one of what to do. The command line prints it on one
line and exits with the code above; exit 2 is a wrong command line, exit 130 an interrupt.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence


class OcrsmithError(Exception):
    """Base of every error raised on purpose; `exit_code` is what the command line returns."""

    exit_code = 1


class InputError(OcrsmithError):
    """An image, PDF, folder or stream that cannot be read as what it claims to be."""

    exit_code = 3


class AlphabetError(OcrsmithError):
    """Characters outside an alphabet, or an alphabet that is empty or repeats itself."""

    exit_code = 4


class FontError(OcrsmithError):
    """A font file that cannot be opened, or that lacks glyphs which were asked for."""

    exit_code = 5


class LabelError(OcrsmithError):
    """A label line that does not parse, or a sample whose parts contradict each other."""

    exit_code = 6


class RecipeError(OcrsmithError):
    """A recipe with unknown keys, missing keys or values out of range; lists every mistake at once."""

    exit_code = 7


class WeightsError(OcrsmithError):
    """Start weights that are absent, do not fit the network, or fail their checksum."""

    exit_code = 8


class DownloadError(WeightsError):
    """A download that failed, or whose bytes are not the ones that were expected."""

    exit_code = 9


class BundleError(OcrsmithError):
    """A bundle that is damaged, is not a bundle, or is of a newer format."""

    exit_code = 10


class TextDoesNotFitError(OcrsmithError):
    """A text that needs more CTC steps than its image gives."""

    exit_code = 11


class SynthesisError(OcrsmithError):
    """The synthetic world refused too many draws, or has nothing left to draw from."""

    exit_code = 12


class EngineError(OcrsmithError):
    """An inference engine that is not installed, or that failed on a network."""

    exit_code = 13


class StorageError(OcrsmithError):
    """A file that cannot be written: a full disk, a missing right, a path that is a folder."""

    exit_code = 14


class SomeInputsFailedError(OcrsmithError):
    """A batch ran to its end, but some inputs were reported and skipped."""

    exit_code = 15


class ConstraintError(OcrsmithError):
    """What may be written cannot be: a pattern that does not parse, an empty word list, a beam of no width."""

    exit_code = 16


def nearest(word: str, known: Sequence[str]) -> str:
    """What a message says behind an unknown word: the nearest known one, and all of them."""
    if not known:
        return ""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint} (known: {', '.join(known)})"


def first_line(error: Exception) -> str:
    """The first line of an error's message, at most 200 characters; its kind where it says nothing."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
