"""The world: an endless list of samples, each a pure function of (seed, split, index).

    world = World([(photo, 3), (display, 1)], seed=7, split="train")
    world[41]          the same sample in any order, in any process, today or on resume
    world.plan(41)     what it is rendered from

A scene may refuse a draw (a SynthesisError: no room, a text too wide), and a font or picture may turn out to be bad
(a FontError, an InputError). The draw is then repeated with the next attempt's seed, a bounded number of times, and
each refusal is counted by its cause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from ocrsmith.errors import FontError, InputError, OcrsmithError, RecipeError, SynthesisError
from ocrsmith.samples import LineSample, PageSample
from ocrsmith.splits import SPLITS, Split
from ocrsmith.synth.choices import Rng, pick, running_weights

Plan = TypeVar("Plan")
Sample_co = TypeVar("Sample_co", covariant=True)
Sample = TypeVar("Sample")

# What a scene refuses, and a font or picture that turns out to be bad or goes away while the run lasts.
_REFUSALS = (SynthesisError, FontError, InputError)
# Before this many draws a share of refusals says little.
_JUDGED_FROM = 50


class Scene(Protocol[Plan, Sample_co]):
    """What a world is made of."""

    def plan(self, rng: Rng) -> Plan:
        """Every choice of a sample; raises SynthesisError where the draw cannot be used."""
        ...

    def render(self, plan: Plan) -> Sample_co:
        """The sample of a plan, without chance."""
        ...


@dataclass
class Tally:
    """Counts over samples: how many, draws refused by cause, what scenes refused within their samples, and the texts'
    characters and lengths (ignored texts too). Tallies of several processes add up."""

    samples: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    inner: Counter[str] = field(default_factory=Counter)
    characters: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.samples + other.samples,
            self.refused + other.refused,
            self.inner + other.inner,
            self.characters + other.characters,
            self.lengths + other.lengths,
        )

    def __sub__(self, other: Tally) -> Tally:
        """What came since `other`, an earlier state of the same tally."""
        return Tally(
            self.samples - other.samples,
            self.refused - other.refused,
            self.inner - other.inner,
            self.characters - other.characters,
            self.lengths - other.lengths,
        )

    def count(self, sample: Any, refusals: Iterable[tuple[str, int]] = ()) -> None:
        """Adds a sample that was drawn, and what its scene refused within it."""
        self.samples += 1
        for cause, number in refusals:
            self.inner[cause] += number
        if isinstance(sample, LineSample):
            self.characters.update(sample.text)
            self.lengths[len(sample.text)] += 1
        elif isinstance(sample, PageSample):
            for instance in sample.instances:
                self.characters.update(instance.text)
                self.lengths[len(instance.text)] += 1

    @property
    def draws(self) -> int:
        """Samples and refusals together."""
        return self.samples + self.refused.total()

    @property
    def refused_share(self) -> float:
        """The share of draws that were refused; 0 before the first."""
        return self.refused.total() / self.draws if self.draws else 0.0

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able form."""
        return {
            "samples": self.samples,
            "refused": dict(self.refused),
            "inner": dict(self.inner),
            "characters": dict(self.characters.most_common()),
            "lengths": {str(length): self.lengths[length] for length in sorted(self.lengths)},
        }

    @classmethod
    def from_dict(cls, form: Mapping[str, Any]) -> Tally:
        """Reads what `to_dict` wrote; KeyError or ValueError where it is not that."""
        lengths = Counter({int(length): count for length, count in form["lengths"].items()})
        refused, inner, characters = (Counter(form[key]) for key in ("refused", "inner", "characters"))
        return cls(form["samples"], refused, inner, characters, lengths)

    def __str__(self) -> str:
        causes = ", ".join(f"{cause} {count}" for cause, count in self.refused.most_common())
        return f"{self.samples} samples, {self.refused.total()} draws refused" + (f" ({causes})" if causes else "")

    def balance(self) -> str:
        """How evenly lengths and characters came: the shortest, middle and longest text, the rarest and the commonest
        character with their shares; "no texts" where there are none."""
        if not self.characters:
            return "no texts"
        lengths = sorted(self.lengths.elements())
        total = self.characters.total()
        ordered = self.characters.most_common()
        shown = " and ".join(f"{c!r} {100 * n / total:.2g} %" for c, n in (ordered[-1], ordered[0]))
        return (
            f"{len(lengths):,} texts of {lengths[0]} to {lengths[-1]} characters, median {lengths[len(lengths) // 2]}; "
            f"{len(ordered)} characters between {shown}"
        )


class World(Generic[Sample]):
    """Samples of scenes by weight.

    Args:
        scenes: pairs (scene, weight), or a mapping; all giving the same type of sample where a trainer is to use it.
        seed: the world's own, 0 or more.
        split: only the seed follows it; scenes are to be built with this split's fonts, texts and backgrounds.
        redraws: how often a refused sample is drawn again.
        max_refused_share: past this share of refused draws (judged from 50 draws on) the world gives up.
        length: what `len` says; indices go on past it.
    """

    def __init__(
        self,
        scenes: Iterable[tuple[Scene[Any, Sample], float]] | Mapping[Any, float],
        seed: int = 0,
        split: Split = "train",
        *,
        redraws: int = 8,
        max_refused_share: float = 0.5,
        length: int = 1 << 31,
    ) -> None:
        pairs = list(scenes.items() if isinstance(scenes, Mapping) else scenes)
        self.scenes: tuple[Scene[Any, Sample], ...] = tuple(scene for scene, _ in pairs)
        self._cumulative = running_weights([weight for _, weight in pairs], "A world's scenes")
        if seed < 0 or split not in SPLITS:
            raise RecipeError(
                f"A world came with seed {seed} and split {split!r}. 0 or more, and one of {SPLITS}, are due."
            )
        if redraws < 0 or not 0 < max_refused_share <= 1 or length < 1:
            raise RecipeError(
                f"A world came with redraws={redraws}, max_refused_share={max_refused_share} and length={length}. "
                "0 or more, a share in 0 to 1, and at least 1 are due."
            )
        self.seed, self.split = seed, split
        self.redraws, self.max_refused_share, self._length = redraws, max_refused_share, length
        self.tally = Tally()

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Sample:
        """Sample `index` >= 0; raises SynthesisError where redraws or patience ran out, with the tally."""
        return self.drawn(index)[1]

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(self._length))

    def plan(self, index: int) -> Any:
        """The plan of `world[index]`, which is rendered here too: some refusals show in the pixels alone."""
        return self.drawn(index)[0]

    def rng(self, index: int, attempt: int = 0) -> Rng:
        """The generator that an attempt at a sample is drawn from."""
        return np.random.default_rng([self.seed, SPLITS.index(self.split), index, attempt])

    def drawn(self, index: int) -> tuple[Any, Sample]:
        """(plan, sample) of `index`, for who wants both: the plan alone would render the sample once more."""
        _, plan, sample = self._drawn(index)
        return plan, sample

    def labelled(self, index: int) -> tuple[Any, Sample | PageSample]:
        """As `drawn`; a line whose scene can tell (`render_labelled`) is a page of one text with its characters."""
        scene, plan, sample = self._drawn(index)
        render: Callable[[Any], PageSample] | None = getattr(scene, "render_labelled", None)
        return plan, sample if render is None else render(plan)

    def _drawn(self, index: int) -> tuple[Scene[Any, Sample], Any, Sample]:
        if index < 0:
            raise IndexError(f"Sample {index} was asked of an endless world. Indices start at 0.")
        refusal: OcrsmithError | None = None
        for attempt in range(self.redraws + 1):
            rng = self.rng(index, attempt)
            scene = self.scenes[pick(self._cumulative, rng)]
            try:
                plan = scene.plan(rng)
                sample = scene.render(plan)
            except _REFUSALS as error:
                refusal = error
                self.tally.refused[type(error).__name__] += 1
                self.check_patience(error)
                continue
            self.tally.count(sample, getattr(plan, "refusals", ()))
            return scene, plan, sample
        raise SynthesisError(
            f"Sample {index} was refused {self.redraws + 1} times, the last time because: {refusal} "
            f"So far: {self.tally}."
        )

    def check_patience(self, error: OcrsmithError | None = None) -> None:
        """Raises SynthesisError where the share of refused draws is past what it may be; `error` was the last one."""
        if self.tally.draws >= _JUDGED_FROM and self.tally.refused_share > self.max_refused_share:
            last = f"The last cause: {error} " if error else ""
            raise SynthesisError(
                f"The world refused {self.tally.refused_share:.0%} of its draws, more than the "
                f"{self.max_refused_share:.0%} that it may: {self.tally}. {last}Loosen the scene's settings."
            ) from error
