"""Training a recogniser: CTC on line batches, scored through the decoder and the counts that ship."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from ocrsmith.data.batches import RecognizerBatch
from ocrsmith.errors import RecipeError
from ocrsmith.evaluation.text import TextCounts
from ocrsmith.losses.ctc import alignment_loss, ctc_loss
from ocrsmith.reading.ctc import decode_batch
from ocrsmith.training.fitting import check_finite, decay_groups
from ocrsmith.training.loaders import normalize_on_device


class RecognizerModule(pl.LightningModule):
    """A recogniser with its loss, optimiser and validation score.

    Args:
        model: images (B, C, H, W) -> logits (B, T, K), with `.input` and `.alphabet`.
        learning_rate: the peak; the schedule multiplies it.
        weight_decay: of weights of two and more dimensions; biases and normalisation have none.
        alignment: share of the budget in which the places of drawn characters teach beside CTC; see `alignment_loss`.
        freeze: names of parts of the model that are not trained ("backbone", "backbone.stem"); their batch
            normalisation keeps the statistics of the start weights.

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
    ) -> None:
        super().__init__()
        self.model = model
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.alignment = alignment
        self.budget_used = 0.0  # 0..1, kept by the schedule
        self.frozen = tuple(freeze)
        self.refused: Counter[str] = Counter()
        self.validation_counts = TextCounts()
        for name in self.frozen:
            freeze_part(model, name)

    def train(self, mode: bool = True) -> RecognizerModule:
        """As in PyTorch, but a frozen part always stays in evaluation mode."""
        super().train(mode)
        for name in self.frozen:
            self.model.get_submodule(name).eval()
        return self

    def forward(self, batch: RecognizerBatch) -> Tensor:
        """A batch -> logits (B, T, K)."""
        return self.model(normalize_on_device(batch.stack, self.model.input, self.device))  # type: ignore[arg-type]

    def loss(self, logits: Tensor, batch: RecognizerBatch) -> Tensor:
        """The batch's CTC loss, a scalar, in float32 whatever the autocast."""
        return ctc_loss(logits, batch.ids, np.minimum(batch.input_lengths, logits.shape[1]))

    def training_step(self, batch: RecognizerBatch, batch_idx: int) -> Tensor:
        """One step's loss; counts what was refused on the way."""
        self.refused.update(batch.refused)
        logits = self(batch)
        loss = self.loss(logits, batch)
        check_finite(loss, self.global_step)
        self.log("train_loss", loss, prog_bar=True, batch_size=len(batch))
        weight = 3.0 * (1.0 - self.budget_used / self.alignment) if self.alignment > 0 else 0.0
        if weight > 0:
            loss = loss + weight * alignment_loss(logits, torch.from_numpy(batch.places).to(logits.device))
        return loss

    def on_validation_epoch_start(self) -> None:
        """Forgets the last counts."""
        self.validation_counts = TextCounts()

    def validation_step(self, batch: RecognizerBatch, batch_idx: int) -> None:
        """Adds a batch's texts to the counts, read by the shipping decoder."""
        logits = self(batch)
        self.log("validation_loss", self.loss(logits, batch), batch_size=len(batch))
        probabilities = torch.softmax(logits.float(), dim=-1).cpu().numpy()
        lengths = np.minimum(batch.input_lengths, logits.shape[1]).tolist()
        decoded = decode_batch(probabilities, lengths, self.model.alphabet)  # type: ignore[arg-type]
        pairs = zip(batch.texts, (line.text for line in decoded), strict=True)
        self.validation_counts += TextCounts.from_pairs(pairs)

    def on_validation_epoch_end(self) -> None:
        """Logs exact accuracy, CER and their difference, which is the score that stops a run and chooses its best.

        The difference tells ties apart, and early epochs in which no text is right yet.
        """
        counts = self.validation_counts
        scores = {
            "validation_exact": counts.exact_accuracy,
            "validation_cer": counts.character_error_rate,
            "validation_score": counts.exact_accuracy - counts.character_error_rate,
        }
        self.log_dict(scores, prog_bar=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW (Loshchilov and Hutter, ICLR 2019)."""
        return torch.optim.AdamW(decay_groups(self.model, self.weight_decay), lr=self.learning_rate)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Leaves the batch as it is: `forward` moves the bytes and makes floats of them there."""
        return batch


def freeze_part(model: nn.Module, name: str) -> None:
    """Switches the gradients of one part off; raises RecipeError naming the parts where there is none of that name."""
    parts = dict(model.named_modules())
    if not name or name not in parts:
        outer = ", ".join(part for part, _ in model.named_children())
        raise RecipeError(
            f"freeze came as {name!r}, which the network {type(model).__name__} does not have. Its parts are {outer}, "
            "and what those hold, as in 'backbone.stem'."
        )
    parts[name].requires_grad_(False)
