"""Real pictures of a recipe: read, parted by hash, and told what they hold before anything is trained on them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ocrsmith.data.formats import LabelledFolder, LabelledPicture, Problem, describe, read_labels
from ocrsmith.errors import InputError, RecipeError
from ocrsmith.splits import SPLITS, Split
from ocrsmith.training.recipe import Recipe
from ocrsmith.training.recipe_tables import KeepTable, LabelledTable, RealTable

Level = Literal["words", "lines"]


@dataclass(frozen=True, eq=False)
class RealSet:
    """One folder of a recipe's real pictures.

    Attributes:
        name: how reports call it.
        level: what one label is.
        table: a KeepTable for pictures that are not trained on.
        pictures: of each split; each picture is in one of them, unless there are fewer than three: then all are in all.
            Kept ones are in two, or both where there is one picture.
        told: sentences on what the folder holds and what of it cannot be used.
    """

    name: str
    table: RealTable | KeepTable
    kind: Literal["pages", "crops"]
    level: Level
    pictures: dict[Split, tuple[LabelledPicture, ...]]
    told: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether the pictures are of an old kind, which is not to be forgotten, and not a new one to learn."""
        return isinstance(self.table, KeepTable)

    def folder(self, split: Split) -> LabelledFolder:
        """The pictures of a split as a labelled folder."""
        first = self.pictures[split][0]
        return LabelledFolder(first.path.parent, "real", self.kind, self.pictures[split])


def real_sets(recipe: Recipe, tables: Sequence[RealTable | KeepTable]) -> list[RealSet]:
    """Every table's pictures, in the recipe's order; of two with one name the second is told apart by a number.

    Raises:
        InputError, LabelError: a folder that is not there or has no labels.
        RecipeError: a folder without any picture that can be used.
    """
    sets: list[RealSet] = []
    for table in tables:
        found = _real_set(recipe, table)
        same = sum(one.name.split(" (")[0] == found.name for one in sets)
        sets.append(replace(found, name=f"{found.name} ({same + 1})") if same else found)
    return sets


def kept_names(sets: Sequence[RealSet]) -> frozenset[str]:
    """The names of the sets of an old kind."""
    return frozenset(one.name for one in sets if one.kept)


def _real_set(recipe: Recipe, table: RealTable | KeepTable) -> RealSet:
    folder = read_labels(recipe.path(table.folder), table.format)
    usable, unreadable = _readable(folder.entries)
    name = table.name or folder.path.resolve().name
    if not usable:
        raise RecipeError(f"None of the {len(folder.entries)} pictures in {folder.path} can be read. {unreadable[0]}")
    if folder.kind == "pages" and not any(not i.ignore for entry in usable for i in entry.instances):
        raise RecipeError(f"No text is labelled in {folder.path}, so that nothing can be learnt from it. Leave it out.")
    level = level_of(folder, table)
    names = [entry.name for entry in usable]
    places = hold_back(names, table.held_back) if isinstance(table, RealTable) else halve(names)
    pictures = {
        split: tuple(entry for entry, place in zip(usable, places, strict=True) if place in (split, "all"))
        for split in SPLITS
    }
    if isinstance(table, KeepTable):
        pictures["train"] = ()
    told = _told(name, level, folder, usable, pictures, [*folder.problems, *unreadable])
    return RealSet(name, table, folder.kind, level, pictures, tuple(told))


def level_of(folder: LabelledFolder, table: LabelledTable) -> Level:
    """What one label is, as the table says or as the folder's texts show."""
    if table.level != "auto":
        return table.level
    return "lines" if describe(folder, check_pictures=0).level == "lines" else "words"


def _readable(entries: Sequence[LabelledPicture]) -> tuple[list[LabelledPicture], list[Problem]]:
    """The pictures whose headers can be read, and the others with their reasons."""
    usable, unreadable = [], []
    for entry in entries:
        try:
            entry.source.size()
        except InputError as error:
            unreadable.append(Problem(entry.path, None, str(error)))
        else:
            usable.append(entry)
    return usable, unreadable


def hold_back(names: Sequence[str], share: float) -> list[Split | Literal["all"]]:
    """Where each picture goes: the same name always to the same split, whatever else is in the folder.

    A hash spreads the names over 0 to 1; those below `share` are held back, the lower half for the test. Where a split
    would have none, it takes the picture whose hash is nearest to its range; fewer than three cannot be split. A share
    of 0 holds nothing back: training pictures are then what is measured on, too.
    """
    if len(names) < 3 or share <= 0:
        return ["all"] * len(names)
    places = [_place(name) for name in names]
    splits: list[Split | Literal["all"]] = [
        "test" if place < share / 2 else "validation" if place < share else "train" for place in places
    ]
    ranges: dict[Split, float] = {"test": share / 4, "validation": 0.75 * share, "train": (1 + share) / 2}
    for split, middle in ranges.items():
        if split not in splits:
            counts = Counter(splits)
            spare = [index for index in range(len(names)) if counts[splits[index]] > 1]
            splits[min(spare, key=lambda index: abs(places[index] - middle))] = split
    return splits


def halve(names: Sequence[str]) -> list[Split | Literal["all"]]:
    """Where each picture of an old kind goes, by its name's hash: to choose weights by, or to be measured on.

    Both halves have a picture at least; one alone is in both.
    """
    if len(names) < 2:
        return ["all"] * len(names)
    places = [_place(name) for name in names]
    splits: list[Split | Literal["all"]] = ["test" if place < 0.5 else "validation" for place in places]
    missing: list[Split] = [split for split in ("test", "validation") if split not in splits]
    for split in missing:
        splits[min(range(len(names)), key=lambda index: abs(places[index] - 0.5))] = split
    return splits


def _place(name: str) -> float:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") / 2**64


def _told(
    name: str,
    level: Level,
    folder: LabelledFolder,
    usable: Sequence[LabelledPicture],
    pictures: dict[Split, tuple[LabelledPicture, ...]],
    problems: Sequence[Problem],
) -> list[str]:
    """What to say of a folder: its size and splits, then each thing that is left out or counts for less."""
    counts = ", ".join(f"{len(own)} {_DOINGS[split]}" for split, own in pictures.items() if own)
    if len(pictures["train"]) == len(usable):
        counts = "none is held back, so that scores are of pictures that were trained on"
    told = [f"{name}: {len(usable)} {folder.kind} of {level} ({folder.format}): {counts}"]
    instances = [instance for entry in usable for instance in entry.instances]
    texts = [instance.text.strip() for instance in instances if not instance.ignore]
    found = {
        "empty pages": sum(not entry.instances for entry in usable) if folder.kind == "pages" else 0,
        "labels to be ignored": sum(instance.ignore for instance in instances),
        "labels without a text": sum(not text for text in texts),
        "words of one character": sum(len(text) == 1 for text in texts),
    }
    told += [f"{name}: {count} {what}" for what, count in found.items() if count]
    if problems:
        told.append(f"{name}: {len(problems)} labels or pictures were left out, the first: {problems[0]}")
    return told


_DOINGS: dict[Split, str] = {
    "train": "to train on",
    "validation": "to choose the best weights by",
    "test": "to measure on",
}
