"""The CTC loss and the help that known places give it."""

from __future__ import annotations

import math

import pytest
import torch

from ocrsmith.losses.ctc import alignment_loss, distillation_loss


def test_alignment_loss_is_the_mean_cross_entropy_of_known_steps() -> None:
    """Uniform logits over 4 classes cost log 4 a step, whatever the weights; unknown lines cost nothing."""
    logits = torch.zeros(2, 3, 4)
    places = torch.tensor([[0, 2, 0], [-100, -100, -100]])
    assert float(alignment_loss(logits, places)) == pytest.approx(math.log(4), abs=1e-6)
    assert float(alignment_loss(logits, torch.full((2, 3), -100))) == 0.0


def _written(*paths: str) -> torch.Tensor:
    """(B, T, 3) logits that write '-' (the blank), 'a' and 'b' with a probability of .9 a step."""
    logits = torch.full((len(paths), len(paths[0]), 3), math.log(0.05))
    for row, path in zip(logits, paths):
        for step, character in enumerate(path):
            row[step, "-ab".index(character)] = math.log(0.9)
    return logits


def test_nothing_is_forgotten_where_nothing_changed() -> None:
    taught = _written("a-b-", "aab-")
    assert float(distillation_loss(taught.clone(), taught, [[1, 2], [1, 2]], [4, 4])) == pytest.approx(0, abs=1e-6)


def test_what_the_teacher_reads_otherwise_is_free() -> None:
    """Of two texts that the teacher reads as 'ab' one is labelled 'aa': the other alone counts, halved by the mean."""
    taught, logits = _written("a-b-", "a-b-"), _written("a-a-", "a-a-")
    # One step of four differs: .9 log(.9 / .05) + .05 log(.05 / .9), over two characters, over two texts.
    once = 0.85 * math.log(18.0) / 2
    assert float(distillation_loss(logits, taught, [[1, 2], [1, 1]], [4, 4])) == pytest.approx(once / 2, rel=1e-5)
    assert float(distillation_loss(logits, taught, [[1, 2], [1, 2]], [4, 4])) == pytest.approx(once, rel=1e-5)


def test_steps_behind_a_text_are_not_held() -> None:
    taught, logits = _written("a---"), _written("a-bb")
    assert float(distillation_loss(logits, taught, [[1]], [2])) == pytest.approx(0, abs=1e-6)
    assert float(distillation_loss(logits, taught, [[1]], [4])) > 1


def test_the_teacher_gets_no_gradient_and_the_network_does() -> None:
    taught, logits = _written("ab").requires_grad_(), _written("bb").requires_grad_()
    distillation_loss(logits, taught.detach(), [[1, 2]], [2]).backward()
    assert taught.grad is None
    assert float(logits.grad.abs().sum()) > 0
