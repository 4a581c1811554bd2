"""Finding fonts: coverage by outlines, names, categories, damage, splits."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from ocrsmith.alphabet import PRINTABLE_ASCII, Alphabet
from ocrsmith.errors import FontError
from ocrsmith.synth import fonts
from ocrsmith.synth.fonts import (
    builtin_fonts,
    find_fonts,
    search_fonts,
    split_fonts,
)

MakeFont = Callable[..., Path]


def box(width: int, bottom: int, top: int) -> object:
    pen = TTGlyphPen(None)
    if width:
        pen.moveTo((0, bottom))
        pen.lineTo((width, bottom))
        pen.lineTo((width, top))
        pen.lineTo((0, top))
        pen.closePath()
    return pen.glyph()


def heights(letter: str) -> tuple[int, int]:
    """Bottom and top of a letter as in a text face: ascenders, x-height and descenders differ."""
    return (-200 if letter in "gpqy" else 0), (700 if letter in "bdfhklt" or letter.isupper() else 500)


@pytest.fixture
def make_font(tmp_path: Path) -> MakeFont:
    """Writes a font whose glyphs are boxes, each letter of its own width."""

    def make(
        name: str,
        characters: str,
        *,
        empty: str = "",
        as_notdef: str = "",
        small_caps: bool = False,
        family: str = "Test Sans",
        style: str = "Regular",
    ) -> Path:
        glyphs = {".notdef": box(500, 0, 700)}
        mapping = {}
        for character in characters:
            glyph = f"u{ord(character):04X}"
            mapping[ord(character)] = glyph
            bottom, top = heights(character.upper() if small_caps else character)
            if character in empty or character == " ":
                glyphs[glyph] = box(0, 0, 0)
            elif character in as_notdef:
                glyphs[glyph] = box(500, 0, 700)
            else:
                glyphs[glyph] = box(
                    100 + ord(character), bottom, top if character.isupper() else top - 100 * small_caps
                )
        builder = FontBuilder(1000, isTTF=True)
        builder.setupGlyphOrder(list(glyphs))
        builder.setupCharacterMap(mapping)
        builder.setupGlyf(glyphs)
        builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (600, 0)))
        builder.setupHorizontalHeader(ascent=800, descent=-200)
        builder.setupNameTable({"familyName": family, "styleName": style})
        builder.setupOS2()
        builder.setupPost()
        path = tmp_path / "fonts" / name
        path.parent.mkdir(exist_ok=True)
        builder.save(path)
        return path

    return make


def test_a_font_that_draws_the_alphabet_is_found(make_font: MakeFont) -> None:
    path = make_font("a.ttf", "abc 123")
    (face,) = find_fonts([path.parent], "abc 12")
    assert (face.path, face.family, face.style, face.category) == (path, "Test Sans", "Regular", "sans")
    assert face.code_points == {ord(c) for c in "abc 123"}


def test_empty_and_notdef_glyphs_are_not_coverage(make_font: MakeFont) -> None:
    folder = make_font("empty.ttf", "abc 123", empty="b").parent
    make_font("box.ttf", "abc 123", as_notdef="3")
    make_font("good.ttf", "abc 123")
    search = search_fonts([folder], "abc 123")
    assert [face.path.name for face in search.faces] == ["good.ttf"]
    assert {Path(p).name: reason for p, reason in search.refused.items()} == {
        "box.ttf": "lacks '3' (U+0033)",
        "empty.ttf": "lacks 'b' (U+0062)",
    }


def test_small_caps_are_refused_where_both_cases_are_wanted(make_font: MakeFont) -> None:
    path = make_font("caps.ttf", "ABDEGHPQYabdeghpqy", small_caps=True)
    assert find_fonts([path], "abd")[0].all_caps
    assert find_fonts([path], "ABD")
    with pytest.raises(FontError, match="made of capitals"):
        find_fonts([path], "ABDabd")
    normal = make_font("normal.ttf", "ABDEGHPQYabdeghpqy")
    assert not find_fonts([normal], "ABDabd")[0].all_caps


def test_nothing_left_names_the_nearest(make_font: MakeFont) -> None:
    folder = make_font("a.ttf", "a", family="Far").parent
    make_font("b.ttf", "abc", family="Near")
    with pytest.raises(FontError, match=r"None of 2 fonts.*Near Regular comes nearest and lacks 'd' \(U\+0064\)\."):
        find_fonts([folder], "abcd")


def test_names_and_categories(make_font: MakeFont) -> None:
    folder = make_font("a.ttf", "a", family="Some Mono", style="Thin").parent
    make_font("b.ttf", "a", family="Some Mono", style="Bold")
    make_font("c.ttf", "a", family="Other Serif")
    assert [f.path.name for f in find_fonts([folder], include=("MONO",), exclude=("thin",))] == ["b.ttf"]
    assert [f.path.name for f in find_fonts([folder], categories=("serif",))] == ["c.ttf"]
    with pytest.raises(FontError, match="categories came as serf"):
        find_fonts([folder], categories=("serf",))
    with pytest.raises(FontError, match="Loosen include"):
        find_fonts([folder], include=("nothing",))


def test_damaged_files_are_skipped_with_a_reason(make_font: MakeFont) -> None:
    good = make_font("good.ttf", "abc")
    data = good.read_bytes()
    (good.parent / "cut.ttf").write_bytes(data[: len(data) // 2])
    (good.parent / "text.otf").write_text("not a font")
    (good.parent / "empty.ttf").write_bytes(b"")
    (good.parent / "collection.ttc").write_bytes(b"ttcf\x00\x01\x00\x00")
    (good.parent / "readme.txt").write_text("passed over")
    search = search_fonts([good.parent], "abc")
    assert [face.path for face in search.faces] == [good]
    assert sorted(Path(p).name for p in search.refused) == ["collection.ttc", "cut.ttf", "empty.ttf", "text.otf"]
    assert all("cannot be read" in reason for reason in search.refused.values())


def test_absent_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(FontError, match="does not exist"):
        find_fonts([tmp_path / "gone"])
    with pytest.raises(FontError, match="No font files"):
        find_fonts([tmp_path])


def test_system_folders_are_searched(make_font: MakeFont, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_font("a.ttf", "abc")
    monkeypatch.setattr(fonts, "system_font_folders", lambda: [path.parent])
    assert [face.path for face in find_fonts(["system"], "abc")] == [path]


def test_builtin_fonts_are_many_and_quick() -> None:
    builtin_fonts.cache_clear()
    start = time.process_time()
    faces = find_fonts(alphabet=Alphabet(PRINTABLE_ASCII))
    assert time.process_time() - start < 0.5
    assert len({face.family for face in faces}) >= 150
    assert not any(face.all_caps for face in faces)
    assert {"serif", "sans", "slab", "mono", "display", "handwriting"} <= {face.category for face in faces}
    assert find_fonts(alphabet="0123456789.", categories=("segment",))


def test_every_family_lies_in_one_split() -> None:
    families = [
        {face.family for face in fonts.split_fonts(builtin_fonts(), split)} for split in ("train", "validation", "test")
    ]
    assert all(len(names) >= 10 for names in families)
    assert sum(map(len, families)) == len(set.union(*families))


def test_groups_keep_fonts_that_draw_a_part_of_the_alphabet(make_font: MakeFont) -> None:
    folder = make_font("latin.ttf", "abc 12", family="Latin").parent
    make_font("greek.ttf", "\u03b1\u03b2\u03b3", family="Greek")
    make_font("half.ttf", "ab\u03b1", family="Half")
    alphabet = "abc \u03b1\u03b2\u03b3"
    with pytest.raises(FontError, match="None of 3 fonts draws the whole alphabet"):
        search_fonts([folder], alphabet)
    found = search_fonts([folder], alphabet, groups=("abc ", "\u03b1\u03b2\u03b3"))
    assert [face.family for face in found.faces] == ["Greek", "Latin"]
    assert list(found.refused.values()) == ["lacks c"] or "lacks" in next(iter(found.refused.values()))
    assert [face.draws("cab") for face in found.faces] == [False, True]
    with pytest.raises(FontError, match="groups of characters leave out"):
        search_fonts([folder], alphabet, groups=("abc", "\u03b1\u03b2"))
    # One family each: neither group is left without a font in any split.
    for split in ("train", "validation", "test"):
        assert split_fonts(found.faces, split, ("abc", "\u03b1\u03b2\u03b3")) == list(found.faces)  # type: ignore[arg-type]
