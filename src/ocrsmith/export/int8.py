"""A bundle whose networks compute in 8 bits, with what that costs measured on pictures and stated in its card.

How networks are rounded is in `export.quantization`. Their weights stay in the file as numbers under their own names,
on the levels of 8 bits, so that such a bundle is a start for a training as any other.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocrsmith.data.formats import LabelledFolder
from ocrsmith.errors import EngineError, InputError
from ocrsmith.evaluation.result import EvaluationResult
from ocrsmith.evaluation.run import evaluate_reader
from ocrsmith.export.quantization import quantize_network
from ocrsmith.geometry import minimum_area_quad
from ocrsmith.reading.bundle import Bundle, write_bundle
from ocrsmith.reading.crops import rectify
from ocrsmith.reading.detecting import PageDetector
from ocrsmith.reading.engines import Engine
from ocrsmith.reading.reader import Reader
from ocrsmith.reading.recognizing import CropRecognizer
from ocrsmith.samples import Image

# What ranges and roundings are taken from: at most so many inputs of a network, of so many numbers in all. More change
# nothing and are held in memory all at once.
MOST_INPUTS, MOST_NUMBERS = 320, 40_000_000


@dataclass(frozen=True)
class Cost:
    """What 8 bits change on pictures that no range was taken from.

    Attributes:
        measure: the score compared, see `EvaluationResult.scores`; `before` and `after` are its values.
        num_counted: what it was taken over.
        seconds_before, seconds_after: a picture, in the reader.
        bytes_before, bytes_after: of the networks.
    """

    folder: str
    measure: str
    before: float
    after: float
    num_counted: int
    seconds_before: float
    seconds_after: float
    bytes_before: int
    bytes_after: int

    @property
    def loss(self) -> float:
        """By how much the score falls; below 0 where it rises."""
        return self.before - self.after


def write_int8(
    bundle: Bundle,
    path: str | Path,
    pictures: LabelledFolder,
    *,
    parts: Sequence[str] = ("detector", "recognizer"),
    largest_loss: float,
    engine: str = "onnxruntime",
    threads: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[Path, Cost]:
    """Quantises a bundle's networks and measures both on the same pictures.

    Every second picture gives the ranges, the others are measured. Crops show a recogniser only; a detector then stays
    as it is.

    Args:
        parts: which networks, of those that the bundle has.
        largest_loss: how far the first score of the pictures may fall.
        engine: what measures.
        progress: called with each stage's name.

    Raises:
        InputError: too few pictures, a network in 8 bits already, or none of the parts can be quantised with them.
        EngineError: the score falls further than `largest_loss`; nothing is written.
        StorageError: the file cannot be written.
    """
    if len(pictures) < 4:
        raise InputError(f"{len(pictures)} labelled pictures came; some show the ranges and some are measured. Give 4.")
    shown, measured = (replace(pictures, entries=list(pictures.entries)[start::2]) for start in (0, 1))
    tell = progress or (lambda stage: None)
    networks = {"detector": bundle.detector_bytes, "recognizer": bundle.recognizer_bytes}
    present = {role: network for role, network in networks.items() if network is not None}
    rounded: dict[str, bytes] = {}
    for role, network in present.items():
        if role in parts and not (role == "detector" and pictures.kind == "crops"):
            if bundle.manifest[role].get("precision") == "int8":
                raise InputError(
                    f"The {role} of {bundle.name!r} computes in 8 bits already. Give its bundle of before."
                )
            tell(f"rounding the {role}")
            rounded[role] = quantize_network(network, _inputs(bundle, role, shown, threads))
    if not rounded:
        raise InputError(f"With {pictures.kind} none of {list(parts)} of {bundle.name!r} can be rounded. Give others.")
    manifest = _manifest(bundle, rounded)
    files = {manifest[role]["file"]: rounded.get(role, network) for role, network in present.items()}
    with tempfile.TemporaryDirectory() as folder:
        draft = write_bundle(Path(folder) / Path(path).name, manifest, files)
        tell("measuring")
        before, after = (
            evaluate_reader(Reader(each, engine=engine, threads=threads), measured)
            for each in (bundle, Bundle.load(draft))
        )
    cost = _cost(before, after, sum(map(len, present.values())), sum(map(len, files.values())))
    if cost.loss > largest_loss + 1e-9:
        raise EngineError(
            f"In 8 bits {cost.measure} falls from {cost.before:.3f} to {cost.after:.3f} on {cost.num_counted:,} of "
            f"{cost.folder}; at most {largest_loss:g} was allowed. Give more pictures, or allow it."
        )
    manifest["card"]["int8"] = {"parts": sorted(rounded), **asdict(cost)}
    return write_bundle(path, manifest, files), cost


def _manifest(bundle: Bundle, rounded: dict[str, bytes]) -> dict[str, Any]:
    """The bundle's own; its proofs against PyTorch are of the networks before their rounding."""
    manifest = copy.deepcopy(bundle.manifest)
    manifest["card"] = bundle.card
    for role in rounded:
        manifest[role]["precision"] = "int8"
    del manifest["name"]
    return manifest


def _cost(before: EvaluationResult, after: EvaluationResult, bytes_before: int, bytes_after: int) -> Cost:
    first, second = before.scores()[0], after.scores()[0]
    return Cost(
        before.name,
        first.measure,
        first.value,
        second.value,
        first.num_counted,
        before.seconds_per_picture,
        after.seconds_per_picture,
        bytes_before,
        bytes_after,
    )


class _Recorder(Engine):
    """An engine that keeps what it is given."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.name = engine, engine.name
        self.inputs: list[NDArray[np.float32]] = []

    def run(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        self.inputs.append(array)
        return self.engine.run(array)


def _inputs(bundle: Bundle, role: str, folder: LabelledFolder, threads: int | None) -> list[NDArray[np.float32]]:
    """What a network is given when it reads the pictures: pages for a detector, labelled words for a recogniser."""
    network: PageDetector | CropRecognizer
    if role == "detector":
        assert bundle.detector is not None
        network = PageDetector(bundle.detector, "onnxruntime", threads)
    else:
        assert bundle.recognizer is not None
        network = CropRecognizer(bundle.recognizer, "onnxruntime", threads)
    recorder = network.engine = _Recorder(network.engine)
    for entry in folder.entries:
        image = entry.image()
        if isinstance(network, PageDetector):
            network.detect(image)
        else:
            network.recognize(_crops(image, [word.polygon for word in entry.instances]))
        if len(recorder.inputs) >= MOST_INPUTS or sum(array.size for array in recorder.inputs) >= MOST_NUMBERS:
            break
    return recorder.inputs[:MOST_INPUTS]


def _crops(image: Image, polygons: Sequence[NDArray[np.float32]]) -> list[Image]:
    if not polygons:
        return [image]
    return rectify(image, [polygon if len(polygon) == 4 else minimum_area_quad(polygon) for polygon in polygons])
