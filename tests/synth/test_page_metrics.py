"""What type takes on a page: spaces that keep words apart."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pytest

from ocrsmith.synth.fonts import FontFace
from ocrsmith.synth.page_metrics import Style, TypeMetrics


def test_small_print_keeps_its_words_apart() -> None:
    class Narrow(TypeMetrics):
        """A font whose space is next to nothing."""

        def advance(self, word: str, style: Style) -> float:
            return 0.1 if word == " " else super().advance(word, style)

    style = Style("DejaVu Sans", 20.0, (0, 0, 0))
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    face = FontFace(path, "DejaVu Sans", "Regular", "sans", frozenset(map(ord, "a ")))
    metrics = Narrow(np.random.default_rng(0), {"DejaVu Sans": face})
    assert metrics.gap(style) == pytest.approx(0.22 * 20)
