"""Makes src/ocrsmith/assets/fonts from npm packages: Latin subsets without hints, their table and their attributions.

    python tools/assets/make_fonts.py --downloads build/npm

Packages are fetched with `npm pack` unless they already lie in --downloads. Only fonts under the SIL Open Font License
1.1 or the Apache License 2.0 are taken, as their own licence text says.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from font_packages import NAMES_BY_CATEGORY, RENAMED, SEGMENT_FAMILIES, SEGMENT_STYLES, SLAB_AMONG_SERIFS
from fontTools.otlLib.optimize import compact
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

from ocrsmith.errors import FontError
from ocrsmith.synth.code_points import format_code_points
from ocrsmith.synth.font_files import inspect_file

ASSETS = Path(__file__).resolve().parents[2] / "src" / "ocrsmith" / "assets" / "fonts"

# Printable ASCII, Latin-1, Latin Extended-A, then: s and t with comma below, capital sharp s, dashes, quotes, daggers,
# bullet, ellipsis, per mille, primes, guillemets, currency signs, numero, trade mark, minus, fi and fl.
CODE_POINTS = sorted(
    {*range(0x20, 0x7F), *range(0xA0, 0x180), *range(0x218, 0x21C), 0x1E9E}
    | {*range(0x2010, 0x2016), *range(0x2018, 0x201F), 0x2020, 0x2021, 0x2022, 0x2026, 0x2030, 0x2032, 0x2033}
    | {0x2039, 0x203A, 0x20A4, 0x20A9, 0x20AA, 0x20AB, 0x20AC, 0x20B9, 0x20BA, 0x20BD, 0x20BF, 0x2116, 0x2122, 0x2212}
    | {0xFB01, 0xFB02}
)
# Weights in the order of preference; a second upright style is added where the family has one.
REGULAR_WEIGHTS = ("400Regular", "500Medium", "300Light", "700Bold")
BOLD_WEIGHTS = ("700Bold", "800ExtraBold", "600SemiBold", "900Black")
ITALIC_CATEGORIES = ("serif", "slab", "mono")
MAX_TOTAL_BYTES = 12_000_000


@dataclass(frozen=True)
class Source:
    """One font file to be packaged, and where it comes from."""

    data: bytes
    family: str
    style: str
    category: str
    package: str
    version: str
    licence: str
    copyright_line: str
    reserved: bool
    original: str


def fetch(package: str, downloads: Path) -> Path:
    """The tarball of an npm package, from `downloads` where it already lies there."""
    stem = package.replace("@", "").replace("/", "-")
    pattern = re.compile(re.escape(stem) + r"-\d+\.\d+\.\d+\.tgz")
    found = sorted(path for path in downloads.glob("*.tgz") if pattern.fullmatch(path.name))
    if not found:
        subprocess.run(["npm", "pack", "--silent", "--pack-destination", str(downloads), package], check=True)
        found = sorted(path for path in downloads.glob("*.tgz") if pattern.fullmatch(path.name))
    return found[-1]


def licence_of(text: str) -> str:
    """The SPDX name of a licence text or of a font's own licence line; empty where it is neither."""
    if "SIL O" in text and re.search(r"open font licen[sc]e,? *(\(OFL\))?,? *version 1\.1", text, re.IGNORECASE):
        return "OFL-1.1"
    if "Apache License" in text and "ersion 2.0" in text:
        return "Apache-2.0"
    return ""


def reserves_a_name(*statements: str) -> bool:
    """Whether a copyright statement (not the licence's own text, which defines the term) reserves a name."""
    return any(re.search(r"with reserved font name", statement, re.IGNORECASE) for statement in statements)


def google_sources(slug: str, category: str, downloads: Path) -> Iterator[Source]:
    package = f"@expo-google-fonts/{slug}"
    with tarfile.open(fetch(package, downloads)) as archive:
        names = archive.getnames()

        def text_of(name: str) -> str:
            member = archive.extractfile(name) if name in names else None
            return member.read().decode("utf-8", "replace") if member else ""

        version = json.loads(text_of("package/package.json"))["version"]
        metadata = json.loads(text_of("package/metadata.json") or "{}")
        licence_text = text_of("package/LICENSE_FONT")
        for style, name in chosen_styles([n for n in names if n.endswith(".ttf")], slug, category):
            member = archive.extractfile(name)
            assert member is not None
            data = member.read()
            font = TTFont(io.BytesIO(data), lazy=True)
            notice = (font["name"].getDebugName(0) or "").strip()
            licence = licence_of(licence_text) or licence_of(font["name"].getDebugName(13) or "")
            head = licence_text.split("This Font Software")[0] if licence == "OFL-1.1" else ""
            reserved = licence == "OFL-1.1" and reserves_a_name(head, notice.split("This Font Software")[0])
            family = metadata.get("family") or font["name"].getDebugName(1)
            yield Source(
                data=data,
                family=RENAMED.get(slug, "") if reserved else family,
                style=style,
                category="slab" if slug in SLAB_AMONG_SERIFS else category,
                package=package,
                version=version,
                licence=licence,
                copyright_line=one_line(notice.split("This Font Software")[0] or head),
                reserved=reserved,
                original=family,
            )


def chosen_styles(names: list[str], slug: str, category: str) -> list[tuple[str, str]]:
    """The regular, and a second style where the family has one and the size allowed for all fonts has room for it.

    Which one is drawn from the family's name: an italic or a bold for serif, slab and mono, and a bold for a third of
    the many sans. Display and handwriting come in their regular alone.
    """
    by_style = {Path(name).stem.split("_", 1)[1]: name for name in names}
    regular = next((w for w in REGULAR_WEIGHTS if w in by_style), min(by_style))
    bold = next((w for w in BOLD_WEIGHTS if w in by_style and w != regular), None)
    italic = f"{regular}_Italic"
    draw = hashlib.blake2b(slug.encode(), digest_size=1).digest()[0]
    chosen = [("Regular", by_style[regular])]
    if category in ITALIC_CATEGORIES and draw % 2 == 0 and italic in by_style:
        chosen.append(("Italic", by_style[italic]))
    elif bold is not None and (category in ITALIC_CATEGORIES or (category == "sans" and draw % 3 == 0)):
        chosen.append(("Bold", by_style[bold]))
    return chosen


def segment_sources(downloads: Path) -> Iterator[Source]:
    with tarfile.open(fetch("dseg", downloads)) as archive:

        def read(name: str) -> bytes:
            member = archive.extractfile(f"package/{name}")
            assert member is not None
            return member.read()

        version = json.loads(read("package.json"))["version"]
        licence_text = read("DSEG-LICENSE.txt").decode("utf-8")
        for stem, family in SEGMENT_FAMILIES.items():
            for style in SEGMENT_STYLES:
                yield Source(
                    data=read(f"fonts/{stem}-{style}.ttf"),
                    family=family,
                    style=style,
                    category="segment",
                    package="dseg",
                    version=version,
                    licence=licence_of(licence_text),
                    copyright_line=one_line(licence_text.split("This Font Software")[0]),
                    reserved=True,
                    original=Path(stem).name,
                )


def one_line(text: str) -> str:
    return " ".join(text.replace("\ufeff", "").split())[:300]


def subset(source: Source) -> bytes:
    """The Latin subset without hints; kerning and ligatures stay, copyright and licence names stay."""
    font = TTFont(io.BytesIO(source.data))
    options = Options()
    options.hinting = False
    options.layout_features = ["kern", "liga"]
    options.name_IDs = [0, 1, 2, 4, 6, 7, 14]
    options.notdef_outline = True
    options.drop_tables += ["DSIG", "STAT", "meta", "FFTM", "MATH", "GDEF", "vmtx", "vhea"]
    options.legacy_kern = True
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=CODE_POINTS)
    subsetter.subset(font)
    if "GPOS" in font:
        compact(font, 9)
    if source.reserved:
        rename(font, source.family, source.style)
    target = io.BytesIO()
    font.save(target)
    return target.getvalue()


def rename(font: TTFont, family: str, style: str) -> None:
    names = font["name"]
    fresh = {1: family, 2: style, 4: f"{family} {style}", 6: f"{family}-{style}".replace(" ", "")}
    names.names = [record for record in names.names if record.nameID in (0, 14)]
    for name_id, value in fresh.items():
        names.setName(value, name_id, 3, 1, 0x409)


def sources(downloads: Path) -> Iterator[Source]:
    for category, slugs in NAMES_BY_CATEGORY.items():
        for slug in slugs.split():
            yield from google_sources(slug, category, downloads)
    yield from segment_sources(downloads)


def make(downloads: Path) -> None:
    files = ASSETS / "files"
    shutil.rmtree(files, ignore_errors=True)
    files.mkdir(parents=True)
    rows: list[dict[str, object]] = []
    coverages: dict[str, int] = {}
    for source in sources(downloads):
        if not source.licence:
            print(f"left out {source.package} {source.style}: its licence is neither OFL-1.1 nor Apache-2.0")
            continue
        if not source.family:
            print(f"left out {source.package} {source.style}: it reserves its name, and RENAMED has none for it")
            continue
        name = re.sub(r"[^A-Za-z0-9]", "", source.family) + "-" + source.style + ".ttf"
        path = files / name
        path.write_bytes(subset(source))
        try:
            (facts,) = inspect_file(path, CODE_POINTS)
        except FontError as error:
            print(f"left out {name}: {error}")
            path.unlink()
            continue
        ranges = format_code_points(facts.code_points)
        rows.append(
            {
                "file": f"files/{name}",
                "family": source.family,
                "style": source.style,
                "category": source.category,
                "coverage": coverages.setdefault(ranges, len(coverages)),
                "all_caps": facts.all_caps,
                "package": source.package,
                "version": source.version,
                "licence": source.licence,
                "copyright": source.copyright_line,
                "derived_from": source.original,
            }
        )
    total = sum(path.stat().st_size for path in files.iterdir())
    if total > MAX_TOTAL_BYTES:
        raise SystemExit(f"The fonts take {total} bytes; at most {MAX_TOTAL_BYTES} were allowed. Leave some out.")
    write_tables(rows, list(coverages))
    print(f"{len(rows)} files, {len({row['family'] for row in rows})} families, {total / 1e6:.2f} MB")


def write_tables(rows: list[dict[str, object]], coverages: list[str]) -> None:
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
    (ASSETS / "fonts.json").write_text(
        f'{{"coverages": {json.dumps(coverages, indent=1)},\n"fonts": [\n{lines}\n]}}\n', encoding="utf-8"
    )
    table = ["family\tcategory\tfaces\tpackage\tversion\tlicence\tderived_from\tcopyright"]
    by_family: dict[object, list[dict[str, object]]] = {}
    for row in rows:
        by_family.setdefault(row["family"], []).append(row)
    for family, members in by_family.items():
        first = members[0]
        fields = (
            family,
            first["category"],
            ", ".join(str(m["style"]) for m in members),
            first["package"],
            first["version"],
            first["licence"],
            first["derived_from"],
            first["copyright"],
        )
        table.append("\t".join(str(value).replace("\t", " ") for value in fields))
    (ASSETS / "ATTRIBUTION.tsv").write_text("\n".join(table) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--downloads", type=Path, required=True, help="folder of npm tarballs")
    arguments = parser.parse_args()
    arguments.downloads.mkdir(parents=True, exist_ok=True)
    make(arguments.downloads)


if __name__ == "__main__":
    main()
