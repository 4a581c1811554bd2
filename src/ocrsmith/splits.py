"""Splitting by hash: the same name always falls into the same split, whatever else is in the list.

A font family, a photograph or a word goes to train, validation or test by a hash of its own name, so that adding or
removing others moves nothing and a score is always on fonts, photographs and words that were never trained on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Literal, TypeVar

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

Item = TypeVar("Item")


def split_of(name: str, *, validation_share: float = 0.1, test_share: float = 0.1) -> Split:
    """Returns the split of `name`: uniform over names, stable over machines, processes and versions."""
    if validation_share < 0 or test_share < 0 or validation_share + test_share >= 1:
        raise ValueError(
            f"Shares were validation={validation_share}, test={test_share}; both must be >= 0 and sum below 1."
        )
    digest = hashlib.blake2b(name.encode("utf-8"), digest_size=8).digest()
    place = int.from_bytes(digest, "big") / 2**64
    if place < test_share:
        return "test"
    if place < test_share + validation_share:
        return "validation"
    return "train"


def select_split(
    items: Iterable[Item],
    split: Split,
    name_of: Callable[[Item], str],
    *,
    validation_share: float = 0.1,
    test_share: float = 0.1,
) -> list[Item]:
    """Keeps the items of one split, in their order.

    Lists too small to split (where `split` would come out empty) are returned whole: a user with two fonts trains and
    validates on both, since there is nothing to hold out.
    """
    everything = list(items)
    chosen = [
        item
        for item in everything
        if split_of(name_of(item), validation_share=validation_share, test_share=test_share) == split
    ]
    return chosen or everything
