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


def channel_extremes(
    network: onnx.ModelProto, names: Sequence[str], inputs: Sequence[NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """(C,) the largest magnitude in each channel of each activation (B, C, H, W) over the inputs."""
    activations = Activations(network, names)
    found: dict[str, NDArray[np.float32]] = {}
    for images in inputs:
        given = activations.of(images)
        for name in activations.names:
            extremes = np.abs(given[name]).max(axis=(0, 2, 3))
            found[name] = np.maximum(found[name], extremes) if name in found else extremes
    return found


@dataclass(frozen=True, eq=False)
class Convolution:
    """An ungrouped convolution of constant weights.

    Attributes:
        name, input, output: of its node and its tensors in the graph.
        weights: (O, I, h, w) float32, of evened inputs.
        factors: (I,) what the channels of its input are divided by, see `export.evening`.
        strides, dilations, pads: as ONNX has them.
    """

    name: str
    input: str
    output: str
    weights: NDArray[np.float32]
    factors: NDArray[np.float32]
    strides: Sequence[int]
    dilations: Sequence[int]
    pads: Sequence[int]

    def evened(self, activation: NDArray[np.float32]) -> NDArray[np.float32]:
        """(B, I, H, W) of its input, the channels divided by the factors."""
        return activation / self.factors[:, None, None]

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


@dataclass
class _Seen:
    """Values of an activation, a share of all of them, and the ends of all."""

    values: list[NDArray[np.float32]]
    lowest: float = 0.0
    highest: float = 0.0

    def add(self, activation: NDArray[np.float32], most: int, rng: np.random.Generator) -> None:
        flat = activation.ravel()
        self.lowest, self.highest = min(self.lowest, float(flat.min())), max(self.highest, float(flat.max()))
        self.values.append(flat if len(flat) <= most else flat[rng.integers(0, len(flat), most)])

    def range(self) -> Range:
        return least_error_range(np.concatenate(self.values), self.lowest, self.highest)


def ranges(
    network: onnx.ModelProto, convolutions: Sequence[Convolution], inputs: Sequence[NDArray[np.float32]]
) -> tuple[dict[str, Range], dict[str, Range]]:
    """The ranges of least error over the inputs: of each convolution's evened input and of its output, both by its
    name."""
    activations = Activations(network, [name for one in convolutions for name in (one.input, one.output)])
    rng, most = np.random.default_rng(0), max(1, _VALUES // len(inputs))
    before = {one.name: _Seen([]) for one in convolutions}
    behind = {one.name: _Seen([]) for one in convolutions}
    for images in inputs:
        found = activations.of(images)
        for one in convolutions:
            before[one.name].add(one.evened(found[one.input]), most, rng)
            behind[one.name].add(found[one.output], most, rng)
    return {name: seen.range() for name, seen in before.items()}, {name: seen.range() for name, seen in behind.items()}


def column_products(
    network: onnx.ModelProto,
    convolutions: Sequence[Convolution],
    known: Mapping[str, Range],
    inputs: Sequence[NDArray[np.float32]],
) -> dict[str, NDArray[np.float64]]:
    """For each convolution the sum of x x^T over its rounded columns x with a 1 behind each, which stands for the
    bias: (I * h * w + 1) squared. `known` has the ranges of their evened inputs, by their names."""
    activations = Activations(network, [convolution.input for convolution in convolutions])
    rng, most = np.random.default_rng(0), max(1, _COLUMNS // len(inputs))
    sums: dict[str, NDArray[np.float64]] = {}
    for images in inputs:
        found = activations.of(images)
        for convolution in convolutions:
            evened = convolution.evened(found[convolution.input])
            columns = convolution.columns(known[convolution.name].rounded(evened))
            if len(columns) > most:
                columns = columns[rng.integers(0, len(columns), most)]
            columns = np.pad(columns, ((0, 0), (0, 1)), constant_values=1.0)
            products = (columns.T @ columns).astype(np.float64)
            sums[convolution.name] = sums[convolution.name] + products if convolution.name in sums else products
    return sums
