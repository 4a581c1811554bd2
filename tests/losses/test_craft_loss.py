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


def test_a_tenth_is_ground_and_more_is_text() -> None:
    # Predictions of 0: the target's own square is the error. Above .1 is the one positive, of the rest the hardest one.
    predicted, target = maps(0.0, 0.0, 0.0, 0.0), maps(0.5, 0.1, 0.05, 0.0)
    loss = craft_loss(predicted, target, ONES, negative_ratio=1.0, min_negatives=0)
    assert float(loss) == pytest.approx(2 * (0.25 + 0.01))
    lower = craft_loss(predicted, target, ONES, negative_ratio=0.5, min_negatives=0, positive_above=0.04)
    # Now three positives, and of the negatives one (half of three, cut), without error.
    assert float(lower) == pytest.approx(2 * (0.25 + 0.01 + 0.0025) / 3)


def test_region_and_affinity_are_mined_apart() -> None:
    predicted = torch.tensor([[[[0.0, 0.6, 0.2, 0.0]], [[0.3, 0.1, 0.0, 0.0]]]])
    target = torch.tensor([[[[1.0, 0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0, 0.0]]]])
    loss = craft_loss(predicted, target, ONES, negative_ratio=1.0, min_negatives=1)
    # Region: its positive 1 and its hardest negative .36. Affinity, without text: its own hardest negative, .09.
    assert float(loss) == pytest.approx(1.0 + 0.36 + 0.09)


@pytest.mark.parametrize(
    ("negative_ratio", "min_negatives", "mined"),
    [
        pytest.param(1.0, 0, 10, id="synthetic stage"),
        pytest.param(0.3, 0, 3, id="weak stage"),
        (0.3, 5, 5),
        (0.0, 0, 0),
    ],
)
def test_each_stage_has_its_own_ratio(negative_ratio: float, min_negatives: int, mined: int) -> None:
    # Ten positives without error, and negatives whose errors are 1, .81, .64, ...: the hardest `mined` count.
    errors = [0.1 * place for place in range(10, 0, -1)]
    predicted, target = maps(*[1.0] * 10, *errors, *[0.0] * 10), maps(*[1.0] * 10, *[0.0] * 20)
    loss = craft_loss(
        predicted, target, torch.ones(1, 1, 30), negative_ratio=negative_ratio, min_negatives=min_negatives
    )
    expected = sum(error**2 for error in errors[:mined]) / mined if mined else 0.0
    assert float(loss) == pytest.approx(2 * expected)


def test_the_gradient_reaches_positives_and_mined_negatives_alone() -> None:
    predicted = maps(0.5, 0.4, 0.2, 0.0).requires_grad_()
    craft_loss(predicted, maps(1.0, 0.0, 0.0, 0.0), ONES, negative_ratio=1.0, min_negatives=1).backward()
    assert predicted.grad is not None
    # d/dp (p - 1)^2 at .5 and d/dp p^2 at .4; the easier negative has none.
    assert predicted.grad[0, 0, 0].tolist() == pytest.approx([-1.0, 0.8, 0.0, 0.0])
