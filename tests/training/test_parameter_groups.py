"""Steps of the optimiser, and gradients that are clipped together."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ocrsmith.training.parameter_groups import adamw, clip_gradients, parameter_groups


def two_weights() -> nn.Module:
    model = nn.Module()
    model.first, model.second = nn.Linear(1, 1), nn.Linear(1, 1)
    model.first.weight.grad, model.second.weight.grad = torch.tensor([[3.0]]), torch.tensor([[4.0]])
    return model


@pytest.mark.parametrize(("largest", "clipped"), [(1.0, (0.6, 0.8)), (10.0, (3.0, 4.0)), (None, (3.0, 4.0))])
def test_the_norm_of_all_gradients_is_bounded_together(largest: float | None, clipped: tuple[float, float]) -> None:
    model = two_weights()
    clip_gradients(model, largest)
    assert [model.get_parameter(f"{name}.weight").grad.item() for name in ("first", "second")] == pytest.approx(clipped)


def test_a_first_step_moves_each_weight_by_the_learning_rate() -> None:
    """Adam's first step is the gradient's sign times the rate, whatever the gradient's size."""
    model = two_weights()
    before = [model.first.weight.item(), model.second.weight.item()]
    adamw(parameter_groups(model, 0.1, weight_decay=0.0), 0.1).step()
    moved = [before[0] - model.first.weight.item(), before[1] - model.second.weight.item()]
    assert moved == pytest.approx([0.1, 0.1], abs=1e-6)
