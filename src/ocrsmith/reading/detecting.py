"""A page -> polygons: scale, tiles, the network, and the maps put together before they are turned into boxes."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocrsmith.errors import EngineError
from ocrsmith.geometry import quad_sizes
from ocrsmith.reading.bundle_parts import DetectorPart
from ocrsmith.reading.craft_maps import CraftThresholds, boxes_from_maps
from ocrsmith.reading.db_maps import DbThresholds, boxes_from_map
from ocrsmith.reading.detections import Detection, outline_quads
from ocrsmith.reading.engines import Engine, open_engine
from ocrsmith.reading.scaling import tiles
from ocrsmith.samples import Image

# Pages come in any size: kernels are made once and hardly ever asked for again. With 250 kept, forms, receipts and
# photographs take the same time, and memory grows by what lies between those that come and go: docs/experiments.md.
_KEPT_KERNELS = 1


@dataclass(frozen=True, eq=False)
class Look:
    """What the network made of a page at one scale.

    Attributes:
        maps: (channels, h, w) float32, the network's own output.
        factors: px of the page per px of the network's input, (x, y).
        limits: the page's (width, height) px.
    """

    maps: NDArray[np.float32]
    factors: NDArray[np.float32]
    limits: NDArray[np.float32]


class PageDetector:
    """A bundle's detector on an engine."""

    def __init__(self, part: DetectorPart, engine: str = "auto", threads: int | None = None) -> None:
        self.part = part
        self.engine: Engine = open_engine(part.network, engine, threads, part.architecture, kept_kernels=_KEPT_KERNELS)

    def detect(self, image: Image, timings: dict[str, float] | None = None) -> list[Detection]:
        """(H, W, 3) uint8 RGB -> detections in the picture's own px, clipped to it.

        `timings`, where given, receives the seconds of "detector" (the network) and "boxes".
        """
        return self.detect_with_faint(image, timings)[0]

    def detect_with_faint(
        self, image: Image, timings: dict[str, float] | None = None
    ) -> tuple[list[Detection], list[Detection]]:
        """As `detect`, and the faint boxes beside: too unsure to be text unless they read as such."""
        found = self._look_and_detect(image, {} if timings is None else timings)[1]
        return self._sure(found), [detection for detection in found if not self._is_sure(detection)]

    def look(self, image: Image) -> Look:
        """The maps that `detect` takes its boxes from; `boxes` makes boxes of them, by these or other thresholds."""
        return self._look_and_detect(image, {})[0]

    def boxes(self, look: Look, thresholds: CraftThresholds | DbThresholds | None = None) -> list[Detection]:
        """The detections of a look, in the page's own px, by the bundle's thresholds or others of their kind."""
        return _on_page(look, self._boxes(look.maps, thresholds or self.part.thresholds))

    def _look_and_detect(self, image: Image, times: dict[str, float]) -> tuple[Look, list[Detection]]:
        height, width = image.shape[:2]
        rule = self.part.scale
        scale = rule.scale(height, width)
        look, found = self._at_scale(image, scale, times)
        text_height: float | None = None
        sure = self._sure(found)
        if sure:
            sizes = quad_sizes(outline_quads([detection.polygon for detection in sure]))
            text_height = float(np.median(sizes.min(axis=1)))
        smaller = rule.smaller_scale(scale, text_height)
        if smaller is not None:
            second_look = self._at_scale(image, smaller, times)
            # What is seen at the first size alone is better than nothing.
            return second_look if self._sure(second_look[1]) else (look, found)
        if text_height is not None and rule.small_text_px > 0:
            second = rule.second_scale(scale, text_height, height, width)
            if second is not None:
                look, found = self._at_scale(image, second, times)
        return look, found

    def _at_scale(self, image: Image, scale: float, times: dict[str, float]) -> tuple[Look, list[Detection]]:
        started = time.perf_counter()
        resized = self.part.input.resize(image, scale)
        # Each side by its own factor: sizes are whole pixels.
        size = np.array([image.shape[1], image.shape[0]], np.float32)
        factors = (size / np.array([resized.shape[1], resized.shape[0]])).astype(np.float32)
        look = Look(self.maps(resized), factors, size)
        networked = time.perf_counter()
        found = self.boxes_with_faint(look)
        times["detector"] = times.get("detector", 0.0) + networked - started
        times["boxes"] = times.get("boxes", 0.0) + time.perf_counter() - networked
        return look, found

    def maps(self, resized: Image) -> NDArray[np.float32]:
        """The network's maps (channels, ceil(H / stride), ceil(W / stride)) of a resized page, tile by tile."""
        rule, stride = self.part.scale, self.part.input.map_stride
        height, width = resized.shape[:2]
        shape = (math.ceil(height / stride), math.ceil(width / stride))
        whole: NDArray[np.float32] | None = None
        for top, bottom, first_row, last_row in tiles(height, rule.tile_side, rule.tile_overlap):
            for left, right, first, last in tiles(width, rule.tile_side, rule.tile_overlap):
                part = self._tile(np.ascontiguousarray(resized[top:bottom, left:right]))
                if whole is None:
                    whole = np.zeros((part.shape[0], *shape), np.float32)
                rows = slice(first_row // stride, math.ceil(last_row / stride))
                columns = slice(first // stride, math.ceil(last / stride))
                whole[:, rows, columns] = part[
                    :,
                    rows.start - top // stride : rows.stop - top // stride,
                    columns.start - left // stride : columns.stop - left // stride,
                ]
        assert whole is not None
        return whole

    def _tile(self, tile: Image) -> NDArray[np.float32]:
        stack = self.part.input.stack([tile])
        output = self.engine.run(self.part.input.normalize(stack))
        expected = (stack.shape[1] // self.part.input.map_stride, stack.shape[2] // self.part.input.map_stride)
        if output.ndim != 4 or output.shape[2:] != expected:
            raise EngineError(
                f"The detector gave maps of shape {output.shape} for an input of {stack.shape[1]}x{stack.shape[2]}; "
                f"(1, channels, {expected[0]}, {expected[1]}) was expected. Its contract's map_stride does not fit it."
            )
        return output[0]

    def boxes_with_faint(self, look: Look) -> list[Detection]:
        """What `detect` takes from a look, faint boxes among it."""
        return _on_page(look, self._boxes(look.maps, self.part.thresholds, with_faint=True))

    def _sure(self, found: list[Detection]) -> list[Detection]:
        return [detection for detection in found if self._is_sure(detection)]

    def _is_sure(self, detection: Detection) -> bool:
        thresholds = self.part.thresholds
        return not isinstance(thresholds, DbThresholds) or detection.score >= thresholds.box

    def _boxes(
        self, maps: NDArray[np.float32], thresholds: CraftThresholds | DbThresholds, *, with_faint: bool = False
    ) -> list[Detection]:
        stride = self.part.input.map_stride
        if isinstance(thresholds, CraftThresholds):
            return boxes_from_maps(maps.transpose(1, 2, 0), thresholds, stride)
        assert isinstance(thresholds, DbThresholds)
        probabilities = maps[0]
        if self.part.output == "logits":
            probabilities = 1.0 / (1.0 + np.exp(-np.clip(probabilities, -60, 60)))
        return boxes_from_map(probabilities, thresholds, stride, with_faint=with_faint)


def _on_page(look: Look, found: list[Detection]) -> list[Detection]:
    """Detections in px of the network's input -> in the page's own, clipped to it."""
    if not found:
        return []
    points = np.clip(np.concatenate([d.polygon for d in found]) * look.factors, 0, look.limits)
    stops = list(itertools.accumulate(len(d.polygon) for d in found))
    polygons = [points[stop - len(d.polygon) : stop] for d, stop in zip(found, stops)]
    return Detection.of(polygons, [d.score for d in found])
