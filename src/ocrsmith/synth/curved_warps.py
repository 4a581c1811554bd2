"""Warps that no matrix describes: lenses, waves, arches, circles, folds, curls, cylinders and elastic paper."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np

from ocrsmith.synth.warps import Points, Warp

# Cells of an elastic field a node: remap counts in 32nds of a cell, which must stay far below a px.
_FINER = 16


def lens(width: int, height: int, bend: float, centre: tuple[float, float] = (0.5, 0.5)) -> Warp:
    """Radial distortion, r_source = r (1 + bend r^2) with r = 1 at half the diagonal (Brown 1966, first term).

    Positive `bend` gives a barrel, negative a pincushion; from -0.3 on the map would fold, so it is held above that.
    """
    reach = np.hypot(width, height) / 2
    middle = np.array([width * centre[0], height * centre[1]])
    bend = max(bend, -0.25)

    def backward(points: Points) -> Points:
        offset = (points - middle) / reach
        return middle + reach * offset * (1.0 + bend * np.minimum((offset**2).sum(-1, keepdims=True), 1.2))

    return Warp((width, height), (width, height), backward)


def waves(
    width: int, height: int, amplitude_px: float, period_px: float, phase: float = 0.0, vertical: bool = False
) -> Warp:
    """Paper that ripples: y moves by a sine of x (x by a sine of y where `vertical`)."""
    axis, other = (1, 0) if vertical else (0, 1)

    def moved_by(points: Points, sign: float) -> Points:
        moved = points.copy()
        moved[..., other] += sign * amplitude_px * np.sin(points[..., axis] * (2 * np.pi / period_px) + phase)
        return moved

    size = (width, height)
    return Warp(size, size, lambda points: moved_by(points, -1), None, lambda points: moved_by(points, 1))


def arch(width: int, height: int, rise_px: float) -> Warp:
    """A baseline bent along a parabola: the middle `rise_px` above its ends, or below them where negative."""

    def moved_by(points: Points, rise: float) -> Points:
        moved = points.copy()
        moved[..., 1] += rise * (2 / 3 - (2 * points[..., 0] / width - 1) ** 2)
        return moved

    size = (width, height)
    return Warp(size, size, lambda points: moved_by(points, rise_px), None, lambda points: moved_by(points, -rise_px))


def circle(width: int, height: int, radius_px: float, baseline_px: float) -> Warp:
    """A line laid round a circle, its length kept along the baseline at y = `baseline_px`.

    The middle of the line stays where it is. A positive radius sets letters on the circle with their heads outwards,
    as along the top of a seal; a negative one sets them below its centre with their heads inwards, as along its foot.
    Ends more than half a turn from the middle would overlap: keep `width` below 2 pi times the radius.
    """
    centre = np.array([width / 2, baseline_px + radius_px])
    side, reach = math.copysign(1.0, radius_px), abs(radius_px)

    def forward(points: Points) -> Points:
        angle = (points[..., 0] - centre[0]) / radius_px
        distance = radius_px - (points[..., 1] - baseline_px)
        return centre + np.stack([distance * np.sin(angle), -distance * np.cos(angle)], axis=-1)

    def backward(points: Points) -> Points:
        dx, dy = points[..., 0] - centre[0], points[..., 1] - centre[1]
        along = centre[0] + reach * np.arctan2(dx, -side * dy)
        return np.stack([along, baseline_px + side * (reach - np.hypot(dx, dy))], axis=-1)

    return Warp((width, height), (width, height), backward, None, forward, exact=True)


def fold(width: int, height: int, place: float, lift_px: float, vertical: bool = False) -> Warp:
    """Paper that was folded once: a crease at `place` (share) of the width, lines rising by `lift_px` towards it.

    The two halves stay flat but for a soft bend of a twentieth of the side; `vertical` folds across the height.
    """
    axis, other, length = (1, 0, height) if vertical else (0, 1, width)
    crease, soft = place * length, 0.05 * length

    def moved_by(points: Points, sign: float) -> Points:
        moved = points.copy()
        away = np.sqrt((points[..., axis] - crease) ** 2 + soft**2) / length
        moved[..., other] += sign * lift_px * away
        return moved

    size = (width, height)
    return Warp(size, size, lambda points: moved_by(points, -1), None, lambda points: moved_by(points, 1))


def curl(width: int, height: int, lift_px: float, reach: float = 0.35, from_right: bool = False) -> Warp:
    """A page lifted at its spine: y falls off as exp(-x / reach) from one side, and x is drawn together there."""

    def backward(points: Points) -> Points:
        moved = points.copy()
        u = points[..., 0] / width
        away = 1.0 - u if from_right else u
        fall = np.exp(-np.maximum(away, -0.2) / reach)
        moved[..., 1] += lift_px * fall
        moved[..., 0] += (1 if from_right else -1) * 0.5 * abs(lift_px) * fall
        return moved

    return Warp((width, height), (width, height), backward)


def cylinder(width: int, height: int, turn: float, bow_px: float = 0.0, vertical: bool = False) -> Warp:
    """A label on a can: across it x = R sin(angle), to `turn` (the edge's sine, below 0.95); lines bow by `bow_px`."""
    axis, other, length = (1, 0, height) if vertical else (0, 1, width)
    most = np.arcsin(turn)

    def backward(points: Points) -> Points:
        moved = points.copy()
        sine = np.clip((2 * points[..., axis] / length - 1) * turn, -0.98, 0.98)
        moved[..., axis] = length * (np.arcsin(sine) / most + 1) / 2
        moved[..., other] += bow_px * (np.sqrt(1 - sine**2) - 1) / max(1e-6, 1 - np.sqrt(1 - turn**2))
        return moved

    return Warp((width, height), (width, height), backward)


def elastic(width: int, height: int, amplitude_px: float, smooth_px: float, seed: int) -> Warp:
    """A smooth random displacement of `amplitude_px` (deviation) that varies over `smooth_px`.

    As Simard, Steinkraus and Platt, ICDAR 2003; drawn on a grid of `smooth_px` and interpolated, not filtered.
    """
    columns, rows = (int(np.ceil(side / smooth_px)) + 3 for side in (width, height))
    nodes = np.random.default_rng(seed).standard_normal((rows, columns, 2)).astype(np.float32) * amplitude_px
    # A displacement that grew by more than a px a px would fold the picture.
    nodes = np.clip(nodes, -0.35 * smooth_px, 0.35 * smooth_px)
    field: Any = cv2.resize(nodes, (columns * _FINER, rows * _FINER), interpolation=cv2.INTER_CUBIC)
    scale = _FINER / smooth_px

    def backward(points: Points) -> Points:
        place = ((points + smooth_px) * scale).astype(np.float32).reshape(1, -1, 2)
        moved = [
            cv2.remap(field, part, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
            for part in np.array_split(place, -(-place.shape[1] // 30_000), axis=1)
        ]
        return points + np.concatenate(moved, axis=1).reshape(points.shape)

    return Warp((width, height), (width, height), backward)
