"""Four pictures are learnt by heart: targets, loss, network, schedule and post-processing agree with each other."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from ocrsmith.data.sources import FixedWorld
from ocrsmith.evaluation.boxes import BoxCounts
from ocrsmith.geometry import box_quad
from ocrsmith.models.registry import build_detector
from ocrsmith.preprocess import DetectorInput
from ocrsmith.reading.craft_maps import boxes_from_maps
from ocrsmith.samples import Character, PageSample, TextInstance
from ocrsmith.training.detector import DetectorCollate, DetectorModule
from ocrsmith.training.fitting import FitSettings, fit
from ocrsmith.training.loaders import BatchStream, CollateEach
from ocrsmith.training.schedule import Budget, WarmupCosine

SIDE = 128
ADVANCE, HEIGHT = 16, 24
# Words and the upper left corners that they stand at, a list a picture.
WORDS = (
    (("Exit", (10, 12)), ("9", (96, 30)), ("to", (30, 80))),
    (("open", (40, 20)), ("24", (12, 84))),
    (("a", (12, 12)), ("quick", (30, 70))),
    (("No", (80, 16)), ("here", (16, 60))),
)


def picture(number: int) -> PageSample:
    rng = np.random.default_rng(number)
    ground, ink = ((90, 110, 70), (235, 240, 225)) if number % 2 else ((215, 220, 230), (40, 30, 60))
    image = (np.full((SIDE, SIDE, 3), ground) + rng.normal(0, 8, (SIDE, SIDE, 3))).clip(0, 255).astype(np.uint8)
    instances = []
    for text, (left, top) in WORDS[number]:
        quads = [box_quad(left + ADVANCE * i, top, left + ADVANCE * (i + 1), top + HEIGHT) for i in range(len(text))]
        for place, letter in enumerate(text):
            at = (left + ADVANCE * place + 1, top + HEIGHT - 6)
            cv2.putText(image, letter, at, cv2.FONT_HERSHEY_SIMPLEX, 0.7, ink, 2, cv2.LINE_AA)
        quad = box_quad(left, top, left + ADVANCE * len(text), top + HEIGHT)
        instances.append(TextInstance(quad, text, tuple(map(Character, text, quads))))
    return PageSample(image, tuple(instances))


PICTURES = [picture(number) for number in range(4)]


def test_the_targets_themselves_give_every_box() -> None:
    batch = DetectorCollate("craft", DetectorInput(multiple=32, map_stride=2))(PICTURES)
    counts = BoxCounts()
    for page, maps in zip(PICTURES, batch.targets[0]):
        found = boxes_from_maps(maps.astype(np.float32).transpose(1, 2, 0))
        truth = [instance.polygon for instance in page.instances]
        counts += BoxCounts.from_page(truth, [False] * len(truth), [detection.polygon for detection in found])
    assert (counts.num_truth, counts.f_score) == (9, 1.0)


def test_a_light_detector_learns_four_pictures_by_heart(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = DetectorModule(build_detector("craft_light"), learning_rate=5e-3, weight_decay=0.0)
    collate = DetectorCollate("craft", module.contract)
    stream = BatchStream(FixedWorld(PICTURES), CollateEach(collate), batch_size=4, steps_per_epoch=25)
    settings = FitSettings(
        schedule=WarmupCosine(warmup_steps=10), ema_decay=None, precision="32-true", accelerator="cpu", progress=False
    )
    result = fit(module, stream, [collate(PICTURES)], Budget(steps=100), tmp_path, settings, from_nothing=True)
    assert max(row.get("validation_f", 0.0) for row in result.history) == 1.0
    # The weights that are kept find every box, in evaluation mode, and nothing else.
    module.on_validation_epoch_start()
    with torch.inference_mode():
        module.validation_step(collate(PICTURES), 0)
    counts = module.validation_counts
    assert (counts.num_truth, counts.num_predicted, counts.f_score) == (9, 9, 1.0)
