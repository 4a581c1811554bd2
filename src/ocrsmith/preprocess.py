"""The one preprocessing path: the same resize, pad and normalise for training, evaluation, reading and export.

A bundle carries these contracts as JSON, so that what a network was trained on is what it is fed.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.errors import BundleError
from ocrsmith.samples import Image, check_image

ChannelOrder = Literal["rgb", "bgr", "gray"]
Fit = Literal["pad", "stretch", "letterbox"]


def _checked(cls: type, form: dict[str, Any]) -> dict[str, Any]:
    known = {field.name for field in fields(cls)}
    unknown = sorted(set(form) - known)
    if unknown:
        raise BundleError(
            f"The preprocessing contract {cls.__name__} came with unknown keys {unknown}. "
            "It was written by a newer ocrsmith: update this one."
        )
    return {key: tuple(value) if isinstance(value, list) else value for key, value in form.items()}


def _normalise(stack: NDArray[np.uint8], channels: ChannelOrder, mean: Any, std: Any) -> NDArray[np.float32]:
    """(B, H, W, 3) RGB uint8 -> (B, C, H, W) float32, (value / 255 - mean) / std."""
    scale = 1.0 / (255.0 * np.asarray(std, np.float32))
    offset = np.asarray(mean, np.float32) / np.asarray(std, np.float32)
    if channels == "gray":
        # The luma weights of ITU-R BT.601, as OpenCV's RGB2GRAY.
        luma = np.array([0.299, 0.587, 0.114], np.float32)
        grey: Any = np.dot(stack.astype(np.float32), luma)[..., None] * scale - offset
        return np.ascontiguousarray(grey.transpose(0, 3, 1, 2))
    batch, height, width = stack.shape[:3]
    out = np.empty((batch, 3, height, width), np.float32)
    if not stack.size:
        return out
    scales, offsets = np.broadcast_to(scale, 3), np.broadcast_to(offset, 3)
    rows, taken = stack.reshape(batch * height, width, 3), np.empty((batch * height, width), np.uint8)
    # Plane by plane into place: a tenth of the time of converting, scaling and transposing the whole.
    for index, source in enumerate((0, 1, 2) if channels == "rgb" else (2, 1, 0)):
        cv2.extractChannel(rows, source, taken)
        plane = out[:, index]
        np.multiply(taken.reshape(batch, height, width), scales[index], out=plane, dtype=np.float32)
        plane -= offsets[index]
    return out


@functools.lru_cache(maxsize=4096)
def _rung(width: int, height: int, multiple: int) -> int:
    rung = -(-2 * height // multiple) * multiple
    while rung < width:
        rung = -(-5 * rung // (4 * multiple)) * multiple
    return rung


@dataclass(frozen=True)
class RecognizerInput:
    """How a crop becomes a recogniser's input.

    Attributes:
        height: px that every crop is resized to, its aspect kept ("pad", "letterbox") or not ("stretch").
        min_width, max_width: px of the resized crop; wider crops are squeezed to max_width.
        width_multiple: a batch's width is rounded up to it, so that a network's strides divide it.
        fit: "pad" pads at the right; "letterbox" pads right or below to (height, max_width) exactly, as keras-ocr;
            "stretch" resizes to (height, max_width).
        pad_value: 0..255, the grey that pads, before normalisation.
        repeat_edge: a batch is padded by each crop's last column instead, as EasyOCR does.
        channels: "rgb", "bgr" or "gray"; mean and std: one number a channel, on values in 0..1, in that order.
        step_px: px of width per CTC step of the network that reads this.
        lost_steps: steps that the network drops at the edges (a convolution without padding, keras-ocr's first two).
    """

    height: int = 32
    min_width: int = 16
    max_width: int = 2048
    width_multiple: int = 16
    fit: Fit = "pad"
    pad_value: int = 0
    channels: ChannelOrder = "rgb"
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)
    step_px: int = 4
    lost_steps: int = 0
    repeat_edge: bool = False

    def resize(self, crop: Image) -> Image:
        """(h, w, 3) -> (height, w', 3) uint8; w' follows the aspect unless fit is "stretch" or "letterbox"."""
        check_image(crop)
        h, w = crop.shape[:2]
        if self.fit == "stretch":
            return _resized(crop, self.max_width, self.height)
        if self.fit == "letterbox":
            scale = min(self.max_width / w, self.height / h)
            inner = _resized(crop, max(1, round(w * scale)), max(1, round(h * scale)))
            canvas = np.full((self.height, self.max_width, 3), self.pad_value, np.uint8)
            canvas[: inner.shape[0], : inner.shape[1]] = inner
            return canvas
        width = min(max(round(w * self.height / h), self.min_width), self.max_width)
        return _resized(crop, width, self.height)

    def batch_width(self, widths: Sequence[int]) -> int:
        """The width that a batch of resized crops is padded to."""
        return math.ceil(max(widths) / self.width_multiple) * self.width_multiple

    def padded_width(self, width_px: float) -> int:
        """The width that a batch is padded to whose widest resized crop is so wide, in training and in reading alike.

        It is the least of a few, twice the height, then a quarter more each, `max_width` at most: engines and compilers
        make kernels for each width, and a network reads best what is padded as in its training.
        """
        most = self.batch_width([self.max_width])
        return min(_rung(math.ceil(width_px), self.height, self.width_multiple), most) if self.fit == "pad" else most

    def stack(self, resized: Sequence[Image], least_width: int = 0) -> NDArray[np.uint8]:
        """Resized crops -> (B, height, W, 3) uint8, padded at the right with `pad_value`, to `least_width` at least."""
        width = self.batch_width([least_width, *(crop.shape[1] for crop in resized)])
        out = np.full((len(resized), self.height, width, 3), self.pad_value, np.uint8)
        for row, crop in zip(out, resized, strict=True):
            row[:, : crop.shape[1]] = crop
            if self.repeat_edge:
                row[:, crop.shape[1] :] = crop[:, -1:]
        return out

    def normalize(self, stack: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(B, H, W, 3) uint8 RGB -> (B, C, H, W) float32."""
        return _normalise(stack, self.channels, self.mean, self.std)

    def num_steps(self, width_px: int) -> int:
        """CTC steps that a resized crop of this width has to write its text in."""
        return max(1, width_px // self.step_px - self.lost_steps)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, form: dict[str, Any]) -> RecognizerInput:
        """Reads what `to_dict` wrote; raises BundleError on unknown keys."""
        return cls(**_checked(cls, form))


@dataclass(frozen=True)
class DetectorInput:
    """How a page becomes a detector's input.

    Attributes:
        multiple: both sides are padded below and at the right up to a multiple of it.
        map_stride: px of input per px of the output maps.
        pad_value: 0..255; channels, mean, std as in RecognizerInput.
    """

    multiple: int = 32
    map_stride: int = 2
    pad_value: int = 0
    channels: ChannelOrder = "rgb"
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)

    def resize(self, image: Image, scale: float) -> Image:
        """Resizes a page by `scale` (area interpolation when shrinking), at least one multiple a side after padding."""
        check_image(image)
        h, w = image.shape[:2]
        return _resized(image, max(1, round(w * scale)), max(1, round(h * scale)))

    def stack(self, resized: Sequence[Image]) -> NDArray[np.uint8]:
        """Pages -> (B, H, W, 3) uint8, padded below and right with `pad_value` to a common multiple."""
        height, width = (
            math.ceil(max(image.shape[axis] for image in resized) / self.multiple) * self.multiple for axis in (0, 1)
        )
        out = np.full((len(resized), height, width, 3), self.pad_value, np.uint8)
        for page, image in zip(out, resized, strict=True):
            page[: image.shape[0], : image.shape[1]] = image
        return out

    def normalize(self, stack: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(B, H, W, 3) uint8 RGB -> (B, C, H, W) float32."""
        return _normalise(stack, self.channels, self.mean, self.std)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, form: dict[str, Any]) -> DetectorInput:
        """Reads what `to_dict` wrote; raises BundleError on unknown keys."""
        return cls(**_checked(cls, form))


def _resized(image: Image, width: int, height: int) -> Image:
    if (image.shape[1], image.shape[0]) == (width, height):
        return image
    shrinks = width < image.shape[1] and height < image.shape[0]
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)  # type: ignore[return-value]
