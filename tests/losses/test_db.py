"""DB's loss on maps small enough to work out."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ocrsmith.losses.db import db_loss, dice_loss


def maps(*rows: list[float]) -> Tensor:
    return torch.tensor([list(rows)])


ONE_TEXT = maps([1.0, 0.0, 0.0, 0.0])
ALL = torch.ones_like(ONE_TEXT)
NONE = torch.zeros_like(ONE_TEXT)


def test_one_positive_takes_its_three_hardest_negatives() -> None:
    target = torch.zeros(1, 1, 8)
    target[..., 0] = 1.0
    mask = torch.ones_like(target)
    # Logit 0 costs log 2, logit -20 next to nothing: three of four hard negatives count, and none of the easy ones.
    logits = torch.tensor([[[[0.0, 0.0, 0.0, 0.0, 0.0, -20.0, -20.0, -20.0]]]])
    loss = db_loss(logits, None, target, mask, mask, mask, min_negatives=0, binary_weight=0.0)
    assert float(loss) == pytest.approx(math.log(2), abs=1e-6)


def test_dice_of_half_overlap() -> None:
    # |P T| = 1, |P| + |T| = 2 + 1: 1 - 2 / 3.
    predicted = maps([1.0, 1.0, 0.0, 0.0])
    assert float(dice_loss(predicted, ONE_TEXT, ALL)) == pytest.approx(1 / 3, abs=1e-6)
    assert float(dice_loss(predicted, NONE, ALL)) == 0.0


def test_the_threshold_is_trained_by_its_mean_absolute_error() -> None:
    arguments = (torch.zeros(1, 1, 1, 4), torch.zeros(1, 1, 1, 4), NONE, ALL, 0.7 * ALL, ONE_TEXT)
    without = db_loss(*arguments, threshold_weight=0.0)
    assert float(db_loss(*arguments, threshold_weight=10.0) - without) == pytest.approx(10 * 0.2, abs=1e-5)


@pytest.mark.parametrize("target", [NONE, ONE_TEXT])
@pytest.mark.parametrize("mask", [NONE, ALL])
@pytest.mark.parametrize("branch", [False, True])
def test_pages_without_text_or_trust_are_finite(target: Tensor, mask: Tensor, branch: bool) -> None:
    logits = torch.zeros(1, 1, 1, 4, requires_grad=True)
    loss = db_loss(logits, logits * 2 if branch else None, target, mask, 0.3 * ALL, NONE)
    loss.backward()
    assert loss.isfinite() and logits.grad is not None and logits.grad.isfinite().all()
    if not mask.any():
        assert float(loss.detach()) == 0.0


def test_perfect_maps_cost_nothing_and_bfloat16_gives_float32() -> None:
    logits = ((ONE_TEXT - 0.5) * 40)[:, None].bfloat16()
    loss = db_loss(logits, None, ONE_TEXT, ALL, ALL, ALL)
    assert loss.dtype == torch.float32
    assert float(loss) == pytest.approx(0.0, abs=1e-5)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="do not belong together"):
        db_loss(torch.zeros(1, 1, 2, 4), None, ONE_TEXT, ALL, ALL, ALL)
