"""A run's bundle in 8 bits: rounded on lines of its own recipe, and kept only where it still reads them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ocrsmith.data.formats import read_labels
from ocrsmith.errors import EngineError
from ocrsmith.export.int8 import write_int8
from ocrsmith.reading.bundle import Bundle
from ocrsmith.training.drawn_lines import draw_lines
from ocrsmith.training.worlds import Materials


def round_bundle(path: Path, materials: Materials) -> str:
    """Writes a bundle's recogniser in 8 bits, in place, and says what that brought.

    It is left as it is where its score on lines that it was not rounded on falls by more than the recipe allows.

    Raises:
        RecipeError: the recipe has no recogniser.
        StorageError: the file cannot be written.
    """
    bundle = Bundle.load(path)
    with tempfile.TemporaryDirectory() as folder:
        lines = read_labels(draw_lines(materials, Path(folder) / f"drawn_{materials.recipe.name}"))
        try:
            _, cost = write_int8(
                bundle, path, lines, parts=("recognizer",), largest_loss=materials.recipe.export.largest_loss
            )
        except EngineError as error:
            return f"The recogniser was not rounded to 8 bits. {error}"
    return (
        f"The recogniser computes in 8 bits: {cost.measure} {cost.before:.3f} before and {cost.after:.3f} after on "
        f"{cost.num_counted:,} drawn lines that it was not rounded on."
    )
