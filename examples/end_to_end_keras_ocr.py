"""keras-ocr's end-to-end training, as its scripts write it, on ocrsmith: only the import differs.

    python examples/end_to_end_keras_ocr.py                          # downloads keras-ocr's fonts and backgrounds
    python examples/end_to_end_keras_ocr.py --epochs 1 --steps 2     # a first look

Needs ocrsmith[train,keras]; a GPU for anything but a look. Writes weights, logs and pictures to --out.
"""

from __future__ import annotations

import argparse
import math
import random
import string
from pathlib import Path

import ocrsmith.compat.keras_ocr as keras_ocr
from ocrsmith.images import contact_sheet, write_image


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="keras_ocr_run")
    parser.add_argument("--epochs", type=int, default=1000)
    parser.add_argument("--steps", type=int, help="steps an epoch; a background each by default")
    parser.add_argument("--size", type=int, default=640)
    parser.add_argument("--font-size", type=int, nargs=2, default=(60, 120))
    parser.add_argument("--margin", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=8, help="of the recognizer")
    parser.add_argument("--detector-weights", default="clovaai_general", help="a name, a file, or none")
    parser.add_argument("--recognizer-weights", default="kurapan", help="a name, a file, or none")
    parser.add_argument("--filters", type=int, nargs=7, help="of a smaller recognizer")
    parser.add_argument("--archive", nargs=3, action="append", default=[], metavar=("NAME", "URL", "SHA256"),
                        help="fonts or backgrounds from elsewhere")  # fmt: skip
    return parser.parse_args()


def train_val_test_split(items: list[str]) -> tuple[list[str], list[str], list[str]]:
    shuffled = random.Random(42).sample(items, len(items))
    first, second = math.ceil(0.8 * len(items)), math.ceil(0.9 * len(items))
    train, val, test = shuffled[:first], shuffled[first:second], shuffled[second:]
    return train, val or train, test or train


def main() -> None:
    args = arguments()
    Path(args.out).mkdir(parents=True, exist_ok=True)
    for name, url, sha256 in args.archive:
        keras_ocr.data_generation.ARCHIVES[name] = {"url": url, "sha256": sha256}

    # What is read, and with what it is drawn.
    alphabet = string.digits + string.ascii_letters + "!?. "
    recognizer_alphabet = "".join(sorted(set(alphabet.lower())))
    fonts = keras_ocr.data_generation.get_fonts(alphabet=alphabet, cache_dir=args.out)
    backgrounds = keras_ocr.data_generation.get_backgrounds(cache_dir=args.out)
    text_generator = keras_ocr.data_generation.get_text_generator(alphabet=alphabet)
    print("The first generated text is:", next(text_generator))

    # Fonts and backgrounds are split, so that validation is on some that are never trained on.
    font_splits = train_val_test_split(fonts)
    background_splits = train_val_test_split(backgrounds)
    image_generators = [
        keras_ocr.data_generation.get_image_generator(
            height=args.size,
            width=args.size,
            text_generator=text_generator,
            font_groups={alphabet: current_fonts},
            backgrounds=current_backgrounds,
            font_size=tuple(args.font_size),
            margin=args.margin,
            rotationX=(-0.05, 0.05),
            rotationY=(-0.05, 0.05),
            rotationZ=(-15, 15),
        )
        for current_fonts, current_backgrounds in zip(font_splits, background_splits)
    ]
    image, lines = next(image_generators[1])
    print("The first validation image reads:", keras_ocr.data_generation.convert_lines_to_paragraph(lines))
    write_image(
        f"{args.out}/first_scene.png", keras_ocr.tools.drawBoxes(image, lines, thickness=2, boxes_format="lines")
    )

    # Pretrained networks; the recognizer's backbone is not trained.
    detector = keras_ocr.detection.Detector(weights=None if args.detector_weights == "none" else args.detector_weights)
    recognizer = keras_ocr.recognition.Recognizer(
        alphabet=recognizer_alphabet,
        weights=None if args.recognizer_weights == "none" else args.recognizer_weights,
        build_params={"filters": tuple(args.filters)} if args.filters else None,
    )
    recognizer.compile()
    for layer in recognizer.backbone.layers:
        layer.trainable = False

    # The detector.
    steps = [args.steps or len(current) for current in background_splits]
    detector_generators = [
        detector.get_batch_generator(image_generator=image_generator, batch_size=1)
        for image_generator in image_generators
    ]
    history = detector.model.fit(
        detector_generators[0],
        steps_per_epoch=steps[0],
        epochs=args.epochs,
        workers=0,
        callbacks=[
            keras_ocr.callbacks.EarlyStopping(restore_best_weights=True, patience=5),
            keras_ocr.callbacks.CSVLogger(f"{args.out}/detector.csv"),
            keras_ocr.callbacks.ModelCheckpoint(filepath=f"{args.out}/detector.h5"),
        ],
        validation_data=detector_generators[1],
        validation_steps=steps[1],
    )
    print("Detector loss:", history.history["loss"])

    # The recognizer, on the lines of the same scenes.
    max_length = 10
    recognition_image_generators = [
        keras_ocr.data_generation.convert_image_generator_to_recognizer_input(
            image_generator=image_generator,
            max_string_length=min(recognizer.training_model.input_shape[1][1], max_length),
            target_width=recognizer.model.input_shape[2],
            target_height=recognizer.model.input_shape[1],
            margin=1,
        )
        for image_generator in image_generators
    ]
    crops = [next(recognition_image_generators[1]) for _ in range(8)]
    sheet = contact_sheet([crop for crop, _ in crops], 2, [text for _, text in crops], cell=(200, 40))
    write_image(f"{args.out}/first_crops.png", sheet)
    recognition_generators = [
        recognizer.get_batch_generator(image_generator=generator, batch_size=args.batch_size, lowercase=True)
        for generator in recognition_image_generators
    ]
    history = recognizer.training_model.fit(
        recognition_generators[0],
        steps_per_epoch=args.steps or math.ceil(steps[0] / args.batch_size),
        epochs=args.epochs,
        workers=0,
        callbacks=[
            keras_ocr.callbacks.EarlyStopping(restore_best_weights=True, patience=25),
            keras_ocr.callbacks.CSVLogger(f"{args.out}/recognizer.csv", append=True),
            keras_ocr.callbacks.ModelCheckpoint(filepath=f"{args.out}/recognizer.h5"),
        ],
        validation_data=recognition_generators[1],
        validation_steps=args.steps or math.ceil(steps[1] / args.batch_size),
    )
    print("Recognizer loss:", history.history["loss"])

    # Both together, on a scene of fonts and backgrounds that neither has seen.
    pipeline = keras_ocr.pipeline.Pipeline(detector=detector, recognizer=recognizer, max_size=2 * args.size)
    image, lines = next(image_generators[2])
    predictions = pipeline.recognize(images=[image])[0]
    print("Predicted:", [text for text, _ in predictions])
    drawn = keras_ocr.tools.drawBoxes(image=image, boxes=predictions, boxes_format="predictions", thickness=2)
    write_image(f"{args.out}/predictions.png", drawn)


if __name__ == "__main__":
    main()
