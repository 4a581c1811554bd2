"""An ONNX network whose convolutions compute in 8 bits, and which is a start for a training still.

Weights stay floating point under their own names, at values that lie on the levels of 8 bits; behind each stands its
QuantizeLinear and DequantizeLinear, which engines fold into integers when they load. Activations are rounded before
and behind each convolution (ONNX Runtime computes in 8 bits only between the two). What is rounded behind is named
`ROUNDED_OUTPUT`, and `reading.engines` takes it out again for OpenVINO, which needs it not.

Only the convolutions that take the time are rounded, and neither the first nor the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from ocrsmith.errors import InputError
from ocrsmith.export.ranges import Activations, Convolution, Range, column_products, ranges
from ocrsmith.export.rounding import Rounded, least_output_error, nearest
from ocrsmith.export.rounding_nodes import RoundingNodes, gained
from ocrsmith.reading.engines import ROUNDED_OUTPUT

# Of all multiplications, a convolution with less of them stays as it is: it would lose more than it saves.
LEAST_SHARE = 0.004
# Above so many inputs a place the products of all pairs fill memory; weights are then rounded to the nearest.
MOST_COLUMNS = 1536
# The ends of rounded activations' names; `ROUNDED_OUTPUT` where no convolution to be rounded takes them.
ROUNDED = ".rounded"
# GELU is 0 below, within half a thousandth.
GELU_IS_ZERO_BELOW = -3.5


@dataclass(frozen=True, eq=False)
class _Layer:
    """A convolution to be rounded, and the batch normalisation behind it, which its steps and bias take over.

    Attributes:
        convolution: its output is that of the normalisation, and of a ReLU behind them, so far as there are any.
        bias: (O,) of both.
        gains: (O,) the normalisation's factors; ones without it.
        removed: the normalisation's node.
    """

    convolution: Convolution
    node: onnx.NodeProto
    bias: NDArray[np.float32]
    gains: NDArray[np.float32]
    removed: onnx.NodeProto | None


def quantize_network(content: bytes, inputs: Sequence[NDArray[np.float32]]) -> bytes:
    """An ONNX network in 8 bits, its activations' ranges and its weights' rounding by `inputs`, each (B, C, H, W).

    One without convolutions that 8 bits would pay for is given back as it is.

    Raises:
        InputError: no inputs.
    """
    if not inputs:
        raise InputError("No pictures came to take the ranges of activations from. Give some with text.")
    network = onnx.load_model_from_string(content)
    layers = _layers(network, inputs[0])
    if not layers:
        return content
    convolutions = [layer.convolution for layer in layers]
    names = dict.fromkeys(name for one in convolutions for name in (one.input, one.output))
    found = ranges(network, list(names), inputs)
    for name in _gelu_inputs(network) & set(names):
        low, high = -found[name].zero * found[name].scale, (255 - found[name].zero) * found[name].scale
        found[name] = Range.between(max(low, GELU_IS_ZERO_BELOW), high)
    small = [one for one in convolutions if one.weights[0].size <= MOST_COLUMNS]
    products = column_products(network, small, found, inputs)
    _rewrite(network.graph, layers, found, {layer.node.name: _rounded(layer, products) for layer in layers})
    onnx.checker.check_model(network)
    return network.SerializeToString()


def _rounded(layer: _Layer, products: dict[str, NDArray[np.float64]]) -> Rounded:
    """The layer's weights on levels, without the normalisation's gains, and the bias behind them."""
    one = layer.convolution
    weights = one.weights.reshape(len(one.weights), -1)
    # Products are of a bias before the gains.
    gains = np.where(layer.gains == 0, 1.0, layer.gains).astype(np.float32)
    found = (
        least_output_error(weights, layer.bias / gains, products[one.name])
        if one.name in products
        else nearest(weights, layer.bias / gains)
    )
    bias = np.where(layer.gains == 0, layer.bias, found.bias * gains)
    return Rounded(found.weights, found.scales, np.asarray(bias, np.float32))


def _constants(graph: onnx.GraphProto) -> dict[str, NDArray[Any]]:
    """Initialisers, and what their casts and second names give."""
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
        if node.op_type == "Cast" and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]].astype(
                helper.tensor_dtype_to_np_dtype(_attributes(node)["to"])
            )
    return found


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _users(graph: onnx.GraphProto) -> dict[str, list[onnx.NodeProto]]:
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    return users


def _gelu_inputs(network: onnx.ModelProto) -> set[str]:
    """Tensors that go into x * (1 + erf(x / sqrt(2))) / 2 and nowhere else."""
    users = _users(network.graph)
    found = set()
    for name, nodes in users.items():
        divided = [node for node in nodes if node.op_type == "Div"]
        through = [user for node in divided for user in users.get(node.output[0], [])]
        is_gelu = {user.op_type for user in through} == {"Erf"}
        if is_gelu and len(nodes) == 2 and {node.op_type for node in nodes} == {"Div", "Mul"}:
            found.add(name)
    return found


def _layers(network: onnx.ModelProto, images: NDArray[np.float32]) -> list[_Layer]:
    """The convolutions to round, in the order of the graph."""
    constants, users = _constants(network.graph), _users(network.graph)
    of_weights = [node for node in network.graph.node if node.op_type in ("Conv", "ConvTranspose", "MatMul", "Gemm")]
    inner = [node for node in of_weights[1:-1] if node.op_type == "Conv" and node.input[1] in constants]
    plain = [node for node in inner if _attributes(node).get("group", 1) == 1]
    # Weights that several nodes use stay as they are, and so does padding that only the engine works out.
    plain = [node for node in plain if _own(network.graph, node.input[1]) and "auto_pad" not in _attributes(node)]
    plain = [node for node in plain if constants[node.input[1]].ndim == 4]
    if not plain:
        return []
    outputs = Activations(network, [node.output[0] for node in plain]).of(images)
    places = {node.name: outputs[node.output[0]][0, 0].size for node in plain}
    work = {node.name: places[node.name] * constants[node.input[1]].size for node in plain}
    heavy = [node for node in plain if places[node.name] > 1 and work[node.name] > LEAST_SHARE * sum(work.values())]
    return [_layer(node, constants, users) for node in heavy]


def _own(graph: onnx.GraphProto, name: str) -> onnx.TensorProto | None:
    """The initialiser behind a name, where nothing else uses it."""
    made = {node.output[0]: node for node in graph.node if node.op_type in ("Cast", "Identity")}
    users = _users(graph)
    while len(users[name]) == 1 and name in made:
        name = made[name].input[0]
    own = [tensor for tensor in graph.initializer if tensor.name == name and len(users[name]) == 1]
    return own[0] if own else None


def _layer(node: onnx.NodeProto, constants: dict[str, NDArray[Any]], users: dict[str, list[onnx.NodeProto]]) -> _Layer:
    weights = np.asarray(constants[node.input[1]], np.float32)
    bias = np.asarray(constants[node.input[2]] if len(node.input) > 2 else np.zeros(len(weights)), np.float32)
    gains, output, removed = np.ones(len(weights), np.float32), node.output[0], None
    (behind,) = users.get(output, []) if len(users.get(output, [])) == 1 else (None,)
    if behind is not None and behind.op_type == "BatchNormalization":
        weight, shift, mean, variance = (np.asarray(constants[name], np.float32) for name in behind.input[1:5])
        gains = weight / np.sqrt(variance + _attributes(behind).get("epsilon", 1e-5))
        bias, output, removed = shift + (bias - mean) * gains, behind.output[0], behind
        (behind,) = users.get(output, []) if len(users.get(output, [])) == 1 else (None,)
    if behind is not None and behind.op_type == "Relu":
        output = behind.output[0]
    attributes = _attributes(node)
    convolution = Convolution(
        node.name,
        node.input[0],
        output,
        weights,
        attributes.get("strides", [1, 1]),
        attributes.get("dilations", [1, 1]),
        attributes.get("pads", [0, 0, 0, 0]),
    )
    return _Layer(convolution, node, bias, gains.astype(np.float32), removed)


def _rewrite(
    graph: onnx.GraphProto, layers: Sequence[_Layer], found: dict[str, Range], rounded: dict[str, Rounded]
) -> None:
    """Puts the roundings into the graph, and the weights on their levels."""
    by_node = {layer.node.name: layer for layer in layers}
    removed = {layer.removed.name for layer in layers if layer.removed is not None}
    inputs = {layer.convolution.input for layer in layers}
    outputs = {layer.convolution.output for layer in layers} - {output.name for output in graph.output}
    parts = RoundingNodes()
    nodes: list[onnx.NodeProto] = []
    given: dict[str, str] = {}

    def round_activation(name: str) -> None:
        if name in inputs | outputs:
            given[name] = parts.activation(name, found[name], ROUNDED if name in inputs else ROUNDED_OUTPUT)
            nodes.extend(parts.taken())

    for tensor in graph.input:
        round_activation(tensor.name)
    for node in graph.node:
        if node.name in removed:
            continue
        layer = by_node.get(node.name)
        for place, name in enumerate(node.input):
            # Others take floats where there are any: sums are nearer, and ONNX Runtime's pooling ten times as fast.
            # Behind a rounded convolution there are none: it is computed in 8 bits if nothing takes its own output.
            if layer is not None or name in outputs:
                node.input[place] = given.get(name, name)
        if layer is not None:
            _round_layer(graph, parts, layer, rounded[node.name], found[layer.convolution.input])
            nodes.extend(parts.taken())
        nodes.append(node)
        for name in node.output:
            round_activation(name)
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(parts.initializers)


def _round_layer(graph: onnx.GraphProto, parts: RoundingNodes, layer: _Layer, rounded: Rounded, given: Range) -> None:
    """Gives a convolution its weights and bias on levels, and the output of the normalisation that it replaces."""
    node, wide = layer.node, layer.node.input[1]
    weights, bias_tensor = _own(graph, wide), _own(graph, node.input[2]) if len(node.input) > 2 else None
    assert weights is not None
    values = rounded.weights.reshape(layer.convolution.weights.shape)
    weights.CopyFrom(numpy_helper.from_array(values.astype(numpy_helper.to_array(weights).dtype), weights.name))
    if layer.removed is None and bias_tensor is not None:
        # A bias of the network's own keeps its name, so that a training starts from what reading adds.
        bias_tensor.CopyFrom(numpy_helper.from_array(rounded.bias, bias_tensor.name))
        bias = bias_tensor.name
    else:
        bias = parts.constant(node.name + ".bias", rounded.bias)
    scales = gained(rounded.scales, layer.gains)
    inputs = [parts.weights(wide, rounded.scales, layer.gains), parts.bias(bias, scales * np.float32(given.scale))]
    del node.input[1:]
    node.input.extend(inputs)
    if layer.removed is not None:
        node.output[0] = layer.removed.output[0]
