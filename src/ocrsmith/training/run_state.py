"""What a run remembers of itself in run.json, so that one that was killed goes on at its phase."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocrsmith.errors import RecipeError, StorageError
from ocrsmith.training.recipe import Recipe

FILE = "run.json"


@dataclass
class RunState:
    """Finished phases with what they left, and the seconds that the run has taken over all its lives.

    Attributes:
        recipe: the fingerprint of the recipe that the folder belongs to.
        phases: name -> JSON-able results; a phase stands here once it is through.
        notes: results within an unfinished phase, such as its start's score.
        seconds: spent before this life.
    """

    folder: Path
    recipe: str
    phases: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def open(cls, folder: Path, recipe: Recipe, *, resume: bool) -> RunState:
        """The state in the folder, or a new one.

        Raises:
            RecipeError: the folder holds a run of another recipe.
            StorageError: the folder cannot be made, or its run.json cannot be read.
        """
        fingerprint = recipe_fingerprint(recipe)
        path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not resume or not path.is_file():
                return cls(folder, fingerprint)
            form = json.loads(path.read_text(encoding="utf-8"))
            state = cls(folder, form["recipe"], form["phases"], form["notes"], form["seconds"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageError(f"The run in {folder} cannot be opened ({error!r}). Give a folder of its own.") from None
        if state.recipe != fingerprint:
            raise RecipeError(
                f"The folder {folder} holds a run of another recipe, or of this one before it was changed. Give "
                "another folder, or start over there with resume=False (--restart)."
            )
        return state

    def save(self) -> None:
        """Writes run.json, whole or not at all."""
        form = {"recipe": self.recipe, "phases": self.phases, "notes": self.notes, "seconds": self.seconds}
        path = self.folder / FILE
        partial = path.with_name(FILE + ".part")
        try:
            partial.write_text(json.dumps(form, indent=1, ensure_ascii=False), encoding="utf-8")
            partial.replace(path)
        except OSError as error:
            raise StorageError(f"{path} could not be written ({error}). Check space and rights.") from None

    def note(self, key: str, value: Any) -> None:
        """Remembers a result within a phase."""
        self.notes[key] = value
        self.save()


def recipe_fingerprint(recipe: Recipe) -> str:
    """A hash of all that a recipe says but what may change between two lives of a run.

    That is its minutes, and how many pictures are looked at while it trains: the weights come from neither.
    """
    form = recipe.model_dump(
        mode="json", exclude={"minutes": True, "folder": True, "pictures": {"__all__": {"development"}}}
    )
    return hashlib.sha256(json.dumps(form, sort_keys=True).encode()).hexdigest()[:16]
