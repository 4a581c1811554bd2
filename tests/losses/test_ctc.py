"""The CTC loss and the help that known places give it."""

from __future__ import annotations

import math

import pytest
import torch

from ocrsmith.losses.ctc import alignment_loss


def test_alignment_loss_is_the_mean_cross_entropy_of_known_steps() -> None:
    """Uniform logits over 4 classes cost log 4 a step, whatever the weights; unknown lines cost nothing."""
    logits = torch.zeros(2, 3, 4)
    places = torch.tensor([[0, 2, 0], [-100, -100, -100]])
    assert float(alignment_loss(logits, places)) == pytest.approx(math.log(4), abs=1e-6)
    assert float(alignment_loss(logits, torch.full((2, 3), -100))) == 0.0
