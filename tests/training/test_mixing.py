"""Mixtures of the start's and the tuned weights: their numbers, and which is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from ocrsmith.data.sources import FixedWorld
from ocrsmith.training.fitting import FitSettings, fit
from ocrsmith.training.loaders import BatchStream, CollateEach
from ocrsmith.training.mixing import Mixing, Mixture
from ocrsmith.training.schedule import Budget


def test_weights_and_running_statistics_lie_on_the_line_and_counters_do_not() -> None:
    start = {"w": torch.tensor([0.0, 4.0]), "running_var": torch.tensor([1.0]), "seen": torch.tensor(3)}
    tuned = {"w": torch.tensor([8.0, 0.0]), "running_var": torch.tensor([3.0]), "seen": torch.tensor(9)}
    mixed = Mixing().mixed(start, tuned, 0.25)
    assert mixed["w"].tolist() == [2.0, 3.0]
    assert mixed["running_var"].tolist() == [1.5]
    assert mixed["seen"].item() == 9
    assert Mixing().mixed(start, tuned, 1.0)["w"] is tuned["w"]


def test_rows_of_characters_that_the_start_did_not_write_are_the_tuned_ones() -> None:
    start = {"head.weight": torch.zeros(3, 2), "head.bias": torch.zeros(3), "body": torch.zeros(3)}
    tuned = {"head.weight": torch.ones(3, 2), "head.bias": torch.ones(3), "body": torch.ones(3)}
    mixed = Mixing(new_classes=(2,)).mixed(start, tuned, 0.5)
    assert mixed["head.weight"].tolist() == [[0.5, 0.5], [0.5, 0.5], [1.0, 1.0]]
    assert mixed["head.bias"].tolist() == [0.5, 0.5, 1.0]
    assert mixed["body"].tolist() == [0.5, 0.5, 0.5]


def tried(*rows: tuple[float, float, float]) -> list[Mixture]:
    return [Mixture(*row) for row in rows]


@pytest.mark.parametrize(
    ("rows", "watched", "share"),
    [
        # All are within bounds: the best, where old pictures are watched.
        ([(1, 0.75, 0), (0.5, 0.73, 0), (0.25, 0.71, 0)], True, 1),
        # Unwatched, three tenths of the way at most.
        ([(1, 0.75, 0), (0.5, 0.73, 0), (0.3, 0.71, 0)], False, 0.3),
        ([(1, 0.75, 0), (0.3, 0.71, 0), (0.25, 0.72, 0)], False, 0.25),
        # The line dips: three tenths of the way are worse than the start.
        ([(1, 0.75, 0), (0.75, 0.74, 0), (0.5, 0.60, 0), (0.3, 0.65, 0)], False, 1),
        # The best forgets too much.
        ([(1, 0.75, 0.02), (0.5, 0.73, 0.001), (0.25, 0.71, 0)], True, 0.25),
        # All do: the best once what they forget is taken off.
        ([(1, 0.60, 0.05), (0.5, 0.68, 0.02)], True, 0.5),
        # As good with less of the way.
        ([(1, 0.75, 0), (0.5, 0.75, 0)], True, 0.5),
        ([(1, 0.75, 0)], False, 1),
    ],
)
def test_which_mixture_is_chosen(rows: list[tuple[float, float, float]], watched: bool, share: float) -> None:
    assert Mixing(watched=watched).choose(tried(*rows), start_score=0.70).share == share


class Line(pl.LightningModule):
    """A single weight that starts at 0 and is pulled to 1; `score` and `forgotten` are functions of where it is."""

    def __init__(self, best: float, last_allowed: float) -> None:
        super().__init__()
        self.model = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.model.weight)
        self.best, self.last_allowed = best, last_allowed

    @property
    def reached(self) -> float:
        return float(self.model.weight.detach())

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return ((self.model.weight - 1) ** 2).sum()

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        weight = self.reached
        self.log("validation_score", -abs(weight - self.best), batch_size=1)
        self.log("validation_forgotten", max(0.0, weight - self.last_allowed), batch_size=1)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.5)


def ones(samples: Sequence[Any]) -> Tensor:
    return torch.ones(len(samples))


def fitted(folder: Path, module: Line, mixing: Mixing | None) -> Any:
    stream = BatchStream(FixedWorld([0]), CollateEach(ones), batch_size=1, steps_per_epoch=1)
    settings = FitSettings(ema_decay=None, precision="32-true", accelerator="cpu", progress=False)
    return fit(module, stream, [torch.ones(1)], Budget(steps=1, seconds=60), folder, settings, mixing=mixing)


def test_a_fit_ends_in_the_best_mixture(tmp_path: Path) -> None:
    module = Line(best=0.4, last_allowed=2.0)
    # The learning rate warms up: one step goes a hundredth of the way, wherever that is.
    shares = (1.0, 0.5)
    result = fitted(tmp_path, module, Mixing(shares, watched=True))
    assert [one["share"] for one in result.mixtures] == [1.0, 0.5]
    whole, half = (one["score"] for one in result.mixtures)
    assert whole - half == pytest.approx(half - result.start_score, abs=1e-6)  # on a line
    assert (result.mixture, result.best_score, result.kept_start) == (1.0, whole, False)


def test_a_fit_goes_back_to_what_is_not_forgotten(tmp_path: Path) -> None:
    whole = fitted(tmp_path / "a", first := Line(best=1.0, last_allowed=9.0), None)
    reached = first.reached
    assert reached > 0 and whole.mixtures == ()
    module = Line(best=1.0, last_allowed=0.6 * reached)
    result = fitted(tmp_path / "b", module, Mixing((1.0, 0.75, 0.5, 0.3), watched=True))
    assert result.mixture == 0.5
    assert module.reached == pytest.approx(0.5 * reached)
    worse = Line(best=-1.0, last_allowed=9.0)
    kept = fitted(tmp_path / "c", worse, Mixing((1.0, 0.5), watched=False))
    assert kept.kept_start and worse.reached == 0.0


def test_time_for_the_mixtures_is_taken_off_the_budget() -> None:
    assert Budget(seconds=100).less(30) == Budget(seconds=70)
    assert Budget(seconds=100).less(80) == Budget(seconds=50)
    assert Budget(steps=5).less(80) == Budget(steps=5)
