"""How rightly long lines are cut: drawn lines, whose characters' places are known, against `training.long_lines`.

    python tools/samples/cut_long_lines.py 30

Draws lines of the recipe `english` (held-out fonts, texts and grounds) of 100 characters and more, lets the packaged
recogniser read 20 heights at once, and cuts them: as drawn, made small and large again with noise, and with labels that
are wrong. A cut counts as in a gap where no letter's quad lies across it; a piece as right where its text is that of
the characters whose middles it shows.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from ocrsmith.images import encode_image
from ocrsmith.samples import Character, Image, PageSample
from ocrsmith.synth.lines import LineScene, LineSettings
from ocrsmith.synth.texts import TextGenerator
from ocrsmith.synth.world import World
from ocrsmith.training.long_lines import LongLines
from ocrsmith.training.networks import start_network
from ocrsmith.training.real_samples import MemoryPicture, RealCrop
from ocrsmith.training.recipe_loading import load_recipe
from ocrsmith.training.worlds import Materials

HEIGHT, HEIGHTS_AT_ONCE, LEAST_CHARACTERS = 48, 20, 100


class LongTexts:
    """Texts of another generator, one after the other until they are long enough."""

    def __init__(self, texts: TextGenerator) -> None:
        self.texts = texts

    def sample(self, rng: np.random.Generator) -> str:
        """A text."""
        text = self.texts.sample(rng)
        while len(text) < LEAST_CHARACTERS:
            text += " " + self.texts.sample(rng)
        return text


def long_lines(materials: Materials, count: int) -> list[PageSample]:
    """Straight lines, labelled, that are too wide to be read at once."""
    assert materials.recipe.recognizer is not None
    drawn = materials.recognizer_world(materials.recipe.recognizer, "validation")
    scene = next(scene for scene in drawn.scenes if isinstance(scene, LineScene))
    scene.texts = LongTexts(scene.texts)
    scene.settings = LineSettings(height=HEIGHT, max_width=20_000, bent=0.0)
    world = World([(scene, 1.0)], seed=9, split="validation", redraws=30, max_refused_share=0.95)
    pages = (world.labelled(index)[1] for index in range(10 * count))
    wide = (p for p in pages if isinstance(p, PageSample) and p.image.shape[1] > HEIGHTS_AT_ONCE * HEIGHT + 40)
    return [page for page, _ in zip(wide, range(count))]


def worse(image: Image, factor: int, rng: np.random.Generator) -> Image:
    """Shrunk by so much, enlarged again, with noise of 8 levels."""
    height, width = image.shape[:2]
    small = cv2.resize(image, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(large + rng.normal(0, 8, large.shape), 0, 255).astype(np.uint8)


def judged(pieces: list[RealCrop], characters: list[Character], width: int) -> np.ndarray:
    """(4,): pieces, those whose text is right, cuts, those in a gap."""
    letters = [(c.quad[:, 0].min(), c.quad[:, 0].max(), c.text) for c in characters if not c.text.isspace()]
    counts = np.zeros(4, int)
    for piece in pieces:
        left, right = piece.columns or (0, width)
        shown = "".join(text for low, high, text in letters if left <= (low + high) / 2 < right)
        cuts = [end for end in (left, right) if 0 < end < width]
        clear = [not any(low + 1 < end < high - 1 for low, high, _ in letters) for end in cuts]
        counts += [1, shown == "".join(piece.text.split()), len(cuts), sum(clear)]
    return counts


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", type=int, help="how many are drawn")
    count = parser.parse_args().lines
    materials = Materials(load_recipe("english"))
    model = start_network("recognizer", materials.alphabet, start="english").model
    model.input = replace(model.input, max_width=HEIGHTS_AT_ONCE * HEIGHT)
    pages, rng, seconds = long_lines(materials, count), np.random.default_rng(1), 0.0
    found: dict[str, np.ndarray] = {}
    for place, page in enumerate(pages):
        image, (label,) = page.image, page.instances
        words, middle = label.text.split(" "), label.text.count(" ") // 2
        cases = {
            "as drawn": (image, label.text),
            **{f"shrunk to 1/{factor}": (worse(image, factor, rng), label.text) for factor in (3, 4, 5)},
            "label lacks a word": (image, " ".join(words[:middle] + words[middle + 1 :])),
            "label has a word too many": (image, " ".join([*words[:middle], "Quarter", *words[middle:]])),
            "label of another line": (image, pages[place - 1].instances[0].text),
            "label from right to left": (image, label.text[::-1]),
        }
        for name, (shown, text) in cases.items():
            crop = RealCrop(MemoryPicture(name, Path("line.png"), encode_image(shown, ".png")), text)
            began = time.process_time()
            pieces = LongLines(model).cut(crop, (shown.shape[1], shown.shape[0]))
            seconds += time.process_time() - began
            counts = found.setdefault(name, np.zeros(5, int))
            if isinstance(pieces, list):
                counts += [1, *judged(pieces, list(label.characters or ()), shown.shape[1])]
    for name, (lines, num, right, cuts, clear) in found.items():
        print(
            f"{name}: {lines} of {len(pages)} lines cut, {right} of {num} pieces right, {clear} of {cuts} cuts in gaps"
        )
    print(f"{seconds / len(pages) / 8:.2f} s of processor time a line")


if __name__ == "__main__":
    main()
