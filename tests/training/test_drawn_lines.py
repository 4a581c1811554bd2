"""Lines of a recipe on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocrsmith.data.formats import read_labels
from ocrsmith.errors import RecipeError
from ocrsmith.training.drawn_lines import draw_lines
from ocrsmith.training.recipe_loading import load_recipe
from ocrsmith.training.worlds import Materials


def test_lines_with_their_texts(tmp_path: Path) -> None:
    folder = read_labels(draw_lines(Materials(load_recipe("english_words")), tmp_path / "lines", count=3))
    assert folder.kind == "crops"
    assert len(folder) == 3
    assert all(entry.text for entry in folder.entries)


def test_a_recipe_without_a_recogniser(tmp_path: Path) -> None:
    recipe = tmp_path / "boxes.toml"
    recipe.write_text('name = "boxes"\nalphabet = "ab"\n[detector]\n[[detector.world]]\nscene = "photo"\n')
    assert load_recipe(recipe).recognizer is None
    with pytest.raises(RecipeError, match="has no recogniser"):
        draw_lines(Materials(load_recipe(recipe)), tmp_path / "lines")
