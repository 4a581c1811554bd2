"""Whether a display's reading can still be told in the finished picture: each digit from its rivals, the point at all.

`legibility.is_washed_out` asks whether ink stands out of the ground about it. That passes digits whose strokes have run
together or doubled, and says nothing of the point. Here every segment is measured against the holes of its own digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ocrsmith.geometry import transform_points
from ocrsmith.samples import Image, TextInstance
from ocrsmith.synth.legibility import IllegibleError, is_washed_out
from ocrsmith.synth.panels import Cell, Panel, cells_of, reading_coverage
from ocrsmith.synth.segment_probes import HOLES, NUM_HOLE, NUM_ON, NUM_OUT, CellProbes, font_probes, style_probes

# A digit's margin, in strengths of its strokes, less this many times noise over strength, is to reach the floor.
_NOISE_COUNTS, _CLEAR_FLOOR = 0.5, -0.3
# A digit whose strokes are fainter beside the noise is lost: of 23 such in 420 crops an eye read three.
_LEAST_STRENGTH, _LOST = 2.1, -10.0
# A point stands out by so many grey levels, and by this share of the geometric mean of the digits' strength and noise.
_POINT_LEVELS, _POINT_FLOOR = 4.0, 0.6

_POINT_IN = np.linspace(0.2, 0.8, 4)
_POINT_BESIDE = np.linspace(1 / 12, 11 / 12, 6)
# How far beside a point the ground is looked at: shares of its size, and the least in digit heights.
_BESIDE, _LEAST_BESIDE = np.array([0.25, 0.5]), np.array([0.02, 0.04])
_NUM_POINT = len(_POINT_IN) ** 2 + 3 * len(_POINT_BESIDE) * len(_BESIDE)


@dataclass(frozen=True)
class Clarity:
    """How clear a reading is.

    Attributes:
        digits: (D,) of every digit, the margin by which its segments say it and not its nearest rival, as a share of
            the mean strength of its strokes, less what noise may do: .5 where nothing was lost and one segment decides,
            0 where that segment could as well be off.
        points: (N,) of every point that nothing else tells of, how far it stands out of what lies left, right and
            above, over the geometric mean of the digits' strength and the noise; 0 below 4 levels.
    """

    digits: NDArray[np.float64]
    points: NDArray[np.float64]

    @property
    def fault(self) -> str | None:
        """What cannot be told, as refusals name it: "UnclearDigit", "UnseenPoint", or None."""
        if self.digits.min(initial=np.inf) < _CLEAR_FLOOR:
            return "UnclearDigit"
        return "UnseenPoint" if self.points.min(initial=np.inf) < _POINT_FLOOR else None


def illegible_cause(image: Image, matrix: ArrayLike, panel: Panel, instance: TextInstance) -> str | None:
    """Why a display's reading cannot be told in the finished picture, as refusals are counted, or None.

    "IllegibleError": a digit drowned in glare, haze, noise or darkness; else `Clarity.fault`.

    Args:
        image: uint8 RGB (H, W, 3), after all degradation. matrix: panel units -> px. instance: the reading.
    """
    quads = [character.quad for character in instance.characters or () if character.text != "."]
    if is_washed_out(image, reading_coverage(image.shape, matrix, panel), quads):
        return IllegibleError.__name__
    return reading_clarity(image, matrix, panel).fault


def reading_clarity(image: Image, matrix: ArrayLike, panel: Panel) -> Clarity:
    """Measures a panel's reading in a finished picture.

    The floors were set by eye on 600 crops: docs/experiments.md. A point before digits of a smaller size is left out:
    their size tells of it, and displays that show none are drawn on purpose.

    Args:
        image: uint8 RGB (H, W, 3), after all degradation. matrix: panel units -> px.
    """
    cells = cells_of(panel)
    digits = [cell for cell in cells if cell.text != "."]
    points = [cell for cell in cells if cell.text == "."] if panel.tail == 0 else []
    if not digits:
        return Clarity(np.zeros(0), np.zeros(0))
    probes = [_probes(panel, cell) for cell in digits]
    places = [probe.points * cell.scale + (cell.left, cell.top) for probe, cell in zip(probes, digits, strict=True)]
    levels = _levels(image, matrix, panel, np.concatenate([*places, *map(_point_places, points)]))
    num_digits = len(digits) * len(places[0])
    clear, strength, noise = _told(levels[:num_digits].reshape(len(digits), -1), probes)
    seen = [
        _seen(part, float(np.median(strength)), float(np.median(noise)))
        for part in levels[num_digits:].reshape(-1, _NUM_POINT)
    ]
    return Clarity(clear, np.array(seen))


def _probes(panel: Panel, cell: Cell) -> CellProbes:
    if panel.font is not None:
        return font_probes(panel.font, cell.text, panel.style.width)
    return style_probes(panel.style, cell.text)


def _levels(image: Image, matrix: ArrayLike, panel: Panel, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """(P,): grey levels at places in panel units, along the way from the ground's colour to the ink's."""
    # A pixel's centre lies at a half.
    x, y = (transform_points(places, matrix) - 0.5).T
    pixels: Any = cv2.remap(image, x[None], y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    way = np.subtract(panel.ink, panel.ground, dtype=np.float64)
    return np.asarray(pixels[0] @ (way / max(float(np.linalg.norm(way)), 1.0)), np.float64)


def _told(
    levels: NDArray[np.float64], probes: Sequence[CellProbes]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(D,) each, of levels (D, P): how clear the digits are, how strong their strokes, and the noise, in levels."""
    num = len(probes)
    on, holes = levels[:, : HOLES.start].reshape(num, 7, NUM_ON), levels[:, HOLES].reshape(num, 2, NUM_HOLE)
    counted, free = np.stack([probe.on for probe in probes]), np.stack([probe.free for probe in probes])
    segments, hole = (on * counted).sum(axis=2) / counted.sum(axis=2), (holes * free).sum(axis=2) / free.sum(axis=2)
    spread = (counted * (on - segments[..., None]) ** 2).sum(axis=(1, 2))
    spread += (free * (holes - hole[..., None]) ** 2).sum(axis=(1, 2))
    noise = np.sqrt(spread / (counted.sum(axis=(1, 2)) + free.sum(axis=(1, 2)))).clip(1.0)
    middle = hole.mean(axis=1, keepdims=True)
    within = hole[:, [0, 0, 1, 1, 1, 0]]
    outside = levels[:, HOLES.stop :].reshape(num, 6, NUM_OUT).mean(axis=2)
    lit = np.stack([probe.lit for probe in probes])
    num_lit = lit.sum(axis=1).clip(1)
    against_holes = segments - np.concatenate([within, middle], axis=1)
    strength = (against_holes * lit).sum(axis=1) / num_lit
    # Uneven light slopes across a digit, and what lies outside may be another digit or the bezel: each segment is
    # judged against its hole, or against hole and outside together, whichever speaks for what it is.
    against_both = segments - np.concatenate([(within + outside) / 2, middle], axis=1)
    stroke = np.where(lit, np.maximum(against_holes, against_both), np.minimum(against_holes, against_both))
    full = ((stroke * lit).sum(axis=1) / num_lit).clip(1e-3)
    evidence = np.where(lit, 1.0, -1.0) * (stroke - full[:, None] / 2)
    differs = np.stack([probe.rivals for probe in probes]) != lit[:, None]
    margins = np.where(differs.any(axis=2), (differs @ evidence[..., None])[..., 0], np.inf).min(axis=1)
    doubt = _NOISE_COUNTS / (strength / noise).clip(_LEAST_STRENGTH)
    clear = np.where(strength < _LEAST_STRENGTH * noise, _LOST, margins / full - doubt)
    return clear.clip(_LOST), strength, noise


def _point_places(cell: Cell) -> NDArray[np.float64]:
    """(52, 2), panel units: 16 places in a point, then 12 each above, left and right of it."""
    away = np.maximum(_BESIDE * cell.scale, _LEAST_BESIDE)
    beside = _POINT_BESIDE * cell.scale
    left, top, right = cell.left, cell.top, cell.left + cell.scale
    inside = _POINT_IN * cell.scale
    grids = (
        (left + inside, top + inside),
        (left + beside, top - away),
        (left - away, top + beside),
        (right + away, top + beside),
    )
    return np.concatenate([np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2) for x, y in grids])


def _seen(levels: NDArray[np.float64], strength: float, noise: float) -> float:
    """How far a point stands out of the middle one of its three sides, since one may be a digit's foot."""
    above, left, right = levels[16:].reshape(3, 12).mean(axis=1).tolist()
    beside = sorted((above, left, right))[1]
    if min(left, right) - above > strength / 2:  # A large point closes the gap between two feet: that is seen, too.
        beside = (above + beside) / 2
    out = float(levels[:16].mean()) - beside
    return out / float(np.sqrt(max(strength, 1.0) * noise)) if out >= _POINT_LEVELS else 0.0
