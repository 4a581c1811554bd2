"""Training a detector: CRAFT's or DB's maps, scored by the boxes that the shipping post-processing makes of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ocrsmith.data.craft_targets import craft_targets
from ocrsmith.data.db_targets import db_targets
from ocrsmith.errors import RecipeError
from ocrsmith.evaluation.boxes import BoxCounts
from ocrsmith.evaluation.joined_boxes import join_words_by_line
from ocrsmith.geometry import Polygon
from ocrsmith.losses.craft import craft_loss
from ocrsmith.losses.db import db_loss
from ocrsmith.preprocess import DetectorInput
from ocrsmith.reading.craft_maps import CraftThresholds, boxes_from_maps
from ocrsmith.reading.db_maps import DbThresholds, boxes_from_map
from ocrsmith.reading.detections import Detection
from ocrsmith.samples import PageSample, TextInstance
from ocrsmith.training.fitting import check_finite
from ocrsmith.training.loaders import normalize_on_device
from ocrsmith.training.parameter_groups import OptimizedModule, freeze_part
from ocrsmith.training.scoring import SYNTHETIC, Memory, Source

DetectorKind = Literal["craft", "db"]
Unit = Literal["word", "instance"]

# What the loss may add to the F score at most, so that it only tells equal scores apart.
_LOSS_SHARE = 0.1


@dataclass(frozen=True, eq=False)
class DetectorBatch:
    """What one training step of a detector is fed.

    Attributes:
        stack: (B, H, W, 3) uint8 RGB, padded below and at the right.
        targets: arrays of B maps each, in the order in which the loss takes them. CRAFT: maps (B, 2, h, w), confidence
            (B, h, w), float16. DB: probability and its mask uint8, threshold float16 and its mask uint8, (B, H, W).
        instances: of each page, what is to be found.
        source: where the pages come from; in training they may be mixed, and it says nothing.
    """

    stack: NDArray[np.uint8]
    targets: tuple[NDArray[Any], ...]
    instances: tuple[tuple[TextInstance, ...], ...]
    source: Source = SYNTHETIC

    def __len__(self) -> int:
        return len(self.stack)


class DetectorCollate:
    """Page samples -> a DetectorBatch, in the process that makes the samples. Pages are not resized.

    Args:
        kind: "craft" or "db".
        contract: the network's `.input`.
        unit: what is one box: a "word" (instances cut at their spaces), or an "instance" as the pages come, which may
            be whole lines. By default words for CRAFT, whose post-processing cuts at spaces, and instances for DB.

    Raises:
        RecipeError: another kind.
    """

    def __init__(self, kind: DetectorKind, contract: DetectorInput, unit: Unit | None = None) -> None:
        if kind not in ("craft", "db"):
            raise RecipeError(f"A detector of kind {kind!r} came. 'craft' and 'db' can be trained.")
        self.kind = kind
        self.contract = contract
        self.unit: Unit = unit or ("word" if kind == "craft" else "instance")

    def __call__(self, samples: Sequence[PageSample], source: Source = SYNTHETIC) -> DetectorBatch:
        """Stacks at least one page; targets are made at the size of the padded pages."""
        stack = self.contract.stack([sample.image for sample in samples])
        height, width = stack.shape[1:3]
        instances = tuple(self.units(sample) for sample in samples)
        maps = [self._maps(page, height, width) for page in instances]
        return DetectorBatch(stack, tuple(np.stack(same) for same in zip(*maps, strict=True)), instances, source)

    def units(self, sample: PageSample) -> tuple[TextInstance, ...]:
        """What is to be found on a page, one box each."""
        if self.unit == "instance":
            return sample.instances
        return tuple(word for instance in sample.instances for word in instance.words())

    def _maps(self, page: Sequence[TextInstance], height: int, width: int) -> tuple[NDArray[Any], ...]:
        if self.kind == "craft":
            maps, confidence = craft_targets(page, height, width, self.contract.map_stride)
            return maps.astype(np.float16), confidence.astype(np.float16)
        t = db_targets(page, height, width)
        return (
            t.probability.astype(np.uint8),
            t.probability_mask.astype(np.uint8),
            t.threshold.astype(np.float16),
            t.threshold_mask.astype(np.uint8),
        )


class DetectorModule(OptimizedModule):
    """A detector with its loss, optimiser and validation score.

    Args:
        model: images (B, 3, H, W) -> maps, with `.input` and `.kind`; a DB network may have `training_maps`, which
            gives threshold logits too.
        learning_rate: the peak; the schedule multiplies it.
        weight_decay: of weights of two and more dimensions; biases and normalisation have none.
        freeze: names of parts of the model that are not trained ("backbone", "backbone.stem"); their batch
            normalisation keeps the statistics of the start weights.
        thresholds: of the post-processing in validation; by default those that it ships with.
        learning_rate_factors: of parts by name, see `parameter_groups`.
        negative_ratio, min_negatives: of CRAFT's loss.
        memory: what the weights may not forget, where real pages are trained on.

    Raises:
        RecipeError: the model has no part of that name, or is of another kind.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.01,
        freeze: Sequence[str] = (),
        thresholds: CraftThresholds | DbThresholds | None = None,
        learning_rate_factors: Mapping[str, float] | None = None,
        negative_ratio: float = 1.0,
        min_negatives: int = 1000,
        memory: Memory | None = None,
    ) -> None:
        super().__init__()
        kind = getattr(model, "kind", None)
        if kind not in ("craft", "db"):
            raise RecipeError(f"A detector of kind {kind!r} came. 'craft' and 'db' can be trained.")
        self.model = model
        self.kind: DetectorKind = kind
        self.contract: DetectorInput = model.input  # type: ignore[assignment]
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.frozen = tuple(freeze)
        self.thresholds = thresholds or (CraftThresholds() if kind == "craft" else DbThresholds())
        self.learning_rate_factors = dict(learning_rate_factors or {})
        self.negative_ratio, self.min_negatives = negative_ratio, min_negatives
        self.memory = memory or Memory()
        self.validation_counts = BoxCounts()
        self.real_counts: dict[Source, BoxCounts] = {}
        self._losses: list[tuple[float, int]] = []
        for name in self.frozen:
            freeze_part(model, name)

    def train(self, mode: bool = True) -> DetectorModule:
        """As in PyTorch, but a frozen part always stays in evaluation mode."""
        super().train(mode)
        for name in self.frozen:
            self.model.get_submodule(name).eval()
        return self

    def forward(self, batch: DetectorBatch) -> tuple[Tensor, Tensor | None]:
        """A batch -> the model's maps, and DB's threshold logits where the model has that branch."""
        images = normalize_on_device(batch.stack, self.contract, self.device)
        if hasattr(self.model, "training_maps"):
            return self.model.training_maps(images)  # type: ignore[operator]
        return self.model(images), None

    def loss(self, maps: Tensor, threshold_logits: Tensor | None, batch: DetectorBatch) -> Tensor:
        """The batch's loss, a float32 scalar whatever the autocast."""
        targets = [torch.from_numpy(target).to(maps.device).float() for target in batch.targets]
        if self.kind == "craft":
            wanted, confidence = targets
            return craft_loss(
                maps.float(),
                wanted,
                confidence,
                negative_ratio=self.negative_ratio,
                min_negatives=self.min_negatives,
            )
        probability, probability_mask, threshold, threshold_mask = targets
        return db_loss(maps, threshold_logits, probability, probability_mask, threshold, threshold_mask)

    def training_step(self, batch: DetectorBatch, batch_idx: int) -> Tensor:
        """One step's loss."""
        maps, threshold_logits = self(batch)
        loss = self.loss(maps, threshold_logits, batch)
        check_finite(loss, self.global_step)
        self.log("train_loss", loss, prog_bar=True, batch_size=len(batch))
        return loss

    def boxes(self, maps: Tensor) -> list[list[Detection]]:
        """The model's maps -> detections of each page, by the post-processing that ships, in px of the input."""
        stride = self.contract.map_stride
        if isinstance(self.thresholds, CraftThresholds):
            pages = maps.float().permute(0, 2, 3, 1).detach().cpu().numpy()
            return [boxes_from_maps(page, self.thresholds, stride) for page in pages]
        pages = torch.sigmoid(maps[:, 0].float()).detach().cpu().numpy()
        return [boxes_from_map(page, self.thresholds, stride) for page in pages]

    def on_validation_epoch_start(self) -> None:
        """Forgets the last counts."""
        self.validation_counts = BoxCounts()
        self.real_counts = {}
        self._losses = []

    def validation_step(self, batch: DetectorBatch, batch_idx: int) -> None:
        """Adds a batch's boxes and loss to the counts."""
        maps, threshold_logits = self(batch)
        self._losses.append((float(self.loss(maps, threshold_logits, batch).detach()), len(batch)))
        for page, found in zip(batch.instances, self.boxes(maps), strict=True):
            counts = page_counts(page, [detection.polygon for detection in found], batch.source)
            if batch.source == SYNTHETIC:
                self.validation_counts += counts
            else:
                self.real_counts[batch.source] = self.real_counts.get(batch.source, BoxCounts()) + counts

    def on_validation_epoch_end(self) -> None:
        """Logs loss, precision, recall and F at IoU .5, and the score that stops a run and chooses its best.

        The score is F, less a tenth of tanh(loss): while nothing is found yet, a falling loss is progress too. With
        real pages it is the mean of their F (recall, where they are labelled in part), see `Memory.score`.
        """
        counts = self.validation_counts
        pages = sum(number for _, number in self._losses)
        loss = sum(value * number for value, number in self._losses) / max(pages, 1)
        real = {
            source.name: counted.f_score if source.complete else counted.recall
            for source, counted in self.real_counts.items()
        }
        chosen = self.memory.score(counts.f_score, real)
        scores = {
            "validation_loss": loss,
            "validation_precision": counts.precision,
            "validation_recall": counts.recall,
            "validation_f": counts.f_score,
            **{f"validation_real_{name}": score for name, score in real.items()},
            "validation_forgotten": self.memory.forgotten,
            "validation_score": chosen - _LOSS_SHARE * math.tanh(loss),
        }
        self.log_dict(scores, prog_bar=True)


def page_counts(page: Sequence[TextInstance], found: Sequence[Polygon], source: Source = SYNTHETIC) -> BoxCounts:
    """The boxes of one page counted as its source is scored: words found in labelled lines are joined first."""
    truth = [instance.polygon for instance in page]
    predicted = join_words_by_line(found, truth) if source.joined else list(found)
    return BoxCounts.from_page(truth, [instance.ignore for instance in page], predicted)
