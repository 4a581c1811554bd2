"""Where keras-ocr keeps its files, and how it gets them."""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import ocrsmith.downloads
from ocrsmith.downloads import MAX_BYTES, TIMEOUT_SECONDS
from ocrsmith.errors import DownloadError, InputError, StorageError

RELEASE = "https://github.com/faustomorales/keras-ocr/releases/download/v0.8.4/"


def get_default_cache_dir() -> str:
    """$KERAS_OCR_CACHE_DIR, else ~/.keras-ocr."""
    return os.environ.get("KERAS_OCR_CACHE_DIR") or str(Path.home() / ".keras-ocr")


def sha256sum(filename: str | Path) -> str:
    """The SHA-256 of a file, 64 hexadecimal digits; raises InputError where there is no such file."""
    try:
        with Path(filename).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"The file {filename} cannot be read ({error}). Check the path.") from None


def download_and_verify(
    url: str,
    sha256: str | None = None,
    cache_dir: str | Path | None = None,
    verbose: bool = True,
    filename: str | None = None,
) -> str:
    """The path of a downloaded file, from the cache where it lies there unharmed.

    With a `sha256` the file is verified before it takes its name, as `ocrsmith.downloads` does. Without one nothing can
    be verified: an existing file is taken as it is.

    Raises:
        DownloadError: not reachable, or other bytes than expected.
        StorageError: the cache cannot be written.
    """
    folder = Path(cache_dir or get_default_cache_dir()).expanduser()
    name = filename or Path(urllib.parse.unquote(urllib.parse.urlsplit(url).path)).name
    if verbose and not (folder / name).is_file():
        print(f"Downloading {folder / name}")
    if sha256 is not None:
        return str(ocrsmith.downloads.download_and_verify(url, sha256, folder, name))
    if urllib.parse.urlsplit(url).scheme not in ("http", "https") or Path(name).name != name or not name:
        raise DownloadError(f"{url!r} is no web address of a file. Give http(s), and filename= without folders.")
    return str(_unverified(url, folder / name))


def _unverified(url: str, target: Path) -> Path:
    if target.is_file():
        return target
    partial = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer, partial.open("wb") as file:
            received = 0
            while chunk := answer.read(1024 * 1024):
                received += len(chunk)
                if received > MAX_BYTES:
                    raise DownloadError(f"{url} has more than {MAX_BYTES:,} bytes. Check that the address is right.")
                file.write(chunk)
        partial.replace(target)
    except urllib.error.HTTPError as error:
        with error:
            raise DownloadError(f"{url} answered {error.code} {error.reason}. Check the address.") from None
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise DownloadError(f"{url} could not be reached ({error}). Check the connection.") from None
    except OSError as error:
        raise StorageError(f"{target} could not be written ({error}). Check space and rights.") from None
    finally:
        partial.unlink(missing_ok=True)
    return target
