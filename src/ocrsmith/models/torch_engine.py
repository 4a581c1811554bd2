"""A bundle's networks read with PyTorch itself: slow, and there to look inside.

The network is built by its name and settings, as the bundle's manifest has them, and filled with the tensors of its
ONNX file. A bundle in 8 bits is read with its weights on their levels and everything else in floating point: what it
differs by from the other engines is what the rounding of activations does. `ocrsmith.reading.engines` opens this module
by name, since the reading install has no PyTorch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import EngineError, RecipeError, WeightsError
from ocrsmith.models.onnx_state import load_state_from_onnx
from ocrsmith.models.registry import build_detector, build_recognizer


class TorchEngine:
    """A network of a bundle on PyTorch, on the CPU in float32.

    Args:
        content: the network's ONNX file.
        network, settings: the registry's name and what it is built with.
        alphabet: a recogniser's; None for a detector.

    Attributes:
        model: the network itself, in evaluation mode: hooks show what its layers give.

    Raises:
        EngineError: the network cannot be built, or its file holds other tensors.
    """

    name = "pytorch"
    num_streams = 1

    def __init__(
        self, content: bytes, network: str, settings: Mapping[str, Any], alphabet: Alphabet | None, threads: int
    ) -> None:
        try:
            if alphabet is None:
                self.model = build_detector(network, **settings)
            else:
                self.model = build_recognizer(network, alphabet, **settings)
            load_state_from_onnx(self.model, content, "the bundle")
        except (RecipeError, WeightsError) as error:
            raise EngineError(f"PyTorch cannot read with this bundle: {error} Or use engine='onnxruntime'.") from None
        self.model.eval()
        torch.set_num_threads(threads)

    def run(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `ocrsmith.reading.engines.Engine.run`."""
        try:
            return read_output(self.model, torch.from_numpy(array))
        except RuntimeError as error:
            raise EngineError(f"PyTorch refused an input of shape {array.shape} ({error}).") from None

    def run_each(self, arrays: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """See `ocrsmith.reading.engines.Engine.run_each`."""
        return map(self.run, arrays)

    def release_buffers(self) -> None:
        """See `ocrsmith.reading.engines.Engine.release_buffers`; PyTorch frees each layer's as it goes."""


def output_kind(network: nn.Module) -> str:
    """What an exported network gives: "maps" for CRAFT, "probabilities" for DB and recognisers."""
    return "maps" if network.kind == "craft" else "probabilities"


@contextlib.contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The network in evaluation mode and without gradients; each part's own mode is given back.

    A frozen part is never in that of training, so that the mode of the whole does not tell those of its parts.
    """
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module, was_training in modes.items():
            module.training = was_training


def read_output(model: nn.Module, images: Tensor) -> NDArray[np.float32]:
    """What the exported network gives, by the network itself in its present mode: maps or probabilities, float32."""
    with torch.inference_mode():
        output: Tensor = model(images).float()
        if output_kind(model) == "probabilities":
            output = torch.sigmoid(output) if output.ndim == 4 else torch.softmax(output, dim=-1)
    return output.cpu().numpy()
