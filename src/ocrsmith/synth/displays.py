"""Display worlds: crops of one reading (`DisplayLine`) and photographs with displays in them (`DisplayScene`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.errors import SynthesisError
from ocrsmith.geometry import box_quad, enclosing_quad, quad_to_quad
from ocrsmith.samples import Image, LineSample, PageSample, TextInstance
from ocrsmith.synth.panel_choices import PanelLook, draw_panel_plan
from ocrsmith.synth.panels import Label, Panel, draw_panel, text_width
from ocrsmith.synth.segments import SegmentStyle


class Texts(Protocol):
    """Anything that draws a text: see ocrsmith.synth.corpus."""

    def sample(self, rng: np.random.Generator) -> str:
        """One text."""
        ...


@dataclass(frozen=True)
class Optics:
    """What happens between a panel and a file: light, blur, noise, compression. Drawn once, applied by `apply`."""

    light: tuple[float, ...]  # brightness at the four corners, factors
    glare: float  # greatest grey level added by reflections
    contrast: float
    brightness: float
    cast: tuple[float, float, float]
    blur_px: float
    motion_px: tuple[float, float]
    noise: float
    shrink: float  # resolution lost: 1 is none
    jpeg: int  # quality, 0 for none
    seed: int


def draw_optics(rng: np.random.Generator, height_px: float, strength: float = 1.0) -> Optics:
    """Draws light and camera faults; blur and motion grow with the digits' height in px."""

    def maybe(share: float) -> bool:
        return bool(rng.random() < share * strength)

    unit = height_px / 32.0
    angle = rng.uniform(0, np.pi)
    motion = rng.uniform(0.5, 3.5) * unit if maybe(0.15) else 0.0
    return Optics(
        light=tuple(np.round(rng.uniform(0.55, 1.25, 4) if maybe(0.5) else np.ones(4), 3).tolist()),
        glare=round(float(rng.uniform(20, 180)), 1) if maybe(0.3) else 0.0,
        contrast=round(float(rng.uniform(0.35, 1.2)) if maybe(0.5) else 1.0, 3),
        brightness=round(float(rng.uniform(-50, 50)) if maybe(0.4) else 0.0, 1),
        cast=tuple(np.round(rng.uniform(0.8, 1.2, 3), 3).tolist()),
        blur_px=round(float(abs(rng.normal(0, 1.0))) * unit, 3) if maybe(0.7) else 0.0,
        motion_px=(round(float(np.cos(angle) * motion), 3), round(float(np.sin(angle) * motion), 3)),
        noise=round(float(abs(rng.normal(0, 7))), 2) if maybe(0.7) else 0.0,
        shrink=round(float(rng.uniform(1.0, 2.6)), 3) if maybe(0.35) else 1.0,
        jpeg=int(rng.integers(25, 95)) if maybe(0.4) else 0,
        seed=int(rng.integers(2**31)),
    )


def apply_optics(image: Image, optics: Optics) -> Image:
    """The picture as a camera would have it; the shape is kept."""
    rng = np.random.default_rng(optics.seed)
    height, width = image.shape[:2]
    values = image.astype(np.float32)
    gain = np.array(optics.light, np.float32).reshape(2, 2)
    if not np.allclose(gain, 1.0):
        values *= cv2.resize(gain, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    values = (values - 128.0) * (optics.contrast * np.array(optics.cast, np.float32)) + (128.0 + optics.brightness)
    if optics.glare > 0:
        values += optics.glare * _reflections(rng, height, width)[..., None]
    np.clip(values, 0, 255, out=values)
    if optics.blur_px > 0.25:
        values = cv2.GaussianBlur(values, (0, 0), optics.blur_px)
    dx, dy = optics.motion_px
    if abs(dx) + abs(dy) > 0.8:
        values = cv2.filter2D(values, -1, _motion_kernel(dx, dy))
    if optics.shrink > 1.05:
        small = (max(8, round(width / optics.shrink)), max(8, round(height / optics.shrink)))
        values = cv2.resize(cv2.resize(values, small, interpolation=cv2.INTER_AREA), (width, height))
    if optics.noise > 0.5:
        grain = rng.standard_normal((height, width, 1 if optics.seed % 2 else 3), np.float32)
        values = values + optics.noise * grain
    out = np.clip(values, 0, 255).astype(np.uint8)
    if optics.jpeg:
        _, data = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, optics.jpeg])
        out = cv2.imdecode(data, cv2.IMREAD_COLOR)  # the channels' order is the same in and out
    return np.ascontiguousarray(out)


def _reflections(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """One to three soft slanted patches, 0..1: lamps and windows mirrored in a display's glass."""
    field = np.zeros((height, width), np.float32)
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    for _ in range(int(rng.integers(1, 4))):
        centre_x, centre_y = rng.uniform(-0.1, 1.1) * width, rng.uniform(-0.2, 1.2) * height
        radius_x, radius_y = rng.uniform(0.3, 2.0) * height, rng.uniform(0.15, 0.8) * height
        lean = rng.uniform(-0.6, 0.6)
        distance = ((x - centre_x - lean * (y - centre_y)) / radius_x) ** 2 + ((y - centre_y) / radius_y) ** 2
        np.maximum(field, np.exp(-(distance ** rng.uniform(0.8, 2.0))), out=field)
    return field


def _motion_kernel(dx: float, dy: float) -> NDArray[np.float32]:
    size = int(np.ceil(max(abs(dx), abs(dy)))) * 2 + 1
    kernel = np.zeros((size, size), np.float32)
    centre = (size - 1) / 2 * 16
    start = (round(centre - dx * 8), round(centre - dy * 8))
    end = (round(centre + dx * 8), round(centre + dy * 8))
    cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_AA, shift=4)
    return kernel / max(float(kernel.sum()), 1e-6)


def visible_contrast(panel: Panel, optics: Optics) -> float:
    """How far the ink stands out of the ground, 1 being just legible: grey levels over a floor that noise raises.

    The floor of 7 levels, and 0.6 more a level of noise, was set by looking at the faintest legible crops.
    """
    distance = float(np.abs(np.subtract(panel.ink, panel.ground, dtype=np.float64)).mean())
    return distance * panel.ink_alpha * optics.contrast * min(optics.light) / (7.0 + 0.6 * optics.noise)


@dataclass(frozen=True)
class DisplayLinePlan:
    """One crop: a panel, the crop's corners in panel units, the size in px and the optics."""

    panel: Panel
    corners: tuple[tuple[float, float], ...]
    width_px: int
    height_px: int
    optics: Optics

    def to_json(self) -> str:
        """A JSON form; `from_json` reads it back to an equal plan."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> DisplayLinePlan:
        """Reads what `to_json` wrote."""
        form = _tuples(json.loads(text))
        return cls(**{**form, "panel": _panel(form["panel"]), "optics": Optics(**form["optics"])})


@dataclass(frozen=True)
class CropLook:
    """How tight the crops are and how far they are squeezed.

    Attributes:
        heights_px: range of crop heights, drawn evenly in the logarithm.
        margins: ranges left, top, right, bottom in digit heights; negative cuts into the ink.
        squeeze: range of the factor on widths, even in the logarithm (crops stored at a fixed size are stretched).
        tilt: greatest slope of the crop's sides, in digit heights over the whole crop.
    """

    heights_px: tuple[int, int] = (18, 64)
    margins: tuple[tuple[float, float], ...] = ((-0.03, 1.2), (-0.04, 0.5), (-0.03, 1.2), (-0.04, 0.5))
    squeeze: tuple[float, float] = (0.6, 1.9)
    tilt: float = 0.25


class DisplayLine:
    """Crops of single readings.

    Args:
        texts: the readings. look: the panels. crop: the crops.
        segment_fonts, label_fonts: font files for some of the digits, and for units and headings.
    """

    def __init__(
        self,
        texts: Texts,
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

    def plan(self, rng: np.random.Generator) -> DisplayLinePlan:
        """Draws every choice; what came out too faint to be read is drawn again."""
        for _ in range(20):
            plan = self._draw(rng)
            if visible_contrast(plan.panel, plan.optics) >= 1.0:
                return plan
        raise SynthesisError("Twenty displays in a row came out too faint to read. Lower the share of faint panels.")

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
        corners += rng.normal(0, 0.02, (4, 2))
        low_px, high_px = np.log(self.crop.heights_px)
        height_px = round(float(np.exp(rng.uniform(low_px, high_px))))
        squeeze = float(np.exp(rng.uniform(*np.log(self.crop.squeeze))))
        aspect = (corners[1, 0] - corners[0, 0]) / (1 + top + bottom)
        width_px = int(np.clip(round(height_px * aspect * squeeze), height_px // 2, height_px * 20))
        return DisplayLinePlan(
            panel=panel,
            corners=tuple((round(float(x), 3), round(float(y), 3)) for x, y in corners),
            width_px=width_px,
            height_px=height_px,
            optics=draw_optics(rng, height_px / (1 + top + bottom), self.strength),
        )

    def render(self, plan: DisplayLinePlan) -> LineSample:
        """The crop and its text."""
        sample = self.render_labelled(plan)
        return LineSample(sample.image, plan.panel.text)

    def render_labelled(self, plan: DisplayLinePlan) -> PageSample:
        """The same pixels with the characters' quads, some of which may reach beyond the crop."""
        image = np.empty((plan.height_px, plan.width_px, 3), np.uint8)
        image[:] = np.array(plan.panel.bezel, np.uint8)
        matrix = quad_to_quad(np.array(plan.corners, np.float32), box_quad(0, 0, plan.width_px, plan.height_px))
        characters = draw_panel(image, matrix, plan.panel)
        instance = TextInstance(enclosing_quad([c.quad for c in characters]), plan.panel.text, tuple(characters))
        return PageSample(apply_optics(image, plan.optics), (instance,))


def _tuples(value: Any) -> Any:
    """JSON's lists back into the plans' tuples."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value


def _panel(form: dict[str, Any]) -> Panel:
    labels = tuple(Label(**label) for label in form["labels"])
    return Panel(**{**form, "style": SegmentStyle(**form["style"]), "labels": labels})
