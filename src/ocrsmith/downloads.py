"""Downloads, verified before anything reads them: a known SHA-256, a bounded size, whole or not there at all."""

from __future__ import annotations

import hashlib
import http.client
import io
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import BinaryIO

from ocrsmith.errors import DownloadError, StorageError
from ocrsmith.settings import cache_dir as default_cache_dir

# Larger than any file that ocrsmith names (keras-ocr's fonts.zip, 0.7 GB); a server that sends more is cut off.
MAX_BYTES = 2 * 1024**3
TIMEOUT_SECONDS = 30.0
_CHUNK_BYTES = 1024 * 1024
_HTTP_PARTIAL, _HTTP_RANGE_UNSATISFIABLE = 206, 416


def download_and_verify(
    url: str,
    sha256: str,
    cache_dir: str | Path | None = None,
    filename: str | None = None,
    *,
    max_bytes: int = MAX_BYTES,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Path:
    """The file of `url`, from the cache where it lies there unharmed, else downloaded.

    The bytes go to a `.part` file beside the target, which takes its name only once its SHA-256 is right. A `.part`
    left by an interrupted download is continued with a Range request; where its hash comes out wrong, the download is
    tried once more from the start, since the file may have changed between the two.

    Args:
        url: http or https.
        sha256: of the whole file, 64 hexadecimal digits.
        cache_dir: the folder; that of `ocrsmith.settings.cache_dir` by default.
        filename: its name there; the last part of the URL by default.
        max_bytes: more than this is refused, and cut off while it comes.

    Raises:
        DownloadError: not reachable, an error of the server, too large, or other bytes than expected.
        StorageError: the cache cannot be written.
    """
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise DownloadError(f"A SHA-256 came as {sha256!r} for {url}. 64 hexadecimal digits were expected.")
    _check_scheme(url)
    target = _target(url, cache_dir, filename)
    try:
        if target.is_file() and _sha256(target) == sha256.lower():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(target.name + ".part")
        resumed = partial.is_file() and partial.stat().st_size > 0
        _fetch(url, partial, max_bytes, timeout_seconds)
        if resumed and _sha256(partial) != sha256.lower():
            partial.unlink()
            _fetch(url, partial, max_bytes, timeout_seconds)
        found = _sha256(partial)
        if found != sha256.lower():
            partial.unlink()
            raise DownloadError(
                f"{url} came with SHA-256 {found}, but {sha256.lower()} was expected: it was changed, or a proxy "
                "answered in its place. Nothing was kept; download it by another way and give its path."
            )
        partial.replace(target)
    except OSError as error:
        raise StorageError(
            f"{target} could not be written ({error}). Check space and rights, or $OCRSMITH_CACHE_DIR."
        ) from None
    return target


def fetch_bytes(url: str, *, max_bytes: int, max_seconds: float, timeout_seconds: float = TIMEOUT_SECONDS) -> bytes:
    """The content of `url`, held in memory and not verified: for a user's own pictures.

    Args:
        url: http or https; redirects to anything else are refused.
        max_bytes: more than this is refused, and cut off while it comes.
        max_seconds: for all of it; a server that sends drop by drop is left.
        timeout_seconds: for each wait.

    Raises:
        DownloadError: not reachable, an error of the server, too large or too slow.
    """
    started = time.monotonic()
    _check_scheme(url)
    content = io.BytesIO()
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "ocrsmith"})
        with urllib.request.urlopen(request, timeout=min(timeout_seconds, max_seconds)) as answer:
            _check_scheme(answer.url)
            announced = _announced(answer)
            if announced is not None and announced > max_bytes:
                raise DownloadError(_too_large(url, announced, max_bytes))
            while chunk := answer.read1(_CHUNK_BYTES):
                content.write(chunk)
                if content.tell() > max_bytes:
                    raise DownloadError(_too_large(url, content.tell(), max_bytes))
                if time.monotonic() - started > max_seconds:
                    raise DownloadError(f"{url} was not there after {max_seconds:g} s. Download it first.")
            if announced is not None and content.tell() < announced:
                raise DownloadError(f"{url} broke off after {content.tell():,} of {announced:,} bytes. Try again.")
    except urllib.error.HTTPError as error:
        with error:
            # The reason of an endless redirection has three lines.
            first_line = str(error.reason).partition("\n")[0].rstrip(".")
            raise DownloadError(f"{url} answered {error.code} {first_line}. Check the address.") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise DownloadError(f"{url} could not be reached ({reason}). Check the address and the connection.") from None
    return content.getvalue()


def _announced(answer: http.client.HTTPResponse) -> int | None:
    """The bytes that a server says it will send."""
    length = answer.headers.get("Content-Length")
    return int(length) if length and length.isdigit() else None


def _check_scheme(url: str) -> None:
    try:
        scheme = urllib.parse.urlsplit(url).scheme
    except ValueError as error:
        raise DownloadError(f"The address {url} does not parse ({error}). Check it.") from None
    if scheme not in ("http", "https"):
        raise DownloadError(f"The address {url} is neither http nor https. Give a web address, or use the file itself.")


def _target(url: str, cache_dir: str | Path | None, filename: str | None) -> Path:
    name = filename or Path(urllib.parse.unquote(urllib.parse.urlsplit(url).path)).name
    if not name or name in (".", "..") or Path(name).name != name or "\\" in name:
        raise DownloadError(f"{name!r} is no name for the file of {url}. Give filename= without folders.")
    return (Path(cache_dir).expanduser() if cache_dir is not None else default_cache_dir()) / name


def _fetch(url: str, partial: Path, max_bytes: int, timeout_seconds: float) -> None:
    """Brings `partial` up to the whole file, going on from what it has; bytes of a broken connection stay in it."""
    have = partial.stat().st_size if partial.is_file() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "ocrsmith"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        with urllib.request.urlopen(request, timeout=timeout_seconds) as answer:
            continues = answer.status == _HTTP_PARTIAL
            start = have if continues else 0
            announced = _announced(answer)
            expected = start + announced if announced is not None else None
            if expected is not None and expected > max_bytes:
                raise DownloadError(_too_large(url, expected, max_bytes))
            with partial.open("ab" if continues else "wb") as file:
                received = _copy(answer, file, start, url, max_bytes)
        if expected is not None and received < expected:
            raise DownloadError(
                f"{url} broke off after {received:,} of {expected:,} bytes. They are kept: run again to go on."
            )
    except urllib.error.HTTPError as error:
        with error:
            if error.code == _HTTP_RANGE_UNSATISFIABLE:
                # All of it was there already; the hash decides whether it is right.
                return
        raise DownloadError(
            f"{url} answered {error.code} {error.reason}. Check the address, or try again later."
        ) from None
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise DownloadError(
            f"{url} could not be reached ({reason}). Check the connection or proxy, or download it elsewhere and give "
            "its path."
        ) from None


def _copy(answer: BinaryIO, file: BinaryIO, start: int, url: str, max_bytes: int) -> int:
    received = start
    while chunk := answer.read(_CHUNK_BYTES):
        received += len(chunk)
        if received > max_bytes:
            raise DownloadError(_too_large(url, received, max_bytes))
        file.write(chunk)
    return received


def _too_large(url: str, size: int, max_bytes: int) -> str:
    return f"{url} has {size:,} bytes or more; at most {max_bytes:,} were expected. Check that the address is right."


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
