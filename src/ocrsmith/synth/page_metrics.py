"""What type takes on a page, measured by its shaped runs: words, spaces, lines, and what another font has to write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ocrsmith.errors import FontError
from ocrsmith.synth.choices import Rng
from ocrsmith.synth.font_stretches import Stretch, other_fonts
from ocrsmith.synth.fonts import FontFace
from ocrsmith.synth.glyphs import guard, open_font
from ocrsmith.synth.scene_plans import Colour
from ocrsmith.synth.shaping import shape

# Of the em: narrower spaces of bold faces, rounded to whole px, left words of small print touching one another.
_LEAST_GAP = 0.22


@dataclass(frozen=True)
class Style:
    """How a line is set."""

    font: str
    size_px: float
    colour: Colour
    spacing_px: float = 0.0

    def sized(self, factor: float) -> Style:
        """The same in another size, in steps of half a px."""
        return replace(self, size_px=max(5.0, round(2 * self.size_px * factor) / 2))


class TypeMetrics:
    """How wide and high one page's type is; what was measured once is kept.

    Args:
        rng: draws the font that stands in for another, once a script and font of the page.
        faces: by the names that styles and plans use.
    """

    def __init__(self, rng: Rng, faces: Mapping[str, FontFace]) -> None:
        self.rng, self.faces = rng, faces
        self._content: dict[str, tuple[float, float]] = {}
        self._advances: dict[tuple[str, str, float, float], float] = {}
        # By font and word the stretches that the font lacks; by font and script the font that writes it on this page.
        self._others: dict[tuple[str, str], tuple[Stretch, ...]] = {}
        self._other_fonts: dict[str, dict[str, str]] = {}

    def extent(self, style: Style) -> tuple[float, float]:
        """Ascent and descent in px: the font's own, held to what lines can be set by."""
        if style.font not in self._content:
            with guard.lock:
                font = open_font(self.faces[style.font])
            self._content[style.font] = (min(max(font.ascender, 0.75), 1.25), min(max(font.descender, 0.2), 0.5))
        ascent, descent = self._content[style.font]
        return ascent * style.size_px, descent * style.size_px

    def leading(self, style: Style, factor: float = 1.1) -> float:
        """The distance of baselines in px."""
        return sum(self.extent(style)) * factor

    def advance(self, word: str, style: Style) -> float:
        """A word's width in px; raises FontError where neither its font nor another has a glyph."""
        key = (word, style.font, style.size_px, style.spacing_px)
        advance = self._advances.get(key)
        if advance is None:
            face = self.faces[style.font]
            others = [(start, end, self.faces[font]) for start, end, font in self.others(word, style)]
            run = shape(face, word, style.size_px, letter_spacing_px=style.spacing_px, others=others)
            advance = self._advances[key] = run.advance_px + style.spacing_px
        return advance

    def others(self, word: str, style: Style) -> tuple[Stretch, ...]:
        """The stretches of a word that a style's font lacks, each with the font that writes that script on this page.

        Raises:
            FontError: no font has one of them.
        """
        if self.faces[style.font].draws(word):
            return ()
        key = (style.font, word)
        if key not in self._others:
            used = self._other_fonts.setdefault(style.font, {})
            self._others[key] = other_fonts(word, self.faces[style.font], self.faces, self.rng, used)
        return self._others[key]

    def gap(self, style: Style) -> float:
        """The width of a space."""
        try:
            return max(self.advance(" ", style), _LEAST_GAP * style.size_px)
        except FontError:
            return 0.28 * style.size_px
