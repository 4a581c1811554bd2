"""CRAFT's training targets from character quads: region and affinity maps, and how far each pixel is to be trusted.

Baek et al., "Character Region Awareness for Text Detection", CVPR 2019, section 3.2.1; the Gaussian's width (200 px,
sigma 40, cut to a circle), the growth of the quads by half and the maximum where two meet are those of EasyOCR's
trainer. It warps a drawn template; here the same Gaussian is evaluated through each quad's inverse homography on the
pixels of its own bounding box, which is exact and leaves no work that grows with the page.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import inside_share
from ocrsmith.samples import TextInstance

Maps = NDArray[np.float32]

# Of a template that is 1 from its centre to its edge: 40 of 100 px.
_SIGMA = 0.4
# Quads smaller than this in square pixels have no homography worth the name.
_MIN_AREA_PX = 1e-2
# Quads evaluated at once: enough to amortise the calls, few enough for the cache and to be of about the same size.
_CHUNK = 32
_CLASS_PX = 4


def craft_targets(
    instances: Sequence[TextInstance],
    height: int,
    width: int,
    stride: int = 2,
    *,
    enlarge: float = 1.5,
    min_inside: float = 0.5,
) -> tuple[Maps, Maps]:
    """Region and affinity maps with their confidence, for a page of (height, width) px.

    Args:
        instances: with characters in reading order; spaces cut words. Text that runs down is known by its quads.
        stride: px of page per px of map; a map's pixel j stands for the page's place (j + 0.5) * stride.
        enlarge: how much a quad is grown about its centre before the Gaussian is laid in.
        min_inside: a character with a smaller share of its quad on the page is no target, and its pixels are not
            trusted; affinity needs both neighbours.

    Returns:
        maps (2, height // stride, width // stride) float32 in 0..1, region then affinity, and confidence
        (height // stride, width // stride) float32: 1 by default, an instance's own in its polygon, 0 where it is to be
        ignored or says nothing about its characters. Where polygons meet, the least counts.
    """
    maps = np.zeros((2, height // stride, width // stride), np.float32)
    quads, words, doubtful = _characters(instances, height, width, min_inside)
    if len(quads):
        links = affinity_quads(quads, words)
        both = np.asarray(np.concatenate([quads, links]) / np.float32(stride), np.float32)
        _paste_gaussians(maps, _enlarged(both, enlarge), np.repeat([0, 1], [len(quads), len(links)]))
    return maps, _confidence(instances, doubtful, maps.shape[1:], stride)


def affinity_quads(quads: NDArray[np.float32], words: NDArray[np.int64]) -> NDArray[np.float32]:
    """(M, 4, 2) quads between neighbouring characters (N, 4, 2) of the same word (N,), in their order.

    Its corners are the centroids of the triangles that a quad's centre spans with its upper and its lower edge (section
    3.2.1, figure 3), or with its left and right edge where a word runs down.
    """
    pairs = np.flatnonzero(words[1:] == words[:-1])
    if not len(pairs):
        return np.zeros((0, 4, 2), np.float32)
    centres = quads.mean(axis=1)
    corner_sums = quads + quads[:, [1, 2, 3, 0]]  # of the upper, right, lower and left edge
    centroids = (corner_sums + centres[:, None]) / 3.0
    first, second = centroids[pairs], centroids[pairs + 1]
    across = np.stack([first[:, 0], second[:, 0], second[:, 2], first[:, 2]], axis=1)
    down = np.stack([first[:, 3], first[:, 1], second[:, 1], second[:, 3]], axis=1)
    runs_down = _runs_down(quads, centres, pairs, words)
    return np.where(runs_down[:, None, None], down, across).astype(np.float32)


def _runs_down(
    quads: NDArray[np.float32], centres: NDArray[np.float32], pairs: NDArray[np.int64], words: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether each pair's word steps rather along its characters' height than along their width."""
    steps = centres[pairs + 1] - centres[pairs]
    axes = np.stack([quads[:, 1] - quads[:, 0] + quads[:, 2] - quads[:, 3], quads[:, 3] - quads[:, 0]], axis=1)
    axes[:, 1] += quads[:, 2] - quads[:, 1]
    axes /= np.maximum(np.linalg.norm(axes, axis=2, keepdims=True), 1e-6)
    along = np.abs(np.einsum("nd,nad->na", steps, axes[pairs]))
    across, down = (np.bincount(words[pairs], along[:, axis]) for axis in (0, 1))
    word_runs_down = down > across
    return np.asarray(word_runs_down[words[pairs]])


def _characters(
    instances: Sequence[TextInstance], height: int, width: int, min_inside: float
) -> tuple[NDArray[np.float32], NDArray[np.int64], list[NDArray[np.float32]]]:
    """Quads (N, 4, 2) to draw, the word (N,) of each, and the quads that are too far outside to be targets."""
    listed: list[NDArray[np.float32]] = []
    words: list[int] = []
    word = 0
    for instance in instances:
        word += 1
        if instance.ignore or instance.characters is None:
            continue
        for character in instance.characters:
            if character.text.isspace():
                word += 1
            else:
                listed.append(character.quad)
                words.append(word)
    if not listed:
        return np.zeros((0, 4, 2), np.float32), np.zeros(0, np.int64), []
    quads, word_ids = np.concatenate(listed).reshape(-1, 4, 2), np.array(words, np.int64)
    good = _areas(quads) >= _MIN_AREA_PX
    crossing = good & ((quads < 0).any(axis=(1, 2)) | (quads > (width, height)).any(axis=(1, 2)))
    doubtful = []
    for index in np.flatnonzero(crossing):
        if inside_share(quads[index], width, height) < min_inside:
            good[index] = False
            doubtful.append(quads[index])
    # A gap in a word must not be bridged: what follows a dropped character belongs to another run.
    runs = np.cumsum(~good) + np.cumsum(np.diff(word_ids, prepend=word_ids[0]) != 0)
    return quads[good], runs[good].astype(np.int64), doubtful


def _areas(quads: NDArray[np.float32]) -> NDArray[np.float32]:
    diagonal, other = quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1]
    return 0.5 * np.abs(diagonal[:, 0] * other[:, 1] - diagonal[:, 1] * other[:, 0])


def _enlarged(quads: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    centres = quads.mean(axis=1, keepdims=True)
    return np.asarray(centres + factor * (quads - centres), np.float32)


def _square_to_quad(quads: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, 3, 3) homographies that take the square (-1, -1), (1, -1), (1, 1), (-1, 1) to each quad.

    Closed form for the unit square after Heckbert, "Fundamentals of Texture Mapping and Image Warping", 1989, 2.2.3.
    """
    q = quads.astype(np.float64)
    ahead, down = q[:, 1] - q[:, 2], q[:, 3] - q[:, 2]
    rest = q[:, 0] - q[:, 1] + q[:, 2] - q[:, 3]
    determinant = ahead[:, 0] * down[:, 1] - ahead[:, 1] * down[:, 0]
    determinant = np.where(np.abs(determinant) < 1e-12, 1e-12, determinant)
    g = (rest[:, 0] * down[:, 1] - rest[:, 1] * down[:, 0]) / determinant
    h = (ahead[:, 0] * rest[:, 1] - ahead[:, 1] * rest[:, 0]) / determinant
    unit = np.empty((len(q), 3, 3))
    unit[:, :2, 0] = q[:, 1] - q[:, 0] + g[:, None] * q[:, 1]
    unit[:, :2, 1] = q[:, 3] - q[:, 0] + h[:, None] * q[:, 3]
    unit[:, :2, 2] = q[:, 0]
    unit[:, 2] = np.stack([g, h, np.ones(len(q))], axis=1)
    return np.asarray(unit @ np.array([[0.5, 0.0, 0.5], [0.0, 0.5, 0.5], [0.0, 0.0, 1.0]]))


def _adjugate(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3, 3) inverses up to a factor, which a homography does not mind."""
    rows = [matrices[:, index] for index in range(3)]
    return np.cross(
        np.stack([rows[1], rows[2], rows[0]], axis=1), np.stack([rows[2], rows[0], rows[1]], axis=1)
    ).swapaxes(1, 2)


def _paste_gaussians(target: Maps, quads: NDArray[np.float32], layers: NDArray[np.int64]) -> None:
    """Lays a Gaussian into each quad (N, 4, 2), in the maps' own pixels, of its layer (N,) of `target` (L, H, W), and
    keeps the maximum."""
    rows, columns = target.shape[1:]
    low = np.clip(np.floor(quads.min(axis=1)), 0, (columns, rows)).astype(np.int64)
    high = np.clip(np.ceil(quads.max(axis=1)), 0, (columns, rows)).astype(np.int64)
    # Windows of about the same shape stand together, since a chunk is evaluated on the largest of its windows.
    sizes = high - low
    order = np.lexsort((sizes[:, 0], sizes[:, 1] // _CLASS_PX))
    order = order[(sizes[order] > 0).all(axis=1)]
    quads, low, sizes, layers = quads[order], low[order], sizes[order], layers[order]
    # Places relative to each quad's own window keep float32 exact enough on any page.
    relative = quads - low[:, None]
    inverse = _adjugate(_square_to_quad(relative))
    # A factor that makes the third coordinate positive where the quad is, and of order one.
    centre = relative.mean(axis=1)
    at_centre = np.einsum("nd,nd->n", inverse[:, 2, :2], centre) + inverse[:, 2, 2]
    inverse /= np.where(np.abs(at_centre) < 1e-30, 1e-30, at_centre)[:, None, None]
    windows = np.column_stack([layers, low, low + sizes]).tolist()
    for start in range(0, len(quads), _CHUNK):
        part = slice(start, start + _CHUNK)
        values = _gaussians(inverse[part].astype(np.float32), *sizes[part].max(axis=0).tolist())
        for (layer, left, top, right, bottom), value in zip(windows[part], values):
            window = target[layer, top:bottom, left:right]
            cv2.max(window, value[: bottom - top, : right - left], window)  # half of what NumPy's call costs


def _gaussians(inverse: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """(N, height, width) values of the Gaussians of `inverse` (N, 3, 3), map pixels to the square -1..1."""
    x, y = (np.arange(size, dtype=np.float32) + np.float32(0.5) for size in (width, height))
    along = inverse[:, :, :1] * x + inverse[:, :, 2:]
    down = inverse[:, :, 1:2] * y
    across, upright, depth = (along[:, row, None, :] + down[:, row, :, None] for row in range(3))
    np.maximum(depth, np.float32(1e-9), out=depth)  # behind the horizon: far outside the circle
    # A quad that crosses itself may send a pixel past float32's range: infinity is outside the circle, too.
    with np.errstate(over="ignore"):
        across /= depth
        upright /= depth
        across *= across
        upright *= upright
        across += upright
    inside = across <= 1.0
    np.minimum(across, 1.0, out=across)
    across *= np.float32(-0.5 / _SIGMA**2)
    values = np.exp(across, out=across)
    values *= inside
    return values


def _confidence(
    instances: Sequence[TextInstance], doubtful: Sequence[NDArray[np.float32]], shape: tuple[int, ...], stride: int
) -> Maps:
    confidence = np.ones(shape, np.float32)
    areas = [(0.0, quad) for quad in doubtful]
    for instance in instances:
        trusted = 0.0 if instance.ignore or instance.characters is None else instance.confidence
        if trusted < 1.0:
            areas.append((trusted, instance.polygon))
    # The least is drawn last.
    for trusted, polygon in sorted(areas, key=lambda area: -area[0]):
        # OpenCV's pixel centres are whole numbers; four bits of a pixel's fraction are kept.
        points = np.clip(polygon / stride - 0.5, -16384.0, 16384.0)
        cv2.fillPoly(confidence, [np.round(points * 16).astype(np.int32)], trusted, shift=4)
    return confidence
