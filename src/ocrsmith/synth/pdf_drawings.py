"""Where a PDF's page shows what no text layer tells of: pictures, and text whose outlines are drawn as paths.

Quads are shares of the page as it is shown, as in `pdf_text`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from ocrsmith.geometry import box_quad

# A filled path with fewer points is a bar, a box, an arrow's head or one of the plainest letters (l, I, L).
_OUTLINE_POINTS = 12
# So many make a path that stands alone a word or a logo; a dot and a rounded box have 13 to 18.
_WORD_POINTS = 40
_LEAST_POINTS = 4
# Thinner (in points) or longer for their width: rules, and the arrows of drawings.
_THINNEST_POINTS, _OBLONG = 0.8, 12.0
# Outlines this near, as a share of the smaller's longer side, belong together; so do companions no larger than this.
_NEAR, _LARGER = 0.5, 1.6
# A companion's least width by the outlines' size; below are rules.
_THINNEST_SHARE = 0.08

Boxes = NDArray[np.float64]


def pictures(page: pypdfium2.PdfPage, matrix: NDArray[np.float64]) -> list[Boxes]:
    """(4, 2) quads of the page's pictures, also of those within forms; `matrix` is `pdf_text.page_matrix`'s."""
    square = np.array(((0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (0.0, 0.0)))
    return [
        _placed(part, square, part.get_matrix()) @ matrix[:, :2].T + matrix[:, 2]
        for part in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE])
    ]


def outlined_text(page: pypdfium2.PdfPage, matrix: NDArray[np.float64], characters: Boxes) -> list[Boxes]:
    """(4, 2) quads of what may be text drawn as paths: logos, watermarks, the letters of drawings.

    Taken for such are filled paths of many points in groups, and single ones of very many, with their smaller
    neighbours. Nothing tells a letter from another small shape: hatchings and symbols of drawings come too. Shapes that
    hold a character of the text layer do not, since they are what text is written on.

    Args:
        characters: (N, 2) centres of the text layer's characters, in shares of the page.
    """
    boxes, points = _filled_paths(page)
    if not (points >= _OUTLINE_POINTS).any():
        return []
    sides = boxes[:, 2:] - boxes[:, :2]
    long, short = sides.max(axis=1), np.maximum(sides.min(axis=1), 1e-6)
    outline = (points >= _OUTLINE_POINTS) & (short >= _THINNEST_POINTS) & (long <= _OBLONG * short)
    # The other way round the characters' centres come to the page's own space, where its letters have one size.
    centres: Boxes = np.linalg.solve(matrix[:, :2], (characters - matrix[:, 2]).T).T.astype(np.float64)
    outline[outline] = [not _holds(box, centres) for box in boxes[outline]]
    if not outline.any():
        return []
    seeds, others = boxes[outline], boxes[~outline]
    found = []
    for group in _groups(seeds):
        if len(group) == 1 and points[outline][group[0]] < _WORD_POINTS:
            continue
        members = _companions(seeds[group], others, centres)
        whole = _around(members)
        found += list(members) if _holds(whole, centres) else [whole]
    return [_upright(box_quad(*box) @ matrix[:, :2].T + matrix[:, 2]) for box in found]


def _placed(part: pypdfium2.PdfObject, corners: Boxes, matrix: pypdfium2.PdfMatrix | None = None) -> Boxes:
    """Corners of an object's space, or of its form's, in the page's own space."""
    around = part.container
    matrix = pypdfium2.PdfMatrix() if matrix is None else matrix
    while around is not None:
        matrix, around = matrix.multiply(around.get_matrix()), around.container
    return np.array([matrix.on_point(x, y) for x, y in corners.tolist()])


def _filled_paths(page: pypdfium2.PdfPage) -> tuple[Boxes, NDArray[np.int64]]:
    """Boxes (N, 4) in the page's own points and numbers of points, of the filled paths that may be letters."""
    boxes, points = [], []
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    for part in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH]):
        count = pdfium.FPDFPath_CountSegments(part)
        if count < _LEAST_POINTS:
            continue
        pdfium.FPDFPath_GetDrawMode(part, ctypes.byref(fill), ctypes.byref(stroke))
        if fill.value == pdfium.FPDF_FILLMODE_NONE:
            continue
        left, bottom, right, top = part.get_bounds()
        corners = np.array(((left, top), (right, top), (right, bottom), (left, bottom)))
        placed = corners if part.container is None else _placed(part, corners)
        boxes.append((*placed.min(axis=0), *placed.max(axis=0)))
        points.append(count)
    return np.array(boxes, np.float64).reshape(-1, 4), np.array(points, np.int64)


def _holds(box: Boxes, centres: Boxes) -> bool:
    return bool(((centres >= box[:2]) & (centres <= box[2:])).all(axis=1).any())


def _gaps(boxes: Boxes, box: Boxes) -> NDArray[np.float64]:
    """(N,) how far boxes are from one, along the axis on which they are farther."""
    return np.maximum(boxes[:, :2] - box[2:], box[:2] - boxes[:, 2:]).max(axis=1)


def _groups(boxes: Boxes) -> Iterator[list[int]]:
    """Boxes that reach each other from neighbour to neighbour."""
    long = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    left = np.ones(len(boxes), bool)
    for start in range(len(boxes)):
        if not left[start]:
            continue
        left[start] = False
        group, waiting = [start], [start]
        while waiting:
            here = waiting.pop()
            near = left & (_gaps(boxes, boxes[here]) <= _NEAR * np.minimum(long, long[here]))
            near &= (long <= 3 * long[here]) & (long[here] <= 3 * long)
            left &= ~near
            waiting += np.flatnonzero(near).tolist()
            group += np.flatnonzero(near).tolist()
        yield group


def _companions(group: Boxes, others: Boxes, centres: Boxes) -> Boxes:
    """The plain shapes (an l, a dot, a bar of an E) at a group of outlines that are no larger than they are."""
    size = float(np.median((group[:, 2:] - group[:, :2]).max(axis=1)))
    others = others[_gaps(others, _around(group)) <= 2 * size]
    long, short = np.sort(others[:, 2:] - others[:, :2], axis=1).T[::-1]
    others = others[(long <= _LARGER * size) & (short >= max(_THINNEST_SHARE * size, 1e-6)) & (long <= _OBLONG * short)]
    others = others[[not _holds(other, centres) for other in others]] if len(others) else others
    members = group
    # Twice: two plain letters may follow one another.
    for _ in range(2):
        near = np.array([_gaps(members, other).min() <= _NEAR * size for other in others], bool)
        members, others = np.concatenate([members, others[near]]), others[~near]
    return members


def _around(boxes: Boxes) -> Boxes:
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def _upright(quad: Boxes) -> Boxes:
    return box_quad(*quad.min(axis=0), *quad.max(axis=0)).astype(np.float64)
