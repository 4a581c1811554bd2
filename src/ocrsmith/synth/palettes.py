"""Ink and ground colours: from photographs' own palettes and from what paper and signs are made of, with a floor of
contrast in CIE lightness L* (CIE 15:2004; 0 black, 100 white), which is even to the eye where RGB is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as PillowImage

from ocrsmith.samples import Image

Colour = tuple[int, int, int]
Rng = np.random.Generator

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
# Ballpoint blue, stamp red, green and violet, sepia, signal yellow, orange.
INKS: tuple[Colour, ...] = (
    (28, 46, 132),
    (18, 60, 160),
    (170, 28, 36),
    (24, 104, 60),
    (92, 40, 120),
    (88, 56, 30),
    (246, 208, 40),
    (236, 128, 28),
)
PAPERS: tuple[Colour, ...] = (
    (255, 255, 255),
    (250, 250, 248),
    (247, 243, 232),
    (240, 232, 212),
    (232, 232, 230),
    (214, 208, 196),
    (226, 238, 246),
    (250, 232, 236),
    (250, 246, 200),
    (228, 244, 226),
)
SIGNS: tuple[Colour, ...] = (
    (20, 20, 22),
    (44, 48, 54),
    (16, 60, 140),
    (150, 22, 30),
    (18, 92, 56),
    (96, 62, 36),
    (238, 190, 20),
    (120, 126, 130),
)

# sRGB's transfer curve (IEC 61966-2-1) and the luminance weights of BT.709, as one table a channel.
_LINEAR = np.where(np.arange(256) <= 10, np.arange(256) / 255 / 12.92, ((np.arange(256) / 255 + 0.055) / 1.055) ** 2.4)
_RED, _GREEN, _BLUE = ((_LINEAR * weight).tolist() for weight in (0.2126, 0.7152, 0.0722))


def lightness(colour: Sequence[int]) -> float:
    """L* of an sRGB colour, 0 to 100."""
    luminance = _RED[colour[0]] + _GREEN[colour[1]] + _BLUE[colour[2]]
    return 116.0 * luminance ** (1 / 3) - 16.0 if luminance > 0.008856 else 903.3 * luminance


def photo_palette(image: Image, num_colours: int = 10) -> tuple[Colour, ...]:
    """A photograph's colours, the most frequent first, by median cut (Heckbert, SIGGRAPH 1982) on a 64 px copy."""
    small = PillowImage.fromarray(image).resize((64, 64), PillowImage.Resampling.BOX)
    cut = small.quantize(num_colours, method=PillowImage.Quantize.MEDIANCUT)
    table = np.array((cut.getpalette() or [])[: 3 * num_colours]).reshape(-1, 3)
    counts = np.bincount(np.asarray(cut).ravel(), minlength=len(table))[: len(table)]
    return tuple((int(r), int(g), int(b)) for r, g, b in table[np.argsort(-counts, kind="stable")])


@dataclass(frozen=True)
class PaletteBook:
    """Palettes to draw colours from; an empty book draws from papers, signs and inks alone."""

    palettes: tuple[tuple[Colour, ...], ...] = ()

    @classmethod
    def of_images(cls, images: Iterable[Image]) -> PaletteBook:
        """The palettes of photographs."""
        return cls(tuple(photo_palette(image) for image in images))

    def ground(self, rng: Rng) -> Colour:
        """A colour to write on: paper more often than a sign's paint or a photograph's colour."""
        which, place, *shift = rng.random(5).tolist()
        if which < 0.25 and self.palettes:
            palette = self.palettes[int(place * len(self.palettes))]
            return palette[int(which * 4 * len(palette))]
        table = PAPERS if which < 0.75 else SIGNS
        return _shifted(table[int(place * len(table))], shift, 24)

    def ink(self, rng: Rng, ground: Sequence[int], floor: float = 30.0) -> Colour:
        """A colour at least `floor` L* lighter or darker than `ground` (less only where black and white are nearer)."""
        which, place, *shift = rng.random(5).tolist()
        if which < 0.45:
            # Print is mostly black or white, whichever stands out; never exactly so.
            base = BLACK if lightness(ground) > 50 else WHITE
            colour = _shifted(base, shift, 110 * place)
        elif which < 0.65 or not self.palettes:
            colour = _shifted(INKS[int(place * len(INKS))], shift, 40)
        else:
            palette = self.palettes[int(place * len(self.palettes))]
            colour = palette[int((which - 0.65) / 0.35 * len(palette))]
        return with_contrast(colour, ground, floor)


def _shifted(colour: Colour, shift: Sequence[float], most: float) -> Colour:
    r, g, b = (min(255, max(0, int(value + most * (s - 0.5)))) for value, s in zip(colour, shift))
    return r, g, b


def with_contrast(colour: Sequence[int], ground: Sequence[int], floor: float) -> Colour:
    """`colour`, drawn towards black or white just so far that it differs from `ground` by `floor` L*."""
    ground_l = lightness(ground)
    own_l = lightness(colour)
    if abs(own_l - ground_l) >= floor:
        return int(colour[0]), int(colour[1]), int(colour[2])
    darker = own_l <= ground_l
    if darker and ground_l < floor:
        darker = False
    elif not darker and ground_l > 100 - floor:
        darker = True
    if ground_l < floor and ground_l > 100 - floor:
        darker = ground_l > 50
    pole = 0 if darker else 255
    best = (pole, pole, pole)
    for step in range(1, 9):
        share = step / 8
        mixed = tuple(int(value + (pole - value) * share) for value in colour)
        if (ground_l - lightness(mixed) if darker else lightness(mixed) - ground_l) >= floor:
            best = mixed  # type: ignore[assignment]
            break
    return best
