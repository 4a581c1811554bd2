"""Detector and recogniser inference, both training steps and both generators: ocrsmith.compat.keras_ocr and keras-ocr.

    python benchmarks/compat.py
    python benchmarks/compat.py --keras-ocr-python ENV/bin/python

The second runs the same calls in an environment of its own: Python 3.11 with keras-ocr==0.9.3, tensorflow-cpu==2.15.1,
"numpy<1.24", "pillow<10" and "opencv-python-headless<4.10". On two cores keras-ocr had there: detector 1.81 s,
recogniser 8.8 crops/s, detector step 8.0 s, recogniser training 3.8 samples/s, 6.7 scenes/s, 31 crops/s. About 2
minutes; an idle machine is needed, since networks wait for the slowest thread.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ASSETS = Path(__file__).resolve().parents[1] / "src" / "ocrsmith" / "assets"
ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!?. "
# The same texts on both sides, so that the generators have the same work.
SENTENCES = (
    "The quick brown fox jumps over the lazy dog. ",
    "Pack my box with five dozen liquor jugs! ",
    "How vexingly quick daft zebras jump? ",
    "Sphinx of black quartz judge my vow 1234567890. ",
)
FIGURES = {
    "detector_s": ("detector, 640 x 640, s", False),
    "recognizer_crops_s": ("recogniser, crops/s", True),
    "detector_step_s": ("detector training step, 640 x 640, s", False),
    "recognizer_samples_s": ("recogniser training, samples/s", True),
    "scenes_s": ("scenes of 640 x 640, /s", True),
    "crops_s": ("crops of scenes, /s", True),
}


def seconds(call, repeats: int) -> float:
    """The median over repeats, after one call that is not counted."""
    call()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def networks(package, repeats: int) -> dict[str, float]:
    rng = np.random.default_rng(0)
    figures = {}
    detector = package.detection.Detector(weights=None)
    page = rng.normal(size=(1, 640, 640, 3)).astype("float32")
    figures["detector_s"] = seconds(lambda: detector.model.predict(page, verbose=0), repeats)
    scene = (np.full((640, 640, 3), 200, np.uint8), [[(np.array([[9, 9], [90, 9], [90, 90], [9, 90]]), "a")]])
    batch = next(detector.get_batch_generator(itertools.repeat(scene), batch_size=1))
    figures["detector_step_s"] = seconds(lambda: detector.model.train_on_batch(*batch), max(1, repeats // 2))
    recognizer = package.recognition.Recognizer(alphabet=package.recognition.DEFAULT_ALPHABET, weights=None)
    recognizer.compile()
    crops = rng.random((64, 31, 200, 1)).astype("float32")
    figures["recognizer_crops_s"] = 64 / seconds(lambda: recognizer.model.predict(crops, verbose=0), repeats)
    line = (np.full((31, 200, 3), 128, np.uint8), "benchmark")
    batch = next(recognizer.get_batch_generator(itertools.repeat(line), batch_size=8))
    figures["recognizer_samples_s"] = 8 / seconds(lambda: recognizer.training_model.train_on_batch(*batch), repeats)
    return figures


def generators(package, repeats: int) -> dict[str, float]:
    fonts = [str(path) for path in sorted((ASSETS / "fonts" / "files").glob("[A-C]*-Regular.ttf"))]
    fonts = [font for font in fonts if package.data_generation.font_supports_alphabet(font, ALPHABET)][:20]
    backgrounds = [str(path) for path in sorted((ASSETS / "backgrounds" / "files").glob("*.webp"))[:40]]
    source = package.data_generation.get_image_generator(
        height=640, width=640, font_groups={ALPHABET: fonts}, text_generator=itertools.cycle(SENTENCES),
        font_size=(60, 120), backgrounds=backgrounds, margin=50,
        rotationX=(-0.05, 0.05), rotationY=(-0.05, 0.05), rotationZ=(-15, 15),
    )  # fmt: skip
    lines = package.data_generation.convert_image_generator_to_recognizer_input(source, 10, 200, 31, margin=1)
    scenes, crops = 10 * repeats, 30 * repeats
    return {
        "scenes_s": scenes / seconds(lambda: [next(source) for _ in range(scenes)], 1),
        "crops_s": crops / seconds(lambda: [next(lines) for _ in range(crops)], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keras-ocr-python", help="the Python of an environment with keras-ocr 0.9.3")
    parser.add_argument("--package", default="ocrsmith.compat.keras_ocr", help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=("networks", "generators"))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    package = importlib.import_module(args.package)
    figures: dict[str, float] = {}
    for part in (networks, generators):
        if args.only in (None, part.__name__):
            figures.update(part(package, args.repeats))
    if args.json:
        print(json.dumps(figures))
        return
    theirs: dict[str, float] = {}
    if args.keras_ocr_python:
        command = [args.keras_ocr_python, __file__, "--json", "--package", "keras_ocr", "--repeats", str(args.repeats)]
        command += ["--only", args.only] if args.only else []
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"keras-ocr's side failed:\n{done.stderr[-2000:]}")
        theirs = json.loads(done.stdout.splitlines()[-1])
    print(f"{'':40}{'ocrsmith':>12}{'keras-ocr':>12}{'times':>8}")
    for name, value in figures.items():
        label, higher_is_better = FIGURES[name]
        other = theirs.get(name)
        ratio = "" if other is None else f"{(value / other if higher_is_better else other / value):.1f}"
        print(f"{label:40}{value:>12.3g}{'-' if other is None else f'{other:.3g}':>12}{ratio:>8}")


if __name__ == "__main__":
    main()
