"""`ocrsmith train`: a recipe in, a measured bundle and its report out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ocrsmith.cli.terminal import examples, prose


class Accelerator(StrEnum):
    """Where the training runs."""

    auto = "auto"
    cpu = "cpu"
    gpu = "gpu"


EPILOG = examples(
    "ocrsmith train seven_segment              a packaged recipe",
    "ocrsmith train meters.toml --minutes 60   longer than the recipe says",
    "ocrsmith train meters.toml --out runs/b   a folder of its own",
    "ocrsmith train meters.toml --pictures my_photos   measured on, never trained on",
    "ocrsmith train fine_tune --real my_photos          a packaged reader made better on your own pictures",
    "ocrsmith train meters.toml                again, after Ctrl-C: it goes on",
    "ocrsmith train meters.toml --restart      from the beginning",
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(help=prose(train), epilog=EPILOG, no_args_is_help=True)(train)


def train(
    recipe: Annotated[str, typer.Argument(help="A TOML recipe, or the name of a packaged one.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Everything is written there.", show_default="runs/NAME")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.0, help="For everything together.", show_default="the recipe's")
    ] = None,
    pictures: Annotated[
        list[Path] | None,
        typer.Option(help="A folder of your own labelled pictures to measure on, before and after; repeatable."),
    ] = None,
    real: Annotated[
        list[Path] | None,
        typer.Option(help="A folder of your own labelled pictures to train on, part of it held back; repeatable."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(help="What every network starts from: a bundle, or start weights.", show_default="the recipe's"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Processes that draw samples; it changes none.", show_default="processors less one"),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", "--no-resume", help="Start over instead of going on with a run in the folder.")
    ] = False,
    accelerator: Annotated[Accelerator, typer.Option(help="Where the training runs.")] = Accelerator.auto,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No bars and no tables.")] = False,
    open_report: Annotated[bool, typer.Option("--open", help="Open the report in a browser at the end.")] = False,
) -> None:
    """Trains a reader from a recipe.

    Draws samples, trains the detector and the recogniser, exports a bundle, measures it before and after, and writes
    a report. A run that is stopped at any moment goes on with the same command.
    """
    # PyTorch and Lightning: seconds that no other command should wait for.
    from ocrsmith.training.run import train as train_recipe

    result = train_recipe(
        recipe,
        out,
        minutes=minutes,
        workers=workers,
        resume=not restart,
        accelerator=accelerator.value,
        progress=not quiet,
        pictures=pictures or (),
        real=real or (),
        start=start,
    )
    if open_report:
        typer.launch(result.report.resolve().as_uri())
