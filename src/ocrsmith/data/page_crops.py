"""Real pages as training pages: a window of each, turned, zoomed and recoloured a little, with its labels.

What is varied is what published trainers of CRAFT vary on real pictures: crop, rotation and colour; mirrored text is no
text, so nothing is flipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import bounds, transform_points
from ocrsmith.samples import Character, Image, PageSample, TextInstance

# A picture that is shown smaller than this is shrunk by area first: a warp that shrinks skips pixels.
_SHRINK_BELOW = 0.75
# Windows are laid on a text so often; else anywhere on the page.
_ON_TEXT = 0.8


@dataclass(frozen=True)
class PageWindows:
    """How windows are cut.

    Attributes:
        size: width and height of a window, px.
        zoom: least and greatest factor on the scale at which the page would be read.
        turn_degrees: turned by up to so much to both sides.
        colours: contrast, brightness and each channel vary by up to this share.
    """

    size: int
    zoom: tuple[float, float] = (0.7, 1.4)
    turn_degrees: float = 5.0
    colours: float = 0.2


def cut_window(sample: PageSample, scale: float, windows: PageWindows, rng: np.random.Generator) -> PageSample:
    """A window (size, size) of a page that is read at `scale`; labels wholly outside it are left out."""
    low, high = windows.zoom
    factor = scale * float(np.exp(rng.uniform(np.log(low), np.log(high))))
    angle = np.radians(rng.uniform(-windows.turn_degrees, windows.turn_degrees))
    centre = _centre(sample, windows.size / factor, rng)
    cos, sin = np.cos(angle) * factor, np.sin(angle) * factor
    turned = np.array([[cos, -sin], [sin, cos]])
    matrix = np.column_stack([turned, windows.size / 2 - turned @ centre])
    image = vary_colours(_warped(sample.image, matrix, factor, windows.size), windows.colours, rng)
    return PageSample(image, tuple(_on_window(sample.instances, matrix, windows.size)))


def _centre(sample: PageSample, extent: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """The place (x, y) of the page that comes into the middle of a window that shows `extent` px a side."""
    height, width = sample.image.shape[:2]
    page = np.array([width, height], np.float64)
    texts = [instance for instance in sample.instances if not instance.ignore]
    if texts and rng.random() < _ON_TEXT:
        polygon = texts[int(rng.integers(len(texts)))].polygon
        chosen = polygon.mean(axis=0) + rng.uniform(-0.4, 0.4, 2) * extent
    else:
        chosen = rng.uniform(0, 1, 2) * page
    # A window stays on the page where it fits; a page that fits lies anywhere in its window.
    low, high = np.minimum(extent / 2, page - extent / 2), np.maximum(extent / 2, page - extent / 2)
    return np.asarray(np.clip(chosen, low, high))


def _warped(image: Image, matrix: NDArray[np.float64], factor: float, size: int) -> Image:
    shown = matrix
    if factor < _SHRINK_BELOW:
        height, width = image.shape[:2]
        smaller = max(1, round(width * factor)), max(1, round(height * factor))
        image = cv2.resize(image, smaller, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        shown = matrix.copy()
        shown[:, :2] = matrix[:, :2] / (smaller[0] / width, smaller[1] / height)
    # OpenCV's coordinates are pixels' centres: half a pixel on both sides.
    shown = shown.copy()
    shown[:, 2] += shown[:, :2] @ (0.5, 0.5) - 0.5
    return cv2.warpAffine(image, shown, (size, size), flags=cv2.INTER_LINEAR)  # type: ignore[return-value]


def _on_window(instances: Sequence[TextInstance], matrix: NDArray[np.float64], size: int) -> list[TextInstance]:
    moved = [moved_instance(instance, matrix) for instance in instances]
    boxes = [bounds(instance.polygon) for instance in moved]
    seen = [left < size and top < size and right > 0 and bottom > 0 for left, top, right, bottom in boxes]
    return [instance for instance, is_seen in zip(moved, seen) if is_seen]


def moved_instance(instance: TextInstance, matrix: NDArray[np.float64]) -> TextInstance:
    """An instance sent through a 2x3 or 3x3 matrix, its characters along with it."""
    characters = instance.characters
    if characters:
        quads = transform_points(np.stack([character.quad for character in characters]), matrix)
        characters = tuple(Character(old.text, quad) for old, quad in zip(characters, quads, strict=True))
    polygon = transform_points(instance.polygon, matrix)
    return TextInstance(polygon, instance.text, characters, instance.ignore, instance.confidence)


def resize_page(sample: PageSample, image: Image) -> PageSample:
    """The page with `image`, which is its picture at another size: labels are scaled along."""
    factors = image.shape[1] / sample.image.shape[1], image.shape[0] / sample.image.shape[0]
    matrix = np.array([[factors[0], 0, 0], [0, factors[1], 0]], np.float64)
    return PageSample(image, tuple(moved_instance(instance, matrix) for instance in sample.instances))


def vary_colours(image: Image, share: float, rng: np.random.Generator) -> Image:
    """Contrast, brightness and the balance of the channels, each by up to `share`; 0 leaves the picture as it is."""
    if share <= 0:
        return image
    contrast, brightness = 1 + rng.uniform(-share, share), rng.uniform(-share, share)
    balance = 1 + 0.5 * rng.uniform(-share, share, 3)
    levels = np.arange(256, dtype=np.float64)[:, None]
    table = ((levels - 127.5) * contrast + 127.5 + 127.5 * brightness) * balance
    return cv2.LUT(image, np.clip(table.round(), 0, 255).astype(np.uint8)[None])  # type: ignore[return-value]
