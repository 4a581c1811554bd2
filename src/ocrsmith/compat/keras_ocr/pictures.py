"""Reading and fitting pictures as keras-ocr's tools do."""

from __future__ import annotations

import math
import urllib.error
import urllib.request
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.downloads import TIMEOUT_SECONDS
from ocrsmith.errors import DownloadError, InputError
from ocrsmith.images import read_image
from ocrsmith.samples import Image

# A picture from the web; larger than the largest JPEG that `read_image` accepts is likely to be.
MAX_PICTURE_BYTES = 256 * 1024**2


def read(filepath_or_buffer: Any) -> Image:
    """A picture from a path, an http(s) address, bytes, a file object, a PIL image or an array, as (H, W, 3) RGB.

    Raises:
        InputError: absent, damaged, or no picture.
        DownloadError: an address that does not answer.
    """
    if isinstance(filepath_or_buffer, str) and filepath_or_buffer.startswith(("http://", "https://")):
        return read_image(_fetch(filepath_or_buffer))
    return read_image(filepath_or_buffer)


def _fetch(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"User-Agent": "ocrsmith"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            content: bytes = answer.read(MAX_PICTURE_BYTES + 1)
    except urllib.error.HTTPError as error:
        with error:
            raise DownloadError(f"{url} answered {error.code} {error.reason}. Check the address.") from None
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise DownloadError(f"{url} could not be reached ({error}). Check the connection, or give a file.") from None
    if len(content) > MAX_PICTURE_BYTES:
        raise DownloadError(f"{url} has more than {MAX_PICTURE_BYTES:,} bytes. Download it and give its path.")
    return content


def pad(image: NDArray[np.uint8], width: int, height: int, cval: int = 255) -> NDArray[np.uint8]:
    """Pads at the right and below to (height, width) with `cval`."""
    if width < image.shape[1] or height < image.shape[0]:
        raise InputError(
            f"A picture of {image.shape[1]} x {image.shape[0]} px was to be padded to {width} x {height}. The target "
            "must not be smaller: use fit, which also shrinks."
        )
    padded = np.full((height, width, *image.shape[2:]), cval, np.uint8)
    padded[: image.shape[0], : image.shape[1]] = image
    return padded


def resize_image(image: Image, max_scale: float, max_size: float) -> tuple[Image, float]:
    """(picture, scale): enlarged by `max_scale`, or by less so that its longer side is `max_size` at most."""
    longest = max(image.shape[:2])
    scale = max_size / longest if longest * max_scale > max_size else max_scale
    size = max(1, int(image.shape[1] * scale)), max(1, int(image.shape[0] * scale))
    return cv2.resize(image, size), scale  # type: ignore[return-value]


def fit(
    image: Image,
    width: int,
    height: int,
    cval: int = 255,
    mode: str = "letterbox",
    return_scale: bool = False,
) -> Any:
    """Resizes to (height, width), the aspect kept: whole and padded ("letterbox"), or filling and cut ("crop").

    Both keep the upper left corner. With `return_scale`, (picture, scale).
    """
    if mode not in ("letterbox", "crop"):
        raise InputError(f"mode came as {mode!r}. Use 'letterbox' or 'crop'.")
    ratios = width / image.shape[1], height / image.shape[0]
    scale = min(ratios) if mode == "letterbox" else max(ratios)
    # One hair is taken off before rounding up: 3 * (10 / 3) is 10.000000000000002.
    rounding = math.ceil if mode == "crop" else math.floor
    hair = -1e-9 if mode == "crop" else 1e-9
    size = max(1, rounding(image.shape[1] * scale + hair)), max(1, rounding(image.shape[0] * scale + hair))
    resized = image if size == (image.shape[1], image.shape[0]) else cv2.resize(image, size)
    fitted = pad(resized[:height, :width], width, height, cval)  # type: ignore[arg-type]
    return (fitted, scale) if return_scale else fitted


def read_and_fit(filepath_or_array: Any, width: int, height: int, cval: int = 255, mode: str = "letterbox") -> Image:
    """`read`, then `fit`."""
    fitted: Image = fit(read(filepath_or_array), width, height, cval, mode)
    return fitted
