"""What a lens, a sensor and a file format do to a picture of text.

Every degradation here and in `degrade_surface` is `(image, rng, strength, text_px) -> image`: uint8 RGB (H, W, 3) in
and out, the shape kept; `strength` 0 (hardly seen) to 1 (hard to read alone, but readable); `text_px` the height in px
of the text that has to stay readable, which bounds blurs and coarse patterns. The same rng state gives the same result.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.samples import Image
from ocrsmith.synth.noise_tiles import SPREAD, chroma_tile, cut, grey_tile, normal_tile, uniform_tile

Rng = np.random.Generator


@lru_cache(maxsize=512)
def _motion_kernel(length_px: float, angle_degrees: int) -> NDArray[np.float32]:
    size = int(np.ceil(length_px)) | 1
    # Drawn eight times as large and shrunk: cv2.line alone knows only whole pixels.
    fine = np.zeros((size * 8, size * 8), np.float32)
    centre, reach = size * 4 - 0.5, length_px * 4
    angle = np.deg2rad(angle_degrees)
    step = np.array([np.cos(angle), np.sin(angle)]) * reach
    ends = [tuple(round(v) for v in centre + sign * step) for sign in (-1, 1)]
    cv2.line(fine, ends[0], ends[1], 1.0, 8)
    kernel: Any = cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(kernel / kernel.sum(), np.float32)


def motion_blur(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """Smear along a line at any angle, up to 0.28 of the text's height long."""
    length = 1.0 + round(2 * strength * 0.28 * text_px * (0.6 + 0.4 * rng.random())) / 2
    kernel = _motion_kernel(length, 5 * int(rng.integers(36)))
    return cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


@lru_cache(maxsize=128)
def _disk_kernel(radius_px: float) -> NDArray[np.float32]:
    size = 2 * int(np.ceil(radius_px)) + 1
    fine = np.zeros((size * 8, size * 8), np.float32)
    cv2.circle(fine, (size * 4, size * 4), max(1, round(radius_px * 8)), 1.0, -1)
    kernel: Any = cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(kernel / kernel.sum(), np.float32)


def focus_blur(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """A lens out of focus: a disk of up to 0.11 of the text's height in radius."""
    radius = 0.5 + round(4 * strength * 0.11 * text_px * (0.6 + 0.4 * rng.random())) / 4
    return cv2.filter2D(image, -1, _disk_kernel(radius), borderType=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


@lru_cache(maxsize=64)
def _box_kernel(side_px: int) -> NDArray[np.float32]:
    """Weights of a mean over `side_px`; an even one reaches half a px past both ends, so that nothing is moved."""
    weights = np.ones(side_px | 1, np.float32)
    if side_px % 2 == 0:
        weights[[0, -1]] = 0.5
    return (weights / side_px).astype(np.float32)


def box_blur(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """The mean over a rectangle, each side up to 0.2 of the text's height."""
    across, down = (_box_kernel(1 + round(strength * 0.2 * text_px * share)) for share in rng.uniform(0.4, 1.0, 2))
    return cv2.sepFilter2D(image, -1, across, down, borderType=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def gaussian_blur(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """A Gaussian of up to 0.075 of the text's height in sigma."""
    sigma = 0.3 + strength * 0.075 * text_px * (0.6 + 0.4 * rng.random())
    return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def sharpen(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """An unsharp mask with the halos that phones and scanners leave."""
    soft = cv2.GaussianBlur(image, (0, 0), 0.8 + 0.03 * text_px * rng.random())
    amount = 0.4 + 1.6 * strength
    return cv2.addWeighted(image, 1 + amount, soft, -amount, 0)  # type: ignore[return-value]


@cache
def _shot_table() -> NDArray[np.uint8]:
    # Shot noise grows with the root of the light (Poisson); 0.35 stays at black, as read noise does.
    return np.clip(255 * (0.35 + 0.65 * np.sqrt(np.arange(256) / 255.0)), 0, 255).astype(np.uint8)


def sensor_noise(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """Shot and read noise, grey or coloured, up to 30 of 255 in standard deviation."""
    tile = grey_tile() if rng.random() < 0.4 else normal_tile()
    noise = cut(tile, rng, *image.shape[:2])
    deviation = 2.0 + 28.0 * strength
    if rng.random() < 0.5:
        return cv2.addWeighted(image, 1.0, noise, deviation / SPREAD, -128.0 * deviation / SPREAD)  # type: ignore[return-value]
    gain: Any = cv2.LUT(image, _shot_table())
    # image + deviation * root of the light * (noise - 128) / SPREAD; eight bits hold its bright and its dark half each.
    scale = deviation / 255 / SPREAD
    brighter = cv2.multiply(gain, cv2.subtract(noise, (128, 128, 128, 0)), scale=scale)  # type: ignore[call-overload]
    darker = cv2.multiply(gain, cv2.subtract((128, 128, 128, 0), noise), scale=scale)  # type: ignore[call-overload]
    return cv2.subtract(cv2.add(image, brighter), darker)  # type: ignore[return-value]


def salt_and_pepper(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """White and black pixels, up to 3 in 100 of each."""
    draw = cut(uniform_tile(), rng, *image.shape[:2])
    level = 1 + round(7 * strength * rng.random())
    salt: Any = cv2.threshold(draw, 255 - level, 255, cv2.THRESH_BINARY)[1]
    pepper: Any = cv2.threshold(draw, level - 1, 255, cv2.THRESH_BINARY)[1]
    out = image
    if rng.random() < 0.8:
        out = cv2.min(out, cv2.merge([pepper] * 3))  # type: ignore[assignment]
    return cv2.max(out, cv2.merge([salt] * 3))  # type: ignore[return-value]


_SAMPLINGS = (
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
)


def jpeg(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """A round trip through JPEG at quality 85 down to 12, chroma whole or halved."""
    quality = round(85 - 73 * strength * (0.7 + 0.3 * rng.random()))
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _SAMPLINGS[int(rng.integers(3))]]
    data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1]
    return cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)  # type: ignore[return-value]


def chroma_noise(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """Coloured blotches of a dim sensor, up to 26 of 255, with the luma left alone."""
    noise = cut(chroma_tile(), rng, *image.shape[:2])
    scale = (3.0 + 23.0 * strength) / SPREAD
    return cv2.addWeighted(image, 1.0, noise, scale, -128.0 * scale)  # type: ignore[return-value]


def chroma_subsampling(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """Colour at a half to a sixth of the resolution, shifted by up to a pixel, as video and cheap optics have it."""
    height, width = image.shape[:2]
    factor = 2 + round(4 * strength * rng.random())
    luma, *chroma = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb))
    small = (max(1, width // factor), max(1, height // factor))
    coarse = [cv2.resize(cv2.resize(c, small, interpolation=cv2.INTER_AREA), (width, height)) for c in chroma]
    return cv2.cvtColor(cv2.merge([luma, *coarse]), cv2.COLOR_YCrCb2RGB)  # type: ignore[return-value]


_SHRINKING = (cv2.INTER_AREA, cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_NEAREST_EXACT)
_GROWING = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST_EXACT, cv2.INTER_LANCZOS4)


def resample(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """Shrunk and grown again: at strength 1 the text passed through about 9 px of height."""
    height, width = image.shape[:2]
    most = max(1.15, text_px / 9.0)
    factor = 1.0 + (most - 1.0) * strength * (0.6 + 0.4 * rng.random())
    choice = int(rng.integers(16))
    shrinking, growing = _SHRINKING[choice & 3], _GROWING[choice >> 2]
    if shrinking == cv2.INTER_NEAREST_EXACT:
        # Without a filter strokes drop out, so it goes a third as far.
        factor = 1.0 + 0.35 * (factor - 1.0)
    small = (max(2, round(width / factor)), max(2, round(height / factor)))
    shrunk: Any = cv2.resize(image, small, interpolation=shrinking)
    if growing == cv2.INTER_LANCZOS4:
        # OpenCV's eight taps are several times as fast on floats as on bytes.
        grown = cv2.resize(shrunk.astype(np.float32), (width, height), interpolation=growing)
        return cv2.add(grown, (0.0, 0.0, 0.0, 0.0), dtype=cv2.CV_8U)  # type: ignore[call-overload]
    return cv2.resize(shrunk, (width, height), interpolation=growing)


def moire(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """The beat of a screen's grid with the sensor's: slanted waves, slightly different in each colour."""
    height, width = image.shape[:2]
    period = text_px * (0.18 + 0.9 * rng.random())
    angle = np.pi * rng.random()
    # Phases in 1/256 of a wave: sums of bytes turn round as angles do, and no sine is taken a pixel.
    fx, fy = 256 * np.cos(angle) / period, 256 * np.sin(angle) / period
    bend = rng.uniform(-0.5, 0.5) * 256 / max(height, width)
    x, y = np.arange(width), np.arange(height)
    across, down = (np.rint(part).astype(np.int64).astype(np.uint8) for part in (fx * x + bend * x * x / 8, fy * y))
    phase = np.add.outer(down, across)
    amplitude = 0.04 + 0.18 * strength
    shift = rng.uniform(-0.8, 0.8, 2)
    most = 1.25
    gains = [
        np.rint((1.0 - 0.4 * amplitude + amplitude * np.sin(_PHASES + p)) * 255 / most).astype(np.uint8)
        for p in (shift[0], 0.0, shift[1])
    ]
    laid = cv2.merge([cv2.LUT(phase, gain) for gain in gains])
    return cv2.multiply(image, laid, scale=most / 255)  # type: ignore[return-value]


_PHASES = np.arange(256) * (2 * np.pi / 256)


def tone(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """Contrast, brightness and gamma; contrast down to 0.35 of what it was, gamma 0.45 to 2.2."""
    contrast = 1.0 + strength * rng.uniform(-0.65, 0.5)
    brightness = strength * rng.uniform(-50, 50)
    gamma = float(np.exp(strength * rng.uniform(-0.8, 0.8)))
    levels = 255.0 * _RAMP**gamma
    return cv2.LUT(image, np.clip((levels - 128) * contrast + 128 + brightness, 0, 255).astype(np.uint8))  # type: ignore[return-value]


_RAMP = (np.arange(256, dtype=np.float32) / 255.0)[:, None]


def low_contrast(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """Everything drawn towards one grey level, to a fifth of the contrast at strength 1."""
    contrast = 1.0 - 0.8 * strength * (0.7 + 0.3 * rng.random())
    towards = rng.uniform(30, 225)
    return cv2.convertScaleAbs(image, alpha=contrast, beta=(1.0 - contrast) * towards)  # type: ignore[return-value]


def colour_cast(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """The light's colour: warm, cold or green, channels scaled by 1 -+ 0.35."""
    gains = 1.0 + 0.35 * strength * rng.uniform(-1, 1, 3)
    return cv2.multiply(image, (gains[0], gains[1], gains[2], 1.0))  # type: ignore[call-overload]


def greyscale(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """Colour taken out, wholly at strength 1."""
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(image, 1.0 - strength, grey, strength, 0)  # type: ignore[return-value]


def quantisation(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """Few levels a channel (24 down to 4), half of the time with an ordered dither."""
    levels = round(24 - 20 * strength * (0.7 + 0.3 * rng.random()))
    step = 255.0 / (levels - 1)
    if rng.random() < 0.5:
        height, width = image.shape[:2]
        tiled = np.tile(_BAYER, (-(-height // 4), -(-width // 4), 1))[:height, :width]
        image = cv2.addWeighted(image, 1.0, tiled, step / 255, -step / 2)  # type: ignore[assignment]
    table = np.clip(np.rint(np.arange(256) / step) * step, 0, 255).astype(np.uint8)
    return cv2.LUT(image, table)  # type: ignore[return-value]


# Bayer's 4x4 index matrix (Bayer, ICC 1973), spread over 0..255.
_BAYER = np.repeat(
    (np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.float32) * 17).astype(np.uint8)[
        ..., None
    ],
    3,
    axis=2,
)
