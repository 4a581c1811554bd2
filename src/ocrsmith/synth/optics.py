"""What happens between a display and a file: light, reflections, blur, noise, lost resolution, compression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.samples import Image


@dataclass(frozen=True)
class Optics:
    """What happens between a panel and a file: light, blur, noise, compression. Drawn once, applied by `apply`."""

    light: tuple[float, ...]  # brightness at the four corners, factors
    glare: float  # greatest grey level added by reflections
    clouds: float  # grey levels of slow unevenness: dirt, dust, a reflected room
    contrast: float
    brightness: float
    cast: tuple[float, float, float]
    blur_px: float
    motion_px: tuple[float, float]
    noise: float
    shrink: float  # resolution lost: 1 is none
    stretch: float  # how much wider than it was taken the picture is stored: blur and grain are stretched with it
    jpeg: int  # quality, 0 for none
    seed: int


def draw_optics(rng: np.random.Generator, height_px: float, strength: float = 1.0, *, stretch: float = 1.0) -> Optics:
    """Draws light and camera faults; blur and motion grow with the digits' height in px."""

    def maybe(share: float) -> bool:
        return bool(rng.random() < share * strength)

    unit = height_px / 32.0
    angle = rng.uniform(0, np.pi)
    motion = rng.uniform(0.5, 3.5) * unit if maybe(0.15) else 0.0
    return Optics(
        light=tuple(np.round(rng.uniform(0.55, 1.25, 4) if maybe(0.5) else np.ones(4), 3).tolist()),
        glare=round(float(rng.uniform(20, 180)), 1) if maybe(0.3) else 0.0,
        clouds=round(float(abs(rng.normal(0, 14))), 1) if maybe(0.4) else 0.0,
        contrast=round(float(rng.uniform(0.35, 1.2)) if maybe(0.5) else 1.0, 3),
        brightness=round(float(rng.uniform(-50, 50)) if maybe(0.4) else 0.0, 1),
        cast=tuple(np.round(rng.uniform(0.8, 1.2, 3), 3).tolist()),
        blur_px=round(float(abs(rng.normal(0, 0.85))) * unit, 3) if maybe(0.7) else 0.0,
        motion_px=(round(float(np.cos(angle) * motion), 3), round(float(np.sin(angle) * motion), 3)),
        noise=round(float(abs(rng.normal(0, 7))), 2) if maybe(0.7) else 0.0,
        shrink=round(float(rng.uniform(1.0, 2.6)), 3) if maybe(0.35) else 1.0,
        stretch=round(float(np.clip(stretch, 0.5, 3.0)), 3),
        jpeg=int(rng.integers(25, 95)) if maybe(0.4) else 0,
        seed=int(rng.integers(2**31)),
    )


def apply_optics(image: Image, optics: Optics) -> Image:
    """The picture as a camera would have it; the shape is kept."""
    rng = np.random.default_rng(optics.seed)
    height, width = image.shape[:2]
    values: Any = image.astype(np.float32)
    gain = np.array(optics.light, np.float32).reshape(2, 2)
    if not np.allclose(gain, 1.0):
        values *= cv2.resize(gain, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    values = (values - 128.0) * (optics.contrast * np.array(optics.cast, np.float32)) + (128.0 + optics.brightness)
    if optics.glare > 0:
        values += optics.glare * _reflections(rng, height, width)[..., None]
    if optics.clouds > 1:
        rows = int(rng.integers(2, 7))
        field = rng.standard_normal((rows, max(3, round(rows * width / height))), np.float32) * optics.clouds
        values += cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    np.clip(values, 0, 255, out=values)
    if optics.blur_px > 0.25:
        values = cv2.GaussianBlur(values, (0, 0), optics.blur_px * optics.stretch, sigmaY=optics.blur_px)
    dx, dy = optics.motion_px
    if abs(dx) + abs(dy) > 0.8:
        values = cv2.filter2D(values, -1, _motion_kernel(dx, dy))
    if optics.shrink > 1.05:
        small = (max(8, round(width / optics.shrink / optics.stretch)), max(8, round(height / optics.shrink)))
        values = cv2.resize(cv2.resize(values, small, interpolation=cv2.INTER_AREA), (width, height))
    if optics.noise > 0.5:
        columns = max(8, round(width / max(1.0, optics.stretch)))
        grain: Any = rng.standard_normal((height, columns, 1 if optics.seed % 2 else 3), np.float32)
        grain = cv2.resize(grain, (width, height)).reshape(height, width, -1)
        values = values + optics.noise * grain
    out: Any = np.clip(values, 0, 255).astype(np.uint8)
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
