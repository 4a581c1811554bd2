"""The C library's memory: kept while it is asked to, given back after."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

import pytest
import torch

from ocrsmith.training.kept_memory import kept_memory

PIECE_MIB = 64


def resident_mib() -> float:
    """What the process holds, as the kernel counts it."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="another C library than glibc"
)
def test_freed_memory_stays_and_is_given_back_at_the_end() -> None:
    before = resident_mib()
    with kept_memory():
        torch.ones(PIECE_MIB * 2**18)
        kept = resident_mib() - before
    left = resident_mib() - before
    assert kept > 0.9 * PIECE_MIB
    assert left < 0.5 * PIECE_MIB


def test_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with kept_memory():
        pass
