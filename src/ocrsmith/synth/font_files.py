"""What a font file really draws: its names, its coverage glyph by glyph, its category, whether it has a lower case.

A character map is a promise that many fonts do not keep: they map a character to an empty glyph or to the same box as
`.notdef`. Texts drawn with such a font are labelled with characters that nobody can see, so outlines are looked at.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fontTools.pens.boundsPen import BoundsPen
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTCollection, TTFont, TTLibError
from fontTools.ttLib.tables.DefaultTable import DefaultTable

from ocrsmith.errors import FontError

FONT_SUFFIXES = frozenset({".ttf", ".otf", ".ttc", ".otc"})
CATEGORIES = ("serif", "sans", "slab", "mono", "display", "handwriting", "segment")
UNKNOWN_CATEGORY = "unknown"

# What fontTools raises on files that are cut short or written over; FontError takes the place of all of them.
_DAMAGE = (
    TTLibError, OSError, ValueError, KeyError, IndexError, AssertionError, AttributeError, TypeError, EOFError,
    OverflowError, RecursionError, struct.error,
)  # fmt: skip

# Looked at when no alphabet says which characters matter: printable ASCII and Latin-1.
_DEFAULT_INSPECTED = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))

# Letters whose lower case differs in height or descent from their upper case in every face with a real lower case.
_CASE_LETTERS = "abdeghpqy"
_CASE_TOLERANCE = 0.1

_CATEGORY_WORDS = (
    ("mono", ("mono", "code", "console", "typewriter", "courier")),
    ("handwriting", ("hand", "script", "brush", "cursive", "chancery")),
    ("slab", ("slab", "rockwell")),
    ("sans", ("sans", "grotesk", "grotesque", "gothic", "helvet", "arial")),
    ("serif", ("serif", "roman", "times", "garamond", "bodoni", "antiqua")),
)


@dataclass(frozen=True)
class FontFacts:
    """One face of a file: what it is called and which characters it truly draws.

    `all_caps` tells that its lower-case letters are capitals or small capitals.
    """

    family: str
    style: str
    category: str
    code_points: frozenset[int]
    all_caps: bool
    index: int = 0


def inspect_file(path: Path, characters: Iterable[int] = ()) -> list[FontFacts]:
    """The faces of a font file, one unless it is a collection.

    Args:
        path: a .ttf, .otf, .ttc or .otc file.
        characters: the code points whose outlines are looked at; printable Latin-1 where none are given. The others
            that the font maps are believed.

    Raises:
        FontError: damaged, cut short, not a font, without outlines, or without a character map.
    """
    inspected = tuple(characters) or _DEFAULT_INSPECTED
    try:
        # From memory: given a path, fontTools leaves the file open where it fails.
        data = path.read_bytes()
        if data[:4] == b"ttcf":
            fonts = TTCollection(io.BytesIO(data), lazy=True).fonts
        else:
            fonts = [TTFont(io.BytesIO(data), lazy=True)]
        return [_inspect_face(font, inspected, index) for index, font in enumerate(fonts)]
    except _DAMAGE as error:
        raise FontError(
            f"The font {path} cannot be read ({type(error).__name__}: {error}). A whole TrueType or OpenType file was "
            "expected; copy or download it again."
        ) from None


def _inspect_face(font: TTFont, inspected: Iterable[int], index: int) -> FontFacts:
    if not {"glyf", "CFF ", "CFF2"} & set(font.keys()):
        raise ValueError("it holds no outlines, only bitmaps")
    mapping = font.getBestCmap()
    if not mapping:
        raise ValueError("it has no Unicode character map")
    glyphs = font.getGlyphSet()
    notdef = _outline(glyphs, ".notdef") if ".notdef" in glyphs else []
    blank = set()
    for code in inspected:
        if code in mapping and not chr(code).isspace():
            outline = _outline(glyphs, mapping[code])
            if not outline or outline == notdef:
                blank.add(code)
    return FontFacts(
        family=_name(font, 16, 1),
        style=_name(font, 17, 2) or "Regular",
        category=_category(font),
        code_points=frozenset(mapping) - blank,
        all_caps=_lower_case_is_capital(glyphs, mapping),
        index=index,
    )


def _outline(glyphs: Any, name: str) -> list[Any]:
    pen = DecomposingRecordingPen(glyphs)
    glyphs[name].draw(pen)
    return pen.value


def _lower_case_is_capital(glyphs: Any, mapping: dict[int, str]) -> bool:
    """Whether lower-case letters look like capitals: most have their outlines, or they are built as small capitals are,
    all as tall as each other and none descending (drawn small capitals share no outline with the capitals).
    """
    bounds = []
    num_equal = 0
    for letter in _CASE_LETTERS:
        if ord(letter) in mapping and ord(letter.upper()) in mapping:
            pen = BoundsPen(glyphs)
            glyphs[mapping[ord(letter)]].draw(pen)
            if pen.bounds is not None:
                bounds.append((letter, pen.bounds[1], pen.bounds[3]))
                num_equal += _outline(glyphs, mapping[ord(letter)]) == _outline(glyphs, mapping[ord(letter.upper())])
    if len(bounds) < len(_CASE_LETTERS) // 2:
        return False
    tops = sorted(top for _, _, top in bounds)
    height = tops[len(tops) // 2]
    # Q has a tail in many capitals, so q says nothing about descent.
    lowest = min(bottom for letter, bottom, _ in bounds if letter != "q")
    as_small_capitals = tops[-1] - tops[0] <= _CASE_TOLERANCE * height and lowest >= -_CASE_TOLERANCE * height
    return as_small_capitals or num_equal > len(bounds) / 2


def _name(font: TTFont, *ids: int) -> str:
    for name_id in ids:
        found = font["name"].getDebugName(name_id)
        if found and found.strip():
            return str(found).strip()
    return ""


def _category(font: TTFont) -> str:
    """A guess from fixed pitch, PANOSE and words of the name, in that order; "unknown" where none of them tells."""
    name = _name(font, 16, 1).lower()
    post: DefaultTable | None = font.get("post")
    if post is not None and bool(getattr(post, "isFixedPitch", False)):
        return "mono"
    for category, words in _CATEGORY_WORDS:
        if any(word in name for word in words):
            return category
    os2 = font.get("OS/2")
    panose = getattr(os2, "panose", None)
    if panose is not None:
        if panose.bFamilyType == 3:
            return "handwriting"
        if panose.bFamilyType == 4:
            return "display"
        if panose.bFamilyType == 2 and 2 <= panose.bSerifStyle <= 10:
            return "serif"
        if panose.bFamilyType == 2 and 11 <= panose.bSerifStyle <= 15:
            return "sans"
    return UNKNOWN_CATEGORY
