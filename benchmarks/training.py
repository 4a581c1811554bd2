"""How long a training step takes, and how much memory it needs: every network, as `ocrsmith train` runs it.

    python benchmarks/training.py
    python benchmarks/training.py --only craft --profile
    python benchmarks/training.py --keras-ocr-python ENV/bin/python

A step is all that a run does between two batches: forward, loss with hard negative mining, backward, clipping, AdamW,
the moving mean of the weights; in bfloat16 where the processor computes in it, else in float32. Nothing is frozen.
Detectors see 640 x 640 px one at a time, recognisers batches of lines of their own height. Each network has a process
of its own, whose peak memory is printed, libraries included.

The last form measures keras-ocr's steps beside them by `benchmarks/compat.py`, which says what its environment
needs: CRAFT at 640 x 640 px one at a time, and the CRNN at 31 x 200 px with batches of 8. On two cores of an AMD EPYC
(Zen 4) it had 8.0 s a page and 3.8 lines/s. The aim is at most 2.5 s a page for CRAFT. About 5 minutes; an idle machine
is needed, since a network's threads wait for the slowest.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

DETECTORS = ("craft", "craft_light", "ppocr_detector")
RECOGNIZERS = ("light_ctc", "crnn", "vgg_bilstm", "ppocr_recognizer")
REGISTERED = {"ppocr_detector": "ppocr_v6_small", "ppocr_recognizer": "ppocr_v6_small"}
# keras-ocr trains its recogniser on 8 lines at a time, and its own CRNN is measured so too.
BATCHES = {"crnn": 8}
LINES = 64
PAGE_PX = 640
WARM_STEPS = 2
ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
KERAS_OCR = {"craft": "detector_step_s", "crnn": "recognizer_samples_s"}


def page() -> Any:
    """A page of 96 words whose letters are dark bars: the loss has text to mine round, drawing costs nothing."""
    from ocrsmith.geometry import box_quad
    from ocrsmith.samples import Character, PageSample, TextInstance

    image = np.full((PAGE_PX, PAGE_PX, 3), 225, np.uint8)
    words = []
    for top in range(24, PAGE_PX - 40, 50):
        for left in range(16, PAGE_PX - 72, 76):
            quads = [box_quad(left + 14 * place, top, left + 14 * place + 14, top + 24) for place in range(4)]
            for place in range(4):
                image[top : top + 24, left + 14 * place : left + 14 * place + 10] = 30
            characters = tuple(Character("a", quad) for quad in quads)
            words.append(TextInstance(box_quad(left, top, left + 56, top + 24), "aaaa", characters))
    return PageSample(image, tuple(words))


def lines(number: int) -> list[Any]:
    """Lines of ten letters, each a bar, at the shape of keras-ocr's crops."""
    from ocrsmith.samples import LineSample

    image = np.full((31, 200, 3), 225, np.uint8)
    for left in range(10, 190, 18):
        image[5:26, left : left + 8] = 30
    return [LineSample(image, "abcdefghij") for _ in range(number)]


def timed_module(name: str) -> tuple[Any, Any, int]:
    """A Lightning module that notes its steps' seconds in `.seconds`, its batches, and how many samples each holds."""
    from ocrsmith.alphabet import Alphabet
    from ocrsmith.data.batches import LineBatches
    from ocrsmith.data.sources import FixedWorld
    from ocrsmith.models.registry import build_detector, build_recognizer
    from ocrsmith.training.detector import DetectorCollate, DetectorModule
    from ocrsmith.training.loaders import BatchStream, CollateEach
    from ocrsmith.training.recognizer import RecognizerModule

    class Timed:
        """The first and the last hook of a step; those of the callbacks run between them."""

        def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
            self.began = time.perf_counter()

        def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
            self.seconds.append(time.perf_counter() - self.began)

    class TimedDetector(Timed, DetectorModule):
        pass

    class TimedRecognizer(Timed, RecognizerModule):
        pass

    size = 1 if name in DETECTORS else BATCHES.get(name, LINES)
    if name in DETECTORS:
        model = build_detector(REGISTERED.get(name, name))
        module: Any = TimedDetector(model, learning_rate=1e-4)
        world: Any = FixedWorld([page()])
        assemble: Any = CollateEach(DetectorCollate(model.kind, model.input))  # type: ignore[arg-type]
    else:
        model = build_recognizer(REGISTERED.get(name, name), Alphabet(ALPHABET))
        module = TimedRecognizer(model, learning_rate=1e-4)
        world = FixedWorld(lines(size))
        assemble = LineBatches(model.alphabet, model.input, 0)  # type: ignore[arg-type]
    module.seconds = []
    return module, BatchStream(world, assemble, batch_size=size, steps_per_epoch=1000), size


def measure(name: str, steps: int, threads: int, profile: bool) -> dict[str, float]:
    """Seconds a sample and the peak memory of this process, in MiB."""
    import torch
    from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint

    from ocrsmith.memory import kept_memory
    from ocrsmith.training.fitting import FitSettings, calm_lightning, make_trainer
    from ocrsmith.training.schedule import Budget

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    module, stream, size = timed_module(name)
    module.to(memory_format=torch.channels_last)
    settings = FitSettings(progress=False, accelerator="cpu")
    with tempfile.TemporaryDirectory() as folder, calm_lightning(), kept_memory():
        trainer = make_trainer(Path(folder), Budget(steps=WARM_STEPS + steps), settings)
        # Without a validation there is no score to stop by.
        trainer.callbacks = [c for c in trainer.callbacks if not isinstance(c, (EarlyStopping, ModelCheckpoint))]
        module.train()
        if profile:
            with torch.profiler.profile(
                activities=[torch.profiler.ProfilerActivity.CPU], record_shapes=True
            ) as profiler:
                trainer.fit(module, stream)
            averages = profiler.key_averages(group_by_input_shape=True)
            print(averages.table(sort_by="self_cpu_time_total", row_limit=40, max_name_column_width=44))
        else:
            trainer.fit(module, stream)
    return {
        "seconds": float(np.median(module.seconds[WARM_STEPS:])) / size,
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "batch": size,
    }


def keras_ocr(python: str, steps: int) -> dict[str, dict[str, float]]:
    """keras-ocr's own steps, in its own environment; one process for both, so one peak memory."""
    script = Path(__file__).with_name("compat.py")
    command = [python, str(script), "--json", "--package", "keras_ocr", "--only", "networks", "--repeats", str(steps)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"keras-ocr's side failed:\n{done.stderr[-2000:]}")
    figures = json.loads(done.stdout.splitlines()[-1])
    mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {
        "craft": {"seconds": figures["detector_step_s"], "mib": mib},
        "crnn": {"seconds": 1 / figures["recognizer_samples_s"], "mib": mib},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=(*DETECTORS, *RECOGNIZERS), default=(*DETECTORS, *RECOGNIZERS))
    parser.add_argument("--steps", type=int, default=5, help="counted ones, after two that are not")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--profile", action="store_true", help="print where a step's time goes")
    parser.add_argument("--keras-ocr-python", help="the Python of an environment with keras-ocr 0.9.3")
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.json or args.profile:
        for name in args.only:
            print(json.dumps(measure(name, args.steps, args.threads, args.profile)))
        return
    theirs = keras_ocr(args.keras_ocr_python, args.steps) if args.keras_ocr_python else {}
    print(f"{'training step':20}{'batch':>8}{'s/sample':>10}{'peak MiB':>10}{'keras-ocr s':>13}{'MiB':>8}{'times':>8}")
    for name in args.only:
        command = [sys.executable, __file__, "--json", "--only", name]
        command += ["--steps", str(args.steps), "--threads", str(args.threads)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{name} failed:\n{done.stderr[-2000:]}")
        row = json.loads(done.stdout.splitlines()[-1])
        line = f"{name:20}{row['batch']:>8}{row['seconds']:>10.3g}{row['mib']:>10.0f}"
        if name in theirs:
            other = theirs[name]
            line += f"{other['seconds']:>13.3g}{other['mib']:>8.0f}{other['seconds'] / row['seconds']:>8.1f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
