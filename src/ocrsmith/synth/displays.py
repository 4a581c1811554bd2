"""Crops of one display reading: what a display's recogniser is trained on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import box_quad, enclosing_quad, inside_share, quad_to_quad, transform_points
from ocrsmith.samples import LineSample, PageSample, TextInstance
from ocrsmith.synth.display_legibility import illegible_cause
from ocrsmith.synth.legibility import IllegibleError
from ocrsmith.synth.optics import Optics, apply_optics, draw_optics
from ocrsmith.synth.paint import filled
from ocrsmith.synth.panel_choices import PanelLook, draw_panel_plan
from ocrsmith.synth.panel_print import Label
from ocrsmith.synth.panels import Panel, draw_panel, lit_polygons, panel_characters, text_width
from ocrsmith.synth.scene_plans import tuples_of
from ocrsmith.synth.segments import SegmentStyle
from ocrsmith.synth.texts import TextGenerator

_DRAWS = 20
# Tight crops shave segments; one that lost more reads as clipped text. A glyph of a font is judged as a whole.
_LEAST_OF_SEGMENT = 0.85
_LEAST_OF_GLYPH = 0.97
# In digit heights a step: finer than half a thin segment.
_WIDENING, _MOST_WIDENINGS = 0.05, 6


def visible_contrast(panel: Panel, optics: Optics) -> float:
    """How far the ink stands out of the ground: grey levels over a floor that noise and dirt raise; 1 is just legible.

    The floor of 7 levels, and 0.6 more a level of noise, was set by looking at the faintest legible crops.
    """
    distance = float(np.abs(np.subtract(panel.ink, panel.ground, dtype=np.float64)).mean())
    return (
        distance
        * panel.ink_alpha
        * optics.contrast
        * min(optics.light)
        / (7.0 + 0.6 * optics.noise + 0.35 * optics.clouds)
    )


@dataclass(frozen=True)
class DisplayLinePlan:
    """One crop: a panel, the crop's corners in panel units, the size in px and the optics.

    `refusals` counts the draws before it that were given up, by cause.
    """

    panel: Panel
    corners: tuple[tuple[float, float], ...]
    width_px: int
    height_px: int
    optics: Optics
    refusals: tuple[tuple[str, int], ...] = ()

    def to_json(self) -> str:
        """A JSON form; `from_json` reads it back to an equal plan."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> DisplayLinePlan:
        """Reads what `to_json` wrote."""
        form = tuples_of(json.loads(text))
        return cls(**{**form, "panel": panel_from_form(form["panel"]), "optics": Optics(**form["optics"])})


@dataclass(frozen=True)
class CropLook:
    """How tight the crops are and how far they are squeezed.

    Attributes:
        heights_px: range of crop heights, drawn evenly in the logarithm.
        margins: ranges left, top, right, bottom in digit heights; negative cuts into the ink.
        squeeze: range of the factor on widths, even in the logarithm (crops stored at a fixed size are stretched).
        longest: greatest width of a crop in its heights, which bounds the squeeze of long readings.
        tilt: greatest slope of the crop's sides, in digit heights over the whole crop.
    """

    heights_px: tuple[int, int] = (18, 64)
    margins: tuple[tuple[float, float], ...] = ((-0.06, 1.2), (-0.05, 0.5), (-0.06, 1.2), (-0.05, 0.5))
    squeeze: tuple[float, float] = (0.6, 2.6)
    longest: float = 10.0
    tilt: float = 0.8


class DisplayLine:
    """Crops of single readings.

    Args:
        texts: the readings. look: the panels. crop: the crops.
        segment_fonts, label_fonts: font files for some of the digits, and for units and headings.
    """

    def __init__(
        self,
        texts: TextGenerator,
        *,
        look: PanelLook | None = None,
        crop: CropLook | None = None,
        segment_fonts: Sequence[str] = (),
        label_fonts: Sequence[str] = (),
        strength: float = 1.0,
    ) -> None:
        self.texts, self.look, self.crop = texts, look or PanelLook(), crop or CropLook()
        self.segment_fonts, self.label_fonts = tuple(segment_fonts), tuple(label_fonts)
        self.strength = strength
        self._last: tuple[DisplayLinePlan, PageSample] | None = None

    def plan(self, rng: np.random.Generator) -> DisplayLinePlan:
        """Draws every choice; what cannot be read, by the plan or in its pixels, is drawn again and counted.

        Raises:
            IllegibleError: twenty draws in a row.
        """
        refusals: Counter[str] = Counter()
        for _ in range(_DRAWS):
            drawn = self._draw(rng)
            if visible_contrast(drawn.panel, drawn.optics) < 1.0:
                refusals["FaintPanel"] += 1
            elif (plan := _widened(drawn)) is None:
                refusals["CutCharacter"] += 1
            else:
                # Glare, haze and smear show in the pixels alone: the same rule marks readings of a scene.
                sample = self._drawn(plan)
                cause = illegible_cause(sample.image, _matrix(plan), plan.panel, sample.instances[0])
                if cause is None:
                    plan = replace(plan, refusals=tuple(sorted(refusals.items())))
                    self._last = (plan, sample)
                    return plan
                refusals[cause] += 1
        raise IllegibleError(
            f"{_DRAWS} displays in a row came out too faint, washed out or too far cut off to read ({dict(refusals)}). "
            "Lower the share of faint panels or the strength, or widen the crops' margins."
        )

    def _draw(self, rng: np.random.Generator) -> DisplayLinePlan:
        panel = draw_panel_plan(
            self.texts.sample(rng), self.look, rng, segment_fonts=self.segment_fonts, label_fonts=self.label_fonts
        )
        low, high = np.array(self.crop.margins).T
        # Squared, since most crops are rather tight.
        left, top, right, bottom = low + (high - low) * rng.random(4) ** 2
        width = text_width(panel)
        start = panel.blank_cells * panel.pitch * rng.choice([0.0, 1.0])
        corners = box_quad(start - left, -top, width + right, 1 + bottom)
        corners[:, 1] += rng.uniform(-0.5, 0.5) * self.crop.tilt * rng.random() * np.array([-1, 1, 1, -1])
        corners[:, 0] += rng.normal(0, 0.07) * np.array([1, 1, -1, -1])  # a lean of the camera
        corners += rng.normal(0, 0.02, (4, 2))
        low_px, high_px = np.log(self.crop.heights_px)
        height_px = round(float(np.exp(rng.uniform(low_px, high_px))))
        squeeze = float(np.exp(rng.uniform(*np.log(self.crop.squeeze))))
        aspect = (corners[1, 0] - corners[0, 0]) / (1 + top + bottom)
        squeeze = min(squeeze, self.crop.longest / aspect)
        width_px = max(round(height_px * aspect * squeeze), height_px // 2)
        return DisplayLinePlan(
            panel=panel,
            corners=tuple((round(float(x), 3), round(float(y), 3)) for x, y in corners),
            width_px=width_px,
            height_px=height_px,
            optics=draw_optics(rng, height_px / (1 + top + bottom), self.strength, stretch=squeeze),
        )

    def render(self, plan: DisplayLinePlan) -> LineSample:
        """The crop, its text and its characters."""
        sample = self.render_labelled(plan)
        return LineSample(sample.image, plan.panel.text, sample.instances[0].characters)

    def render_labelled(self, plan: DisplayLinePlan) -> PageSample:
        """The same pixels with the characters' quads, some of which may reach beyond the crop."""
        # The plan drawn last was rendered when it was judged. It is given away once: two samples share no pixels.
        last, self._last = self._last, None
        return last[1] if last is not None and last[0] is plan else self._drawn(plan)

    @staticmethod
    def _drawn(plan: DisplayLinePlan) -> PageSample:
        image = filled(plan.height_px, plan.width_px, plan.panel.bezel)
        characters = draw_panel(image, _matrix(plan), plan.panel)
        instance = TextInstance(enclosing_quad([c.quad for c in characters]), plan.panel.text, tuple(characters))
        return PageSample(apply_optics(image, plan.optics), (instance,))


def _matrix(plan: DisplayLinePlan) -> NDArray[np.float64]:
    """Panel units -> px of the crop."""
    return quad_to_quad(np.array(plan.corners, np.float32), box_quad(0, 0, plan.width_px, plan.height_px))


def _widened(plan: DisplayLinePlan) -> DisplayLinePlan | None:
    """The plan with its crop let out on all sides, by as little as keeps every character whole: few are drawn again.

    None where that is not enough.
    """
    shapes = _lit_shapes(plan.panel)
    for step in range(_MOST_WIDENINGS + 1):
        if _whole(plan, shapes):
            return plan
        if step < _MOST_WIDENINGS:
            corners = np.array(plan.corners) + _WIDENING * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
            plan = replace(plan, corners=tuple((round(float(x), 3), round(float(y), 3)) for x, y in corners))
    return None


def _whole(plan: DisplayLinePlan, shapes: Sequence[NDArray[np.float32]]) -> bool:
    """Whether every lit segment, or every glyph of a font, keeps most of itself in the crop.

    By the segment, since a digit that lost less than a fifth of its width may be another one: 7 shows as 1.
    """
    if not shapes:
        return True
    least = _LEAST_OF_GLYPH if plan.panel.font else _LEAST_OF_SEGMENT
    size = (plan.width_px, plan.height_px)
    points = transform_points(np.concatenate(shapes), _matrix(plan))
    outside = np.flatnonzero(((points < 0) | (points > size)).any(axis=1))
    if not len(outside):
        return True
    # Most lie wholly inside: only what crosses an edge is clipped.
    ends = np.cumsum([len(shape) for shape in shapes])
    crossing = np.unique(np.searchsorted(ends, outside, side="right")).tolist()
    return all(inside_share(points[ends[i] - len(shapes[i]) : ends[i]], *size) >= least for i in crossing)


def _lit_shapes(panel: Panel) -> list[NDArray[np.float32]]:
    """What must not be cut, in panel units: lit segments, or the quads of the characters that a font draws."""
    if panel.font:
        return [character.quad for character in panel_characters(panel, np.eye(3)) if character.text != "."]
    return lit_polygons(panel)


def panel_from_form(form: dict[str, Any]) -> Panel:
    """A panel from its JSON form, lists already turned into tuples."""
    labels = tuple(Label(**label) for label in form["labels"])
    return Panel(**{**form, "style": SegmentStyle(**form["style"]), "labels": labels})
