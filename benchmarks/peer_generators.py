"""The peers' generators at work, each run by the Python of its own environment; `synthesis.py` starts this file.

    ENV/bin/python benchmarks/peer_generators.py trdg RESOURCES SECONDS

RESOURCES is a folder that all peers draw from, so that they have the same fonts, pictures and words: `fonts/NAME.ttf`
with its characters in `fonts/NAME.txt`, `pictures/*.jpg`, `words.txt`. Prints one JSON line a figure: what it is,
samples a second of processor time, and the peak memory so far in MB. Needs nothing but the peer.
"""

import itertools
import json
import random
import resource
import sys
import time
from pathlib import Path

# A file beside this one is called keras_ocr too.
sys.path = [folder for folder in sys.path if Path(folder or ".").resolve() != Path(__file__).resolve().parent]
HEIGHT_PX = 32
SEED = 1


def report(what, detail, draw, seconds, warm_up=3):
    """Draws for that long and prints the figure; a draw that gives None was refused by the peer and does not count."""
    for _ in range(warm_up):
        draw()
    made, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        made += draw() is not None
    rate = made / (time.process_time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    print(json.dumps({"what": what, "detail": detail, "per_second": rate, "peak_mb": peak}), flush=True)


def trdg(resources, seconds):
    """TRDG 1.8: crops of 32 px, on its defaults and with the effects that it has."""
    from trdg.generators import GeneratorFromStrings

    words = (resources / "words.txt").read_text("utf-8").split("\n")
    random.Random(SEED).shuffle(words)
    fonts = sorted(str(path) for path in (resources / "fonts").glob("*.ttf"))
    plain = GeneratorFromStrings(words, fonts=fonts, size=HEIGHT_PX)
    report("line crops", "defaults: grey ink on noise, no boxes", lambda: next(plain)[0], seconds)
    rich = GeneratorFromStrings(
        words, fonts=fonts, size=HEIGHT_PX, skewing_angle=5, random_skew=True, blur=2, random_blur=True,
        background_type=3, image_dir=str(resources / "pictures"), distorsion_type=3, distorsion_orientation=0,
        stroke_width=1, output_mask=1,
    )  # fmt: skip
    report(
        "line crops", "turned, distorted, blurred, outlined, on pictures, with masks", lambda: next(rich)[0], seconds
    )


def synthtiger(resources, seconds):
    """SynthTIGER 1.2: its components with the weights and ranges of its examples/synthtiger/config_horizontal.yaml.

    Colours are drawn evenly, where its example reads a list of greys; the second text behind a quarter of its crops and
    its check that text is visible are left out, which would make it slower.
    """
    import cv2
    import numpy as np
    from synthtiger import components as c
    from synthtiger import layers, utils

    cv2.setNumThreads(1)
    np.random.seed(SEED)  # noqa: NPY002 (SynthTIGER draws from NumPy's global state)
    blends = (
        "normal multiply screen overlay hard_light soft_light dodge divide addition difference darken_only lighten_only"
    )
    corpus = c.LengthAugmentableCorpus(
        paths=[str(resources / "words.txt")], weights=[1], min_length=1, max_length=25,
        textcase=["lower", "upper", "capitalize"], augmentation=0.1, augmentation_length=(1, 25),
    )  # fmt: skip
    font = c.BaseFont(paths=[str(resources / "fonts")], weights=[1], size=(40, 80), bold=0.5)
    texture = c.Switch(c.BaseTexture(paths=[str(resources / "pictures")], weights=[1], alpha=(0, 1), crop=1), prob=0.5)
    colour = c.Gray(colorize=1)
    shape = c.Selector(
        [c.ElasticDistortion(alpha=(15, 30), sigma=(4, 12)), c.ElasticDistortion(alpha=(0, 2), sigma=(0, 0.6))]
    )
    layout = c.Selector(
        [
            c.FlowLayout(space=(-2, 5), line_align=["middle"]),
            c.CurveLayout(curve=(20, 40), space=(-2, 5), convex=0.5, upward=0.5),
        ],
        weights=[4, 1],
    )
    styles = [
        c.TextBorder(size=(1, 12)),
        c.TextShadow(distance=(1, 6), angle=(0, 360), alpha=(0.3, 0.7)),
        c.TextExtrusion(length=(1, 12), angle=(0, 360)),
    ]
    style = c.Switch(c.Selector(styles, weights=[1, 2, 2]), prob=0.25)
    turns = [
        c.Perspective(percents=((0.5, 1), (1, 1)), aligns=((0, 0), (0, 0))),
        c.Perspective(percents=((1, 1), (0.5, 1)), aligns=((0, 0), (0, 0))),
        c.Trapezoidate(weights=(1, 0, 1, 0), percent=(0.75, 1), align=(-1, 1)),
        c.Trapezoidate(weights=(0, 1, 0, 1), percent=(0.5, 1), align=(-1, 1)),
        c.Skew(weights=(1, 0), angle=(0, 30), ccw=0.5),
        c.Skew(weights=(0, 1), angle=(0, 10), ccw=0.5),
        c.Rotate(angle=(0, 10), ccw=0.5),
    ]
    transform = c.Selector(turns, weights=[1, 1, 1, 1, 1, 1, 2])
    fit, pad = c.Fit(), c.Pad(pxs=((0, 10), (0, 10), (0, 10), (0, 10)))
    finish = c.Iterator(
        [
            c.AdditiveGaussianNoise(scale=(4, 8), per_channel=0),
            c.Switch(c.GaussianBlur(sigma=(0, 2)), prob=0.9),
            c.Switch(c.Resample(size=(0.4, 0.4)), prob=0.1),
            c.MedianBlur(k=(1, 1)),
        ]
    )

    def draw():
        text = corpus.data(corpus.sample())
        characters = utils.split_text(text, reorder=True)
        chosen = font.sample({"text": "".join(characters), "vertical": False})
        each = [layers.TextLayer(character, **chosen) for character in characters]
        shape.apply(each)
        layout.apply(each, {"meta": {"vertical": False}})
        whole = layers.Group(each).merge()
        look, turn = style.sample(), transform.sample()
        colour.apply([whole])
        texture.apply([whole])
        style.apply([whole], look)
        style.apply(each, look)
        transform.apply([whole], turn)
        transform.apply(each, turn)
        fit.apply([whole])
        fit.apply(each)
        pad.apply([whole])
        for layer in each:
            layer.topleft -= whole.topleft
        ink = whole.output()
        ground = layers.RectLayer(ink.shape[1::-1])
        colour.apply([ground])
        texture.apply([ground])
        picture = layers.Layer(utils.blend_image(ink, ground.output(), mode=str(np.random.choice(blends.split()))))  # noqa: NPY002
        finish.apply([picture])
        image = picture.output()[..., :3].clip(0, 255).astype(np.uint8)
        width = max(1, round(image.shape[1] * HEIGHT_PX / image.shape[0]))
        return cv2.resize(image, (width, HEIGHT_PX), interpolation=cv2.INTER_AREA), [layer.bbox for layer in each]

    report("line crops", "its example's effects, with character boxes", draw, seconds)


def keras_ocr(resources, seconds):
    """keras-ocr 0.9.3: pages of 640 x 640 with letters of 60 to 120 px as in its example, and their crops."""
    import cv2
    import keras_ocr as package

    cv2.setNumThreads(1)
    fonts = sorted(str(path) for path in (resources / "fonts").glob("*.ttf"))
    covered = set.intersection(*(set(Path(font).with_suffix(".txt").read_text("utf-8")) for font in fonts))
    alphabet = "".join(sorted(covered)) + " "
    words = (resources / "words.txt").read_text("utf-8").split("\n")
    random.Random(SEED).shuffle(words)
    texts = (" ".join(itertools.islice(source, 8)) + " " for source in itertools.repeat(itertools.cycle(words)))
    pages = package.data_generation.get_image_generator(
        height=640, width=640, font_groups={alphabet: fonts}, text_generator=texts, font_size=(60, 120), margin=50,
        backgrounds=sorted(str(path) for path in (resources / "pictures").glob("*.jpg")),
        rotationX=(-0.05, 0.05), rotationY=(-0.05, 0.05), rotationZ=(-15, 15),
    )  # fmt: skip
    report("640x640 scenes", "with character boxes, without CRAFT maps", lambda: next(pages), seconds)
    maps = package.detection.Detector(weights=None).get_batch_generator(
        ((image, lines) for image, lines in pages), batch_size=1
    )
    report("640x640 scenes with CRAFT maps", "", lambda: next(maps), seconds)
    crops = package.data_generation.convert_image_generator_to_recognizer_input(
        pages, max_string_length=48, target_width=200, target_height=31, margin=1
    )
    report("line crops", "31 x 200 px, cut from its pages", lambda: next(crops), seconds)


PEERS = {"trdg": trdg, "synthtiger": synthtiger, "keras-ocr": keras_ocr}

if __name__ == "__main__":
    PEERS[sys.argv[1]](Path(sys.argv[2]), float(sys.argv[3]))
