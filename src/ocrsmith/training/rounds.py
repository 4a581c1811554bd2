"""Rounds of weak supervision: which labels the training world has at which step.

A round's labels are made once, by the averaged weights of its first step, for the pictures that its steps will show.
They are written to the run's folder, so that a killed run goes on with the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ocrsmith.data.sources import MixedWorld, World
from ocrsmith.errors import StorageError
from ocrsmith.samples import Character, PageSample, TextInstance
from ocrsmith.training.labelling import Labeller
from ocrsmith.training.real_samples import RealPages

Labels = dict[int, tuple[TextInstance, ...]]


@dataclass(frozen=True, eq=False)
class RealPart:
    """Real pages of a mixed world: their share, and who labels them anew; None keeps their own labels."""

    pages: RealPages
    share: float
    labeller: Labeller | None = None


class Rounds:
    """The training world of each round.

    Args:
        synthetic: None where the parts' shares leave nothing to it.
        parts: real pages.
        folder: where the rounds' labels are written.
        steps: of a round. batch_size: samples a step.
        model: the network that labels, as it is when it is asked for.
        say: is told what each round's labelling came to.
    """

    def __init__(
        self,
        synthetic: World[PageSample] | None,
        parts: Sequence[RealPart],
        folder: Path,
        *,
        steps: int,
        batch_size: int,
        model: Callable[[], nn.Module],
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.synthetic, self.parts, self.folder = synthetic, tuple(parts), folder
        self.steps, self.batch_size = steps, batch_size
        self.model, self.say = model, say
        self._round, self._world = -1, self._mixed([part.pages for part in parts])

    @property
    def change(self) -> bool:
        """Whether one round's world differs from the next one's."""
        return any(part.labeller is not None for part in self.parts)

    def world_at(self, step: int) -> MixedWorld[PageSample]:
        """The world of the round that `step` lies in; the same object all through it."""
        number = step // self.steps if self.change else 0
        if number != self._round:
            self._round = number
            if self.change:
                labels = self._labels(number)
                self._world = self._mixed([p.pages.relabelled(labels.get(p.pages.name, {})) for p in self.parts])
        return self._world

    def _mixed(self, pages: Sequence[RealPages]) -> MixedWorld[PageSample]:
        worlds: list[tuple[World[PageSample], float]] = [
            (own, part.share) for own, part in zip(pages, self.parts, strict=True)
        ]
        left = 1.0 - sum(part.share for part in self.parts)
        if self.synthetic is not None and left > 1e-9:
            worlds.insert(0, (self.synthetic, left))
        return MixedWorld(worlds)

    def _labels(self, number: int) -> dict[str, Labels]:
        path = self.folder / f"round_{number:05d}.json"
        if not path.is_file():
            write_labels(path, self._made(number))
        return read_labels_of_round(path)

    def _made(self, number: int) -> dict[str, Labels]:
        """The labels of every picture that the round's samples are cut from."""
        wanted: dict[int, set[int]] = {}
        for index in range(number * self.steps * self.batch_size, (number + 1) * self.steps * self.batch_size):
            place, own = self._world.place(index)
            wanted.setdefault(place, set()).add(own)
        first = len(self._world.worlds) - len(self.parts)
        made: dict[str, Labels] = {}
        for place, part in enumerate(self.parts, first):
            if part.labeller is not None:
                items = {part.pages.item_of(own) for own in wanted.get(place, ())}
                made[part.pages.name], counts = part.labeller.label(self.model(), items)
                self.say(f"{part.pages.name}, {len(items)} pictures: {counts}")
        return made


def write_labels(path: Path, labels: Mapping[str, Labels]) -> None:
    """A round's labels by set and place, whole or not at all; raises StorageError."""
    form = {
        name: {str(place): [_to_form(one) for one in page] for place, page in pages.items()}
        for name, pages in labels.items()
    }
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(form, ensure_ascii=False), encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise StorageError(f"{path} could not be written ({error}). Check space and rights.") from None


def read_labels_of_round(path: Path) -> dict[str, Labels]:
    """What `write_labels` wrote; raises StorageError."""
    try:
        form = json.loads(path.read_text(encoding="utf-8"))
        return {
            name: {int(place): tuple(_from_form(one) for one in page) for place, page in pages.items()}
            for name, pages in form.items()
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(f"The labels {path} cannot be read ({error!r}). Start over with --restart.") from None


def _to_form(instance: TextInstance) -> dict[str, Any]:
    characters = instance.characters
    return {
        "polygon": _rounded(instance.polygon),
        "text": instance.text,
        "ignore": instance.ignore,
        "confidence": round(instance.confidence, 4),
        "characters": None if characters is None else [[c.text, _rounded(c.quad)] for c in characters],
    }


def _from_form(form: Mapping[str, Any]) -> TextInstance:
    listed = form["characters"]
    characters = None if listed is None else tuple(Character(text, np.array(quad)) for text, quad in listed)
    polygon = np.array(form["polygon"])
    return TextInstance(polygon, form["text"], characters, form["ignore"], form["confidence"])


def _rounded(points: NDArray[np.float32]) -> list[list[float]]:
    return [[round(float(x), 2), round(float(y), 2)] for x, y in points]
