"""The drawn choices of a photo scene as data: frozen, comparable, written to JSON and read back equal.

A block is a few lines in one ink, with or without a panel beneath, laid out about its own centre in block px
and sent to the page by one 3x3 matrix (nine floats, row by row).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ocrsmith.errors import LabelError
from ocrsmith.synth.appearance import Appearance
from ocrsmith.synth.font_stretches import Stretch

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]
BendKind = Literal["arch", "wave", "circle"]


@dataclass(frozen=True)
class LinePlan:
    """One line: where its pen starts on the baseline, in block px. `down` stacks its characters below one another.

    `others` are the stretches (start, end, font) that `font` lacks, each with the font that writes it.
    """

    text: str
    font: str
    size_px: float
    letter_spacing_px: float
    ligatures: bool
    x: int
    y: int
    down: bool = False
    others: tuple[Stretch, ...] = ()


@dataclass(frozen=True)
class InkPlan:
    """How text is coloured. A second colour makes a gradient; a shadow is (dx, dy, blur px, opacity).

    A `look` (textures, relief, glow, blending: see `synth.appearance`) takes the place of everything else.
    """

    colour: Colour
    second: Colour | None = None
    opacity: float = 1.0
    outline_px: int = 0
    outline_colour: Colour = (0, 0, 0)
    shadow: tuple[float, float, float, float] | None = None
    look: Appearance | None = None


@dataclass(frozen=True)
class PanelPlan:
    """A filled plate beneath a block: a box in block px with round corners, a border, a shadow and screws."""

    box: Box
    radius_px: float
    colour: Colour
    second: Colour | None
    opacity: float
    border_px: int
    border_colour: Colour
    border_inset_px: float
    shadow_px: float
    screws: bool


@dataclass(frozen=True)
class BendPlan:
    """A bent baseline; lengths in block px, taken along the middle of the block.

    Attributes:
        kind: "arch" (a parabola, its middle `amount_px` above its ends), "wave" (a sine of that amplitude) or "circle"
            (of that radius, negative for the lower half of a seal).
        period_px, phase: of a wave.
    """

    kind: BendKind
    amount_px: float
    period_px: float = 0.0
    phase: float = 0.0


@dataclass(frozen=True)
class BlockPlan:
    """Lines that share ink, panel and place, and how their baselines are bent."""

    lines: tuple[LinePlan, ...]
    matrix: tuple[float, ...]
    ink: InkPlan
    panel: PanelPlan | None = None
    bend: BendPlan | None = None


@dataclass(frozen=True)
class ShapePlan:
    """A distractor: a "line", "polygon" or "outline" through page points."""

    kind: str
    points: tuple[tuple[float, float], ...]
    colour: Colour
    thickness_px: int
    opacity: float


@dataclass(frozen=True)
class ScenePlan:
    """Everything that a photo scene is rendered from. `refusals` counts draws that were given up, by cause."""

    width: int
    height: int
    background_seed: int
    shapes: tuple[ShapePlan, ...]
    blocks: tuple[BlockPlan, ...]
    finish_seed: int
    refusals: tuple[tuple[str, int], ...] = ()

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ScenePlan:
        """Reads what `to_json` wrote; raises LabelError where it is not that."""
        try:
            form = tuples_of(json.loads(text))
            blocks = tuple(block_from_form(block) for block in form.pop("blocks"))
            shapes = tuple(ShapePlan(**shape) for shape in form.pop("shapes"))
            return cls(blocks=blocks, shapes=shapes, **form)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise LabelError(f"A scene's plan does not parse ({error}). Write it with ScenePlan.to_json.") from None


def block_from_form(form: dict[str, Any]) -> BlockPlan:
    """A block from its parsed form, which is used up."""
    return BlockPlan(
        lines=tuple(LinePlan(**line) for line in form.pop("lines")),
        ink=_ink_from_form(form.pop("ink")),
        bend=BendPlan(**bend) if (bend := form.pop("bend", None)) else None,
        panel=PanelPlan(**panel) if (panel := form.pop("panel")) else None,
        **form,
    )


def _ink_from_form(form: dict[str, Any]) -> InkPlan:
    look = form.pop("look", None)
    return InkPlan(**form, look=Appearance.from_dict(look) if look else None)


def tuples_of(value: Any) -> Any:
    """JSON's lists as tuples, all the way down."""
    if isinstance(value, list):
        return tuple(tuples_of(item) for item in value)
    if isinstance(value, dict):
        return {key: tuples_of(item) for key, item in value.items()}
    return value
