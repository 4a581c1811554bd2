"""The ONNX nodes that round: activations to the codes of their range, weights and biases to whole numbers of steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ocrsmith.export.ranges import Range


def gained(scales: NDArray[np.float32], gains: NDArray[np.float32]) -> NDArray[np.float32]:
    """(O,) steps of weights that a normalisation multiplies; never 0, which nothing can be divided by."""
    return np.asarray(np.maximum(scales * np.abs(gains), 1e-12), np.float32)


class RoundingNodes:
    """Nodes and initialisers that are to be put into a graph."""

    def __init__(self) -> None:
        self.initializers: list[onnx.TensorProto] = []
        self._nodes: list[onnx.NodeProto] = []

    def taken(self) -> list[onnx.NodeProto]:
        """The nodes made since this was last asked."""
        nodes, self._nodes = self._nodes, []
        return nodes

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """An initialiser."""
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _node(self, operator: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def activation(self, name: str, found: Range, suffix: str, factors: NDArray[np.float32] | None = None) -> str:
        """The activation on the 256 codes of its range, its channels divided by `factors`, (C,), before that."""
        scale = self.constant(name + suffix + ".scale", np.array(found.scale, np.float32))
        zero = self.constant(name + suffix + ".zero", np.array(found.zero, np.uint8))
        evened = name
        if factors is not None and (factors != 1).any():
            inverse = self.constant(name + suffix + ".factors", (1 / factors).astype(np.float32).reshape(-1, 1, 1))
            evened = self._node("Mul", [name, inverse], name + suffix + ".evened")
        codes = self._node("QuantizeLinear", [evened, scale, zero], name + suffix + ".codes")
        return self._node("DequantizeLinear", [codes, scale, zero], name + suffix)

    def weights(
        self, name: str, scales: NDArray[np.float32], gains: NDArray[np.float32], factors: NDArray[np.float32]
    ) -> str:
        """The weights (O, I, h, w) times the factors (I,) as whole numbers of their scales, times the gains (O,)."""
        zero = self.constant(name + ".zero", np.zeros(len(scales), np.int8))
        scale = self.constant(name + ".scale", scales)
        # One after the other: their product is as large as the weights themselves.
        signs = np.where(gains < 0, -1, 1).astype(np.float32)
        multiplied = name
        for word, times in (("evened", factors.reshape(1, -1, 1, 1)), ("signed", signs.reshape(-1, 1, 1, 1))):
            if (times != 1).any():
                constant = self.constant(f"{name}.{word}.times", times)
                multiplied = self._node("Mul", [multiplied, constant], f"{name}.{word}")
        codes = self._node("QuantizeLinear", [multiplied, scale, zero], name + ".codes", axis=0)
        if (gains != 1).any():
            scale = self.constant(name + ".gained", gained(scales, gains))
        return self._node("DequantizeLinear", [codes, scale, zero], name + ".rounded", axis=0)

    def bias(self, name: str, steps: NDArray[np.float32]) -> str:
        """The bias in whole numbers of what one code of input times one of weight is, as integer kernels add it."""
        scale = self.constant(name + ".scale", steps)
        divided = self._node("Div", [name, scale], name + ".divided")
        whole = self._node("Round", [divided], name + ".whole")
        codes = self._node("Cast", [whole], name + ".codes", to=TensorProto.INT32)
        zero = self.constant(name + ".zero", np.zeros(len(steps), np.int32))
        return self._node("DequantizeLinear", [codes, scale, zero], name + ".rounded", axis=0)
