"""What a network's convolutions are given: the range of each activation, and how its channels go together.

Ranges are those of least squared error over samples of the activations, not the extremes, which a few outliers set
(Nagel et al., "A White Paper on Neural Network Quantization", arXiv:2106.08295, section 3.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from onnx import TensorProto, helper

LEVELS = 255
# Over all inputs, so many values of an activation and so many columns of a convolution are looked at.
_VALUES, _COLUMNS = 400_000, 150_000
# How much of each end of a range is tried: down to a fifth.
_SHRUNK = np.linspace(0.2, 1.0, 33)


@dataclass(frozen=True)
class Range:
    """The values that 8 bits without sign stand for, 0 among them exactly: (code - zero) * scale.

    Attributes:
        scale: the step between two codes.
        zero: the code of 0.0.
    """

    scale: float
    zero: int

    @classmethod
    def between(cls, low: float, high: float) -> Range:
        """The range from `low` or 0 to `high` or 0."""
        low, high = min(low, 0.0), max(high, 0.0)
        scale = max(high - low, 1e-8) / LEVELS
        return cls(scale, int(np.clip(round(-low / scale), 0, LEVELS)))

    def rounded(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The nearest values of the range."""
        codes = np.clip(np.rint(values / np.float32(self.scale)) + self.zero, 0, LEVELS)
        return np.asarray((codes - self.zero) * np.float32(self.scale), np.float32)


def least_error_range(values: NDArray[np.float32], lowest: float, highest: float) -> Range:
    """The range within lowest..highest whose rounding and clipping of `values` have the least squared error."""
    low, high = min(lowest, 0.0), max(highest, 0.0)
    ends = [low * _SHRUNK, high * _SHRUNK]

    def error(one: float, other: float) -> float:
        return float(np.square(Range.between(one, other).rounded(values) - values).mean())

    for _ in range(2):
        high = min(ends[1], key=lambda end: error(low, end))
        low = min(ends[0], key=lambda end: error(end, high))
    return Range.between(low, high)


class Activations:
    """A network that also gives what runs between its layers."""

    def __init__(self, network: onnx.ModelProto, names: Iterable[str]) -> None:
        self.input = network.graph.input[0].name
        self.names = list(dict.fromkeys(names))
        copy = onnx.ModelProto()
        copy.CopyFrom(network)
        given = {self.input, *(output.name for output in copy.graph.output)}
        copy.graph.output.extend(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in self.names if name not in given
        )
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            copy.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def of(self, images: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """The activations of one batch, (B, C, H, W) float32, by their names."""
        asked = [name for name in self.names if name != self.input]
        return dict(zip(asked, self._session.run(asked, {self.input: images}))) | {self.input: images}


def ranges(network: onnx.ModelProto, names: Sequence[str], inputs: Sequence[NDArray[np.float32]]) -> dict[str, Range]:
    """The range of least error of each activation over the inputs."""
    activations = Activations(network, names)
    rng, most = np.random.default_rng(0), max(1, _VALUES // len(inputs))
    values: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
    ends = {name: [0.0, 0.0] for name in names}
    for images in inputs:
        for name, activation in activations.of(images).items():
            if name not in ends:
                continue
            flat = activation.ravel()
            ends[name] = [min(ends[name][0], float(flat.min())), max(ends[name][1], float(flat.max()))]
            values[name].append(flat if len(flat) <= most else flat[rng.integers(0, len(flat), most)])
    return {name: least_error_range(np.concatenate(values[name]), *ends[name]) for name in names}


@dataclass(frozen=True)
class Convolution:
    """An ungrouped convolution of constant weights.

    Attributes:
        name, input, output: of its node and its tensors in the graph.
        weights: (O, I, h, w) float32.
        strides, dilations, pads: as ONNX has them.
    """

    name: str
    input: str
    output: str
    weights: NDArray[np.float32]
    strides: Sequence[int]
    dilations: Sequence[int]
    pads: Sequence[int]

    def columns(self, activation: NDArray[np.float32]) -> NDArray[np.float32]:
        """(places, I * h * w): what each place of the output is the product of with the weights."""
        kernel = self.weights.shape[2:]
        if kernel == (1, 1) and tuple(self.strides) == (1, 1):
            return np.moveaxis(activation, 1, -1).reshape(-1, activation.shape[1])
        top, left, bottom, right = self.pads
        padded = F.pad(torch.from_numpy(np.ascontiguousarray(activation)), (left, right, top, bottom))
        unfolded = F.unfold(padded, kernel, dilation=tuple(self.dilations), stride=tuple(self.strides))
        columns: NDArray[np.float32] = unfolded.transpose(1, 2).reshape(-1, unfolded.shape[1]).numpy()
        return columns


def column_products(
    network: onnx.ModelProto,
    convolutions: Sequence[Convolution],
    known: Mapping[str, Range],
    inputs: Sequence[NDArray[np.float32]],
) -> dict[str, NDArray[np.float64]]:
    """For each convolution the sum of x x^T over its rounded columns x with a 1 behind each, which stands for the
    bias: (I * h * w + 1) squared."""
    activations = Activations(network, [convolution.input for convolution in convolutions])
    rng, most = np.random.default_rng(0), max(1, _COLUMNS // len(inputs))
    sums: dict[str, NDArray[np.float64]] = {}
    for images in inputs:
        found = activations.of(images)
        for convolution in convolutions:
            columns = convolution.columns(known[convolution.input].rounded(found[convolution.input]))
            if len(columns) > most:
                columns = columns[rng.integers(0, len(columns), most)]
            columns = np.pad(columns, ((0, 0), (0, 1)), constant_values=1.0)
            products = (columns.T @ columns).astype(np.float64)
            sums[convolution.name] = sums[convolution.name] + products if convolution.name in sums else products
    return sums
