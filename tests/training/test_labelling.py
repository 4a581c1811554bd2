"""Weak supervision: bars that stand for characters are found, placed on the page and trusted as far as they fit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ocrsmith.data.craft_targets import craft_targets
from ocrsmith.data.formats import LabelledPicture
from ocrsmith.data.page_crops import PageWindows
from ocrsmith.data.sources import FixedWorld
from ocrsmith.errors import InputError
from ocrsmith.geometry import box_quad, intersection_over_union
from ocrsmith.preprocess import DetectorInput
from ocrsmith.reading.craft_maps import boxes_from_maps
from ocrsmith.reading.scaling import ScaleRule
from ocrsmith.samples import Character, Image, PageSample, TextInstance
from ocrsmith.training.detector import DetectorBatch, DetectorCollate
from ocrsmith.training.labelling import LabelCounts, Labeller, character_boxes
from ocrsmith.training.loaders import BatchStream, CollateEach
from ocrsmith.training.real_samples import RealPages
from ocrsmith.training.rounds import RealPart, Rounds

CONTRACT = DetectorInput(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
RULE = ScaleRule(min_side=64)


class BarReader(nn.Module):
    """A perfect CRAFT for pages on which every dark bar is a character."""

    kind = "craft"
    input = CONTRACT

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, images: Tensor) -> Tensor:
        return torch.stack([torch.from_numpy(self._maps(image)) for image in images.mean(1).numpy()]) + self.weight

    def _maps(self, gray: np.ndarray) -> np.ndarray:
        # The black that pads a batch lies at its right and lower edge and is no bar.
        dark = ((gray > 0.02) & (gray < 0.4)).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(dark)
        quads = [box_quad(x, y, x + w, y + h) for x, y, w, h, area in stats[1:].tolist() if area > 20]
        quads.sort(key=lambda quad: quad[0, 0])
        characters = tuple(Character("x", quad) for quad in quads)
        page = [TextInstance(box_quad(0, 0, 1, 1), "x" * len(quads), characters)] if quads else []
        return craft_targets(page, *gray.shape)[0]


@dataclass(frozen=True)
class Picture:
    """Pixels in memory as a picture's source."""

    pixels: Image | None
    name: str = "picture"
    path: Path = Path("picture.png")

    def read(self) -> Image:
        if self.pixels is None:
            raise InputError("the picture is cut off")
        return self.pixels

    def size(self) -> tuple[int, int]:
        return 1, 1


def bars(*lefts: int, top: int = 20) -> Image:
    """A light page 120 x 64 with bars 8 px wide and 24 px high."""
    page = np.full((64, 120, 3), 230, np.uint8)
    for left in lefts:
        page[top : top + 24, left : left + 8] = 30
    return page


def labelled(image: Image | None, *instances: TextInstance) -> LabelledPicture:
    return LabelledPicture(Picture(image), instances)


def word(text: str, left: float, right: float, **more: bool) -> TextInstance:
    return TextInstance(box_quad(left, 19, right, 45), text, **more)


def labeller(*pictures: LabelledPicture, **options: bool) -> Labeller:
    def boxes_of(maps: Tensor) -> list:
        return [boxes_from_maps(page, stride=2) for page in maps.permute(0, 2, 3, 1).numpy()]

    return Labeller(pictures, CONTRACT, boxes_of, RULE, **options)


def test_a_drawn_map_is_parted_into_the_boxes_that_it_was_drawn_for() -> None:
    drawn = [box_quad(8, 10, 24, 42), box_quad(28, 10, 40, 42), box_quad(44, 10, 60, 42)]
    characters = tuple(Character(c, quad) for c, quad in zip("abc", drawn, strict=True))
    maps, _ = craft_targets([TextInstance(box_quad(0, 0, 64, 48), "abc", characters)], 64, 72)
    found = character_boxes(maps[0], 2)
    assert len(found) == 3
    for box, quad in zip(found, drawn, strict=True):
        assert intersection_over_union(box_quad(*box), quad) > 0.7


def test_characters_of_a_word_are_found_where_they_stand() -> None:
    image = bars(20, 34, 48)
    labels, counts = labeller(labelled(image, word("abc", 19, 57))).label(BarReader(), [0])
    (found,) = labels[0]
    assert found.text == "abc"
    assert found.confidence == 1.0
    assert [character.text for character in found.characters or ()] == ["a", "b", "c"]
    for character, left in zip(found.characters or (), (20, 34, 48), strict=True):
        assert intersection_over_union(character.quad, box_quad(left, 20, left + 8, 44)) > 0.6
    assert counts == LabelCounts(1, 0, 1.0)
    assert str(counts) == "1 words labelled, 1 by the characters found and 0 evenly, mean confidence 1.00"


def test_text_that_runs_down_is_labelled_along_its_height() -> None:
    image = np.ascontiguousarray(np.rot90(bars(20, 34, 48, 62, 76), -1))  # a quarter clockwise: 120 high, 64 wide
    quad = box_quad(64 - 45, 19, 64 - 19, 85)
    labels, _ = labeller(labelled(image, TextInstance(quad, "abcde"))).label(BarReader(), [0])
    tops = [character.quad[:, 1].min() for character in (labels[0][0].characters or ())]
    np.testing.assert_allclose(tops, [20, 34, 48, 62, 76], atol=2)


def test_what_does_not_fit_the_count_is_trusted_less() -> None:
    image = bars(20, 34, 48)
    pictures = [labelled(image, word("abcd", 19, 57)), labelled(image, word("abcdefg", 19, 57))]
    labels, counts = labeller(*pictures).label(BarReader(), [0, 1])
    assert labels[0][0].confidence == 0.75
    assert labels[1][0].confidence == 0.5
    assert len(labels[1][0].characters or ()) == 7
    assert (counts.num_counted, counts.num_even, counts.confidence_sum) == (1, 1, 1.25)


def test_a_line_becomes_words() -> None:
    labels, _ = labeller(labelled(bars(10, 21, 50, 61, 72), word("ab cde", 9, 81))).label(BarReader(), [0])
    ab, cde = labels[0]
    assert (ab.text, cde.text) == ("ab", "cde")
    assert (ab.confidence, cde.confidence) == (1.0, 1.0)
    assert ab.polygon[:, 0].max() < cde.polygon[:, 0].min()


def test_known_ignored_and_empty_labels_stay_as_they_are() -> None:
    known = TextInstance(box_quad(19, 19, 29, 45), "a", (Character("a", box_quad(20, 20, 28, 44)),))
    others = [word("??", 33, 43, ignore=True), word("", 47, 57)]
    flat = TextInstance(box_quad(60, 20, 60, 40), "ab")
    labels, counts = labeller(labelled(bars(20, 34, 48), known, *others, flat)).label(BarReader(), [0])
    assert labels[0] == (known, *others, flat)
    assert counts == LabelCounts()


def test_text_beside_the_labels_is_ignored_where_labels_are_in_part() -> None:
    page = labelled(bars(20, 34, 90), word("ab", 19, 43))
    labels, counts = labeller(page, complete=False).label(BarReader(), [0])
    (found, beside) = labels[0]
    assert (found.ignore, beside.ignore) == (False, True)
    assert beside.polygon[:, 0].min() > 70
    assert counts.num_beside == 1
    assert "1 detections beside the labels are ignored" in str(counts)


def test_pages_that_are_empty_or_unreadable_do_not_stop_it() -> None:
    labels, counts = labeller(labelled(bars()), labelled(None, word("a", 0, 9))).label(BarReader(), [0, 1])
    assert labels == {0: ()}
    assert counts == LabelCounts()


def rounds(folder: Path, models: list[int], **options: int) -> Rounds:
    pictures = [labelled(bars(20, 34, 48), word("abc", 19, 57)), labelled(bars(20, 34), word("ab", 19, 43))]
    pages = RealPages(pictures, RULE, PageWindows(64, (1, 1), 0, 0), seed=3, name="mine")
    synthetic = FixedWorld([PageSample(np.zeros((64, 64, 3), np.uint8), ())])

    def model() -> nn.Module:
        models.append(1)
        return BarReader()

    part = RealPart(pages, 0.5, labeller(*pictures))
    return Rounds(synthetic, [part], folder, steps=4, batch_size=2, model=model, **options)


def test_a_round_is_labelled_once_and_found_again_after_a_kill(tmp_path: Path) -> None:
    asked: list[int] = []
    first = rounds(tmp_path, asked)
    world = first.world_at(0)
    assert world is first.world_at(3)
    assert len(asked) == 1
    later = first.world_at(4)
    assert later is not world
    assert len(asked) == 2
    again = rounds(tmp_path, asked).world_at(5)
    assert len(asked) == 2
    for index in range(8, 16):
        np.testing.assert_array_equal(later[index].image, again[index].image)
        for one, other in zip(later[index].instances, again[index].instances, strict=True):
            np.testing.assert_array_equal(one.polygon, other.polygon)
            assert [c.text for c in one.characters or ()] == [c.text for c in other.characters or ()]
    shown = [bool(world[index].instances) for index in range(4)]
    assert shown == [False, True, False, True]


def test_without_anything_to_label_there_is_one_round() -> None:
    pages = RealPages([labelled(bars(20))], RULE, PageWindows(64), seed=3, name="mine")
    only = Rounds(None, [RealPart(pages, 1.0)], Path("unused"), steps=1, batch_size=1, model=BarReader)
    assert not only.change
    assert only.world_at(0) is only.world_at(99)
    with pytest.raises(ValueError, match="shares"):
        Rounds(None, [], Path("unused"), steps=1, batch_size=1, model=BarReader)


def streamed(folder: Path, workers: int) -> list[DetectorBatch]:
    """Two epochs of four steps, each a round, as a training would ask for them."""
    mixed = rounds(folder, [])
    step = 0
    stream = BatchStream(
        mixed.world_at(0),
        CollateEach(DetectorCollate("craft", CONTRACT)),
        batch_size=2,
        steps_per_epoch=4,
        position=lambda: step,
        workers=workers,
        world_at=mixed.world_at,
    )
    batches = list(stream)
    step = 4
    batches += list(stream)
    stream.close()
    return batches


def test_workers_change_nothing_over_rounds(tmp_path: Path) -> None:
    alone, shared = streamed(tmp_path / "alone", 0), streamed(tmp_path / "shared", 2)
    for one, other in zip(alone, shared, strict=True):
        np.testing.assert_array_equal(one.stack, other.stack)
        for target, same in zip(one.targets, other.targets, strict=True):
            np.testing.assert_array_equal(target, same)
