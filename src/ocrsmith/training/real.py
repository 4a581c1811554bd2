"""Real pictures of a recipe: read, held back by hash, and told what they hold before anything is trained on them."""

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
from ocrsmith.training.recipe_tables import RealTable

Level = Literal["words", "lines"]


@dataclass(frozen=True, eq=False)
class RealSet:
    """One folder of a recipe's real pictures.

    Attributes:
        name: how reports call it.
        level: what one label is.
        pictures: of each split; each picture is in one of them, unless there are fewer than three: then all are in all.
        told: sentences on what the folder holds and what of it cannot be used.
    """

    name: str
    table: RealTable
    kind: Literal["pages", "crops"]
    level: Level
    pictures: dict[Split, tuple[LabelledPicture, ...]]
    told: tuple[str, ...]

    def folder(self, split: Split) -> LabelledFolder:
        """The pictures of a split as a labelled folder."""
        first = self.pictures[split][0]
        return LabelledFolder(first.path.parent, "real", self.kind, self.pictures[split])


def real_sets(recipe: Recipe, tables: Sequence[RealTable]) -> list[RealSet]:
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


def _real_set(recipe: Recipe, table: RealTable) -> RealSet:
    folder = read_labels(recipe.path(table.folder), table.format)
    usable, unreadable = _readable(folder.entries)
    name = table.name or folder.path.resolve().name
    if not usable:
        raise RecipeError(f"None of the {len(folder.entries)} pictures in {folder.path} can be read. {unreadable[0]}")
    if folder.kind == "pages" and not any(not i.ignore for entry in usable for i in entry.instances):
        raise RecipeError(f"No text is labelled in {folder.path}, so that nothing can be learnt from it. Leave it out.")
    summary = describe(folder, check_pictures=0)
    level: Level = "lines" if summary.level == "lines" else "words"
    if table.level != "auto":
        level = table.level
    places = hold_back([entry.name for entry in usable], table.held_back)
    pictures = {
        split: tuple(entry for entry, place in zip(usable, places, strict=True) if place in (split, "all"))
        for split in SPLITS
    }
    told = _told(name, level, folder, usable, pictures, [*folder.problems, *unreadable])
    return RealSet(name, table, folder.kind, level, pictures, tuple(told))


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
    counts = ", ".join(f"{len(pictures[split])} {doing}" for split, doing in zip(SPLITS, _DOINGS, strict=True))
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


_DOINGS = ("to train on", "to choose the best weights by", "to measure on")
