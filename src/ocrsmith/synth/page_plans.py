"""The drawn choices of a document's page as data: frozen, comparable, written to JSON and read back equal.

All coordinates are px of the flat page, before `bends` bend it and `matrix` sends it to the picture.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from ocrsmith.errors import LabelError
from ocrsmith.synth.font_stretches import Stretch
from ocrsmith.synth.scene_plans import BlockPlan, Box, Colour, block_from_form, tuples_of
from ocrsmith.synth.warp_plans import WarpStep


@dataclass(frozen=True)
class TextPlan:
    """One line in one font and ink: its words, in reading order, each with its pen's start `xs` on the baseline `y`.

    `others` are the stretches that `font` lacks, as (word, (start, end, font)), in order.
    """

    words: tuple[str, ...]
    font: str
    size_px: float
    colour: Colour
    xs: tuple[int, ...]
    y: int
    letter_spacing_px: float = 0.0
    others: tuple[tuple[int, Stretch], ...] = ()


@dataclass(frozen=True)
class MarkPlan:
    """A mark that is no text, `over` text or under it.

    `kind` is "fill" (a box; a rule is a thin one), "outline" (of a box), "ellipse" (its outline), "cross" or "tick".
    """

    kind: str
    box: Box
    colour: Colour
    thickness_px: int = 1
    over: bool = False


@dataclass(frozen=True)
class PaperPlan:
    """The sheet: its colour, and how strong its grain and its clouds are (grey levels)."""

    colour: Colour
    grain: float
    clouds: float
    seed: int


@dataclass(frozen=True)
class DocumentPlan:
    """Everything that a page is rendered from.

    Attributes:
        kind: which layout drew it.
        width, height: px of the picture. page_width, page_height: px of the flat page, seen or not.
        dpi: px an inch of paper. body_px: the em of the running text.
        spaced: whether words of a line are joined by spaces, so that a line is one instance.
        matrix: page px to picture px, nine floats row by row; a whole shift where the page lies level.
        bends: what curls, folds or crumples the sheet before `matrix`; none where it lies flat.
        stamps: text over the print, as blocks in page px, multiplied into it as ink is.
        desk_seed: what lies round the page.
    """

    kind: str
    width: int
    height: int
    page_width: int
    page_height: int
    dpi: float
    body_px: float
    spaced: bool
    matrix: tuple[float, ...]
    paper: PaperPlan
    texts: tuple[TextPlan, ...]
    marks: tuple[MarkPlan, ...]
    stamps: tuple[BlockPlan, ...]
    desk_seed: int
    finish_seed: int
    bends: tuple[WarpStep, ...] = ()
    refusals: tuple[tuple[str, int], ...] = ()

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> DocumentPlan:
        """Reads what `to_json` wrote; raises LabelError where it is not that."""
        try:
            form: dict[str, Any] = tuples_of(json.loads(text))
            texts = tuple(TextPlan(**part) for part in form.pop("texts"))
            marks = tuple(MarkPlan(**part) for part in form.pop("marks"))
            stamps = tuple(block_from_form(part) for part in form.pop("stamps"))
            bends = tuple(WarpStep(**part) for part in form.pop("bends", ()))
            paper = PaperPlan(**form.pop("paper"))
            return cls(texts=texts, marks=marks, stamps=stamps, paper=paper, bends=bends, **form)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise LabelError(f"A page's plan does not parse ({error}). Write it with DocumentPlan.to_json.") from None
