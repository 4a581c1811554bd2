"""The lines of one block of a photo scene: texts, fonts that draw them, sizes, and how they stand together."""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ocrsmith.errors import FontError, SynthesisError
from ocrsmith.synth.choices import Rng, pick, running_weights
from ocrsmith.synth.font_stretches import Stretch, fonts_of
from ocrsmith.synth.fonts import FontFace, face_of
from ocrsmith.synth.scene_plans import Box, LinePlan
from ocrsmith.synth.scene_settings import PhotoSettings
from ocrsmith.synth.shaping import ShapedRun, shape
from ocrsmith.synth.texts import TextGenerator

NO_LIGATURES = {"liga": False, "clig": False, "dlig": False}
# The least gap (em) between characters set below one another, and how much more is drawn.
_STACK_GAP = (0.06, 0.4)
_MOST_STACKED = 14


class TofuError(SynthesisError):
    """No font at hand has every glyph of the text drawn."""


class TooWideError(SynthesisError):
    """The text drawn does not fit the picture at the least font size."""


def run_of(line: LinePlan, faces: Mapping[str, FontFace]) -> ShapedRun:
    """The drawn run of a planned line; raises SynthesisError where its font is not among the faces."""
    others = [(start, end, face_of(font, faces)) for start, end, font in line.others]
    return shape(
        face_of(line.font, faces),
        line.text,
        line.size_px,
        letter_spacing_px=line.letter_spacing_px,
        features=None if line.ligatures else NO_LIGATURES,
        direction="ttb" if line.down else None,
        others=others,
    )


def ink_box(line: LinePlan, run: ShapedRun) -> Box:
    """Left, top, right, bottom of a line's clusters in block px."""
    lefts, tops, rights, bottoms = zip(*run.boxes.tolist())
    x, y = line.x - run.origin[0], line.y - run.origin[1]
    return min(lefts) + x, min(tops) + y, max(rights) + x, max(bottoms) + y


def can_stack(text: str) -> bool:
    """Whether a text is set below itself character by character: short, not joined, without marks of its own."""
    return 2 <= len(text) <= _MOST_STACKED and not any(
        unicodedata.bidirectional(c) in ("R", "AL", "AN") or unicodedata.category(c).startswith("M") for c in text
    )


class LineDrawer:
    """Draws the lines of a block for one scene's settings, texts and fonts (`faces`: by the name that plans use).

    A text that the block's font lacks is set in another one that has it, drawn evenly from those; a text of several
    alphabets, of which the font has one, takes the others from fonts that have them. So alphabets of which no font has
    all stand together in a scene, and in a line.
    """

    def __init__(self, texts: TextGenerator, faces: Mapping[str, FontFace], settings: PhotoSettings) -> None:
        self.texts, self.faces, self.settings = texts, faces, settings
        self._names = tuple(faces)
        self._line_weights = running_weights(settings.line_weights, "line_weights")

    def draw(self, rng: Rng) -> tuple[tuple[LinePlan, ...], Box]:
        """Lines about the origin, and the box of their ink.

        Raises:
            TofuError, TooWideError: this draw cannot be used; draw again.
        """
        settings = self.settings
        name = self._names[int(rng.random() * len(self._names))]
        least, most = settings.font_size_px
        size_px = float(round(math.exp(math.log(least) + rng.random() * math.log(most / least))))
        spacing = 0.0
        if rng.random() < settings.spacing_share:
            low, high = settings.letter_spacing
            # Wide spacing is the rarer the wider.
            spacing = low + (high - low) * rng.random() ** 2
        ligatures = bool(rng.random() < settings.ligature_share)
        texts = [self.texts.sample(rng) for _ in range(pick(self._line_weights, rng) + 1)]
        alignment = int(rng.random() * 3) / 2
        leading = settings.line_height[0] + (settings.line_height[1] - settings.line_height[0]) * rng.random()
        down = bool(rng.random() < settings.vertical_share) and can_stack(texts[0])
        if down:
            texts = texts[:1]
        used: dict[str, str] = {}
        fonts = [self._fonts_of(text, name, rng, used) for text in texts]
        if down:
            spacing = self._stack_spacing(texts[0], *fonts[0]) + _STACK_GAP[0] + _STACK_GAP[1] * rng.random() ** 2
        room = 0.92 * (settings.height if down else settings.width)
        for _ in range(3):
            spacing_px = round(spacing * size_px * 4) / 4
            lines = [
                LinePlan(text, font, size_px, spacing_px, ligatures, 0, 0, down, others)
                for text, (font, others) in zip(texts, fonts)
            ]
            try:
                runs = [run_of(line, self.faces) for line in lines]
            except FontError as error:
                raise TofuError(str(error)) from None
            length = max(run.mask.shape[0 if down else 1] for run in runs)
            if length <= room:
                return _stacked(lines, runs, alignment, leading * size_px)
            size_px = float(math.floor(size_px * room / length))
            if size_px < least:
                shortest = min(range(len(texts)), key=lambda index: len(texts[index]))
                texts, fonts = [texts[shortest]], [fonts[shortest]]
                size_px = float(math.ceil(least))
        raise TooWideError(f"A text of {len(texts[0])} characters does not fit {room / 0.92:.0f} px.")

    def _stack_spacing(self, text: str, font: str, others: tuple[Stretch, ...]) -> float:
        """The letter spacing (em) at which no two characters set below one another touch: a font's lines are wider."""
        try:
            boxes = run_of(LinePlan(text, font, 64.0, 0.0, False, 0, 0, True, others), self.faces).boxes
        except FontError as error:
            raise TofuError(str(error)) from None
        return -float((boxes[1:, 1] - boxes[:-1, 3]).min()) / 64.0

    def _fonts_of(self, text: str, name: str, rng: Rng, used: dict[str, str]) -> tuple[str, tuple[Stretch, ...]]:
        """The font of a text, the block's where that has it or one of its alphabets, and of what that lacks."""
        try:
            return fonts_of(text, name, self.faces, rng, used)
        except FontError as error:
            raise TofuError(str(error)) from None


def _stacked(
    lines: list[LinePlan], runs: Sequence[ShapedRun], alignment: float, leading_px: float
) -> tuple[tuple[LinePlan, ...], Box]:
    """Lines one below the other, set to the left, the middle or the right, and the box of their ink."""
    boxes = [ink_box(line, run) for line, run in zip(lines, runs)]
    width = max(box[2] - box[0] for box in boxes)
    # Lines never touch, however tall a font's letters are.
    baselines = [0.0]
    for above, below in itertools.pairwise(boxes):
        baselines.append(baselines[-1] + max(leading_px, above[3] - below[1] + 2))
    top, bottom = baselines[0] + boxes[0][1], baselines[-1] + boxes[-1][3]
    middle = round((top + bottom) / 2)
    placed, moved = [], []
    for line, box, baseline in zip(lines, boxes, baselines):
        x = round(-width / 2 + alignment * (width - (box[2] - box[0])) - box[0])
        y = round(baseline) - middle
        placed.append(replace(line, x=x, y=y))
        moved.append((box[0] + x, box[1] + y, box[2] + x, box[3] + y))
    lefts, tops, rights, bottoms = zip(*moved)
    return tuple(placed), (min(lefts), min(tops), max(rights), max(bottoms))
