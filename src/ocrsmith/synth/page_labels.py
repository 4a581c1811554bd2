"""Which of a page's texts are labelled, and how: outside is left out; cut, too low or too faint is marked `ignore`.

Where the picture's edge cuts a line, its whole words stay one instance; the words that are cut become ignored ones.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import enclosing_quad, enclosing_quads, inside_share
from ocrsmith.samples import Image, TextInstance, characters_of
from ocrsmith.synth.block_render import word_spans
from ocrsmith.synth.legibility import ink_separation
from ocrsmith.synth.page_render import Mask, WrittenPage, WrittenText
from ocrsmith.synth.paint import window_of

# A character with less of its quad in the picture is cut.
_KEPT_SHARE = 0.85

Quads = NDArray[np.float32]
Span = tuple[int, int]


def page_instances(image: Image, page: WrittenPage, legible_px: float) -> Iterator[TextInstance]:
    """The labels of a page as it came out at last; `image` is the picture after its degradation."""
    height, width = image.shape[:2]
    limits = np.array([width, height], np.float32)
    others = {layer: _overlays(page.inks, layer) for layer in {text.layer for text in page.texts}}
    lows, highs = _extents(page.texts)
    enclosing = enclosing_quads([text.quads for text in page.texts])
    for text, low, high, around in zip(page.texts, lows, highs, enclosing):
        if (high <= 0).any() or (low >= limits).any():
            continue
        spans: list[tuple[Span, bool]] = [((0, len(text.pieces)), False)]
        whole = not ((low < 0).any() or (high > limits).any())
        if not whole:
            spans = list(_cut_spans(text.pieces, text.quads, width, height, joined=text.polygon is None))
        for (start, end), is_cut in spans:
            quads = text.quads[start:end]
            if not is_cut and not whole:
                quads = np.clip(quads, 0, limits)
            ignore = is_cut or _too_low(quads, legible_px)
            ignore = ignore or not _legible(
                image, page.inks[text.layer], others[text.layer], text.pieces[start:end], quads
            )
            characters = characters_of(text.pieces[start:end], quads)
            polygon = around if whole else enclosing_quad(quads)
            if text.polygon is not None and end - start == len(text.pieces):
                polygon = text.polygon if is_cut else np.clip(text.polygon, 0, limits)
            yield TextInstance(polygon, "".join(text.pieces[start:end]), characters, ignore)


def _extents(texts: list[WrittenText]) -> tuple[Quads, Quads]:
    """The least and the greatest x and y (N, 2) of each text."""
    if not texts:
        return np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32)
    quads = np.concatenate([text.quads for text in texts])
    starts = np.cumsum([0, *(len(text.quads) for text in texts[:-1])])
    return np.minimum.reduceat(quads.min(axis=1), starts), np.maximum.reduceat(quads.max(axis=1), starts)


def _cut_spans(
    pieces: tuple[str, ...], quads: Quads, width: int, height: int, *, joined: bool
) -> Iterator[tuple[Span, bool]]:
    """Stretches of whole words that lie inside (single ones unless `joined`), and single words that are cut; words
    outside are left out."""
    words = word_spans(pieces)
    open_span: Span | None = None
    for start, end in words:
        shares = [inside_share(quad, width, height) for quad in quads[start:end]]
        if min(shares) >= _KEPT_SHARE:
            if joined:
                open_span = (open_span[0] if open_span else start, end)
            else:
                yield (start, end), False
            continue
        if open_span is not None:
            yield open_span, False
            open_span = None
        if max(shares) > 0:
            yield (start, end), True
    if open_span is not None:
        yield open_span, False


def _too_low(quads: Quads, legible_px: float) -> bool:
    return float(np.linalg.norm(quads[:, 3] - quads[:, 0], axis=1).max()) < legible_px


def _overlays(inks: list[Mask], layer: int) -> Mask | None:
    """Where the other layers' ink lies; None where there is none."""
    rest = [ink for index, ink in enumerate(inks) if index != layer]
    if not rest:
        return None
    whole = rest[0].copy()
    for ink in rest[1:]:
        np.maximum(whole, ink, out=whole)
    return whole


def _legible(image: Image, ink: Mask, other: Mask | None, pieces: tuple[str, ...], quads: Quads) -> bool:
    """Whether the line stands out as a whole and, where other ink crosses it, each crossed word does too."""
    window = window_of(quads, image.shape)
    if window is None or not ink_separation(image[window], ink[window]).legible():
        return False
    if other is None or not cv2.countNonZero(other[window]):
        return True
    for start, end in word_spans(pieces):
        part = window_of(quads[start:end], image.shape)
        if part is None or not cv2.countNonZero(other[part]):
            continue
        if not ink_separation(image[part], ink[part]).legible():
            return False
    return True
