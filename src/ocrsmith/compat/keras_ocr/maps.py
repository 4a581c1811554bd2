"""CRAFT's maps by keras-ocr's own rules: its heatmap, its target maps, its input and its boxes.

The published targets, which training uses unless a script asks for these, are in `ocrsmith.data.craft_targets`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ocrsmith.compat.keras_ocr.boxes import fix_line
from ocrsmith.errors import InputError, LabelError
from ocrsmith.reading.craft_maps import CraftThresholds, boxes_from_maps

MEAN = np.array([0.485, 0.456, 0.406], np.float32) * 255
VARIANCE = np.array([0.229, 0.224, 0.225], np.float32) * 255


def compute_input(image: ArrayLike) -> NDArray[np.float32]:
    """RGB in 0..255 (..., 3) -> the detector's input, normalised by ImageNet's mean and deviation."""
    return (np.asarray(image, np.float32) - MEAN) / VARIANCE


def invert_input(X: ArrayLike) -> NDArray[np.uint8]:
    """The detector's input -> RGB uint8: what `compute_input` had been given."""
    return np.clip(np.round(np.asarray(X, np.float32) * VARIANCE + MEAN), 0, 255).astype(np.uint8)


def get_gaussian_heatmap(size: int = 512, distanceRatio: float = 3.34) -> NDArray[np.uint8]:
    """(size, size): a Gaussian, 255 in the middle, `distanceRatio` deviations from there to the middle of an edge."""
    # In float64, since the values are cut and not rounded: keras-ocr's own array comes out to the last bit.
    places = np.linspace(-size / 2, size / 2, size) * (distanceRatio / (size / 2))
    squared = np.sqrt(places[None] ** 2 + places[:, None] ** 2) ** 2
    return np.clip(np.exp(-squared / 2) * 255, 0, 255).astype(np.uint8)


def compute_maps(
    heatmap: NDArray[np.uint8], image_height: int, image_width: int, lines: Iterable[Any]
) -> NDArray[np.float32]:
    """Region and affinity targets (H/2, W/2, 2) in 0..1 of a picture's lines, as keras-ocr draws them.

    The heatmap is warped into each character's box at half the picture's size and summed; affinity lies between the
    points half-way from each centre to the middles of its two edges along the line. Spaces cut words.

    Raises:
        InputError: an odd height or width.
    """
    if image_height % 2 or image_width % 2:
        raise InputError(f"A picture of {image_height} x {image_width} px came. Both must be even: pad it by a pixel.")
    maps = np.zeros((2, image_height // 2, image_width // 2), np.float32)
    for line in lines:
        characters, orientation = fix_line(line)
        # The edges across which neighbours are joined: the upper and lower one, or the left and right one.
        edges = ((0, 1), (2, 3)) if orientation == "horizontal" else ((0, 3), (1, 2))
        previous: NDArray[np.float32] | None = None
        for box, character in characters:
            if character == " ":
                previous = None
                continue
            box = np.maximum(box, 0)
            centre = box.mean(axis=0)
            ends = np.array([(centre + box[list(edge)].mean(axis=0)) / 2 for edge in edges], np.float32)
            if previous is not None:
                joined = (previous[0], ends[0], ends[1], previous[1])
                if orientation == "vertical":
                    joined = (previous[0], previous[1], ends[1], ends[0])
                _add_warped(maps[1], heatmap, np.array(joined, np.float32) / 2)
            _add_warped(maps[0], heatmap, box / 2)
            previous = ends
    return np.clip(maps.transpose(1, 2, 0), 0, 255) / np.float32(255)


def _add_warped(target: NDArray[np.float32], heatmap: NDArray[np.uint8], quad: NDArray[Any]) -> None:
    """Adds the heatmap, warped into a quad, on the pixels of the quad's own window."""
    rows, columns = target.shape
    left, top = np.clip(np.floor(quad.min(axis=0)).astype(int) - 1, 0, (columns, rows))
    right, bottom = np.clip(np.ceil(quad.max(axis=0)).astype(int) + 2, 0, (columns, rows))
    if right <= left or bottom <= top:
        return
    height, width = heatmap.shape
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, (quad - (left, top)).astype(np.float32))
    target[top:bottom, left:right] += cv2.warpPerspective(heatmap, matrix, (int(right - left), int(bottom - top)))


def map_to_rgb(y: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Maps (h, w, 2) -> a picture (h, w, 3): region in the red, affinity in the green channel."""
    scaled = np.clip(np.asarray(y) * 255, 0, 255).astype(np.uint8)
    return np.concatenate([scaled, np.zeros_like(scaled[..., :1])], axis=-1)


def getBoxes(
    y_pred: ArrayLike,
    detection_threshold: float = 0.7,
    text_threshold: float = 0.4,
    link_threshold: float = 0.4,
    size_threshold: float = 10,
    variant: Literal["craft", "keras_ocr"] = "craft",
) -> list[NDArray[np.float32]]:
    """Maps (N, h, w, 2) -> for each picture its boxes (M, 4, 2) in px of the detector's input, clockwise.

    Args:
        detection_threshold: CRAFT's text threshold; text_threshold: CRAFT's low text.
        size_threshold: px of the maps.
        variant: "craft" clears what is affinity and not text, and every piece of a component counts, as CRAFT's authors
            do it. "keras_ocr" clears what is both, and takes one piece, as keras-ocr 0.9.3 does.

    Raises:
        LabelError: maps of another shape.
    """
    maps = np.asarray(y_pred, np.float32)
    if maps.ndim != 4 or maps.shape[-1] != 2:
        raise LabelError(f"Maps came as {maps.shape}. (N, height, width, 2) was expected: detector.model.predict's.")
    if variant == "keras_ocr":
        found = [_keras_ocr_boxes(m, detection_threshold, text_threshold, link_threshold, size_threshold) for m in maps]
    else:
        least = int(np.ceil(size_threshold))
        thresholds = CraftThresholds(detection_threshold, link_threshold, text_threshold, min_area=least)
        found = [[detection.quad for detection in boxes_from_maps(page, thresholds)] for page in maps]
    return [np.stack(quads) if quads else np.zeros((0, 4, 2), np.float32) for quads in found]


def _keras_ocr_boxes(
    maps: NDArray[np.float32], least_peak: float, least_text: float, least_link: float, least_size: float
) -> list[NDArray[np.float32]]:
    """keras-ocr 0.9.3's boxes of one picture: components, grown, and the first outline's least rectangle."""
    text, link = maps[..., 0] > least_text, maps[..., 1] > least_link
    height, width = text.shape
    _, labels, stats, _ = cv2.connectedComponentsWithStats((text | link).astype(np.uint8), connectivity=4)
    boxes = []
    for number, (left, top, wide, high, size) in enumerate(stats[1:].tolist(), start=1):
        component = labels == number
        if size < least_size or maps[..., 0][component].max() < least_peak:
            continue
        reach = int(np.sqrt(size * min(wide, high) / (wide * high)) * 2)
        rows = slice(max(top - reach, 0), min(top + high + reach + 1, height))
        columns = slice(max(left - reach, 0), min(left + wide + reach + 1, width))
        piece = np.zeros(text.shape, np.uint8)
        piece[component & ~(text & link)] = 255
        kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (1 + reach, 1 + reach))
        piece[rows, columns] = cv2.dilate(piece[rows, columns], kernel)
        outlines = cv2.findContours(piece, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)[-2]
        if outlines:
            boxes.append(_least_box(outlines[0]))
    return boxes


def _least_box(outline: NDArray[Any]) -> NDArray[np.float32]:
    """The least rectangle round an outline of the maps, in px of the input; upright where it is nearly a square."""
    box = cv2.boxPoints(cv2.minAreaRect(outline))
    sides = np.linalg.norm(box[0] - box[1]), np.linalg.norm(box[1] - box[2])
    if abs(1 - max(sides) / (min(sides) + 1e-5)) <= 0.1:
        low, high = outline[:, 0].min(axis=0), outline[:, 0].max(axis=0)
        box = np.array([low, (high[0], low[1]), high, (low[0], high[1])], np.float32)
    else:
        box = np.roll(box, 4 - int(box.sum(axis=1).argmin()), axis=0)
    return np.asarray(2 * box, np.float32)
