"""Words found where lines are labelled: the words of a line are joined before they are matched with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import ArrayLike

from ocrsmith.geometry import Polygon, as_polygon

# Of a word's own area: what lies in a line by more belongs to it.
_INSIDE_SHARE = 0.5


def join_words_by_line(words: Sequence[ArrayLike], lines: Sequence[ArrayLike]) -> list[Polygon]:
    """Predicted words (P, 2) px -> the same, but the words that lie in one labelled line as their convex hull.

    A word lies in the line that holds most of it, more than half at least; words in no line stay as they are. With the
    hulls in the words' place lines and words can be compared by IoU: many to one, as in Wolf and Jolion, "Object
    count/area graphs", IJDAR 2006, but with one IoU for all of a line.
    """
    if not words or not lines:
        return [as_polygon(word) for word in words]
    shapes = [shapely.Polygon(as_polygon(word)).buffer(0) for word in words]
    labelled = [shapely.Polygon(as_polygon(line)).buffer(0) for line in lines]
    tree = shapely.STRtree(labelled)
    joined: list[Polygon] = []
    members: dict[int, list[Polygon]] = {}
    for word, shape in zip(words, shapes, strict=True):
        shares = {int(line): shape.intersection(labelled[line]).area for line in tree.query(shape)}
        best = max(shares, key=shares.__getitem__, default=None)
        if best is None or shares[best] <= _INSIDE_SHARE * shape.area:
            joined.append(as_polygon(word))
        else:
            members.setdefault(best, []).append(as_polygon(word))
    for polygons in members.values():
        hull = shapely.MultiPoint(np.concatenate(polygons)).convex_hull
        joined.append(as_polygon(shapely.get_coordinates(hull)[:-1]))
    return joined
