"""Channels of a convolution's input evened out before they are rounded, all to one step.

One range serves all channels of an activation, so that those with small values lose most of them. What a channel is
divided by is multiplied into the weights behind it, which have a step a row and lose less: SmoothQuant (Xiao et al.,
arXiv:2211.10438), equation 4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# How much of the differences goes to the weights; SmoothQuant's alpha.
MOVED = 0.6
# A channel that is nearly always 0 counts as one with this share of the largest.
_LEAST = 1e-3


def evening_factors(extremes: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """(I,) what to divide the channels of an input by, 1 in the geometric mean.

    Args:
        extremes: (I,) the largest magnitude in each channel.
        weights: (O, I, h, w) of the convolution.
    """
    of_inputs = _above_zero(extremes)
    of_weights = _above_zero(np.abs(weights).max(axis=(0, 2, 3)))
    factors = of_inputs**MOVED / of_weights ** (1 - MOVED)
    return np.asarray(factors / np.exp(np.log(factors).mean()), np.float32)


def _above_zero(extremes: NDArray[np.float32]) -> NDArray[np.float64]:
    largest = float(extremes.max())
    return np.maximum(extremes.astype(np.float64), _LEAST * largest if largest > 0 else 1.0)
