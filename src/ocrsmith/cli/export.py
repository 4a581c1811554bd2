"""`ocrsmith export`: a bundle from a run, from its best checkpoints so far, or from start weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ocrsmith.cli.terminal import examples, note, prose
from ocrsmith.errors import AlphabetError

EPILOG = examples(
    "ocrsmith export runs/meters --out meters.ocrsmith",
    "ocrsmith export runs/meters --full-precision --out meters32.ocrsmith",
    "ocrsmith export runs/meters --recipe meters.toml --out early.ocrsmith",
    "ocrsmith export --detector clovaai_general --recognizer english_g2 -o craft.ocrsmith",
    "ocrsmith export --recognizer ppocr_v6_small --alphabet ascii -o ppocr.ocrsmith",
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(help=prose(export), epilog=EPILOG, no_args_is_help=True)(export)


def export(
    out: Annotated[Path, typer.Option("--out", "-o", help="The bundle to write, FILE.ocrsmith.", show_default=False)],
    run: Annotated[Path | None, typer.Argument(help="The folder of a run.", show_default=False)] = None,
    recipe: Annotated[
        str | None, typer.Option(help="The run's recipe, where the run was stopped before its bundle.")
    ] = None,
    detector: Annotated[str | None, typer.Option(help="Start weights by name, or a bundle file.")] = None,
    recognizer: Annotated[str | None, typer.Option(help="Start weights by name, or a bundle file.")] = None,
    alphabet: Annotated[
        str | None,
        typer.Option(help="What --recognizer is cut down to: characters, or ascii.", show_default="all it knows"),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the bundle.", show_default="the file's")] = None,
    full_precision: Annotated[bool, typer.Option("--full-precision", help="Store weights in 32 bits, not 16.")] = False,
) -> None:
    """Writes a bundle: one file that a machine without PyTorch reads with.

    Every network is run beside PyTorch before it is written, and the greatest difference stands in the bundle's card.
    """
    if (run is None) == (detector is None and recognizer is None):
        raise typer.BadParameter("Give a run's folder, or --detector and --recognizer.")
    # PyTorch: seconds that no other command should wait for.
    from ocrsmith.alphabet import PRINTABLE_ASCII, Alphabet
    from ocrsmith.training.export_run import export_run, export_weights

    if run is not None:
        if alphabet is not None:
            raise AlphabetError("An alphabet came with a run, which has its own. Leave --alphabet out.")
        written = export_run(run, out, recipe=recipe, name=name, half_precision=not full_precision)
    else:
        letters = None if alphabet is None else Alphabet(PRINTABLE_ASCII if alphabet == "ascii" else alphabet)
        written = export_weights(
            out,
            detector=detector,
            recognizer=recognizer,
            alphabet=letters,
            name=name,
            half_precision=not full_precision,
        )
    note(f"{written}, {written.stat().st_size / 2**20:.1f} MiB; 'ocrsmith models card {written}' tells what is in it")
