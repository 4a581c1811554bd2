"""The CTC loss (Graves et al., "Connectionist Temporal Classification", ICML 2006)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor

from ocrsmith.alphabet import BLANK_ID


def ctc_loss(logits: Tensor, ids: Sequence[ArrayLike], input_lengths: ArrayLike | Tensor) -> Tensor:
    """The mean over texts of the negative log likelihood per character, a float32 scalar.

    A text that does not fit its steps has infinite loss and counts as zero, with zero gradient; refuse such texts
    before (`ocrsmith.data.batches.ctc_steps_needed`), for they teach nothing. An empty text counts as one character.

    Args:
        logits: (B, T, K), before any softmax, in any precision: the sums are taken in float32. Id 0 is the blank.
        ids: B sequences (L,) of ids 1..K-1.
        input_lengths: (B,) steps, 1..T, that each text may use.

    Raises:
        ValueError: counts that do not agree, a length beyond T, or an id that is the blank or beyond K - 1.
    """
    batch, steps, classes = logits.shape
    lengths = torch.as_tensor(input_lengths, dtype=torch.long).cpu()
    targets = [torch.as_tensor(text, dtype=torch.long).cpu().reshape(-1) for text in ids]
    if len(targets) != batch or lengths.shape != (batch,):
        raise ValueError(
            f"{batch} rows of logits came with {len(targets)} texts and lengths of shape {tuple(lengths.shape)}. "
            "One text and one length a row were expected."
        )
    if batch and not (1 <= int(lengths.min()) and int(lengths.max()) <= steps):
        raise ValueError(f"Input lengths reach from {lengths.min()} to {lengths.max()}; 1 to {steps} were expected.")
    joined = torch.cat(targets) if targets else torch.zeros(0, dtype=torch.long)
    if len(joined) and not (BLANK_ID < int(joined.min()) and int(joined.max()) < classes):
        raise ValueError(f"Ids reach from {joined.min()} to {joined.max()}; 1 to {classes - 1} were expected.")
    log_probs = F.log_softmax(logits.float(), dim=2).transpose(0, 1)
    target_lengths = torch.tensor([len(text) for text in targets], dtype=torch.long)
    return F.ctc_loss(log_probs, joined.to(logits.device), lengths, target_lengths, blank=BLANK_ID, zero_infinity=True)
