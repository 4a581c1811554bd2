"""Makes src/ocrsmith/assets/backgrounds from Debian packages: photographs and textures without text, at most 640 px.

    apt-get download supertuxkart-data redeclipse-data lomiri-wallpapers-16.04 lomiri-wallpapers-20.04
    for f in *.deb; do dpkg-deb -x "$f" "build/$(echo "$f" | cut -d_ -f1)"; done
    python tools/assets/make_backgrounds.py make --packages build --versions folder-of-debs
    python tools/assets/make_backgrounds.py check

`make` writes the pictures and their table; `check` runs CRAFT as released over each and drops those in which it sees
text. Only pictures are taken whose own stanza in debian/copyright says CC0, CC-BY, CC-BY-SA or public domain.
"""

from __future__ import annotations

import argparse
import fnmatch
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from background_sources import ARENA_TEXTURES, PHOTOGRAPHS, RACING_TEXTURES, REFUSED_BY_EYE
from PIL import Image as PillowImage

from ocrsmith.images import read_image

ASSETS = Path(__file__).resolve().parents[2] / "src" / "ocrsmith" / "assets" / "backgrounds"
LONGEST_PX = 640
MAX_FILE_BYTES = 56_000
MAX_TOTAL_BYTES = 10_000_000
FREE_LICENCES = re.compile(r"(CC0|CC-BY-(SA-)?\d|public-domain)")
# CRAFT's own text threshold is 0.7 (Baek et al. 2019, the released defaults); half of it already refuses here.
MAX_REGION_SCORE = 0.35

Stanza = tuple[list[str], str, str]


def stanzas(path: Path) -> list[Stanza]:
    """(file patterns, licence, copyright) of each Files paragraph of a machine-readable debian/copyright."""
    found: list[Stanza] = []
    for paragraph in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
        if not paragraph.lstrip().startswith("Files:"):
            continue
        fields: dict[str, str] = {}
        key = ""
        for line in paragraph.strip().splitlines():
            match = re.match(r"(\w[\w-]*):(.*)", line)
            if match:
                key = match.group(1)
                fields[key] = match.group(2).strip()
            elif key:
                fields[key] += "\n" + line.strip()
        licence = fields.get("License", "").splitlines()[0]
        found.append((fields["Files"].split(), licence, " ".join(fields.get("Copyright", "").split())))
    return found


def rights(path: str, found: list[Stanza]) -> tuple[str, str]:
    """(licence, copyright) of an installed file: the last paragraph that names a tail of its path decides.

    The packages install under other folders than their source has, so that tails of the path are compared, and the
    bare name where no tail fits. A paragraph for "*" is no statement about the picture and counts as none.
    """
    parts = path.split("/")
    tails = ["/".join(parts[start:]) for start in range(len(parts))]
    by_path, by_name = ("", ""), ("", "")
    for patterns, licence, holders in found:
        for pattern in patterns:
            if pattern != "*" and any(fnmatch.fnmatchcase(tail, pattern) for tail in tails):
                by_path = licence, holders
            elif not set("*?") & set(pattern) and pattern.split("/")[-1] == parts[-1]:
                by_name = licence, holders
    return by_path if by_path[0] else by_name


def wanted(packages: Path) -> Iterator[tuple[str, str, tuple[float, float, float] | None, str]]:
    """(package, path below usr/share, crop, name of the made file without ending)."""
    for package, folders in (("supertuxkart-data", RACING_TEXTURES), ("redeclipse-data", ARENA_TEXTURES)):
        for folder, names in folders.items():
            for name in names.split():
                stem = f"{Path(folder).name}-{Path(name).stem}".lower()
                yield package, f"{folder}/{name}", None, f"{package.split('-')[0]}-{stem}"
    for package, photographs in PHOTOGRAPHS.items():
        for name, crops in photographs.items():
            for number, crop in enumerate(crops, start=1):
                yield package, f"backgrounds/{name}", crop, f"lomiri-{Path(name).stem.lower()}-{number}"


def cut(picture: PillowImage.Image, crop: tuple[float, float, float] | None) -> PillowImage.Image:
    """A square crop at a place given in parts of what is free, or the whole; then at most LONGEST_PX."""
    if crop is not None:
        column, row, part = crop
        side = round(min(picture.size) * part)
        left, top = round((picture.width - side) * column), round((picture.height - side) * row)
        picture = picture.crop((left, top, left + side, top + side))
    scale = min(1.0, LONGEST_PX / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, PillowImage.Resampling.LANCZOS)


def encode(picture: PillowImage.Image) -> bytes:
    """WebP at the best quality of a few that stays below MAX_FILE_BYTES."""
    for quality in (80, 70, 60, 50, 40, 30):
        target = io.BytesIO()
        picture.save(target, "WEBP", quality=quality, method=4)
        if target.tell() <= MAX_FILE_BYTES:
            break
    return target.getvalue()


def version_of(package: str, debs: Path) -> str:
    (archive,) = debs.glob(f"{package}_*.deb")
    return archive.name.split("_")[1].replace("%3a", ":")


def make(packages: Path, debs: Path) -> None:
    files = ASSETS / "files"
    shutil.rmtree(files, ignore_errors=True)
    files.mkdir(parents=True)
    known: dict[str, list[Stanza]] = {}
    rows: list[dict[str, Any]] = []
    for package, path, crop, stem in wanted(packages):
        share = packages / package / "usr" / "share"
        if package not in known:
            known[package] = stanzas(share / "doc" / package / "copyright")
        licence, holders = rights(path, known[package])
        stem = re.sub(r"[^a-z0-9]+", "-", stem).strip("-")
        if not FREE_LICENCES.match(licence):
            print(f"left out {path}: its licence is {licence or 'not stated for it'}")
        elif stem in REFUSED_BY_EYE:
            print(f"left out {path}: {REFUSED_BY_EYE[stem]}")
        else:
            picture = cut(PillowImage.fromarray(read_image(share / path)), crop)
            (files / f"{stem}.webp").write_bytes(encode(picture))
            rows.append(
                {
                    "file": f"files/{stem}.webp",
                    "width": picture.width,
                    "height": picture.height,
                    "photograph": f"{package}/{path}",
                    "package": package,
                    "version": version_of(package, debs),
                    "licence": licence,
                    "copyright": holders,
                    "region_score": None,
                }
            )
    write_tables(rows)


def check() -> None:
    """Adds CRAFT's greatest region score to each row that has none, and drops pictures above MAX_REGION_SCORE."""
    import torch

    from ocrsmith.models.registry import build_detector
    from ocrsmith.models.weights import load_start_weights

    torch.set_num_threads(1)
    detector = build_detector("craft").eval()
    load_start_weights(detector, "clovaai_general")
    kept = []
    for row in json.loads((ASSETS / "backgrounds.json").read_text(encoding="utf-8")):
        if row["region_score"] is None:
            stack = detector.input.stack([read_image(ASSETS / row["file"])])
            with torch.inference_mode():
                maps = detector(torch.from_numpy(detector.input.normalize(stack)))
            row["region_score"] = round(float(np.asarray(maps[0, 0]).max()), 3)
        if row["region_score"] > MAX_REGION_SCORE:
            print(f"dropped {row['file']}: region score {row['region_score']}", flush=True)
            (ASSETS / row["file"]).unlink(missing_ok=True)
        else:
            kept.append(row)
    write_tables(kept)


def write_tables(rows: list[dict[str, Any]]) -> None:
    total = sum((ASSETS / row["file"]).stat().st_size for row in rows)
    if total > MAX_TOTAL_BYTES:
        raise SystemExit(f"The backgrounds take {total} bytes; at most {MAX_TOTAL_BYTES} were allowed.")
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (ASSETS / "backgrounds.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    columns = ("file", "licence", "copyright", "package", "version", "photograph")
    table = ["\t".join(columns)] + ["\t".join(str(row[column]) for column in columns) for row in rows]
    (ASSETS / "ATTRIBUTION.tsv").write_text("\n".join(table) + "\n", encoding="utf-8")
    print(f"{len(rows)} pictures of {len({row['photograph'] for row in rows})} originals, {total / 1e6:.2f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make", help="write the pictures and their table")
    making.add_argument("--packages", type=Path, required=True, help="folder with one unpacked package a folder")
    making.add_argument("--versions", type=Path, required=True, help="folder of the .deb files, named with versions")
    commands.add_parser("check", help="drop pictures in which CRAFT sees text")
    arguments = parser.parse_args()
    if arguments.command == "make":
        make(arguments.packages, arguments.versions)
    else:
        check()


if __name__ == "__main__":
    main()
