"""What a page looks like as a whole: paper and how it bends, inks, fonts and measures."""

from __future__ import annotations

from ocrsmith.synth.choices import Rng
from ocrsmith.synth.page_metrics import Style
from ocrsmith.synth.page_parts import FontShelf, Look, band_colour
from ocrsmith.synth.page_plans import PaperPlan
from ocrsmith.synth.page_settings import PageSettings
from ocrsmith.synth.page_sheet import Align
from ocrsmith.synth.palettes import INKS, with_contrast
from ocrsmith.synth.scene_plans import Colour
from ocrsmith.synth.warp_plans import WarpStep

_MAX_SEED = 1 << 53
_PAPER_WARPS = ("curl", "curl", "fold", "fold", "waves", "cylinder", "elastic")
PEN_INKS: tuple[Colour, ...] = ((28, 46, 132), (18, 60, 160), (30, 30, 34), (150, 28, 40), (70, 70, 74))


def draw_paper_plan(rng: Rng, settings: PageSettings) -> PaperPlan:
    """White, grey, cream or tinted; even, or with grain and clouds."""
    which, tint, grain, clouds, plain = rng.random(5).tolist()
    seed = int(rng.integers(_MAX_SEED))
    value = 255 - int(26 * tint * tint) if which < 0.6 else 210 + int(40 * tint)
    colour = (value, value, value)
    if which > 0.75:
        shade = int(6 + 30 * tint)
        colour = (248, 246 - shade // 4, 244 - shade)
        if which > 0.93:
            r, g, b = (int(v) for v in 215 + rng.integers(0, 40, 3))
            colour = (r, g, b)
    if plain < settings.plain_share:
        return PaperPlan(colour, 0.0, 0.0, seed)
    return PaperPlan(colour, round(0.5 + 4.0 * grain * grain, 2), round(9.0 * clouds * clouds, 2), seed)


def draw_look(
    rng: Rng, settings: PageSettings, shelf: FontShelf, paper: Colour, body_px: float
) -> tuple[Style, Look]:  # fmt: skip
    """The running text's style, and the rest."""
    draws = rng.random(12).tolist()
    ink = _print_ink(rng, settings, paper)
    body = Style(shelf.pick(shelf.body, rng), body_px, ink)
    heading_font = body.font if draws[0] < 0.25 else shelf.pick(shelf.any if draws[0] > 0.7 else shelf.body, rng)
    heading_ink = _print_ink(rng, settings, paper) if draws[1] < settings.colour_share else ink
    label_font = body.font if draws[2] < 0.5 else shelf.pick(shelf.body, rng)
    kinds = (shelf.hand, shelf.mono, shelf.body)
    filled_font = shelf.pick(kinds[int(draws[3] * 3)], rng)
    pen = with_contrast(PEN_INKS[int(draws[4] * len(PEN_INKS))], paper, settings.contrast_floor)
    line = ink if draws[5] < 0.5 else with_contrast((150, 150, 155), paper, 12.0)
    align: Align = "justify" if draws[6] < 0.45 else "left" if draws[6] < 0.96 else "centre"
    # Type of 150 dpi has rules of one or two px.
    thin = max(1, round(body_px * (0.03 + 0.07 * draws[7])))
    look = Look(
        heading=Style(heading_font, body_px, heading_ink),
        label=Style(label_font, max(settings.least_px, round(2 * body_px * (0.75 + 0.3 * draws[8])) / 2), ink),
        filled=Style(filled_font, body_px, pen if draws[9] < 0.8 else ink),
        mono=Style(shelf.pick(shelf.mono if draws[10] < 0.8 else shelf.body, rng), body_px, ink),
        line_colour=line,
        accent=band_colour(rng, paper) if rng.random() < settings.shade_share else None,
        align=align,
        leading=1.0 + 0.45 * draws[11] ** 2,
        indent=2.0 * body_px if rng.random() < 0.3 else 0.0,
        rule_px=thin,
    )
    return body, look


def _print_ink(rng: Rng, settings: PageSettings, paper: Colour) -> Colour:
    coloured, which, *shift = rng.random(5).tolist()
    if coloured >= settings.colour_share:
        r = g = b = int(70 * which * which)
    else:
        r, g, b = (min(255, int(c * 0.8 + 30 * s)) for c, s in zip(INKS[int(which * 6)], shift))
    return with_contrast((r, g, b), paper, settings.contrast_floor)


def draw_bends(rng: Rng, settings: PageSettings) -> tuple[WarpStep, ...]:
    """How the sheet is curled, folded, wavy or crumpled; mostly not at all."""
    bent, which, how = rng.random(3).tolist()
    seed = int(rng.integers(_MAX_SEED))
    if bent >= settings.bend_share:
        return ()
    kind = _PAPER_WARPS[int(which * len(_PAPER_WARPS))]
    return (WarpStep(kind, round(settings.bend_strength * (0.25 + 0.75 * how), 4), seed),)
