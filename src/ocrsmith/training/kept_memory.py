"""Memory that the C library keeps between two training steps instead of giving it back to the system."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Iterator

# mallopt's own numbers (malloc.h) and its defaults (mallopt(3)).
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_KEEPING = {_M_TRIM_THRESHOLD: -1, _M_TOP_PAD: 256 * 2**20, _M_MMAP_MAX: 0}
_USUAL = {_M_TRIM_THRESHOLD: 128 * 2**10, _M_TOP_PAD: 128 * 2**10, _M_MMAP_MAX: 65536}


@contextlib.contextmanager
def kept_memory() -> Iterator[None]:
    """Freed memory stays with the process while this lasts; where the C library is not glibc nothing changes.

    A feature map of a large picture is otherwise a piece of its own, which the system takes back at once and hands out
    again page by page, cleared: a thirteenth of the time of a CRAFT step.
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if library is None or not hasattr(library, "mallopt") or not hasattr(library, "malloc_trim"):
        yield
        return
    _set(library, _KEEPING)
    try:
        yield
    finally:
        _set(library, _USUAL)
        library.malloc_trim(ctypes.c_size_t(0))


def _set(library: ctypes.CDLL, options: dict[int, int]) -> None:
    for option, value in options.items():
        library.mallopt(ctypes.c_int(option), ctypes.c_int(value))
