"""Training a recogniser: learns what it is shown, keeps what was better, resumes where it was killed."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ocrsmith.alphabet import Alphabet
from ocrsmith.data.batches import LineBatches, RecognizerBatch
from ocrsmith.data.sources import FixedWorld
from ocrsmith.errors import OcrsmithError, RecipeError
from ocrsmith.preprocess import RecognizerInput
from ocrsmith.reading.ctc import decode_batch
from ocrsmith.samples import LineSample
from ocrsmith.training.callbacks import SeedByStep, ema_with_warmup
from ocrsmith.training.fitting import FitResult, FitSettings, check_finite, clone_state, fit
from ocrsmith.training.history import read_history
from ocrsmith.training.loaders import BatchStream, first_batches
from ocrsmith.training.recognizer import RecognizerModule
from ocrsmith.training.schedule import Budget, WarmupCosine

ALPHABET = Alphabet("0123456789")
QUICK = FitSettings(
    schedule=WarmupCosine(warmup_steps=5), ema_decay=0.9, precision="32-true", accelerator="cpu", progress=False
)


class TinyRecognizer(nn.Module):
    """Three convolutions and a linear head: 16 px high, a step every 4 px."""

    kind = "ctc"

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.alphabet = ALPHABET
        self.input = RecognizerInput(height=16, min_width=16, width_multiple=8, step_px=4)
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, 32, (3, 5), 1, (1, 2)),  # a column sees a whole digit
            nn.ReLU(),
        )
        self.head = nn.Linear(128, ALPHABET.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.backbone(images).flatten(1, 2).transpose(1, 2))


def line(text: str) -> LineSample:
    image = np.full((16, 12 * len(text) + 8, 3), 230, np.uint8)
    cv2.putText(image, text, (3, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (20, 20, 20), 1, cv2.LINE_AA)
    return LineSample(image, text)


FOUR = FixedWorld([line(text) for text in ("1234", "50", "667", "8901")])


def stream(steps: int, world: FixedWorld[LineSample] = FOUR, workers: int = 0) -> BatchStream[RecognizerBatch]:
    model = TinyRecognizer()
    return BatchStream(world, LineBatches(ALPHABET, model.input), batch_size=4, steps_per_epoch=steps, workers=workers)


def validation() -> list[RecognizerBatch]:
    return first_batches(FOUR, LineBatches(ALPHABET, TinyRecognizer().input), batch_size=4, num_batches=1)


def run(
    folder: Path,
    *,
    steps: int,
    rate: float = 0.01,
    settings: FitSettings = QUICK,
    per_epoch: int = 20,
    workers: int = 0,
) -> tuple[RecognizerModule, FitResult]:
    torch.set_num_threads(1)
    module = RecognizerModule(TinyRecognizer(), learning_rate=rate)
    result = fit(module, stream(per_epoch, workers=workers), validation(), Budget(steps=steps), folder, settings)
    return module, result


def test_four_lines_are_learnt_to_zero_errors(tmp_path: Path) -> None:
    module, result = run(tmp_path, steps=400, per_epoch=50)
    assert result.best_score == 1.0
    assert result.score > result.start_score
    assert not result.kept_start
    assert _texts(module) == list(validation()[0].texts)
    assert (tmp_path / "best.ckpt").is_file()
    assert (tmp_path / "metrics.csv").is_file()
    assert list(tmp_path.glob("tensorboard/events*"))


def _texts(module: RecognizerModule) -> list[str]:
    """What the module's network, as the fit left it, reads of the four lines."""
    batch = validation()[0]
    with torch.no_grad():
        probabilities = torch.softmax(module(batch), dim=-1).numpy()
    return [line.text for line in decode_batch(probabilities, batch.input_lengths.tolist(), ALPHABET)]


def test_without_a_learning_rate_training_and_validation_agree(tmp_path: Path) -> None:
    module = RecognizerModule(TinyRecognizer(), learning_rate=1e-12)
    # Normalisation by the batch would make the two differ: both use the start's statistics.
    module.model.backbone[1].eval()
    module.model.backbone[1].train = lambda mode=True: module.model.backbone[1]  # type: ignore[method-assign]
    result = fit(module, stream(20), validation(), Budget(steps=40), tmp_path, QUICK)
    assert result.best_score == result.start_score
    losses = [row["validation_loss"] for row in result.history if "validation_loss" in row]
    trained = [row["train_loss"] for row in result.history if "train_loss" in row]
    np.testing.assert_allclose(losses + trained, losses[0], rtol=1e-4)


def test_who_ends_worse_keeps_the_start(tmp_path: Path) -> None:
    module, _ = run(tmp_path / "good", steps=400, per_epoch=50)
    good = clone_state(module.model)
    worse = RecognizerModule(module.model, learning_rate=3.0)
    result = fit(
        worse,
        stream(10),
        validation(),
        Budget(steps=20),
        tmp_path / "bad",
        FitSettings(**{**vars(QUICK), "ema_decay": None}),
    )
    assert result.start_score == 1.0
    assert result.best_score < 1.0
    assert result.kept_start
    for key, value in worse.model.state_dict().items():
        torch.testing.assert_close(value, good[key], rtol=0, atol=0)


class Killed(BaseException):
    """Stands for the kill: nothing catches it."""


def test_a_killed_run_goes_on_as_if_it_had_not_been(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = FitSettings(**{**vars(QUICK), "checkpoint_minutes": 1e-9})
    whole, _ = run(tmp_path / "whole", steps=30, settings=settings, per_epoch=8)
    seen: list[tuple[str, ...]] = []
    original = RecognizerModule.training_step

    def recording(self: RecognizerModule, batch: RecognizerBatch, batch_idx: int) -> Tensor:
        if self.global_step == 13 and not (tmp_path / "killed").exists():
            (tmp_path / "killed").touch()
            raise Killed
        seen.append((self.global_step, *batch.texts))
        return original(self, batch, batch_idx)

    monkeypatch.setattr(RecognizerModule, "training_step", recording)
    with pytest.raises(Killed):
        run(tmp_path / "broken", steps=30, settings=settings, per_epoch=8)
    assert len(seen) == 13
    resumed, result = run(tmp_path / "broken", steps=30, settings=settings, per_epoch=8)
    assert result.steps == 30
    steps = [entry[0] for entry in seen]
    assert steps[13] in (12, 13)  # the last checkpoint is of the step before the kill or the one before that
    assert steps[13:] == list(range(steps[13], 30))
    for key, value in resumed.model.state_dict().items():
        torch.testing.assert_close(value, whole.model.state_dict()[key], rtol=1e-4, atol=1e-5)
    assert [row["step"] for row in result.history] == sorted(row["step"] for row in result.history)


def test_what_a_step_draws_is_its_own_in_every_life() -> None:
    def drawn(seed: int, step: int) -> float:
        SeedByStep(seed).on_train_batch_start(SimpleNamespace(global_step=step), nn.Identity(), None, 0)  # type: ignore[arg-type]
        return float(torch.rand(()))

    first = drawn(7, 3)
    torch.rand(5)
    assert drawn(7, 3) == first
    assert len({first, drawn(7, 4), drawn(8, 3)}) == 3


def test_patience_ends_a_run(tmp_path: Path) -> None:
    settings = FitSettings(**{**vars(QUICK), "patience": 2})
    _, result = run(tmp_path, steps=500, rate=1e-12, settings=settings, per_epoch=2)
    assert result.stopped == "patience"
    assert result.steps < 20


def test_minutes_end_a_run(tmp_path: Path) -> None:
    module = RecognizerModule(TinyRecognizer())
    result = fit(module, stream(10_000), validation(), Budget(seconds=1.0), tmp_path, QUICK)
    assert result.stopped == "budget"
    assert 0 < result.steps < 10_000
    assert math.isfinite(result.best_score)


def test_a_frozen_part_keeps_weights_and_statistics(tmp_path: Path) -> None:
    module = RecognizerModule(TinyRecognizer(), learning_rate=0.01, freeze=["backbone"])
    before = clone_state(module.model)
    fit(module, stream(10), validation(), Budget(steps=20), tmp_path, FitSettings(**{**vars(QUICK), "ema_decay": None}))
    after = module.model.state_dict()
    for key in before:
        same = torch.equal(before[key], after[key])
        assert same == key.startswith("backbone."), key


def test_all_normalisation_keeps_the_statistics_of_the_start() -> None:
    module = RecognizerModule(TinyRecognizer(), keep_statistics=True)
    before = clone_state(module.model)
    module.train()
    module(validation()[0])
    torch.testing.assert_close(module.model.backbone[1].running_mean, before["backbone.1.running_mean"])
    assert module.model.head.training


def test_a_teacher_adds_how_far_the_network_has_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    taught, _ = run(tmp_path, steps=400, per_epoch=50)
    module = RecognizerModule(taught.model.train(), distill=5.0, alignment=0.0)
    logged: dict[str, float] = {}
    monkeypatch.setattr(module, "log", lambda name, value, **_: logged.update({name: float(value.detach())}))
    module.keep_statistics = True
    module.train()
    batch = validation()[0]
    assert float(module.training_step(batch, 0).detach()) == pytest.approx(logged["train_loss"], abs=1e-5)
    with torch.no_grad():
        module.model.head.weight *= 0.3
    loss = float(module.training_step(batch, 0).detach())
    assert logged["forgotten"] > 0.001
    assert loss == pytest.approx(logged["train_loss"] + 5.0 * logged["forgotten"], abs=1e-4)


def test_the_teacher_is_in_no_checkpoint() -> None:
    module = RecognizerModule(TinyRecognizer(), distill=1.0)
    assert set(module.state_dict()) == {f"model.{key}" for key in TinyRecognizer().state_dict()}
    assert not any(parameter.requires_grad for parameter in module.teacher[0].parameters())


def test_a_part_that_is_not_there() -> None:
    with pytest.raises(RecipeError, match=r"'backbne', which the network TinyRecognizer does not have.*backbone, head"):
        RecognizerModule(TinyRecognizer(), freeze=["backbne"])


def test_a_loss_that_is_no_number() -> None:
    check_finite(torch.tensor(1.0), 3)
    with pytest.raises(OcrsmithError, match=r"became nan at step 3\. Lower learning_rate"):
        check_finite(torch.tensor(float("nan")), 3)


def test_the_moving_mean_starts_quick_and_copies_counters() -> None:
    average = ema_with_warmup(0.999)
    mean, counter = [torch.zeros(2)], [torch.tensor(0)]
    average(mean, [torch.ones(2)], 0)
    torch.testing.assert_close(mean[0], torch.full((2,), 0.9))  # weight 1 - 1/10
    average(counter, [torch.tensor(7)], 0)
    assert counter[0] == 7


@pytest.mark.parametrize(("step", "used", "factor"), [(0, 0.0, 0.1), (9, 0.0, 1.0), (9, 0.5, 0.505), (9, 1.0, 0.01)])
def test_the_schedule(step: int, used: float, factor: float) -> None:
    assert WarmupCosine(warmup_steps=10, floor=0.01).factor(step, used) == pytest.approx(factor)


def test_a_budget_is_used_by_steps_or_by_time() -> None:
    assert Budget(steps=10).used(5, 1e9) == 0.5
    assert Budget(seconds=10).used(10**9, 5) == 0.5
    assert Budget(steps=10, seconds=10).used(2, 7) == 0.7
    with pytest.raises(ValueError, match="one at least"):
        Budget()


def test_no_history_is_empty(tmp_path: Path) -> None:
    assert read_history(tmp_path) == ()
