"""What comes behind the networks, in ms of processor time for 1,000 words, stage by stage.

    python benchmarks/postprocessing.py ../shared/eval/forms_funsd/images ../shared/eval/pages_pdf/images --pictures 8
    python benchmarks/postprocessing.py --drawn 4

--drawn N are pages of about a thousand words: A4 at 200 dpi, packaged words in a packaged font.
Each picture is read once by the networks, then again and again with what they gave, on one thread; of each stage the
least of the repetitions counts. Characters' quads, which are made when they are asked for, are not in it, nor is what
lies before the networks (decoding the file, resizing, crops).
"""

from __future__ import annotations

import argparse
import itertools
import lzma
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
from PIL import Image, ImageDraw, ImageFont
from reading_worker import ReplayedEngine, Stopwatch, decoded, pictures_in

import ocrsmith

STAGES = (
    "maps to boxes",
    "classes to paths",
    "paths to texts",
    "spaces in ink",
    "places",
    "word edges",
    "words, lines, order",
)


def watched(bundle: str, engine: str) -> tuple[Any, dict[str, Stopwatch]]:
    """A reader whose engines can replay and whose stages are timed."""
    from ocrsmith import Reader
    from ocrsmith.reading import decoding, recognizing

    reader: Any = Reader(bundle, engine=engine, threads=1)
    watches = {stage: Stopwatch() for stage in STAGES}
    if reader._detector is not None:
        reader._detector.engine = ReplayedEngine(reader._detector.engine)
    reader._recognizer.engine = ReplayedEngine(reader._recognizer.engine)
    owners = (reader._detector, decoding, decoding, recognizing, recognizing, recognizing, reader)
    names = (
        "boxes_with_faint", "greedy_path", "collapse", "correct_texts", "place_texts", "move_to_gaps", "_arranged"
    )  # fmt: skip
    for owner, name, stage in zip(owners, names, STAGES, strict=True):
        if owner is not None:
            setattr(owner, name, watches[stage].around(getattr(owner, name)))
    return reader, watches


def stage_seconds(reader: Any, watches: dict[str, Stopwatch], path: Path, repetitions: int) -> tuple[Counter[str], int]:
    """(the least seconds of each stage, words) of one picture."""
    image = decoded(str(path), None, None)
    engines = [part.engine for part in (reader._detector, reader._recognizer) if part is not None]
    least: Counter[str] = Counter()
    for repetition in range(repetitions + 1):
        for one in engines:
            one.start(replays=repetition > 0)
        for watch in watches.values():
            watch.seconds = 0.0
        page = reader.read(image)
        for stage, watch in watches.items():
            # The first reading is the networks' own.
            least[stage] = watch.seconds if repetition < 2 else min(least[stage], watch.seconds)
    return least, len(page.words)


def draw_pages(folder: Path, count: int) -> list[Path]:
    """Pages of 55 lines of words in one column, each of words of its own."""
    assets = Path(ocrsmith.__file__).parent / "assets"
    with lzma.open(assets / "words" / "english.tsv.xz", "rt", encoding="utf-8") as file:
        # The commonest: words as long as in any text.
        vocabulary = [line.split("\t")[0] for line in itertools.islice(file, 5000)]
    font = ImageFont.truetype(str(assets / "fonts" / "files" / "AlbertSans-Regular.ttf"), 22)
    paths = []
    for number in range(count):
        words = iter(random.Random(number).choices(vocabulary, k=2000))
        page = Image.new("RGB", (1654, 2339), "white")
        draw = ImageDraw.Draw(page)
        for line in range(55):
            left = 100.0
            for word in words:
                width = draw.textlength(word + " ", font)
                if left + width > 1554:
                    break
                draw.text((left, 120 + 38 * line), word, "black", font)
                left += width
        paths.append(folder / f"{number}.png")
        page.save(paths[-1])
    return paths


def row(name: str, seconds: Counter[str], words: int) -> str:
    """A row of the table: ms for 1,000 words of all stages, then of each."""
    numbers = [sum(seconds.values()), *(seconds[stage] for stage in STAGES)]
    return (
        f"| {name} ({words} words) | " + " | ".join(f"{1e6 * number / max(1, words):.1f}" for number in numbers) + " |"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a table with a row for each folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, help="of pictures")
    parser.add_argument("--drawn", type=int, default=0, help="so many drawn pages of a thousand words")
    parser.add_argument("--pictures", type=int, default=8, help="the first so many of each folder")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--bundle", default="english")
    parser.add_argument("--engine", default="auto")
    given = parser.parse_args(arguments)
    groups = {str(folder): pictures_in(folder)[: given.pictures] for folder in given.folders}
    cv2.setNumThreads(1)
    reader, watches = watched(given.bundle, given.engine)
    print("| ms for 1,000 words | all | " + " | ".join(STAGES) + " |")
    print("|---" * (len(STAGES) + 2) + "|")
    with tempfile.TemporaryDirectory() as place:
        if given.drawn:
            groups["drawn pages"] = draw_pages(Path(place), given.drawn)
        for name, paths in groups.items():
            total: Counter[str] = Counter()
            words = 0
            for path in paths:
                seconds, count = stage_seconds(reader, watches, path, given.repetitions)
                total.update(seconds)
                words += count
            print(row(name, total, words), flush=True)


if __name__ == "__main__":
    main()
