"""What a labelled picture is: the types that every floor passes on. Frozen, and checked when made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ocrsmith.errors import LabelError
from ocrsmith.geometry import Polygon, Quad, as_polygon, as_quad, enclosing_quad

Image = NDArray[np.uint8]  # (H, W, 3) RGB


def check_image(image: Any) -> Image:
    """Returns `image` if it is a uint8 RGB array (H, W, 3) with H, W >= 1; raises LabelError otherwise."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        came = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise LabelError(
            f"An image came as {came}. A uint8 RGB array of shape (H, W, 3) was expected. "
            "Read files with ocrsmith.images.read_image, which converts every kind."
        )
    if image.shape[0] == 0 or image.shape[1] == 0:
        raise LabelError(f"An image of shape {image.shape} has no pixels. Leave it out.")
    return image


@dataclass(frozen=True, eq=False)
class Character:
    """One written cluster: usually one character, more where a font joins them (a ligature, a combining mark)."""

    text: str
    quad: Quad  # (4, 2) float32 px, clockwise from the character's own top left

    def __post_init__(self) -> None:
        if not self.text:
            raise LabelError("A character came with an empty text. Every cluster has at least one character.")
        object.__setattr__(self, "quad", as_quad(self.quad))


def characters_of(texts: Sequence[str], quads: ArrayLike) -> tuple[Character, ...]:
    """Characters of texts and their quads (N, 4, 2), checked all at once: a page has thousands.

    Raises:
        LabelError: an empty text, quads of another shape or number, or a NaN or infinity among their points.
    """
    every = np.asarray(quads, np.float32)
    if every.shape != (len(texts), 4, 2) or not np.isfinite(every).all() or not all(texts):
        raise LabelError(
            f"{len(texts)} characters came with quads of shape {every.shape}. A text that is not empty and four finite "
            "points each were expected."
        )
    made = []
    for text, quad in zip(texts, every):
        character = object.__new__(Character)
        # What `object.__setattr__` does, in half the time.
        values = character.__dict__
        values["text"], values["quad"] = text, quad
        made.append(character)
    return tuple(made)


@dataclass(frozen=True, eq=False)
class TextInstance:
    """A word or a line on a page.

    `characters`, where known, are in reading order and cover `text` exactly, spaces included (a space's quad is its
    advance). `ignore` marks text that is not to be scored or trained on (illegible, cut off, unlabelled script).
    """

    polygon: Polygon  # (P, 2) float32 px
    text: str
    characters: tuple[Character, ...] | None = None
    ignore: bool = False
    confidence: float = 1.0

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "polygon", as_polygon(self.polygon))
        except ValueError as error:
            raise LabelError(f"The text {self.text!r} has a bad polygon. {error}") from error
        if not 0.0 <= self.confidence <= 1.0:
            raise LabelError(f"The text {self.text!r} has confidence {self.confidence}; it must lie in 0 to 1.")
        if self.characters is not None:
            object.__setattr__(self, "characters", tuple(self.characters))
            spelt = "".join([character.text for character in self.characters])
            if spelt != self.text:
                raise LabelError(f"The text {self.text!r} has characters that spell {spelt!r}. They must agree.")

    def words(self) -> list[TextInstance]:
        """Cuts an instance with characters at its spaces, one instance a word.

        Without characters it stays whole, if it has a text or is ignored.
        """
        if self.characters is None or " " not in self.text:
            return [self] if self.text.strip() or self.ignore else []
        groups: list[list[Character]] = [[]]
        for character in self.characters:
            if character.text.isspace():
                groups.append([])
            else:
                groups[-1].append(character)
        return [
            TextInstance(
                polygon=enclosing_quad([c.quad for c in group]),
                text="".join(c.text for c in group),
                characters=tuple(group),
                ignore=self.ignore,
                confidence=self.confidence,
            )
            for group in groups
            if group
        ]


@dataclass(frozen=True, eq=False)
class PageSample:
    """A picture with its texts: what a detector and a whole reader are trained and measured on."""

    image: Image
    instances: tuple[TextInstance, ...]

    def __post_init__(self) -> None:
        check_image(self.image)
        object.__setattr__(self, "instances", tuple(self.instances))


@dataclass(frozen=True, eq=False)
class LineSample:
    """One word or line cut out, upright, with its text: what a recogniser is trained and measured on.

    `characters`, where known (drawn text knows them, real crops mostly do not), spell `text` in its order with quads in
    the crop's own px; some may reach beyond it.
    """

    image: Image
    text: str
    characters: tuple[Character, ...] | None = None

    def __post_init__(self) -> None:
        check_image(self.image)
        if self.characters is not None:
            object.__setattr__(self, "characters", tuple(self.characters))
            spelt = "".join([character.text for character in self.characters])
            if spelt != self.text:
                raise LabelError(f"The line {self.text!r} has characters that spell {spelt!r}. They must agree.")
