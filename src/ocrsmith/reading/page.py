"""What a reader returns: a page of lines of words of characters. Frozen; all coordinates are px of the picture read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ocrsmith.geometry import Polygon, Quad, enclosing_quad

JSON_VERSION = 1

# Of a PDF page's own text: whole, none at all, or characters that mean nothing.
LayerState = Literal["whole", "absent", "broken"]


@dataclass(frozen=True, eq=False)
class RecognizedCharacter:
    """One character of a crop; `start` and `stop` are shares (0 to 1) of the crop's width."""

    text: str
    confidence: float
    start: float
    stop: float


@dataclass(frozen=True, eq=False)
class Recognized:
    """The text of one crop; `confidence` is the mean of its characters', 0 for an empty text."""

    text: str
    confidence: float
    characters: Sequence[RecognizedCharacter]


@dataclass(frozen=True, eq=False)
class ReadCharacter:
    """One character on a page; its quad is estimated from the CTC alignment."""

    text: str
    quad: Quad
    confidence: float


@dataclass(frozen=True, eq=False)
class Word:
    """One word on a page: text without spaces, (P, 2) polygon, mean confidence of its characters.

    A reader makes a page's characters when those of any of its words are first looked at.
    """

    text: str
    polygon: Polygon
    confidence: float
    characters: Sequence[ReadCharacter] = ()

    @property
    def quad(self) -> Quad:
        """(4, 2), clockwise from the word's own top left."""
        if len(self.polygon) == 4:
            return self.polygon
        return enclosing_quad([character.quad for character in self.characters])


@dataclass(frozen=True, eq=False)
class Line:
    """Words in reading order."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The words, one space between."""
        return " ".join(word.text for word in self.words)

    @property
    def polygon(self) -> Quad:
        """The quad round the words' quads, in their reading direction."""
        return enclosing_quad([word.quad for word in self.words])

    @property
    def confidence(self) -> float:
        """The mean of the words' confidences, weighted by their characters."""
        weights = np.array([max(1, len(word.text)) for word in self.words], dtype=np.float64)
        return float(np.average([word.confidence for word in self.words], weights=weights))


@dataclass(frozen=True)
class LayerReport:
    """What became of a PDF page's text layer.

    Attributes:
        state: whether there is one, and whether its encoding is sound.
        used: whether the page's lines are the layer's and not read from the picture.
        agreement: the share (0 to 1) of words that the layer and the reading have in common; None where only one of
            them was looked at.
    """

    state: LayerState
    used: bool
    agreement: float | None = None


@dataclass(frozen=True, eq=False)
class Page:
    """A read picture.

    Attributes:
        lines: in reading order.
        size: (width, height) px of the picture.
        timings: seconds by stage.
        image: (H, W, 3) uint8 RGB, the picture itself; not part of `to_dict`.
        source: the name it was read from, "" where it had none.
        rotation: degrees, 0, 90, 180 or 270, by which the page lies turned clockwise in the picture.
        text_layer: what became of a PDF page's own text; None where it was not asked for.
    """

    lines: tuple[Line, ...]
    size: tuple[int, int]
    timings: dict[str, float] = field(default_factory=dict)
    image: NDArray[np.uint8] | None = None
    source: str = ""
    rotation: int = 0
    text_layer: LayerReport | None = None

    @property
    def words(self) -> tuple[Word, ...]:
        """Every word, in reading order."""
        return tuple(word for line in self.lines for word in line.words)

    @property
    def text(self) -> str:
        """The lines, one a row; "" for an empty page."""
        return "\n".join(line.text for line in self.lines)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able form; `Page.from_dict` reads it back. `ocrsmith.reading.outputs.json_output` has its schema."""
        return {
            "version": JSON_VERSION,
            "source": self.source,
            "width": self.size[0],
            "height": self.size[1],
            "rotation": self.rotation,
            "text_layer": asdict(self.text_layer) if self.text_layer is not None else None,
            "text": self.text,
            "lines": [
                {
                    "text": line.text,
                    "polygon": _points(line.polygon),
                    "confidence": _rounded(line.confidence),
                    "words": [_word_form(word) for word in line.words],
                }
                for line in self.lines
            ],
            "timings": {stage: round(seconds, 6) for stage, seconds in self.timings.items()},
        }

    @classmethod
    def from_dict(cls, form: dict[str, Any]) -> Page:
        """Reads what `to_dict` wrote (coordinates at a hundredth of a pixel, confidences at 1e-4)."""
        lines = tuple(Line(tuple(_word(word) for word in line["words"])) for line in form["lines"])
        layer = form.get("text_layer")
        return cls(
            lines,
            (form["width"], form["height"]),
            dict(form.get("timings", {})),
            source=form.get("source", ""),
            rotation=form.get("rotation", 0),
            text_layer=LayerReport(**layer) if layer is not None else None,
        )


def _points(points: ArrayLike) -> Any:
    """Coordinates (...) at a hundredth of a pixel, as lists; many at once, since a page has ten thousand."""
    return np.round(np.asarray(points, np.float64), 2).tolist()


def _rounded(confidence: float) -> float:
    return round(float(confidence), 4)


def _word_form(word: Word) -> dict[str, Any]:
    return {
        "text": word.text,
        "polygon": _points(word.polygon),
        "confidence": _rounded(word.confidence),
        "characters": [
            {"text": c.text, "polygon": points, "confidence": _rounded(c.confidence)}
            for c, points in zip(word.characters, _points([c.quad for c in word.characters]))
        ],
    }


def _word(form: dict[str, Any]) -> Word:
    characters = tuple(
        ReadCharacter(c["text"], np.array(c["polygon"], np.float32), c["confidence"])
        for c in form.get("characters", ())
    )
    return Word(form["text"], np.array(form["polygon"], np.float32), form["confidence"], characters)
