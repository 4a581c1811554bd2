"""What surfaces are made of: colours, and fields of brightness about 0 (grain, clouds, streaks, ramps) to shade them.

Noise comes from fixed tiles cut at random offsets (`noise_tiles`), so that a surface costs a few passes over its pixels
and not a normal deviate for each of them.
"""

from __future__ import annotations

import colorsys
import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.samples import Image
from ocrsmith.synth.choices import Rng
from ocrsmith.synth.noise_tiles import cloud_tile, cut, grey_plane

Colour = tuple[float, float, float]
Field = NDArray[np.float32]  # (H, W), brightness around 0


def drawn_colour(
    rng: Rng, hue: tuple[float, float], saturation: tuple[float, float], value: tuple[float, float]
) -> Colour:
    """RGB in 0..255: hue (in turns, past 1 it goes round), saturation and value drawn evenly from ranges in 0..1."""
    red, green, blue = colorsys.hsv_to_rgb(
        float(rng.uniform(*hue)) % 1.0, float(rng.uniform(*saturation)), float(rng.uniform(*value))
    )
    return 255 * red, 255 * green, 255 * blue


def grain_field(rng: Rng, height: int, width: int) -> Field:
    """Independent noise, deviation 1."""
    return (cut(grey_plane(), rng, height, width).astype(np.float32) - 128.0) * (1 / 32.0)


def cloud_field(rng: Rng, height: int, width: int, scale: float = 1.0) -> Field:
    """Smooth blobs in -1..1, uniform by rank; `scale` above 1 makes them larger."""
    rows, columns = max(2, round(height / scale)), max(2, round(width / scale))
    tile = cut(cloud_tile(), rng, rows, columns)
    if tile.shape != (height, width):
        tile = resized_tile(tile, height, width)
    return tile.astype(np.float32) * (2 / 255.0) - 1.0


def streak_field(rng: Rng, height: int, width: int, length: float) -> Field:
    """Noise drawn out along the rows over about `length` px, deviation about 1."""
    columns = max(2, round(width / length) + 1)
    tile = cut(grey_plane(), rng, height, columns)
    return (resized_tile(tile, height, width).astype(np.float32) - 128.0) * (1 / 28.0)


def resized_tile(tile: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """A tile stretched to a size, bilinearly."""
    resized: Any = cv2.resize(tile, (width, height), interpolation=cv2.INTER_LINEAR)
    return resized


def ramp_field(rng: Rng, height: int, width: int) -> Field:
    """A plane from -1 to 1 in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    # Plain numbers beside float32 arrays: NumPy's own float64 would make all that follows twice as large.
    along = np.linspace(-1, 1, width, dtype=np.float32) * (math.cos(angle) / 1.42)
    down = np.linspace(-1, 1, height, dtype=np.float32) * (math.sin(angle) / 1.42)
    return along[None, :] + down[:, None]


def shaded(colour: Colour, field: Field) -> Image:
    """A colour brightened and darkened by `field`, in whole grey levels from -128 to 127."""
    levels: Any = cv2.add(field, 128.0, dtype=cv2.CV_8U)  # type: ignore[call-overload]
    # 128 is taken off and the colour laid on in one saturating sum a channel.
    return cv2.merge([cv2.add(levels, float(int(channel) - 128)) for channel in colour])  # type: ignore[call-overload, return-value]


def blended(first: Colour, second: Colour, share: Field) -> Image:
    """From the first colour where `share` is 0 to the second where it is 1, in 256 steps."""
    levels: Any = cv2.multiply(share, 255.0, dtype=cv2.CV_8U)  # type: ignore[call-overload]
    planes = [cv2.convertScaleAbs(levels, alpha=(b - a) / 255.0, beta=a) for a, b in zip(first, second)]
    return cv2.merge(planes)
