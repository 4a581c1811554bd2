"""Quads, lines and predictions in keras-ocr's shapes: rotated boxes, crops, order within a line, scaling and drawing.

A line is a list of `(box (4, 2), character)`; keras-ocr's first releases wrote `((x1, y1), (x2, y2), (x3, y3), (x4,
y4), character)` instead, and both are read everywhere. A prediction is `(text, box)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import cv2
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from ocrsmith.errors import LabelError
from ocrsmith.geometry import as_quad, order_clockwise
from ocrsmith.images import draw_polygons

Box = NDArray[np.float32]
Line = list[tuple[Box, str]]
BoxesFormat = Literal["boxes", "lines", "predictions"]
BOXES_FORMATS = ("boxes", "lines", "predictions")


def as_line(line: Iterable[Any]) -> Line:
    """A line in either spelling as `[(box (4, 2) float32, character), ...]`; raises LabelError for anything else."""
    entries: Line = []
    for entry in line:
        points = entry[0] if len(entry) == 2 else entry[:4]
        if len(entry) not in (2, 5):
            raise LabelError(
                f"A line holds an entry of {len(entry)} parts. (box, character), or four points and the character, was "
                "expected."
            )
        entries.append((as_quad(points), entry[-1]))
    return entries


def check_boxes_format(boxes_format: str) -> None:
    """Raises LabelError naming the three that there are."""
    if boxes_format not in BOXES_FORMATS:
        raise LabelError(f"boxes_format came as {boxes_format!r}. Use one of {', '.join(BOXES_FORMATS)}.")


def boxes_of(boxes: Iterable[Any], boxes_format: str) -> list[Box]:
    """The quads in any of the three formats, in their order."""
    check_boxes_format(boxes_format)
    if boxes_format == "lines":
        return [box for line in boxes for box, _ in as_line(line)]
    if boxes_format == "predictions":
        return [as_quad(box) for _, box in boxes]
    return [as_quad(box) for box in boxes]


def replace_boxes(boxes: Sequence[Any], new: Sequence[Box | None], boxes_format: str) -> Any:
    """The same structure with other quads, as many as `boxes_of` gives; None leaves an entry out, and empty lines."""
    check_boxes_format(boxes_format)
    if boxes_format == "boxes":
        kept = [box for box in new if box is not None]
        return np.array(kept, np.float32) if kept else np.zeros((0, 4, 2), np.float32)
    if boxes_format == "predictions":
        return [(text, box) for (text, _), box in zip(boxes, new, strict=True) if box is not None]
    remaining = iter(new)
    lines = [[(next(remaining), character) for _, character in as_line(line)] for line in boxes]
    return [left for line in lines if (left := [(box, c) for box, c in line if box is not None])]


def get_rotated_box(points: ArrayLike) -> tuple[Box, float]:
    """The smallest rotated rectangle round points (N, 2): its corners from the upper left, clockwise, and its angle.

    The left corners are the two of least x, the upper of them first; of the two right ones the farther is the lower.
    The angle, in radians, is that of the left side with the vertical. Points without an area come back as they are.
    """
    given = np.asarray(points, np.float64).reshape(-1, 2)
    rectangle = shapely.minimum_rotated_rectangle(shapely.MultiPoint(given))
    corners = np.asarray(rectangle.exterior.coords)[:-1] if rectangle.geom_type == "Polygon" else given
    if len(corners) != 4:
        raise LabelError(f"{len(given)} points came that span no area. Four corners of a box were expected.")
    by_x = corners[np.argsort(corners[:, 0])]
    left = by_x[:2][np.argsort(by_x[:2, 1])]
    far = np.argsort(np.linalg.norm(by_x[2:] - left[0], axis=1))[::-1]
    lower_right, upper_right = by_x[2:][far]
    with np.errstate(divide="ignore", invalid="ignore"):
        angle = float(np.arctan(np.divide(left[0, 0] - left[1, 0], left[0, 1] - left[1, 1])))
    return np.array([left[0], upper_right, lower_right, left[1]], np.float32), angle


def get_rotated_width_height(box: ArrayLike) -> tuple[int, int]:
    """(width, height) in whole px: the mean of a box's two opposite sides, cut off."""
    q = np.asarray(box, np.float64)
    sides = np.linalg.norm(np.roll(q, -1, axis=0) - q, axis=1)
    return int((sides[0] + sides[2]) / 2), int((sides[3] + sides[1]) / 2)


def warpBox(
    image: NDArray[np.uint8],
    box: ArrayLike,
    target_height: int | None = None,
    target_width: int | None = None,
    margin: int = 0,
    cval: int | tuple[int, int, int] | None = None,
    return_transform: bool = False,
    skip_rotate: bool = False,
) -> Any:
    """Cuts a box out, upright, letterboxed from the top left into the target's size on `cval` (black).

    Args:
        image: (H, W, 3) or (H, W) uint8.
        box: (4, 2) px.
        target_height, target_width: px, both or neither; the box's own size where neither is given.
        margin: px that the box is kept away from the crop's edge.
        return_transform: returns (crop, matrix (3, 3)) instead of the crop.
        skip_rotate: takes the corners in the order given, not by `get_rotated_box`.
    """
    if (target_width is None) != (target_height is None):
        raise LabelError(
            f"target_height came as {target_height} and target_width as {target_width}. Give both or neither."
        )
    corners = as_quad(box) if skip_rotate else get_rotated_box(box)[0]
    width, height = (max(1, side) for side in get_rotated_width_height(corners))
    target_width, target_height = target_width or width, target_height or height
    scale = min(target_width / width, target_height / height)
    right, bottom = scale * width - margin, scale * height - margin
    inner = np.array([[margin, margin], [right, margin], [right, bottom], [margin, bottom]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, inner)
    crop = cv2.warpPerspective(image, matrix, (max(1, int(scale * width)), max(1, int(scale * height))))
    full = np.empty((target_height, target_width, *image.shape[2:]), np.uint8)
    full[...] = 0 if cval is None else np.asarray(cval)
    full[: crop.shape[0], : crop.shape[1]] = crop[:target_height, :target_width]
    return (full, matrix) if return_transform else full


def fix_line(line: Iterable[Any]) -> tuple[Line, Literal["horizontal", "vertical"]]:
    """The characters of a line in reading order, left to right or top to bottom, and which of the two it is."""
    entries = [(get_rotated_box(box)[0], character) for box, character in as_line(line)]
    if not entries:
        return [], "horizontal"
    centres = np.array([box.mean(axis=0) for box, _ in entries])
    across, down = np.ptp(centres, axis=0)
    axis = 1 if down > across else 0
    return [entries[i] for i in centres[:, axis].argsort(kind="stable")], "vertical" if axis else "horizontal"


def combine_line(line: Iterable[Any]) -> tuple[Box, str]:
    """(box, text) of a whole line: the smallest rotated rectangle, its first corner next to the first character's."""
    entries = as_line(line)
    if not entries:
        raise LabelError("An empty line came to be combined. Leave out lines without characters.")
    points = np.concatenate([box for box, _ in entries])
    corners = order_clockwise(cv2.boxPoints(cv2.minAreaRect(points)))
    first = int(np.linalg.norm(corners - points[0], axis=1).argmin())
    return np.roll(corners, -first, axis=0), "".join(character or "" for _, character in entries)


def adjust_boxes(boxes: Any, scale: float = 1, boxes_format: BoxesFormat = "boxes") -> Any:
    """Boxes, lines or predictions with every coordinate multiplied by `scale`."""
    check_boxes_format(boxes_format)
    if scale == 1:
        return boxes
    return replace_boxes(boxes, [box * np.float32(scale) for box in boxes_of(boxes, boxes_format)], boxes_format)


def flatten(list_of_lists: Iterable[Iterable[Any]]) -> list[Any]:
    """One list of the entries of several."""
    return [entry for entries in list_of_lists for entry in entries]


def drawBoxes(
    image: NDArray[np.uint8],
    boxes: Any,
    color: tuple[int, int, int] = (255, 0, 0),
    thickness: int = 5,
    boxes_format: BoxesFormat = "boxes",
) -> NDArray[np.uint8]:
    """A copy of the picture with boxes, lines or predictions drawn on it."""
    quads = boxes_of(boxes, boxes_format)
    return draw_polygons(image, quads, color, thickness) if quads else image


def drawAnnotations(image: NDArray[np.uint8], predictions: Sequence[tuple[str, ArrayLike]], ax: Any = None) -> Any:
    """Shows a picture with its boxes, and beside it each text with an arrow to its box; returns the matplotlib axes."""
    import matplotlib.pyplot

    if ax is None:
        _, ax = matplotlib.pyplot.subplots()
    ax.imshow(drawBoxes(image, predictions, boxes_format="predictions"))
    ax.set_xticks([])
    ax.set_yticks([])
    height, width = image.shape[:2]
    sides: dict[bool, list[tuple[str, Box]]] = {True: [], False: []}
    for text, box in sorted(((t, as_quad(b)) for t, b in predictions), key=lambda p: float(p[1][:, 1].min())):
        sides[float(box[:, 0].mean()) < width / 2].append((text, box))
    for on_left, listed in sides.items():
        for index, (text, box) in enumerate(listed):
            place = (index + 0.5) / len(listed)
            ax.annotate(
                text,
                xy=(float(box[0, 0]) / width, 1 - float(box[0, 1]) / height),
                xytext=(-0.05 if on_left else 1.05, 1 - place),
                xycoords="axes fraction",
                arrowprops={"arrowstyle": "->", "color": "r"},
                color="r",
                fontsize=14,
                horizontalalignment="right" if on_left else "left",
            )
    return ax
