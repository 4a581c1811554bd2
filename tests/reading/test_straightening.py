from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from tiny_networks import GREEN, RED

from ocrsmith.geometry import box_quad
from ocrsmith.reading.page import Recognized, RecognizedCharacter
from ocrsmith.reading.reader import Reader
from ocrsmith.reading.straightening import Ribbon, ribbon, straighten, words_on_ribbon

CENTRE, RADIUS, HEIGHT = (200.0, 260.0), 180.0, 36.0


def polar(size: tuple[int, int] = (320, 400)) -> tuple[np.ndarray, np.ndarray]:
    """Distance from the arc's centre, and the angle from straight up in degrees, clockwise, of each pixel."""
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    return np.hypot(x - CENTRE[0], y - CENTRE[1]), np.degrees(np.arctan2(x - CENTRE[0], CENTRE[1] - y))


def arc_picture(half: float = 50.0, colours: tuple[tuple[int, int, int], ...] = (RED, GREEN) * 2) -> np.ndarray:
    """A white picture with equal pieces of an arc, as letters of a word over an arch."""
    image = np.full((320, 400, 3), 255, np.uint8)
    distance, angle = polar()
    on = (np.abs(distance - RADIUS) < HEIGHT / 2) & (np.abs(angle) < half)
    pieces = np.clip(((angle + half) / (2 * half) * len(colours)).astype(int), 0, len(colours) - 1)
    for index, colour in enumerate(colours):
        image[on & (pieces == index)] = colour
    return image


def arc_outline(half: float = 50.0, count: int = 9) -> np.ndarray:
    angles = np.radians(np.linspace(-half, half, count))
    sides = [
        np.stack([CENTRE[0] + r * np.sin(angles), CENTRE[1] - r * np.cos(angles)], axis=1)
        for r in (RADIUS + HEIGHT / 2, RADIUS - HEIGHT / 2)
    ]
    return np.concatenate([sides[0], sides[1][::-1]]).astype(np.float32)


@pytest.mark.parametrize("half", [25.0, 40.0, 55.0, 65.0])
def test_an_arc_comes_out_as_long_and_as_high_as_it_is(half: float) -> None:
    strip = ribbon(arc_outline(half))
    assert strip is not None
    length, height = strip.size
    assert length == pytest.approx(np.radians(2 * half) * RADIUS, rel=0.08)
    assert height == pytest.approx(HEIGHT, rel=0.1)
    crop = straighten(arc_picture(half), strip)
    assert crop.shape[:2] == (round(height), round(length))
    # Nearly no ground is left in it, and the letters follow each other in equal parts.
    assert (crop == 255).all(axis=2).mean() < 0.1
    middle = crop[crop.shape[0] // 2]
    for index, channel in enumerate((0, 1, 0, 1)):
        assert middle[round((index + 0.5) / 4 * len(middle)), channel] > 200


def test_a_cup_and_a_slanted_arc() -> None:
    upside = arc_outline() * (1, -1) + np.array([0, 300])
    strip = ribbon(upside)
    assert strip is not None
    assert (strip.top[:, 0] < strip.top[::-1, 0]).sum() > len(strip.top) // 3
    turn = cv2.getRotationMatrix2D((200, 160), 20, 1.0)
    slanted = ribbon(arc_outline() @ turn[:, :2].T + turn[:, 2])
    assert slanted is not None
    assert slanted.size == pytest.approx((np.radians(100) * RADIUS, HEIGHT), rel=0.1)


@pytest.mark.parametrize(
    "outline",
    [
        box_quad(0, 0, 100, 20),
        np.array([[0, 0], [50, 1], [100, 0], [100, 20], [50, 21], [0, 20]]),
        np.array([[0, 0], [10, 0], [10, 200], [0, 200], [-2, 100]]),
        np.array([[0, 0], [2, 0], [3, 1], [2, 2], [0, 2], [-1, 1]]),
        np.array([[0, 0], [40, 10], [50, 50], [10, 40], [5, 20]]),
    ],
    ids=["a quad", "straight", "tall", "tiny", "a blob"],
)
def test_what_does_not_bend_is_left_alone(outline: np.ndarray) -> None:
    assert ribbon(outline) is None


def test_points_lie_on_the_strip() -> None:
    strip = Ribbon(np.array([[0, 0], [10, 0], [20, 0]], np.float32), np.array([[0, 5], [10, 5], [20, 5]], np.float32))
    assert strip.size == pytest.approx((20, 5))
    np.testing.assert_allclose(strip.on_page([[5, 0], [15, 5], [10, 2.5]]), [[5, 0], [15, 5], [10, 2.5]])
    grown = strip.grown(0.2)
    np.testing.assert_allclose(grown.top[[0, -1]], [[-1, -1], [21, -1]], atol=1e-5)
    np.testing.assert_allclose(strip.turned().top, [[20, 5], [10, 5], [0, 5]])


def test_words_follow_the_arc() -> None:
    strip = ribbon(arc_outline())
    assert strip is not None
    characters = tuple(RecognizedCharacter(c, 0.9, i / 5, (i + 1) / 5) for i, c in enumerate("ab ab"))
    first, second = words_on_ribbon(Recognized("ab ab", 0.9, characters), strip)
    assert (first.text, second.text) == ("ab", "ab")
    for word in (first, second):
        away = np.hypot(*(word.polygon - CENTRE).T)
        np.testing.assert_allclose(np.abs(away - RADIUS), HEIGHT / 2, atol=3)
    assert first.polygon[:, 0].max() < second.polygon[:, 0].min()
    assert first.quad.shape == (4, 2)


def test_a_reader_straightens_where_asked(make_bundle: Callable[..., Path]) -> None:
    image = arc_picture(60.0)
    curved = Reader(make_bundle("db"), engine="onnxruntime", threads=1, curved=True)
    page = curved.read(image)
    assert page.text == "abab"
    assert len(page.words[0].polygon) > 4
    straight = Reader(make_bundle("db"), engine="onnxruntime", threads=1)
    assert straight.read(image).text != "abab"
