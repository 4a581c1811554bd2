from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ocrsmith.geometry import order_clockwise
from ocrsmith.reading.detections import order_quads, rectangle_corners

RECTANGLES = st.lists(
    st.tuples(st.floats(-500, 500), st.floats(-500, 500), st.floats(1, 300), st.floats(1, 300), st.floats(0, 90)),
    min_size=1,
    max_size=8,
)


@given(RECTANGLES)
def test_rectangles_have_opencvs_corners_clockwise_from_the_upper_left(
    rectangles: list[tuple[float, float, float, float, float]],
) -> None:
    parts = np.array(rectangles, np.float32)
    corners = rectangle_corners(parts[:, :2], parts[:, 2:4], parts[:, 4])
    for own, (x, y, width, height, degrees) in zip(order_quads(corners), parts.tolist(), strict=True):
        theirs = order_clockwise(cv2.boxPoints(((x, y), (width, height), degrees)))
        # Of two corners with the same x + y either may be the first.
        turns = [np.abs(np.roll(theirs, turn, axis=0) - own).max() for turn in (-1, 0, 1)]
        assert min(turns) < 1e-2
        assert own.sum(axis=1).argmin() == 0


def test_the_first_corner_is_the_upper_left_whichever_came_first() -> None:
    upright = np.array([[[0, 0], [4, 0], [4, 2], [0, 2]]], np.float32)
    for turn in range(4):
        np.testing.assert_array_equal(order_quads(np.roll(upright, turn, axis=1)), upright)
    assert order_quads(np.zeros((0, 4, 2), np.float32)).shape == (0, 4, 2)
