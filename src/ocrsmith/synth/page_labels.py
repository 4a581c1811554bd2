"""Which of a page's texts are labelled, and how: outside is left out; cut, too low or too faint is marked `ignore`.

Where the picture's edge cuts a line, its whole words stay one instance; the words that are cut become ignored ones.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from ocrsmith.geometry import Polygon, enclosing_quad, enclosing_quads
from ocrsmith.samples import Image, TextInstance, characters_of
from ocrsmith.synth.block_render import word_spans
from ocrsmith.synth.clipping import Edges, beyond_edges, clipped
from ocrsmith.synth.legibility import ink_separation, is_written_over
from ocrsmith.synth.page_render import WrittenPage
from ocrsmith.synth.page_texts import Mask, Quads, WrittenText
from ocrsmith.synth.paint import window_of

Span = tuple[int, int]


def page_instances(image: Image, page: WrittenPage, legible_px: float) -> Iterator[TextInstance]:
    """The labels of a page as it came out at last; `image` is the picture after its degradation."""
    if not page.texts:
        return
    height, width = image.shape[:2]
    limits, edges = np.array([width, height], np.float32), (0.0, 0.0, float(width), float(height))
    others = {layer: _overlays(page.inks, layer) for layer in {text.layer for text in page.texts}}
    lows, highs, heights = _extents(page.texts)
    outside = np.any((highs <= 0) | (lows >= limits), axis=1)
    whole = np.all((lows >= 0) & (highs <= limits), axis=1)
    enclosing = enclosing_quads([text.quads for text in page.texts])
    for index, text in enumerate(page.texts):
        ink, other = page.inks[text.layer], others[text.layer]
        if outside[index]:
            continue
        if whole[index]:
            ignore = text.cut or heights[index] < legible_px
            ignore = ignore or not _legible(
                image, ink, other, text.pieces, text.quads, np.stack([lows[index], highs[index]])
            )
            polygon = enclosing[index] if text.polygon is None else np.clip(text.polygon, 0, limits)
            yield _instance(text.pieces, text.quads, polygon, ignore)
            continue
        for (start, end), is_cut in _cut_spans(text, edges, ink):
            pieces, quads = text.pieces[start:end], text.quads[start:end]
            if not is_cut:
                quads = np.clip(quads, 0, limits)
            ignore = text.cut or is_cut or float(_heights(quads).max()) < legible_px
            ignore = ignore or not _legible(image, ink, other, pieces, quads, quads)
            polygon = enclosing_quad(quads)
            if text.polygon is not None and end - start == len(text.pieces):
                polygon = text.polygon if is_cut else np.clip(text.polygon, 0, limits)
            yield _instance(pieces, quads, polygon, ignore)


def _instance(pieces: tuple[str, ...], quads: Quads, polygon: Polygon, ignore: bool) -> TextInstance:
    return TextInstance(polygon, "".join(pieces), characters_of(pieces, quads), ignore)


def _extents(texts: list[WrittenText]) -> tuple[Quads, Quads, list[float]]:
    """The least and the greatest x and y (N, 2) of each text, and the height of its highest character."""
    quads = np.concatenate([text.quads for text in texts])
    starts = np.cumsum([0, *(len(text.quads) for text in texts[:-1])])
    lows, highs = np.minimum.reduceat(quads.min(axis=1), starts), np.maximum.reduceat(quads.max(axis=1), starts)
    return lows, highs, np.maximum.reduceat(_heights(quads), starts).tolist()


def _heights(quads: Quads) -> Quads:
    """The length (N,) of each quad's left side, px."""
    return np.linalg.norm(quads[:, 3] - quads[:, 0], axis=1)


def _cut_spans(text: WrittenText, edges: Edges, ink: Mask) -> Iterator[tuple[Span, bool]]:
    """Stretches of whole words that lie inside, and single words that are cut; words outside are left out. Where the
    text has a polygon of its own, every word stands alone."""
    lost = clipped(text.pieces, text.quads, edges, ink)
    open_span: Span | None = None
    for start, end in word_spans(text.pieces):
        if not lost[start:end].any():
            if text.polygon is None:
                open_span = (open_span[0] if open_span else start, end)
            else:
                yield (start, end), False
            continue
        if open_span is not None:
            yield open_span, False
            open_span = None
        if not beyond_edges(text.quads[start:end], edges):
            yield (start, end), True
    if open_span is not None:
        yield open_span, False


def _overlays(inks: list[Mask], layer: int) -> Mask | None:
    """Where the other layers' ink lies; None where there is none."""
    rest = [ink for index, ink in enumerate(inks) if index != layer]
    if not rest:
        return None
    whole = rest[0].copy()
    for ink in rest[1:]:
        np.maximum(whole, ink, out=whole)
    return whole


def _legible(image: Image, ink: Mask, other: Mask | None, pieces: tuple[str, ...], quads: Quads, extent: Quads) -> bool:
    """Whether the line stands out as a whole and, where other ink crosses it, each crossed word does too.

    `extent` are points whose bounds are those of the quads: the fewer, the faster.
    """
    window = window_of(extent, image.shape)
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
        if is_written_over(image, ink, other, quads[start:end]):
            return False
    return True
