"""Looks: what each part does on a square of ink, contrast floors, and plans that replay."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrsmith.synth import paint as paint_over
from ocrsmith.synth.appearance import Appearance, Cast, draw_appearance, paint
from ocrsmith.synth.legibility import ink_separation
from ocrsmith.synth.palettes import PaletteBook, lightness, photo_palette, with_contrast

GREY = (200, 200, 200)
colours = st.tuples(*[st.integers(0, 255)] * 3)


def _square() -> tuple[np.ndarray, np.ndarray]:
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 20:40] = 255
    return np.full((40, 60, 3), GREY, np.uint8), mask


def test_flat_ink_is_its_colour_and_the_ground_stays() -> None:
    ground, mask = _square()
    out = paint(ground, mask, Appearance((10, 20, 30)), 20)
    assert out[20, 30].tolist() == [10, 20, 30] and out[5, 5].tolist() == list(GREY)
    assert (ground == 200).all()


def test_opacity_is_a_mean_of_ink_and_ground() -> None:
    ground, mask = _square()
    out = paint(ground, mask, Appearance((0, 100, 200), opacity=0.5), 20)
    assert out[20, 30] == pytest.approx([100, 150, 200], abs=2)


@pytest.mark.parametrize(
    ("blend", "expected"),
    [("multiply", 200 * 100 / 255), ("screen", 255 - 55 * 155 / 255), ("overlay", 2 * 200 * 100 / 255)],
)
def test_blending_modes(blend: str, expected: float) -> None:
    ground, mask = _square()
    out = paint(ground, mask, Appearance((100, 100, 100), blend=blend), 20)  # type: ignore[arg-type]
    assert out[20, 30] == pytest.approx([expected] * 3, abs=1.5)


def test_gradient_runs_from_one_ink_to_the_other() -> None:
    ground, mask = _square()
    mask[:] = 255
    out = paint(ground, mask, Appearance((0, 0, 0), "gradient", (250, 0, 0), 0.0), 20)
    assert out[20, 0, 0] < 20 and out[20, 59, 0] > 230
    assert np.ptp(out[:, 30, 0].astype(int)) <= 2


def test_outline_shadow_and_extrusion_lie_beside_the_ink() -> None:
    ground, mask = _square()
    outlined = paint(ground, mask, Appearance((0, 0, 0), outline=0.1, outline_colour=(255, 0, 0)), 20)
    assert outlined[20, 18].tolist() == [255, 0, 0] and outlined[20, 30].tolist() == [0, 0, 0]
    assert outlined[20, 15].tolist() == list(GREY)
    shadow = Cast((0, 0, 255), (0.1, 0.1), 0.0, 1.0)
    shaded = paint(ground, mask, Appearance((0, 0, 0), shadow=shadow), 20)
    assert shaded[31, 41].tolist() == [0, 0, 255] and shaded[8, 18].tolist() == list(GREY)
    solid = paint(ground, mask, Appearance((0, 0, 0), extrusion=(0.0, 0.2), extrusion_colour=(9, 9, 9)), 20)
    assert solid[32, 30].tolist() == [9, 9, 9] and solid[36, 30].tolist() == list(GREY)


def test_hollow_ink_shows_the_ground_inside() -> None:
    ground, mask = _square()
    out = paint(ground, mask, Appearance((0, 0, 0), "hollow", outline=0.1, outline_colour=(0, 0, 0)), 20)
    assert out[20, 30].tolist() == list(GREY) and out[20, 18].tolist() == [0, 0, 0]


def test_inner_shadow_and_emboss_stay_near_the_ink() -> None:
    ground, mask = _square()
    inner = paint(ground, mask, Appearance((250, 250, 250), inner_shadow=Cast((0, 0, 0), (0.1, 0.1), 0.0, 1.0)), 20)
    assert inner[11, 21].tolist() == [0, 0, 0] and inner[28, 38].tolist() == [250, 250, 250]
    raised = paint(ground, mask, Appearance((200, 200, 200), emboss=1.0), 20)
    assert raised[20, 30].tolist() == [200, 200, 200] and raised[20, 19, 0] != raised[20, 40, 0]


@settings(deadline=None)  # the first example makes the tiles of noise
@given(st.integers(0, 2**32), st.floats(0, 1))
def test_every_drawn_look_replays_and_keeps_shape(seed: int, richness: float) -> None:
    rng = np.random.default_rng(seed)
    book = PaletteBook()
    colour = book.ground(rng)
    ink = book.ink(rng, colour)
    look = draw_appearance(rng, ink, colour, richness)
    again = Appearance.from_dict(json.loads(json.dumps(look.to_dict())))
    assert again == look
    ground, mask = _square()
    ground[:] = colour
    out = paint(ground, mask, look, 20)
    assert out.shape == ground.shape and out.dtype == np.uint8
    assert np.array_equal(out, paint(ground, mask, again, 20))


def test_drawn_looks_stand_out_from_their_ground() -> None:
    ground, mask = _square()
    mask[:] = 0
    mask[10:30, 20:24] = 255
    mask[10:14, 20:40] = 255
    legible = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        colour = PaletteBook().ground(rng)
        look = draw_appearance(rng, PaletteBook().ink(rng, colour), colour)
        legible += ink_separation(paint(np.full_like(ground, colour), mask, look, 20), mask).legible()
    assert legible >= 285


def test_no_ink_and_one_pixel() -> None:
    ground = np.full((1, 1, 3), 9, np.uint8)
    for seed in range(40):
        look = draw_appearance(np.random.default_rng(seed), (0, 0, 0), (255, 255, 255))
        assert paint(ground, np.zeros((1, 1), np.uint8), look, 20).tolist() == [[[9, 9, 9]]] or look.emboss


def test_lightness_of_known_colours() -> None:
    assert lightness((0, 0, 0)) == 0 and lightness((255, 255, 255)) == pytest.approx(100, abs=0.01)
    # The usual example: sRGB 119 is the middle grey of L* 50.
    assert lightness((119, 119, 119)) == pytest.approx(50, abs=0.2)
    assert lightness((255, 0, 0)) == pytest.approx(53.24, abs=0.05)


@given(colours, colours, st.floats(0, 49))
def test_contrast_reaches_its_floor(colour: tuple[int, int, int], ground: tuple[int, int, int], floor: float) -> None:
    assert abs(lightness(with_contrast(colour, ground, floor)) - lightness(ground)) >= floor - 0.01


def test_palette_of_a_picture_with_three_colours() -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:, :40] = (200, 30, 40)
    picture[:, 40:56] = (20, 120, 220)
    found = photo_palette(picture, 4)
    assert found[0] == pytest.approx((200, 30, 40), abs=6) and found[1] == pytest.approx((20, 120, 220), abs=6)
    book = PaletteBook.of_images([picture])
    drawn = {book.ground(np.random.default_rng(seed)) for seed in range(60)}
    assert drawn & set(book.palettes[0])


LOOKS = {
    "flat": Appearance((10, 10, 10)),
    "gradient": Appearance((10, 10, 10), "gradient", (90, 20, 20), 30.0),
    "texture": Appearance((10, 10, 10), "texture", (90, 90, 20)),
    "hollow": Appearance((10, 10, 10), "hollow", outline=0.06, outline_colour=(10, 10, 10)),
    "translucent": Appearance((10, 10, 10), opacity=0.6),
    "multiply": Appearance((60, 60, 60), blend="multiply"),
    "overlay": Appearance((20, 20, 20), blend="overlay"),
    "soft": Appearance((10, 10, 10), soften=0.05),
    "worn": Appearance((10, 10, 10), wear=0.2),
    "outline": Appearance((10, 10, 10), outline=0.06, outline_colour=(250, 250, 250)),
    "drop shadow": Appearance((10, 10, 10), shadow=Cast((60, 60, 60), (0.08, 0.08), 0.05, 0.5)),
    "glow": Appearance((10, 10, 10), shadow=Cast((255, 255, 180), (0.0, 0.0), 0.12, 0.7)),
    "inner shadow": Appearance((90, 90, 90), inner_shadow=Cast((0, 0, 0), (0.04, 0.04), 0.03, 0.7)),
    "extrusion": Appearance((10, 10, 10), extrusion=(0.06, 0.09), extrusion_colour=(90, 90, 90)),
    "emboss": Appearance((60, 60, 60), emboss=1.0),
}


@pytest.mark.parametrize("name", LOOKS)
def test_every_look_alone_leaves_a_character_where_it_was(name: str) -> None:
    """Against the same character in a flat colour: the shift that matches both best stays within a px."""
    mask = np.zeros((96, 128), np.uint8)
    cv2.putText(mask, "R", (44, 66), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 255, 5, cv2.LINE_AA)
    ground = np.full((96, 128, 3), 200, np.uint8)
    out = paint(ground, mask, LOOKS[name], 36)
    changed = np.abs(out.astype(np.float32) - ground).max(axis=2)
    # Shadows, glow and extrusion may change the ground, by no more than their own reach.
    reach = cv2.dilate(mask, np.ones((27, 27), np.uint8))
    assert (changed[reach == 0] == 0).all() and (changed[mask == 255] > 0).mean() >= (0.0 if name == "hollow" else 0.8)
    if name == "hollow":
        mask = cv2.subtract(cv2.dilate(mask, np.ones((5, 5), np.uint8)), mask)  # type: ignore[assignment]
    ink = np.ascontiguousarray(mask[20:76, 32:96], np.float32)
    fit = cv2.matchTemplate(np.ascontiguousarray(200.0 - out[12:84, 24:104, 0].astype(np.float32)), ink, cv2.TM_CCOEFF)
    row, column = np.unravel_index(int(np.abs(fit).argmax()), fit.shape)
    # What is extruded grows to one side.
    assert np.hypot(row - 8, column - 8) <= (3.0 if name == "extrusion" else 1.5)


def test_large_masks_are_blended_as_small_ones_are() -> None:
    rng = np.random.default_rng(0)
    view = rng.integers(0, 256, (300, 300, 3), dtype=np.uint8)
    mask = rng.integers(0, 256, (300, 300), dtype=np.uint8)
    whole, parts = view.copy(), view.copy()
    paint_over.blend(whole, mask, (200, 10, 0), 0.7)
    for row in range(0, 300, 50):
        paint_over.blend(parts[row : row + 50], mask[row : row + 50], (200, 10, 0), 0.7)
    assert np.abs(whole.astype(int) - parts).max() <= 1
    exact = view * (1 - 0.7 * mask[..., None] / 255) + np.array([200, 10, 0]) * (0.7 * mask[..., None] / 255)
    assert np.abs(whole - exact).max() <= 2.0
