"""The bundle: one file with the networks, the alphabet, the preprocessing and the card.

A zip archive, its networks stored and not deflated (float weights shrink by a few per cent only), with `manifest.json`:

    format_version      1
    name, ocrsmith      the bundle's name; the version that wrote it
    detector            null, or {kind: "craft" | "db", input, thresholds, scale, output, file, sha256}
    recognizer          null, or {kind: "ctc", input, alphabet, output, min_confidence, crop_margin, spaces,
                        calibration, file, sha256}
    whole_if_empty      read the whole picture as one crop where the detector finds nothing
    card                what it was trained on, licences, scores: free JSON

Loading parses JSON and ONNX, never pickles, and checks names, sizes and checksums before anything is used.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocrsmith import __version__
from ocrsmith.errors import AlphabetError, BundleError, StorageError
from ocrsmith.reading.bundle_parts import DetectorPart, RecognizerPart, detector_part, recognizer_part
from ocrsmith.settings import cache_dir, package_assets_dir

FORMAT_VERSION = 1
SUFFIX = ".ocrsmith"
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 16 * 2**20
MAX_NETWORK_BYTES = 2**30
MAX_ENTRIES = 16
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]*")


@dataclass(frozen=True)
class Bundle:
    """A loaded and checked bundle."""

    manifest: dict[str, Any]
    detector: DetectorPart | None
    recognizer: RecognizerPart | None

    @property
    def name(self) -> str:
        """The bundle's own name."""
        return str(self.manifest["name"])

    @property
    def card(self) -> dict[str, Any]:
        """What it was trained on, licences, scores."""
        return dict(self.manifest.get("card", {}))

    @property
    def whole_if_empty(self) -> bool:
        """Whether a picture without detections is read as one crop."""
        return bool(self.manifest.get("whole_if_empty", False))

    @property
    def detector_bytes(self) -> bytes | None:
        """The detector's ONNX file."""
        return self.detector.network if self.detector else None

    @property
    def recognizer_bytes(self) -> bytes | None:
        """The recogniser's ONNX file."""
        return self.recognizer.network if self.recognizer else None

    @classmethod
    def load(cls, path_or_name: str | Path) -> Bundle:
        """Loads a file, or a bundle by name from the package's own bundles and then the cache.

        Raises:
            BundleError: absent, damaged, not a bundle, or of a newer format.
        """
        path = find_bundle(path_or_name)
        try:
            with zipfile.ZipFile(path) as archive:
                entries = _checked_entries(archive, path)
                manifest = _manifest(_read(archive, entries, MANIFEST, MAX_MANIFEST_BYTES, path), path)
                networks = {
                    part: _network(archive, entries, manifest[part], part, path)
                    for part in ("detector", "recognizer")
                    if manifest.get(part)
                }
        except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError) as error:
            raise BundleError(f"{path} is not a whole bundle ({error}). Copy or export it again.") from None
        return cls(manifest, *_parts(manifest, networks, path))


def bundle_folders() -> list[Path]:
    """Where bundles are looked up by name, in this order."""
    return [package_assets_dir() / "bundles", cache_dir() / "bundles"]


def find_bundle(path_or_name: str | Path) -> Path:
    """The file of a bundle, by path or by name; raises BundleError naming the bundles that there are."""
    path = Path(path_or_name)
    if path.is_file():
        return path
    name = str(path_or_name)
    if _NAME.fullmatch(name):
        for folder in bundle_folders():
            candidate = folder / (name if name.endswith(SUFFIX) else name + SUFFIX)
            if candidate.is_file():
                return candidate
    known = sorted(
        {found.stem for folder in bundle_folders() if folder.is_dir() for found in folder.glob("*" + SUFFIX)}
    )
    raise BundleError(
        f"No bundle {name!r} was found, as a file or by name. "
        + (f"Known names: {', '.join(known)}. " if known else "No bundle is installed by name. ")
        + "Give one of them, or the path of an .ocrsmith file."
    )


def write_bundle(path: str | Path, manifest: Mapping[str, Any], files: Mapping[str, bytes | Path]) -> Path:
    """Writes a bundle, whole or not at all; the same contents give the same bytes.

    Args:
        path: the file to write; its ending should be `.ocrsmith`.
        manifest: as in the module's docstring; `format_version`, `ocrsmith`, `name` (from the path), each part's `file`
            and `sha256` are filled in.
        files: "detector.onnx" and "recognizer.onnx", as bytes or paths, for the parts that the manifest has.

    Raises:
        BundleError: the manifest and the files do not belong together, or a part does not parse.
        StorageError: the file cannot be written.
    """
    target = Path(path)
    full = copy.deepcopy(dict(manifest))
    full["format_version"] = FORMAT_VERSION
    full.setdefault("ocrsmith", __version__)
    full.setdefault("name", target.name.removesuffix(SUFFIX))
    full.setdefault("detector", None)
    full.setdefault("recognizer", None)
    full.setdefault("card", {})
    contents = {name: data.read_bytes() if isinstance(data, Path) else bytes(data) for name, data in files.items()}
    networks = {}
    for part in ("detector", "recognizer"):
        if full[part] is None:
            continue
        file = full[part].setdefault("file", part + ".onnx")
        if file not in contents:
            raise BundleError(f"The manifest's {part} needs the file {file!r}; the files given are {sorted(contents)}.")
        full[part]["sha256"] = hashlib.sha256(contents[file]).hexdigest()
        networks[part] = contents[file]
    unused = sorted(set(contents) - {full[part]["file"] for part in networks})
    if unused:
        raise BundleError(f"The files {unused} came without a part of the manifest that names them.")
    _parts(full, networks, target)
    _write_zip(target, {MANIFEST: json.dumps(full, ensure_ascii=False, indent=1).encode(), **contents})
    return target


def _write_zip(target: Path, contents: Mapping[str, bytes]) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=target.parent, prefix=target.name + ".")
        try:
            with os.fdopen(handle, "wb") as stream, zipfile.ZipFile(stream, "w") as archive:
                for name, data in contents.items():
                    # A fixed date, so that the same contents are the same file.
                    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                    entry.external_attr = 0o644 << 16
                    # A network's file loses a sixth, a detector's a quarter; reading it again takes some 60 ms.
                    archive.writestr(entry, data, zipfile.ZIP_DEFLATED, compresslevel=9)
            Path(partial).chmod(0o644)
            Path(partial).replace(target)
        finally:
            Path(partial).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"The bundle {target} could not be written ({error}). Check space and rights.") from None


def _checked_entries(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(entries) > MAX_ENTRIES or len(set(names)) != len(names):
        raise BundleError(f"{path} holds {len(entries)} entries, some perhaps twice. It is not an ocrsmith bundle.")
    strange = [name for name in names if not _NAME.fullmatch(name)]
    if strange:
        raise BundleError(f"{path} holds entries with paths ({strange[:3]}). It is not an ocrsmith bundle.")
    if MANIFEST not in names:
        raise BundleError(f"{path} holds no {MANIFEST}. It is not an ocrsmith bundle.")
    return dict(zip(names, entries))


def _read(archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], name: str, most: int, path: Path) -> bytes:
    if name not in entries:
        raise BundleError(f"{path} lacks {name!r}, which its manifest names. Export it again.")
    with archive.open(entries[name]) as stream:
        # The size in the directory may lie: never read past the bound.
        data = stream.read(most + 1)
    if len(data) > most:
        raise BundleError(f"{path} holds {name!r} of more than {most:,} bytes. It is not loaded.")
    return data


def _manifest(data: bytes, path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(data)
    except ValueError as error:
        raise BundleError(f"{path} has a manifest that is not JSON ({error}). Export it again.") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format_version"), int):
        raise BundleError(f"{path} has a manifest without a format_version. It is not an ocrsmith bundle.")
    if manifest["format_version"] > FORMAT_VERSION:
        raise BundleError(
            f"{path} is of bundle format {manifest['format_version']}, this ocrsmith reads up to {FORMAT_VERSION}. "
            "Update ocrsmith."
        )
    return manifest


def _network(
    archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], part: Any, name: str, path: Path
) -> bytes:
    if not isinstance(part, dict) or not isinstance(part.get("file"), str) or not isinstance(part.get("sha256"), str):
        raise BundleError(f"{path} has a {name} without file and sha256. Export it again.")
    data = _read(archive, entries, part["file"], MAX_NETWORK_BYTES, path)
    found = hashlib.sha256(data).hexdigest()
    if found != part["sha256"]:
        raise BundleError(
            f"{path}: {part['file']} has sha256 {found[:12]}..., its manifest says {part['sha256'][:12]}.... "
            "The file is damaged: copy it again."
        )
    return data


def _parts(
    manifest: Mapping[str, Any], networks: Mapping[str, bytes], path: Path
) -> tuple[DetectorPart | None, RecognizerPart | None]:
    if not networks:
        raise BundleError(f"{path} has neither a detector nor a recogniser. A bundle needs at least one.")
    try:
        return (
            detector_part(manifest["detector"], networks["detector"]) if "detector" in networks else None,
            recognizer_part(manifest["recognizer"], networks["recognizer"]) if "recognizer" in networks else None,
        )
    except (KeyError, TypeError, ValueError, AlphabetError) as error:
        raise BundleError(f"{path} has a manifest that does not fit ({error!r}). Export it again.") from None
