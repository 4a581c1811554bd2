"""Training a detector: what it is fed, what it is scored by, and that it learns what it is shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ocrsmith.data.sources import FixedWorld
from ocrsmith.errors import RecipeError
from ocrsmith.geometry import box_quad
from ocrsmith.preprocess import DetectorInput
from ocrsmith.samples import Character, PageSample, TextInstance
from ocrsmith.training.detector import DetectorBatch, DetectorCollate, DetectorModule
from ocrsmith.training.fitting import FitSettings, fit
from ocrsmith.training.loaders import BatchStream, CollateEach
from ocrsmith.training.schedule import Budget, WarmupCosine

KINDS = ["craft", "db"]
QUICK = FitSettings(
    schedule=WarmupCosine(warmup_steps=5), ema_decay=None, precision="32-true", accelerator="cpu", progress=False
)


class TinyDetector(nn.Module):
    """Three convolutions: dark is text."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        torch.set_num_threads(1)
        self.kind = kind
        stride = 2 if kind == "craft" else 1
        self.input = DetectorInput(multiple=32, map_stride=stride)
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 8, 5, stride, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 9, 1, 4), nn.ReLU()
        )
        self.head = nn.Conv2d(8, 2 if kind == "craft" else 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.backbone(images))


def page(text: str = "ab cd") -> PageSample:
    """A light page with dark bars for characters, 12 px wide and 24 high, at 16 px from each other."""
    image = np.full((96, 128, 3), 230, np.uint8)
    characters = []
    for place, character in enumerate(text):
        left = 16 + 16 * place
        if character != " ":
            image[32:56, left : left + 12] = 20
        characters.append(Character(character, box_quad(left - 2, 32, left + 14, 56)))
    quad = box_quad(14, 32, 14 + 16 * len(text), 56)
    return PageSample(image, (TextInstance(quad, text, tuple(characters)),) if text else ())


def test_craft_batches_hold_words_and_half_size_maps() -> None:
    batch = DetectorCollate("craft", DetectorInput())([page(), page("")])
    assert batch.stack.shape == (2, 96, 128, 3)
    assert [target.shape for target in batch.targets] == [(2, 2, 48, 64), (2, 48, 64)]
    assert [[word.text for word in words] for words in batch.instances] == [["ab", "cd"], []]
    assert batch.targets[0][1].max() == 0.0


def test_db_batches_hold_instances_or_words_and_full_size_maps() -> None:
    contract = DetectorInput(map_stride=1)
    batch = DetectorCollate("db", contract)([page()])
    assert [target.shape for target in batch.targets] == [(1, 96, 128)] * 4
    assert [line.text for line in batch.instances[0]] == ["ab cd"]
    words = DetectorCollate("db", contract, unit="word")([page()])
    assert [word.text for word in words.instances[0]] == ["ab", "cd"]
    assert words.targets[0].sum() < batch.targets[0].sum()


def test_unknown_kinds_and_parts_are_refused() -> None:
    with pytest.raises(RecipeError, match="kind 'east'"):
        DetectorCollate("east", DetectorInput())  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="kind 'east'"):
        DetectorModule(TinyDetector("east"))
    with pytest.raises(RecipeError, match=r"'neck'.*backbone, head"):
        DetectorModule(TinyDetector("db"), freeze=["neck"])


class PerfectDetector(nn.Module):
    """Answers with the targets of the page that it is made for."""

    def __init__(self, kind: str, batch: DetectorBatch) -> None:
        super().__init__()
        self.kind = kind
        self.input = DetectorInput(map_stride=2 if kind == "craft" else 1)
        self.weight = nn.Parameter(torch.zeros(()))
        target = torch.from_numpy(batch.targets[0]).float()
        self.answer = target if kind == "craft" else (target[:, None] - 0.5) * 40

    def forward(self, images: Tensor) -> Tensor:
        return self.answer + self.weight


@pytest.mark.parametrize("kind", KINDS)
def test_the_targets_themselves_score_full_marks(kind: str) -> None:
    contract = DetectorInput(map_stride=2 if kind == "craft" else 1)
    batch = DetectorCollate(kind, contract)([page(), page("")])  # type: ignore[arg-type]
    module = DetectorModule(PerfectDetector(kind, batch))
    module.on_validation_epoch_start()
    module.validation_step(batch, 0)
    counts = module.validation_counts
    assert (counts.precision, counts.recall, counts.num_truth) == (1.0, 1.0, 2 if kind == "craft" else 1)


@pytest.mark.parametrize("kind", KINDS)
def test_two_pages_are_learnt(kind: str, tmp_path: Path) -> None:
    model = TinyDetector(kind)
    collate = DetectorCollate(kind, model.input)  # type: ignore[arg-type]
    world = FixedWorld([page("abc"), page("abcd")])
    stream = BatchStream(world, CollateEach(collate), batch_size=2, steps_per_epoch=40)
    module = DetectorModule(model, learning_rate=0.01)
    result = fit(module, stream, [collate([page("abc"), page("abcd")])], Budget(steps=120), tmp_path, QUICK)
    assert result.start_score < 0.5
    assert result.score > 0.9


def test_a_frozen_backbone_keeps_weights_and_statistics() -> None:
    module = DetectorModule(TinyDetector("db"), learning_rate=0.1, freeze=["backbone"]).train()
    before = {key: value.clone() for key, value in module.model.backbone.state_dict().items()}  # type: ignore[union-attr]
    head = module.model.head.weight.clone()  # type: ignore[union-attr, operator]
    batch = DetectorCollate("db", module.contract)([page()])
    optimizer = module.configure_optimizers()
    maps, thresholds = module(batch)
    module.loss(maps, thresholds, batch).backward()
    optimizer.step()
    torch.testing.assert_close(module.model.backbone.state_dict(), before, rtol=0, atol=0)  # type: ignore[union-attr]
    assert not torch.equal(module.model.head.weight, head)  # type: ignore[union-attr, arg-type]
