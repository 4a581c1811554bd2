"""keras-ocr's pipeline: a detector and a recogniser in one call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocrsmith.compat.keras_ocr.boxes import adjust_boxes
from ocrsmith.compat.keras_ocr.detection import Detector
from ocrsmith.compat.keras_ocr.pictures import read, resize_image
from ocrsmith.compat.keras_ocr.recognition import Recognizer

Prediction = tuple[str, NDArray[np.float32]]


class Pipeline:
    """Finds and reads words.

    Args:
        detector, recognizer: made with their released weights where None.
        scale: how much pictures are enlarged before detection.
        max_size: px; the longer side after that is at most this.
    """

    def __init__(
        self,
        detector: Detector | None = None,
        recognizer: Recognizer | None = None,
        scale: float = 2,
        max_size: int = 2048,
    ) -> None:
        self.scale = scale
        self.detector = detector if detector is not None else Detector()
        self.recognizer = recognizer if recognizer is not None else Recognizer()
        self.max_size = max_size

    def recognize(
        self,
        images: Iterable[Any],
        detection_kwargs: dict[str, Any] | None = None,
        recognition_kwargs: dict[str, Any] | None = None,
    ) -> list[list[Prediction]]:
        """For each picture its (text, box) pairs; boxes (4, 2) float32, clockwise, in the picture's own px.

        Pictures are taken one after the other, so that memory does not grow with their number; keras-ocr runs all of
        them, padded to the largest, as one batch.

        Args:
            images: pictures, or what `tools.read` takes.
            detection_kwargs, recognition_kwargs: for `Detector.detect` and `Recognizer.recognize_from_boxes`.
        """
        if isinstance(images, np.ndarray) and images.ndim == 3:
            images = [images]
        found: list[list[Prediction]] = []
        for image in images:
            resized, scale = resize_image(read(image), max_scale=self.scale, max_size=self.max_size)
            boxes = self.detector.detect([resized], **(detection_kwargs or {}))
            texts = self.recognizer.recognize_from_boxes([resized], boxes, **(recognition_kwargs or {}))
            placed = adjust_boxes(boxes[0], scale=1 / scale, boxes_format="boxes")
            found.append(list(zip(texts[0], placed, strict=True)))
        return found
