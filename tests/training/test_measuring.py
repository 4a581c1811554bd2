"""What a run's scores are counted on."""

from __future__ import annotations

import numpy as np

from ocrsmith.data.sources import FixedWorld
from ocrsmith.geometry import box_quad
from ocrsmith.samples import Character, PageSample, TextInstance
from ocrsmith.training.measuring import by_words, synthetic_set


def test_drawn_lines_are_counted_by_their_words() -> None:
    characters = tuple(Character(c, box_quad(10 * i, 10, 10 * i + 10, 30)) for i, c in enumerate("ab cd"))
    line = TextInstance(box_quad(0, 10, 50, 30), "ab cd", characters)
    cut = TextInstance(box_quad(60, 10, 90, 30), "", ignore=True)
    folder = synthetic_set(FixedWorld([PageSample(np.zeros((40, 100, 3), np.uint8), (line, cut))]), "page", 1)
    assert [instance.text for instance in folder.entries[0].instances] == ["ab cd", ""]
    (entry,) = by_words(folder).entries
    assert [(instance.text, instance.ignore) for instance in entry.instances] == [
        ("ab", False),
        ("cd", False),
        ("", True),
    ]
    np.testing.assert_allclose(entry.instances[1].polygon, box_quad(30, 10, 50, 30))
