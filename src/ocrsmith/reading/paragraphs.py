"""Lines in reading order -> paragraphs: neighbouring lines of a like height, close below each other."""

from __future__ import annotations

from collections.abc import Sequence

from ocrsmith.geometry import Quad, bounds, quad_size
from ocrsmith.reading.orientation import upright_points
from ocrsmith.reading.page import Line, Page

# In heights of the text: the widest gap between two lines of one paragraph.
MAX_LEADING = 1.2


def paragraphs(page: Page) -> list[tuple[Line, ...]]:
    """Groups the page's lines, in order; every line is in exactly one paragraph."""
    groups: list[list[Line]] = []
    above: Quad | None = None
    for line in page.lines:
        quad = upright_points(line.polygon, page.rotation // 90, page.size)
        if above is not None and _continues(above, quad):
            groups[-1].append(line)
        else:
            groups.append([line])
        above = quad
    return [tuple(group) for group in groups]


def _continues(above: Quad, below: Quad) -> bool:
    heights = [quad_size(quad)[1] for quad in (above, below)]
    left_above, _, right_above, bottom = bounds(above)
    left, top, right, _ = bounds(below)
    size = max(min(heights), 1e-3)
    overlaps = min(right, right_above) > max(left, left_above)
    return max(heights) <= 1.5 * size and -0.7 * size <= top - bottom <= MAX_LEADING * size and overlaps


def line_height(lines: Sequence[Line]) -> float:
    """px: the mean height of some lines."""
    return sum(quad_size(line.polygon)[1] for line in lines) / max(1, len(lines))
