"""Seeing a world: its samples on one sheet, with a quad round every character."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ocrsmith import images
from ocrsmith.samples import Image, LineSample, PageSample

CHARACTER_COLOUR = (40, 200, 60)
LINE_COLOUR = (230, 40, 40)
IGNORED_COLOUR = (60, 90, 255)


class SampleSource(Protocol):
    """A world, or any list of samples."""

    def __getitem__(self, index: int) -> PageSample | LineSample:
        """One sample."""
        ...


def drawn_labels(sample: PageSample) -> Image:
    """The picture with characters in green, lines in red, ignored lines in blue."""
    characters = [c.quad for instance in sample.instances for c in instance.characters or ()]
    image = images.draw_polygons(sample.image, characters, CHARACTER_COLOUR)
    image = images.draw_polygons(image, [t.polygon for t in sample.instances if not t.ignore], LINE_COLOUR)
    return images.draw_polygons(image, [t.polygon for t in sample.instances if t.ignore], IGNORED_COLOUR, 2)


def contact_sheet(world: SampleSource, count: int, *, columns: int = 0, start: int = 0) -> Image:
    """`count` samples from `start` on as one picture: pages with their quads drawn, lines with their text below."""
    samples = [world[start + index] for index in range(count)]
    pages = any(isinstance(sample, PageSample) for sample in samples)
    shown = [drawn_labels(s) if isinstance(s, PageSample) else s.image for s in samples]
    captions: Sequence[str] = [
        f"{start + i}: {len(s.instances)} lines" if isinstance(s, PageSample) else s.text for i, s in enumerate(samples)
    ]
    columns = columns or (4 if pages else 6)
    return images.contact_sheet(shown, columns, captions, cell=(400, 400) if pages else (260, 48))
