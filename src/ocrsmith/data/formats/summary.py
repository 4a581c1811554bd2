"""What a labelled folder holds, and which training fits it: read before anything is trained on it."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ocrsmith.alphabet import Alphabet, show
from ocrsmith.data.formats.labelled import Kind, LabelledFolder, Problem
from ocrsmith.errors import InputError
from ocrsmith.geometry import area, bounds, minimum_area_quad, quad_size
from ocrsmith.samples import TextInstance


@dataclass(frozen=True)
class Spread:
    """Least, median and greatest of a set of numbers; None of nothing."""

    least: float
    median: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        """The spread of values."""
        return cls(float(min(values)), float(np.median(values)), float(max(values))) if values else None

    def __str__(self) -> str:
        return f"{self.least:g} to {self.greatest:g}, median {self.median:g}"


@dataclass(frozen=True)
class FolderSummary:
    """Counts of a labelled folder.

    Texts are NFC. A "line" is a text with a space inside. Heights are of the polygons' smallest rectangles on pages and
    of the pictures themselves for crops, in pixels. `missing` are characters, with their counts, that the alphabet
    given to `describe` lacks after its own normalisation.
    """

    format: str
    kind: Kind
    num_pictures: int
    num_empty_pages: int = 0
    num_instances: int = 0
    num_legible: int = 0
    num_ignored: int = 0
    num_without_text: int = 0
    num_lines: int = 0
    num_with_characters: int = 0
    num_upright_boxes: int = 0
    num_quads: int = 0
    num_polygons: int = 0
    heights_px: Spread | None = None
    text_lengths: Spread | None = None
    characters: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    num_texts_not_covered: int = 0
    num_unreadable_pictures: int = 0
    problems: tuple[Problem, ...] = ()

    @property
    def level(self) -> str:
        """ "characters", "lines" (more than a fifth of the texts hold a space), "words", or "boxes" without texts."""
        if self.kind == "pages" and self.num_with_characters and self.num_with_characters == self.num_legible:
            return "characters"
        with_text = self.num_legible - self.num_without_text
        if with_text <= 0:
            return "boxes"
        return "lines" if self.num_lines > 0.2 * with_text else "words"

    def fits(self) -> tuple[str, ...]:
        """Which training the labels are enough for, each with its reason."""
        if self.kind == "crops":
            return ("recognizer: every crop has its text",)
        if not self.num_legible:
            return ("none: no legible text is labelled; the pages can serve as backgrounds without text",)
        by_level = {
            "characters": (
                "detector craft, fully supervised: every word has its character boxes",
                "detector db: every word has a polygon",
                "recognizer: words can be cut out with their texts",
            ),
            "words": (
                "detector craft, weakly supervised: words have polygons and texts to split",
                "detector db: every word has a polygon",
                "recognizer: words can be cut out with their texts",
            ),
            "lines": (
                "detector craft, weakly supervised: lines have polygons and texts to cut into words",
                "detector db: every line has a polygon",
                "recognizer: lines with spaces can be cut out with their texts",
            ),
            "boxes": ("detector db: there are polygons, but no texts",),
        }
        return by_level[self.level]

    def __str__(self) -> str:
        return "\n".join(_report(self))


def describe(folder: LabelledFolder, alphabet: Alphabet | None = None, *, check_pictures: int = 500) -> FolderSummary:
    """Summarises a folder from its labels, and the headers of its first `check_pictures` pictures.

    Args:
        folder: from `read_labels`.
        alphabet: names the characters that it lacks.
        check_pictures: how many pictures to open, spread over the folder; their pixels are not decoded.
    """
    instances = [instance for entry in folder.entries for instance in entry.instances]
    legible = [instance for instance in instances if not instance.ignore]
    if folder.kind == "crops":
        texts = [entry.text or "" for entry in folder.entries]
    else:
        texts = [instance.text for instance in legible]
    texts = [unicodedata.normalize("NFC", text) for text in texts]
    problems, sizes = list(folder.problems), []
    step = max(1, -(-len(folder.entries) // max(check_pictures, 1)))
    for entry in folder.entries[::step] if check_pictures else ():
        try:
            sizes.append(entry.source.size())
        except InputError as error:
            problems.append(Problem(entry.path, None, str(error)))
    heights = [float(h) for _, h in sizes] if folder.kind == "crops" else [_height(i) for i in legible]
    shapes = Counter(_shape(instance) for instance in instances)
    characters = Counter(character for text in texts for character in text)
    missing = Counter(character for text in texts for character in (alphabet.missing(text) if alphabet else ()))
    return FolderSummary(
        format=folder.format,
        kind=folder.kind,
        num_pictures=len(folder.entries),
        num_empty_pages=sum(folder.kind == "pages" and not entry.instances for entry in folder.entries),
        num_instances=len(instances),
        num_legible=len(texts),
        num_ignored=len(instances) - len(legible),
        num_without_text=sum(not text.strip() for text in texts),
        num_lines=sum(" " in text.strip() for text in texts),
        num_with_characters=sum(instance.characters is not None for instance in legible),
        num_upright_boxes=shapes["box"],
        num_quads=shapes["quad"],
        num_polygons=shapes["polygon"],
        heights_px=Spread.of([round(height, 1) for height in heights]),
        text_lengths=Spread.of([len(text) for text in texts]),
        characters=dict(sorted(characters.items())),
        missing=dict(missing.most_common()),
        num_texts_not_covered=sum(not alphabet.covers(text) for text in texts) if alphabet else 0,
        num_unreadable_pictures=len(problems) - len(folder.problems),
        problems=tuple(problems),
    )


def _height(instance: TextInstance) -> float:
    quad = instance.polygon if len(instance.polygon) == 4 else minimum_area_quad(instance.polygon)
    return quad_size(quad)[1]


def _shape(instance: TextInstance) -> str:
    if len(instance.polygon) != 4:
        return "polygon"
    left, top, right, bottom = bounds(instance.polygon)
    whole = (right - left) * (bottom - top)
    return "box" if whole > 0 and area(instance.polygon) > 0.995 * whole else "quad"


def _report(summary: FolderSummary) -> Iterator[str]:
    yield f"{summary.num_pictures:,} {summary.kind} with {summary.format} labels"
    if summary.kind == "pages":
        yield (
            f"{summary.num_instances:,} texts ({summary.level}): {summary.num_legible:,} legible, "
            f"{summary.num_ignored:,} ignored, {summary.num_without_text:,} without a text, "
            f"{summary.num_with_characters:,} with character boxes"
        )
        yield (
            f"shapes: {summary.num_upright_boxes:,} upright boxes, {summary.num_quads:,} quads, "
            f"{summary.num_polygons:,} polygons; {summary.num_empty_pages:,} pages without text"
        )
    yield f"heights in pixels: {summary.heights_px or 'unknown'}; characters a text: {summary.text_lengths or 'none'}"
    yield f"{len(summary.characters):,} different characters: {''.join(summary.characters)}"
    if summary.missing:
        yield f"{summary.num_texts_not_covered:,} texts do not fit the alphabet, which lacks {show(summary.missing)}"
    yield from (f"fits {fit}" for fit in summary.fits())
    if summary.problems:
        yield f"{len(summary.problems):,} problems:"
        yield from (f"  {problem}" for problem in summary.problems[:20])
        if len(summary.problems) > 20:
            yield f"  and {len(summary.problems) - 20:,} more"
