"""The recipe: what to read, what the world looks like, and what to train on it.

Every key has a default but `name` and `alphabet`. The tables are in `recipe_tables`; `recipe_loading` reads TOML files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from ocrsmith.alphabet import Alphabet
from ocrsmith.training.network_tables import DetectorTable, RecognizerTable
from ocrsmith.training.recipe_tables import (
    AlphabetTable,
    BackgroundsTable,
    Count,
    ExportTable,
    FontsTable,
    PicturesTable,
    Positive,
    Table,
)


class Recipe(Table):
    """A whole recipe. `folder` is where the file lies: relative paths in it are taken from there.

    Attributes:
        limits: what the bundle's users are to know of it, for its card.
        minutes: for everything, evaluation and export included.
        test_samples: synthetic samples of the held-out split that the final scores are taken on.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$")]
    description: str = ""
    licence: str = "Apache-2.0"
    limits: str = ""
    seed: Annotated[int, Field(ge=0)] = 0
    minutes: Positive = 20.0
    alphabet: AlphabetTable
    fonts: FontsTable = FontsTable()
    backgrounds: BackgroundsTable = BackgroundsTable()
    text: dict[str, Any] = Field(default={"kind": "random"})
    detector: DetectorTable | None = None
    recognizer: RecognizerTable | None = None
    pictures: tuple[PicturesTable, ...] = ()
    export: ExportTable = ExportTable()
    test_samples: Count = 200
    folder: Path = Path()

    @field_validator("alphabet", mode="before")
    @classmethod
    def _alphabet_from_text(cls, value: Any) -> Any:
        return {"characters": value} if isinstance(value, str) else value

    def make_alphabet(self) -> Alphabet:
        """The alphabet; `load_recipe` has made sure that it can be made."""
        return Alphabet(self.alphabet.characters, case=self.alphabet.case)

    def path(self, given: str) -> Path:
        """A path of the recipe, seen from the recipe's folder."""
        return self.folder / Path(given).expanduser()
