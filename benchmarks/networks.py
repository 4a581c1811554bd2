"""How long a bundle's networks take by themselves: the detector at 640x640, the recogniser a crop in its own batches.

    python benchmarks/networks.py ../shared/eval/words_iiit5k/images

Wall time in ms, the least and the median of the repetitions, after two that are not counted, in which engines make the
kernels of each shape. Resizing, cutting into batches and decoding are not in it. Needs an idle machine.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ocrsmith import Reader
from ocrsmith.images import read_image
from ocrsmith.reading.engines import Engine
from ocrsmith.reading.recognizing import CropRecognizer
from ocrsmith.samples import Image


class KeptInputs(Engine):
    """An engine that keeps what it is given."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.name, self.num_streams = engine, engine.name, engine.num_streams
        self.inputs: list[NDArray[np.float32]] = []

    def run(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        """As the engine's own."""
        self.inputs.append(array)
        return self.engine.run(array)


def recognizer_inputs(recognizer: CropRecognizer, crops: Sequence[Image]) -> list[NDArray[np.float32]]:
    """The batches (B, 3, H, W) that a recogniser makes of crops."""
    engine = recognizer.engine
    kept = recognizer.engine = KeptInputs(engine)
    recognizer.recognize(crops)
    recognizer.engine = engine
    return kept.inputs


def milliseconds(work: Callable[[], object], repetitions: int) -> tuple[float, float]:
    """(least, median) of the wall times of the repetitions, after two that are not counted."""
    times = []
    for repetition in range(repetitions + 2):
        began = time.perf_counter()
        work()
        if repetition >= 2:
            times.append(1000 * (time.perf_counter() - began))
    return min(times), statistics.median(times)


def rows(reader: Reader, crops: Sequence[Image], repetitions: int) -> Iterator[str]:
    """A line for each network of a reader."""
    if reader._detector is not None:
        noise = np.random.default_rng(0).standard_normal((1, 3, 640, 640)).astype(np.float32)
        detector = reader._detector.engine
        least, median = milliseconds(lambda: detector.run(noise), repetitions)
        yield f"detector, 640x640, {detector.name}: {least:.1f} ms least, {median:.1f} ms median"
    if reader._recognizer is not None:
        inputs = recognizer_inputs(reader._recognizer, crops)
        recognizer = reader._recognizer.engine
        found = milliseconds(lambda: list(recognizer.run_each(inputs)), repetitions)
        least, median = (each / len(crops) for each in found)
        yield (
            f"recogniser, a crop of {len(crops)} in {len(inputs)} batches, {recognizer.name}: "
            f"{least:.2f} ms least, {median:.2f} ms median"
        )


def pictures(folder: Path) -> Iterable[Image]:
    """The folder's pictures in the order of their names."""
    return (read_image(path) for path in sorted(folder.iterdir()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a line for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of crops")
    parser.add_argument("--bundle", default="english")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=9)
    given = parser.parse_args(arguments)
    reader = Reader(given.bundle, engine=given.engine, threads=given.threads)
    for line in rows(reader, list(pictures(given.folder)), given.repetitions):
        print(line, flush=True)


if __name__ == "__main__":
    main()
