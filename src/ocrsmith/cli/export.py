"""`ocrsmith export`: a bundle from a run, from its best checkpoints so far, or from start weights."""

from __future__ import annotations

import tempfile
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
    "ocrsmith export old.ocrsmith -o new.ocrsmith",
    "ocrsmith export english --int8 --recipe english_words -o english_int8.ocrsmith",
    "ocrsmith export english --int8 --pictures pages/ -o english_int8.ocrsmith",
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(help=prose(export), epilog=EPILOG, no_args_is_help=True)(export)


def export(
    out: Annotated[Path, typer.Option("--out", "-o", help="The bundle to write, FILE.ocrsmith.", show_default=False)],
    run: Annotated[
        Path | None, typer.Argument(help="The folder of a run, or a bundle to write anew.", show_default=False)
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="The run's recipe, where the run was stopped before its bundle; lines are drawn of for --int8."
        ),
    ] = None,
    detector: Annotated[str | None, typer.Option(help="Start weights by name, or a bundle file.")] = None,
    recognizer: Annotated[str | None, typer.Option(help="Start weights by name, or a bundle file.")] = None,
    alphabet: Annotated[
        str | None,
        typer.Option(help="What --recognizer is cut down to: characters, or ascii.", show_default="all it knows"),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the bundle.", show_default="the file's")] = None,
    full_precision: Annotated[bool, typer.Option("--full-precision", help="Store weights in 32 bits, not 16.")] = False,
    int8: Annotated[bool, typer.Option("--int8", help="Compute in 8 bits; needs --pictures or --recipe.")] = False,
    pictures: Annotated[
        Path | None, typer.Option(help="Labelled pictures: half set the rounding for --int8, half are measured.")
    ] = None,
    largest_loss: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="With --int8: how far the score may fall.")
    ] = 0.01,
) -> None:
    """Writes a bundle: one file that a machine without PyTorch reads with.

    From a run, from start weights, or from another bundle, whose networks are written as this version computes them.
    Every network is run beside PyTorch before it is written, and the greatest difference stands in the bundle's card.
    With --int8 the score on pictures before and after stands there too, and a bundle that reads worse is refused. Lines
    are drawn of a recipe where no pictures are given. They and crops round the recogniser alone.
    """
    if pictures is not None and not int8:
        raise typer.BadParameter("--pictures belong to --int8.")
    if int8 and pictures is None and recipe is None:
        raise typer.BadParameter("--int8 needs --pictures, or a --recipe whose lines are drawn.")
    if (run is None) == (detector is None and recognizer is None):
        raise typer.BadParameter("Give a run's folder or a bundle, or --detector and --recognizer.")
    if int8 and run is not None and not run.is_dir():
        _round(str(run), out, pictures, recipe, largest_loss)
        return
    with tempfile.TemporaryDirectory() as folder:
        # What is only a step towards 8 bits does not stay where the result is expected.
        target = Path(folder) / out.name if int8 else out
        written = _export(run, target, recipe, detector, recognizer, alphabet, name, half_precision=not full_precision)
        if int8:
            _round(str(written), out, pictures, recipe, largest_loss)
            return
    note(f"{written}, {written.stat().st_size / 2**20:.1f} MiB; 'ocrsmith models card {written}' tells what is in it")


def _export(
    run: Path | None,
    out: Path,
    recipe: str | None,
    detector: str | None,
    recognizer: str | None,
    alphabet: str | None,
    name: str | None,
    *,
    half_precision: bool,
) -> Path:
    # PyTorch: seconds that no other command should wait for.
    from ocrsmith.alphabet import PRINTABLE_ASCII, Alphabet
    from ocrsmith.training.export_run import export_bundle_anew, export_run, export_weights

    if run is not None:
        if alphabet is not None:
            raise AlphabetError("An alphabet came with a run, which has its own. Leave --alphabet out.")
        if recipe is None and not run.is_dir():
            return export_bundle_anew(str(run), out, name=name, half_precision=half_precision)
        return export_run(run, out, recipe=recipe, name=name, half_precision=half_precision)
    letters = None if alphabet is None else Alphabet(PRINTABLE_ASCII if alphabet == "ascii" else alphabet)
    return export_weights(
        out, detector=detector, recognizer=recognizer, alphabet=letters, name=name, half_precision=half_precision
    )


def _round(model: str, out: Path, pictures: Path | None, recipe: str | None, largest_loss: float) -> None:
    """Writes a bundle in 8 bits and tells what that cost; what reads worse is not written."""
    # Shapely, RapidFuzz and ONNX, which the help does not need.
    from ocrsmith.data.formats import read_labels
    from ocrsmith.export.int8 import write_int8
    from ocrsmith.reading.bundle import Bundle
    from ocrsmith.training.drawn_lines import draw_lines
    from ocrsmith.training.recipe_loading import load_recipe
    from ocrsmith.training.worlds import Materials

    bundle = Bundle.load(model)
    with tempfile.TemporaryDirectory() as folder:
        if pictures is None:
            assert recipe is not None
            note(f"drawing lines of {recipe}")
            pictures = draw_lines(Materials(load_recipe(recipe)), Path(folder) / f"drawn_{Path(recipe).stem}")
        written, cost = write_int8(bundle, out, read_labels(pictures), largest_loss=largest_loss, progress=note)
    note(
        f"{written}: {cost.measure} {cost.before:.3f} before, {cost.after:.3f} in 8 bits "
        f"({cost.num_counted:,} counted); "
        f"{1000 * cost.seconds_before:.1f} ms a picture before, {1000 * cost.seconds_after:.1f} ms in 8 bits"
    )
