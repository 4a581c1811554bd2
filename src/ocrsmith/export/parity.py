"""The proof of an export: the same inputs through PyTorch and through the engines that will read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ocrsmith.errors import EngineError
from ocrsmith.export.onnx import example_images
from ocrsmith.models.torch_engine import read_output
from ocrsmith.preprocess import RecognizerInput
from ocrsmith.reading.ctc import decode_batch
from ocrsmith.reading.engines import open_engine


@dataclass(frozen=True)
class Parity:
    """How far an engine's outputs are from PyTorch's.

    Attributes:
        greatest_difference: of any number in any output; probabilities for recognisers and DB, map values for CRAFT.
        num_texts, num_equal_texts: decoded from both; 0 for detectors.
    """

    engine: str
    num_inputs: int
    greatest_difference: float
    num_texts: int = 0
    num_equal_texts: int = 0

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able form, for the card."""
        return asdict(self)


def prove(
    model: nn.Module,
    network: bytes | Path,
    *,
    inputs: Sequence[Tensor] | None = None,
    engines: Sequence[str] | None = None,
    largest_difference: float = 0.02,
) -> list[Parity]:
    """Runs `inputs` through the model and through each engine.

    ONNX Runtime computes in float32, so the bound on it proves the exported file. OpenVINO computes in bfloat16 where
    the processor does: its difference and its texts say what that costs, and only a NaN fails.

    Args:
        inputs: each (B, C, H, W) float32, normalised, of different sizes; noise of three sizes where none are given.
        engines: ONNX Runtime, and OpenVINO where it is installed, unless named.
        largest_difference: the bound on ONNX Runtime.

    Raises:
        EngineError: an output differs by more, or has another shape.
    """
    given = list(inputs) if inputs is not None else noise_of_three_sizes(model)
    expected = [reference_output(model, images) for images in given]
    names = engines or ["onnxruntime", *(["openvino"] if find_spec("openvino") else [])]
    proofs = []
    for name in names:
        engine = open_engine(network, engine=name)
        found = [engine.run(images.numpy()) for images in given]
        proof = compare(model, name, expected, found)
        bound = math.inf if name == "openvino" else largest_difference
        # Not "greater than", so that NaN fails too.
        if not proof.greatest_difference <= bound:
            raise EngineError(
                f"The exported network's outputs by {name} differ by {proof.greatest_difference:.4g} from PyTorch's; "
                f"at most {largest_difference:g} was expected. Export with half_precision = false."
            )
        proofs.append(proof)
    return proofs


def compare(
    model: nn.Module, engine: str, expected: Sequence[NDArray[np.float32]], found: Sequence[NDArray[np.float32]]
) -> Parity:
    """Differences and equal texts of outputs that belong together; raises EngineError for another shape."""
    greatest = 0.0
    texts = equal = 0
    for one, other in zip(expected, found, strict=True):
        if one.shape != other.shape:
            raise EngineError(
                f"The exported network gave an output of shape {other.shape} by {engine}, PyTorch one of {one.shape}. "
                "Its forward holds a size for constant: take sizes from tensors, not from Python numbers."
            )
        greatest = float(np.maximum(greatest, np.abs(one - other).max()))
        if isinstance(model.input, RecognizerInput):
            pairs = zip(_texts(one, model), _texts(other, model), strict=True)
            agreements = [before == after for before, after in pairs]
            texts += len(agreements)
            equal += sum(agreements)
    return Parity(engine, sum(map(len, expected)), greatest, texts, equal)


def reference_output(model: nn.Module, images: Tensor) -> NDArray[np.float32]:
    """What the exported network should give: the model's output in float32, as maps or probabilities."""
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    output = read_output(model, images.to(device))
    model.train(was_training)
    return output


def noise_of_three_sizes(model: nn.Module) -> list[Tensor]:
    """Noise in other batch sizes and, where it is free, other widths than the export saw."""
    first = example_images(model, batch=1, seed=1)
    if isinstance(model.input, RecognizerInput) and model.input.fit != "pad":
        return [first, example_images(model, batch=3, seed=2)]
    return [first, torch.cat([first, first.flip(3)], dim=3), example_images(model, batch=3, seed=2)]


def _texts(probabilities: NDArray[np.float32], model: nn.Module) -> list[str]:
    return [line.text for line in decode_batch(probabilities, None, model.alphabet)]  # type: ignore[arg-type]
