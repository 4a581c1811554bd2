"""Processes that are forked while OpenCV has threads."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrsmith import forks


def draw() -> None:
    cv2.GaussianBlur(np.zeros((2000, 2000, 3), np.uint8), (31, 31), 5)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads are counted in /proc")
def test_threads_end_and_may_begin_again() -> None:
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(3)
        draw()
        running = len(list(Path("/proc/self/task").iterdir()))
        forks.stop_threads()
        assert len(list(Path("/proc/self/task").iterdir())) == running - 2
        forks.start_threads()
        assert cv2.getNumThreads() == 3
        draw()
        assert len(list(Path("/proc/self/task").iterdir())) == running
    finally:
        cv2.setNumThreads(before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_children_draw_however_often_they_are_forked() -> None:
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(2)
        for _ in range(20):
            draw()
            child = os.fork()
            if child == 0:  # pragma: no cover
                draw()
                os._exit(0 if cv2.getNumThreads() == 2 else 1)
            assert os.waitpid(child, 0)[1] == 0
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)
