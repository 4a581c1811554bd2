"""Photo scenes: words and short lines on the calm parts of photographs, with a quad for every character.

scene = PageScene(texts, fonts, backgrounds)
plan = scene.plan(rng)          every choice, as data
sample = scene.render(plan)     pixels and labels; the same plan gives the same sample
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.errors import SynthesisError
from ocrsmith.samples import Image, PageSample
from ocrsmith.synth.block_render import DrawnLine, draw_block, draw_shape
from ocrsmith.synth.blocks import BlockDrawer, NoRoomError
from ocrsmith.synth.choices import Rng
from ocrsmith.synth.fonts import FontFace, named_faces
from ocrsmith.synth.ground import Ground
from ocrsmith.synth.ground_sheets import BackgroundSource
from ocrsmith.synth.scene_labels import labelled_lines
from ocrsmith.synth.scene_plans import BlockPlan, ScenePlan, ShapePlan
from ocrsmith.synth.scene_settings import PhotoSettings
from ocrsmith.synth.texts import TextGenerator

_MAX_SEED = 1 << 53

Degrade = Callable[[Image, Rng], Image]
Points = NDArray[np.float32]
MoveAll = Callable[[Image, Points, Rng], tuple[Image, Points]]


class PageScene:
    """Draws and renders photo scenes.

    Args:
        texts: what is written; every text must be covered by the fonts.
        fonts: at least one.
        backgrounds: what is behind.
        settings: bounds and shares.
        degrade: `(image, rng) -> image` of the same shape, applied last (blur, noise, JPEG); None for none.
        move: `(image, points (N, 2), rng) -> (image, points)`, a warp of the whole picture before it; None for none.
            It must be a pure function of its arguments, since it is applied to the ink's mask as well.

    Raises:
        SynthesisError: no fonts.
    """

    def __init__(
        self,
        texts: TextGenerator,
        fonts: Sequence[FontFace],
        backgrounds: BackgroundSource,
        settings: PhotoSettings | None = None,
        *,
        degrade: Degrade | None = None,
        move: MoveAll | None = None,
    ) -> None:
        if not fonts:
            raise SynthesisError("A scene came without fonts. Give it at least one that covers the alphabet.")
        self.settings = settings or PhotoSettings()
        self.faces = named_faces(fonts)
        self.backgrounds, self.degrade, self.move = backgrounds, degrade, move
        self._drawer = BlockDrawer(texts, self.faces, self.settings)
        self._last_background: tuple[tuple[int, int, int], Image] | None = None
        self._last_marked: tuple[tuple[int, int, int, tuple[ShapePlan, ...]], Image] | None = None

    def plan(self, rng: Rng) -> ScenePlan:
        """Draws a scene; raises NoRoomError (a SynthesisError) where not one block found its place."""
        settings = self.settings
        seed, finish = (int(value) for value in rng.integers(0, _MAX_SEED, 2))
        background = self._background(seed, settings.width, settings.height)
        shapes = self._shapes(rng, background)
        ground = Ground(self._marked(seed, settings.width, settings.height, shapes))
        blocks: list[BlockPlan] = []
        refusals: Counter[str] = Counter()
        for _ in range(int(rng.integers(settings.blocks[0], settings.blocks[1] + 1))):
            for _ in range(settings.redraws + 1):
                try:
                    blocks.append(self._drawer.draw(rng, ground))
                    break
                except SynthesisError as error:
                    refusals[type(error).__name__] += 1
        if not blocks:
            raise NoRoomError(f"Not one block of text found its place in a picture (refused: {dict(refusals)}).")
        return ScenePlan(
            settings.width, settings.height, seed, shapes, tuple(blocks), finish, tuple(sorted(refusals.items()))
        )

    def render(self, plan: ScenePlan) -> PageSample:
        """Pixels and labels of a plan. One instance a line; `TextInstance.words` cuts it at its spaces."""
        image = self._marked(plan.background_seed, plan.width, plan.height, plan.shapes).copy()
        ink = np.zeros(image.shape[:2], np.uint8)
        lines = [line for block in plan.blocks for line in draw_block(image, ink, block, self.faces)]
        if self.move is not None:
            image, ink, lines = self._moved(image, ink, lines, plan.finish_seed)
        if self.degrade is not None:
            image = self.degrade(image, np.random.default_rng([plan.finish_seed, 1]))
        px, contrast = self.settings.legible_px, self.settings.legible_contrast
        labelled = labelled_lines(image, ink, lines, legible_px=px, legible_contrast=contrast)
        return PageSample(image, tuple(labelled))

    def _background(self, seed: int, width: int, height: int) -> Image:
        """The background of a seed; the last one is kept, since `render` mostly follows `plan`. Not to be changed."""
        key = (seed, width, height)
        if self._last_background is None or self._last_background[0] != key:
            image = self.backgrounds.sample(np.random.default_rng(seed), width, height)
            self._last_background = (key, image)
        return self._last_background[1]

    def _marked(self, seed: int, width: int, height: int, shapes: tuple[ShapePlan, ...]) -> Image:
        """A background with its distractors; the last one is kept, too. Not to be changed."""
        key = (seed, width, height, shapes)
        if self._last_marked is None or self._last_marked[0] != key:
            image = self._background(seed, width, height)
            if shapes:
                image = image.copy()
                for shape in shapes:
                    draw_shape(image, shape)
            self._last_marked = (key, image)
        return self._last_marked[1]

    def _shapes(self, rng: Rng, background: Image) -> tuple[ShapePlan, ...]:
        settings = self.settings
        shapes = []
        size = min(settings.width, settings.height)
        for _ in range(int(rng.integers(settings.shapes[0], settings.shapes[1] + 1))):
            draws = rng.random(10).tolist()
            x, y, length = draws[0] * settings.width, draws[1] * settings.height, (0.03 + 0.4 * draws[2] ** 2) * size
            angle = 0.0 if draws[3] < 0.5 else draws[4] * np.pi
            along = np.array([np.cos(angle), np.sin(angle)]) * length
            kind = "line" if draws[5] < 0.4 else "outline" if draws[5] < 0.75 else "polygon"
            if kind == "line":
                points = np.array([[x, y], [x + along[0], y + along[1]]])
            elif draws[6] < 0.5:
                across = np.array([-along[1], along[0]]) * (0.1 + draws[7])
                points = np.array([[0, 0], along, along + across, across]) + np.array([x, y])
            else:
                turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
                points = np.stack([np.cos(turns) * length, np.sin(turns) * length * (0.3 + 0.7 * draws[7])], axis=1) / 2
                points = points + np.array([x, y])
            row, column = (int(v * s) for v, s in zip(rng.random(2), background.shape[:2]))
            colour = background[row, column] if draws[8] < 0.6 else rng.random(3) * 256
            r, g, b = (int(value) for value in colour)
            rounded = tuple((round(px, 1), round(py, 1)) for px, py in points.tolist())
            thickness, opacity = 1 + int(draws[9] ** 2 * 8), round(0.3 + 0.7 * rng.random(), 2)
            shapes.append(ShapePlan(kind, rounded, (r, g, b), thickness, opacity))
        return tuple(shapes)

    def _moved(
        self, image: Image, ink: NDArray[np.uint8], lines: list[DrawnLine], seed: int
    ) -> tuple[Image, NDArray[np.uint8], list[DrawnLine]]:
        """Sends picture, mask and points through `move` with the same chance each."""
        if self.move is None:
            return image, ink, lines
        flat = [points.reshape(-1, 2) for line in lines for points in (line.quads, line.polygon)]
        moved_image, points = self.move(image, np.concatenate(flat), np.random.default_rng([seed, 0]))
        thrice = cv2.merge([ink, ink, ink])
        moved_ink, _ = self.move(thrice, np.concatenate(flat), np.random.default_rng([seed, 0]))  # type: ignore[arg-type]
        pieces = np.split(points, np.cumsum([len(part) for part in flat])[:-1])
        moved = [
            DrawnLine(line.pieces, quads.reshape(-1, 4, 2), polygon)
            for line, quads, polygon in zip(lines, pieces[::2], pieces[1::2])
        ]
        return moved_image, np.ascontiguousarray(moved_ink[..., 0]), moved
