"""Training a recogniser: CTC on line batches, scored through the decoder and the counts that ship."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ocrsmith.data.batches import RecognizerBatch
from ocrsmith.evaluation.text import TextCounts
from ocrsmith.losses.ctc import alignment_loss, ctc_loss, distillation_loss
from ocrsmith.reading.ctc import decode_batch
from ocrsmith.training.fitting import check_finite
from ocrsmith.training.loaders import normalize_on_device
from ocrsmith.training.parameter_groups import OptimizedModule, freeze_part
from ocrsmith.training.scoring import Memory


class RecognizerModule(OptimizedModule):
    """A recogniser with its loss, optimiser and validation score.

    Args:
        model: images (B, C, H, W) -> logits (B, T, K), with `.input` and `.alphabet`.
        learning_rate: the peak; the schedule multiplies it.
        weight_decay: of weights of two and more dimensions; biases and normalisation have none.
        alignment: share of the budget in which the places of drawn characters teach beside CTC; see `alignment_loss`.
        freeze: names of parts of the model that are not trained ("backbone", "backbone.stem"); their batch
            normalisation keeps the statistics of the start weights.
        learning_rate_factors: of parts by name, see `parameter_groups`.
        memory: what the weights may not forget, where real crops are trained on.
        distill: weight of `distillation_loss`, whose teacher is the network as it is now; 0 has none.
        keep_statistics: all batch normalisation keeps the statistics of the start weights, which know real pictures.

    Raises:
        RecipeError: the model has no part of that name.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.01,
        alignment: float = 0.3,
        freeze: Sequence[str] = (),
        learning_rate_factors: Mapping[str, float] | None = None,
        memory: Memory | None = None,
        distill: float = 0.0,
        keep_statistics: bool = False,
    ) -> None:
        super().__init__()
        self.model = model
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.alignment = alignment
        self.budget_used = 0.0  # 0..1, kept by the schedule
        self.frozen = tuple(freeze)
        self.refused: Counter[str] = Counter()
        self.learning_rate_factors = dict(learning_rate_factors or {})
        self.memory = memory or Memory()
        self.validation_counts = TextCounts()
        self.real_counts: dict[str, TextCounts] = {}
        # In a tuple, so that neither checkpoints nor averages hold it: a resumed run starts from the same weights.
        self.teacher = (copy.deepcopy(model).eval().requires_grad_(False),) if distill else ()
        self.distill = distill
        self.keep_statistics = keep_statistics
        for name in self.frozen:
            freeze_part(model, name)

    def train(self, mode: bool = True) -> RecognizerModule:
        """As in PyTorch, but what is frozen or keeps its statistics always stays in evaluation mode."""
        super().train(mode)
        for name in self.frozen:
            self.model.get_submodule(name).eval()
        if self.keep_statistics:
            for part in self.model.modules():
                if isinstance(part, nn.BatchNorm2d):
                    part.eval()
        return self

    def forward(self, batch: RecognizerBatch) -> Tensor:
        """A batch -> logits (B, T, K)."""
        return self.model(self._pixels(batch))

    def _pixels(self, batch: RecognizerBatch) -> Tensor:
        return normalize_on_device(batch.stack, self.model.input, self.device)  # type: ignore[arg-type]

    def loss(self, logits: Tensor, batch: RecognizerBatch) -> Tensor:
        """The batch's CTC loss, a scalar, in float32 whatever the autocast."""
        return ctc_loss(logits, batch.ids, np.minimum(batch.input_lengths, logits.shape[1]))

    def training_step(self, batch: RecognizerBatch, batch_idx: int) -> Tensor:
        """One step's loss; counts what was refused on the way."""
        self.refused.update(batch.refused)
        pixels = self._pixels(batch)
        logits = self.model(pixels)
        loss = self.loss(logits, batch)
        check_finite(loss, self.global_step)
        self.log("train_loss", loss, prog_bar=True, batch_size=len(batch))
        weight = 3.0 * (1.0 - self.budget_used / self.alignment) if self.alignment > 0 else 0.0
        if weight > 0:
            loss = loss + weight * alignment_loss(logits, torch.from_numpy(batch.places).to(logits.device))
        for teacher in self.teacher:
            with torch.no_grad():
                taught = teacher.to(self.device)(pixels)
            forgotten = distillation_loss(logits, taught, batch.ids, np.minimum(batch.input_lengths, logits.shape[1]))
            self.log("forgotten", forgotten, batch_size=len(batch))
            loss = loss + self.distill * forgotten
        return loss

    def texts(self, batch: RecognizerBatch) -> list[str]:
        """A batch's texts as the weights read them now, by the shipping decoder."""
        return self._decoded(self(batch), batch)

    def _decoded(self, logits: Tensor, batch: RecognizerBatch) -> list[str]:
        probabilities = torch.softmax(logits.float(), dim=-1).cpu().numpy()
        lengths = np.minimum(batch.input_lengths, logits.shape[1]).tolist()
        decoded = decode_batch(probabilities, lengths, self.model.alphabet)  # type: ignore[arg-type]
        return [line.text for line in decoded]

    def on_validation_epoch_start(self) -> None:
        """Forgets the last counts."""
        self.validation_counts = TextCounts()
        self.real_counts = {}

    def validation_step(self, batch: RecognizerBatch, batch_idx: int) -> None:
        """Adds a batch's texts to the counts, read by the shipping decoder."""
        logits = self(batch)
        self.log("validation_loss", self.loss(logits, batch), batch_size=len(batch))
        counts = TextCounts.from_pairs(zip(batch.texts, self._decoded(logits, batch), strict=True))
        if batch.source:
            self.real_counts[batch.source] = self.real_counts.get(batch.source, TextCounts()) + counts
        else:
            self.validation_counts += counts

    def on_validation_epoch_end(self) -> None:
        """Logs exact accuracy, CER and their difference, which is the score that stops a run and chooses its best.

        The difference tells ties apart, and early epochs in which no text is right yet. With real crops it is the mean
        of their differences, see `Memory.score`.
        """
        counts = self.validation_counts
        real = {name: _score(own) for name, own in self.real_counts.items()}
        scores = {
            "validation_exact": counts.exact_accuracy,
            "validation_cer": counts.character_error_rate,
            **{f"validation_real_{name}": score for name, score in real.items()},
            "validation_score": self.memory.score(_score(counts), real),
            "validation_forgotten": self.memory.forgotten,
        }
        self.log_dict(scores, prog_bar=True)


def _score(counts: TextCounts) -> float:
    return counts.exact_accuracy - counts.character_error_rate
