"""A page while it is laid out: words from a stream in lines as wide as `page_metrics` says, marks beneath and above.

Only what the picture's window can show is written: a paragraph outside it takes its height and no words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import FontError, RecipeError
from ocrsmith.synth.bidi import visual_order
from ocrsmith.synth.choices import Rng
from ocrsmith.synth.fonts import FontFace
from ocrsmith.synth.number_text import NumberText
from ocrsmith.synth.page_metrics import Style, TypeMetrics
from ocrsmith.synth.page_plans import MarkPlan, TextPlan
from ocrsmith.synth.scene_plans import Box, Colour
from ocrsmith.synth.texts import TextGenerator

Align = Literal["left", "right", "centre", "justify"]
_DRAWS = 6
# A line stretched further than this share of its width would be rivers of white: it is left ragged.
_MOST_STRETCH = 0.3


class WordSource:
    """Words out of a text generator, and numbers where the alphabet can write them.

    Args:
        texts: its draws are cut at their spaces.
        alphabet: tells whether words may be joined by spaces, and which numbers there are; None takes spaces as given
            and every value from `texts`.
    """

    def __init__(self, texts: TextGenerator, alphabet: Alphabet | None = None) -> None:
        self.texts = texts
        self.spaced = alphabet is None or " " in alphabet
        self.numbers: TextGenerator = texts
        if alphabet is not None:
            try:
                self.numbers = NumberText(alphabet, max_length=14)
            except RecipeError:
                self.numbers = texts


class Sheet:
    """Collects what stands on one page.

    Args:
        window: left, top, right, bottom of what the picture shows, in page px; nothing else is written.
    """

    def __init__(
        self, rng: Rng, source: WordSource, faces: Mapping[str, FontFace], body: Style, ground: Colour, window: Box
    ) -> None:
        self.rng, self.source, self.faces, self.body, self.ground, self.window = (
            rng,
            source,
            faces,
            body,
            ground,
            window,
        )
        self.metrics = TypeMetrics(rng, faces)
        self.texts: list[TextPlan] = []
        self.marks: list[MarkPlan] = []
        self.refusals: Counter[str] = Counter()
        self._queue: list[str] = []

    @property
    def em(self) -> float:
        """The running text's size in px."""
        return self.body.size_px

    def sees(self, left: float, top: float, right: float, bottom: float) -> bool:
        """Whether a box reaches into the window."""
        x0, y0, x1, y1 = self.window
        return left < x1 and right > x0 and top < y1 and bottom > y0

    def word(self) -> str:
        """The next word of running text."""
        while not self._queue:
            self._queue = self.source.texts.sample(self.rng).split()[::-1]
        return self._queue.pop()

    def value(self) -> str:
        """A number, as words without spaces; a word where the alphabet has no numbers."""
        return self.source.numbers.sample(self.rng).split()[0]

    def chance(self, share: float) -> bool:
        """True that often."""
        return bool(self.rng.random() < share)

    def between(self, least: float, most: float) -> float:
        """A number drawn evenly."""
        return float(least + (most - least) * self.rng.random())

    def faces_draw(self, style: Style, text: str) -> bool:
        """Whether a style's font has every character of a text; a lack is counted."""
        drawn = bool(text) and self.faces[style.font].draws(text)
        if text and not drawn:
            self.refusals["GlyphMissing"] += 1
        return drawn

    def fitting(self, width: float, style: Style, *, most_words: int = 99, numbers: bool = False) -> list[str]:
        """As many words as fit, up to `most_words`; none where not one did in a few draws."""
        words: list[str] = []
        used, gap, failures = 0.0, self.metrics.gap(style), 0
        while len(words) < most_words and failures < _DRAWS:
            word = self.value() if numbers else self.word()
            try:
                needed = self.metrics.advance(word, style) + (gap if words else 0.0)
            except FontError:
                self.refusals["GlyphMissing"] += 1
                failures += 1
                continue
            if used + needed <= width:
                words.append(word)
                used += needed
            elif words:
                if not numbers:
                    self._queue.append(word)
                break
            else:
                failures += 1
        if not words:
            self.refusals["NoWordFits"] += 1
        return words

    def put(
        self,
        words: Sequence[str],
        x: float,
        baseline: float,
        style: Style,
        *,
        width: float = 0.0,
        align: Align = "left",
    ) -> Box | None:
        """Writes a line within `width` from `x` on; its box (advance wide, ascent to descent high), None for no words.

        Raises:
            FontError: a glyph is missing; words from `fitting` have all theirs.
        """
        if not words:
            return None
        advances = [self.metrics.advance(word, style) for word in words]
        gap = self.metrics.gap(style)
        total = sum(advances) + gap * (len(words) - 1)
        slack = width - total
        if align == "justify" and len(words) > 1 and 0 < slack < _MOST_STRETCH * width:
            gap += slack / (len(words) - 1)
            total = width
        elif align in ("right", "centre"):
            x += slack if align == "right" else slack / 2
        order = visual_order(words)[0]
        xs = [0] * len(words)
        pen = x
        for index in order:
            xs[index] = round(pen)
            pen += advances[index] + gap
        ascent, descent = self.metrics.extent(style)
        box = (x, baseline - ascent, x + total, baseline + descent)
        if self.sees(*box):
            plan = TextPlan(
                tuple(words), style.font, style.size_px, style.colour, tuple(xs), round(baseline), style.spacing_px,
                tuple((index, other) for index, word in enumerate(words) for other in self.metrics.others(word, style)),
            )  # fmt: skip
            self.texts.append(plan)
        return box

    def line(
        self,
        x: float,
        top: float,
        width: float,
        style: Style,
        *,
        align: Align = "left",
        most_words: int = 99,
        numbers: bool = False,
        leading: float = 1.1,
    ) -> float:
        """One line of new words under `top`; returns where the next line's top is."""
        height = self.metrics.leading(style, leading)
        if self.sees(x, top, x + width, top + height):
            ascent, descent = self.metrics.extent(style)
            baseline = top + (height - ascent - descent) / 2 + ascent
            self.put(
                self.fitting(width, style, most_words=most_words, numbers=numbers), x, baseline, style,
                width=width, align=align,
            )  # fmt: skip
        return top + height

    def paragraph(
        self,
        x: float,
        top: float,
        width: float,
        num_lines: int,
        style: Style,
        *,
        align: Align = "left",
        leading: float = 1.1,
        indent: float = 0.0,
    ) -> float:
        """Lines of running text; the last ends early. Returns the top of what follows."""
        height = self.metrics.leading(style, leading)
        for index in range(num_lines):
            left = x + (indent if index == 0 else 0.0)
            room = x + width - left
            last = index == num_lines - 1
            used = room * self.between(0.25, 1.0) if last and num_lines > 1 else room
            how: Align = "left" if last and align == "justify" else align
            if align in ("right", "centre"):
                used = room
            if self.sees(left, top, left + room, top + height):
                top = self.line(left, top, used, style, align=how, leading=leading)
            else:
                top += height
        return top

    def fill(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """A filled box, under the text."""
        self._mark("fill", (left, top, right, bottom), colour, 1)

    def outline(
        self, left: float, top: float, right: float, bottom: float, colour: Colour, thickness_px: int = 1
    ) -> None:
        """A box's four sides."""
        self._mark("outline", (left, top, right, bottom), colour, thickness_px)

    def mark(self, kind: str, box: Box, colour: Colour, thickness_px: int = 1) -> None:
        """A cross, a tick or an ellipse in a box, over the text."""
        self._mark(kind, box, colour, thickness_px, over=True)

    def rule(self, left: float, right: float, y: float, colour: Colour, thickness_px: int = 1) -> None:
        """A level rule whose top is `y`."""
        self.fill(left, y, right, round(y) + max(1, thickness_px), colour)

    def column_rule(self, x: float, top: float, bottom: float, colour: Colour, thickness_px: int = 1) -> None:
        """An upright rule whose left side is `x`."""
        self.fill(x, top, round(x) + max(1, thickness_px), bottom, colour)

    def _mark(self, kind: str, box: Box, colour: Colour, thickness_px: int, *, over: bool = False) -> None:
        if self.sees(*box):
            left, top, right, bottom = (float(round(value)) for value in box)
            self.marks.append(MarkPlan(kind, (left, top, right, bottom), colour, thickness_px, over))
