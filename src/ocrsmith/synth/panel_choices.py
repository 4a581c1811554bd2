"""How a display panel is drawn at random: styles, colours, tails, units and icons, as `Panel` plans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ocrsmith.synth.panel_print import Label, fits
from ocrsmith.synth.panels import Colour, Panel, digits_box, text_width
from ocrsmith.synth.segments import SegmentStyle

# What stands beside the reading on meters, pumps, scales and thermometers.
UNITS = (
    "kWh",
    "kW",
    "CkWh",
    "kVA",
    "kVAh",
    "V",
    "A",
    "Hz",
    "PF",
    "m3",
    "L",
    "kg",
    "g",
    "C",
    "F",
    "%",
    "bar",
    "psi",
    "rpm",
)
HEADINGS = (
    "CUM",
    "MD",
    "BILL",
    "TOTAL",
    "THIS SALE $",
    "GALLONS",
    "LITRES",
    "PRICE",
    "R",
    "Y",
    "B",
    "I1",
    "I2",
    "T1",
    "L1",
)

# What stands before the first digit.
_MARKS = ("R", "Y", "B", "I1", "I2", "L1", "T1", "+", "~")
# Draws of a label's place before it is left out.
_PLACES = 4


@dataclass(frozen=True)
class PanelLook:
    """What a user can say of their own displays; every share is a probability, every pair a range.

    Attributes:
        tail: share of readings whose digits behind the point are drawn smaller.
        hidden_point: share of those whose point cannot be seen (the text has it all the same).
        ghosts: share of panels whose unlit segments show. blanks: share with unlit cells before the reading.
        labels: mean number of units, icons and headings beside the digits.
        faint: share of panels of very low contrast.
        negative: share of light (or lit) digits on dark.
    """

    tail: float = 0.5
    hidden_point: float = 0.55
    ghosts: float = 0.35
    blanks: float = 0.2
    labels: float = 1.6
    faint: float = 0.25
    negative: float = 0.15
    segment_fonts: float = 0.3


def draw_style(rng: np.random.Generator) -> SegmentStyle:
    """A segment style."""
    thickness = float(rng.uniform(0.06, 0.19))
    return SegmentStyle(
        shape=("trapezoid", "hexagon", "bar")[rng.choice(3, p=[0.55, 0.35, 0.1])],
        width=round(float(rng.uniform(0.42, 0.68)), 3),
        thickness=round(thickness, 3),
        gap=round(float(rng.uniform(0.0, 0.035)), 3),
        slant=round(float(rng.choice([0.0, rng.uniform(0.03, 0.25)], p=[0.35, 0.65])), 3),
        tailed_seven=bool(rng.random() < 0.2),
        flat_six=bool(rng.random() < 0.08),
        flat_nine=bool(rng.random() < 0.08),
    )


def _hsv(hue: float, saturation: float, value: float) -> Colour:
    pixel = np.array([[[hue % 180, np.clip(saturation, 0, 255), np.clip(value, 0, 255)]]]).astype(np.uint8)
    r, g, b = cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0]
    return int(r), int(g), int(b)


def draw_colours(look: PanelLook, rng: np.random.Generator) -> tuple[Colour, Colour]:
    """(ink, ground): dark on a coloured, grey or backlit ground, or light (lit) on dark."""
    if rng.random() < look.negative:
        hue = float(rng.choice([0, 2, 12, 25, 60, 90, 110])) + rng.normal(0, 4)
        ink = _hsv(hue, rng.uniform(0, 255), rng.uniform(170, 255))
        return ink, _hsv(hue + rng.normal(0, 10), rng.uniform(0, 200), rng.uniform(0, 90))
    kind = rng.choice(4, p=[0.35, 0.2, 0.3, 0.15])
    if kind == 0:  # green backlight, from yellowish to cyan
        ground = _hsv(rng.uniform(32, 88), rng.uniform(80, 255), rng.uniform(70, 255))
    elif kind == 1:  # amber, yellow, red
        ground = _hsv(rng.uniform(0, 28), rng.uniform(120, 255), rng.uniform(110, 255))
    elif kind == 2:  # reflective grey, from olive to blueish
        ground = _hsv(rng.uniform(0, 180), rng.uniform(0, 60), rng.uniform(70, 235))
    else:  # blue
        ground = _hsv(rng.uniform(88, 125), rng.uniform(60, 255), rng.uniform(90, 255))
    shade = rng.uniform(0.0, 0.4)
    tint = np.array(ground) * shade + rng.uniform(0, 35, 3)
    red, green, blue = (int(v) for v in np.clip(tint, 0, 255))
    return (red, green, blue), ground


def draw_panel_plan(
    text: str,
    look: PanelLook,
    rng: np.random.Generator,
    *,
    segment_fonts: Sequence[str] = (),
    label_fonts: Sequence[str] = (),
) -> Panel:
    """A whole panel for a reading such as "004303.6"; every choice is in the plan."""
    style = draw_style(rng)
    decimals = len(text) - text.index(".") - 1 if "." in text else 0
    tail = decimals if 0 < decimals <= 3 and rng.random() < look.tail else 0
    hidden = tail > 0 and rng.random() < look.hidden_point
    ink, ground = draw_colours(look, rng)
    room = float(rng.uniform(0.1, 0.45))
    font = str(rng.choice(segment_fonts)) if segment_fonts and rng.random() < look.segment_fonts else None
    faint = rng.random() < look.faint
    panel = Panel(
        text=text,
        style=style,
        font=font,
        pitch=round(style.width + room, 3),
        tail=tail,
        tail_scale=round(float(rng.uniform(0.38, 0.75)), 3),
        tail_alpha=round(float(rng.uniform(0.35, 1.0)), 3),
        point_alpha=round(float(rng.uniform(0, 0.15) if hidden else rng.uniform(0.4, 1.0)), 3),
        point_size=round(float(rng.uniform(0.05, min(0.2, room * 0.9 + 0.03))), 3),
        point_place=round(float(rng.uniform(0.15, 0.7)), 3),
        point_room=round(float(rng.choice([0.0, rng.uniform(0.02, 0.25)])), 3),
        round_point=bool(rng.random() < 0.5),
        blank_cells=int(rng.integers(1, 4)) if rng.random() < look.blanks else 0,
        ghost=round(float(rng.uniform(0.02, 0.22)), 3) if rng.random() < look.ghosts else 0.0,
        ghost_points=bool(rng.random() < 0.4),
        ghost_ink=_hsv(0, 0, rng.uniform(50, 150)) if sum(ink) > sum(ground) and rng.random() < 0.5 else ink,
        ink=ink,
        ground=ground,
        ink_alpha=round(float(rng.uniform(0.12, 0.4) if faint else rng.uniform(0.4, 1.0)), 3),
        shadow=(0.0, 0.0, 0.0),
        window=tuple(round(float(v), 3) for v in [0.05, 0.03, 0.05, 0.03] + rng.random(4) ** 2 * [1.6, 0.6, 1.6, 0.6]),  # type: ignore[arg-type]
        bezel=_hsv(rng.uniform(0, 180), rng.uniform(0, 60), rng.choice([rng.uniform(0, 70), rng.uniform(120, 250)])),
        bezel_width=round(float(rng.uniform(0.02, 0.3)), 3),
    )
    if rng.random() < 0.3:
        panel = replace(panel, shadow=(float(rng.uniform(-0.05, 0.08)), float(rng.uniform(0.02, 0.1)), 0.25))
    return replace(panel, labels=_draw_labels(panel, look, rng, label_fonts)) if label_fonts else panel


def _draw_labels(panel: Panel, look: PanelLook, rng: np.random.Generator, fonts: Sequence[str]) -> tuple[Label, ...]:
    """Units behind the digits, icons and headings above, below and before them; what finds no place is left out."""
    labels = []
    width = text_width(panel)
    font = str(rng.choice(fonts))
    taken = [digits_box(panel)]
    for _ in range(int(rng.poisson(look.labels))):
        for _ in range(_PLACES):
            label = _draw_label(width, font, rng)
            if fits(label, taken, 0.15 * label.height):
                labels.append(label)
                break
    return tuple(labels)


def _draw_label(width: float, font: str, rng: np.random.Generator) -> Label:
    # Plain numbers: most draws of a choice would go into NumPy's turning tuples of words into arrays.
    height, strength = 0.22 + 0.28 * rng.random(), 0.4 + 0.6 * rng.random()
    place, word, frame, side, across, down = rng.random(6).tolist()
    words: tuple[str, ...]
    if place < 0.4:  # behind the last digit, at its foot or head
        words, framed = UNITS, 0.15
        x, y = width + 0.08 + 0.22 * across, (1.0 if side < 0.5 else 0.45) - 0.1 + 0.2 * down
    elif place < 0.6:  # above
        words, framed = HEADINGS, 0.15
        x, y = across * max(width - 1, 0.1), -0.08 - 0.12 * down
    elif place < 0.85:  # below
        words, framed = UNITS, 0.15
        x, y = across * max(width - 0.5, 0.1), 1.1 + 0.8 * height + 0.1 * down
    else:  # before the first digit
        words, framed = _MARKS, 0.5
        x, y = -0.3 - 0.3 * across, 0.45 if side < 0.5 else 1.0
    text = words[int(word * len(words))]
    if words is _MARKS:
        x -= height * 0.6 * len(text)
    return Label(text, font, round(x, 3), round(y, 3), round(height, 3), round(strength, 3), frame < framed)
