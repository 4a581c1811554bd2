"""How a line's crop is drawn at random: pure functions of uniform draws `u` in 0..1, for `lines` to plan with."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ocrsmith.synth.line_plans import Extra, ExtraInk, LineSettings

# Weighted by repetition: neighbours and underlines are what real crops show most.
EXTRAS: tuple[Extra, ...] = (
    *("above", "above", "below", "below", "left", "right", "underline", "underline", "rule", "rule", "box", "strike"),
)


def baseline(u: Sequence[float], bent: float, num_characters: int) -> tuple[float, tuple[float, float, float]]:
    """Arch, and wave as amplitude, periods and phase: straight but for a share `bent`, which is one of the two."""
    if u[0] >= bent or num_characters < 3:
        return 0.0, (0.0, 1.0, 0.0)
    if u[1] < 0.6:
        most = min(0.7, 0.07 * num_characters)
        return round((1 if u[2] < 0.7 else -1) * most * (0.2 + 0.8 * u[3]), 3), (0.0, 1.0, 0.0)
    return 0.0, (round(0.04 + 0.1 * u[2], 3), round(0.5 + u[3], 3), round(2 * math.pi * u[4], 3))


def drawn_margins(
    u: Sequence[float], settings: LineSettings, extras: Sequence[ExtraInk]
) -> tuple[float, float, float, float]:
    """Tight, usual or loose about the ink, the four sides apart; room for what stands beside the text."""
    most = 0.08 if u[0] < 0.3 else 0.3 if u[0] < 0.85 else 0.7
    left, top, right, bottom = (most * value for value in u[1:5])
    if u[5] < settings.cut and not extras:
        depth = -settings.most_cut * u[1]
        top, bottom = (depth, bottom) if u[5] < settings.cut / 2 else (top, depth)
    for extra in extras:
        # Half a letter at most is let in from the sides, and of other lines less than their x-height.
        if extra.kind == "left":
            left = extra.gap + 0.2 * u[1]
        elif extra.kind == "right":
            right = extra.gap + 0.2 * u[3]
        elif extra.kind == "above":
            top = extra.gap + 0.3 * u[2]
        elif extra.kind == "below":
            bottom = extra.gap + 0.3 * u[4]
        elif extra.kind == "underline":
            bottom = max(bottom, extra.gap + extra.thickness)
    return round(left, 3), round(top, 3), round(right, 3), round(bottom, 3)


_TALL = frozenset("bdfhijklt")
_LOW = frozenset("gjpqyQ,;()[]{}|@$/\\")


def ink_share(text: str) -> float:
    """About how high a text's ink is, as a share of the em; the layout fits it exactly."""
    top = 0.73 if any(c in _TALL or not c.islower() for c in text) else 0.54
    return top + (0.2 if any(c in _LOW for c in text) else 0.01)


def drawn_size_px(wanted: float) -> int:
    """The next of few sizes, so that glyphs are drawn once and found again; the layout shrinks them to fit."""
    step = 4 if wanted < 32 else 8 if wanted < 64 else 16
    return max(20, step * math.ceil(wanted / step))


def drawn_spacing_px(u: float, size_px: int) -> float:
    """Mostly the font's own; else from a little tighter to spread out."""
    if u < 0.75:
        return 0.0
    share = (u - 0.75) * 4
    return round(size_px * (-0.04 + 0.3 * share * share), 2)
