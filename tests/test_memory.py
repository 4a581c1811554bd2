"""The C library's memory: kept while it is asked to, given back after."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

import pytest
import torch

import ocrsmith.memory as memory
from ocrsmith.memory import give_back_memory, kept_memory

PIECE_MIB = 64


def resident_mib() -> float:
    """What the process holds, as the kernel counts it."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="another C library than glibc"
)
def test_freed_memory_stays_and_is_given_back_at_the_end() -> None:
    give_back_memory()  # what other tests left free would be used again
    before = resident_mib()
    with kept_memory():
        torch.ones(PIECE_MIB * 2**18)
        kept = resident_mib() - before
    left = resident_mib() - before
    assert kept > 0.9 * PIECE_MIB
    assert left < 0.5 * PIECE_MIB


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="another C library than glibc"
)
def test_what_is_free_below_what_is_used_is_given_back() -> None:
    # Pieces below 128 KiB come from the heap itself; the last of them holds its end.
    pieces = [b"x" * (64 * 2**10) for _ in range(PIECE_MIB * 16)]
    last = pieces[-1]
    held = resident_mib()
    del pieces
    give_back_memory()
    assert held - resident_mib() > 0.8 * PIECE_MIB
    assert len(last) == 64 * 2**10


def test_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    memory._glibc.cache_clear()
    monkeypatch.setattr(sys, "platform", "win32")
    try:
        with kept_memory():
            pass
        give_back_memory()
        assert memory._glibc() is None
    finally:
        memory._glibc.cache_clear()
