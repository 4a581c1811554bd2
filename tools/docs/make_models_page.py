"""Writes docs/models.md from the packaged bundles' manifests: python tools/docs/make_models_page.py

Figures on real pictures that a card does not hold are those of the first table in docs/accuracy.md, which
`python benchmarks/accuracy.py` prints; speed is that of its table of speed, from
`python benchmarks/reading.py`. `python tools/docs/make_failures.py` draws the pictures of failures.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ocrsmith.reading.bundle import Bundle, find_bundle

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "models.md"
NAMES = ("english", "seven_segment", "english_from_nothing")
HEAD = """# Packaged models

Made by `tools/docs/make_models_page.py` from the bundles' own cards and the table of [accuracy](accuracy.md).
`ocrsmith models card NAME` prints a bundle's card. Where pages go wrong, with pictures: [limits](limits.md).
"""
# Keys of a card in the order of the page, and how they are called there.
FACTS = {
    "licence": "licence",
    "attribution": "attribution",
    "modifications": "changes",
    "data": "training data",
    "command": "made by",
    "machine": "on",
    "made": "made on",
    "limits": "limits",
}


def page() -> str:
    """The page in Markdown."""
    return "\n".join([HEAD, *(part for name in NAMES for part in _model(name))]).rstrip() + "\n"


def _model(name: str) -> Iterator[str]:
    bundle = Bundle.load(name)
    card = bundle.card
    yield f"## {name}\n\n{card['description']}\n"
    rows = [(called, _cell(card[key])) for key, called in FACTS.items() if key in card]
    unpacked = len(bundle.detector_bytes or b"") + len(bundle.recognizer_bytes or b"")
    size = f"{find_bundle(name).stat().st_size / 1e6:.1f} MB, its networks unpacked {unpacked / 1e6:.1f}"
    networks = "detector: {}; recognizer: {}".format(*_networks(bundle))
    yield _table(["", ""], [("file", size), ("networks", networks), *rows])
    starts = [
        (role, "nothing" if s["source"] == "none" else s["source"], s["licence"], s["attribution"])
        for role, s in card["start"].items()
    ]
    yield _table(["part", "started from", "licence", "attribution"], starts)
    if "training" in card:
        yield _table(["trained", "steps", "seconds", "validation score before", "after"], _trained(card["training"]))
    if bundle.recognizer is not None:
        characters = bundle.recognizer.alphabet.characters
        yield f"{len(characters)} characters:\n\n```text\n{_wrapped(''.join(characters))}\n```\n"
    yield from _scores(name, card)
    if "calibration" in card:
        yield _calibration(card["calibration"])
    yield _speed(name, bundle)
    yield (
        "Failures: the first lines of the held-out synthetic split that it misreads, not chosen by hand.\n\n"
        f"![what is written and what {name} reads](pictures/failures_{name}.jpg)\n"
    )


def _trained(training: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (role, f"{fit['steps']:,}", f"{fit['seconds']:.0f}", _score(fit["start_score"]), _score(fit["score"]))
        for role, fit in training.items()
    ]


def _scores(name: str, card: dict[str, Any]) -> Iterator[str]:
    if isinstance(card.get("scores"), list):
        rows = [
            (s["data"], s["measure"], _percent(s["before"]), _percent(s["after"]), f"{s['num_counted']:,}")
            for s in card["scores"]
        ]
        yield _table(["set", "measure", "before training", "after", "counted on"], rows)
    columns, rows = _rows("| set |")
    if name in columns:
        yield (
            "Pages: recall / precision / F of words (R: recall alone). Crops: caseless letters and digits / exact / "
            "character error rate. The other readers: [accuracy](accuracy.md).\n"
        )
        yield _table(["set", "counted", name], [(row[0], row[1], row[columns.index(name)]) for row in rows])


def _speed(name: str, bundle: Bundle) -> str:
    """The rows of the table of speed that are this bundle's, else those of one with the same networks."""
    columns, rows = _rows("| | forms_funsd |")
    own = [row for row in rows if row[0].split(",")[0] == name]
    if own:
        table = _table(["engine", *columns[1:]], [(row[0].partition(", ")[2], *row[1:]) for row in own])
        return f"Speed, a page of each set, two cores ([accuracy](accuracy.md#speed)):\n\n{table}"
    for row in rows:
        other = row[0].split(",")[0]
        if other in NAMES and _networks(Bundle.load(other)) == _networks(bundle):
            return f"Speed was not measured by itself: the networks are those of `{other}`, see there.\n"
    raise SystemExit(f"docs/accuracy.md has no speed of {name}, nor of a bundle with its networks. Measure it.")


def _networks(bundle: Bundle) -> list[str]:
    return [bundle.manifest[role]["network"]["name"] for role in ("detector", "recognizer")]


def _rows(start: str) -> tuple[list[str], list[list[str]]]:
    """(columns, rows) of the table of docs/accuracy.md whose first line starts so."""
    lines = (DOCS / "accuracy.md").read_text(encoding="utf-8").splitlines()
    heading = next(place for place, line in enumerate(lines) if line.startswith(start))
    end = next(place for place in range(heading, len(lines)) if not lines[place].startswith("|"))
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[heading:end]]
    return cells[0], cells[2:]


def _calibration(told: dict[str, Any]) -> str:
    error = told["held_out_error"]
    return (
        f"Confidences are calibrated on {told['words']:,} words of `{'`, `'.join(told['fitted_on'])}`; calibration "
        f"error {error['before']:.3f} before and {error['after']:.3f} after, on {error['words']:,} held-out words.\n"
    )


def _score(value: float | None) -> str:
    """Of a validation; a network from nothing has none before."""
    return "-" if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _wrapped(text: str, width: int = 100) -> str:
    return "\n".join(text[place : place + width] for place in range(0, len(text), width))


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|")


def _table(columns: list[str], rows: Sequence[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
