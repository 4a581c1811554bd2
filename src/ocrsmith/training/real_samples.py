"""Real pictures as worlds of training samples: windows of pages, crops of words and lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ocrsmith.alphabet import Alphabet, show
from ocrsmith.data.batches import EMPTY, OUTSIDE_ALPHABET, TOO_LONG, ctc_steps_needed
from ocrsmith.data.formats import LabelledFolder, LabelledPicture
from ocrsmith.data.page_crops import PageWindows, cut_window, vary_colours
from ocrsmith.data.sources import ShuffledWorld
from ocrsmith.errors import InputError
from ocrsmith.geometry import Quad, minimum_area_quad, quad_size
from ocrsmith.images import encode_image, read_image
from ocrsmith.preprocess import RecognizerInput
from ocrsmith.reading.crops import is_tall, rectify
from ocrsmith.reading.scaling import ScaleRule
from ocrsmith.samples import Image, LineSample, PageSample, TextInstance

RUNS_DOWN = "text taller than wide, whose direction the label does not say"
UNREADABLE = "picture that cannot be read"
IGNORED = "label to be ignored"
# Of a label's height: what a crop shows around it at most, and where nothing is drawn at random.
_MOST_MARGIN, _MARGIN = 0.2, 0.06


class RealPages(ShuffledWorld[PageSample]):
    """Windows of labelled pages, each page once before any comes again.

    Args:
        pictures: of pages.
        rule: at which scale a page is read, about which the windows are zoomed.
        labels: of each picture by its place, instead of its own: characters that the network found.
    """

    def __init__(
        self,
        pictures: Sequence[LabelledPicture],
        rule: ScaleRule,
        windows: PageWindows,
        seed: int,
        name: str,
        labels: Mapping[int, tuple[TextInstance, ...]] | None = None,
    ) -> None:
        super().__init__(len(pictures), seed, name)
        self.pictures, self.rule, self.windows = pictures, rule, windows
        self.seed, self.name = seed, name
        self.labels = dict(labels or {})

    def make(self, item: int, rng: np.random.Generator) -> PageSample:
        """A window of a page, see `cut_window`; raises InputError where its picture cannot be decoded."""
        picture = self.pictures[item]
        sample = PageSample(picture.image(), self.labels.get(item, picture.instances))
        scale = self.rule.scale(*sample.image.shape[:2])
        return cut_window(sample, scale, self.windows, rng)

    def relabelled(self, labels: Mapping[int, tuple[TextInstance, ...]]) -> RealPages:
        """The same windows with other labels."""
        return RealPages(self.pictures, self.rule, self.windows, self.seed, self.name, labels)


@dataclass(frozen=True, slots=True)
class StoredCrop:
    """A crop in memory: its PNG, its text, and how many px around it are not the label's; a `PictureSource`."""

    name: str
    path: Path
    png: bytes
    text: str
    margin_px: int

    def read(self) -> Image:
        """(h, w, 3) uint8 RGB with a small margin."""
        return self.trimmed(np.full(4, _MARGIN / _MOST_MARGIN))

    def trimmed(self, kept: np.ndarray) -> Image:
        """The crop with the share `kept` (4,) of its margin at the left, top, right and bottom."""
        image = read_image(self.png)
        left, top, right, bottom = (self.margin_px - np.round(kept * self.margin_px)).astype(int)
        height, width = image.shape[:2]
        return np.ascontiguousarray(image[top : height - bottom, left : width - right])

    def size(self) -> tuple[int, int]:
        """(width, height) px of what `read` gives."""
        height, width = self.read().shape[:2]
        return width, height


class RealLines(ShuffledWorld[LineSample]):
    """Real crops, each once before any comes again, with their margins and colours varied."""

    def __init__(self, crops: Sequence[StoredCrop], colours: float, seed: int, name: str) -> None:
        super().__init__(len(crops), seed, name)
        self.crops, self.colours = crops, colours

    def make(self, item: int, rng: np.random.Generator) -> LineSample:
        """A crop with its text."""
        crop = self.crops[item]
        return LineSample(vary_colours(crop.trimmed(rng.uniform(0, 1, 4)), self.colours, rng), crop.text)


def crops_of(
    pictures: Sequence[LabelledPicture], alphabet: Alphabet, contract: RecognizerInput
) -> tuple[list[StoredCrop], Counter[str]]:
    """The words and lines of pictures that a recogniser can be trained on, and counts of the others by cause.

    Pictures of one text each are taken as they are; texts of pages are cut out.
    """
    crops: list[StoredCrop] = []
    refused: Counter[str] = Counter()
    for picture in pictures:
        wanted = [instance for instance in picture.instances if _accepted(instance, alphabet, refused)]
        if picture.text is None and not wanted:
            continue
        cause = refusal_of_text(picture.text, alphabet) if picture.text is not None else None
        if cause is not None:
            refused[cause] += 1
            continue
        try:
            image = picture.image()
        except InputError:
            refused[UNREADABLE] += 1
            continue
        cut = [(image, picture.text, 0)] if picture.text is not None else _cut(image, wanted)
        for number, (crop, text, margin_px) in enumerate(cut):
            if not _fits(crop, text, margin_px, alphabet, contract):
                refused[TOO_LONG] += 1
                continue
            name = f"{picture.name}#{number}" if picture.text is None else picture.name
            crops.append(StoredCrop(name, picture.path, encode_image(crop, ".png"), text, margin_px))
    return crops, refused


def refusal_of_text(text: str, alphabet: Alphabet) -> str | None:
    """Why a text cannot be trained on whatever its picture, or None."""
    normalised = alphabet.normalize(text)
    if not normalised.strip():
        return EMPTY
    if alphabet.covers(normalised):
        return None
    return f"{OUTSIDE_ALPHABET}, which lacks {show(alphabet.missing(normalised))}"


def _accepted(instance: TextInstance, alphabet: Alphabet, refused: Counter[str]) -> bool:
    cause = IGNORED if instance.ignore else refusal_of_text(instance.text, alphabet)
    if cause is None and len(instance.text) > 1 and is_tall(_quad(instance)):
        cause = RUNS_DOWN
    if cause is not None:
        refused[cause] += 1
    return cause is None


def _quad(instance: TextInstance) -> Quad:
    return instance.polygon if len(instance.polygon) == 4 else minimum_area_quad(instance.polygon)


def _cut(image: Image, instances: Sequence[TextInstance]) -> list[tuple[Image, str, int]]:
    quads = [_quad(instance) for instance in instances]
    crops = rectify(image, quads, margin=_MOST_MARGIN)
    # `rectify` grows each side by this share of the shorter side of the quad.
    margins = [int(_MOST_MARGIN * min(quad_size(quad))) for quad in quads]
    return [(crop, one.text, margin) for crop, one, margin in zip(crops, instances, margins, strict=True)]


def _fits(crop: Image, text: str, margin_px: int, alphabet: Alphabet, contract: RecognizerInput) -> bool:
    """Whether CTC can write the text even where the crop's margin is cut away at the sides alone."""
    height, width = crop.shape[:2]
    narrowest = max(1, round((width - 2 * margin_px) * contract.height / height))
    if contract.fit == "pad":
        narrowest = min(max(narrowest, contract.min_width), contract.max_width)
    else:
        narrowest = contract.max_width
    return ctc_steps_needed(alphabet.encode(alphabet.normalize(text))) <= contract.num_steps(narrowest)


def crop_folder(crops: Sequence[StoredCrop], path: Path) -> LabelledFolder:
    """Crops as a labelled folder to measure on."""
    entries = [LabelledPicture(crop, text=crop.text) for crop in crops]
    kind: Literal["crops"] = "crops"
    return LabelledFolder(path, "real", kind, entries)
