"""The page with what was read drawn on it."""

from __future__ import annotations

from collections.abc import Sequence

from ocrsmith.errors import InputError
from ocrsmith.images import draw_polygons, encode_image
from ocrsmith.reading.page import Page
from ocrsmith.samples import Image

# Sure words are green, unsure ones orange, and lines thin blue.
SURE, UNSURE, LINE = (20, 150, 60), (235, 120, 20), (60, 110, 230)
SURE_ABOVE = 0.9


def drawn(page: Page) -> Image:
    """A copy of the page's picture with its lines and words outlined; InputError where the page carries no picture."""
    if page.image is None:
        raise InputError("A page came without its picture, so nothing can be drawn on it. Read the picture again.")
    thickness = max(1, round(min(page.size) / 700))
    canvas = draw_polygons(page.image, [line.polygon for line in page.lines if len(line.words) > 1], LINE, thickness)
    for colour, wanted in ((SURE, True), (UNSURE, False)):
        polygons = [word.polygon for word in page.words if (word.confidence >= SURE_ABOVE) == wanted]
        canvas = draw_polygons(canvas, polygons, colour, thickness)
    return canvas


def picture_output(pages: Sequence[Page]) -> bytes:
    """PNG of one page with its words drawn: green where confidence is at least 0.9, orange below, lines blue."""
    if len(pages) != 1:
        raise InputError(f"{len(pages)} pages came for one picture. Write one file a page.")
    return encode_image(drawn(pages[0]), ".png")
