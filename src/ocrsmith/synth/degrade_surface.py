"""What light, print and wear do to a picture of text; `degrade_camera` tells the signature that all have."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.samples import Image
from ocrsmith.synth.noise_tiles import SPREAD, cloud_tile, cut, grey_tile, uniform_tile

Rng = np.random.Generator


# Gains are laid over pictures in eight bits: half a level at most is lost, and a page takes a third of the time.
_MOST_GAIN = 1.5


def apply_gain(image: Image, gain: NDArray[Any], most: float = 1.0) -> Image:
    """image * gain; gain (h, w) float 0 to `most`, of the picture's size or coarse, and then grown smoothly to it."""
    levels: Any = cv2.convertScaleAbs(np.maximum(gain, 0), alpha=255.0 / most)
    height, width = image.shape[:2]
    if levels.shape != (height, width):
        coarse = min(levels.shape) < 32
        levels = cv2.resize(levels, (width, height), interpolation=cv2.INTER_CUBIC if coarse else cv2.INTER_LINEAR)
    return cv2.multiply(image, cv2.merge([levels] * 3), scale=most / 255.0)  # type: ignore[return-value]


def _grown(field: NDArray[Any], height: int, width: int) -> NDArray[np.float32]:
    return cv2.resize(field.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


def uneven_light(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """A lamp to one side: a smooth field of gains, down to 0.4 and up to 1.3 at strength 1."""
    height, width = image.shape[:2]
    if rng.random() < 0.5:
        corners = rng.uniform(-1, 1, (2, 2))
        field: NDArray[Any] = cv2.resize(corners.astype(np.float32), (8, 8))
    else:
        # A lamp is larger than a line is high: across a long crop the light changes only along it.
        field = rng.uniform(-1, 1, (3 if height * 2 > width else 1, 4))
    return apply_gain(image, 1.0 - 0.12 * strength + 0.42 * strength * field, _MOST_GAIN)


def vignette(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """Darker towards the edges, about a centre that may lie aside."""
    cx, cy = rng.uniform(0.3, 0.7, 2)
    x, y = np.linspace(0, 1, 16) - cx, np.linspace(0, 1, 16) - cy
    falloff = (x[None] ** 2 + y[:, None] ** 2) * rng.uniform(1.0, 1.8)
    return apply_gain(image, 1.0 - 0.85 * strength * np.minimum(falloff, 0.8))


def soft_shadow(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """The shadow of a hand, a pole or a sheet: a straight or bent edge, hard or soft."""
    height, width = image.shape[:2]
    scale = 0.25 if max(height, width) > 256 else 0.5
    h, w = max(4, int(height * scale)), max(4, int(width * scale))
    mask = np.zeros((h, w), np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    normal, along = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    edge = np.array([w, h]) * rng.uniform(0.2, 0.8, 2)
    far = 2.0 * (h + w)
    corners = [
        edge - along * far,
        edge + along * far,
        edge + along * far + normal * far,
        edge - along * far + normal * far,
    ]
    if rng.random() < 0.4:  # a pole rather than a half plane
        corners[2:] = [c - normal * (far - rng.uniform(0.1, 0.5) * w) for c in corners[2:]]
    cv2.fillConvexPoly(mask, np.rint(corners).astype(np.int32), 1.0)
    return apply_gain(image, 1.0 - (0.15 + 0.5 * strength) * softened(mask, 0.6 + rng.random() ** 2 * 0.5 * h))


def softened(mask: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """A Gaussian blur; a wide one by a triangle of the same deviation, whose cost does not grow with its width."""
    if sigma < 3.0:
        return cv2.GaussianBlur(mask, (0, 0), sigma)  # type: ignore[return-value]
    # A triangle over 2 r + 1 px has the variance r (r + 2) / 6.
    side = 2 * round((6.0 * sigma * sigma + 1.0) ** 0.5 - 1.0) + 1
    return cv2.stackBlur(mask, (side, side))  # type: ignore[return-value]


def glare(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """A lamp mirrored in glass or varnish: bright soft spots that pale the ink, and never hide it wholly."""
    height, width = image.shape[:2]
    h, w = max(4, height // 2), max(4, width // 2)
    light: Any = np.zeros((h, w), np.uint8)
    peak = round(255 * (0.3 + 0.42 * strength))
    for _ in range(1 + int(rng.random() < 0.3)):
        centre = (int(rng.random() * w), int(rng.random() * h))
        long = int(max(2, text_px * 0.5 * rng.uniform(0.5, 1.8)))
        axes = (long, max(1, int(long * rng.uniform(0.15, 1.0))))
        cv2.ellipse(light, centre, axes, rng.uniform(0, 180), 0, 360, peak, -1)
    light = cv2.GaussianBlur(light, (0, 0), max(0.8, text_px * 0.5 * rng.uniform(0.1, 0.35)))
    glow: Any = cv2.resize(light, (width, height))
    # Screen blend: image + (255 - image) * glow.
    return cv2.add(image, cv2.multiply(cv2.bitwise_not(image), cv2.merge([glow] * 3), scale=1 / 255))  # type: ignore[return-value]


@lru_cache(maxsize=64)
def _screen(period_px: float, angle_degrees: int) -> NDArray[np.uint8]:
    """(512, 512) uint8 threshold screen of round dots; 128 is the middle."""
    angle = np.deg2rad(angle_degrees)
    steps = np.arange(512, dtype=np.float32) * np.float32(2 * np.pi / period_px)
    a, b = steps * np.float32(np.cos(angle)), steps * np.float32(np.sin(angle))
    # cos(a + b) + cos(a' - b') from outer products: no cosine a pixel.
    rising = np.outer(np.cos(b), np.cos(a)) - np.outer(np.sin(b), np.sin(a))
    falling = np.outer(np.cos(a), np.cos(b)) + np.outer(np.sin(a), np.sin(b))
    return cv2.addWeighted(rising, 62.0, falling, 62.0, 128.0, dtype=cv2.CV_8U)  # type: ignore[return-value]


def halftone(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """Newsprint: tones become dots of an eighth of the text's height, blended in by strength."""
    height, width = image.shape[:2]
    period = max(2.2, round(text_px * rng.uniform(0.1, 0.15) * 2) / 2)
    screen = cut(_screen(period, int(rng.choice((15, 30, 45, 75)))), rng, height, width)
    grey: Any = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    # Dots with soft edges: gain 3 about the threshold.
    dots: Any = cv2.addWeighted(grey, 3.0, screen, -3.0, 128.0)
    share = 0.25 + 0.6 * strength
    return cv2.addWeighted(image, 1.0 - share, cv2.merge([dots] * 3), share, 0)  # type: ignore[return-value]


def _binary(grey: NDArray[Any], offset: float) -> Any:
    level, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return cv2.threshold(grey, float(np.clip(level + offset, 5, 250)), 255, cv2.THRESH_BINARY)[1]


def fax(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """Black and white by Otsu's threshold (IEEE SMC 9, 1979) after noise, with ragged edges and lost rows."""
    height, width = image.shape[:2]
    grey: Any = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    scale = (0.3 + 0.9 * strength * rng.random()) * 24 / SPREAD
    grey = cv2.addWeighted(grey, 1.0, cut(grey_tile(), rng, height, width)[..., 0], scale, -128 * scale)
    out = _binary(grey, rng.uniform(-16, 16) * strength)
    if rng.random() < 0.35 * strength:
        row = int(rng.integers(height))
        out[row : row + 1 + int(text_px > 40)] = out[max(0, row - 1)]
    if rng.random() < 0.6:
        out = cv2.GaussianBlur(out, (3, 3), 0.5)
    return cv2.merge([out] * 3)


def threshold(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """Black and white as scanners and document apps store it: by Otsu's one level, or by the mean of a neighbourhood.

    The neighbourhood is three to six times the text's height, so that letters keep their inside. Weak strengths blend.
    """
    grey: Any = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if rng.random() < 0.5:
        out = _binary(grey, rng.uniform(-20, 20) * strength)
    else:
        side = 2 * max(2, int(text_px * rng.uniform(1.5, 3.0))) + 1
        local: Any = cv2.blur(grey, (side, side))
        # Ground is what lies near its neighbourhood's mean; ink may be the darker or the brighter.
        sign = 1 if cv2.mean(grey)[0] >= 128 else -1
        margin = 6 + 10 * strength * rng.random()
        apart = cv2.subtract(local, grey) if sign > 0 else cv2.subtract(grey, local)
        ink = cv2.threshold(apart, margin, 255, cv2.THRESH_BINARY)[1]
        out = cv2.bitwise_not(ink) if sign > 0 else ink
    share = min(1.0, 0.4 + strength)
    return cv2.addWeighted(image, 1.0 - share, cv2.merge([out] * 3), share, 0)  # type: ignore[return-value]


@lru_cache(maxsize=64)
def _sigmoid_table(steepness: float, middle: int) -> NDArray[np.uint8]:
    values = 1.0 / (1.0 + np.exp(-steepness * (np.arange(256) - middle) / 64.0))
    return np.rint(255 * (values - values[0]) / (values[-1] - values[0])).astype(np.uint8)


def photocopy(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """Grey, hard in contrast, with toner specks and a drum's bands."""
    height, width = image.shape[:2]
    grey: Any = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    mean = float(cv2.mean(grey)[0])
    # The turning point lies between ink and ground: on the far side of the mean from 128 text would drown.
    middle = int(np.clip(round(mean / 8) * 8 + (-24 if mean > 128 else 24), 40, 215))
    grey = cv2.LUT(grey, _sigmoid_table(round(2 + 3 * strength, 1), middle))
    specks: Any = cv2.threshold(cut(uniform_tile(), rng, height, width), int(3 * strength), 255, cv2.THRESH_BINARY)[1]
    if text_px > 30:
        specks = cv2.erode(specks, np.ones((2, 2), np.uint8))
    grey = cv2.min(grey, specks)
    if rng.random() < 0.5:
        bands = 1.0 - 0.25 * strength * rng.random((1, max(3, width // max(4, int(text_px * 0.7)))))
        grey = cv2.multiply(grey, _grown(np.clip(bands, 0.5, 1), height, width), dtype=cv2.CV_8U)
    return cv2.merge([cv2.GaussianBlur(grey, (3, 3), 0.6)] * 3)


def thermal(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """A receipt's pale print: contrast down to 0.3, worn heating dots as pale rows or columns, fading in patches."""
    height, width = image.shape[:2]
    grey: Any = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    mean = cv2.mean(grey)[0]
    ground = float(np.clip(mean + (40 if mean > 110 else -40), 10, 245))
    kept = 1.0 - 0.5 * strength * (0.5 + 0.5 * rng.random())
    field = kept * _grown(1.0 - 0.35 * strength * rng.random((2, 5)), height, width)
    if rng.random() < 0.5:
        # A head has 8 dots a mm: a dead one is one thin line through the text.
        for _ in range(1 + int(2 * strength)):
            place = int(rng.random() * width)
            field[:, place : place + max(1, int(text_px * 0.04))] *= 0.35
    left: Any = cv2.convertScaleAbs(np.maximum(field, 0.05, out=field), alpha=255.0)
    # tint * ground + (image - ground) * field; eight bits hold what is brighter and what is darker each.
    brighter = cv2.multiply(cv2.subtract(grey, ground), left, scale=1 / 255)  # type: ignore[call-overload]
    darker = cv2.multiply(cv2.subtract(ground, grey), left, scale=1 / 255)  # type: ignore[call-overload]
    tint = np.array([1.0, 1.0 - 0.02 * rng.random(), 1.0 - 0.06 * rng.random()]) * ground
    return cv2.merge([cv2.subtract(cv2.add(brighter, level), darker) for level in tint.tolist()])  # type: ignore[return-value]


def bleed_through(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """The other side of a thin sheet: a mirrored, blurred, shifted ghost of the text itself."""
    height, width = image.shape[:2]
    ghost: Any = cv2.flip(image, 1)
    dx, dy = int(rng.integers(width)), int(rng.integers(height))
    ghost = np.roll(ghost, (dy, dx), axis=(0, 1)) if rng.random() < 0.5 else np.roll(ghost, dx, axis=1)
    ghost = cv2.GaussianBlur(ghost, (0, 0), 0.4 + text_px * 0.03)
    share = 0.08 + 0.24 * strength
    mean = cv2.mean(ghost)[:3]
    offset = -share * sum(mean) / 3
    return cv2.addWeighted(image, 1.0, ghost, share, offset)  # type: ignore[return-value]


def ink_spread(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """Dark or bright strokes grown by part of a pixel row: ink that ran, or print that broke."""
    size = 2 + int(text_px > 30 and rng.random() < strength) + int(text_px > 48)
    kernel = np.ones((size, size), np.uint8)
    grown = cv2.erode(image, kernel) if rng.random() < 0.5 else cv2.dilate(image, kernel)
    share = 0.25 + 0.55 * strength
    return cv2.addWeighted(image, 1.0 - share, grown, share, 0)  # type: ignore[return-value]


def scratches(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """One to five thin bright or dark lines, straight or bent."""
    height, width = image.shape[:2]
    out = image.copy()
    for _ in range(1 + int(4 * strength * rng.random())):
        start = rng.random(2) * (width, height)
        reach = text_px * rng.uniform(0.5, 4.0)
        angle = rng.uniform(0, np.pi)
        end = start + reach * np.array([np.cos(angle), np.sin(angle)])
        middle = (start + end) / 2 + rng.normal(0, 0.04 * reach, 2)
        points = np.rint(np.stack([start, middle, end]) * 16).astype(np.int32)
        level = int(rng.choice((rng.uniform(0, 90), rng.uniform(165, 255))))
        thick = 1 + int(text_px > 32 and rng.random() < 0.5)
        cv2.polylines(out, [points[:, None]], False, (level, level, level), thick, cv2.LINE_AA, shift=4)
    share = 0.3 + 0.6 * strength
    return cv2.addWeighted(image, 1.0 - share, out, share, 0)  # type: ignore[return-value]


def stains(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """Coffee, grease, dirt, mould: clouds that take light away in one colour."""
    height, width = image.shape[:2]
    cloud = cut(cloud_tile(), rng, max(2, height // 2), max(2, width // 2))
    # The upper part of the cloud within the picture, its edge soft over 30 levels.
    low, high, _, _ = cv2.minMaxLoc(cloud)
    depth: Any = cv2.convertScaleAbs(cv2.subtract(cloud, low + (high - low) * rng.uniform(0.4, 0.8)), alpha=8.0)  # type: ignore[call-overload]
    depth = cv2.resize(depth, (width, height))
    tint = (0.08 + 0.5 * strength) * np.array([rng.uniform(0.3, 0.8), rng.uniform(0.5, 1.0), rng.uniform(0.7, 1.0)])
    kept = cv2.merge([cv2.convertScaleAbs(depth, alpha=-float(loss), beta=255.0) for loss in tint])
    return cv2.multiply(image, kept, scale=1 / 255)  # type: ignore[return-value]


def streaks(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """Bands along one axis: a printer's empty nozzles, a scanner's dust, a worn ribbon."""
    height, width = image.shape[:2]
    upright = rng.random() < 0.5
    length = width if upright else height
    profile = np.zeros(length, np.float32)
    for _ in range(1 + int(3 * strength * rng.random())):
        place, thick = int(rng.random() * length), 1 + int(text_px * 0.12 * rng.random())
        profile[place : place + thick] += rng.choice((-1.0, 1.0)) * rng.uniform(0.4, 1.0)
    added = np.rint(profile * (15 + 75 * strength)).astype(np.int64)
    out = image.copy()
    lines: Any = out.transpose(1, 0, 2) if upright else out
    for place in np.flatnonzero(added).tolist():
        lines[place] = np.clip(lines[place].astype(np.int64) + added[place], 0, 255)
    return out


def occlusion(image: Image, rng: Rng, strength: float, text_px: float) -> Image:
    """Something small before the text: a wire, a twig, a drop; at most 0.16 of the text's height wide."""
    height, width = image.shape[:2]
    out = image.copy()
    colour = tuple(int(v) for v in rng.integers(0, 256, 3))
    size = max(1, round(text_px * 0.16 * strength * (0.5 + 0.5 * rng.random())))
    if rng.random() < 0.6:
        x = rng.random() * width
        slope = rng.normal(0, 0.6) * height
        start, end = (int(x), -size), (int(x + slope), height + size)
        cv2.line(out, start, end, colour, size, cv2.LINE_AA)
    else:
        for _ in range(1 + int(4 * strength)):
            centre = (int(rng.random() * width), int(rng.random() * height))
            cv2.circle(out, centre, max(1, int(size * rng.uniform(0.4, 1.0))), colour, -1, cv2.LINE_AA)
    return out
