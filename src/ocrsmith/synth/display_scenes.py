"""Photographs with displays in them: what a display's detector is trained on.

A device is a tilted plate with a display in its window and print round it; the print is never text of the sample, so
that a detector trained here learns to pass over "THIS SALE $" and to find the reading alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import numpy as np

from ocrsmith.geometry import (
    Quad,
    box_quad,
    enclosing_quad,
    quad_to_quad,
    transform_points,
)
from ocrsmith.samples import Image, PageSample, TextInstance
from ocrsmith.synth.clipping import clipped
from ocrsmith.synth.display_legibility import illegible_cause
from ocrsmith.synth.displays import panel_from_form, visible_contrast
from ocrsmith.synth.optics import Optics, apply_optics, draw_optics
from ocrsmith.synth.panel_choices import HEADINGS, UNITS, PanelLook, draw_panel_plan
from ocrsmith.synth.panel_print import Box, Label, fits, grown
from ocrsmith.synth.panels import Panel, draw_labels, draw_panel, fill_quad, reading_coverage, window_quad
from ocrsmith.synth.scene_plans import tuples_of
from ocrsmith.synth.texts import TextGenerator

PRINT = (
    *HEADINGS,
    *UNITS,
    *("STATIC ENERGY METER", "230V", "50Hz", "10-60A", "No. 4711", "CLASS 1", "MADE IN", "2019", "240"),
)

# Draws of a word's place before it is left out.
_PLACES = 6


class Grounds(Protocol):
    """Anything that plans and renders backgrounds: see ocrsmith.synth.backgrounds.Backgrounds."""

    def plan(self, rng: np.random.Generator, width: int, height: int) -> dict[str, Any]:
        """Draws a background."""
        ...

    def render(self, plan: dict[str, Any]) -> Image:
        """Its pixels."""
        ...


@dataclass(frozen=True)
class Device:
    """One plate in a scene; lengths in digit heights, `corners` are the window's corners in px of the scene."""

    panel: Panel
    corners: tuple[tuple[float, float], ...]
    face: tuple[float, float, float, float]  # margins of the plate round the window: left, top, right, bottom
    face_colour: tuple[int, int, int]
    print_colour: tuple[int, int, int]
    print: tuple[Label, ...]


@dataclass(frozen=True)
class DisplayScenePlan:
    """A whole scene."""

    width: int
    height: int
    background: dict[str, Any]
    devices: tuple[Device, ...]
    optics: Optics

    def to_json(self) -> str:
        """A JSON form; `from_json` reads it back to an equal plan."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> DisplayScenePlan:
        """Reads what `to_json` wrote."""
        raw = json.loads(text)
        devices = []
        for form in raw["devices"]:
            fields = tuples_of({key: form[key] for key in ("corners", "face", "face_colour", "print_colour")})
            labels = tuple(Label(**label) for label in form["print"])
            devices.append(Device(panel=panel_from_form(tuples_of(form["panel"])), print=labels, **fields))
        optics = Optics(**tuples_of(raw["optics"]))
        return cls(raw["width"], raw["height"], raw["background"], tuple(devices), optics)


class DisplayScene:
    """Scenes of `width` x `height` px.

    Args:
        texts: the readings. backgrounds: photographs and surfaces. look: the panels.
        segment_fonts, label_fonts: font files for some of the digits, and for the print.
        digit_heights: range of a reading's height as a share of the scene's, drawn evenly in the logarithm.
        empty: share of scenes without any display.
    """

    def __init__(
        self,
        texts: TextGenerator,
        backgrounds: Grounds,
        *,
        width: int = 480,
        height: int = 480,
        look: PanelLook | None = None,
        segment_fonts: Sequence[str] = (),
        label_fonts: Sequence[str] = (),
        digit_heights: tuple[float, float] = (0.03, 0.6),
        empty: float = 0.05,
        strength: float = 0.7,
    ) -> None:
        self.texts, self.backgrounds, self.look = texts, backgrounds, look or PanelLook()
        self.width, self.height = width, height
        self.segment_fonts, self.label_fonts = tuple(segment_fonts), tuple(label_fonts)
        self.digit_heights, self.empty, self.strength = digit_heights, empty, strength

    def plan(self, rng: np.random.Generator) -> DisplayScenePlan:
        """Draws every choice."""
        optics = draw_optics(rng, 20.0, self.strength)
        devices: list[Device] = []
        if rng.random() >= self.empty:
            for _ in range(int(rng.choice([1, 2, 3], p=[0.6, 0.28, 0.12]))):
                device = self._device(rng, optics, len(devices))
                if device is not None and not any(_overlap(device, other) for other in devices):
                    devices.append(device)
        background = self.backgrounds.plan(rng, self.width, self.height)
        return DisplayScenePlan(self.width, self.height, background, tuple(devices), optics)

    def _device(self, rng: np.random.Generator, optics: Optics, already: int) -> Device | None:
        for _ in range(20):
            panel = draw_panel_plan(
                self.texts.sample(rng), self.look, rng, segment_fonts=self.segment_fonts, label_fonts=self.label_fonts
            )
            if visible_contrast(panel, optics) >= 1.5:
                break
        else:
            return None
        left, top, right, bottom = _window_box(panel)
        low, high = self.digit_heights
        high = high if already == 0 else high / 3
        digit_px = float(np.exp(rng.uniform(*np.log([low, high])))) * self.height
        # Digits keep a display's usual proportions or are squeezed, as in a picture taken from the side.
        aspect = float(np.exp(rng.normal(0, 0.2)))
        digit_px = min(digit_px, 1.05 * self.width / ((right - left) * aspect), 1.05 * self.height / (bottom - top))
        width_px, height_px = (right - left) * aspect * digit_px, (bottom - top) * digit_px
        angle = float(rng.normal(0, 0.06))
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], np.float32)
        centre = rng.uniform(0, 1, 2) * np.maximum([self.width - width_px, self.height - height_px], 0)
        centre = centre + np.minimum([width_px, height_px], [self.width, self.height]) / 2
        corners = box_quad(-width_px / 2, -height_px / 2, width_px / 2, height_px / 2) @ turn + centre
        corners += rng.normal(0, 0.03, (4, 2)) * height_px
        face: Box = tuple(round(float(v), 3) for v in rng.uniform(0.1, 2.5, 4))  # type: ignore[assignment]
        return Device(
            panel=panel,
            corners=tuple((round(float(x), 2), round(float(y), 2)) for x, y in corners),
            face=face,
            face_colour=_grey(rng),
            print_colour=_grey(rng),
            print=self._print(rng, panel, face) if self.label_fonts else (),
        )

    def _print(self, rng: np.random.Generator, panel: Panel, face: Box) -> tuple[Label, ...]:
        """Words on the plate above and below the window; what finds no place in some draws is left out."""
        left, top, right, bottom = window = _window_box(panel)
        plate = grown(window, face)
        taken = [grown(window, [panel.bezel_width] * 4)]
        labels = []
        for _ in range(int(rng.poisson(2.0))):
            font = self.label_fonts[int(rng.random() * len(self.label_fonts))]
            word = PRINT[int(rng.random() * len(PRINT))]
            for _ in range(_PLACES):
                side, size, far, across = rng.random(4).tolist()
                size = 0.25 + 0.65 * size
                y = top - 0.3 - 0.5 * far if side < 0.5 else bottom + 0.3 + 0.5 * far + 0.75 * size
                x = left - 0.5 + across * (max(right - 1.5, left) - left + 0.5)
                label = Label(word, font, round(x, 3), round(y, 3), round(size, 3))
                if fits(label, taken, 0.2 * size, plate):
                    labels.append(label)
                    break
        return tuple(labels)

    def render(self, plan: DisplayScenePlan) -> PageSample:
        """The scene and its readings; a cut one, or one that can no longer be told, is marked `ignore`."""
        image = np.ascontiguousarray(self.backgrounds.render(plan.background)).copy()
        instances: list[tuple[TextInstance, Device]] = []
        for device in plan.devices:
            window = window_quad(device.panel)
            matrix = quad_to_quad(window, np.array(device.corners, np.float32))
            fill_quad(image, _plate(device), device.face_colour)
            draw_labels(image, matrix, device.print, device.print_colour)
            characters = draw_panel(image, matrix, device.panel)
            if not characters:
                continue
            quad = enclosing_quad([c.quad for c in characters])
            ink = reading_coverage(image.shape, matrix, device.panel)
            quads = np.stack([c.quad for c in characters])
            cut = clipped([c.text for c in characters], quads, (0.0, 0.0, float(plan.width), float(plan.height)), ink)
            instances.append((TextInstance(quad, device.panel.text, tuple(characters), ignore=bool(cut.any())), device))
        image = apply_optics(image, plan.optics)
        return PageSample(image, tuple(_judged(image, instance, device) for instance, device in instances))


def _window_box(panel: Panel) -> Box:
    quad = window_quad(panel)
    (left, top), (right, bottom) = quad[0].tolist(), quad[2].tolist()
    return left, top, right, bottom


def _judged(image: Image, instance: TextInstance, device: Device) -> TextInstance:
    """Marked `ignore` where the finished picture no longer shows every digit, or the point."""
    if instance.ignore:
        return instance
    matrix = quad_to_quad(window_quad(device.panel), np.array(device.corners, np.float32))
    return replace(instance, ignore=illegible_cause(image, matrix, device.panel, instance) is not None)


def _grey(rng: np.random.Generator) -> tuple[int, int, int]:
    base = rng.choice([rng.uniform(0, 60), rng.uniform(60, 200), rng.uniform(200, 255)])
    r, g, b = np.clip(base + rng.normal(0, 12, 3), 0, 255)
    return int(r), int(g), int(b)


def _plate(device: Device) -> Quad:
    window = window_quad(device.panel)
    matrix = quad_to_quad(window, np.array(device.corners, np.float32))
    left, top, right, bottom = device.face
    grow = np.array([[-left, -top], [right, -top], [right, bottom], [-left, bottom]], np.float32)
    return transform_points(window + grow, matrix)


def _overlap(first: Device, second: Device) -> bool:
    """Whether one plate's upright box meets the other's, so that none covers another's reading."""
    a, b = _plate(first), _plate(second)
    return bool((a.min(axis=0) < b.max(axis=0)).all() and (b.min(axis=0) < a.max(axis=0)).all())
