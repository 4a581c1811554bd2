"""CTC on three frames, counted by hand."""

from __future__ import annotations

import math

import pytest
import torch

from ocrsmith.losses.ctc import ctc_loss


def test_one_character_in_three_even_frames() -> None:
    # Blank and one character, all even: of 8 paths, 6 collapse to the character (all but --- and a-a).
    loss = ctc_loss(torch.zeros(1, 3, 2), [[1]], [3])
    assert float(loss) == pytest.approx(-math.log(6 / 8))


def test_a_repeated_character_needs_the_blank_between() -> None:
    # Only a-a writes aa in three frames; the loss is per character.
    assert float(ctc_loss(torch.zeros(1, 3, 2), [[1, 1]], [3])) == pytest.approx(-math.log(1 / 8) / 2)


def test_an_empty_text_is_all_blanks() -> None:
    assert float(ctc_loss(torch.zeros(1, 3, 2), [[]], [3])) == pytest.approx(-math.log(1 / 8))


def test_a_text_that_does_not_fit_adds_nothing() -> None:
    logits = torch.zeros(2, 3, 2, requires_grad=True)
    loss = ctc_loss(logits, [[1, 1], [1]], [2, 3])
    assert float(loss.detach()) == pytest.approx(-math.log(6 / 8) / 2)
    loss.backward()
    assert logits.grad is not None and torch.isfinite(logits.grad).all() and not logits.grad[0].any()


def test_only_the_steps_of_its_own_width_count() -> None:
    logits = torch.zeros(1, 5, 2)
    logits[:, 3:, 1] = 50.0
    assert float(ctc_loss(logits, [[1]], [3])) == pytest.approx(-math.log(6 / 8))


def test_bfloat16_is_summed_in_float32() -> None:
    assert ctc_loss(torch.zeros(1, 3, 2, dtype=torch.bfloat16), [[1]], [3]).dtype == torch.float32


@pytest.mark.parametrize(
    ("ids", "lengths", "words"),
    [
        ([[1]], [4], "1 to 3 were expected"),
        ([[2]], [3], "1 to 1 were expected"),
        ([[0]], [3], "1 to 1"),
        ([], [], "0 texts"),
    ],
)
def test_what_does_not_fit_the_logits_is_refused(ids: list[list[int]], lengths: list[int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ctc_loss(torch.zeros(1, 3, 2), ids, lengths)
