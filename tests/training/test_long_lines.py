"""Lines wider than a network's input, cut by the alignment of a network that reads colours.

A letter is 4 px of dark red ("a") or dark green ("b") and 8 px of white; a space is 4 px of white, 4 px of the palest
blue and 4 px of white. So the gap behind letter i has its middle at 12 i + 8, and that of a space i at 12 i + 2.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ocrsmith.alphabet import Alphabet
from ocrsmith.data.batches import EMPTY, TOO_LONG
from ocrsmith.data.formats import LabelledPicture
from ocrsmith.data.line_pieces import LinePiece
from ocrsmith.errors import StorageError
from ocrsmith.preprocess import RecognizerInput
from ocrsmith.samples import Image
from ocrsmith.training.long_lines import NO_GAP, NOT_READ, UNKNOWN_CHARACTERS, LongLines, align
from ocrsmith.training.real_samples import CropsOfPictures, RealCrop, RealLines, crops_of

WHITE, RED, GREEN, PALE = (255, 255, 255), (120, 0, 0), (0, 120, 0), (200, 200, 255)
ALPHABET = Alphabet("ab ")
CONTRACT = RecognizerInput(
    height=8,
    min_width=4,
    max_width=128,
    width_multiple=4,
    step_px=4,
    pad_value=255,
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
)
TEXT = "ab ba aab bb ab ba"


class ColourReader(nn.Module):
    """(B, 3, H, W) -> logits (B, W/4, 4): how near each step's colour is to that of each class."""

    kind = "ctc"

    def __init__(self) -> None:
        super().__init__()
        self.alphabet, self.input, self.calls = ALPHABET, CONTRACT, 0
        self.colours = nn.Parameter(torch.tensor([WHITE, RED, GREEN, PALE]) / 255)

    def forward(self, images: Tensor) -> Tensor:
        self.calls += 1
        steps = nn.functional.avg_pool2d(images, (images.shape[2], 4))[:, :, 0].transpose(1, 2)
        return -100 * ((steps[:, :, None] - self.colours) ** 2).sum(dim=3)


def drawn(text: str) -> Image:
    line = np.full((8, 12 * len(text), 3), 255, np.uint8)
    for place, character in enumerate(text):
        left = 12 * place + (4 if character == " " else 0)
        line[:, left : left + 4] = {"a": RED, "b": GREEN, " ": PALE}[character]
    return line


def joined(line: Image) -> Image:
    """Ink in every column, too little of it to be read."""
    columns = np.arange(line.shape[1]) % 12
    line[3, (columns >= 4) & (columns < 8)] = RED
    line[5, (columns >= 8) | (columns < 4)] = RED
    return line


@dataclass(frozen=True)
class Drawn:
    """A picture in memory."""

    image: Image
    name: str = "line"
    path: Path = Path("line.png")

    def read(self) -> Image:
        return self.image

    def size(self) -> tuple[int, int]:
        return self.image.shape[1], self.image.shape[0]


def cut(text: str, image: Image | None = None, margin_px: int = 0) -> list[tuple[str, tuple[int, int]]] | str | None:
    picture = Drawn(drawn(text) if image is None else image)
    found = LongLines(ColourReader()).cut(RealCrop(picture, text, margin_px), picture.size())
    return [(piece.text, piece.columns or (0, 0)) for piece in found] if isinstance(found, list) else found


def test_an_alignment_and_its_score() -> None:
    # Four steps that say "a", nothing, "b", nothing; each is sure to nine tenths, and rules the others out.
    steps = np.full((4, 4), 0.0, np.float32)
    steps[[0, 1, 2, 3], [1, 0, 2, 0]] = 0.9
    aligned = align(steps, np.array([1, 2]), ALPHABET, step_px=4)
    assert aligned is not None
    assert aligned.marks.tolist() == [2.0, 10.0]
    assert aligned.score(LinePiece(0, 16, 0, 2)) == pytest.approx(4 * np.log(0.9) / 2)
    assert aligned.score(LinePiece(0, 8, 0, 1)) == pytest.approx(2 * np.log(0.9))
    # A label that the network rules out costs so much and no more: three steps as they are, one of a ten-thousandth.
    wrong = align(steps, np.array([1, 1]), ALPHABET, step_px=4)
    assert wrong is not None
    assert wrong.score(LinePiece(0, 16, 0, 2)) == pytest.approx((3 * np.log(0.9) + np.log(1e-4)) / 2)
    assert align(steps, np.array([1, 1, 1]), ALPHABET, step_px=4) is None  # needs five steps


def test_a_line_is_cut_in_its_spaces() -> None:
    # 216 px, of which 128 are shown at once and 32, four heights, are shared at least.
    assert cut(TEXT) == [("ab ba aab", (0, 110)), ("aab bb ab", (62, 182)), ("ab ba", (146, 216))]


def test_a_word_without_spaces_is_cut_between_letters() -> None:
    # 180 px: eleven letters are in reach, of which three are seen twice.
    assert cut("abaabbabaabbaba") == [("abaabbabaab", (0, 128)), ("aabbaba", (92, 180))]
    # Letters that touch show no gap.
    assert cut("ab" * 8, joined(drawn("ab" * 8))) == NO_GAP


def test_a_space_needs_no_empty_columns_where_the_network_is_sure_of_it() -> None:
    # The middle of its only step, at 12 i + 6.
    found = [("ab ba aab", (0, 114)), ("aab bb ab", (66, 186)), ("ab ba", (150, 216))]
    assert cut(TEXT, joined(drawn(TEXT))) == found


def test_what_is_not_wider_than_the_input_stays_as_it_is() -> None:
    line = drawn("ab" * 6)
    assert cut("ab" * 6, line[:, :128]) is None
    assert cut("ab" * 6) is not None  # 144 px
    # Twice as high and as wide.
    assert cut("ab" * 6, np.repeat(np.repeat(line, 2, axis=0), 2, axis=1)[:, :256]) is None


def test_what_is_squeezed_when_it_is_read_stays_whole() -> None:
    model = ColourReader()
    model.input = replace(CONTRACT, fit="stretch")
    picture = Drawn(drawn(TEXT))
    assert LongLines(model).cut(RealCrop(picture, TEXT), picture.size()) is None


def test_what_the_start_does_not_read_stays_whole() -> None:
    assert cut("ba ab bba aa ba ab", drawn(TEXT)) == NOT_READ
    # A text whose label runs the other way than the network writes it.
    assert cut(TEXT[::-1], drawn(TEXT)) == NOT_READ
    assert cut("a" * 60, drawn(TEXT)) == NOT_READ  # longer than its steps
    model, picture = ColourReader(), Drawn(drawn(TEXT))
    assert LongLines(model, ("b",)).cut(RealCrop(picture, TEXT), picture.size()) == UNKNOWN_CHARACTERS
    assert model.calls == 0


def test_one_mistake_in_a_label_refuses_no_line() -> None:
    assert cut("aa" + TEXT[2:], drawn(TEXT)) == cut("aa" + TEXT[2:])


def test_pieces_keep_the_margins_and_are_never_squeezed(monkeypatch: pytest.MonkeyPatch) -> None:
    # At this height steps straddle colours.
    monkeypatch.setattr("ocrsmith.training.long_lines.LEAST_MEAN", -9.0)
    margin = 2
    line = np.full((8 + 2 * margin, 12 * len(TEXT) + 2 * margin, 3), 255, np.uint8)
    line[margin:-margin, margin:-margin] = drawn(TEXT)
    picture = Drawn(line)
    model = ColourReader()
    pieces = LongLines(model).cut(RealCrop(picture, TEXT, margin), picture.size())
    assert isinstance(pieces, list) and len(pieces) == 3
    for piece in pieces:
        for kept in product((0.0, 1.0), repeat=4):
            height, width, _ = piece.image(np.array(kept)).shape
            assert width * CONTRACT.height <= CONTRACT.max_width * height
    first, inner, last = pieces
    assert inner.columns is not None and first.columns is not None and last.columns is not None
    # The line's own ends vary with the margin, the cuts do not.
    assert {inner.image(np.array(kept)).shape[1] for kept in product((0.0, 1.0), repeat=4)} == {
        np.diff(inner.columns)[0]
    }
    assert {first.image(np.array(kept)).shape[1] for kept in product((0.0, 1.0), repeat=4)} == {
        first.columns[1] - 2,
        first.columns[1],
    }
    assert last.columns[1] == line.shape[1]


def pictures(*lines: tuple[str, Image]) -> list[LabelledPicture]:
    return [LabelledPicture(Drawn(image, f"{place}.png"), text=text) for place, (text, image) in enumerate(lines)]


def test_pieces_take_the_place_of_their_lines_and_all_are_counted() -> None:
    wrong = "ba ab bba aa ba ab"
    found: CropsOfPictures = crops_of(
        pictures(
            ("ab", drawn("ab")),
            (TEXT, drawn(TEXT)),
            (wrong, drawn(TEXT)),
            ("a" * 60, drawn(TEXT)),
            ("", drawn(TEXT)),
        ),
        ALPHABET,
        CONTRACT,
        LongLines(ColourReader()).cut,
    )
    assert [crop.text for crop in found.crops] == ["ab", "ab ba aab", "aab bb ab", "ab ba", wrong]
    assert (found.num_cut, found.num_pieces) == (1, 3)
    assert found.whole == {NOT_READ: 2}
    assert found.refused == {TOO_LONG: 1, EMPTY: 1}
    told = "\n".join(found.told())
    assert "1 lines wider than the network's input, cut into 3 pieces" in told
    assert f"2 lines wider than the network's input left whole, squeezed or refused as too long: {NOT_READ}" in told
    # What is trained on shows the pieces' pixels.
    world = RealLines(found.crops, 0.0, 1, "mine")
    shown = {sample.text: sample.image.shape for sample in (world[index] for index in range(5))}
    assert shown["aab bb ab"] == (8, 120, 3)


def test_without_a_start_long_lines_are_squeezed_as_before() -> None:
    found = crops_of(pictures((TEXT, drawn(TEXT))), ALPHABET, CONTRACT)
    assert [crop.text for crop in found.crops] == [TEXT]
    assert not found.whole and not found.num_cut


def test_what_was_found_is_not_looked_for_again(tmp_path: Path) -> None:
    lines = [RealCrop(Drawn(drawn(TEXT)), text) for text in (TEXT, TEXT[::-1])]
    first, again = LongLines(ColourReader()), LongLines(ColourReader())
    found = [first.cut(line, (216, 8)) for line in lines]
    first.save(tmp_path / "recognizer" / "pieces.json")
    again.load(tmp_path / "recognizer" / "pieces.json")
    assert [again.cut(line, (216, 8)) for line in lines] == found
    assert (again.model.calls, again.seconds) == (0, first.seconds)
    (tmp_path / "broken.json").write_text(json.dumps({"lines": {}}))
    with pytest.raises(StorageError, match="--restart"):
        again.load(tmp_path / "broken.json")


def test_parts_of_the_network_keep_their_modes() -> None:
    model = ColourReader()
    model.frozen = nn.BatchNorm2d(1).eval()
    model.train()
    model.frozen.eval()
    LongLines(model).cut(RealCrop(Drawn(drawn(TEXT)), TEXT), (216, 8))
    assert (model.training, model.frozen.training) == (True, False)
