"""Lines wider than a recogniser's input: read in overlapping windows whose CTC steps are joined into one line's.

Neighbouring windows see the overlap twice. They are joined at the step of it that both call blank or a space with the
greatest probability: between two characters, so that none is cut, lost or written twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ocrsmith.alphabet import BLANK_ID
from ocrsmith.preprocess import RecognizerInput
from ocrsmith.reading.batching import batches
from ocrsmith.samples import Image

# In heights of the line: what neighbouring windows share.
OVERLAP = 4.0
# A recogniser whose widest input is narrower than this many heights reads single words or displays: what is wider was
# stretched, and is squeezed back.
LEAST_WINDOW = 8.0
# Wider lines are squeezed into so many windows: a box a thousand times as long as high is a ruled line.
MOST_WINDOWS = 8
# Steps of a window's inner end that are not used: the network sees nothing beyond it there.
_BLIND_SHARE = 0.2


def reads_windows(rule: RecognizerInput) -> bool:
    """Whether lines wider than `max_width` are read in windows by this contract, and not squeezed."""
    return rule.fit == "pad" and rule.lost_steps == 0 and rule.max_width >= LEAST_WINDOW * rule.height


def line_width(width_px: int, rule: RecognizerInput) -> int:
    """The width that a line is resized to, which at its own aspect would be `width_px` px wide."""
    return min(width_px, rule.max_width + (MOST_WINDOWS - 1) * _stride(rule))


def _stride(rule: RecognizerInput) -> int:
    unit = int(np.lcm(rule.step_px, rule.width_multiple))
    return max(unit, int((rule.max_width - OVERLAP * rule.height) // unit * unit))


def window_starts(width_px: int, rule: RecognizerInput) -> list[int]:
    """Where each window of `max_width` px starts in a line of this width; the last one ends with the line.

    Starts are multiples of the contract's step and width multiple, so that the steps of neighbours lie on each other.
    """
    stride = _stride(rule)
    count = 1 + max(0, -(-(width_px - rule.max_width) // stride))
    return [index * stride for index in range(count)]


def read_windows(
    crop: Image,
    rule: RecognizerInput,
    read_each: Callable[[Iterable[NDArray[np.float32]]], Iterable[NDArray[np.float32]]],
    silent: Sequence[int],
    streams: int = 1,
) -> tuple[Image, NDArray[np.float32], float]:
    """Reads a line wider than `max_width`, whose contract `reads_windows`.

    Args:
        read_each: the network, for each input (B, C, H, W) the probabilities (B, T, K).
        silent: see `join_windows`.
        streams: how many inputs the network computes side by side.

    Returns:
        The resized line (height, w, 3), its probabilities (T, K), and the px of the resized line a step.
    """
    width = line_width(round(crop.shape[1] * rule.height / max(1, crop.shape[0])), rule)
    resized = replace(rule, max_width=width).resize(crop)
    starts = window_starts(width, rule)
    pieces = [resized[:, start : start + rule.max_width] for start in starts]
    read: dict[int, NDArray[np.float32]] = {}
    step_px = float(rule.step_px)
    made = batches([rule.padded_width(piece.shape[1]) for piece in pieces], streams)
    inputs = (rule.normalize(rule.stack([pieces[place] for place in places], padded)) for places, padded in made)
    for (places, padded), output in zip(made, read_each(inputs), strict=True):
        step_px = padded / output.shape[1]
        read.update(zip(places, output, strict=True))
    used = [read[place][: int(np.ceil(piece.shape[1] / step_px))] for place, piece in enumerate(pieces)]
    return resized, join_windows(used, [round(start / step_px) for start in starts], silent), step_px


def join_windows(
    windows: Sequence[NDArray[np.float32]], first_steps: Sequence[int], silent: Sequence[int]
) -> NDArray[np.float32]:
    """Each window's probabilities (T, K), without padding, and its first step in the line -> the line's (T, K).

    Args:
        silent: classes at which a cut harms no character, the blank among them.
    """
    quiet = list({BLANK_ID, *silent})
    joined = windows[0]
    # The joined steps start at the line's first.
    for first, window in zip(first_steps[1:], windows[1:], strict=True):
        shared = len(joined) - first
        if shared <= 0:
            joined = np.concatenate([joined, window])
            continue
        blind = min(int(_BLIND_SHARE * shared), (shared - 1) // 2)
        both = np.minimum(joined[first:, quiet].sum(axis=1), window[:shared, quiet].sum(axis=1))
        usable = both[blind : shared - blind]
        # Of equally silent steps the one nearest the middle, where both windows see most.
        distance = np.abs(np.arange(len(usable)) - (len(usable) - 1) / 2)
        cut = blind + int(np.lexsort((distance, -np.round(usable, 2)))[0])
        joined = np.concatenate([joined[: first + cut], window[cut:]])
    return joined
