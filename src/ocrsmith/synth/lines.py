"""The line world: one word or line cut out as a detector would cut it, with its text.

scene = LineScene(texts, fonts, backgrounds, LineSettings(height=32))
plan = scene.plan(rng)            frozen, JSON-able, replays
sample = scene.render(plan)       LineSample; render_labelled gives every character's quad as well
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from ocrsmith.errors import FontError, SynthesisError
from ocrsmith.geometry import enclosing_quad
from ocrsmith.samples import Image, LineSample, PageSample, TextInstance, characters_of
from ocrsmith.synth.appearance import draw_appearance, paint
from ocrsmith.synth.degradations import apply_steps, degradation_policy
from ocrsmith.synth.font_stretches import other_fonts, writes_part
from ocrsmith.synth.fonts import FontFace, named_faces
from ocrsmith.synth.ground_sheets import BackgroundSource, GroundSheets
from ocrsmith.synth.legibility import GlyphMissingError, IllegibleError, ink_separation
from ocrsmith.synth.line_choices import EXTRAS, baseline, drawn_margins, drawn_size_px, drawn_spacing_px, ink_share
from ocrsmith.synth.line_layout import LaidLine, PlacedLine, lay_out, place
from ocrsmith.synth.line_plans import ExtraInk, FileStretch, LinePlan, LineSettings
from ocrsmith.synth.noise_tiles import SPREAD, cut, grey_tile
from ocrsmith.synth.paint import filled
from ocrsmith.synth.palettes import Colour, PaletteBook
from ocrsmith.synth.texts import TextGenerator
from ocrsmith.synth.warp_plans import plan_warps

Rng = np.random.Generator

__all__ = ["LinePlan", "LineScene", "LineSettings"]

_LINE_WARPS = ("perspective", "lens", "elastic", "cylinder", "curl")
# Louder grounds than this (deviation of the grey values) hide ink of any colour; they are calmed down to it.
_LOUDEST_GROUND = 26.0
_NUM_PALETTES = 32


class LineScene:
    """Draws and renders crops of single lines.

    Args:
        texts: gives what is written.
        fonts: faces that draw the texts; a stretch of another alphabet, which a text's face lacks, is taken from one
            that has it, and a draw that none has is refused and counted.
        backgrounds: photographs and surfaces; plain paper and paint alone where None.
        palettes: where ink's and paint's colours come from, beside common inks and papers; the first backgrounds'
            palettes where None.

    Raises:
        SynthesisError: no fonts.
    """

    def __init__(
        self,
        texts: TextGenerator,
        fonts: Sequence[FontFace],
        backgrounds: BackgroundSource | None = None,
        settings: LineSettings | None = None,
        palettes: PaletteBook | None = None,
    ) -> None:
        if not fonts:
            raise SynthesisError("A line world came without fonts. At least one face is expected: see find_fonts.")
        self.texts = texts
        self._sheets = GroundSheets(backgrounds) if backgrounds is not None else None
        self.settings = settings or LineSettings()
        if palettes is None:
            palettes = PaletteBook.of_images(self._sheets.sheet_images(_NUM_PALETTES) if self._sheets else ())
        self.palettes = palettes
        # A family of twelve styles is drawn no more often than one of a single style.
        families: dict[str, list[FontFace]] = {}
        for face in fonts:
            families.setdefault(face.family, []).append(face)
        self._families = list(families.values())
        self._faces = named_faces(fonts)
        self._last: tuple[LinePlan, LaidLine, Image] | None = None
        self._policy = degradation_policy(self.settings.degradation, self.settings.degradations)

    def plan(self, rng: Rng) -> LinePlan:
        """Draws every choice of one crop, and renders it once: whether text can be read shows in its pixels alone.

        Raises:
            RefusedDrawError: the draw cannot become a crop (too wide, ink too low, a glyph missing, illegible).
        """
        plan = self._drawn(rng)
        placed = self._placed(plan)
        if self._sheets is not None and rng.random() >= self.settings.plain:
            ground = self._sheets.plan(rng, *placed.warp.out_size)
            plan = LinePlan(**{**plan.__dict__, "ground": ground})
        laid = lay_out(plan, placed)
        self._last = (plan, laid, self._pixels(plan, laid))
        return plan

    def _drawn(self, rng: Rng) -> LinePlan:
        settings = self.settings
        text = self.texts.sample(rng)
        family = self._families[int(rng.random() * len(self._families))]
        if not any(face.draws(text) for face in family):
            family = self._family_of(text, family, rng)
        able = [face for face in family if face.draws(text)] or [face for face in family if writes_part(face, text)]
        family = able or family
        face = family[int(rng.random() * len(family))]
        others = self._others(text, face, rng)
        u = rng.random(24).tolist()
        height = settings.height or round(settings.min_height + u[0] * (settings.max_height - settings.min_height))
        arch, wave = baseline(u[1:6], settings.bent, len(text))
        extras = self._extras(rng, u[6:10], face) if u[10] < settings.extras else ()
        margins = drawn_margins(u[11:17], settings, extras)
        target = height / (1.0 + margins[1] + margins[3]) / (1.0 + abs(arch) + 2 * wave[0])
        size_px = drawn_size_px(target / ink_share(text))
        squeeze = math.exp(-0.43 + 0.69 * u[18]) if u[17] < settings.squeezed else 1.0
        # A crop's box follows its text: what is left of its slope is small, and smaller on a long one.
        slope = min(0.05, 0.3 / max(1.0, 0.5 * len(text))) * settings.warp * 2
        return LinePlan(
            text=text,
            font=str(face.path),
            font_index=face.index,
            size_px=size_px,
            letter_spacing_px=drawn_spacing_px(u[19], size_px),
            height=height,
            margins=margins,
            squeeze=round(squeeze, 3),
            rotation_degrees=round(math.degrees(slope) * (2 * u[20] - 1), 3),
            shear=round(0.5 * (u[22] - 0.5), 3) if u[21] < 0.2 * settings.warp else 0.0,
            arch=arch,
            wave=wave,
            warps=self._warps(rng) if u[23] < 0.5 * settings.warp else (),
            extras=extras,
            ground=None,
            ground_colour=self.palettes.ground(rng),
            look_seed=int(rng.integers(1 << 31)),
            degradations=self._policy.plan(rng),
            others=others,
        )

    def _family_of(self, text: str, family: list[FontFace], rng: Rng) -> list[FontFace]:
        """The family itself where it has one of the alphabets; else one that has all of them, else one that has one."""
        if any(writes_part(face, text) for face in family):
            return family
        able = [faces for faces in self._families if any(face.draws(text) for face in faces)]
        able = able or [faces for faces in self._families if any(writes_part(face, text) for face in faces)] or [family]
        return able[int(rng.random() * len(able))]

    def _others(self, text: str, face: FontFace, rng: Rng) -> tuple[FileStretch, ...]:
        """What the face lacks, from other fonts; nothing where none has it, which the layout refuses."""
        try:
            stretches = other_fonts(text, face, self._faces, rng)
        except FontError:
            return ()
        return tuple(
            (start, end, str(self._faces[name].path), self._faces[name].index) for start, end, name in stretches
        )

    def render(self, plan: LinePlan) -> LineSample:
        """The crop and its text; a plan of other settings may raise RefusedDrawError."""
        return LineSample(self._rendered(plan)[1], plan.text)

    def render_labelled(self, plan: LinePlan) -> PageSample:
        """The same crop with one instance, every character with its quad; raises as `render` does."""
        laid, image = self._rendered(plan)
        quads = laid.quads()
        characters = characters_of(laid.run.texts, quads)
        instance = TextInstance(enclosing_quad(quads), plan.text, characters)
        return PageSample(image, (instance,))

    def _rendered(self, plan: LinePlan) -> tuple[LaidLine, Image]:
        # The plan drawn last was rendered when it was judged. It is given away once: two samples share no pixels.
        last, self._last = self._last, None
        if last is not None and last[0] is plan:
            return last[1], last[2]
        laid = lay_out(plan, self._placed(plan))
        return laid, self._pixels(plan, laid)

    def _placed(self, plan: LinePlan) -> PlacedLine:
        try:
            return place(plan, self.settings.max_width)
        except FontError as error:
            raise GlyphMissingError(str(error)) from None

    def _warps(self, rng: Rng) -> tuple[Any, ...]:
        return plan_warps(rng, self.settings.warp, self.settings.warps or _LINE_WARPS, num_most=1)

    def _extras(self, rng: Rng, u: Sequence[float], face: FontFace) -> tuple[ExtraInk, ...]:
        """One or two pieces of other ink; neighbours' words come from the same texts."""
        kinds = [EXTRAS[min(int(u[0] * len(EXTRAS)), len(EXTRAS) - 1)]]
        if u[1] < 0.3:
            kinds.append(EXTRAS[int(u[1] / 0.3 * len(EXTRAS))])
        found = []
        for kind in dict.fromkeys(kinds):
            if kind in ("above", "below", "left", "right"):
                words = self.texts.sample(rng).split(" ")
                text = " ".join(words[:4]) if kind in ("above", "below") else words[0]
                gap = 0.1 + 0.25 * u[2] if kind in ("above", "below") else 0.4 + 0.3 * u[2]
                found.append(ExtraInk(kind, round(gap, 3), text=text, others=self._others(text, face, rng)))
            else:
                gap = 0.06 + 0.1 * u[2] if kind == "underline" else 0.15 + 0.3 * u[2]
                sign = -1.0 if kind == "rule" and u[3] < 0.5 else 1.0
                found.append(ExtraInk(kind, round(sign * gap, 3), round(0.03 + 0.06 * u[3], 3)))
        return tuple(found)

    def _pixels(self, plan: LinePlan, laid: LaidLine) -> Image:
        coverage, rng = laid.coverage, np.random.default_rng(plan.look_seed)
        ground, colour, loudness = self._ground(plan, coverage.shape[1], rng)
        floor = self.settings.contrast_floor + 0.5 * loudness
        ink = self.palettes.ink(rng, colour, floor)
        look = draw_appearance(rng, ink, colour, self.settings.richness)
        everything = coverage
        if laid.extras is not None:
            strength = 0.5 + 0.5 * rng.random()
            everything = cv2.max(coverage, cv2.convertScaleAbs(laid.extras, alpha=strength))  # type: ignore[assignment]
        image = paint(ground, everything, look, laid.ink_px)
        image = apply_steps(image, plan.degradations, laid.ink_px)
        separation = ink_separation(image, coverage)
        if not separation.legible():
            raise IllegibleError(
                f"The text {plan.text!r} came out with a contrast of {separation.contrast:.0f} levels "
                f"({separation.detection:.2f} deviations). Less degradation or a higher contrast floor keeps more.",
            )
        return image

    def _ground(self, plan: LinePlan, width: int, rng: Rng) -> tuple[Image, Colour, float]:
        """Pixels, mean colour and loudness (deviation of grey values)."""
        if plan.ground is None or self._sheets is None:
            image = filled(plan.height, width, plan.ground_colour)
            grain = 5.0 * rng.random() ** 2 / SPREAD
            noise = cut(grey_tile(), rng, plan.height, width)
            return cv2.addWeighted(image, 1.0, noise, grain, -128 * grain), plan.ground_colour, 0.0  # type: ignore[return-value]
        image = self._sheets.render(plan.ground, width, plan.height)
        mean, spread = (values.ravel() for values in cv2.meanStdDev(image))
        loudness = float(spread.max())
        if loudness > _LOUDEST_GROUND:
            kept = _LOUDEST_GROUND / loudness
            middle: Any = np.broadcast_to(mean.astype(np.uint8), image.shape)
            image = cv2.addWeighted(image, kept, np.ascontiguousarray(middle), 1 - kept, 0)  # type: ignore[assignment]
            loudness = _LOUDEST_GROUND
        r, g, b = (int(value) for value in mean)
        return image, (r, g, b), loudness
