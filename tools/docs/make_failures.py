"""Makes the pictures of failures in docs/models.md: drawn lines of the held-out split that the bundles read wrongly.

    python tools/docs/make_failures.py

The samples are those of the recipe's test split, in their order, so that what is shown was not picked by hand.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ocrsmith.images import contact_sheet, write_image
from ocrsmith.reading.reader import Reader
from ocrsmith.samples import LineSample
from ocrsmith.training.recipe_loading import load_recipe
from ocrsmith.training.worlds import Materials

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
# Bundle -> the recipe whose lines it is shown.
RECIPES = {
    "english": "english_words",
    "seven_segment": "seven_segment",
    "english_from_nothing": "english_from_nothing",
}
SHOWN, COLUMNS, CELL = 12, 3, (380, 64)
MOST_READ, BATCH = 1200, 40


def failures(name: str) -> tuple[list[tuple[LineSample, str]], int]:
    """The first lines that a bundle misreads, each with what it read, and how many lines it was shown for them."""
    recipe = load_recipe(RECIPES[name])
    assert recipe.recognizer is not None
    world = Materials(recipe).recognizer_world(recipe.recognizer, "test")
    reader = Reader(name)
    found: list[tuple[LineSample, str]] = []
    for start in range(0, MOST_READ, BATCH):
        samples = [world[index] for index in range(start, start + BATCH)]
        read = reader.recognize([sample.image for sample in samples])
        for place, (sample, text) in enumerate(zip(samples, read, strict=True)):
            if sample.text != text.text:
                found.append((sample, text.text))
            if len(found) == SHOWN:
                return found, start + place + 1
    return found, MOST_READ


def main() -> None:
    """Writes a picture for each bundle."""
    for name in RECIPES:
        found, num_read = failures(name)
        captions = [f"{sample.text}   read as   {text or '(nothing)'}" for sample, text in found]
        sheet = contact_sheet([sample.image for sample, _ in found], COLUMNS, captions, cell=CELL)
        write_image(PICTURES / f"failures_{name}.jpg", sheet)
        sys.stdout.write(f"{name}: {len(found)} of {num_read} lines\n")


if __name__ == "__main__":
    main()
