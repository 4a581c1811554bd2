"""`ocrsmith describe`: what a labelled folder holds, what is wrong with it, and which training it is enough for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ocrsmith.cli.terminal import examples, prose, write_text
from ocrsmith.errors import SomeInputsFailedError

EPILOG = examples(
    "ocrsmith describe labelled/",
    "ocrsmith describe labelled/ --alphabet 0123456789.-",
    "ocrsmith describe labels.json --format coco_text",
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(help=prose(describe), epilog=EPILOG, no_args_is_help=True)(describe)


def describe(
    folder: Annotated[Path, typer.Argument(help="A folder of pictures with labels, or a label file.")],
    alphabet: Annotated[str | None, typer.Option(help="Tell which of the texts' characters it lacks.")] = None,
    format: Annotated[str | None, typer.Option(help="Of the labels.", show_default="found out")] = None,
    check_pictures: Annotated[int, typer.Option(min=0, help="How many pictures to open.")] = 500,
) -> None:
    """Checks a labelled folder.

    Tells its format, counts, sizes and characters, every label that does not parse with file, line and reason, and
    which training it is enough for. The exit code is 15 where there are problems.
    """
    # OpenCV, which the help does not need.
    from ocrsmith.alphabet import Alphabet
    from ocrsmith.data.formats import describe as summarise
    from ocrsmith.data.formats import read_labels

    letters = None if alphabet is None else Alphabet("".join(dict.fromkeys(alphabet)))
    summary = summarise(read_labels(folder, format), letters, check_pictures=check_pictures)
    write_text(f"{summary}\n")
    if summary.problems:
        raise SomeInputsFailedError(f"{len(summary.problems)} labels or pictures of {folder} cannot be used.")
