"""Augmenting a picture together with its boxes, lines or predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocrsmith.compat.keras_ocr.boxes import BoxesFormat, boxes_of, replace_boxes
from ocrsmith.errors import InputError
from ocrsmith.geometry import area, inside_share
from ocrsmith.samples import Image

Points = NDArray[np.float32]


def augment(
    boxes: Any,
    augmenter: Any,
    image: Image | None = None,
    boxes_format: BoxesFormat = "boxes",
    image_shape: tuple[int, ...] | None = None,
    area_threshold: float = 0.5,
    min_area: float | None = None,
) -> Any:
    """Moves a picture and its boxes together; boxes that leave the picture are dropped, the others cut at its edge.

    Args:
        boxes: in `boxes_format`.
        augmenter: an imgaug augmenter, or any callable that takes `image` (H, W, 3) and `keypoints` (N, 2) and returns
            both, as a pair or under these two names as albumentations does.
        image: the picture, or its `image_shape` where only the boxes are wanted.
        area_threshold: a box with a smaller share of its area in the picture is dropped.
        min_area: px; a box with less is dropped.

    Returns:
        (image, boxes), or the boxes alone where only `image_shape` was given.
    """
    if image is None and image_shape is None:
        raise InputError("augment came without image and image_shape. Give one of them.")
    shown = image if image is not None else np.zeros((*image_shape[:2], 3), np.uint8)  # type: ignore[index]
    quads = boxes_of(boxes, boxes_format)
    points = np.concatenate(quads) if quads else np.zeros((0, 2), np.float32)
    moved_image, moved = _apply(augmenter, np.ascontiguousarray(shown), points)
    if len(moved) != len(points):
        raise InputError(
            f"The augmenter gave {len(moved)} of {len(points)} keypoints back. It must keep those that leave the "
            "picture: in albumentations, KeypointParams(format='xy', remove_invisible=False)."
        )
    height, width = moved_image.shape[:2]
    kept: list[Points | None] = []
    for quad in moved.reshape(-1, 4, 2):
        visible = area(quad) >= (min_area or 0) and inside_share(quad, width, height) >= area_threshold
        kept.append(np.clip(quad, 0, (width, height)).astype(np.float32) if visible else None)
    changed = replace_boxes(boxes, kept, boxes_format)
    return (moved_image, changed) if image is not None else changed


def _apply(augmenter: Any, image: Image, points: Points) -> tuple[Image, Points]:
    if hasattr(augmenter, "to_deterministic"):
        # imgaug moves points of the same draw only through its own type.
        from imgaug.augmentables.kps import KeypointsOnImage

        fixed = augmenter.to_deterministic()
        placed = KeypointsOnImage.from_xy_array(points, shape=image.shape)
        moved = fixed.augment_keypoints([placed])[0].to_xy_array()
        return fixed.augment_image(image), np.asarray(moved, np.float32).reshape(-1, 2)
    result = augmenter(image=image, keypoints=points)
    pair = (result["image"], result["keypoints"]) if isinstance(result, Mapping) else result
    return pair[0], np.asarray(pair[1], np.float32).reshape(-1, 2)[:, :2]
