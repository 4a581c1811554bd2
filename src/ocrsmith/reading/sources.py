"""Sources that are not files yet: web addresses and the clipboard."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageGrab

from ocrsmith.downloads import fetch_bytes
from ocrsmith.errors import DownloadError, InputError
from ocrsmith.images import ImageSource
from ocrsmith.samples import Image

# Larger than any picture that is read (200 megapixels as PNG), and longer than its download may take.
MAX_DOWNLOAD_BYTES = 512 * 1024**2
MAX_DOWNLOAD_SECONDS = 120.0


def is_url(source: object) -> bool:
    """Whether a source is a web address: text that starts with http:// or https://."""
    return isinstance(source, str) and source.lower().startswith(("http://", "https://"))


def url_stem(url: str) -> str:
    """What a web address's own output files are called: its file's name without ending, else its host.

    One that does not parse has a name too: `fetched` refuses it.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return "download"
    return Path(parts.path).stem or parts.netloc.replace(":", "_") or "download"


def fetched(
    source: ImageSource, *, max_bytes: int = MAX_DOWNLOAD_BYTES, max_seconds: float = MAX_DOWNLOAD_SECONDS
) -> ImageSource:
    """The content of a web address, within these bounds; every other source as it is.

    Raises:
        InputError: not reachable, an error of the server, too large or too slow.
    """
    if not isinstance(source, str) or not is_url(source):
        return source
    try:
        return fetch_bytes(source, max_bytes=max_bytes, max_seconds=max_seconds)
    except DownloadError as error:
        raise InputError(str(error)) from None


def from_clipboard() -> list[Image | Path]:
    """The picture in the clipboard, or the files that were copied there.

    Raises:
        InputError: it holds neither, or this system gives no access to it.
    """
    try:
        found = ImageGrab.grabclipboard()
    except (NotImplementedError, OSError, ChildProcessError) as error:
        raise InputError(
            f"The clipboard cannot be read here ({error}). On Linux install wl-clipboard or xclip, or save the picture."
        ) from None
    if isinstance(found, PillowImage.Image):
        return [np.asarray(found.convert("RGB"), dtype=np.uint8)]
    if not found:
        raise InputError("The clipboard holds no picture. Copy one first, or give a file.")
    return [Path(name) for name in found]
