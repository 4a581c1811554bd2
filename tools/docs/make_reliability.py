"""Draws docs/pictures/reliability.png: how sure a bundle says it is, and how often it is right.

    python tools/docs/make_reliability.py --eval ../shared/eval english:words_iiit5k english:pages_pdf:4 ...

Each set is read once, or the first pictures of it where their number is given; its words are counted as the network has
them and under the bundle's calibration. Prints the rows of the table in docs/accuracy.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from ocrsmith.data.formats import read_labels
from ocrsmith.evaluation.calibration import CalibrationCounts, Outcomes, picture_outcomes
from ocrsmith.evaluation.curves import COLOURS
from ocrsmith.evaluation.text import TEXT_RULES
from ocrsmith.export.calibration import uncalibrated
from ocrsmith.reading.bundle import Bundle
from ocrsmith.reading.calibration import Calibration
from ocrsmith.reading.reader import Reader

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "reliability.png"


def measure(model: str, folder: Path, limit: int | None) -> tuple[tuple[CalibrationCounts, CalibrationCounts], str]:
    """A set's words as the network has them and under the bundle's calibration, and the table's row of them."""
    bundle = Bundle.load(model)
    reader = Reader(uncalibrated(bundle), engine="onnxruntime", threads=1)
    labelled = read_labels(folder)
    rule = TEXT_RULES["plates" if "plates" in folder.name else "letters_and_digits"]
    found = Outcomes()
    for entry in labelled.entries[:limit]:
        found += picture_outcomes(reader, entry, labelled.kind, rule)
    assert bundle.recognizer is not None
    calibrations = Calibration(), bundle.recognizer.calibration or Calibration()
    counts = found.under(calibrations[0]), found.under(calibrations[1])
    raw, right = (np.array(column, np.float64) for column in zip(*found.words))
    said = [calibration.word(raw) for calibration in calibrations]
    losses = [-np.log(np.clip(np.where(right > 0, sure, 1 - sure), 1e-6, 1)).mean() for sure in said]
    shares = [said[0].mean(), right.mean(), said[1].mean()]
    errors = [each.expected_error for each in counts]
    first, second, third, *rest = (f"{value:.3f}".lstrip("0") for value in (*shares, *errors, *losses))
    cells = [folder.name, f"{len(right):,}", f"{first} / {second}", third, *rest]
    return counts, "| " + " | ".join(cells) + " |"


def draw(path: Path, measured: dict[str, tuple[CalibrationCounts, CalibrationCounts]]) -> None:
    """Two plots beside each other, before and after; bins of fewer than five words are left out."""
    figure = Figure(figsize=(7.6, 4.4), layout="constrained")
    for place, title in enumerate(("as the network says", "calibrated")):
        axes = figure.add_subplot(1, 2, place + 1)
        axes.plot((0, 1), (0, 1), color="#808890", linewidth=1, linestyle=(0, (4, 3)))
        # More sets than colours: the others are dashed.
        looks = [(colour, style) for style in ("-", "--", ":") for colour in COLOURS]
        for (name, counts), (colour, style) in zip(measured.items(), looks):
            points = counts[place].curve().series["share right"]
            label = f"{name}, error {counts[place].expected_error:.3f}"
            axes.plot(
                *zip(*points), color=colour, linestyle=style, marker="o", markersize=3, linewidth=1.4, label=label
            )
        axes.set(title=title, xlabel="said", ylabel="right", xlim=(0, 1.02), ylim=(0, 1.02))
        axes.legend(fontsize=7, frameon=False, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.16))
        axes.grid(color="#808890", alpha=0.22, linewidth=0.7)
    figure.savefig(path, dpi=110)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", help="BUNDLE:SET or BUNDLE:SET:PICTURES")
    parser.add_argument("--eval", type=Path, required=True, help="the folder of labelled sets")
    parser.add_argument("--out", type=Path, default=PICTURE)
    options = parser.parse_args()
    measured = {}
    for pair in options.sets:
        model, name, limit = (*pair.split(":"), "")[:3]
        measured[name], row = measure(model, options.eval / name, int(limit) if limit else None)
        print(row, flush=True)
    draw(options.out, measured)


if __name__ == "__main__":
    main()
