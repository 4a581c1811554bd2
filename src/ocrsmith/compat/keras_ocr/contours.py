"""Where text may stand: the largest even region of a picture, and that region seen through a rotation."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ocrsmith.samples import Image

Contour = NDArray[np.float32]
# Grey levels that black and white ink stand out from.
_DARK, _LIGHT = 100, 155


def get_rotation_matrix(
    width: int, height: int, thetaX: float = 0, thetaY: float = 0, thetaZ: float = 0
) -> NDArray[np.float64]:
    """(3, 3): turns a sheet of (height, width) px about its centre and looks at it; angles in degrees.

    X tips it backwards, Y turns it sideways, Z turns it in its own plane. The eye is as far off as the sheet's diagonal
    is long.
    """
    x, y, z = np.deg2rad([thetaX, thetaY, thetaZ])
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    turned = about_x @ about_y @ about_z
    distance = float(np.hypot(width, height))
    # A point (u, v, 0) of the sheet is turned, moved away from the eye and projected back to the sheet's size.
    planar = turned[:, [0, 1]]
    project = np.array(
        [
            [distance * planar[0, 0], distance * planar[0, 1], 0],
            [distance * planar[1, 0], distance * planar[1, 1], 0],
            [planar[2, 0], planar[2, 1], distance],
        ]
    )
    to_centre = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]], np.float64)
    back = np.array([[1, 0, width / 2], [0, 1, height / 2], [0, 0, 1]], np.float64)
    matrix = back @ project @ to_centre
    return np.asarray(matrix / matrix[2, 2], np.float64)


def get_maximum_uniform_contour(image: Image, fontsize: float, margin: int = 0) -> tuple[Contour | None, bool | None]:
    """(contour (P, 1, 2), whether it is dark) of the largest light or dark region, (None, None) where there is none.

    The region holds a square of `fontsize` px somewhere, and keeps `margin` px from the picture's edge.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    side = max(3, int(fontsize) // 8 | 1)
    smooth = cv2.blur(grey, (side, side))
    square = np.ones((max(1, int(fontsize)),) * 2, np.uint8)
    best: tuple[float, Any, bool] | None = None
    for dark in (True, False):
        mask = ((smooth < _DARK) if dark else (smooth > _LIGHT)).astype(np.uint8)
        if margin > 0:
            inside = np.zeros_like(mask)
            inside[margin:-margin, margin:-margin] = mask[margin:-margin, margin:-margin]
            mask = inside
        # What is narrower than a letter goes, and holes smaller than a third of one do not matter.
        hole = np.ones((max(1, int(fontsize) // 3),) * 2, np.uint8)
        filled: Any = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, hole)
        opened = cv2.morphologyEx(filled, cv2.MORPH_OPEN, square)
        contours, _ = cv2.findContours(opened, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        for contour in contours:
            size = cv2.contourArea(contour)
            if size >= fontsize**2 and (best is None or size > best[0]):
                best = (size, contour, dark)
    return (None, None) if best is None else (best[1].astype(np.float32), best[2])


def compute_transformed_contour(
    width: int, height: int, fontsize: float, M: ArrayLike, contour: ArrayLike, minarea: float = 0.5
) -> Contour | None:
    """The contour (P, 2) as it lies on a canvas before the transform `M`, cut to that canvas; None where nothing does.

    What is cut off by M, and pieces with less than `minarea` of a letter's square, are left out.
    """
    mask = permitted_mask(width, height, M, contour)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    sizes = [cv2.contourArea(found) for found in contours]
    if not sizes or max(sizes) < minarea * fontsize**2:
        return None
    return contours[int(np.argmax(sizes))].reshape(-1, 2).astype(np.float32)


def permitted_mask(width: int, height: int, M: ArrayLike, contour: ArrayLike | None) -> NDArray[np.uint8]:
    """(height, width) 0 or 1: the canvas's pixels that M takes into the contour, or into the picture where None."""
    mask = np.zeros((height, width), np.uint8)
    if contour is None:
        mask[:] = 1
    else:
        cv2.fillPoly(mask, [np.asarray(contour, np.float64).reshape(-1, 2).round().astype(np.int32)], 1)
    matrix = np.asarray(M, np.float64)
    if np.allclose(matrix, np.eye(3)):
        return mask
    return cv2.warpPerspective(mask, np.linalg.inv(matrix), (width, height), flags=cv2.INTER_NEAREST)  # type: ignore[return-value]
