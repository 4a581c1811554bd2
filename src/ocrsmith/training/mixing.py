"""Mixtures of the start's weights and the tuned ones: what was learnt is kept with less of what was known lost.

Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022, section 3: along the straight line between the
weights of a network before and after fine-tuning, the scores on old data fall late and those on new data rise early.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

State = dict[str, Tensor]

# How much of the way to the tuned weights is gone where no old pictures say what it costs. The paper's advice, half,
# cost old pictures 1.1 points of F in one training of two; three tenths 0.2.
UNWATCHED_SHARE = 0.3
# A recogniser's last layer, a row a class.
_HEAD = ("head.weight", "head.bias")


@dataclass(frozen=True)
class Mixture:
    """One mixture and its scores.

    Attributes:
        share: of the tuned weights, the rest is the start's; 1 is the fine-tuning as it is.
        score: the validation score. forgotten: beyond what may be, on the old set that lost most.
    """

    share: float
    score: float
    forgotten: float = 0.0

    def to_dict(self) -> dict[str, float]:
        """A JSON-able form."""
        return asdict(self)


@dataclass(frozen=True)
class Mixing:
    """Which mixtures are tried at the end of a fine-tuning, and how one is chosen.

    Attributes:
        shares: of the tuned weights, each above 0 and at most 1.
        watched: whether old real pictures are among what is scored. If not, nothing says what the whole way costs.
        new_classes: ids of a recogniser's characters that the start did not write; their rows of the head are the tuned
            ones.
    """

    shares: tuple[float, ...] = (1.0,)
    watched: bool = False
    new_classes: tuple[int, ...] = ()

    def mixed(self, start: State, tuned: State, share: float) -> State:
        """(1 - share) * start + share * tuned of every tensor, running statistics of normalisations among them.

        Whole numbers (counters) are the tuned ones.
        """
        rows = list(self.new_classes)
        state: State = {}
        for name, value in tuned.items():
            state[name] = value
            if value.is_floating_point() and share < 1:
                state[name] = torch.lerp(start[name].to(value), value, share)
                if rows and name in _HEAD:
                    state[name][rows] = value[rows]
        return state

    def choose(self, tried: Sequence[Mixture], start_score: float) -> Mixture:
        """The mixture to keep, which may still be worse than the start.

        Of those that forget no more than they may, or of all where none does so: the best by score; unwatched, the
        best of those that go three tenths of the way at most, unless none of these betters the start.
        """
        allowed = [one for one in tried if one.forgotten <= 0] or list(tried)
        if not self.watched:
            gentle = [one for one in allowed if one.share <= UNWATCHED_SHARE and one.score > start_score]
            allowed = gentle or allowed
        return max(allowed, key=lambda one: (one.score, -one.share))
