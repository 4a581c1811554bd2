"""Shares of a run's time, by hand."""

from __future__ import annotations

import pytest

from ocrsmith.training.schedule import Budget, training_seconds


@pytest.mark.parametrize(
    ("total", "spent", "share", "expected"),
    [
        (1000, 120, 0.5, 400),  # 80 kept for export and scores
        (1000, 120, 1.0, 800),
        (36000, 0, 1.0, 35880),  # never more than 120 kept
        (30, 0, 1.0, 25),  # never less than 5
        (60, 58, 0.5, 5),  # the time is gone: a little all the same
    ],
)
def test_a_training_gets_its_share_of_what_is_left(total: float, spent: float, share: float, expected: float) -> None:
    assert training_seconds(total, spent, share) == pytest.approx(expected)


def test_a_training_leaves_time_to_round_its_bundle() -> None:
    assert training_seconds(3600, 120, 1.0) - training_seconds(3600, 120, 1.0, rounds=True) == pytest.approx(130)
    # A short run keeps a fifth of itself for it.
    assert training_seconds(100, 0, 1.0, rounds=True) == pytest.approx(100 - 8 - 20)


def test_a_budget_is_used_up_by_whichever_ends_first() -> None:
    budget = Budget(steps=100, seconds=10.0)
    assert budget.used(50, 1.0) == 0.5
    assert budget.used(50, 9.0) == 0.9
    assert budget.used(200, 0.0) == 1.0
    with pytest.raises(ValueError, match="one at least"):
        Budget()
