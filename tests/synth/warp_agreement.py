"""A warp's pixels held against its points."""

from __future__ import annotations

import cv2
import numpy as np

from ocrsmith.geometry import box_quad
from ocrsmith.synth.warps import Warp

WIDTH, HEIGHT = 320, 96


def _edge_points(left: float, top: float, right: float, bottom: float, num: int = 24) -> np.ndarray:
    """The outline of a box as many points: a bent edge is not a straight one between its corners."""
    corners = box_quad(left, top, right, bottom)
    shares = np.linspace(0, 1, num, endpoint=False)[:, None]
    return np.concatenate([c + shares * (n - c) for c, n in zip(corners, np.roll(corners, -1, axis=0))])


def assert_agree(warp: Warp, box: tuple[int, int, int, int], width: int = WIDTH, height: int = HEIGHT) -> None:
    """A flat box warped as a picture and as a polygon: the two may part by one px at most."""
    left, top, right, bottom = box
    picture = np.zeros((height, width), np.uint8)
    picture[top:bottom, left:right] = 255
    pixels = warp.image(picture, border=0) >= 128
    outline = warp.points(_edge_points(left, top, right, bottom))
    drawn = np.zeros((warp.out_size[1], warp.out_size[0]), np.uint8)
    # Continuous coordinates: the centre of pixel i is at i + 0.5.
    cv2.fillPoly(drawn, [np.rint((outline - 0.5) * 16).astype(np.int32)], 1, shift=4)
    kernel = np.ones((3, 3), np.uint8)
    grown, shrunk = cv2.dilate(drawn, kernel), cv2.erode(drawn, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    assert not (pixels & (grown == 0)).any(), "pixels lie more than one px outside the warped quad"
    assert not (~pixels & (shrunk == 1)).any(), "the warped quad holds holes more than one px deep"
