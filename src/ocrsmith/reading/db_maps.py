"""DB's probability map -> quads or polygons of text lines.

Liao et al., "Real-time Scene Text Detection with Differentiable Binarization" (AAAI 2020), inference: binarise, take
each connected region, and grow it by the distance area x ratio / perimeter (Vatti clipping).
A rotated rectangle grown with round joins has, as its smallest rectangle, the same rectangle grown on each side, so
quads need no clipping library; polygons are grown by pyclipper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import pyclipper
from numpy.typing import NDArray

from ocrsmith.reading.detections import Detection, order_quads, rectangle_corners
from ocrsmith.reading.straightening import ribbon

# Of its smallest rectangle: what a region that follows a curve fills at most. Straight words fill four fifths.
MAX_BENT_FILL = 0.65


@dataclass(frozen=True)
class DbThresholds:
    """What counts as text. The defaults are those that PP-OCRv6 is read with in RapidOCR 3.10.

    Attributes:
        binary: probability above which a pixel belongs to a text kernel.
        box: mean probability that a region's rectangle needs.
        faint: a region of less, but of at least this, is a faint box, which is read and may be confirmed by what it
            reads, see `reading.faint`; 0 knows none.
        unclip_ratio: how far kernels are grown: distance = area x ratio / perimeter.
        min_size: px of the map; shorter sides are dropped before growing, min_size + 2 after.
        max_candidates: regions looked at, the largest first.
        dilate: grow the binary map by one pixel to the right and below, so that a region of n pixels is n wide.
        shape: "quad", or "polygon" to follow curved lines; straight ones stay quads.
    """

    binary: float = 0.3
    box: float = 0.5
    faint: float = 0.0
    unclip_ratio: float = 1.6
    min_size: float = 3.0
    max_candidates: int = 3000
    dilate: bool = True
    shape: Literal["quad", "polygon"] = "quad"


def boxes_from_map(
    probabilities: NDArray[np.float32],
    thresholds: DbThresholds = DbThresholds(),
    stride: float = 1,
    *,
    with_faint: bool = False,
) -> list[Detection]:
    """Probabilities (h, w) in 0..1 -> line quads or polygons in pixels of the network's input.

    The score is the mean probability inside the region's smallest rectangle before it is grown. Where polygons are
    asked for, regions that fill little of their rectangle, as arcs do, become polygons and are judged by themselves.
    """
    probabilities = np.ascontiguousarray(probabilities, dtype=np.float32)
    binary = (probabilities > thresholds.binary).view(np.uint8)
    if thresholds.dilate:
        # In place: memory for another map takes as long to come by as the map to fill.
        cv2.dilate(binary, np.ones((2, 2), np.uint8), dst=binary)
    contours = _outer_contours(binary, thresholds.max_candidates)
    kept: list[NDArray[np.int32]] = []
    rectangles: list[tuple[float, float, float, float, float]] = []
    for contour in contours:
        (x, y), (w, h), angle = cv2.minAreaRect(contour)
        if min(w, h) >= thresholds.min_size:
            kept.append(contour)
            rectangles.append((x, y, w, h, angle))
    if not rectangles:
        return []
    parts = np.array(rectangles, dtype=np.float32)
    corners = rectangle_corners(parts[:, :2], parts[:, 2:4], parts[:, 4])
    width, height = parts[:, 2], parts[:, 3]
    polygons: dict[int, NDArray[np.float32]] = {}
    if thresholds.shape == "polygon":
        fills = np.array([cv2.contourArea(contour) for contour in kept]) / np.maximum(width * height, 1e-6)
        for index in np.flatnonzero(fills < MAX_BENT_FILL).tolist():
            polygon = _polygon(kept[index], thresholds.unclip_ratio)
            # What has no centre line to follow is a smear and no arc.
            if polygon is not None and ribbon(polygon) is not None:
                polygons[index] = polygon
    whole = corners.astype(np.int32)
    outlines = [kept[i].reshape(-1, 2) if i in polygons else whole[i] for i in range(len(kept))]
    scores = _means_inside(probabilities, outlines)
    distances = width * height * thresholds.unclip_ratio / (2 * (width + height))
    grown = parts[:, 2:4] + 2 * distances[:, None]
    least = min(thresholds.faint, thresholds.box) if with_faint and thresholds.faint > 0 else thresholds.box
    passed = np.flatnonzero((scores >= least) & (grown.min(axis=1) >= thresholds.min_size + 2))
    quads = order_quads(rectangle_corners(parts[passed, :2], grown[passed], parts[passed, 4])) * np.float32(stride)
    found = list(quads)
    for place, index in enumerate(passed.tolist()):
        if index in polygons:
            found[place] = polygons[index] * np.float32(stride)
    return Detection.of(found, scores[passed].tolist())


def _outer_contours(binary: NDArray[np.uint8], most: int) -> list[NDArray[np.int32]]:
    """The outer contour of every region, regions inside another's hole among them; holes themselves are not text."""
    contours, hierarchy = cv2.findContours(binary, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return []
    outer = [contour for contour, links in zip(contours, hierarchy.reshape(-1, 4)) if links[3] < 0]
    if len(outer) > most:
        outer = sorted(outer, key=cv2.contourArea, reverse=True)[:most]
    return outer  # type: ignore[return-value]


def _means_inside(probabilities: NDArray[np.float32], outlines: Sequence[NDArray[np.int32]]) -> NDArray[np.float64]:
    """(N,) the mean probability inside each outline (P, 2), 0 where that lies beyond the map."""
    counts = np.array([len(outline) for outline in outlines])
    starts = np.cumsum(counts) - counts
    points = np.concatenate(outlines)
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    # Four points that are all corners of their bounding box are that box.
    at_corner = ((points == np.repeat(low, counts, axis=0)) | (points == np.repeat(high, counts, axis=0))).all(axis=1)
    boxes = np.logical_and.reduceat(at_corner, starts) & (counts == 4)
    first = np.maximum(low, 0)
    last = np.minimum(high + 1, np.array(probabilities.shape[::-1]))
    means = []
    places = zip(outlines, first, first.tolist(), last.tolist(), boxes.tolist())
    for outline, corner, (left, top), (right, bottom), is_box in places:
        if right <= left or bottom <= top:
            means.append(0.0)
            continue
        inside = probabilities[top:bottom, left:right]
        if is_box:
            means.append(cv2.mean(inside)[0])
            continue
        mask = np.zeros(inside.shape, np.uint8)
        if len(outline) == 4:
            cv2.fillConvexPoly(mask, outline - corner, 1)
        else:
            cv2.fillPoly(mask, [outline - corner], [1])
        means.append(cv2.mean(inside, mask)[0])
    return np.array(means)


def _polygon(contour: NDArray[np.int32], unclip_ratio: float) -> NDArray[np.float32] | None:
    """A contour simplified to 0.5 % of its length and grown; the largest piece where growing splits it."""
    outline = cv2.approxPolyDP(contour, 0.005 * cv2.arcLength(contour, True), True).reshape(-1, 2)
    if len(outline) < 3:
        return None
    distance = cv2.contourArea(outline) * unclip_ratio / max(cv2.arcLength(outline, True), 1e-6)
    offset = pyclipper.PyclipperOffset()
    # Clipper counts in integers: sixteenths of a pixel.
    offset.AddPath(outline * 16, pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    pieces = [np.array(piece, np.float32) / 16 for piece in offset.Execute(distance * 16)]
    if not pieces:
        return None
    largest = max(pieces, key=lambda piece: cv2.contourArea(piece))
    smooth = cv2.approxPolyDP(largest, 0.5, True).reshape(-1, 2)
    return smooth.astype(np.float32) if len(smooth) >= 3 else None
