"""The network labels real pictures for itself: CRAFT's weak supervision.

Baek et al., "Character Region Awareness for Text Detection", CVPR 2019, section 3.2.2: each word is cut out upright,
the network's region map of it is parted by watershed, and the boxes are sent back to the page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from torch import Tensor, nn

from ocrsmith.data.formats import LabelledPicture
from ocrsmith.data.weak_labels import WeakWord, box_quads, label_words, reading_quad, split_evenly
from ocrsmith.errors import InputError
from ocrsmith.geometry import Quad, box_quad, enclosing_quad, quad_size, quad_to_quad, transform_points
from ocrsmith.models.torch_engine import evaluating
from ocrsmith.preprocess import DetectorInput
from ocrsmith.reading.craft_maps import characters_from_region
from ocrsmith.reading.crops import grow_quad, rectify
from ocrsmith.reading.detections import Detection
from ocrsmith.reading.scaling import ScaleRule
from ocrsmith.samples import Character, Image, TextInstance
from ocrsmith.training.loaders import normalize_on_device

# px: how tall a crop is shown, its margin included, and what it is grown by, a share of the label's height.
CROP_HEIGHT_PX, MARGIN = 64, 0.15
# A crop is shown no wider than this: of a page-wide line of small print nothing more could be told.
_MOST_WIDTH_PX = 4096
# Of a batch of crops, padding included.
_BATCH_PX = 64 * 8192
# Region below which no character stands, and from which on a peak is one.
_GROUND, _PEAK = 0.2, 0.5
# Of a character's quad and its Gaussian (see `data.craft_targets`): the quad's growth, and sigma of half its side.
_ENLARGED, _SIGMA = 1.5, 0.4
# A detection that lies in labels by less than this share is text without a label.
_LABELLED_SHARE = 0.3

BoxesOf = Callable[[Tensor], list[list[Detection]]]


@dataclass(frozen=True)
class LabelCounts:
    """What a round of labelling came to: words by the boxes found, words split evenly, and the sum of confidences."""

    num_counted: int = 0
    num_even: int = 0
    confidence_sum: float = 0.0
    num_beside: int = 0  # detections beside the labels, which are ignored

    def __add__(self, other: LabelCounts) -> LabelCounts:
        return LabelCounts(
            self.num_counted + other.num_counted,
            self.num_even + other.num_even,
            self.confidence_sum + other.confidence_sum,
            self.num_beside + other.num_beside,
        )

    @classmethod
    def of(cls, words: Iterable[WeakWord]) -> LabelCounts:
        """Counts words."""
        listed = list(words)
        even = sum(word.evenly for word in listed)
        return cls(len(listed) - even, even, sum(word.confidence for word in listed))

    def __str__(self) -> str:
        words = self.num_counted + self.num_even
        mean = self.confidence_sum / words if words else 0.0
        beside = f"; {self.num_beside} detections beside the labels are ignored" if self.num_beside else ""
        return (
            f"{words} words labelled, {self.num_counted} by the characters found and {self.num_even} evenly, "
            f"mean confidence {mean:.2f}{beside}"
        )


def character_boxes(region: NDArray[np.float32], stride: float) -> NDArray[np.float32]:
    """Region map (h, w) -> boxes (N, 4) of the characters themselves, px of the network's input, from left to right.

    A watershed ends where the flank of a Gaussian is steepest, at sigma from its middle, and leaves a line of one pixel
    there. From that follows the quad that the Gaussian was drawn for: targets drawn from these boxes give the map back.
    """
    boxes = []
    for found in characters_from_region(region, stride, foreground=_PEAK, background=_GROUND):
        middle = found.polygon.mean(axis=0)
        # The boxes come grown to twice their basins.
        basin = (found.polygon[2] - found.polygon[0]) / 2 + stride
        half = basin / 2 / (_ENLARGED * _SIGMA)
        boxes.append([*(middle - half), *(middle + half)])
    return np.array(boxes, np.float32).reshape(-1, 4)


@dataclass(frozen=True, eq=False)
class Labeller:
    """Finds the characters of labelled words and lines, and text beside the labels, with whatever network it is given.

    Args:
        pictures: of pages.
        contract: the network's `.input`.
        boxes_of: the network's maps (B, C, h, w) -> detections of each page, px of the input.
        rule: at which scale a page is read.
        characters: find characters; otherwise labels stay as they are (a DB detector needs none).
        complete: all text of the pictures is labelled; otherwise what is detected beside the labels is ignored.
    """

    pictures: Sequence[LabelledPicture]
    contract: DetectorInput
    boxes_of: BoxesOf
    rule: ScaleRule
    characters: bool = True
    complete: bool = True

    def label(self, model: nn.Module, places: Iterable[int]) -> tuple[dict[int, tuple[TextInstance, ...]], LabelCounts]:
        """The labels of some pictures by their places, and what they came to; unreadable pictures are left out."""
        labels: dict[int, tuple[TextInstance, ...]] = {}
        counts = LabelCounts()
        with evaluating(model):
            for place in sorted(set(places)):
                try:
                    image = self.pictures[place].image()
                except InputError:
                    continue  # the world passes over it too
                labels[place], added = self._page(model, place, image)
                counts += added
        return labels, counts

    def _page(self, model: nn.Module, place: int, image: Image) -> tuple[tuple[TextInstance, ...], LabelCounts]:
        instances = self.pictures[place].instances
        known, counts = list(instances), LabelCounts()
        if self.characters:
            weak = [index for index, one in enumerate(instances) if _is_weak(one)]
            known = [one for index, one in enumerate(instances) if index not in set(weak)]
            for words in self._words(model, image, [instances[index] for index in weak]):
                known += [instance for instance, _ in words]
                counts += LabelCounts.of(word for _, word in words)
        if not self.complete:
            beside = self._beside(model, image, instances)
            known += beside
            counts += LabelCounts(num_beside=len(beside))
        return tuple(known), counts

    def _words(
        self, model: nn.Module, image: Image, instances: Sequence[TextInstance]
    ) -> list[list[tuple[TextInstance, WeakWord]]]:
        """The words of each instance on the page, with what they were made from."""
        quads = [reading_quad(instance.polygon, instance.text) for instance in instances]
        crops = [_shown(image, quad) for quad in quads]
        found: list[list[tuple[TextInstance, WeakWord]]] = [[] for _ in instances]
        for batch in _batches([crop.shape[1] for crop in crops]):
            stack = self.contract.stack([crops[index] for index in batch])
            maps = self._maps(model, stack).float().cpu().numpy()
            for index, own in zip(batch, maps, strict=True):
                found[index] = self._place(instances[index], quads[index], crops[index], own[0])
        return found

    def _place(
        self, instance: TextInstance, quad: Quad, crop: Image, region: NDArray[np.float32]
    ) -> list[tuple[TextInstance, WeakWord]]:
        height, width = crop.shape[:2]
        stride = self.contract.map_stride
        region = region[: math.ceil(height / stride), : math.ceil(width / stride)]
        grown = grow_quad(quad, MARGIN)
        to_crop = quad_to_quad(grown, box_quad(0, 0, width, height))
        back = quad_to_quad(box_quad(0, 0, width, height), grown)
        inner = transform_points(quad, to_crop)
        span = (float(inner[0, 0]), float(inner[0, 1]), float(inner[2, 0]), float(inner[2, 1]))
        boxes = _inside(character_boxes(np.ascontiguousarray(region), stride), span)
        words = label_words(instance.text, boxes, span)
        return [(_on_page(word, instance, back, alone=len(words) == 1), word) for word in words]

    def _beside(self, model: nn.Module, image: Image, instances: Sequence[TextInstance]) -> list[TextInstance]:
        """What the network finds on a page and no label covers, to be ignored."""
        resized = self.contract.resize(image, self.rule.scale(*image.shape[:2]))
        maps = self._maps(model, self.contract.stack([resized]))
        factors = np.array([image.shape[1] / resized.shape[1], image.shape[0] / resized.shape[0]], np.float32)
        labelled = shapely.union_all([shapely.Polygon(one.polygon).buffer(0) for one in instances])
        beside = []
        for detection in self.boxes_of(maps)[0]:
            polygon = detection.polygon * factors
            shape = shapely.Polygon(polygon).buffer(0)
            if shape.area > 0 and shape.intersection(labelled).area < _LABELLED_SHARE * shape.area:
                beside.append(TextInstance(polygon, "", ignore=True))
        return beside

    def _maps(self, model: nn.Module, stack: NDArray[np.uint8]) -> Tensor:
        device = next(model.parameters()).device
        return model(normalize_on_device(stack, self.contract, device))


def _is_weak(instance: TextInstance) -> bool:
    """Whether the characters of an instance are wanted and not known."""
    has_area = min(quad_size(reading_quad(instance.polygon, instance.text))) >= 1
    return not instance.ignore and instance.characters is None and bool(instance.text.strip()) and has_area


def _shown(image: Image, quad: Quad) -> Image:
    """A label's crop at the height that the network is shown it at."""
    grown = grow_quad(quad, MARGIN)
    width, height = quad_size(grown)
    height_px = min(CROP_HEIGHT_PX, max(8, round(_MOST_WIDTH_PX * height / max(width, 1.0))))
    return rectify(image, [grown], height=height_px)[0]


def _batches(widths: Sequence[int]) -> Iterable[list[int]]:
    """Places of crops, narrow first, in batches of bounded pixels."""
    batch: list[int] = []
    for index in sorted(range(len(widths)), key=lambda index: widths[index]):
        if batch and (len(batch) + 1) * widths[index] * CROP_HEIGHT_PX > _BATCH_PX:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _inside(boxes: NDArray[np.float32], span: tuple[float, float, float, float]) -> NDArray[np.float32]:
    """The boxes whose middles lie in the label, cut to it: a crop's margin may show the neighbours."""
    left, top, right, bottom = span
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    kept = boxes[(x > left) & (x < right) & (y > top) & (y < bottom)]
    limits = np.array([[left, top, left, top], [right, bottom, right, bottom]], np.float32)
    return np.clip(kept, limits[0], limits[1])


def _on_page(word: WeakWord, label: TextInstance, back: NDArray[np.float64], *, alone: bool) -> TextInstance:
    """A word with its characters on the page; the only one of its label keeps the label's own polygon."""
    confidence = word.confidence * label.confidence
    if alone and word.evenly:
        # Along the polygon itself, which may be curved.
        return TextInstance(label.polygon, word.text, split_evenly(label.polygon, word.text), confidence=confidence)
    quads = transform_points(box_quads(word.boxes), back)
    characters = tuple(Character(piece, quad) for piece, quad in zip(word.pieces, quads, strict=True))
    polygon = label.polygon if alone else enclosing_quad(list(quads))
    return TextInstance(polygon, word.text, characters, confidence=confidence)
