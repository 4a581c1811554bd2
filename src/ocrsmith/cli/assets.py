"""`ocrsmith assets`: the fonts, backgrounds, words, recipes and bundles that come with the package."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from ocrsmith.cli.terminal import examples, note, show, table
from ocrsmith.errors import InputError
from ocrsmith.settings import package_assets_dir

EPILOG = examples(
    "ocrsmith assets                                counts and licences",
    "ocrsmith assets fonts --alphabet 0123456789.-  which fonts draw them",
    "ocrsmith assets fonts --alphabet ăâîșț --folder system",
    "ocrsmith assets fetch keras-ocr                2,746 fonts, 1,035 pictures",
)

assets = typer.Typer(
    help="Tells which fonts, backgrounds, words and recipes there are, with their licences.",
    epilog=EPILOG,
    invoke_without_command=True,
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.add_typer(assets, name="assets")


@assets.callback()
def _list(context: typer.Context) -> None:
    if context.invoked_subcommand is not None:
        return
    folder = package_assets_dir()
    show(table("Fonts", ["category", "families", "licences"], _fonts(folder / "fonts"), numbers=[1]), "")
    show(table("Backgrounds", ["licence", "pictures"], _backgrounds(folder / "backgrounds"), numbers=[1]), "")
    words = sorted((folder / "words").glob("*.tsv.xz"))
    show(
        table("Words", ["list", "words", "licences"], [(_stem(p), f"{_num_lines(p):,}", _LICENCES) for p in words]), ""
    )
    recipes = [(path.stem, _first_comment(path)) for path in sorted((folder / "recipes").glob("*.toml"))]
    show(table("Recipes", ["name", "about"], recipes), "")
    note(f"The files, with every licence and attribution: {folder}")


_LICENCES = "see words/ATTRIBUTION.md"


def _fonts(folder: Path) -> list[tuple[str, int, str]]:
    counts: Counter[str] = Counter()
    licences: dict[str, set[str]] = {}
    for row in _table(folder / "ATTRIBUTION.tsv"):
        counts[row["category"]] += 1
        licences.setdefault(row["category"], set()).add(row["licence"])
    rows = [(name, counts[name], ", ".join(sorted(licences[name]))) for name in sorted(counts)]
    return [*rows, ("all", counts.total(), "")]


def _backgrounds(folder: Path) -> list[tuple[str, int]]:
    try:
        entries = json.loads((folder / "backgrounds.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"The table in {folder} cannot be read ({error}). Install ocrsmith again.") from None
    counts = Counter(str(entry["licence"]) for entry in entries)
    return [*sorted(counts.items()), ("all", counts.total())]


def _table(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, delimiter="\t"))
    except OSError as error:
        raise InputError(f"The table {path} cannot be read ({error}). Install ocrsmith again.") from None


def _stem(path: Path) -> str:
    return path.name.partition(".")[0]


def _num_lines(path: Path) -> int:
    import lzma  # loaded only to count

    with lzma.open(path, "rt", encoding="utf-8") as file:
        return sum(1 for _ in file)


def _first_comment(path: Path) -> str:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("#").strip()


@assets.command(epilog=EPILOG)
def fonts(
    alphabet: Annotated[str, typer.Option(help="The characters that a font must draw.", show_default=False)],
    folder: Annotated[
        list[str] | None, typer.Option(help="builtin, system, or a folder; may be repeated.", show_default="builtin")
    ] = None,
    include: Annotated[list[str] | None, typer.Option(help="Only fonts with this in their name.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="No fonts with this in their name.")] = None,
    category: Annotated[list[str] | None, typer.Option(help="serif, sans, mono, segment, ...")] = None,
    all_refused: Annotated[bool, typer.Option("--refused", help="List the refused ones too, each with why.")] = False,
) -> None:
    """Lists the fonts that draw every character of an alphabet, checked glyph by glyph."""
    # The font libraries, which the help does not need.
    from ocrsmith.synth.fonts import search_fonts

    found = search_fonts(folder or ["builtin"], alphabet, include or (), exclude or (), category or ())
    rows = [(face.family, face.style, face.category, face.path) for face in found.faces]
    show(table("Fonts", ["family", "style", "category", "file"], rows))
    if all_refused:
        show(table("Refused", ["file", "why"], sorted(found.refused.items())))
    families = {face.family for face in found.faces}
    note(f"{len(rows)} faces of {len(families)} families draw it; {len(found.refused)} faces do not")


@assets.command(epilog=EPILOG)
def fetch(
    name: Annotated[str, typer.Argument(help="keras-ocr: the fonts and backgrounds of its release.")],
) -> None:
    """Downloads assets that do not come with the package, verified, into the cache."""
    if name != "keras-ocr":
        raise typer.BadParameter(f"{name!r} is not known. Only keras-ocr can be fetched.")
    # Only for downloads.
    from ocrsmith.synth.keras_ocr_assets import keras_ocr_backgrounds, keras_ocr_fonts

    note("Fetching keras-ocr's fonts and backgrounds; what is in the cache already is not fetched again")
    show(f"fonts        {keras_ocr_fonts()}")
    show(f"backgrounds  {keras_ocr_backgrounds()}")
