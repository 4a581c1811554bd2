"""What is packaged: every file is in its table, has a free licence, reads, and stays within its size."""

from __future__ import annotations

import csv
import json
import runpy
from pathlib import Path

import numpy as np

from ocrsmith.images import read_image
from ocrsmith.settings import package_assets_dir
from ocrsmith.synth.code_points import parse_code_points
from ocrsmith.synth.dictionary_text import packaged_words
from ocrsmith.synth.font_files import inspect_file
from ocrsmith.synth.fonts import builtin_fonts

FONTS = package_assets_dir() / "fonts"
BACKGROUNDS = package_assets_dir() / "backgrounds"


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_fonts_agree_with_their_table() -> None:
    rows = json.loads((FONTS / "fonts.json").read_text(encoding="utf-8"))["fonts"]
    assert sorted(row["file"] for row in rows) == sorted(f"files/{p.name}" for p in (FONTS / "files").iterdir())
    assert len({row["family"] for row in rows}) >= 150
    assert {row["licence"] for row in rows} == {"OFL-1.1", "Apache-2.0"}
    assert all((FONTS / "licences" / f"{licence}.txt").is_file() for licence in ("OFL-1.1", "Apache-2.0"))
    assert all(row["copyright"] and row["version"] and row["package"] for row in rows)
    assert {row["family"] for row in rows} == {row["family"] for row in table(FONTS / "ATTRIBUTION.tsv")}
    assert size_of(FONTS) < 12_500_000


def test_reserved_names_are_not_carried_by_subsets() -> None:
    for row in json.loads((FONTS / "fonts.json").read_text(encoding="utf-8"))["fonts"]:
        if "with Reserved Font Name" in row["copyright"]:
            assert row["family"] != row["derived_from"], row["file"]


def test_a_sample_of_fonts_draws_what_the_table_says() -> None:
    for face in builtin_fonts()[::25]:
        (facts,) = inspect_file(face.path, range(0x20, 0x2200))
        assert facts.code_points == face.code_points, face.name
        assert facts.all_caps == face.all_caps, face.name
        assert parse_code_points("20-7e") - facts.code_points == set() or face.category == "segment"


def test_backgrounds_agree_with_their_table() -> None:
    rows = json.loads((BACKGROUNDS / "backgrounds.json").read_text(encoding="utf-8"))
    assert len(rows) >= 150
    assert sorted(row["file"] for row in rows) == sorted(f"files/{p.name}" for p in (BACKGROUNDS / "files").iterdir())
    assert [row["file"] for row in table(BACKGROUNDS / "ATTRIBUTION.tsv")] == [row["file"] for row in rows]
    assert all(row["licence"].startswith(("CC0", "CC-BY", "public-domain")) for row in rows)
    assert all(row["copyright"] and row["version"] and row["package"] for row in rows)
    assert size_of(BACKGROUNDS) < 10_500_000
    for row in rows[::20]:
        image = read_image(BACKGROUNDS / row["file"])
        assert image.shape == (row["height"], row["width"], 3)
        assert max(image.shape) <= 640


def test_backgrounds_were_checked_for_text() -> None:
    rows = json.loads((BACKGROUNDS / "backgrounds.json").read_text(encoding="utf-8"))
    assert max(row["region_score"] for row in rows) <= 0.35


def test_words() -> None:
    words, frequencies = packaged_words("english")
    assert len(words) >= 100_000
    assert len(set(words)) == len(words)
    assert words[0] == "the"
    assert np.all(np.diff(frequencies) <= 0)
    assert size_of(package_assets_dir() / "words") < 1_000_000
    assert {"London", "Monday", "don't"} <= set(words)


def test_offensive_words_are_left_out() -> None:
    words = set(packaged_words("english")[0])
    assert not {"bitch", "bitches", "bastards", "wetbacks"} & words
    assert {"Niger", "cocktail", "lens", "assess", "spaced"} <= words, "harmless words went with them"


def test_what_counts_as_offensive() -> None:
    tool = runpy.run_path(str(Path(__file__).parents[1] / "tools" / "assets" / "make_words.py"))
    words = [
        "grob",
        "Grobs",
        "grobed",
        "spac",
        "space",
        "spaced",
        "mug",
        "mugs",
        "fop",
        "fops",
        "ass",
        "assess",
        "kind",
    ]
    ratings = {"grob": 2, "spac": 2, "mug": 0, "ass": 2, "kind": 1}
    assert tool["offensive"](words, ratings, {"mug", "fop"}) == {"grob", "Grobs", "grobed", "spac", "fop", "ass"}
