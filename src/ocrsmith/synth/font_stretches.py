"""Texts of several alphabets in one line: which stretches of it a font lacks, and which other fonts write them.

A script is given over whole: where a font has three letters of a Greek word, none of them stand among the other font's.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from fontTools.unicodedata import script

from ocrsmith.errors import FontError
from ocrsmith.synth.choices import Rng
from ocrsmith.synth.fonts import FontFace

# Start and end of the characters, and the name of the font that writes them.
Stretch = tuple[int, int, str]

# Unicode's scripts (UAX 24) of digits, punctuation and space, which every script shares; and of what takes the script
# of the character before it.
_COMMON, _INHERITED = "Zyyy", "Zinh"


def script_runs(text: str) -> list[tuple[int, int, str]]:
    """(start, end, script) of each run of one script; "Zyyy" where its characters belong to none."""
    scripts: list[str] = []
    for character in text:
        found = script(character)
        scripts.append(scripts[-1] if found == _INHERITED and scripts else found)
    runs, start = [], 0
    for name, group in groupby(scripts):
        end = start + len(list(group))
        runs.append((start, end, name))
        start = end
    return runs


def writes_part(face: FontFace, text: str) -> bool:
    """Whether a face has every character that some script has in a text, be it not the others'."""
    return len(_lacking(face, text)) < len({name for _, _, name in script_runs(text)} - {_COMMON})


def _lacking(face: FontFace, text: str) -> set[str]:
    """The scripts of which a face lacks characters of a text; what is common to all does not count."""
    return {name for start, end, name in script_runs(text) if name != _COMMON and not face.draws(text[start:end])}


def lacking_stretches(face: FontFace, text: str) -> list[tuple[int, int, str]]:
    """(start, end, script) of what a face is not to write: the scripts it lacks, and common characters it lacks.

    Neighbours come as one stretch, under the script of the first that has one.
    """
    lacking = _lacking(face, text)
    merged: list[tuple[int, int, str]] = []
    for start, end, name in script_runs(text):
        if name in lacking or (name == _COMMON and not face.draws(text[start:end])):
            if merged and merged[-1][1] == start:
                first, _, before = merged[-1]
                merged[-1] = (first, end, name if before == _COMMON else before)
            else:
                merged.append((start, end, name))
    return merged


def fonts_of(
    text: str, name: str, faces: Mapping[str, FontFace], rng: Rng, used: dict[str, str] | None = None
) -> tuple[str, tuple[Stretch, ...]]:
    """The font that a text is set in, and the others for what that lacks.

    It is `name` where that font has the text or one of its scripts; else one that has all, else one that has a script.

    Raises:
        FontError: no font has the text, or a stretch of it.
    """
    if faces[name].draws(text):
        return name, ()
    if not writes_part(faces[name], text):
        able = [other for other, face in faces.items() if face.draws(text)]
        able = able or [other for other, face in faces.items() if writes_part(face, text)]
        if not able:
            raise FontError(f"None of {len(faces)} fonts has every glyph of {text!r}. Add one, or a group of them.")
        name = able[int(rng.random() * len(able))]
    return name, other_fonts(text, faces[name], faces, rng, used)


def other_fonts(
    text: str, face: FontFace, faces: Mapping[str, FontFace], rng: Rng, used: dict[str, str] | None = None
) -> tuple[Stretch, ...]:
    """The stretches of a text that a face lacks, each with a font that has it; nothing where the face has all.

    The others are drawn among those most like it: of its category, as bold and as slanted.

    Args:
        used: by script the font that was drawn for it, which is kept to and added to, so that a line, a block or a
            page writes a script in one font.

    Raises:
        FontError: no font has a stretch.
    """
    if face.draws(text):
        return ()
    used = {} if used is None else used
    stretches = []
    for start, end, its_script in lacking_stretches(face, text):
        part = text[start:end]
        other = used.get(its_script)
        if other is None or not faces[other].draws(part):
            other = used[its_script] = _drawn(part, face, faces, rng)
        stretches.append((start, end, other))
    return tuple(stretches)


def _drawn(part: str, face: FontFace, faces: Mapping[str, FontFace], rng: Rng) -> str:
    able = [name for name, other in faces.items() if other.draws(part)]
    if not able:
        raise FontError(f"None of {len(faces)} fonts has every glyph of {part!r}. Add one, or a group of them.")
    likeness = [_likeness(face, faces[name]) for name in able]
    nearest = [name for name, alike in zip(able, likeness, strict=True) if alike == max(likeness)]
    return nearest[int(rng.random() * len(nearest))]


def _likeness(face: FontFace, other: FontFace) -> int:
    """How many of category, weight and slant two faces share; category counts for the other two."""
    bold, other_bold = "bold" in face.style.casefold(), "bold" in other.style.casefold()
    return 2 * (face.category == other.category) + (bold == other_bold) + (_slanted(face) == _slanted(other))


def _slanted(face: FontFace) -> bool:
    return any(part in face.style.casefold() for part in ("italic", "oblique"))
