"""How fast the text world is, on one core, beside its peers.

    python benchmarks/synthesis.py
    python benchmarks/synthesis.py --seconds 20 --peer trdg=envs/trdg/bin/python --peer keras-ocr=envs/k/bin/python

Prints, for one process with one thread: line crops a second at 32 px and 640x640 photo scenes a second, both with
effects as in training, and the peak memory. Rates are of processor time, so that other work on the machine does not
count; the wall clock's rate stands beside. Each world runs warm-up draws first, as a training run does within seconds.

A peer is run in its own interpreter (--peer NAME=PYTHON; trdg, synthtiger, keras-ocr), where it can be imported, on
its own defaults: TRDG plain one-word crops of 32 px, SynthTIGER its example template (--synthtiger-template DIR) and
keras-ocr 640x640 pages with 60 to 120 px letters, and the crops cut from them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from ocrsmith.alphabet import Alphabet
from ocrsmith.synth.backgrounds import Backgrounds
from ocrsmith.synth.corpus import text_generator
from ocrsmith.synth.degradations import degradation_policy
from ocrsmith.synth.fonts import find_fonts
from ocrsmith.synth.lines import LineScene
from ocrsmith.synth.scenes import PageScene
from ocrsmith.synth.world import World

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.,:;!?-'()/&%#"

# Each prints one JSON line {"what": ..., "per_second": ...}; run with the peer's interpreter and the seconds to spend.
_RATE = """
import json, sys, time
def rate(what, draw, seconds):
    draw(); done, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        draw(); done += 1
    print(json.dumps({"what": what, "per_second": done / (time.process_time() - start)}))
seconds = float(sys.argv[1])
"""
PEERS = {
    "trdg": _RATE
    + """
from trdg.generators import GeneratorFromDict
source = GeneratorFromDict(count=-1, length=1, size=32)
rate("line crops", lambda: next(source), seconds)
""",
    "synthtiger": _RATE
    + """
import os, synthtiger
folder = sys.argv[2]
os.chdir(folder)
template = synthtiger.read_template("template.py", "SynthTiger", synthtiger.read_config("config_horizontal.yaml"))
rate("line crops", template.generate, seconds)
""",
    "keras-ocr": _RATE
    + """
import string, keras_ocr
alphabet = string.digits + string.ascii_letters + "!?. "
fonts = keras_ocr.data_generation.get_fonts(alphabet=alphabet)
texts = keras_ocr.data_generation.get_text_generator(alphabet=alphabet)
pages = keras_ocr.data_generation.get_image_generator(
    height=640, width=640, text_generator=texts, font_groups={alphabet: fonts},
    backgrounds=keras_ocr.data_generation.get_backgrounds(), font_size=(60, 120), margin=50, rotationZ=(-15, 15))
rate("640x640 scenes", lambda: next(pages), seconds)
crops = keras_ocr.data_generation.convert_image_generator_to_recognizer_input(
    pages, max_string_length=48, target_width=200, target_height=31)
rate("line crops", lambda: next(crops), seconds)
""",
}


def cpu_name() -> str:
    """The processor's model as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def peak_memory_mb() -> float:
    """The largest resident size so far, MB (ru_maxrss is in KB on Linux, in bytes on macOS)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def measure(draw: Callable[[int], object], warm_up: int, seconds: float) -> tuple[float, float]:
    """(samples a second of processor time, of wall time)."""
    for index in range(warm_up):
        draw(index)
    done, start, wall = 0, time.process_time(), time.perf_counter()
    while time.process_time() - start < seconds:
        draw(warm_up + done)
        done += 1
    return done / (time.process_time() - start), done / (time.perf_counter() - wall)


def ours(seconds: float, num_lines_warm: int) -> dict[str, float]:
    """Rates of this package's worlds; prints them as it goes."""
    alphabet = Alphabet(ALPHABET + " ")
    fonts = find_fonts(["builtin"], alphabet)
    texts = text_generator({"kind": "words"}, alphabet)
    backgrounds = Backgrounds()
    print(f"{len(fonts)} fonts, {len(backgrounds.names)} photographs")
    rates: dict[str, float] = {}
    lines = World([(LineScene(texts, fonts, backgrounds), 1.0)], seed=1)
    _report("line crops", "32 px high, effects on", *measure(lambda i: lines[i], num_lines_warm, seconds), rates)
    print(f"    {lines.tally}")
    policy = degradation_policy(0.6)
    scenes = World([(PageScene(texts, fonts, backgrounds, degrade=policy), 1.0)], seed=1)
    _report("640x640 scenes", "effects on", *measure(lambda i: scenes[i], 60, seconds), rates)
    print(f"    {scenes.tally}")
    return rates


def _report(what: str, detail: str, cpu: float, wall: float, rates: dict[str, float]) -> None:
    rates[what] = cpu
    peak = peak_memory_mb()
    print(f"  {what} ({detail}): {cpu:,.1f} a second ({wall:,.1f} by the clock), peak memory {peak:,.0f} MB")


def peer(name: str, python: str, seconds: float, template: str, rates: dict[str, float]) -> None:
    """Runs one peer in its interpreter and prints its rates with ours over them."""
    variables = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [python, "-c", PEERS[name], str(seconds), template], capture_output=True, text=True, env=variables, check=False
    )
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"what"')]
    for row in found:
        ratio = rates[row["what"]] / row["per_second"]
        print(f"  {name}: {row['what']}: {row['per_second']:,.1f} a second; ocrsmith makes {ratio:,.0f} times as many")
    if not found:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"  {name}: did not run in {python} ({reason})")


def main() -> None:
    """Parses the command line and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="processor time spent on each figure")
    parser.add_argument("--warm-up", type=int, default=4000, help="line crops drawn before measuring")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON", help=", ".join(PEERS))
    parser.add_argument("--synthtiger-template", default=".", help="folder of SynthTIGER's example template")
    options = parser.parse_args()
    peers = [pair.partition("=")[::2] for pair in options.peer]
    for name, python in peers:
        if name not in PEERS or not python:
            parser.error(f"--peer {name}={python}: one of {', '.join(PEERS)}, then = and its Python, is expected")
    cv2.setNumThreads(1)
    print(
        f"{cpu_name()}, one core; Python {platform.python_version()}, NumPy {np.__version__}, OpenCV {cv2.__version__}"
    )
    rates = ours(options.seconds, options.warm_up)
    for name, python in peers:
        peer(name, python, options.seconds, options.synthtiger_template, rates)


if __name__ == "__main__":
    main()
