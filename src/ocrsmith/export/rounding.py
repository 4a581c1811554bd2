"""Weights on 255 levels, each rounding error made good by the weights that are rounded after it.

GPTQ (Frantar et al., arXiv:2210.17323): of the squared error of a layer's output, not of its weights, each step takes
the least that the weights left can still reach.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LARGEST = 127
# Of the mean of the products' diagonal, added to it: channels that are nearly always 0 stay as they are.
DAMPING = 0.01


@dataclass(frozen=True, eq=False)
class Rounded:
    """A layer's weights on levels.

    Attributes:
        weights: (O, N) float32, each a whole number of `scales` of its row.
        scales: (O,) float32.
        bias: (O,) float32, with what the rounding shifts on average taken back.
    """

    weights: NDArray[np.float32]
    scales: NDArray[np.float32]
    bias: NDArray[np.float32]


def nearest(weights: NDArray[np.float32], bias: NDArray[np.float32]) -> Rounded:
    """Each of the (O, N) weights on the nearest level of its row."""
    scales = _scales(weights)
    codes = np.clip(np.rint(weights / scales[:, None]), -LARGEST, LARGEST)
    return Rounded(np.asarray(codes * scales[:, None], np.float32), scales, bias)


def least_output_error(
    weights: NDArray[np.float32], bias: NDArray[np.float32], products: NDArray[np.float64]
) -> Rounded:
    """Levels near the (O, N) weights whose outputs differ least.

    Args:
        products: (N + 1, N + 1), the sum of x x^T over the layer's inputs x, a 1 behind each.
    """
    num = weights.shape[1]
    scales = _scales(weights)
    damped = products + np.diag([*np.full(num, DAMPING * max(np.diag(products)[:num].mean(), 1e-12)), 0.0])
    # The most used first, while others can still make good; the bias last, which is not rounded.
    order = np.array([*np.argsort(-np.diag(damped)[:num]), num])
    upper = np.linalg.cholesky(np.linalg.inv(damped[np.ix_(order, order)])).T
    left = np.concatenate([weights, bias[:, None]], axis=1).astype(np.float64)[:, order]
    rounded = np.empty_like(left)
    for place in range(num):
        codes = np.clip(np.rint(left[:, place] / scales), -LARGEST, LARGEST)
        rounded[:, place] = codes * scales
        error = (left[:, place] - rounded[:, place]) / upper[place, place]
        left[:, place + 1 :] -= error[:, None] * upper[place, place + 1 :]
    rounded[:, num] = left[:, num]
    found = np.empty_like(rounded)
    found[:, order] = rounded
    return Rounded(found[:, :num].astype(np.float32), scales, found[:, num].astype(np.float32))


def _scales(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """(O,) steps that reach each row's extreme."""
    return np.asarray(np.abs(weights).max(axis=1).clip(1e-8) / LARGEST, np.float32)
