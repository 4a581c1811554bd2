"""OpenCV through a fork: its threads end before, so that a child does not inherit a lock that nobody will open.

A thread of OpenCV's pool that is just going to sleep holds the pool's lock. A process forked in that moment has the
lock and not the thread, and waits for ever in its first large picture.
"""

from __future__ import annotations

import os

import cv2

_threads = 0


def stop_threads() -> None:
    """Ends the pool's threads and waits for them; what is drawn until `start_threads` is drawn by one thread."""
    global _threads
    _threads = cv2.getNumThreads()
    # With one OpenCV ends its threads at once, with none it keeps them.
    cv2.setNumThreads(1)


def start_threads() -> None:
    """Lets OpenCV have as many threads as before; they begin with the next large picture."""
    cv2.setNumThreads(_threads)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=stop_threads, after_in_parent=start_threads, after_in_child=start_threads)
