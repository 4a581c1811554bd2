"""What samples hold, counted: fonts, characters, lengths, heights, contrasts; and histograms of them as SVG."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.geometry import area, quad_size
from ocrsmith.samples import Image, LineSample, PageSample, TextInstance
from ocrsmith.synth.legibility import ink_separation
from ocrsmith.synth.paint import window_of

Sample = PageSample | LineSample


@dataclass
class SampleCounts:
    """Counts over samples; heights in px and contrasts (0 to 255) leave ignored texts out."""

    texts: int = 0
    ignored: int = 0
    characters: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)
    fonts: Counter[str] = field(default_factory=Counter)
    heights: list[float] = field(default_factory=list)
    contrasts: list[float] = field(default_factory=list)

    def add(self, sample: Sample, plan: Any = None) -> None:
        """Counts one sample, and the fonts that its plan (a parsed JSON form) names."""
        self.fonts.update(_fonts_in(plan))
        if isinstance(sample, LineSample):
            self._add_text(sample.text, False)
            self.heights.append(_line_height(sample))
            self.contrasts.append(ink_contrast(sample.image))
            return
        for instance in sample.instances:
            self._add_text(instance.text, instance.ignore)
            window = window_of(instance.polygon, sample.image.shape, 2)
            if instance.ignore or window is None:
                continue
            self.heights.append(text_height(instance))
            self.contrasts.append(ink_contrast(sample.image[window]))

    def _add_text(self, text: str, ignore: bool) -> None:
        self.texts += 1
        self.ignored += ignore
        self.lengths[len(text)] += 1
        self.characters.update(text)


def count_samples(samples: Iterable[Sample]) -> SampleCounts:
    """Counts of a list of samples without plans."""
    counts = SampleCounts()
    for sample in samples:
        counts.add(sample)
    return counts


def text_height(instance: TextInstance) -> float:
    """A text's height in px across its reading direction: a quad's own, a longer polygon's area by half its outline."""
    if len(instance.polygon) == 4:
        return quad_size(instance.polygon)[1]
    outline = float(np.linalg.norm(instance.polygon - np.roll(instance.polygon, 1, axis=0), axis=1).sum())
    return 2.0 * area(instance.polygon) / max(outline, 1e-6)


def _line_height(sample: LineSample) -> float:
    if not sample.characters:
        return float(sample.image.shape[0])
    rows = np.stack([character.quad for character in sample.characters])[..., 1]
    return float(rows.max() - rows.min())


def ink_contrast(picture: Image) -> float:
    """How far ink and ground lie apart (0 to 255), without knowing which is which.

    Otsu's threshold (IEEE Trans. SMC 9(1), 1979) parts the two; the fewer px are taken as ink. The same measure serves
    drawn and real pictures, so that they can be compared.
    """
    grey: NDArray[Any] = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    _, above = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    if 2 * cv2.countNonZero(above) > above.size:
        above = cv2.bitwise_not(above)
    return ink_separation(picture, np.asarray(above, np.uint8)).contrast


def _fonts_in(plan: Any) -> Iterable[str]:
    """The values of every key "font" in a plan, one a text; of paths the file's name."""
    if isinstance(plan, dict):
        for key, value in plan.items():
            if key == "font" and isinstance(value, str):
                yield PurePath(value).name
            else:
                yield from _fonts_in(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from _fonts_in(value)


def histogram_svg(
    own: Sequence[float], other: Sequence[float] = (), *, logarithmic: bool = False, whole: bool = False
) -> str:
    """Shares of values in bins: bars for `own`, a stepped outline for `other`; "" where there are no values.

    The ends are the least and the greatest value of both; a logarithmic axis is for sizes, `whole` for counts, whose
    bins hold whole numbers.
    """
    values = np.array([*own, *other], np.float64)
    if not values.size:
        return ""
    low, high = float(values.min()), float(values.max())
    if whole:
        edges = low - 0.5 + math.ceil((high - low + 1) / 24) * np.arange(25.0)
    elif logarithmic:
        low = max(low, 1.0)
        edges = np.geomspace(low, max(high, 1.05 * low), 25)
    else:
        edges = np.linspace(low, max(high, low + 1.0), 25)
    shares = [np.histogram(part, edges)[0] / max(1, len(part)) for part in (own, other)]
    tallest = max(float(part.max()) for part in shares) or 1.0
    width, height, step = 480.0, 130.0, 20.0
    parts = []
    for index, share in enumerate(shares[0].tolist()):
        rise = height * share / tallest
        place = f'x="{step * index:.1f}" y="{height - rise:.1f}"'
        parts.append(f'<rect class="own" {place} width="{step - 2:.1f}" height="{rise:.1f}"/>')
    if other:
        corners = []
        for index, share in enumerate(shares[1].tolist()):
            y = height - height * share / tallest
            corners += [f"{step * index:.1f},{y:.1f}", f"{step * (index + 1):.1f},{y:.1f}"]
        parts.append(f'<polyline class="other" points="{" ".join(corners)}"/>')
    parts.append(f'<line class="axis" x1="0" y1="{height}" x2="{width}" y2="{height}"/>')
    for index in range(0, 25, 4):
        edge = edges[index] + 0.5 * whole
        label = f"{edge:.0f}" if edge >= 10 or not math.modf(edge)[0] else f"{edge:.1f}"
        parts.append(f'<text x="{step * index:.1f}" y="{height + 15}">{label}</text>')
    return f'<svg viewBox="-2 -4 {width + 24} {height + 24}" role="img">{"".join(parts)}</svg>'
