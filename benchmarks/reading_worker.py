"""One reader in a process of its own, for `reading.py`: a command a line comes in, an answer a line goes out.

Needs NumPy, Pillow and the reader that it is started for, nothing of ocrsmith beside a peer.

    {"open": NAME, "threads": 2, "engine": "auto", "bundle": "english", "watched": true}
        ->  {"version": "3.10.0"}
    {"read": PATH, "megapixels": null, "beside": true, "odd": null}
        ->  {"seconds": 0.61, "words": 133, "beside": {"all": 0.02, "behind": 0.01, "ink": 0.004}}
    {"memory": true}
        ->  {"now_mb": 210.0, "peak_mb": 260.0}
    {"quit": true}

`seconds` is of the reader's own call on a decoded picture; "megapixels" resizes the picture first, the number "odd"
cuts a part out of it. "beside" reads the picture again with what the networks gave the first time, in ocrsmith where
it was opened "watched", and times what is not theirs. What cannot be done is answered by {"error": why}.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

PACKAGES = {"RapidOCR": "rapidocr", "EasyOCR": "easyocr", "docTR": "python-doctr", "OnnxTR": "onnxtr"}
PARTS = ("_detector", "_recognizer")
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}


class ReplayedEngine:
    """An engine whose outputs are kept, and given again in turn without the network when `replays` is set."""

    def __init__(self, engine: Any) -> None:
        self.engine, self.name, self.num_streams = engine, engine.name, engine.num_streams
        self.outputs: list[NDArray[np.float32]] = []
        self.replays, self.next = False, 0

    def run(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        """As the engine's own."""
        if not self.replays:
            self.outputs.append(self.engine.run(array))
            return self.outputs[-1]
        self.next += 1
        return self.outputs[self.next - 1]

    def run_each(self, arrays: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """As the engine's own, side by side where it does so."""
        if self.replays:
            yield from map(self.run, arrays)
            return
        for output in self.engine.run_each(arrays):
            self.outputs.append(output)
            yield output

    def release_buffers(self) -> None:
        """As the engine's own."""
        self.engine.release_buffers()

    def start(self, *, replays: bool) -> None:
        """From the first call of a picture on: the network again, or what it gave."""
        self.replays, self.next = replays, 0
        if not replays:
            self.outputs = []


class Stopwatch:
    """Adds up the processor time of the functions that it is put round."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, timed."""

        @functools.wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            began = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds += time.process_time() - began

        return timed


# What comes behind the networks: a detector's maps to boxes on the page; a recogniser's classes to texts with their
# characters' places; words on the page, calibrated, in lines, in order. The second counts the third in.
BEHIND, INK = Stopwatch(), Stopwatch()


def watch(reader: Any) -> None:
    """Puts the stopwatches round an ocrsmith reader's post-processing, and ReplayedEngine round its engines."""
    from ocrsmith.reading import decoding, recognizing

    if reader._detector is not None:
        reader._detector.engine = ReplayedEngine(reader._detector.engine)
        reader._detector.boxes_with_faint = BEHIND.around(reader._detector.boxes_with_faint)
    if reader._recognizer is not None:
        reader._recognizer.engine = ReplayedEngine(reader._recognizer.engine)
        # The network runs while its batches are decoded.
        for part, name in ((decoding, "greedy_path"), (decoding, "collapse"), (recognizing, "place_texts")):
            setattr(part, name, BEHIND.around(getattr(part, name)))
    for name in ("correct_texts", "move_to_gaps"):
        setattr(recognizing, name, BEHIND.around(INK.around(getattr(recognizing, name))))
    reader._arranged = BEHIND.around(reader._arranged)


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder by name; ends the program where there are none."""
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        sys.exit(f"{folder} holds no pictures.")
    return found


def decoded(path: str, megapixels: float | None, odd: int | None) -> NDArray[np.uint8]:
    """(H, W, 3) RGB."""
    with Image.open(path) as opened:
        picture = ImageOps.exif_transpose(opened).convert("RGB")
    if odd is not None:
        picture = odd_part(picture, odd)
    if megapixels is not None:
        factor = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
        size = (round(picture.width * factor), round(picture.height * factor))
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    return np.asarray(picture)


def odd_part(picture: Image.Image, seed: int) -> Image.Image:
    """A part of a picture, 0.3 to 0.9 of each side, in 0.6 to 1.3 of its size."""
    rng = np.random.default_rng(seed)
    width, height = (max(1, round(side * rng.uniform(0.3, 0.9))) for side in picture.size)
    left, top = (int(rng.integers(0, whole - part + 1)) for whole, part in zip(picture.size, (width, height)))
    factor = rng.uniform(0.6, 1.3)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return picture.resize(size, Image.Resampling.BILINEAR, (left, top, left + width, top + height))


def open_reader(form: dict[str, Any]) -> tuple[Any, str]:
    """(reader, its version and engine)."""
    name = form["open"]
    if name == "ocrsmith":
        from ocrsmith import Reader, __version__

        reader = Reader(form["bundle"], engine=form["engine"], threads=form["threads"])
        if form["watched"]:
            watch(reader)
        return reader, f"{__version__}, {' and '.join(sorted({engine.name for engine in engines(reader)}))}"
    from peers import PEERS

    reader = PEERS[name](form["threads"])
    if name == "Tesseract":
        return reader, str(reader._module.get_tesseract_version())
    try:
        return reader, version(PACKAGES[name])
    except PackageNotFoundError:
        return reader, "?"


def engines(reader: Any) -> list[Any]:
    """An ocrsmith reader's engines; none of another."""
    return [part.engine for part in (getattr(reader, name, None) for name in PARTS) if part is not None]


def read(reader: Any, form: dict[str, Any]) -> dict[str, Any]:
    """Reads one picture; "beside" is what was timed without the networks, null where they are not watched."""
    image = decoded(form["read"], form.get("megapixels"), form.get("odd"))
    networks = [engine for engine in engines(reader) if isinstance(engine, ReplayedEngine)]
    for engine in networks:
        engine.start(replays=False)
    began = time.perf_counter()
    page = reader.read(image)
    seconds = time.perf_counter() - began
    words = sum(len(word.text.split()) for word in page.words)
    beside = without_networks(reader, image, networks) if networks and form.get("beside") else None
    return {"seconds": seconds, "words": words, "beside": beside}


def without_networks(reader: Any, image: NDArray[np.uint8], networks: list[Any]) -> dict[str, float]:
    """Seconds of processor time, the least of three: "all" without the networks, "behind" them, and "ink" in that."""
    least: dict[str, float] = {}
    for _ in range(3):
        for engine in networks:
            engine.start(replays=True)
        BEHIND.seconds = INK.seconds = 0.0
        began = time.process_time()
        reader.read(image)
        taken = {"all": time.process_time() - began, "behind": BEHIND.seconds, "ink": INK.seconds}
        least = {key: min(value, least.get(key, value)) for key, value in taken.items()}
    return least


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
            answer = {"error": f"it cannot be used here ({error})"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    # Readers print to standard output as they like: it becomes standard error.
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    serve(sys.stdin, channel)
