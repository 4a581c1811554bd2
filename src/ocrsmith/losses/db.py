"""The loss of a DB detector: balanced cross-entropy and Dice on the kernels, L1 on the threshold.

Liao et al., "Real-time Scene Text Detection with Differentiable Binarization" (AAAI 2020), section 3.6: the loss is
Ls + alpha Lb + beta Lt, Ls with hard negative mining at 1 to 3. Lb is the Dice loss of the differentiable binary map
where there is a threshold branch, else of the probability map itself.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def db_loss(
    logits: Tensor,
    threshold_logits: Tensor | None,
    probability: Tensor,
    probability_mask: Tensor,
    threshold: Tensor,
    threshold_mask: Tensor,
    *,
    negative_ratio: float = 3.0,
    min_negatives: int = 1000,
    binary_weight: float = 1.0,
    threshold_weight: float = 10.0,
    steepness: float = 50.0,
) -> Tensor:
    """A float32 scalar; pages without text have negatives alone, and a batch without trusted pixels adds nothing.

    Args:
        logits, threshold_logits: (B, 1, H, W) before the sigmoid; None without a threshold branch.
        probability, probability_mask, threshold, threshold_mask: (B, H, W), as `ocrsmith.data.db_targets` makes them.
        negative_ratio: how many of the hardest negatives count for each positive pixel of the batch.
        min_negatives: a page; how many count where there is little or no text.
        binary_weight, threshold_weight, steepness: alpha, beta and k of the paper, whose alpha is 1, beta 10, k 50.

    Raises:
        ValueError: shapes that do not belong together.
    """
    if logits.shape != (len(probability), 1, *probability.shape[1:]):
        raise ValueError(
            f"Logits {tuple(logits.shape)} and targets {tuple(probability.shape)} do not belong together; "
            "(B, 1, H, W) and (B, H, W) were expected."
        )
    kernels = logits[:, 0].float()
    loss = _balanced_cross_entropy(kernels, probability, probability_mask, negative_ratio, min_negatives)
    if threshold_logits is None:
        return loss + binary_weight * dice_loss(torch.sigmoid(kernels), probability, probability_mask)
    predicted = torch.sigmoid(threshold_logits[:, 0].float())
    binary = torch.sigmoid(steepness * (torch.sigmoid(kernels) - predicted))
    loss = loss + binary_weight * dice_loss(binary, probability, probability_mask)
    off = (predicted - threshold).abs() * threshold_mask
    return loss + threshold_weight * off.sum() / threshold_mask.sum().clamp(min=1.0)


def dice_loss(predicted: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """1 - 2 |P T| / (|P| + |T|) over the pixels in `mask`; 0 where there is no text (Milletari et al., 3DV 2016)."""
    shared = (predicted * target * mask).sum()
    total = (predicted * mask).sum() + (target * mask).sum()
    has_text = (target * mask).sum() > 0
    return torch.where(has_text, 1 - 2 * shared / (total + 1e-6), torch.zeros_like(shared))


def _balanced_cross_entropy(
    logits: Tensor, target: Tensor, mask: Tensor, negative_ratio: float, min_negatives: int
) -> Tensor:
    """The mean over the positive pixels and the hardest negatives of the batch."""
    errors = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    positive = target * mask
    negative = (1 - target) * mask
    num_positive = int(positive.sum())
    wanted = max(int(num_positive * negative_ratio), min_negatives * len(logits))
    num_negative = min(int(negative.sum()), wanted)
    hardest = torch.topk((errors * negative).flatten(), num_negative, sorted=False).values
    return ((errors * positive).sum() + hardest.sum()) / max(num_positive + num_negative, 1)
