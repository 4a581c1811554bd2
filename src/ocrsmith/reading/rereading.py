"""Doubtful crops are read once more at other widths, and the surest reading stays.

A line's width is the one thing about it that its box does not settle: condensed and expanded faces, stretched pictures
and boxes that are a little too long all change it. A CTC recogniser reads letters of usual proportions best and is
sure where it reads right, so that its own confidence chooses. Characters' places are shares of the crop's width, which
squeezing leaves as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np

from ocrsmith.reading.page import Recognized
from ocrsmith.samples import Image


@dataclass(frozen=True)
class RereadingRule:
    """Which crops are read again, and how.

    Attributes:
        below: texts of lower confidence, before calibration, are doubtful; empty ones are not read again.
        widths: factors, each another width that a doubtful crop is read at.
        lead: what another reading must be surer by; below it what changes is as often wrong as right.
    """

    below: float = 0.9
    widths: tuple[float, ...] = (1.2,)
    lead: float = 0.06

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        if not 0 <= self.below <= 1:
            raise ValueError(f"Rereading below a confidence of {self.below} came. 0 to 1 was expected.")
        if not all(0.25 <= factor <= 4 for factor in self.widths):
            raise ValueError(f"Rereading at the widths {self.widths} came. Factors of 0.25 to 4 were expected.")

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able form."""
        return asdict(self)


def read_doubtful(
    crops: Sequence[Image],
    results: Sequence[Recognized],
    recognize: Callable[[Sequence[Image]], list[Recognized]],
    rule: RereadingRule | None,
) -> list[Recognized]:
    """The results, those of doubtful crops replaced by surer readings at other widths.

    Args:
        crops: (h, w, 3) each, what `results` were read from.
        recognize: crops to texts, called once for all doubtful ones.
        rule: None reads nothing again.
    """
    if rule is None:
        return list(results)
    doubtful = [index for index, result in enumerate(results) if result.text and result.confidence < rule.below]
    chosen = list(results)
    if not doubtful or not rule.widths:
        return chosen
    again = recognize([_at_width(crops[index], factor) for index in doubtful for factor in rule.widths])
    for place, index in enumerate(doubtful):
        readings = again[place * len(rule.widths) : (place + 1) * len(rule.widths)]
        surest = max(readings, key=lambda reading: reading.confidence)
        if surest.confidence >= results[index].confidence + rule.lead:
            chosen[index] = surest
    return chosen


def _at_width(crop: Image, factor: float) -> Image:
    height, width = crop.shape[:2]
    interpolation = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(crop, (max(1, round(width * factor)), height), interpolation=interpolation))
