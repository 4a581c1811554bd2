"""CRAFT's loss on numbers that a person can work out."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ocrsmith.losses.craft import craft_loss


def maps(*values: float) -> Tensor:
    """(1, 2, 1, N): the same row for region and affinity."""
    return torch.tensor(values).repeat(1, 2, 1, 1)


ONES = torch.ones(1, 1, 4)


def test_positives_and_the_hardest_negatives_are_averaged_apart() -> None:
    predicted, target = maps(0.5, 0.4, 0.2, 0.0), maps(1.0, 0.0, 0.0, 0.0)
    # Positives: 0.25. Hardest two negatives: (0.16 + 0.04) / 2 = 0.1. Twice, for region and affinity.
    loss = craft_loss(predicted, target, ONES, negative_ratio=2.0, min_negatives=1)
    assert float(loss) == pytest.approx(2 * 0.35)


def test_the_least_number_of_negatives_holds_where_text_is_rare() -> None:
    predicted, target = maps(1.0, 0.3, 0.3, 0.0), maps(1.0, 0.0, 0.0, 0.0)
    loss = craft_loss(predicted, target, ONES, negative_ratio=1.0, min_negatives=3)
    assert float(loss) == pytest.approx(2 * 0.06)


def test_fewer_negatives_than_asked_are_all_taken() -> None:
    predicted, target = maps(1.0, 1.0, 1.0, 0.3), maps(1.0, 1.0, 1.0, 0.0)
    assert float(craft_loss(predicted, target, ONES, min_negatives=1000)) == pytest.approx(2 * 0.09)


def test_an_image_without_text_has_negatives_alone() -> None:
    predicted = maps(0.2, 0.4, 0.0, 0.0)
    assert float(craft_loss(predicted, maps(0, 0, 0, 0), ONES, min_negatives=1)) == pytest.approx(2 * 0.16)


def test_an_image_of_text_alone_has_positives_alone() -> None:
    assert float(craft_loss(maps(0.5, 0.5), maps(1.0, 1.0), torch.ones(1, 1, 2))) == pytest.approx(2 * 0.25)


def test_confidence_weighs_and_zero_leaves_out() -> None:
    predicted, target = maps(0.0, 0.0, 0.9, 0.2), maps(1.0, 1.0, 0.0, 0.0)
    confidence = torch.tensor([[[0.5, 0.0, 0.0, 1.0]]])
    # One positive of weight 0.5, one negative; the two pixels of confidence 0 are in neither mean.
    assert float(craft_loss(predicted, target, confidence, min_negatives=4)) == pytest.approx(2 * (0.5 + 0.04))


def test_an_image_that_is_not_trusted_at_all_gives_zero_and_a_zero_gradient() -> None:
    predicted = maps(0.3, 0.9, 0.1, 0.5).requires_grad_()
    loss = craft_loss(predicted, maps(1, 0, 1, 0), torch.zeros(1, 1, 4))
    loss.backward()
    assert loss.item() == 0.0
    assert predicted.grad is not None and not predicted.grad.any()


def test_images_are_mined_apart_and_averaged() -> None:
    first, second = maps(1.0, 0.3, 0.0, 0.0), maps(0.1, 0.1, 0.1, 0.1)
    target_first, target_second = maps(1.0, 0, 0, 0), maps(0, 0, 0, 0)
    both = craft_loss(
        torch.cat([first, second]), torch.cat([target_first, target_second]), torch.ones(2, 1, 4), min_negatives=1
    )
    assert float(both) == pytest.approx((2 * 0.09 + 2 * 0.01) / 2)


def test_bfloat16_maps_are_summed_in_float32() -> None:
    loss = craft_loss(maps(0.5, 0.0).bfloat16(), maps(1.0, 0.0), torch.ones(1, 1, 2))
    assert loss.dtype == torch.float32 and float(loss) == pytest.approx(0.5)


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="confidence as"):
        craft_loss(maps(1.0), maps(1.0), torch.ones(1, 2, 1, 1))
