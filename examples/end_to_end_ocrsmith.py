"""From an alphabet, fonts and backgrounds to a reader, step by step: the parts of `ocrsmith train`.

    python examples/end_to_end_ocrsmith.py --minutes 60
    python examples/end_to_end_ocrsmith.py --epochs 1 --steps 2      # a first look

Needs ocrsmith[train]. Fonts and backgrounds are the packaged ones; --release downloads keras-ocr's instead. Writes
previews, checkpoints, logs, a bundle and a drawn page to --out.
"""

from __future__ import annotations

import argparse
import string
from pathlib import Path

from ocrsmith.export.bundle import NetworkToExport, export_bundle
from ocrsmith.images import draw_polygons, write_image
from ocrsmith.reading.reader import Reader
from ocrsmith.synth.keras_ocr_assets import (
    BACKGROUNDS_SHA256,
    FONTS_SHA256,
    keras_ocr_backgrounds,
    keras_ocr_fonts,
)
from ocrsmith.training.networks import StartedNetwork, start_network
from ocrsmith.training.phases import fit_settings, train_detector, train_recognizer
from ocrsmith.training.previews import write_previews
from ocrsmith.training.recipe import Recipe
from ocrsmith.training.recipe_loading import parse_recipe
from ocrsmith.training.run_state import RunState
from ocrsmith.training.schedule import Budget
from ocrsmith.training.worlds import Materials


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("ocrsmith_run"))
    parser.add_argument("--minutes", type=float, default=60.0, help="of each of the two trainings, at most")
    parser.add_argument("--epochs", type=int, default=1000, help="validations, at most")
    parser.add_argument("--steps", type=int, default=100, help="optimiser steps an epoch")
    parser.add_argument("--size", type=int, default=640)
    parser.add_argument("--batch-size", type=int, default=64, help="of the recogniser")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--detector", default="craft")
    parser.add_argument("--detector-start", default="clovaai_general", help="a name, a file, or none")
    parser.add_argument("--recognizer", default="vgg_bilstm")
    parser.add_argument("--recognizer-start", default="english_g2", help="a name, a file, or none")
    parser.add_argument(
        "--release", help="where keras-ocr's fonts.zip and backgrounds.zip are, with a slash at the end"
    )
    parser.add_argument("--fonts-sha256", default=FONTS_SHA256)
    parser.add_argument("--backgrounds-sha256", default=BACKGROUNDS_SHA256)
    return parser.parse_args()


def make_recipe(args: argparse.Namespace) -> Recipe:
    """The alphabet, where fonts and backgrounds are, and how the two networks are trained."""
    fonts = backgrounds = "builtin"
    if args.release:
        cache = args.out / "downloads"
        fonts = str(keras_ocr_fonts(cache, release=args.release, sha256=args.fonts_sha256).resolve())
        backgrounds = str(keras_ocr_backgrounds(cache, release=args.release, sha256=args.backgrounds_sha256).resolve())
    limits = {"steps": args.epochs * args.steps, "steps_per_epoch": args.steps}
    return parse_recipe(
        {
            "name": "end_to_end",
            "seed": 42,
            "alphabet": string.digits + string.ascii_letters + "!?. ",
            "fonts": {"folders": [fonts]},
            "backgrounds": {"folders": [backgrounds], "procedural_share": 0.0},
            "text": {"kind": "words", "max_length": 24},
            "detector": {
                **limits,
                "image_size": args.size,
                "batch_size": 1,
                "learning_rate": 1e-4,
                "validation_samples": min(32, args.steps),
                "patience": 5,
            },
            "recognizer": {
                **limits,
                "batch_size": args.batch_size,
                "validation_samples": min(512, args.batch_size * args.steps),
                "patience": 25,
                # What the start weights know of shapes is kept; from nothing, everything has to be learnt.
                "freeze": [] if args.recognizer_start == "none" else ["backbone"],
            },
        }
    )


def main() -> None:
    args = arguments()
    recipe = make_recipe(args)
    assert recipe.detector is not None and recipe.recognizer is not None

    # Fonts, backgrounds and words are split by hash: validation and test are on some that are never trained on.
    materials = Materials(recipe)
    for split in ("train", "validation", "test"):
        print(
            f"{split}: {len(materials.fonts_of(split))} fonts, {len(materials.backgrounds_of(split).names)} backgrounds"
        )
    for sheet in write_previews(args.out / "samples", recipe, materials):
        print("Look at", sheet)

    # Pretrained networks.
    alphabet = materials.alphabet
    detector = start_network("detector", alphabet, model=args.detector, start=args.detector_start)
    recognizer = start_network("recognizer", alphabet, model=args.recognizer, start=args.recognizer_start)
    print(f"Detector {detector.start}; recogniser {recognizer.start}")

    # Both trainings: early stopping, a CSV log, the best and the last checkpoint; a run that was killed goes on.
    state = RunState.open(args.out, recipe, resume=True)
    found = train_detector(
        detector.model, recipe.detector, materials, _budget(args),
        state, fit_settings(recipe.detector, recipe.seed, progress=False, accelerator="auto"),
        workers=args.workers, from_nothing=args.detector_start == "none",
    )  # fmt: skip
    print(f"Detector: score {found.fit.start_score} -> {found.fit.best_score:.3f}, stopped by {found.fit.stopped}")
    read = train_recognizer(
        recognizer.model, recipe.recognizer, materials, _budget(args),
        state, fit_settings(recipe.recognizer, recipe.seed, progress=False, accelerator="auto"),
        workers=args.workers, from_nothing=args.recognizer_start == "none",
    )  # fmt: skip
    print(
        f"Recogniser: score {read.fit.start_score} -> {read.fit.best_score:.3f}, stopped by {read.fit.stopped}, "
        f"refused {read.refused}"
    )

    # One file that a machine without PyTorch reads with.
    bundle = export_bundle(
        args.out / "end_to_end.ocrsmith",
        detector=_to_export(detector),
        recognizer=_to_export(recognizer),
        name="end_to_end",
    )
    page = Reader(bundle).read(materials.detector_world(recipe.detector, "test")[0].image)
    print("Read:", page.text)
    sample = materials.detector_world(recipe.detector, "test")[0]
    write_image(args.out / "read.png", draw_polygons(sample.image, [word.polygon for word in page.words], thickness=2))


def _budget(args: argparse.Namespace) -> Budget:
    return Budget(steps=args.epochs * args.steps, seconds=60 * args.minutes)


def _to_export(network: StartedNetwork) -> NetworkToExport:
    return NetworkToExport(network.model, network.name, network.settings)


if __name__ == "__main__":
    main()
