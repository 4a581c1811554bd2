"""Warps of a matrix, and one warp after the other."""

from __future__ import annotations

import numpy as np

from ocrsmith.geometry import box_quad
from ocrsmith.synth.curved_warps import waves
from ocrsmith.synth.warps import affine, compose, matrix_warp


def test_a_matrix_is_followed_exactly() -> None:
    warp = matrix_warp([[1, 0, 10], [0, 1, -4]], (40, 30), (60, 20))
    picture = np.zeros((30, 40, 3), np.uint8)
    picture[10:20, 5:9] = 200
    moved = warp.image(picture, border=0)
    assert moved.shape == (20, 60, 3)
    assert (moved[6:16, 15:19] == 200).all() and moved.sum() == picture.sum()
    assert warp.points([[5, 10]]).tolist() == [[15, 6]]


def test_composition_is_one_after_the_other() -> None:
    first, second = affine(100, 80, 5.0), waves(100, 80, 3.0, 90.0)
    both = compose(first, second)
    points = box_quad(30, 20, 60, 50)
    assert np.allclose(both.points(points), second.points(first.points(points)), atol=0.05)
    matrices = compose(first, affine(100, 80, -5.0))
    assert matrices.matrix is not None and np.allclose(matrices.points(points), points, atol=1e-3)
