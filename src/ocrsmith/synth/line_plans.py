"""What a line's crop is made from: the settings of the world, and the plan of one crop, which is data and replays."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from ocrsmith.errors import LabelError, RecipeError
from ocrsmith.synth.degradations import DegradationStep, check_kinds
from ocrsmith.synth.scene_plans import tuples_of
from ocrsmith.synth.warp_plans import WarpStep

# Start and end of the characters, and the file and its face that writes them.
FileStretch = tuple[int, int, str, int]
Extra = Literal["above", "below", "left", "right", "underline", "strike", "rule", "box"]


@dataclass(frozen=True)
class LineSettings:
    """The knobs of the line world. Shares and strengths run from 0 to 1.

    Attributes:
        height: px of every crop; None draws it between min_height and max_height.
        richness: how often ink is anything but flat.
        degradation, degradations: strength of the composed policy, and the names it draws from (all where None).
        warp, warps: the same for geometric warps.
        bent: share of arched and wavy baselines.
        extras: share of crops with other ink in them: neighbouring text cut by the edge, underlines, rules.
        plain: share of crops on plain paper and paint; the others lie on backgrounds, where there are any.
        squeezed: share of crops whose width is scaled by 0.65 to 1.3.
        cut: share of crops that cut into the ink's top or foot, by at most `most_cut` of its height.
        contrast_floor: least difference of ink and ground in L* before degradation.
        max_width: px; a longer crop is refused.
    """

    height: int | None = 32
    min_height: int = 20
    max_height: int = 64
    richness: float = 0.8
    degradation: float = 0.6
    degradations: tuple[str, ...] | None = None
    warp: float = 0.5
    warps: tuple[str, ...] | None = None
    bent: float = 0.12
    extras: float = 0.2
    plain: float = 0.45
    squeezed: float = 0.2
    cut: float = 0.08
    most_cut: float = 0.07
    contrast_floor: float = 28.0
    max_width: int = 2048

    def __post_init__(self) -> None:
        mistakes = [
            f"{field.name} = {getattr(self, field.name)} (0 to 1 is expected)"
            for field in fields(self)
            if field.type == "float"
            and field.name != "contrast_floor"
            and not 0.0 <= float(getattr(self, field.name)) <= 1.0
        ]
        lowest = self.height if self.height is not None else self.min_height
        if lowest < 8 or self.min_height > self.max_height:
            mistakes.append(f"heights of {lowest} to {self.max_height} px (at least 8, the lesser first, is expected)")
        if mistakes:
            raise RecipeError("The line world cannot be built: " + "; ".join(mistakes) + ".")
        if self.degradations is not None:
            check_kinds(self.degradations)


@dataclass(frozen=True)
class ExtraInk:
    """Ink that is not the text: `gap` and `thickness` in shares of the text's height; `text` of a neighbour.

    `others` as those of LinePlan.
    """

    kind: Extra
    gap: float
    thickness: float = 0.0
    text: str = ""
    others: tuple[FileStretch, ...] = ()


@dataclass(frozen=True)
class LinePlan:
    """Everything one crop is rendered from; lengths in shares of the ink's height unless named `_px`.

    `ground` is a window of a background sheet, or None for plain paper or paint in `ground_colour`. `others` are the
    stretches that the font lacks, each with the one that writes it.
    """

    text: str
    font: str
    font_index: int
    size_px: int
    letter_spacing_px: float
    height: int
    margins: tuple[float, float, float, float]  # left, top, right, bottom; negative cuts into the ink
    squeeze: float
    rotation_degrees: float
    shear: float
    arch: float
    wave: tuple[float, float, float]  # amplitude, period as a share of the width, phase
    warps: tuple[WarpStep, ...]
    extras: tuple[ExtraInk, ...]
    ground: Any
    ground_colour: tuple[int, int, int]
    look_seed: int
    degradations: tuple[DegradationStep, ...]
    others: tuple[FileStretch, ...] = ()

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> LinePlan:
        """Reads what `to_json` wrote; raises LabelError where it is not that."""
        try:
            form = json.loads(text)
            for key, maker in (("warps", WarpStep), ("extras", ExtraInk), ("degradations", DegradationStep)):
                form[key] = tuple(maker(**part) for part in form[key])
            form["extras"] = tuple(replace(extra, others=tuples_of(extra.others)) for extra in form["extras"])
            for key in ("margins", "wave", "ground_colour", "others"):
                form[key] = tuples_of(form.get(key, ()))
            return cls(**form)
        except (ValueError, TypeError, KeyError) as error:
            raise LabelError(f"A line's plan does not parse ({error}). Write it with LinePlan.to_json.") from None
