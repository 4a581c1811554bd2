"""How fast the text world is, on one core, beside its peers.

    python benchmarks/synthesis.py
    python benchmarks/synthesis.py --seconds 20 --peer trdg=envs/trdg/bin/python \
        --peer synthtiger=envs/synthtiger/bin/python --peer keras-ocr=envs/keras-ocr/bin/python

Prints, for one process with one thread: line crops a second at 32 px, 640x640 photo scenes a second with and without
CRAFT maps, and A4 pages at 150 dpi with a quad for every character, all with effects as in training, each with the peak
memory of the process that made it. Rates are of processor time, so that other work on the machine counts little; the
wall clock's rate stands beside. Each world runs warm-up draws first, as a training run does within its first minute: of
the photo scenes so many that seven of eight packaged photographs have been decoded, since all of them stay in memory.

A peer runs in its own environment, on the same fonts, pictures and words, where --peer names its Python; what it is
asked to do stands in peer_generators.py. The environments, with Python 3.11 (`python3.11 -m venv envs/NAME`, then
`envs/NAME/bin/pip install` ...):

    trdg         trdg==1.8.0 "pillow<10" "numpy<2" "opencv-python-headless<4.12" "setuptools<81"
    synthtiger   synthtiger==1.2.1 "pillow<10" "numpy<1.24" "opencv-python<4.10" "scipy<1.12"
    keras-ocr    keras-ocr==0.9.3 tensorflow-cpu==2.15.1 "numpy<1.24" "pillow<10" "opencv-python-headless<4.10"

SynthTIGER needs the system's libraqm (Debian: apt install libraqm0) where Pillow comes without it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ocrsmith.alphabet import Alphabet
from ocrsmith.data.craft_targets import craft_targets
from ocrsmith.data.drawing import calm_worker
from ocrsmith.images import read_image, write_image
from ocrsmith.settings import package_assets_dir, processor_name
from ocrsmith.synth.backgrounds import Backgrounds
from ocrsmith.synth.corpus import text_generator
from ocrsmith.synth.degradations import degradation_policy
from ocrsmith.synth.dictionary_text import packaged_words
from ocrsmith.synth.fonts import find_fonts
from ocrsmith.synth.lines import LineScene
from ocrsmith.synth.page_settings import PageSettings
from ocrsmith.synth.pages import DocumentScene
from ocrsmith.synth.scenes import PageScene
from ocrsmith.synth.world import World

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.,:;!?-'()/&%#"
PEERS = ("trdg", "synthtiger", "keras-ocr")
DEGRADATION = 0.6
# 600 draws take 420 photographs out of 202.
_PHOTO_WARM_UP = 600
# What peers are given; all of it would take SynthTIGER minutes to read.
SHARED_FONTS, SHARED_PICTURES, SHARED_WORDS = 60, 60, 20_000


@dataclass(frozen=True)
class Work:
    """One figure of ours: the world's scene, what is made of a sample, and draws before the measure."""

    detail: str
    scene: Callable[[dict[str, Any]], Any]
    finish: Callable[[Any], object]
    warm_up: int


def _photo_scene(given: dict[str, Any]) -> PageScene:
    return PageScene(given["texts"], given["fonts"], given["backgrounds"], degrade=degradation_policy(DEGRADATION))


def _a4_scene(given: dict[str, Any]) -> DocumentScene:
    # The whole sheet at 150 dpi; receipts have paper of their own.
    settings = PageSettings(width=1240, height=1754, dpi=(150, 150), sheets=("a4",), whole_share=0, receipt=0)
    return DocumentScene(**given, settings=settings, degrade=degradation_policy(DEGRADATION))


WORKS = {
    "line crops": Work(
        "32 px high",
        lambda given: LineScene(given["texts"], given["fonts"], given["backgrounds"]),
        lambda sample: len(sample.text),
        4000,
    ),
    "640x640 scenes": Work(
        "with character quads", _photo_scene, lambda page: sum(len(i.text) for i in page.instances), _PHOTO_WARM_UP
    ),
    "640x640 scenes with CRAFT maps": Work(
        "with character quads",
        _photo_scene,
        lambda page: (craft_targets(page.instances, 640, 640), sum(len(i.text) for i in page.instances))[1],
        _PHOTO_WARM_UP,
    ),
    "A4 pages": Work(
        "150 dpi, with character quads", _a4_scene, lambda page: sum(len(i.text) for i in page.instances), 20
    ),
}


def peak_memory_mb() -> float:
    """The largest resident size so far, MB (ru_maxrss is in KB on Linux, in bytes on macOS)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def materials() -> dict[str, Any]:
    """What every world is made of."""
    alphabet = Alphabet(ALPHABET + " ")
    return {
        "texts": text_generator({"kind": "words"}, alphabet),
        "fonts": find_fonts(["builtin"], alphabet),
        "backgrounds": Backgrounds(),
    }


def measure(name: str, seconds: float, warm_up: float) -> dict[str, Any]:
    """One figure, in a process of its own, so that its peak memory is its own."""
    calm_worker()
    work = WORKS[name]
    world: World[Any] = World([(work.scene(materials()), 1.0)], seed=1)
    first = round(work.warm_up * warm_up)
    for index in range(first):
        work.finish(world[index])
    made = characters = 0
    start, wall = time.process_time(), time.perf_counter()
    while time.process_time() - start < seconds:
        characters += int(work.finish(world[first + made]))  # type: ignore[call-overload]
        made += 1
    used, passed = time.process_time() - start, time.perf_counter() - wall
    return {
        "per_second": made / used,
        "by_clock": made / passed,
        "characters": characters / made,
        "peak_mb": peak_memory_mb(),
        "tally": str(world.tally),
    }


def ours(names: list[str], seconds: float, warm_up: float) -> dict[str, float]:
    """Rates of this package's worlds; prints them as it goes."""
    rates: dict[str, float] = {}
    for name in names:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            found = pool.apply(measure, (name, seconds, warm_up))
        rates[name] = found["per_second"]
        print(
            f"  {name} ({WORKS[name].detail}, {found['characters']:,.0f} characters each, effects on): "
            f"{found['per_second']:,.1f} a second ({found['by_clock']:,.1f} by the clock), "
            f"peak memory {found['peak_mb']:,.0f} MB; {found['tally']}",
            flush=True,
        )
    return rates


def share_resources(folder: Path) -> None:
    """Fonts with lists of their characters, pictures and words for the peers, in the layout that all of them read."""
    faces = [face for face in find_fonts(["builtin"], ALPHABET) if face.index == 0 and face.path.suffix == ".ttf"]
    pictures = sorted((package_assets_dir() / "backgrounds" / "files").glob("*.webp"))
    for name in ("fonts", "pictures"):
        (folder / name).mkdir()
    for face in faces[:: max(1, len(faces) // SHARED_FONTS)][:SHARED_FONTS]:
        shutil.copy(face.path, folder / "fonts")
        (folder / "fonts" / face.path.with_suffix(".txt").name).write_text(ALPHABET, encoding="utf-8")
    for path in pictures[:: max(1, len(pictures) // SHARED_PICTURES)][:SHARED_PICTURES]:
        write_image(folder / "pictures" / f"{path.stem}.jpg", read_image(path))
    words = [word for word in packaged_words()[0] if set(word) <= set(ALPHABET)][:SHARED_WORDS]
    (folder / "words.txt").write_text("\n".join(words), encoding="utf-8")


def peer(name: str, python: str, resources: Path, seconds: float, rates: dict[str, float]) -> None:
    """Runs one peer in its interpreter and prints its rates with ours over them."""
    variables = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    script = Path(__file__).with_name("peer_generators.py")
    command = [python, str(script), name, str(resources), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
    for line in done.stdout.splitlines():
        if not line.startswith('{"what"'):
            continue
        row = json.loads(line)
        beside = rates.get(row["what"])
        ratio = "" if beside is None else f"; ocrsmith makes {beside / row['per_second']:,.1f} times as many"
        detail = f" ({row['detail']})" if row["detail"] else ""
        print(
            f"  {name}: {row['what']}{detail}: {row['per_second']:,.1f} a second, "
            f"peak memory {row['peak_mb']:,.0f} MB{ratio}",
            flush=True,
        )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"  {name}: ended early in {python} ({reason})")


def main() -> None:
    """Parses the command line and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="processor time spent on each figure")
    parser.add_argument("--warm-up", type=float, default=1.0, help="times the usual draws before measuring")
    parser.add_argument("--only", action="append", choices=list(WORKS), help="this figure of ours alone")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON", help=", ".join(PEERS))
    options = parser.parse_args()
    peers = [pair.partition("=")[::2] for pair in options.peer]
    for name, python in peers:
        if name not in PEERS or not python:
            parser.error(f"--peer {name}={python}: one of {', '.join(PEERS)}, then = and its Python, is expected")
    print(
        f"{processor_name()}, one core; Python {platform.python_version()}, NumPy {np.__version__}, "
        f"OpenCV {cv2.__version__}",
        flush=True,
    )
    rates = ours(options.only or list(WORKS), options.seconds, options.warm_up)
    if peers:
        with tempfile.TemporaryDirectory() as folder:
            share_resources(Path(folder))
            for name, python in peers:
                peer(name, python, Path(folder), options.seconds, rates)


if __name__ == "__main__":
    main()
