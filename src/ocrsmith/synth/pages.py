"""Document pages: paragraphs, columns, headings, lists, tables, forms, letters and receipts, with a quad a character.

scene = DocumentScene(texts, fonts, backgrounds)
plan = scene.plan(rng)          every choice, as data
sample = scene.render(plan)     pixels and labels; the same plan gives the same sample

An instance is a line of a paragraph, or a cell's, a field's or a label's text. Where the alphabet has no space, words
stand apart and each is an instance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import SynthesisError
from ocrsmith.samples import Image, PageSample
from ocrsmith.synth.choices import Choice, Rng
from ocrsmith.synth.degradations import DegradationPolicy
from ocrsmith.synth.fonts import FontFace, named_faces
from ocrsmith.synth.ground_sheets import BackgroundSource
from ocrsmith.synth.layout import rotation_homography, translation
from ocrsmith.synth.page_labels import page_instances
from ocrsmith.synth.page_layout import LAYOUTS
from ocrsmith.synth.page_looks import draw_bends, draw_look, draw_paper_plan
from ocrsmith.synth.page_parts import FontShelf
from ocrsmith.synth.page_plans import DocumentPlan
from ocrsmith.synth.page_render import covers_picture, seen_window, write_page
from ocrsmith.synth.page_settings import ROLLS_POINTS, SHEETS, PageSettings
from ocrsmith.synth.page_sheet import Sheet, WordSource
from ocrsmith.synth.page_stamps import draw_stamps
from ocrsmith.synth.scenes import Degrade
from ocrsmith.synth.texts import TextGenerator
from ocrsmith.synth.warp_plans import build_warp

_MAX_SEED = 1 << 53


class EmptyPageError(SynthesisError):
    """Not one text fell into the part of the page that the picture shows."""


class DocumentScene:
    """Draws and renders pages of documents.

    Args:
        texts: what is written, cut at spaces and set as running text.
        fonts: at least one. Serif, sans and slab set the print, mono receipts, handwriting notes and signatures.
        backgrounds: what lies round a page that does not fill the picture; white where None.
        settings: bounds and shares.
        alphabet: tells whether words are joined by spaces and which numbers can be written; None takes both as given.
        degrade: `(image, rng) -> image` of the same shape, applied last; None for none.

    Raises:
        SynthesisError: no fonts.
    """

    def __init__(
        self,
        texts: TextGenerator,
        fonts: Sequence[FontFace],
        backgrounds: BackgroundSource | None = None,
        settings: PageSettings | None = None,
        *,
        alphabet: Alphabet | None = None,
        degrade: Degrade | None = None,
    ) -> None:
        if not fonts:
            raise SynthesisError("A page came without fonts. Give it at least one that covers the alphabet.")
        self.settings = settings or PageSettings()
        self.faces = named_faces(fonts)
        self.backgrounds, self.degrade = backgrounds, degrade
        self._source, self._shelf = WordSource(texts, alphabet), FontShelf(self.faces)
        layouts = self.settings.layouts
        self._kinds = Choice(tuple(layouts), tuple(layouts.values()))
        self._sheets = Choice(self.settings.sheets, tuple(SHEETS[name][2] for name in self.settings.sheets))

    def plan(self, rng: Rng) -> DocumentPlan:
        """Draws a page; raises EmptyPageError (a SynthesisError) where the picture would show no text."""
        settings = self.settings
        desk_seed, finish_seed = (int(value) for value in rng.integers(0, _MAX_SEED, 2))
        kind = self._kinds.sample(rng)
        page_width, page_height, dpi, body_px = self._size(rng, kind)
        matrix = self._matrix(rng, page_width, page_height)
        bends = draw_bends(rng, settings)
        bend = build_warp(bends, page_width, page_height) if bends else None
        window = seen_window(matrix, (settings.width, settings.height), (page_width, page_height), bend)
        paper = draw_paper_plan(rng, settings)
        body, look = draw_look(rng, settings, self._shelf, paper.colour, body_px)
        left, top, right, bottom = (float(value) for value in window)
        sheet = Sheet(rng, self._source, self.faces, body, paper.colour, (left, top, right, bottom))
        LAYOUTS[kind](sheet, look, self._shelf, float(page_width), float(page_height))
        if not sheet.texts:
            raise EmptyPageError("No text fell into the part of the page that the picture shows.")
        return DocumentPlan(
            kind=kind,
            width=settings.width,
            height=settings.height,
            page_width=page_width,
            page_height=page_height,
            dpi=dpi,
            body_px=body_px,
            spaced=self._source.spaced,
            matrix=tuple(matrix.reshape(-1).tolist()),
            paper=paper,
            texts=tuple(sheet.texts),
            marks=tuple(sheet.marks),
            stamps=draw_stamps(rng, settings, self._shelf, sheet),
            desk_seed=desk_seed,
            finish_seed=finish_seed,
            bends=bends,
            refusals=tuple(sorted(sheet.refusals.items())),
        )

    def render(self, plan: DocumentPlan) -> PageSample:
        """Pixels and labels of a plan."""
        page = write_page(plan, self.faces, self._desk(plan))
        image = page.image
        if self.degrade is not None:
            chance = np.random.default_rng([plan.finish_seed, 1])
            if isinstance(self.degrade, DegradationPolicy):
                # Print of 9 px does not survive what print of 24 px does.
                image = self.degrade(image, chance, text_px=max(6.0, 0.7 * plan.body_px))
            else:
                image = self.degrade(image, chance)
        return PageSample(image, tuple(page_instances(image, page, self.settings.legible_px)))

    def _size(self, rng: Rng, kind: str) -> tuple[int, int, float, float]:
        """Width and height of the page in px, its dpi, and the em of its running text in px."""
        settings = self.settings
        wide, high = SHEETS[self._sheets.sample(rng)][:2]
        if kind == "receipt":
            wide = ROLLS_POINTS[int(rng.random() * len(ROLLS_POINTS))]
            high = wide * float(rng.uniform(1.4, 4.0))
        low, most = settings.dpi
        dpi = low * (most / low) ** float(rng.random())
        points = float(rng.uniform(*settings.body_points))
        if rng.random() < settings.whole_share:
            dpi = min(settings.width / wide, settings.height / high) * 72.0 * float(rng.uniform(0.8, 1.0))
        body_px = round(2 * max(points * dpi / 72.0, settings.least_px)) / 2
        return max(32, round(wide * dpi / 72.0)), max(32, round(high * dpi / 72.0)), round(dpi, 1), body_px

    def _matrix(self, rng: Rng, page_width: int, page_height: int) -> NDArray[np.float64]:
        """Page px to picture px: a whole shift, or a turn about the part that is looked at."""
        settings = self.settings
        shift = [
            -_offset(float(draw), page, size)
            for draw, page, size in zip(rng.random(2), (page_width, page_height), (settings.width, settings.height))
        ]
        draws = rng.random(4).tolist()
        if draws[0] >= settings.tilt_share:
            return translation(*shift)
        middle = np.array([settings.width, settings.height]) / 2
        # Squared: most photographs are nearly straight.
        lean_x, lean_y, skew = ((2 * draw - 1) * abs(2 * draw - 1) for draw in draws[1:])
        turn = rotation_homography(
            lean_x * settings.tilt_degrees,
            lean_y * settings.tilt_degrees,
            skew * settings.skew_degrees,
            2.2 * math.hypot(settings.width, settings.height),
        )
        return translation(*middle) @ turn @ translation(*(np.asarray(shift) - middle))

    def _desk(self, plan: DocumentPlan) -> Image | None:
        if self.backgrounds is None or covers_picture(plan):
            return None
        return self.backgrounds.sample(np.random.default_rng(plan.desk_seed), plan.width, plan.height)


def _offset(draw: float, page: int, size: int) -> int:
    """Where the picture starts on the page; a smaller page lies somewhere within the picture."""
    return round(draw * (page - size)) if page >= size else -round(draw * (size - page))
