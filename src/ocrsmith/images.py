"""Reading, writing and drawing pictures. Everything inside ocrsmith is uint8 RGB (H, W, 3)."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image as PillowImage
from PIL import ImageOps, UnidentifiedImageError

import ocrsmith.forks  # noqa: F401 - whoever draws may fork
from ocrsmith.errors import InputError, StorageError
from ocrsmith.samples import Image

# A 200-megapixel page is 600 MB once decoded; past that a file is taken for a decompression bomb.
MAX_PIXELS = 200_000_000
# Of EXIF: 1 is upright.
_ORIENTATION = 0x0112

ImageSource = str | Path | bytes | bytearray | IO[bytes] | NDArray[Any] | PillowImage.Image


def read_image(source: ImageSource, *, max_pixels: int = MAX_PIXELS) -> Image:
    """Reads any kind of picture into uint8 RGB (H, W, 3).

    EXIF orientation is applied, alpha is laid on white, 1-bit, 16-bit, palette and CMYK are converted, and of an
    animated or multi-page file the first frame is taken.

    Raises:
        InputError: absent, damaged, truncated, not an image, without pixels, or larger than `max_pixels`.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels)
    name = str(source) if isinstance(source, (str, Path)) else "the picture"
    if isinstance(source, PillowImage.Image):
        return _from_pillow(source, name, max_pixels)
    if isinstance(source, (bytes, bytearray)):
        source = io.BytesIO(source)
    elif isinstance(source, (str, Path)):
        path = Path(source)
        if not path.exists():
            raise InputError(f"The picture {name} does not exist. Check the path.")
        if path.is_dir():
            raise InputError(f"{name} is a folder. A picture was expected: name its files, or use a glob.")
    elif not hasattr(source, "read"):
        # None is what OpenCV gives for a file that it cannot read.
        raise InputError(
            f"{type(source).__name__} came as a picture. A path, bytes, a file object, an array or a PIL image was "
            "expected."
        )
    try:
        with warnings.catch_warnings():
            # Pillow warns on large pictures; the bound here decides instead.
            warnings.simplefilter("ignore")
            with PillowImage.open(source) as opened:
                plain = _plain_webp(opened, source, max_pixels) if isinstance(source, (str, Path)) else None
                return _from_pillow(opened, name, max_pixels) if plain is None else plain
    except UnidentifiedImageError:
        return _from_opencv(source, name, max_pixels)
    except PillowImage.DecompressionBombError as error:
        raise InputError(f"{name} is too large to open safely. {error}") from None
    except InputError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, OverflowError, TypeError, KeyError) as error:
        raise InputError(f"{name} is damaged or cut short ({error}). Export or download it again.") from None


def _plain_webp(picture: PillowImage.Image, path: str | Path, max_pixels: int) -> Image | None:
    """A still, upright WebP file decoded by OpenCV: the same pixels in two thirds of Pillow's time. None for others.

    Worlds decode their photographs, which are such files, again and again.
    """
    width, height = picture.size
    if picture.format != "WEBP" or picture.mode != "RGB" or getattr(picture, "is_animated", False):
        return None
    if not 0 < width * height <= max_pixels or picture.getexif().get(_ORIENTATION, 1) != 1:
        return None
    decoded: Any = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR_RGB)
    return None if decoded is None or decoded.shape != (height, width, 3) else decoded


def _from_pillow(picture: PillowImage.Image, name: str, max_pixels: int) -> Image:
    width, height = picture.size
    if width * height > max_pixels:
        raise InputError(
            f"{name} has {width}x{height} pixels; at most {max_pixels:,} are read. Shrink it, or raise max_pixels."
        )
    if width == 0 or height == 0:
        raise InputError(f"{name} has no pixels ({width}x{height}).")
    picture.seek(0)
    picture = ImageOps.exif_transpose(picture)
    if picture.mode in ("I", "I;16", "I;16B", "I;16L", "F"):
        values = np.asarray(picture, dtype=np.float64)
        top = 65535.0 if picture.mode.startswith("I") else max(1.0, float(values.max(initial=1.0)))
        return np.repeat(np.clip(values * (255.0 / top), 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        ground = PillowImage.new("RGBA", layered.size, (255, 255, 255, 255))
        picture = PillowImage.alpha_composite(ground, layered)
    return np.ascontiguousarray(np.asarray(picture.convert("RGB"), dtype=np.uint8))


def _from_opencv(source: str | Path | IO[bytes], name: str, max_pixels: int) -> Image:
    """Radiance HDR, which Pillow does not know; its head tells the size before anything is decoded."""
    try:
        if isinstance(source, (str, Path)):
            data = Path(source).read_bytes()
        else:
            source.seek(0)
            data = source.read()
    except OSError as error:
        raise InputError(f"{name} cannot be opened ({error}). Check its rights.") from None
    size = re.search(rb"[-+]Y +(\d{1,9}) +[-+]X +(\d{1,9})", data[:4096])
    if not data.startswith((b"#?RADIANCE", b"#?RGBE")) or size is None:
        raise InputError(f"{name} is in no format that is known. PNG, JPEG, TIFF, BMP, WebP, GIF or PDF was expected.")
    height, width = int(size[1]), int(size[2])
    if height * width > max_pixels:
        raise InputError(f"{name} has {width}x{height} pixels; at most {max_pixels:,} are read. Shrink it.")
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        decoded = None
    if decoded is None or decoded.size == 0:
        raise InputError(f"{name} is damaged or cut short. Export or download it again.")
    return np.ascontiguousarray(decoded[..., ::-1], dtype=np.uint8)


def _from_array(array: NDArray[Any], max_pixels: int) -> Image:
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or array.shape[0] == 0 or array.shape[1] == 0:
        raise InputError(
            f"An array of shape {array.shape} came as a picture. (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA "
            "was expected, with at least one pixel."
        )
    if array.shape[0] * array.shape[1] > max_pixels:
        raise InputError(f"An array of shape {array.shape} is larger than {max_pixels:,} pixels. Shrink it.")
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    elif array.dtype == np.uint16:
        array = (array / 257).astype(np.uint8)
    elif array.dtype != np.uint8:
        raise InputError(
            f"An array of {array.dtype} came as a picture. uint8 in 0..255 was expected: convert it first, so that "
            "its range is not guessed."
        )
    if array.shape[2] == 4:
        alpha = array[..., 3:].astype(np.float32) / 255.0
        array = (array[..., :3] * alpha + 255.0 * (1.0 - alpha) + 0.5).astype(np.uint8)
    elif array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2)
    return np.ascontiguousarray(array)


def write_image(path: str | Path, image: Image, *, quality: int = 92) -> Path:
    """Writes RGB to the format of the path's ending, whole or not at all; raises StorageError where it cannot."""
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        data = encode_image(image, target.suffix or ".png", quality=quality)
        partial = target.with_name(target.name + ".part")
        partial.write_bytes(data)
        partial.replace(target)
    except OSError as error:
        raise StorageError(f"The picture {target} could not be written ({error}). Check space and rights.") from None
    return target


def encode_image(image: Image, suffix: str = ".png", *, quality: int = 92) -> bytes:
    """RGB -> the bytes of a PNG, JPEG, WebP, ... file, by suffix."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix.lower() in (".jpg", ".jpeg") else []
    try:
        done, data = cv2.imencode(suffix, np.ascontiguousarray(image[..., ::-1]), options)
    except cv2.error:
        done = False
    if not done:
        raise StorageError(f"No picture format has the ending {suffix!r}. Use .png, .jpg or .webp.")
    return bytes(data)


def draw_polygons(
    image: Image,
    polygons: Iterable[ArrayLike],
    colour: tuple[int, int, int] = (230, 40, 40),
    thickness: int = 1,
) -> Image:
    """A copy of the picture with closed polygons drawn on it, antialiased, at an eighth of a pixel."""
    canvas = np.ascontiguousarray(image).copy()
    for polygon in polygons:
        points = np.round(np.asarray(polygon, np.float64) * 8).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(canvas, [points], True, colour, thickness, cv2.LINE_AA, shift=3)
    return canvas


def contact_sheet(
    images: Sequence[Image], columns: int, captions: Sequence[str] = (), *, cell: tuple[int, int] = (320, 240)
) -> Image:
    """Lays pictures out in a grid of (width, height) cells on white, each shrunk to fit, with a line of text below."""
    width, height = cell
    rows = max(1, -(-len(images) // columns))
    caption_px = 20 if captions else 0
    sheet = np.full((rows * (height + caption_px + 4), columns * (width + 4), 3), 255, np.uint8)
    for index, image in enumerate(images):
        scale = min(width / image.shape[1], height / image.shape[0])
        shown = cv2.resize(
            image,
            (max(1, int(image.shape[1] * scale)), max(1, int(image.shape[0] * scale))),
            interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
        )
        top, left = (index // columns) * (height + caption_px + 4), (index % columns) * (width + 4)
        sheet[top : top + shown.shape[0], left : left + shown.shape[1]] = shown
        if index < len(captions):
            # OpenCV's own letters are ASCII only.
            text = captions[index].encode("ascii", "replace").decode()
            cv2.putText(
                sheet,
                text,
                (left + 2, top + height + 14),
                cv2.FONT_HERSHEY_SIMPLEX,
                0.42,
                (40, 40, 40),
                1,
                cv2.LINE_AA,
            )
    return sheet
