"""CRAFT's loss: squared error under a confidence map, with online hard negative mining.

Squared error and confidence: Baek et al., CVPR 2019, equation 5. Mining, apart for region and affinity and an image at
a time, positives above 0.1: EasyOCR's CRAFT trainer; the idea is Shrivastava et al., CVPR 2016.
"""

from __future__ import annotations

import torch
from torch import Tensor


def craft_loss(
    maps: Tensor,
    targets: Tensor,
    confidence: Tensor,
    *,
    negative_ratio: float = 1.0,
    min_negatives: int = 1000,
    positive_above: float = 0.1,
) -> Tensor:
    """The mean over images of the region's and the affinity's loss, a float32 scalar.

    Each is the mean error of the positive pixels plus the mean error of the hardest negatives, as many as
    `negative_ratio` times the positives and at least `min_negatives`, or all of them where there are fewer. An image
    without text has negatives alone; one without trusted pixels adds nothing.

    Args:
        maps, targets: (B, 2, h, w) predicted and wanted region and affinity.
        confidence: (B, h, w) 0..1; pixels of confidence 0 are neither positives nor negatives.
        negative_ratio, min_negatives: EasyOCR's trainer has 1 and 1000 on synthetic pages, 0.3 and 5000 on real ones,
            of 384 x 384 px of map.
        positive_above: target values above it are text.

    Raises:
        ValueError: shapes that do not belong together.
    """
    if maps.shape != targets.shape or maps.ndim != 4 or confidence.shape != (maps.shape[0], *maps.shape[2:]):
        raise ValueError(
            f"Maps came as {tuple(maps.shape)}, targets as {tuple(targets.shape)}, confidence as "
            f"{tuple(confidence.shape)}. (B, 2, h, w), the same, and (B, h, w) were expected."
        )
    weights = confidence.float()[:, None]
    errors = ((maps.float() - targets.float()) ** 2 * weights).flatten(2)
    trusted = (weights > 0).expand_as(targets).flatten(2)
    positive = (targets.flatten(2) > positive_above) & trusted
    negative = trusted & ~positive
    num_positives, num_negatives = positive.sum(dim=2), negative.sum(dim=2)
    positive_loss = (errors * positive).sum(dim=2) / num_positives.clamp(min=1)
    wanted = (num_positives * negative_ratio).long().clamp(min=min_negatives)
    num_mined = torch.minimum(wanted, num_negatives)
    total = positive_loss.sum()
    for image in range(maps.shape[0]):
        for channel in range(maps.shape[1]):
            count = int(num_mined[image, channel])
            if count:
                # Errors are never negative, so what is no negative, at -1, is never among the hardest `count`.
                candidates = torch.where(negative[image, channel], errors[image, channel], -1.0)
                total = total + candidates.topk(count, sorted=False).values.mean()
    return total / maps.shape[0]
