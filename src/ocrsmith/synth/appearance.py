"""How ink looks on its ground: fills, outlines, shadows, glow, relief and blending, all on one coverage mask.

`draw_appearance(rng, ink, ground)` draws an `Appearance` (data, JSON-able); `paint(ground, coverage, appearance)` makes
pixels. Lengths are shares of the text's height, so that an appearance fits every size.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.samples import Image
from ocrsmith.synth.noise_tiles import cloud_tile, cut, uniform_tile
from ocrsmith.synth.palettes import Colour, lightness, with_contrast

Mask = NDArray[np.uint8]
Fill = Literal["flat", "gradient", "texture", "hollow"]
Blend = Literal["normal", "multiply", "screen", "overlay"]


@dataclass(frozen=True)
class Cast:
    """A copy of the ink below it: a drop shadow, a glow (no shift) or an inner shadow."""

    colour: Colour
    shift: tuple[float, float]  # x, y, shares of the text's height
    blur: float  # sigma, share of the text's height
    opacity: float  # 0..1


@dataclass(frozen=True)
class Appearance:
    """Everything about the look of one text."""

    ink: Colour
    fill: Fill = "flat"
    second_ink: Colour | None = None  # gradient and texture run from `ink` to this
    fill_degrees: float = 0.0
    opacity: float = 1.0
    blend: Blend = "normal"
    soften: float = 0.0  # sigma of the mask's own blur, share of the text's height
    wear: float = 0.0  # share of the ink that has come off
    outline: float = 0.0  # width, share of the text's height
    outline_colour: Colour | None = None
    shadow: Cast | None = None
    inner_shadow: Cast | None = None
    extrusion: tuple[float, float] | None = None  # x, y, shares of the text's height
    extrusion_colour: Colour | None = None
    emboss: float = 0.0  # -1 engraved .. 1 raised
    seed: int = 0  # of the fill's texture and of the wear

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, form: dict[str, Any]) -> Appearance:
        """Reads what `to_dict` wrote, also after JSON turned tuples into lists."""
        known: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in form.items()}
        for key in ("shadow", "inner_shadow"):
            if known.get(key) is not None:
                cast: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in known[key].items()}
                known[key] = Cast(**cast)
        return cls(**known)


def paint(ground: Image, coverage: Mask, look: Appearance, text_px: float) -> Image:
    """Lays ink on a ground.

    Args:
        ground: uint8 RGB (H, W, 3), left as it is.
        coverage: (H, W) uint8, 255 where ink covers a pixel wholly.
        look: what the ink is like.
        text_px: the text's height in px, which the look's lengths are shares of.

    Returns a new uint8 RGB array (H, W, 3).
    """
    height, width = coverage.shape
    image = ground
    if look.soften:
        coverage = cv2.GaussianBlur(coverage, (0, 0), max(0.3, look.soften * text_px))  # type: ignore[assignment]
    if look.wear:
        # Ink comes off in patches: fine grains where a cloud is low.
        rng = np.random.default_rng(look.seed)
        cloud, fine = cut(cloud_tile(), rng, height, width), cut(uniform_tile(), rng, height, width)
        # (0.6 cloud + 0.4 fine - limit) * 8 in one saturating sum.
        limit = 255 * look.wear - 16
        kept: Any = cv2.addWeighted(cloud, 4.8, fine, 3.2, -8 * limit)
        coverage = cv2.min(coverage, kept)  # type: ignore[assignment]
    if look.shadow is not None:
        image = _cast(image, coverage, look.shadow, text_px)
    if look.extrusion is not None and look.extrusion_colour is not None:
        image = _mix_flat(image, _swept(coverage, look.extrusion, text_px), look.extrusion_colour)
    if look.outline and look.outline_colour is not None:
        kernel = _disk(max(1, round(look.outline * text_px)))
        grown: Any = cv2.dilate(coverage, kernel)
        if look.fill == "hollow":
            grown = cv2.subtract(grown, coverage)
        image = _mix_flat(image, grown, look.outline_colour)
    if look.fill != "hollow":
        image = _filled(image, coverage, look)
    if look.inner_shadow is not None:
        image = _inner(image, coverage, look.inner_shadow, text_px)
    if look.emboss:
        image = _embossed(image, coverage, look.emboss)
    return image if image is not ground else ground.copy()


def _filled(image: Image, coverage: Mask, look: Appearance) -> Image:
    mask = coverage if look.opacity >= 1 else cv2.convertScaleAbs(coverage, alpha=look.opacity)
    if look.fill == "flat" or look.second_ink is None:
        if look.blend == "normal":
            return _mix_flat(image, mask, look.ink)
        return _mix(image, mask, cv2.LUT(image, _blend_table(look.blend, look.ink)))  # type: ignore[arg-type]
    height, width = coverage.shape
    if look.fill == "gradient":
        angle = np.deg2rad(look.fill_degrees)
        corners = np.array([[0.0, np.cos(angle)], [np.sin(angle), np.cos(angle) + np.sin(angle)]], np.float32)
        low, high = corners.min(), corners.max()
        share: Any = cv2.resize((corners - low) / max(high - low, 1e-6) * 255, (width, height))
        share = cv2.convertScaleAbs(share)
    else:
        share = cut(cloud_tile(), np.random.default_rng(look.seed + 1), height, width)
    ramp = np.linspace(look.ink, look.second_ink, 256)[:, None].astype(np.uint8)
    return _mix(image, mask, cv2.LUT(cv2.merge([share] * 3), ramp))  # type: ignore[arg-type]


def _mix(image: Image, mask: Any, layer: Image) -> Image:
    mask3 = cv2.merge([mask] * 3)
    kept = cv2.multiply(image, cv2.bitwise_not(mask3), scale=1 / 255)
    return cv2.add(kept, cv2.multiply(layer, mask3, scale=1 / 255))  # type: ignore[return-value]


def _mix_flat(image: Image, mask: Any, colour: Colour) -> Image:
    r, g, b = (cv2.convertScaleAbs(mask, alpha=value / 255) for value in colour)
    kept = cv2.multiply(image, cv2.bitwise_not(cv2.merge([mask] * 3)), scale=1 / 255)
    return cv2.add(kept, cv2.merge([r, g, b]))  # type: ignore[return-value]


@lru_cache(maxsize=32)
def _disk(radius: int) -> Mask:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))  # type: ignore[return-value]


def _blend_table(blend: Blend, ink: Colour) -> NDArray[np.uint8]:
    """(256, 1, 3): with a flat ink every blending mode is a table of the ground's value."""
    below, above = np.arange(256)[:, None] / 255.0, np.array(ink)[None] / 255.0
    if blend == "multiply":
        mixed = below * above
    elif blend == "screen":
        mixed = 1 - (1 - below) * (1 - above)
    else:
        mixed = np.where(above < 0.5, 2 * below * above, 1 - 2 * (1 - below) * (1 - above))
    return np.rint(mixed * 255).astype(np.uint8)[:, None]


def _moved(mask: Mask, dx: int, dy: int) -> Mask:
    height, width = mask.shape
    out = np.zeros_like(mask)
    if abs(dx) < width and abs(dy) < height:
        out[max(0, dy) : height + min(0, dy), max(0, dx) : width + min(0, dx)] = mask[
            max(0, -dy) : height + min(0, -dy), max(0, -dx) : width + min(0, -dx)
        ]
    return out


def _cast(image: Image, coverage: Mask, cast: Cast, text_px: float) -> Image:
    mask: Any = _moved(coverage, round(cast.shift[0] * text_px), round(cast.shift[1] * text_px))
    sigma = cast.blur * text_px
    if sigma > 0.3:
        mask = cv2.GaussianBlur(mask, (0, 0), sigma)
        # A blurred thin stroke fades: a glow has to be seen.
        mask = cv2.convertScaleAbs(mask, alpha=1.6)
    return _mix_flat(image, cv2.convertScaleAbs(mask, alpha=cast.opacity), cast.colour)


def _inner(image: Image, coverage: Mask, cast: Cast, text_px: float) -> Image:
    shift = [int(np.sign(s)) * max(1, round(abs(s) * text_px)) for s in cast.shift]
    outside: Any = cv2.bitwise_not(_moved(coverage, shift[0], shift[1]))
    if cast.blur * text_px > 0.3:
        outside = cv2.GaussianBlur(outside, (0, 0), cast.blur * text_px)
    inside = cv2.multiply(outside, coverage, scale=cast.opacity / 255)
    return _mix_flat(image, inside, cast.colour)


def _swept(coverage: Mask, extrusion: tuple[float, float], text_px: float) -> Mask:
    reach = max(1, round(max(abs(extrusion[0]), abs(extrusion[1])) * text_px))
    out = coverage
    for step in range(1, reach + 1):
        share = step / reach * text_px
        out = cv2.max(out, _moved(coverage, round(extrusion[0] * share), round(extrusion[1] * share)))  # type: ignore[assignment]
    return out


def _embossed(image: Image, coverage: Mask, depth: float) -> Image:
    soft: Any = cv2.blur(coverage, (3, 3))
    light, dark = _moved(soft, 1, 1), _moved(soft, -1, -1)
    first, second = (light, dark) if depth > 0 else (dark, light)
    amount = abs(depth) * 0.8
    edge = cv2.merge([cv2.convertScaleAbs(cv2.subtract(second, first), alpha=amount)] * 3)
    shade = cv2.merge([cv2.convertScaleAbs(cv2.subtract(first, second), alpha=amount)] * 3)
    return cv2.subtract(cv2.add(image, edge), shade)  # type: ignore[return-value]


def draw_appearance(rng: np.random.Generator, ink: Colour, ground: Colour, richness: float = 1.0) -> Appearance:
    """Draws a look. `richness` 0 (flat ink alone) to 1 scales how often anything but flat ink is drawn."""
    u = rng.random(16).tolist()
    on_light = lightness(ground) > lightness(ink)
    choices: dict[str, Any] = {"ink": ink, "seed": int(rng.integers(1 << 31))}
    if u[0] < 0.35 * richness:
        choices["opacity"] = round(0.65 + u[1], 3) if u[1] < 0.35 else 1.0
        choices["blend"] = _safe_blend(u[2], ink, ground, on_light)
    if u[3] < 0.16 * richness:
        other = tuple(int(value) for value in rng.integers(0, 256, 3))
        choices |= {
            "fill": "gradient" if u[4] < 0.6 else "texture",
            "second_ink": with_contrast(other, ground, 35.0) if u[5] < 0.5 else _toned(ink, 50 * (u[5] - 0.75)),
            "fill_degrees": round(360 * u[6], 1),
        }
        # The middle of two inks on both sides of the ground would be the ground itself.
        if (lightness(choices["second_ink"]) > lightness(ground)) == on_light:
            choices["second_ink"] = _toned(ink, -30.0 if on_light else 30.0)
    if u[7] < 0.1 * richness:
        choices["wear"] = round(0.06 + 0.19 * u[8], 3)
    if u[7] > 1 - 0.12 * richness:
        choices["soften"] = round(0.02 + 0.03 * u[8], 4)
    relief = u[9] / max(richness, 1e-9)
    if relief < 0.06:
        colour = _edge_colour(u[10], ink, ground)
        hollow = u[11] < 0.2
        choices |= {"outline": round(0.03 + 0.05 * u[12], 4), "outline_colour": ink if hollow else colour}
        if hollow:
            choices |= {"fill": "hollow", "opacity": 1.0}
    elif relief < 0.14:
        shift = (round(0.12 * (u[10] - 0.5) * 1.6, 4), round(0.02 + 0.08 * u[11], 4))
        tone = (0, 0, 0) if on_light or u[12] < 0.7 else (255, 255, 255)
        choices["shadow"] = Cast(tone, shift, round(0.08 * u[13], 4), round(0.2 + 0.35 * u[14], 3))
    elif relief < 0.17:
        choices["shadow"] = Cast(_edge_colour(u[10], ink, ground), (0.0, 0.0), round(0.06 + 0.1 * u[11], 4), 0.7)
    elif relief < 0.19:
        choices["inner_shadow"] = Cast((0, 0, 0), (0.04, 0.04), round(0.04 * u[11], 4), round(0.3 + 0.4 * u[12], 3))
    elif relief < 0.22:
        choices |= {
            "extrusion": (round(0.2 * (u[10] - 0.5), 4), round(0.03 + 0.09 * u[11], 4)),
            "extrusion_colour": _toned(ink, 25.0 if on_light else -35.0),
        }
    elif relief < 0.25:
        choices["emboss"] = round((1 if u[10] < 0.5 else -1) * (0.3 + 0.7 * u[11]), 3)
    return Appearance(**choices)


def _safe_blend(u: float, ink: Colour, ground: Colour, on_light: bool) -> Blend:
    """A blending mode that keeps ink and ground apart: multiply needs a light ground, screen a dark one."""
    ground_l = lightness(ground)
    if u < 0.5 and on_light and ground_l > 65:
        return "multiply"
    if u < 0.5 and not on_light and ground_l < 35:
        return "screen"
    if u < 0.65 and 30 < ground_l < 70 and abs(lightness(ink) - ground_l) > 45:
        return "overlay"
    return "normal"


def _toned(colour: Colour, amount: float) -> Colour:
    r, g, b = (min(255, max(0, int(value + 2.55 * amount))) for value in colour)
    return r, g, b


def _edge_colour(u: float, ink: Colour, ground: Colour) -> Colour:
    """Of an outline or glow: away from the ink, so that the letters' shape is kept even where it meets the ground."""
    if u < 0.5:
        return (255, 255, 255) if lightness(ink) < 50 else (0, 0, 0)
    return with_contrast(ground, ink, 40.0)
