"""Procedural surfaces: what texts stand on without a photograph: pure functions (rng, height, width) -> Image."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ocrsmith.samples import Image
from ocrsmith.synth.choices import Rng
from ocrsmith.synth.noise_tiles import TILE_PX, cut, uniform_tile
from ocrsmith.synth.paint import filled
from ocrsmith.synth.surface_fields import (
    blended,
    cloud_field,
    drawn_colour,
    grain_field,
    ramp_field,
    resized_tile,
    shaded,
    streak_field,
)


def paper(rng: Rng, height: int, width: int) -> Image:
    """White to yellowed paper with fibres, an uneven light and sometimes blotches."""
    colour = drawn_colour(rng, (0.06, 0.17), (0.0, 0.22), (0.78, 1.0))
    field = grain_field(rng, height, width) * rng.uniform(0.5, 3.0)
    field += ramp_field(rng, height, width) * rng.uniform(0, 14)
    field += cloud_field(rng, height, width, rng.uniform(1, 6)) * rng.uniform(0, 6)
    return shaded(colour, field)


def cardboard(rng: Rng, height: int, width: int) -> Image:
    """Brown board with the ribs of its corrugation showing through."""
    colour = drawn_colour(rng, (0.06, 0.1), (0.3, 0.55), (0.55, 0.8))
    period = rng.uniform(8, 26)
    ribs = np.sin(np.arange(width, dtype=np.float32) * (2 * np.pi / period)) * rng.uniform(0.5, 5)
    field = grain_field(rng, height, width) * rng.uniform(2, 6) + ribs[None, :].astype(np.float32)
    field += cloud_field(rng, height, width, 3) * rng.uniform(2, 8)
    return shaded(colour, field)


def gradient(rng: Rng, height: int, width: int) -> Image:
    """Two colours, from one side to the other or from a middle outwards."""
    first = drawn_colour(rng, (0, 1), (0, 0.9), (0.1, 1))
    second = drawn_colour(rng, (0, 1), (0, 0.9), (0.1, 1))
    if rng.random() < 0.6:
        share = ramp_field(rng, height, width) * 0.5 + 0.5
    else:
        row, column, reach = rng.random(), rng.random(), rng.uniform(0.5, 1.4)
        down = (np.linspace(0, 1, height, dtype=np.float32) - row)[:, None]
        along = (np.linspace(0, 1, width, dtype=np.float32) - column)[None, :]
        share = np.sqrt(down * down + along * along).astype(np.float32) / reach
    # A fraction of a level of noise keeps the bands of 8 bits from showing as edges.
    noise = grain_field(rng, height, width) * rng.uniform(0.002, 0.01)
    return blended(first, second, (share + noise).astype(np.float32))


def plain(rng: Rng, height: int, width: int) -> Image:
    """One flat colour, clean or with a little grain: screens, printed fields, signs."""
    colour = drawn_colour(rng, (0, 1), (0, 1), (0.05, 1))
    if rng.random() < 0.5:
        return filled(height, width, [round(channel) for channel in colour])
    return shaded(colour, grain_field(rng, height, width) * rng.uniform(0.5, 4))


def clouds(rng: Rng, height: int, width: int) -> Image:
    """Two colours flowing into each other: marbled board, stains, out-of-focus scenery."""
    first = drawn_colour(rng, (0, 1), (0, 0.8), (0.1, 1))
    second = drawn_colour(rng, (0, 1), (0, 0.8), (0.1, 1))
    share = cloud_field(rng, height, width, rng.uniform(1, 8)) * 0.5 + 0.5
    return blended(first, second, share)


def fabric(rng: Rng, height: int, width: int) -> Image:
    """A weave of threads over and under each other."""
    colour = drawn_colour(rng, (0, 1), (0, 0.8), (0.2, 0.95))
    period, depth = rng.uniform(3, 12), rng.uniform(4, 22)
    columns = np.sin(np.arange(width, dtype=np.float32) * (2 * np.pi / period))
    rows = np.sin(np.arange(height, dtype=np.float32) * (2 * np.pi / period))
    field = (rows[:, None] * columns[None, :]).astype(np.float32) * depth
    field += streak_field(rng, height, width, 12) * rng.uniform(1, 5)
    field += streak_field(rng, width, height, 12).T * rng.uniform(1, 5)
    return shaded(colour, field)


def brick(rng: Rng, height: int, width: int) -> Image:
    """Courses of bricks, each of its own shade, in mortar."""
    colour = drawn_colour(rng, (0.0, 0.08), (0.1, 0.65), (0.3, 0.85))
    mortar = float(rng.uniform(-60, 70))
    course, joint = float(rng.uniform(18, 70)), float(rng.uniform(1.5, 5))
    length = course * float(rng.uniform(1.8, 3.2))
    offsets = np.arange(height, dtype=np.float32) + rng.uniform(0, course)
    # All px rows of a course are one line of bricks.
    of_row = np.floor(offsets / course).astype(np.intp)
    row = np.arange(of_row[-1] + 1, dtype=np.float32)[:, None]
    x = np.arange(width, dtype=np.float32)[None, :] + (row % 2) * (length / 2)
    number = (row * 131 + np.floor(x / length) * 57).astype(np.int32)
    shades = uniform_tile()[:1].ravel().astype(np.float32) / 255 - 0.5
    courses = shades[(number + int(rng.integers(TILE_PX))) % TILE_PX] * rng.uniform(5, 50)
    courses[x % length < joint] = mortar
    field = courses[of_row]
    field[offsets % course < joint] = mortar
    noise = grain_field(rng, height, width) * rng.uniform(2, 8)
    field += noise + cloud_field(rng, height, width, 2) * rng.uniform(0, 10)
    return shaded(colour, field)


def tiles(rng: Rng, height: int, width: int) -> Image:
    """Square tiles with joints, as on walls and floors."""
    colour = drawn_colour(rng, (0, 1), (0, 0.5), (0.3, 1))
    side, joint = float(rng.uniform(30, 160)), float(rng.uniform(1, 5))
    y = (np.arange(height, dtype=np.float32) + rng.uniform(0, side)) % side
    x = (np.arange(width, dtype=np.float32) + rng.uniform(0, side)) % side
    field = cloud_field(rng, height, width, rng.uniform(1, 4)) * rng.uniform(1, 12) + ramp_field(rng, height, width) * 8
    depth = float(rng.uniform(15, 70)) * (1 if rng.random() < 0.3 else -1)
    field[y < joint, :] += depth
    field[:, x < joint] += depth
    return shaded(colour, field)


def wood(rng: Rng, height: int, width: int) -> Image:
    """Grain along boards, with the boards' edges."""
    colour = drawn_colour(rng, (0.04, 0.11), (0.2, 0.7), (0.25, 0.85))
    upright = rng.random() < 0.5
    rows, columns = (width, height) if upright else (height, width)
    warp = cloud_field(rng, rows, columns, rng.uniform(3, 8)) * rng.uniform(2, 9)
    rings = np.sin((np.arange(rows, dtype=np.float32)[:, None] + warp * 4) * (2 * np.pi / rng.uniform(8, 30)))
    field = rings.astype(np.float32) * rng.uniform(3, 12) + streak_field(rng, rows, columns, 60) * rng.uniform(3, 9)
    board = float(rng.uniform(50, 240))
    y = np.arange(rows, dtype=np.float32) + rng.uniform(0, board)
    field += (rng.uniform(-18, 18, int((rows + board) // board) + 2).astype(np.float32))[(y // board).astype(np.intp)][
        :, None
    ]
    field[(y % board) < rng.uniform(0.8, 3)] -= 45
    return shaded(colour, np.ascontiguousarray(field.T) if upright else field)


def brushed_metal(rng: Rng, height: int, width: int) -> Image:
    """Fine parallel scratches and a broad reflection, as on labels and housings."""
    colour = drawn_colour(rng, (0.05, 0.65), (0, 0.15), (0.35, 0.85))
    upright = rng.random() < 0.3
    rows, columns = (width, height) if upright else (height, width)
    field = streak_field(rng, rows, columns, rng.uniform(40, 220)) * rng.uniform(2, 12)
    sheen = np.cos(np.linspace(-np.pi, np.pi, columns, dtype=np.float32) + rng.uniform(-2, 2))
    field += sheen[None, :] * np.float32(rng.uniform(0, 35))
    return shaded(colour, np.ascontiguousarray(field.T) if upright else field)


def concrete(rng: Rng, height: int, width: int) -> Image:
    """Grey, mottled, with pores."""
    colour = drawn_colour(rng, (0.05, 0.6), (0, 0.12), (0.3, 0.8))
    field = grain_field(rng, height, width) * rng.uniform(2, 8)
    mottles = cloud_field(rng, height, width) * rng.uniform(3, 12)
    field += mottles + cloud_field(rng, height, width, 6) * rng.uniform(3, 16)
    field[cut(uniform_tile(), rng, height, width) < 1] -= 40
    return shaded(colour, field)


def plaster(rng: Rng, height: int, width: int) -> Image:
    """A rough painted wall: bumps lit from one side."""
    colour = drawn_colour(rng, (0, 1), (0, 0.45), (0.45, 1))
    bumps = cloud_field(rng, height + 1, width + 1, rng.uniform(0.5, 1.5))
    field = (bumps[1:, 1:] - bumps[:-1, :-1]) * rng.uniform(40, 160) + grain_field(rng, height, width) * 2
    return shaded(colour, field + ramp_field(rng, height, width) * rng.uniform(0, 20))


def leather(rng: Rng, height: int, width: int) -> Image:
    """Dark grained skin or rubber: a net of fine folds."""
    colour = drawn_colour(rng, (0, 0.12), (0.1, 0.7), (0.1, 0.6))
    bumps = cloud_field(rng, height + 1, width + 1, rng.uniform(0.6, 1.2))
    folds = np.abs(bumps)
    field = (folds[1:, 1:] - folds[:-1, :-1]) * rng.uniform(80, 220) - np.float32(12) * (folds[1:, 1:] < 0.06)
    return shaded(colour, field.astype(np.float32) + ramp_field(rng, height, width) * rng.uniform(0, 15))


def lcd_panel(rng: Rng, height: int, width: int) -> Image:
    """A display without its digits: grey-green or lit, a faint grid of cells, a frame's shadow at its upper edge."""
    if rng.random() < 0.5:
        colour = drawn_colour(rng, (0.16, 0.4), (0.05, 0.35), (0.45, 0.8))
    else:
        colour = drawn_colour(rng, (0, 1), (0.2, 1), (0.02, 0.9))
    period = rng.uniform(2, 6)
    grid = np.float32(rng.uniform(0, 6))
    rows = np.arange(height, dtype=np.float32) % period < 1
    columns = np.arange(width, dtype=np.float32) % period < 1
    field = ramp_field(rng, height, width) * rng.uniform(2, 18) + grain_field(rng, height, width) * rng.uniform(0, 2)
    field -= grid * (rows[:, None] | columns[None, :])
    shadow = np.exp(-np.arange(height, dtype=np.float32) / np.float32(max(2.0, height * rng.uniform(0.01, 0.08))))
    return shaded(colour, field - shadow[:, None] * np.float32(rng.uniform(0, 60)))


def plastic(rng: Rng, height: int, width: int) -> Image:
    """A smooth moulded housing with a soft highlight."""
    colour = drawn_colour(rng, (0, 1), (0, 0.85), (0.05, 0.95))
    field = cloud_field(rng, height, width, 10) * rng.uniform(0, 6)
    field += grain_field(rng, height, width) * rng.uniform(0.3, 1.5)
    angle, place = rng.uniform(0, np.pi), rng.uniform(-0.8, 0.8)
    along = np.linspace(-1, 1, width, dtype=np.float32)[None, :] * math.cos(angle) - place
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None] * math.sin(angle)
    distance = along + down
    highlight = np.exp(-(distance * distance) * np.float32(rng.uniform(2, 20))) * np.float32(rng.uniform(0, 60))
    return shaded(colour, field + highlight)


def stripes(rng: Rng, height: int, width: int) -> Image:
    """Bands of two colours at an angle: packaging, barriers, wallpaper."""
    first = drawn_colour(rng, (0, 1), (0, 0.9), (0.2, 1))
    second = drawn_colour(rng, (0, 1), (0, 0.9), (0.2, 1))
    angle, period = rng.uniform(0, np.pi), rng.uniform(12, 120)
    along = np.arange(width, dtype=np.float32) * (math.cos(angle) * 2 * math.pi / period)
    down = np.arange(height, dtype=np.float32) * (math.sin(angle) * 2 * math.pi / period)
    # sin(a + b) from outer products: no sine a pixel.
    steepness = np.float32(rng.uniform(2, 20))
    wave = np.outer(np.cos(down) * steepness, np.sin(along))
    wave += np.outer(np.sin(down) * steepness, np.cos(along))
    wave += 0.5
    return blended(first, second, wave)


def snow(rng: Rng, height: int, width: int) -> Image:
    """Noise of one or three channels, coarse or fine: bad sensors, gravel, terrazzo."""
    grain = float(rng.uniform(1, 6))
    rows, columns = max(2, round(height / grain)), max(2, round(width / grain))
    base = resized_tile(cut(uniform_tile(), rng, rows, columns), height, width).astype(np.float32)
    first = drawn_colour(rng, (0, 1), (0, 0.5), (0.1, 0.9))
    second = drawn_colour(rng, (0, 1), (0, 0.5), (0.1, 0.9))
    return blended(first, second, base * (1 / 255.0))


SURFACES: dict[str, Callable[[Rng, int, int], Image]] = {
    function.__name__: function
    for function in (
        paper,
        cardboard,
        gradient,
        plain,
        clouds,
        fabric,
        brick,
        tiles,
        wood,
        brushed_metal,
        concrete,
        plaster,
        leather,
        lcd_panel,
        plastic,
        stripes,
        snow,
    )
}
