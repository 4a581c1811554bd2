"""`ocrsmith synth`: a recipe's samples, as one sheet to look at or as a data set on disk."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocrsmith.cli.terminal import examples, note, progress_bar, prose
from ocrsmith.errors import RecipeError

if TYPE_CHECKING:
    from ocrsmith.synth.world import World
    from ocrsmith.training.worlds import Materials


class Samples(StrEnum):
    """Which of a recipe's two worlds."""

    pages = "pages"
    lines = "lines"


class SplitName(StrEnum):
    """Which fonts, backgrounds and words."""

    train = "train"
    validation = "validation"
    test = "test"


class DatasetFormat(StrEnum):
    """The names of `ocrsmith.data.formats.WRITERS`, written again because that module loads OpenCV."""

    jsonl = "jsonl"
    icdar = "icdar"
    paddleocr = "paddleocr"
    crops = "crops"
    lmdb = "lmdb"
    webdataset = "webdataset"
    parquet = "parquet"


EPILOG = examples(
    "ocrsmith synth meters.toml --preview sheet.png",
    "ocrsmith synth meters.toml --preview sheet.png --what lines",
    "ocrsmith synth meters.toml --preview world.html --compare my_photos",
    "ocrsmith synth meters.toml --out data/ --count 1000",
    "ocrsmith synth meters.toml --out db/ --count 50000 --what lines --format lmdb",
    "ocrsmith synth meters.toml --out big/ --count 1000000 --format parquet --jpeg --workers 8",
    "ocrsmith synth meters.toml --out test/ --count 200 --split test",
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(help=prose(synth), epilog=EPILOG, no_args_is_help=True)(synth)


def synth(
    recipe: Annotated[str, typer.Argument(help="A TOML recipe, or the name of a packaged one.", show_default=False)],
    preview: Annotated[
        Path | None, typer.Option(help="Write one PNG with samples and their boxes, or one HTML page with tallies too.")
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(help="A folder of your labelled pictures, whose sizes and contrasts the HTML page shows."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write a data set into this folder.")] = None,
    count: Annotated[
        int | None, typer.Option("--count", "-n", min=1, help="How many.", show_default="16 on a sheet")
    ] = None,
    format: Annotated[DatasetFormat, typer.Option("--format", "-f", help="The layout of --out.")] = DatasetFormat.jsonl,
    what: Annotated[Samples | None, typer.Option(help="Which samples.", show_default="pages if there are")] = None,
    split: Annotated[SplitName, typer.Option(help="Which fonts, backgrounds and words.")] = SplitName.train,
    start: Annotated[int, typer.Option(min=0, help="The first sample of --preview.")] = 0,
    jpeg: Annotated[bool, typer.Option("--jpeg", help="Write JPEG instead of PNG, a tenth of the size.")] = False,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that draw for --out; the samples are the same with any number.")
    ] = 0,
) -> None:
    """Draws a recipe's samples without training.

    Sample i of a recipe is always the same. A data set that was interrupted goes on with the same command.
    """
    if (preview is None) == (out is None):
        raise typer.BadParameter("Give --preview SHEET.png or --out FOLDER.")
    as_page = preview is not None and preview.suffix.lower() in (".html", ".htm")
    if compare is not None and not as_page:
        raise typer.BadParameter("--compare goes with --preview PAGE.html.")
    if out is not None and count is None:
        raise typer.BadParameter("Give --count: how many samples the folder is to hold.")
    # Fonts, shaping, OpenCV and pydantic, which the help does not need.
    from ocrsmith.images import write_image
    from ocrsmith.synth.preview import contact_sheet

    materials, world = _world(recipe, what, split)
    if preview is not None and as_page:
        _write_page(world, preview, count or 24, start, compare)
    elif preview is not None:
        count = count or 16
        write_image(preview, contact_sheet(world, count, start=start))
        note(f"{count} samples on {preview}; {world.tally}")
    elif out is not None and count is not None:
        _write(world, out, format, count, ".jpg" if jpeg else ".png", workers)
    left_out = _left_out(materials, world)
    if left_out:
        note(f"Left out as they cannot be read: {left_out}")


def _world(recipe: str, what: Samples | None, split: SplitName) -> tuple[Materials, World[Any]]:
    from ocrsmith.training.recipe_loading import load_recipe
    from ocrsmith.training.worlds import Materials

    loaded = load_recipe(recipe)
    materials = Materials(loaded)
    if what is None:
        what = Samples.pages if loaded.detector is not None else Samples.lines
    if what is Samples.pages and loaded.detector is not None:
        return materials, materials.detector_world(loaded.detector, split.value)
    if what is Samples.lines and loaded.recognizer is not None:
        return materials, materials.recognizer_world(loaded.recognizer, split.value)
    table = "detector" if what is Samples.pages else "recognizer"
    raise RecipeError(f"The recipe {loaded.name} draws no {what.value}: it has no [{table}] table. Add one.")


def _left_out(materials: Materials, world: World[Any]) -> str:
    """Fonts, photographs and PDFs that are damaged, counted with an example each; "" where there are none."""
    fonts = {path: reason for path, reason in materials.fonts.refused.items() if "cannot be read" in reason}
    photographs: dict[str, str] = {}
    documents: dict[str, str] = {}
    for scene in world.scenes:
        photographs |= getattr(getattr(scene, "backgrounds", None), "refused", {})
        documents |= getattr(scene, "skipped", {})
    kinds = (("fonts", fonts), ("photographs", photographs), ("PDFs", documents))
    return ", ".join(f"{len(found)} {name} (such as {next(iter(found))})" for name, found in kinds if found)


def _write_page(world: World[Any], path: Path, count: int, start: int, compare: Path | None) -> None:
    from ocrsmith.data.formats import read_labels
    from ocrsmith.synth.preview_page import write_preview

    reference = []
    if compare is not None:
        folder = read_labels(compare)
        reference = [one.line_sample() if folder.kind == "crops" else one.page_sample() for one in folder.entries]
    write_preview(world, path, count, reference, start=start)
    note(f"{count} samples on {path}; {world.tally}")


def _write(world: World[Any], out: Path, format: DatasetFormat, count: int, suffix: str, workers: int) -> None:
    from ocrsmith.data.formats import write_dataset

    with progress_bar("Drawing", count) as advance:
        result = write_dataset(world, out, format.value, count=count, suffix=suffix, workers=workers, progress=advance)
    before = f", {result.num_skipped} were there" if result.num_skipped else ""
    note(f"{result.num_written} samples written to {out}{before}; {world.tally}")
    if result.num_written:
        note(world.tally.balance())
