"""Where files are kept, how many threads are used, each from one environment variable or its default; the machine."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def cache_dir() -> Path:
    """Downloads and generated files: $OCRSMITH_CACHE_DIR, else $XDG_CACHE_HOME/ocrsmith, else ~/.cache/ocrsmith."""
    named = os.environ.get("OCRSMITH_CACHE_DIR")
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base).expanduser() if base else Path.home() / ".cache") / "ocrsmith"


def num_threads() -> int:
    """Threads for inference: $OCRSMITH_THREADS, else the processors this process may use, at most 16.

    Bounded because OpenCV and ONNX Runtime otherwise take every core of the host, also inside a container that was
    given four of ninety-six (keras-ocr issue 55).
    """
    named = os.environ.get("OCRSMITH_THREADS", "")
    if named.isdigit() and int(named) > 0:
        return int(named)
    try:
        available = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no affinity call
        available = os.cpu_count() or 1
    return max(1, min(available, 16))


def processor_name() -> str:
    """The processor as its maker calls it, where the system says so."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def package_assets_dir() -> Path:
    """The folder of fonts, backgrounds, words and bundles inside the package."""
    return Path(__file__).parent / "assets"
