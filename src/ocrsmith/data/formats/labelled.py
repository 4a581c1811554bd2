"""What a folder of labelled pictures is, whatever format it was written in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from numpy.typing import ArrayLike

from ocrsmith.data.formats.pictures import PictureSource
from ocrsmith.errors import LabelError
from ocrsmith.geometry import Polygon, as_polygon
from ocrsmith.samples import Character, Image, LineSample, PageSample, TextInstance

Kind = Literal["pages", "crops"]


@dataclass(frozen=True)
class Problem:
    """A label that was left out: the file, its line (from 1; None where the whole file is meant) and the reason."""

    file: Path
    line: int | None
    reason: str

    def __str__(self) -> str:
        return f"{self.file}{'' if self.line is None else f':{self.line}'}: {self.reason}"


@dataclass(frozen=True, eq=False, slots=True)
class LabelledPicture:
    """One picture with its labels; the pixels are read only when asked for.

    A page has `instances` (no text stands there where it is empty) and `text` None; a crop has `text`.
    """

    source: PictureSource
    instances: tuple[TextInstance, ...] = ()
    text: str | None = None

    @property
    def name(self) -> str:
        """How the picture is called in lists: its path, or its container and its key."""
        return self.source.name

    @property
    def path(self) -> Path:
        """The picture's file, or the container's that it lies in."""
        return self.source.path

    def image(self) -> Image:
        """Reads the pixels: uint8 RGB (H, W, 3); raises InputError where they cannot be read."""
        return self.source.read()

    def page_sample(self) -> PageSample:
        """The picture with its instances, pixels read."""
        return PageSample(self.image(), self.instances)

    def line_sample(self) -> LineSample:
        """The crop with its text, pixels read; raises LabelError for a page."""
        if self.text is None:
            raise LabelError(f"{self.name} is a page. A crop with one text was expected: cut its words out first.")
        return LineSample(self.image(), self.text)


@dataclass(frozen=True, eq=False)
class LabelledFolder:
    """Every picture of a folder that has labels, and every label that could not be read."""

    path: Path
    format: str
    kind: Kind
    entries: Sequence[LabelledPicture]
    problems: Sequence[Problem] = field(default_factory=tuple)

    def __len__(self) -> int:
        return len(self.entries)


def note_problem(problems: list[Problem], file: Path, line: int | None, reason: str) -> None:
    """Adds a problem; with `functools.partial` the callback for a reader of single words."""
    problems.append(Problem(file, line, reason))


class BadLabel(ValueError):
    """One label that does not parse; readers turn it into a Problem and go on."""


def checked_polygon(points: Any) -> Polygon:
    """(P, 2) float32 px from nested or flat [x, y, x, y, ...] numbers; raises BadLabel."""
    try:
        if isinstance(points, Sequence) and points and not isinstance(points[0], (Sequence, dict)):
            points = list(zip(points[::2], points[1::2], strict=True))
        polygon = as_polygon(points)
    except (ValueError, TypeError, OverflowError) as error:
        raise BadLabel(f"the polygon is not a list of at least three finite (x, y) points ({error})") from None
    if not 0 <= abs(polygon).max() < 1e7:
        raise BadLabel("the polygon has coordinates past 10,000,000 pixels")
    return polygon


def checked_text(text: str) -> str:
    """The text, where UTF-8 can write it; raises BadLabel for half of a surrogate pair, which JSON lets through."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadLabel(f"the text {text!r} holds half of a surrogate pair") from None
    return text


def make_instance(
    points: ArrayLike | Polygon,
    text: str,
    *,
    ignore: bool = False,
    characters: Sequence[tuple[str, Any]] | None = None,
) -> TextInstance:
    """A checked instance; raises BadLabel with the reason."""
    if not isinstance(text, str):
        raise BadLabel(f"the text came as {type(text).__name__} {text!r}; a string was expected")
    checked_text(text)
    try:
        made = None if characters is None else tuple(Character(c, checked_polygon(quad)) for c, quad in characters)
        return TextInstance(checked_polygon(points), text, made, bool(ignore))
    except BadLabel:
        raise
    except (LabelError, ValueError, TypeError) as error:
        raise BadLabel(str(error)) from None
