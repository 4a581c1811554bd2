"""One reader in a process of its own, for `reading.py`: a command a line comes in, an answer a line goes out.

Needs NumPy, Pillow and the reader that it is started for, nothing of ocrsmith beside a peer.

    {"open": NAME, "threads": 2, "engine": "auto", "bundle": "english"}
        ->  {"version": "3.10.0"}
    {"read": PATH, "megapixels": null}
        ->  {"seconds": 0.61, "words": 133, "beside": 0.02}
    {"memory": true}
        ->  {"now_mb": 210.0, "peak_mb": 260.0}
    {"quit": true}

`seconds` is of the reader's own call on a decoded picture; "megapixels" resizes the picture first. What cannot be done
is answered by {"error": why}.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

PACKAGES = {"RapidOCR": "rapidocr", "EasyOCR": "easyocr", "docTR": "python-doctr", "OnnxTR": "onnxtr"}
PARTS = ("_detector", "_recognizer")


class TimedEngine:
    """An engine that adds up the seconds it ran."""

    def __init__(self, engine: Any) -> None:
        self.engine, self.name, self.seconds = engine, engine.name, 0.0

    def run(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        """As the engine's own."""
        began = time.perf_counter()
        output: NDArray[np.float32] = self.engine.run(array)
        self.seconds += time.perf_counter() - began
        return output


def decoded(path: str, megapixels: float | None) -> NDArray[np.uint8]:
    """(H, W, 3) RGB."""
    with Image.open(path) as opened:
        picture = ImageOps.exif_transpose(opened).convert("RGB")
    if megapixels is not None:
        factor = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
        size = (round(picture.width * factor), round(picture.height * factor))
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    return np.asarray(picture)


def open_reader(form: dict[str, Any]) -> tuple[Any, str]:
    """(reader, its version and engine)."""
    name = form["open"]
    if name == "ocrsmith":
        from ocrsmith import Reader, __version__

        reader = Reader(form["bundle"], engine=form["engine"], threads=form["threads"])
        parts = [part for part in (reader._detector, reader._recognizer) if part is not None]
        for part in parts:
            part.engine = TimedEngine(part.engine)  # type: ignore[assignment]
        return reader, f"{__version__}, {' and '.join(sorted({part.engine.name for part in parts}))}"
    from peers import PEERS

    reader = PEERS[name](form["threads"])
    if name == "Tesseract":
        return reader, str(reader._module.get_tesseract_version())
    try:
        return reader, version(PACKAGES[name])
    except PackageNotFoundError:
        return reader, "?"


def read(reader: Any, form: dict[str, Any]) -> dict[str, Any]:
    """Reads one picture; "beside" is the time that the networks did not take, null where that is not known."""
    image = decoded(form["read"], form.get("megapixels"))
    networks = [part.engine for part in (getattr(reader, name, None) for name in PARTS) if part is not None]
    before = sum(engine.seconds for engine in networks)
    began = time.perf_counter()
    page = reader.read(image)
    seconds = time.perf_counter() - began
    words = sum(len(word.text.split()) for word in page.words)
    beside = seconds - sum(engine.seconds for engine in networks) + before if networks else None
    return {"seconds": seconds, "words": words, "beside": beside}


def memory() -> dict[str, float]:
    """MB held now and at most so far; the programs that a reader starts count by the largest of them."""
    gc.collect()
    status = Path("/proc/self/status")
    if not status.is_file():
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
        return {"now_mb": peak, "peak_mb": peak}
    # getrusage would count what the starting process held before the program was loaded.
    rows = dict(line.split(":", 1) for line in status.read_text("ascii").splitlines())
    now, peak = (int(rows[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM"))
    return {"now_mb": now, "peak_mb": max(peak, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)}


def serve(commands: IO[str], answers: IO[str]) -> None:
    """Answers until it is told to quit or nothing more comes."""
    reader: Any = None
    for line in commands:
        form = json.loads(line)
        if "quit" in form:
            return
        try:
            if "open" in form:
                reader, named = open_reader(form)
                answer: dict[str, Any] = {"version": named}
            elif "read" in form:
                answer = read(reader, form)
            else:
                answer = dict(memory())
        except ImportError as error:
            answer = {"error": f"not installed here ({error})"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    # Readers print to standard output as they like: it becomes standard error.
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    serve(sys.stdin, channel)
