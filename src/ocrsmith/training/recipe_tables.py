"""The tables that a recipe is made of but its networks': every key, what it means, its type and its default."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ocrsmith.alphabet import CasePolicy

PageSceneName = Literal["photo", "display", "page", "pdf"]
LineSceneName = Literal["line", "display_line"]

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Count = Annotated[int, Field(ge=1)]


class Table(BaseModel):
    """A table of a recipe: frozen, and without keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class AlphabetTable(Table):
    """The characters to read, and what becomes of letters' case."""

    characters: str
    case: CasePolicy = "keep"


class FontsTable(Table):
    """Where fonts come from, and which of them: as `ocrsmith.synth.fonts.search_fonts`.

    Attributes:
        groups: parts of the alphabet, such as Latin and Greek letters, for which fonts of their own are enough. They
            hold all of it between them; every text is set in a font that draws it, and one of several alphabets (a
            mixture's `mixed`) in a font of each.
    """

    folders: tuple[str, ...] = ("builtin",)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class BackgroundsTable(Table):
    """Where photographs come from, and the share of grounds that are drawn instead."""

    folders: tuple[str, ...] = ("builtin",)
    procedural_share: Share = 0.4


class WorldTable(BaseModel):
    """One scene of a world. Keys that are not here are the scene's own settings, checked against it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    scene: str
    weight: Positive = 1.0
    text: dict[str, Any] | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The scene's own settings."""
        return dict(self.model_extra or {})


class PageWorldTable(WorldTable):
    """A scene of whole pictures."""

    scene: PageSceneName = "photo"


class LineWorldTable(WorldTable):
    """A scene of single lines."""

    scene: LineSceneName = "line"


class LabelledTable(Table):
    """A folder of labelled pictures, in any format that ocrsmith reads.

    Attributes:
        name: how reports call them; the folder's where empty.
        format: of the labels, where a folder holds several.
        level: "words" or "lines": what one label is. "auto" takes lines where more than a fifth of the texts hold a
            space. It says how boxes are counted; character boxes, where labels have them, are used either way.
        complete: False where some of the text in the pictures has no label. Recall alone is then counted.
    """

    folder: str
    name: str = ""
    format: str | None = None
    level: Literal["auto", "words", "lines"] = "auto"
    complete: bool = True


class RealTable(LabelledTable):
    """Labelled real pictures to train on beside the synthetic ones.

    Where they are not `complete`, text that the network sees beside the labels is neither text nor ground to it.

    Attributes:
        share: of the training samples. What the tables' shares leave stays synthetic: replay, so that what was known
            is not forgotten.
        held_back: share of the pictures, by a hash of their names, that are not trained on: half of them choose the
            best weights, half are only measured, before and after.
    """

    share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    held_back: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.3


class KeepTable(LabelledTable):
    """Labelled real pictures of what the start reads well and is to go on reading: never trained on.

    Half of them, by a hash of their names, say which weights forget too much; half are only measured.
    """


class PicturesTable(LabelledTable):
    """Real pictures to measure on, before and after: a folder with labels, never trained on.

    Attributes:
        kind: "lines" for crops of one text each, "pages" for whole pictures, "auto" for what the labels say.
        read_by: "recognizer" reads crops as they are; "reader" looks for the text in them first.
        comparison: "exact", "letters_and_digits", "digits" or "plates": when two texts count as equal.
        most: of the pictures, the first so many are taken.
        development: so many of those, spread evenly, are read at each validation of the training too: crops by the
            recogniser, on whole pictures the detector's boxes are counted. Their scores are logged and plotted, and
            choose no weights.
    """

    kind: Literal["auto", "lines", "pages"] = "auto"
    read_by: Literal["recognizer", "reader"] = "recognizer"
    comparison: Literal["exact", "letters_and_digits", "digits", "plates"] = "exact"
    most: Count | None = None
    development: Annotated[int, Field(ge=0)] = 0


class ExportTable(Table):
    """The bundle: its name (the recipe's where empty), and how its networks are stored.

    Attributes:
        half_precision: weights are stored in 16 bits and computed with in 32; half the file.
        whole_if_empty: a picture without detections is read as one crop.
        largest_difference: between PyTorch's outputs and the bundle's, past which the export fails.
        int8: the recogniser computes in 8 bits, rounded on the recipe's own lines. Where its score on others of them
            falls by more than `largest_loss`, it stays as it was.
    """

    name: str = ""
    half_precision: bool = True
    whole_if_empty: bool = False
    largest_difference: Positive = 0.02
    int8: bool = False
    largest_loss: Share = 0.01
