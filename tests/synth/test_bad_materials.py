"""A bad font, photograph or PDF is left out and counted; it never ends a run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import FontError, InputError
from ocrsmith.images import write_image
from ocrsmith.samples import LineSample
from ocrsmith.synth.backgrounds import Backgrounds
from ocrsmith.synth.choices import Rng
from ocrsmith.synth.corpus import text_generator
from ocrsmith.synth.fonts import builtin_fonts, search_fonts
from ocrsmith.synth.lines import LineScene
from ocrsmith.synth.pages import DocumentScene
from ocrsmith.synth.scenes import PageScene
from ocrsmith.synth.world import World

ALPHABET = Alphabet("abcdefghijklmnopqrstuvwxyz ")


class Failing:
    """A scene whose materials fail in every third draw."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def plan(self, rng: Rng) -> int:
        return int(rng.integers(3))

    def render(self, plan: int) -> LineSample:
        if plan == 0:
            raise self.error
        return LineSample(np.zeros((4, 9, 3), np.uint8), str(plan))


@pytest.mark.parametrize("error", [FontError("gone"), InputError("gone")])
def test_materials_that_fail_are_counted_refusals(error: Exception) -> None:
    world = World([(Failing(error), 1)], seed=2)
    for index in range(60):
        assert world[index].text in "12"
    assert 10 < world.tally.refused[type(error).__name__] < 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three good fonts, one that is cut; three good pictures, one that is cut."""
    faces = [face for face in builtin_fonts() if face.draws("abcz") and face.category in ("sans", "serif")][:4]
    (tmp_path / "fonts").mkdir()
    for face in faces:
        shutil.copy(face.path, tmp_path / "fonts")
    cut = tmp_path / "fonts" / faces[3].path.name
    cut.write_bytes(cut.read_bytes()[:2000])
    rng = np.random.default_rng(0)
    for index in range(3):
        write_image(tmp_path / "photos" / f"{index}.png", rng.integers(0, 256, (90, 90, 3), dtype=np.uint8))
    (tmp_path / "photos" / "cut.png").write_bytes((tmp_path / "photos" / "0.png").read_bytes()[:300])
    return tmp_path


def test_bad_fonts_and_photographs_never_end_a_run(folder: Path) -> None:
    search = search_fonts([folder / "fonts"], ALPHABET)
    assert len(search.faces) == 3 and len(search.refused) == 1
    backgrounds = Backgrounds([folder / "photos"], "train", procedural_share=0.2)
    backgrounds._names = tuple(dict.fromkeys((*backgrounds.names, "photos/cut.png")))
    backgrounds._files["photos/cut.png"] = folder / "photos" / "cut.png"
    texts = text_generator({"kind": "random", "max_length": 6}, ALPHABET)
    scenes: list[tuple[Any, float]] = [
        (LineScene(texts, search.faces, backgrounds), 3),
        (PageScene(texts, search.faces, backgrounds), 1),
        (DocumentScene(texts, search.faces, backgrounds, alphabet=ALPHABET), 1),
    ]
    # A font that goes bad between the search and its first use.
    search.faces[0].path.write_bytes(b"gone bad")
    world: World[Any] = World(scenes, seed=3, redraws=30, max_refused_share=0.9)
    for index in range(30):
        assert world[index].image.size
    assert world.tally.samples == 30 and world.tally.refused.total() > 0
    assert list(backgrounds.refused) == ["photos/cut.png"]
