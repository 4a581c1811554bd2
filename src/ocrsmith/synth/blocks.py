"""Draws the plan of one block of text: what is written, how it is turned, where it goes, what colours it has."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ocrsmith.errors import SynthesisError
from ocrsmith.synth.appearance import draw_appearance
from ocrsmith.synth.bends import bent_box, draw_bend
from ocrsmith.synth.block_lines import LineDrawer
from ocrsmith.synth.choices import Rng
from ocrsmith.synth.fonts import FontFace
from ocrsmith.synth.ground import Ground, luma_of
from ocrsmith.synth.layout import rotation_homography, sent_box, translation
from ocrsmith.synth.scene_plans import BendPlan, BlockPlan, Box, Colour, InkPlan, LinePlan, PanelPlan
from ocrsmith.synth.scene_settings import PhotoSettings
from ocrsmith.synth.texts import TextGenerator


class NoRoomError(SynthesisError):
    """No free place was found."""


class BlockDrawer:
    """Draws block plans for one scene's settings, texts and fonts (`faces`: by the name that plans use)."""

    def __init__(self, texts: TextGenerator, faces: Mapping[str, FontFace], settings: PhotoSettings) -> None:
        self.settings = settings
        self._lines = LineDrawer(texts, faces, settings)

    def draw(self, rng: Rng, ground: Ground) -> BlockPlan:
        """One block, placed; its place is taken in `ground`.

        Raises:
            TofuError, TooWideError, NoRoomError: this draw cannot be used; draw again.
        """
        settings = self.settings
        lines, box = self._lines.draw(rng)
        bend = self._bend(rng, lines, box)
        outline = bent_box(bend, box, lines[0].y)
        panel_box = self._panel_box(rng, outline) if rng.random() < settings.panel_share else None
        # A bent line is turned about its own middle, not its baseline's.
        turn = self._turn(rng) @ translation(-(outline[0] + outline[2]) / 2, -(outline[1] + outline[3]) / 2)
        margin = settings.margin_px
        left, top, right, bottom = panel_box or outline
        around = sent_box(left - margin, top - margin, right + margin, bottom + margin, turn.ravel().tolist())
        reach = rng.random() * 0.5 * (bottom - top) if rng.random() < settings.cut_share else 0.0
        calm = panel_box is None and rng.random() < settings.calm_share
        place = ground.find_place(around, rng, calm=calm, reach_px=reach)
        if place is None:
            raise NoRoomError("No free place was left for a block.")
        matrix = tuple((translation(*place) @ turn).ravel().tolist())
        beneath = sent_box(*outline, matrix)
        luma, spread = ground.luma(beneath)
        size_px = lines[0].size_px
        panel = None
        if panel_box is None and self._reachable_contrast(luma, spread) < settings.contrast_floor:
            panel_box = self._panel_box(rng, outline)
        if panel_box is not None:
            panel = self._panel(rng, ground, panel_box, outline, size_px)
            second = panel.second or panel.colour
            luma, spread = (
                (luma_of(panel.colour) + luma_of(second)) / 2,
                abs(luma_of(panel.colour) - luma_of(second)) / 2,
            )
            spread += (1 - panel.opacity) * 40
            beneath = sent_box(*panel.box, matrix)
        ink = self._ink(rng, ground, luma, spread, size_px)
        ground.take(beneath, around + np.asarray(place, np.float32))
        return BlockPlan(lines, matrix, ink, panel, bend)

    def _bend(self, rng: Rng, lines: tuple[LinePlan, ...], box: Box) -> BendPlan | None:
        """One line in a few is bent; characters that stand below one another are not."""
        settings = self.settings
        if len(lines) > 1 or lines[0].down:
            return None
        draw = rng.random()
        for kind, share in settings.bends.items():
            if draw < share:
                return draw_bend(rng, kind, box)
            draw -= share
        return None

    def _turn(self, rng: Rng) -> NDArray[np.float64]:
        settings = self.settings
        x, y, z = 0.0, 0.0, 0.0
        if rng.random() >= settings.upright_share:
            # Two draws' mean: small turns are commoner than great ones, as in photographs.
            x, y, z = ((rng.random(3) + rng.random(3) - 1) * settings.rotation_degrees).tolist()
        if rng.random() < settings.quarter_turn_share:
            z += 90 if rng.random() < 0.5 else -90
        distance = max(settings.width, settings.height) * (1.0 + 2.0 * rng.random())
        return rotation_homography(round(x, 2), round(y, 2), round(z, 2), distance)

    @staticmethod
    def _panel_box(rng: Rng, box: Box) -> Box:
        """The plate's box: the text's, with margins of its own on each side."""
        size = min(box[3] - box[1], 80.0)
        left, top, right, bottom = ((0.15 + 0.6 * rng.random(4)) * size).tolist()
        if rng.random() < 0.6:
            right, bottom = left, top
        return round(box[0] - left), round(box[1] - top), round(box[2] + right), round(box[3] + bottom)

    def _panel(self, rng: Rng, ground: Ground, box: Box, text_box: Box, size_px: float) -> PanelPlan:
        colour = self._any_colour(rng, ground)
        draws = rng.random(8).tolist()
        bordered = draws[0] < 0.5
        border = max(1, round(size_px * (0.03 + 0.1 * draws[1]))) if bordered else 0
        contrary = (20, 20, 20) if luma_of(colour) > 127 else (235, 235, 235)
        # Screws need a margin that holds them, so that they never look like a full stop.
        margin = min(text_box[0] - box[0], box[2] - text_box[2])
        room = margin > 0.12 * min(box[2] - box[0], box[3] - box[1]) + 2 * border + 2
        return PanelPlan(
            box=box,
            radius_px=round(draws[2] * 0.4 * size_px, 1) if draws[3] < 0.6 else 0.0,
            colour=colour,
            second=_shaded(colour, 0.75 + 0.5 * draws[4]) if draws[5] < 0.4 else None,
            opacity=1.0 if draws[6] < 0.6 else round(0.75 + 0.25 * draws[7], 2),
            border_px=border,
            border_colour=contrary if rng.random() < 0.6 else self._any_colour(rng, ground),
            border_inset_px=float(border) if rng.random() < 0.5 else 0.0,
            shadow_px=round(rng.random() * 0.3 * size_px, 1) if rng.random() < 0.4 else 0.0,
            screws=room and bool(rng.random() < 0.3),
        )

    @staticmethod
    def _any_colour(rng: Rng, ground: Ground) -> Colour:
        """Of the photograph, near white, near black, or any."""
        kind = rng.random()
        if kind < 0.4:
            return ground.palette_colour(rng)
        if kind < 0.8:
            grey = rng.random() * 40 + (0 if kind < 0.6 else 215)
            r, g, b = (int(min(max(grey + draw * 24 - 12, 0), 255)) for draw in rng.random(3).tolist())
            return r, g, b
        r, g, b = (int(draw * 256) for draw in rng.random(3).tolist())
        return r, g, b

    @staticmethod
    def _reachable_contrast(luma: float, spread: float) -> float:
        """The contrast of black or white ink, whichever is greater, less what the ground's own spread eats up."""
        return max(luma, 255 - luma) - spread

    def _ink(self, rng: Rng, ground: Ground, luma: float, spread: float, size_px: float) -> InkPlan:
        settings = self.settings
        needed = settings.contrast_floor + spread
        low = rng.random() < settings.low_contrast_share
        opacity = 1.0
        if not low and rng.random() < settings.translucent_share:
            opacity = round(0.65 + 0.35 * rng.random(), 2)
        needed /= opacity
        colour: Colour | None = None
        if low:
            colour = _with_luma(self._any_colour(rng, ground), self._faint(rng, luma, needed))
        else:
            for _ in range(6):
                tried = self._any_colour(rng, ground)
                if abs(luma_of(tried) - luma) >= needed:
                    colour = tried
                    break
        if colour is None:
            colour = (8, 8, 8) if luma > 127 else (247, 247, 247)
            opacity = 1.0
        if rng.random() < settings.rich_share:
            grey = round(luma)
            return InkPlan(colour, look=draw_appearance(rng, colour, (grey, grey, grey)))
        draws = rng.random(6).tolist()
        second = None
        if draws[0] < settings.gradient_share:
            other = self._any_colour(rng, ground)
            if abs(luma_of(other) - luma) >= needed and (luma_of(other) > luma) == (luma_of(colour) > luma):
                second = other
        outlined = draws[1] < settings.outline_share and size_px >= 20
        shadow = None
        if draws[2] < settings.shadow_share:
            reach = 0.02 + 0.06 * draws[3]
            dx, dy = ((rng.random(2) * 2 - 1) * reach * size_px).tolist()
            shadow = (round(dx, 1), round(dy, 1), round(draws[4] * 0.06 * size_px, 1), round(0.3 + 0.5 * draws[5], 2))
        return InkPlan(
            colour=colour,
            second=second,
            opacity=opacity,
            outline_px=max(1, round(size_px * 0.03)) if outlined else 0,
            outline_colour=(10, 10, 10) if luma_of(colour) > 127 else (245, 245, 245),
            shadow=shadow,
        )

    @staticmethod
    def _faint(rng: Rng, luma: float, needed: float) -> float:
        """A brightness just past the contrast needed, on a side of the ground's that has room."""
        needed *= 1.0 + 0.2 * rng.random()
        darker, brighter = luma - needed, luma + needed
        if darker < 0 or (brighter <= 255 and rng.random() < 0.5):
            return min(255.0, brighter)
        return darker


def _shaded(colour: Colour, factor: float) -> Colour:
    r, g, b = (min(255, round(value * factor)) for value in colour)
    return r, g, b


def _with_luma(colour: Colour, luma: float) -> Colour:
    """A colour of about the same hue with the brightness asked for: drawn to black or to white."""
    own = luma_of(colour)
    if own >= luma:
        return _shaded(colour, luma / max(own, 1.0))
    share = (luma - own) / (255.0 - own)
    r, g, b = (round(value + (255 - value) * share) for value in colour)
    return r, g, b
