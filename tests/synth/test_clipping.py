"""What edges clip: the rule's numbers, and counted labels whose ink is drawn once more where nothing cuts it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ocrsmith.alphabet import PRINTABLE_ASCII, Alphabet
from ocrsmith.geometry import box_quad
from ocrsmith.samples import Image, TextInstance
from ocrsmith.synth.block_render import DrawnLine, draw_block
from ocrsmith.synth.choices import Rng
from ocrsmith.synth.clipping import LOST_SHARE, beyond_edges, clipped
from ocrsmith.synth.corpus import RandomText
from ocrsmith.synth.fonts import FontFace
from ocrsmith.synth.layout import translation
from ocrsmith.synth.page_labels import page_instances
from ocrsmith.synth.page_plans import DocumentPlan, PaperPlan, TextPlan
from ocrsmith.synth.page_render import write_page
from ocrsmith.synth.scene_labels import labelled_lines
from ocrsmith.synth.scene_settings import PhotoSettings
from ocrsmith.synth.scenes import PageScene
from ocrsmith.synth.warp_plans import WarpStep

FOLDER = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
ASCII = Alphabet(PRINTABLE_ASCII)
FACES = [
    FontFace(FOLDER / f"DejaVu{name}.ttf", f"DejaVu {name}", "Regular", kind, frozenset(map(ord, PRINTABLE_ASCII)))
    for name, kind in (("Sans", "sans"), ("Serif", "serif"), ("SansMono-Bold", "mono"), ("Sans-Oblique", "handwriting"))
]
EDGES = (0.0, 0.0, 100.0, 80.0)
# Drawn round the picture to see what its edges took.
ROUND_PX = 40
# The rule goes by extent: an upright at the edge of a letter holds more than 2 % of its ink in 2 % of its width.
MOST_LOST_INK = 0.1


class Plain:
    """White."""

    def sample(self, rng: Rng, width: int, height: int) -> Image:
        return np.full((height, width, 3), 255, np.uint8)


def turned(width: float, height: float, degrees: float, x: float, y: float) -> NDArray[np.float32]:
    """A box about (x, y)."""
    turn = cv2.getRotationMatrix2D((0, 0), degrees, 1.0)[:, :2]
    return np.asarray(box_quad(-width / 2, -height / 2, width / 2, height / 2) @ turn.T + [x, y], np.float32)


@pytest.mark.parametrize("share, lost", [(0.0, False), (0.015, False), (0.03, True), (0.5, True), (1.5, True)])
def test_a_letter_may_lose_two_hundredths_of_its_extent(share: float, lost: bool) -> None:
    # 10 px wide and 20 px high at the four edges: .015 of it is .15 and .3 px, .03 is .3 and .6 px.
    width, height = 10.0, 20.0
    quads = np.stack(
        [
            box_quad(-share * width, 30, (1 - share) * width, 50),
            box_quad(40, -share * height, 50, (1 - share) * height),
            box_quad(100 - (1 - share) * width, 30, 100 + share * width, 50),
            box_quad(40, 80 - (1 - share) * height, 50, 80 + share * height),
        ]
    )
    assert clipped("abcd", quads, EDGES).tolist() == [lost] * 4
    # A line that lies in a part of a picture, as a page of a PDF does: the same, moved.
    moved = (7.0, 5.0, 107.0, 85.0)
    assert clipped("abcd", quads + np.array([7, 5], np.float32), moved).tolist() == [lost] * 4
    assert clipped("a c ", quads, EDGES).tolist() == [lost, False, lost, False]


def test_a_corner_without_ink_may_stick_out() -> None:
    # A diamond of 14 x 14 px: its left corner is 1.9 px beyond, its sides are not.
    quad = turned(14, 14, 45, 8, 40)[None]
    assert quad[..., 0].min() == pytest.approx(-1.9, abs=0.01)
    ink = np.zeros((80, 100), np.uint8)
    assert clipped("o", quad, EDGES).tolist() == [True]
    assert clipped("o", quad, EDGES, ink).tolist() == [False]
    ink[20:60, 1:] = 255
    assert clipped("o", quad, EDGES, ink).tolist() == [False], "ink that does not reach the edge"
    ink[:20, 0] = 255
    assert clipped("o", quad, EDGES, ink).tolist() == [False], "another's ink, farther up the edge"
    ink[39:41, 0] = 255
    assert clipped("o", quad, EDGES, ink).tolist() == [True]
    # Farther out a dot may lie beyond as a whole, and no stroke shows it: .42 of the square is beyond.
    assert clipped("%", quad - np.array([7, 0], np.float32), EDGES, ink * 0).tolist() == [True]


@pytest.mark.parametrize("edge", range(4))
def test_every_edge_looks_at_its_own_last_pixels(edge: int) -> None:
    middle = [(8, 40), (50, 8), (92, 40), (50, 72)][edge]
    quad = turned(14, 14, 45, *middle)[None]
    ink = np.zeros((80, 100), np.uint8)
    assert clipped("o", quad, EDGES, ink).tolist() == [False]
    column, row = [(0, 40), (50, 0), (99, 40), (50, 79)][edge]
    ink[row, column] = 255
    assert clipped("o", quad, EDGES, ink).tolist() == [True]


@given(
    st.floats(2, 60), st.floats(2, 60), st.floats(0, 360), st.floats(-40, 140), st.floats(-40, 120)
)  # fmt: skip
def test_what_is_inside_is_whole_and_what_is_beyond_is_gone(
    width: float, height: float, degrees: float, x: float, y: float
) -> None:
    quads = turned(width, height, degrees, x, y)[None]
    low, high = quads.min(axis=1)[0], quads.max(axis=1)[0]
    lost = bool(clipped("x", quads, EDGES, np.zeros((80, 100), np.uint8))[0])
    if (low >= 0).all() and (high <= [100, 80]).all():
        assert not lost
    if (high <= 0).any() or (low >= [100, 80]).any():
        assert lost and beyond_edges(quads, EDGES)
    depth = float((np.maximum(-low, high - [100, 80]) / (high - low)).max())
    if abs(depth - LOST_SHARE) > 1e-3:
        assert bool(clipped("x", quads, EDGES)[0]) == (depth > LOST_SHARE)


def test_no_text_is_no_loss() -> None:
    assert clipped("", np.zeros((0, 4, 2), np.float32), EDGES).shape == (0,)


def lost_ink(quads: NDArray[np.float32], ink: NDArray[np.uint8], width: int, height: int) -> float:
    """The greatest share of a character's ink that lies beyond a picture; `ink` reaches ROUND_PX farther all round."""
    most = 0.0
    for quad in quads:
        low, high = quad.min(axis=0), quad.max(axis=0)
        if (low >= 0).all() and (high <= [width, height]).all():
            continue
        x0, y0 = np.maximum(np.floor(low).astype(int) - 1, -ROUND_PX).tolist()
        x1, y1 = (np.ceil(high).astype(int) + 1).tolist()
        part = ink[y0 + ROUND_PX : y1 + ROUND_PX, x0 + ROUND_PX : x1 + ROUND_PX]
        rows, columns = np.mgrid[y0 : y0 + part.shape[0], x0 : x0 + part.shape[1]]
        own = np.zeros(part.shape, np.uint8)
        cv2.fillPoly(own, [np.rint((quad - [x0 + 0.5, y0 + 0.5]) * 16).astype(np.int32)], 255, cv2.LINE_8, 4)
        weight = part * (own > 0).astype(np.float64)
        beyond = (rows < 0) | (columns < 0) | (rows >= height) | (columns >= width)
        most = max(most, float(weight[beyond].sum() / max(weight.sum(), 1.0)))
    return most


def counted_texts(
    instances: list[TextInstance], lines: list[tuple[tuple[str, ...], NDArray[np.float32]]], width: int, height: int
) -> Iterator[NDArray[np.float32]]:
    """The unclipped quads, without spaces, of what each counted label says, found by its text and place."""
    for instance in instances:
        if instance.ignore or not instance.characters:
            continue
        first = instance.characters[0].quad
        for pieces, quads in lines:
            if instance.text not in "".join(pieces):
                continue
            near = np.abs(np.clip(quads, 0, [width, height]) - first).max(axis=(1, 2)) < 0.5
            for start in np.flatnonzero(near).tolist():
                end = start + len(instance.characters)
                if "".join(pieces[start:end]) == instance.text:
                    inked = [not piece.isspace() for piece in pieces[start:end]]
                    yield quads[start:end][inked]


def test_no_counted_text_of_a_page_has_ink_beyond_the_picture() -> None:
    """A sheet full of words behind a picture of 300 x 200 px, moved, turned, leaning and bent."""
    width, height = 300, 200
    words = ("gjpqy", "HTEF", "il!.:;", "%@&WM", "minimum", "\"'-_=", "07.19", "fox")
    xs = tuple(60 + 65 * index for index in range(len(words)))
    texts = tuple(TextPlan(words, FACES[0].name, 16.0, (0, 0, 0), xs, 70 + 19 * row) for row in range(20))
    paper = PaperPlan((255, 255, 255), 0.0, 0.0, 0)
    faces = {face.name: face for face in FACES}
    rng = np.random.default_rng(5)
    crossing = marked = 0
    for turn in range(40):
        angle, lean = np.radians(rng.uniform(-8, 8)) * (turn % 2), 2e-4 * rng.standard_normal(2) * (turn % 2)
        x, y = rng.uniform(-120, -80, 2)
        matrix = np.array([[np.cos(angle), -np.sin(angle), x], [np.sin(angle), np.cos(angle), y], [*lean, 1.0]])
        bends = (WarpStep("waves", 0.5, turn),) if turn % 8 == 7 else ()
        plan = DocumentPlan(
            "test", width, height, 640, 480, 100.0, 16.0, True, (*matrix.ravel().tolist(),), paper, texts, (), (), 0, 0,
            bends,
        )  # fmt: skip
        page = write_page(plan, faces, None)
        wider = translation(ROUND_PX, ROUND_PX) @ matrix
        wide = replace(
            plan, width=width + 2 * ROUND_PX, height=height + 2 * ROUND_PX, matrix=(*wider.ravel().tolist(),)
        )
        (ink,) = write_page(wide, faces, None).inks
        instances = list(page_instances(page.image, page, 5.0))
        marked += sum(instance.ignore for instance in instances)
        lines = [(text.pieces, text.quads) for text in page.texts]
        for quads in counted_texts(instances, lines, width, height):
            crossing += bool((quads < 0).any() or (quads > [width, height]).any())
            assert lost_ink(quads, ink, width, height) <= MOST_LOST_INK
    assert crossing >= 5 and marked > 5


def test_no_counted_text_of_a_photo_has_ink_beyond_the_picture() -> None:
    settings = PhotoSettings(width=320, height=320, cut_share=0.7, wave_share=0.2)
    photo = PageScene(RandomText(ASCII), FACES, Plain(), settings)
    marked = 0
    for seed in range(30):
        plan = photo.plan(np.random.default_rng(seed))
        image, ink = np.full((320, 320, 3), 255, np.uint8), np.zeros((320, 320), np.uint8)
        side = 320 + 2 * ROUND_PX
        wide_image, wide = np.full((side, side, 3), 255, np.uint8), np.zeros((side, side), np.uint8)
        lines: list[DrawnLine] = []
        for block in plan.blocks:
            lines += draw_block(image, ink, block, photo.faces)
            matrix = translation(ROUND_PX, ROUND_PX) @ np.asarray(block.matrix).reshape(3, 3)
            draw_block(wide_image, wide, replace(block, matrix=tuple(matrix.reshape(-1).tolist())), photo.faces)
        instances = labelled_lines(image, ink, lines, legible_px=0.0, legible_contrast=0.0)
        marked += sum(instance.ignore for instance in instances)
        placed = [(line.pieces, line.quads) for line in lines]
        for quads in counted_texts(instances, placed, 320, 320):
            assert lost_ink(quads, wide, 320, 320) <= MOST_LOST_INK
    assert marked > 0
