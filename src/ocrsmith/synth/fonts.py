"""Finding fonts: the packaged, the installed or a user's own, kept only where they draw the whole alphabet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from ocrsmith.alphabet import Alphabet, show
from ocrsmith.errors import FontError, SynthesisError
from ocrsmith.settings import package_assets_dir
from ocrsmith.splits import Split, select_split
from ocrsmith.synth.code_points import parse_code_points
from ocrsmith.synth.font_files import CATEGORIES, UNKNOWN_CATEGORY, FontFacts, inspect_file
from ocrsmith.synth.font_folders import font_files_in, system_font_folders

BUILTIN = "builtin"
SYSTEM = "system"


@dataclass(frozen=True)
class FontFace:
    """One face of one file. `code_points` are those that it draws, not merely those that it maps.

    `index` is the face's place in a collection (.ttc), 0 elsewhere.
    """

    path: Path
    family: str
    style: str
    category: str
    code_points: frozenset[int] = field(repr=False)
    index: int = 0
    all_caps: bool = False

    @property
    def name(self) -> str:
        """Family and style, as one."""
        return f"{self.family} {self.style}"

    def draws(self, text: str) -> bool:
        """Whether it has every character of a text."""
        return self.code_points.issuperset(map(ord, text))


@dataclass(frozen=True)
class FontSearch:
    """What a search found, and for each file or face that it refused the reason why."""

    faces: tuple[FontFace, ...]
    refused: dict[str, str]


def find_fonts(
    folders: Iterable[str | Path] = (BUILTIN,),
    alphabet: Alphabet | str | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    categories: Sequence[str] = (),
    groups: Sequence[str] = (),
) -> list[FontFace]:
    """The faces that draw all of `alphabet` or one of its `groups`; `search_fonts` also tells what was refused."""
    return list(search_fonts(folders, alphabet, include, exclude, categories, groups).faces)


def search_fonts(
    folders: Iterable[str | Path] = (BUILTIN,),
    alphabet: Alphabet | str | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    categories: Sequence[str] = (),
    groups: Sequence[str] = (),
) -> FontSearch:
    """Searches fonts, in the order of `folders` and of file names within each.

    Args:
        folders: "builtin" for the packaged fonts, "system" for the installed ones, else folders or files.
        alphabet: keeps faces that draw all of it. Where it has both cases of a letter, faces whose lower case is made
            of capitals are refused: their pictures would not tell which case the label means.
        include: keeps faces with one of these parts in family and style, in any case of letters; all where empty.
        exclude: refuses faces with one of these parts, such as "thin".
        categories: keeps these of "serif", "sans", "slab", "mono", "display", "handwriting", "segment", "unknown".
        groups: parts of the alphabet, each a string of characters. A face is kept where it draws all of one of them, so
            that Latin and Greek come from fonts of their own; together they hold the whole alphabet.

    Raises:
        FontError: a folder that does not exist, an unknown category, or nothing left. The last names the face that
            covers most, and what it lacks.
    """
    _check_categories(categories)
    wanted = _as_alphabet("".join(groups) if alphabet is None and groups else alphabet)
    parts = [_as_alphabet(group) for group in groups] if groups else [wanted]
    _check_groups(wanted, groups)
    refused: dict[str, str] = {}
    candidates: list[FontFace] = []
    for folder in dict.fromkeys([folders] if isinstance(folders, (str, Path)) else folders):
        candidates += _faces_in(folder, wanted, refused)
    faces: list[FontFace] = []
    lacking: dict[str, list[str]] = {}
    for face in candidates:
        reason = _refused_by_name(face, include, exclude, categories)
        if reason is None and wanted is not None:
            missing = min((part.font_coverage(face.code_points) for part in parts if part is not None), key=len)
            if missing:
                lacking[face.name] = missing
                reason = f"lacks {show(missing, 6)}"
            elif face.all_caps and _has_both_cases(wanted):
                reason = "its lower case is made of capitals"
        if reason is None:
            faces.append(face)
        else:
            refused[f"{face.path}#{face.index}" if face.index else str(face.path)] = reason
    if not faces:
        raise FontError(_nothing_left(refused, lacking))
    return FontSearch(tuple(faces), refused)


def split_fonts(faces: Iterable[FontFace], split: Split, groups: Sequence[str] = ()) -> list[FontFace]:
    """The faces of one split: a family goes whole into one, so that its bold is never trained on when tested on.

    With `groups` of characters (see `search_fonts`) each group's faces are split apart, so that none goes without.
    """
    everything = list(faces)
    if not groups:
        return select_split(everything, split, lambda face: face.family)
    kept: set[FontFace] = set()
    for group in groups:
        able = [face for face in everything if face.draws("".join(group.split()))]
        kept.update(select_split(able, split, lambda face: face.family))
    return [face for face in everything if face in kept]


def named_faces(fonts: Iterable[FontFace]) -> dict[str, FontFace]:
    """Faces by the name that plans use: family and style, with the file where two faces share these."""
    faces: dict[str, FontFace] = {}
    for face in fonts:
        name = face.name if face.name not in faces else f"{face.name} ({face.path.name} {face.index})"
        faces[name] = face
    return faces


def face_of(name: str, faces: Mapping[str, FontFace]) -> FontFace:
    """The face that a plan names; raises SynthesisError where it is not among a world's."""
    face = faces.get(name)
    if face is None:
        raise SynthesisError(
            f"The plan names the font {name!r}, which this world does not have. Render it with the world's fonts."
        )
    return face


@lru_cache(maxsize=1)
def builtin_fonts() -> tuple[FontFace, ...]:
    """The packaged faces, from their table: coverage was checked outline by outline when they were packaged."""
    folder = package_assets_dir() / "fonts"
    try:
        table = json.loads((folder / "fonts.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FontError(
            f"The table of packaged fonts in {folder} cannot be read ({error}). Install ocrsmith again."
        ) from None
    coverages = [parse_code_points(ranges) for ranges in table["coverages"]]
    return tuple(
        FontFace(
            path=folder / row["file"],
            family=row["family"],
            style=row["style"],
            category=row["category"],
            code_points=coverages[row["coverage"]],
            all_caps=row["all_caps"],
        )
        for row in table["fonts"]
    )


def _as_alphabet(alphabet: Alphabet | str | None) -> Alphabet | None:
    if isinstance(alphabet, str):
        return Alphabet("".join(dict.fromkeys(alphabet)))
    return alphabet


def _faces_in(folder: str | Path, wanted: Alphabet | None, refused: dict[str, str]) -> list[FontFace]:
    if folder == BUILTIN:
        return list(builtin_fonts())
    roots = system_font_folders() if folder == SYSTEM else [Path(folder).expanduser()]
    codes = sorted({ord(c) for entry in wanted.characters for c in entry}) if wanted is not None else []
    faces: list[FontFace] = []
    for root in roots:
        if not root.exists():
            raise FontError(f'The font folder {root} does not exist. Check the path, or use "builtin" or "system".')
        for path in font_files_in(root):
            try:
                faces += [_as_face(path, facts) for facts in inspect_file(path, codes)]
            except FontError as error:
                refused[str(path)] = str(error)
    return faces


def _as_face(path: Path, facts: FontFacts) -> FontFace:
    return FontFace(
        path=path,
        family=facts.family or path.stem,
        style=facts.style,
        category=facts.category,
        code_points=facts.code_points,
        index=facts.index,
        all_caps=facts.all_caps,
    )


def _check_groups(wanted: Alphabet | None, groups: Sequence[str]) -> None:
    if not groups or wanted is None:
        return
    left = wanted.font_coverage(ord(character) for group in groups for character in group)
    if left:
        raise FontError(
            f"The groups of characters leave out {show(left)}. Put every character of the alphabet into one of them."
        )


def _check_categories(categories: Sequence[str]) -> None:
    known = (*CATEGORIES, UNKNOWN_CATEGORY)
    unknown = [category for category in categories if category not in known]
    if unknown:
        raise FontError(f"Font categories came as {', '.join(unknown)}. Use some of {', '.join(known)}.")


def _refused_by_name(
    face: FontFace, include: Sequence[str], exclude: Sequence[str], categories: Sequence[str]
) -> str | None:
    name = face.name.casefold()
    if categories and face.category not in categories:
        return f"is of category {face.category}"
    if include and not any(part.casefold() in name for part in include):
        return f"is called {face.name}, without any of {', '.join(include)}"
    for part in exclude:
        if part.casefold() in name:
            return f"is called {face.name}, with {part}"
    return None


def _has_both_cases(alphabet: Alphabet) -> bool:
    entries = set(alphabet.characters)
    return any(entry.isalpha() and entry.swapcase() != entry and entry.swapcase() in entries for entry in entries)


def _nothing_left(refused: dict[str, str], lacking: dict[str, list[str]]) -> str:
    if lacking:
        best = min(lacking, key=lambda name: len(lacking[name]))
        return (
            f"None of {len(refused)} fonts draws the whole alphabet. {best} comes nearest and lacks "
            f"{show(lacking[best])}. Add a font that has them, or take them out of the alphabet."
        )
    if refused:
        path, reason = next(iter(refused.items()))
        return (
            f"None of {len(refused)} fonts is left, for example {path}: {reason}. Loosen include, exclude or "
            "categories, or name another folder."
        )
    return "No font files were found. TrueType or OpenType (.ttf, .otf, .ttc) was expected; name another folder."
