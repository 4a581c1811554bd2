"""A recipe of two alphabets whose fonts are not the same: both stand in the worlds of every split, without tofu."""

from __future__ import annotations

from pathlib import Path

import matplotlib

from ocrsmith.samples import PageSample
from ocrsmith.training.recipe_loading import parse_recipe
from ocrsmith.training.worlds import Materials

LATIN, GREEK = "abcdefghijklmnop", "\u03b1\u03b2\u03b3\u03b4\u03b5\u03b6\u03b7\u03b8"


def test_two_alphabets_with_fonts_of_their_own() -> None:
    parts = [{"kind": "random", "characters": group, "min_length": 2, "max_length": 5} for group in (LATIN, GREEK)]
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    files = [str(folder / name) for name in ("DejaVuSans.ttf", "DejaVuSerif.ttf")]
    recipe = parse_recipe(
        {
            "name": "two",
            "alphabet": LATIN + GREEK + " ",
            "fonts": {"folders": ["builtin", *files], "groups": [LATIN, GREEK], "include": ["dejavu", "cabin"]},
            "backgrounds": {"procedural_share": 1.0},
            "text": {"kind": "mixture", "parts": parts},
            "detector": {"image_size": 320, "world": [{"scene": "photo", "blocks": [5, 8]}]},
        }
    )
    materials = Materials(recipe)
    assert recipe.detector is not None
    assert {face.draws(GREEK) for face in materials.fonts.faces} == {False, True}
    for split in ("train", "validation"):
        pages = materials.detector_world(recipe.detector, split)
        found = [_alphabets(pages[index]) for index in range(2)]
        assert {"latin", "greek"} in found and set().union(*found) == {"latin", "greek"}
        assert "TofuError" not in pages.tally.inner


def _alphabets(sample: PageSample) -> set[str]:
    return {"latin" if set(one.text) <= {*LATIN, " "} else "greek" for one in sample.instances}
