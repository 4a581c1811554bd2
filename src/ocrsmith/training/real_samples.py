"""Real pictures as worlds of training samples: windows of pages, crops of words and lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ocrsmith.alphabet import Alphabet, show
from ocrsmith.data.batches import EMPTY, OUTSIDE_ALPHABET, TOO_LONG, ctc_steps_needed
from ocrsmith.data.formats import LabelledFolder, LabelledPicture
from ocrsmith.data.formats.pictures import PictureSource
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
class MemoryPicture:
    """A picture in memory as a PNG: a `PictureSource`."""

    name: str
    path: Path
    png: bytes

    def read(self) -> Image:
        """(h, w, 3) uint8 RGB."""
        return read_image(self.png)

    def size(self) -> tuple[int, int]:
        """(width, height) px."""
        height, width = self.read().shape[:2]
        return width, height


@dataclass(frozen=True, slots=True)
class RealCrop:
    """A word, a line or a piece of a line: its picture, its text, and how many px at each side are not the label's.

    `columns`: of a piece, its first column of the picture and the one behind its last; None is all of it. A margin is
    at the picture's own ends alone.
    """

    source: PictureSource
    text: str
    margin_px: int = 0
    columns: tuple[int, int] | None = None

    def image(self, kept: NDArray[np.float64] | None = None) -> Image:
        """The pixels with the share `kept` (4,) of the margin at the left, top, right and bottom; a small one else.

        Raises:
            InputError: the picture cannot be decoded.
        """
        image = self.source.read()
        height, width = image.shape[:2]
        left, top, right, bottom = self.box((width, height), kept)
        return np.ascontiguousarray(image[top:bottom, left:right])

    def box(self, size: tuple[int, int], kept: NDArray[np.float64] | None = None) -> tuple[int, int, int, int]:
        """Of a picture of this (width, height), the first column and row that `image` shows, those behind the last."""
        share = np.full(4, _MARGIN / _MOST_MARGIN) if kept is None else kept
        left, top, right, bottom = (int(px) for px in self.margin_px - np.round(share * self.margin_px))
        width, height = size
        first, last = self.columns or (0, width)
        return first or left, top, width - right if last == width else last, height - bottom


class RealLines(ShuffledWorld[LineSample]):
    """Real crops, each once before any comes again, with their margins and colours varied."""

    def __init__(self, crops: Sequence[RealCrop], colours: float, seed: int, name: str) -> None:
        super().__init__(len(crops), seed, name)
        self.crops, self.colours = crops, colours

    def make(self, item: int, rng: np.random.Generator) -> LineSample:
        """A crop with its text."""
        crop = self.crops[item]
        return LineSample(vary_colours(crop.image(rng.uniform(0, 1, 4)), self.colours, rng), crop.text)


# A crop with its picture's (width, height) -> None where the network takes it as it is, else its pieces, or why it has
# none.
CutLong = Callable[[RealCrop, tuple[int, int]], list[RealCrop] | str | None]


@dataclass(eq=False)
class CropsOfPictures:
    """What can be trained on in some pictures, and what cannot.

    Attributes:
        crops: words, lines, and pieces of long lines.
        refused: counts of the others by cause.
        num_cut, num_pieces: lines wider than the network's input that were cut, and into how many pieces.
        whole: those that were not, by cause: squeezed, or refused where their text does not fit.
    """

    crops: list[RealCrop] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    num_cut: int = 0
    num_pieces: int = 0
    whole: Counter[str] = field(default_factory=Counter)

    def told(self) -> list[str]:
        """Sentences on what they came to."""
        refused = "".join(f"; {count} refused: {cause}" for cause, count in self.refused.most_common())
        told = [f"{len(self.crops)} crops to train on{refused}"]
        if self.num_cut:
            told.append(f"{self.num_cut} lines wider than the network's input, cut into {self.num_pieces} pieces")
        told += [
            f"{count} lines wider than the network's input left whole, squeezed or refused as too long: {cause}"
            for cause, count in self.whole.most_common()
        ]
        return told


def crops_of(
    pictures: Sequence[LabelledPicture],
    alphabet: Alphabet,
    contract: RecognizerInput,
    cut_long: CutLong = lambda crop, size: None,
) -> CropsOfPictures:
    """The words and lines of pictures that a recogniser can be trained on.

    Pictures of one text each are taken as they are, and read when they are asked for; texts of pages are cut out now
    and kept in memory.
    """
    found = CropsOfPictures()
    for picture in pictures:
        try:
            whole = picture.text is not None
            sized = [_whole(picture)] if whole else _crops_of_page(picture, alphabet, found.refused)
            for crop, size in sized:
                cause = refusal_of_text(crop.text, alphabet)
                if cause is None:
                    _take(found, crop, size, alphabet, contract, cut_long)
                else:
                    found.refused[cause] += 1
        except InputError:
            found.refused[UNREADABLE] += 1
    return found


def _take(
    found: CropsOfPictures,
    crop: RealCrop,
    size: tuple[int, int],
    alphabet: Alphabet,
    contract: RecognizerInput,
    cut_long: CutLong,
) -> None:
    """Adds a crop, or its pieces, or the cause for which it is refused."""
    pieces = cut_long(crop, size)
    if isinstance(pieces, list) and not all(_fits(piece, size, alphabet, contract) for piece in pieces):
        pieces = TOO_LONG
    if isinstance(pieces, list):
        found.crops += pieces
        found.num_cut += 1
        found.num_pieces += len(pieces)
        return
    if pieces is not None:
        found.whole[pieces] += 1
    if _fits(crop, size, alphabet, contract):
        found.crops.append(crop)
    else:
        found.refused[TOO_LONG] += 1


def _whole(picture: LabelledPicture) -> tuple[RealCrop, tuple[int, int]]:
    return RealCrop(picture.source, picture.text or ""), picture.source.size()


def _crops_of_page(
    picture: LabelledPicture, alphabet: Alphabet, refused: Counter[str]
) -> list[tuple[RealCrop, tuple[int, int]]]:
    """The texts of a page cut out with their margins, and the (width, height) of each."""
    wanted = [instance for instance in picture.instances if _accepted(instance, alphabet, refused)]
    if not wanted:
        return []
    quads = [_quad(instance) for instance in wanted]
    found = []
    for number, (crop, quad) in enumerate(
        zip(rectify(picture.image(), quads, margin=_MOST_MARGIN), quads, strict=True)
    ):
        source = MemoryPicture(f"{picture.name}#{number}", picture.path, encode_image(crop, ".png"))
        # `rectify` grows each side by this share of the shorter side of the quad.
        margin_px = int(_MOST_MARGIN * min(quad_size(quad)))
        found.append((RealCrop(source, wanted[number].text, margin_px), (crop.shape[1], crop.shape[0])))
    return found


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


def _fits(crop: RealCrop, size: tuple[int, int], alphabet: Alphabet, contract: RecognizerInput) -> bool:
    """Whether CTC can write the text even where the crop's margin is cut away at the sides alone."""
    height = size[1]
    narrowest = contract.max_width
    if contract.fit == "pad":
        left, _, right, _ = crop.box(size, np.zeros(4))
        wanted = round((right - left) * contract.height / height)
        narrowest = min(max(wanted, contract.min_width), contract.max_width)
    return ctc_steps_needed(alphabet.encode(alphabet.normalize(crop.text))) <= contract.num_steps(narrowest)


def crop_folder(crops: Sequence[RealCrop], path: Path) -> LabelledFolder:
    """Crops as a labelled folder to measure on."""
    entries = [
        LabelledPicture(
            MemoryPicture(crop.source.name, crop.source.path, encode_image(crop.image(), ".png")), text=crop.text
        )
        for crop in crops
    ]
    return LabelledFolder(path, "real", "crops", entries)
