"""A recipe's real pictures as parts of a training: worlds, labellers, validation batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from torch import nn

from ocrsmith.alphabet import Alphabet
from ocrsmith.data.batches import EncodedLine, RecognizerBatch, collate_lines, encode_line
from ocrsmith.data.page_crops import PageWindows, resize_page
from ocrsmith.data.sources import MixedWorld, World
from ocrsmith.errors import InputError
from ocrsmith.preprocess import RecognizerInput
from ocrsmith.reading.scaling import ScaleRule
from ocrsmith.samples import LineSample, PageSample
from ocrsmith.splits import Split
from ocrsmith.training.detector import DetectorBatch, DetectorCollate, DetectorModule
from ocrsmith.training.labelling import Labeller
from ocrsmith.training.network_tables import DetectorTable, RecognizerTable
from ocrsmith.training.real import RealSet
from ocrsmith.training.real_samples import CropsOfPictures, CutLong, RealCrop, RealLines, RealPages, crops_of
from ocrsmith.training.recipe_tables import RealTable
from ocrsmith.training.rounds import RealPart, Rounds
from ocrsmith.training.scoring import Source
from ocrsmith.training.worlds import Materials

# Of a real crop's contrast, brightness and balance of channels.
_COLOURS = 0.2


def page_source(real: RealSet, kind: str) -> Source:
    """How the pages of a set are scored: CRAFT finds words, so that those in labelled lines are joined."""
    return Source(real.name, kind == "craft" and real.level == "lines", real.table.complete)


def page_rounds(
    materials: Materials,
    table: DetectorTable,
    synthetic: World[PageSample],
    module: DetectorModule,
    rule: ScaleRule,
    folder: Path,
    present: Callable[[], nn.Module],
    say: Callable[[str], None],
) -> Rounds:
    """The rounds of a detector's training world: its synthetic pages mixed with windows of its real ones.

    `rule` says at which scale the bundle will show pages to the detector: real pages are trained on about it.
    """
    windows = PageWindows(table.image_size, table.zoom, table.turn_degrees, table.colours)
    parts = []
    for real in materials.real_pages:
        if not isinstance(real.table, RealTable):
            continue
        pictures = real.pictures["train"]
        finds_characters = module.kind == "craft" and any(
            instance.characters is None and not instance.ignore for one in pictures for instance in one.instances
        )
        labeller = None
        if finds_characters or not real.table.complete:
            labeller = Labeller(
                pictures,
                module.contract,
                module.boxes,
                rule,
                characters=finds_characters,
                complete=real.table.complete,
            )
        pages = RealPages(pictures, rule, windows, materials.recipe.seed, real.name)
        parts.append(RealPart(pages, real.table.share, labeller))
    return Rounds(
        synthetic,
        parts,
        folder,
        steps=table.relabel_steps or table.steps_per_epoch,
        batch_size=table.batch_size,
        model=present,
        say=say,
    )


def page_validation(
    sets: Sequence[RealSet], rule: ScaleRule, collate: DetectorCollate, most: int
) -> list[DetectorBatch]:
    """Batches of one whole page each, as the bundle would read it; at most so many of a set."""
    batches = []
    for real in sets:
        source = page_source(real, collate.kind)
        for picture in real.pictures["validation"][:most]:
            try:
                page = picture.page_sample()
            except InputError:
                continue  # the header was whole, the rest is not; told where the set is measured
            image = collate.contract.resize(page.image, rule.scale(*page.image.shape[:2]))
            batches.append(collate([resize_page(page, image)], source))
    return batches


class RealLineParts:
    """The crops of a recogniser's real pictures.

    Args:
        cut_long: lines wider than the network's input -> their pieces, see `ocrsmith.training.long_lines`.

    Attributes:
        told: sentences on each set, refused texts with their causes among them.
        refused: counts of those by cause.
    """

    def __init__(
        self,
        materials: Materials,
        table: RecognizerTable,
        alphabet: Alphabet,
        contract: RecognizerInput,
        cut_long: CutLong = lambda crop, size: None,
    ) -> None:
        self.seed = materials.recipe.seed
        self.table, self.alphabet, self.contract, self.cut_long = table, alphabet, contract, cut_long
        self.sets = materials.real_lines
        self.learnt = [real for real in self.sets if not real.kept]
        self.told: list[str] = []
        self.refused: Counter[str] = Counter()
        for real, found in zip(self.learnt, self._train, strict=True):
            self.refused += found.refused
            self.told += [f"{real.name}: {sentence}" for sentence in found.told()]

    @cached_property
    def _train(self) -> list[CropsOfPictures]:
        return [self._crops(real, "train") for real in self.learnt]

    def _crops(self, real: RealSet, split: Split) -> CropsOfPictures:
        return crops_of(real.pictures[split], self.alphabet, self.contract, self.cut_long)

    def mixed(self, synthetic: World[LineSample]) -> World[LineSample]:
        """The synthetic lines mixed with the real ones by share; a set of which nothing can be used has none."""
        parts: list[tuple[World[LineSample], float]] = [
            (RealLines(found.crops, _COLOURS, self.seed, real.name), real.table.share)
            for real, found in zip(self.learnt, self._train, strict=True)
            if found.crops and isinstance(real.table, RealTable)
        ]
        left = 1.0 - sum(share for _, share in parts)
        if not parts:
            return synthetic
        return MixedWorld([*([(synthetic, left)] if left > 1e-9 else []), *parts])

    def validation_batches(self, batch_size: int, most: int) -> list[RecognizerBatch]:
        """Batches of each set's crops that choose the best weights, kept sets' too, narrow ones first."""
        batches = []
        for real in self.sets:
            crops = self._crops(real, "validation").crops
            lines = sorted(self._encoded(crops[:most]), key=lambda line: line.image.shape[1])
            for start in range(0, len(lines), batch_size):
                batches.append(collate_lines(lines[start : start + batch_size], self.contract, source=real.name))
        return batches

    def _encoded(self, crops: Sequence[RealCrop]) -> Iterator[EncodedLine]:
        for crop in crops:
            try:
                line = encode_line(LineSample(crop.image(), crop.text), self.alphabet, self.contract)
            except InputError:
                continue  # the header was whole, the rest is not
            if not isinstance(line, str):
                yield line
