"""The last layer of a CTC recogniser, and how it follows a change of alphabet."""

from __future__ import annotations

import torch
from torch import nn

from ocrsmith.alphabet import Alphabet


def head_for_alphabet(head: nn.Linear, old: Alphabet, new: Alphabet) -> nn.Linear:
    """A head for `new` that keeps the rows of the blank and of every character that `old` has too.

    Rows of characters that are new are drawn as nn.Linear draws them; their bias is the lowest of the kept ones, so
    that a new character does not win before it is learnt.
    """
    own, others = (torch.from_numpy(ids) for ids in new.shared_ids(old))
    fresh = nn.Linear(head.in_features, new.num_classes).to(head.weight)
    with torch.no_grad():
        fresh.bias.fill_(float(head.bias[others].min()))
        fresh.weight[own] = head.weight[others]
        fresh.bias[own] = head.bias[others]
    return fresh
