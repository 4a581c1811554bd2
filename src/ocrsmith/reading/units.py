"""Detections -> words: each is cut out in every way that it may be written, and the surest reading stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ocrsmith.geometry import Polygon, Quad, bounds, box_quad
from ocrsmith.reading.alignment import words_on_page, words_on_quads
from ocrsmith.reading.crops import are_tall, rectify, turn_quad
from ocrsmith.reading.detections import outline_quads
from ocrsmith.reading.orientation import LEAD, SAMPLE, SURE_TURNED, longest, weakest
from ocrsmith.reading.page import Recognized, Word
from ocrsmith.reading.rereading import RereadingRule, read_doubtful
from ocrsmith.reading.stacking import columns, stack, words_in_stack
from ocrsmith.reading.straightening import ribbon, straighten, words_on_ribbon
from ocrsmith.samples import Image

# A tall box is one narrow letter, a line that runs down or up, or stacked letters; the first wins ties within this.
UPRIGHT_LEAD = 0.1

Recognize = Callable[[Sequence[Image]], list[Recognized]]


@dataclass(frozen=True, eq=False)
class OnQuad:
    """Places the text of a crop that was cut straight out of a quad, grown by `margin`."""

    quad: Quad
    margin: float

    def __call__(self, recognized: Recognized) -> list[Word]:
        return words_on_page(recognized, self.quad, self.margin)


@dataclass(frozen=True, eq=False)
class Cut:
    """One way to cut a detection out: its crop, how its text goes back to the page, and its lead in confidence."""

    owner: int
    crop: Image
    place: Callable[[Recognized], list[Word]]
    lead: float = 0.0


@dataclass(frozen=True, eq=False)
class Unit:
    """What one detection was read as, out of `crop`; `upright` is the quad as read, from the text's own top left."""

    recognized: Recognized
    upright: Quad
    place: Callable[[Recognized], list[Word]]
    crop: Image


def words_of(units: Sequence[Unit]) -> list[list[Word]]:
    """The words on the page of each unit; those that were cut straight out of it are placed all at once."""
    placed: dict[int, list[Word]] = {}
    straight: dict[float, list[tuple[int, OnQuad]]] = {}
    for index, unit in enumerate(units):
        if isinstance(unit.place, OnQuad):
            straight.setdefault(unit.place.margin, []).append((index, unit.place))
        else:
            placed[index] = unit.place(unit.recognized)
    for margin, some in straight.items():
        read = [units[index].recognized for index, _ in some]
        words = words_on_quads(read, [place.quad for _, place in some], margin)
        placed.update((index, row) for (index, _), row in zip(some, words))
    return [placed[index] for index in range(len(units))]


class UnitReader:
    """Reads the detections of one picture, in batches over all of them.

    `recognize` takes crops to texts; `margin` is what each outline is grown by before it is cut out, a share of its
    height; `timings` receives the seconds of "crops" and "recognizer".
    """

    def __init__(self, image: Image, recognize: Recognize, margin: float, timings: dict[str, float]) -> None:
        self.image, self.recognize, self.margin, self.timings = image, recognize, margin, timings

    def read(self, outlines: Sequence[Polygon]) -> list[Unit]:
        """One unit an outline, in order; tall ones are read across, down, up and stacked, bent ones straightened."""
        started = time.perf_counter()
        quads = outline_quads(outlines)
        cuts = self._cuts(outlines, quads)
        self._spent("crops", started)
        best: dict[int, tuple[float, Unit]] = {}
        for cut, result in zip(cuts, self._recognized([cut.crop for cut in cuts]), strict=True):
            value = result.confidence + cut.lead
            if cut.owner not in best or value > best[cut.owner][0]:
                best[cut.owner] = (value, Unit(result, quads[cut.owner], cut.place, cut.crop))
        return [best[owner][1] for owner in range(len(outlines))]

    def join_stacks(self, units: Sequence[Unit]) -> list[Unit]:
        """The units, those of a sign's stacked letters as one where they are read as one surely."""
        quads = [unit.upright for unit in units]
        chains, cuts = [], []
        for chain in columns(quads):
            hull = box_quad(*bounds([quads[index] for index in chain]))
            made = stack(rectify(self.image, [hull])[0])
            if made is not None and len(made.cells) >= max(3, len(chain)):
                chains.append((chain, hull, len(made.cells)))
                cuts.append(Cut(chain[0], made.crop, partial(words_in_stack, made=made, quad=hull)))
        found: dict[int, Unit | None] = dict(enumerate(units))
        for (chain, hull, num_letters), cut, result in zip(chains, cuts, self._recognized([c.crop for c in cuts])):
            letters = sum(not character.text.isspace() for character in result.characters)
            # One letter a cell: a column of numbers has more.
            if result.confidence >= SURE_TURNED and abs(letters - num_letters) <= 1:
                found.update(dict.fromkeys(chain))
                found[chain[0]] = Unit(result, hull, cut.place, cut.crop)
        return [unit for unit in found.values() if unit is not None]

    def _cuts(self, outlines: Sequence[Polygon], quads: Sequence[Quad]) -> list[Cut]:
        """Every way that each outline may be written, outline by outline; all quads are cut out in one pass."""
        tall = are_tall(quads).tolist()
        turned = [
            [turn_quad(quad, turn) for turn in (0, 1, 3)] if is_tall else [quad] for quad, is_tall in zip(quads, tall)
        ]
        crops = iter(rectify(self.image, [each for ways in turned for each in ways], margin=self.margin))
        columns_of = iter(rectify(self.image, [quad for quad, is_tall in zip(quads, tall) if is_tall]))
        cuts: list[Cut] = []
        for owner, (outline, ways) in enumerate(zip(outlines, turned, strict=True)):
            strip = ribbon(outline)
            if strip is not None:
                bent = partial(words_on_ribbon, strip=strip, margin=self.margin)
                cuts.append(Cut(owner, straighten(self.image, strip, self.margin), bent))
            for place, quad in enumerate(ways):
                lead = UPRIGHT_LEAD if tall[owner] and place == 0 else 0.0
                cuts.append(Cut(owner, next(crops), OnQuad(quad, self.margin), lead))
            made = stack(next(columns_of)) if tall[owner] else None
            if made is not None:
                cuts.append(Cut(owner, made.crop, partial(words_in_stack, made=made, quad=quads[owner])))
        return cuts

    def confidences(self, quads: Sequence[Quad], turns: Sequence[int]) -> list[float]:
        """The mean confidence of these quads when all are read turned so: one number a turn; 0 without quads."""
        if not quads:
            return [0.0] * len(turns)
        cut = [turn_quad(quad, turn) for turn in turns for quad in quads]
        results = self._recognized(rectify(self.image, cut, margin=self.margin))
        return [weighted_confidence(results[at : at + len(quads)]) for at in range(0, len(results), len(quads))]

    def stands_on_its_head(self, units: Sequence[Unit]) -> bool:
        """Whether a page's longest lines read surer upside down."""
        quads = [unit.upright for unit in units]
        chosen = longest(quads, SAMPLE)
        if len(chosen) < 2:
            return False
        (turned,) = self.confidences([quads[index] for index in chosen], (2,))
        return turned > weighted_confidence([units[index].recognized for index in chosen]) + LEAD

    def turn_lines(self, units: Sequence[Unit]) -> list[Unit]:
        """The units, single lines of low confidence turned where they read much surer upside down."""
        results = [unit.recognized for unit in units]
        quads = [unit.upright for unit in units]
        chosen = weakest(quads, [each.confidence for each in results], [len(each.text) for each in results])
        turned = [turn_quad(quads[index], 2) for index in chosen]
        found = list(units)
        crops = rectify(self.image, turned, margin=self.margin)
        for index, quad, crop, result in zip(chosen, turned, crops, self._recognized(crops), strict=True):
            if result.confidence >= max(SURE_TURNED, results[index].confidence + LEAD):
                found[index] = Unit(result, quad, OnQuad(quad, self.margin), crop)
        return found

    def read_doubtful(self, units: Sequence[Unit], rule: RereadingRule | None) -> list[Unit]:
        """The units, doubtful ones read again at other widths where a rule says so: what a page is read with last."""
        crops, results = [unit.crop for unit in units], [unit.recognized for unit in units]
        read = read_doubtful(crops, results, self._recognized, rule)
        return [replace(unit, recognized=result) for unit, result in zip(units, read, strict=True)]

    def _recognized(self, crops: Sequence[Image]) -> list[Recognized]:
        started = time.perf_counter()
        results = self.recognize(crops) if crops else []
        self._spent("recognizer", started)
        return results

    def _spent(self, stage: str, started: float) -> None:
        self.timings[stage] = self.timings.get(stage, 0.0) + time.perf_counter() - started


def weighted_confidence(results: Sequence[Recognized]) -> float:
    """The mean confidence, each text weighing its letters; empty texts weigh one letter of confidence 0."""
    if not results:
        return 0.0
    weights = [max(1, len(result.text)) for result in results]
    return float(np.average([result.confidence for result in results], weights=weights))
