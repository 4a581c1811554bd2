"""The fonts and backgrounds that keras-ocr trains with, downloaded from its release on demand; none of them ship here.

find_fonts([keras_ocr_fonts()])
Backgrounds([keras_ocr_backgrounds()])
"""

from __future__ import annotations

import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath

from ocrsmith.downloads import download_and_verify
from ocrsmith.errors import DownloadError, StorageError
from ocrsmith.settings import cache_dir as default_cache_dir

RELEASE = "https://github.com/faustomorales/keras-ocr/releases/download/v0.8.4/"
FONTS_SHA256 = "d4d90c27a9bc4bf8fff1d2c0a00cfb174c7d5d10f60ed29d5f149ef04d45b700"
BACKGROUNDS_SHA256 = "f263ed0d55de303185cc0f93e9fcb0b13104d68ed71af7aaaa8e8c91389db471"
SMALL_CAPS_SHA256 = "6531c700523c687f02852087530d1ab3c7cc0b59891bbecc77726fbb0aabe68e"
# keras-ocr's archives hold 2,746 fonts and 1,035 pictures; what unpacks to far more is a bomb.
MAX_FILES = 20_000
MAX_UNPACKED_BYTES = 4 * 1024**3


def keras_ocr_fonts(cache_dir: str | Path | None = None, *, release: str = RELEASE, sha256: str = FONTS_SHA256) -> Path:
    """The folder of keras-ocr's 2,746 fonts, downloaded and unpacked at first.

    Raises:
        DownloadError: not reachable, changed, or an archive that is damaged or reaches out of its folder.
        StorageError: the cache cannot be written.
    """
    return _unpacked("fonts.zip", release, sha256, cache_dir)


def keras_ocr_backgrounds(
    cache_dir: str | Path | None = None, *, release: str = RELEASE, sha256: str = BACKGROUNDS_SHA256
) -> Path:
    """The folder of keras-ocr's 1,035 backgrounds, downloaded and unpacked at first; raises as `keras_ocr_fonts`."""
    return _unpacked("backgrounds.zip", release, sha256, cache_dir)


def _folder(cache_dir: str | Path | None) -> Path:
    return (Path(cache_dir).expanduser() if cache_dir is not None else default_cache_dir()) / "keras-ocr"


def _unpacked(name: str, release: str, sha256: str, cache_dir: str | Path | None) -> Path:
    folder = _folder(cache_dir)
    # Named by the hash as well, so that another release's archive does not pass for this one.
    target = folder / f"{Path(name).stem}-{sha256[:12]}"
    if not target.is_dir():
        safe_unzip(download_and_verify(release + name, sha256, folder), target)
    return target


def safe_unzip(archive: Path, target: Path, *, max_files: int = MAX_FILES, max_bytes: int = MAX_UNPACKED_BYTES) -> Path:
    """Unpacks a ZIP into a new folder, whole or not at all.

    Raises:
        DownloadError: damaged, a path that leaves the folder, a link, or more files or bytes than allowed (counted as
            they unpack, not as the archive claims).
        StorageError: the folder cannot be written.
    """
    partial = target.with_name(target.name + ".part")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            if len(members) > max_files:
                raise DownloadError(f"{archive} holds {len(members):,} files; at most {max_files:,} were expected.")
            left = max_bytes
            for member in members:
                left -= _unpack(opened, member, partial, left)
        partial.replace(target)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise DownloadError(f"{archive} is no whole ZIP archive ({error}). Remove it and download it again.") from None
    except OSError as error:
        raise StorageError(f"{target} could not be written ({error}). Check space and rights.") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _unpack(opened: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, most_bytes: int) -> int:
    inside = PurePosixPath(member.filename.replace("\\", "/"))
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    if inside.is_absolute() or ".." in inside.parts or ":" in inside.parts[0] or is_link:
        raise DownloadError(
            f"The archive {opened.filename} holds {member.filename!r}, which leaves its folder or is a link. It was "
            "not unpacked; get it from its own source."
        )
    path = folder.joinpath(*inside.parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with opened.open(member) as source, path.open("wb") as file:
        while chunk := source.read(1024 * 1024):
            written += len(chunk)
            if written > most_bytes:
                raise DownloadError(
                    f"The archive {opened.filename} unpacks to more bytes than were expected. It was not unpacked."
                )
            file.write(chunk)
    return written
