"""Sheets of a recipe's samples: what a user should look at before a training takes its minutes."""

from __future__ import annotations

from pathlib import Path

from ocrsmith.images import contact_sheet, draw_polygons, write_image
from ocrsmith.samples import Image, PageSample
from ocrsmith.training.recipe import Recipe
from ocrsmith.training.worlds import Materials

NUM_PAGES, NUM_LINES = 6, 40


def write_previews(folder: Path, recipe: Recipe, materials: Materials) -> list[Path]:
    """Writes pages.png, characters' quads drawn, and lines.png, texts below, as far as the recipe has their worlds."""
    written = []
    if recipe.detector is not None:
        pages = materials.detector_world(recipe.detector, "train")
        drawn = [draw_characters(pages[index]) for index in range(NUM_PAGES)]
        written.append(write_image(folder / "pages.png", contact_sheet(drawn, 3, cell=(480, 480))))
    if recipe.recognizer is not None:
        lines = materials.recognizer_world(recipe.recognizer, "train")
        samples = [lines[index] for index in range(NUM_LINES)]
        sheet = contact_sheet(
            [sample.image for sample in samples], 5, [sample.text for sample in samples], cell=(240, 48)
        )
        written.append(write_image(folder / "lines.png", sheet))
    return written


def draw_characters(sample: PageSample) -> Image:
    """The page with its characters' quads in green, and what is to be ignored in grey."""
    quads = [c.quad for instance in sample.instances if not instance.ignore for c in instance.characters or ()]
    ignored = [instance.polygon for instance in sample.instances if instance.ignore]
    image = draw_polygons(sample.image, quads, colour=(30, 180, 70))
    return draw_polygons(image, ignored, colour=(140, 140, 140))
