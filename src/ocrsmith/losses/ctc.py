"""The CTC loss (Graves et al., "Connectionist Temporal Classification", ICML 2006)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
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
    if batch and (int(lengths.min()) < 1 or int(lengths.max()) > steps):
        raise ValueError(f"Input lengths reach from {lengths.min()} to {lengths.max()}; 1 to {steps} were expected.")
    joined = torch.cat(targets) if targets else torch.zeros(0, dtype=torch.long)
    if len(joined) and (int(joined.min()) <= BLANK_ID or int(joined.max()) >= classes):
        raise ValueError(f"Ids reach from {joined.min()} to {joined.max()}; 1 to {classes - 1} were expected.")
    log_probs = F.log_softmax(logits.float(), dim=2).transpose(0, 1)
    target_lengths = torch.tensor([len(text) for text in targets], dtype=torch.long)
    return F.ctc_loss(log_probs, joined.to(logits.device), lengths, target_lengths, blank=BLANK_ID, zero_infinity=True)


def alignment_loss(logits: Tensor, places: Tensor, blank_weight: float = 0.3) -> Tensor:
    """Cross-entropy of each step against the character that stands there, a scalar; 0 where no place is known.

    CTC alone has to find where each character stands, and from nothing it writes blanks for thousands of steps first
    (loss 2.5 after 33,000 display readings). Drawn text knows its places: taught with them from the start, the same
    network had learnt to read after 16,000. The weight of blanks, which most steps are, is lowered.

    Args:
        logits: (B, T, K). places: (B, T) int64 ids, 0 for blank, -100 for steps to leave out.
    """
    weights = torch.ones(logits.shape[-1], device=logits.device)
    weights[0] = blank_weight
    flat = places[:, : logits.shape[1]].reshape(-1)
    if not bool((flat >= 0).any()):
        return logits.sum() * 0.0
    return F.cross_entropy(logits.float().flatten(0, 1), flat, weight=weights)


def distillation_loss(
    logits: Tensor, taught: Tensor, ids: Sequence[ArrayLike], input_lengths: ArrayLike | Tensor
) -> Tensor:
    """How far a network has moved from what a teacher reads, where the teacher reads rightly; a float32 scalar.

    The Kullback-Leibler divergence of the outputs from the teacher's, summed over a text's own steps and divided by its
    characters, as the CTC loss is; the mean over all texts, of which those that the teacher reads otherwise than `ids`
    count as 0: there it has nothing to say. Li and Hoiem, "Learning without Forgetting", ECCV 2016, section 3, on every
    CTC step instead of one output.

    Args:
        logits, taught: (B, T, K) of the network and the frozen teacher on the same pictures, before any softmax.
        ids: B sequences (L,) of ids 1..K-1. input_lengths: (B,) steps, 1..T, that each text may use.
    """
    lengths = torch.as_tensor(input_lengths, dtype=torch.long, device=logits.device)
    known = torch.tensor(_reads(taught, ids, lengths), dtype=torch.float32, device=logits.device)
    characters = torch.tensor([max(1, len(np.atleast_1d(text))) for text in ids], device=logits.device)
    own_steps = torch.arange(logits.shape[1], device=logits.device) < lengths[:, None]
    divergence = F.kl_div(
        F.log_softmax(logits.float(), dim=2), F.log_softmax(taught.float(), dim=2), reduction="none", log_target=True
    ).sum(dim=2)
    return ((divergence * own_steps).sum(dim=1) / characters * known).mean()


def _reads(logits: Tensor, ids: Sequence[ArrayLike], lengths: Tensor) -> list[bool]:
    """(B,) whether the likeliest class of every step, repetitions and blanks left out, writes the text."""
    best = logits.argmax(dim=2)
    read = []
    for row, text, length in zip(best, ids, lengths.tolist(), strict=True):
        path = torch.unique_consecutive(row[:length])
        read.append(np.array_equal(path[path != BLANK_ID].cpu().numpy(), np.asarray(text).reshape(-1)))
    return read
