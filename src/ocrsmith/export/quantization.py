"""An ONNX network whose convolutions compute in 8 bits, and which is a start for a training still.

Weights stay floating point under their own names, at values that lie on the levels of 8 bits; behind each stands its
QuantizeLinear and DequantizeLinear, which engines fold into integers when they load. Activations are rounded before
and behind each convolution (ONNX Runtime computes in 8 bits only between the two). What is rounded behind is named
`ROUNDED_OUTPUT`, and `reading.openvino_engine` takes it out again for OpenVINO, which needs it not.

Only the convolutions that take the time are rounded, and neither the first nor the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from ocrsmith.errors import InputError
from ocrsmith.export.evening import evening_factors
from ocrsmith.export.graphs import attributes_of, constants_of, gelu_inputs, own_initializer, users_of
from ocrsmith.export.ranges import Activations, Convolution, Range, channel_extremes, column_products, ranges
from ocrsmith.export.rounding import Rounded, least_output_error, nearest
from ocrsmith.export.rounding_nodes import RoundingNodes, gained
from ocrsmith.reading.openvino_engine import ROUNDED_OUTPUT

# Of all multiplications, a convolution with less of them stays as it is: it would lose more than it saves.
LEAST_SHARE = 0.004
# Above so many inputs a place the products of all pairs fill memory; weights are then rounded to the nearest.
MOST_COLUMNS = 1536
# On the recogniser of PP-OCRv6 small three layers of the stem, 4 % of the work, cost 5 to 13 times their share, another
# 3.6 times, the next 2.6 times.
MOST_HARM = 3.0
# What a layer costs is measured on so many of the inputs.
HARM_INPUTS = 24
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
        work: its multiplications on one batch of inputs.
    """

    convolution: Convolution
    node: onnx.NodeProto
    bias: NDArray[np.float32]
    gains: NDArray[np.float32]
    removed: onnx.NodeProto | None
    work: int

    def evened(self, factors: NDArray[np.float32]) -> _Layer:
        """The same layer for an input whose channels are divided by `factors`, (I,)."""
        weights = self.convolution.weights * factors[:, None, None]
        return replace(self, convolution=replace(self.convolution, weights=weights, factors=factors))


@dataclass(frozen=True)
class _Ranges:
    """Of the layers' evened inputs and of their outputs, by the names of their nodes."""

    before: dict[str, Range]
    behind: dict[str, Range]


def quantize_network(content: bytes, inputs: Sequence[NDArray[np.float32]], *, most_harm: float = MOST_HARM) -> bytes:
    """An ONNX network in 8 bits, its activations' ranges and its weights' rounding by `inputs`, each (B, C, H, W).

    One without convolutions that 8 bits would pay for is given back as it is.

    Args:
        most_harm: a convolution stays as it is where rounding it alone costs more than so many times the accuracy
            that its share of the work explains.

    Raises:
        InputError: no inputs.
    """
    if not inputs:
        raise InputError("No pictures came to take the ranges of activations from. Give some with text.")
    network = onnx.load_model_from_string(content)
    layers = _evened(network, _layers(network, inputs[0]), inputs)
    if not layers:
        return content
    before, behind = ranges(network, [layer.convolution for layer in layers], inputs)
    into_gelu = gelu_inputs(network)
    for layer in layers:
        name = layer.node.name
        if layer.convolution.output in into_gelu:
            low, high = -behind[name].zero * behind[name].scale, (255 - behind[name].zero) * behind[name].scale
            behind[name] = Range.between(max(low, GELU_IS_ZERO_BELOW), high)
    found = _Ranges(before, behind)
    worth = _worth_rounding(content, layers, found, inputs, most_harm)
    layers = [layer for layer in layers if layer.node.name in worth]
    if not layers:
        return content
    small = [layer.convolution for layer in layers if layer.convolution.weights[0].size <= MOST_COLUMNS]
    products = column_products(network, small, before, inputs)
    _rewrite(network.graph, layers, found, {layer.node.name: _rounded(layer, products) for layer in layers})
    onnx.checker.check_model(network)
    return network.SerializeToString()


def _evened(network: onnx.ModelProto, layers: Sequence[_Layer], inputs: Sequence[NDArray[np.float32]]) -> list[_Layer]:
    """The layers with their inputs evened out. One right behind another is left: it takes that one's codes."""
    outputs = {layer.convolution.output for layer in layers}
    free = [layer.convolution.input for layer in layers if layer.convolution.input not in outputs]
    extremes = channel_extremes(network, free, inputs) if free else {}
    return [
        layer.evened(evening_factors(extremes[layer.convolution.input], layer.convolution.weights))
        if layer.convolution.input in extremes
        else layer
        for layer in layers
    ]


def _worth_rounding(
    content: bytes, layers: Sequence[_Layer], found: _Ranges, inputs: Sequence[NDArray[np.float32]], most_harm: float
) -> set[str]:
    """The names of the layers that cost no more accuracy than `most_harm` times what they are of the work.

    What a layer costs is the squared difference of the network's output with this layer alone rounded.
    """
    shown = inputs[:: max(1, len(inputs) // HARM_INPUTS)]

    def outputs(network: onnx.ModelProto) -> list[NDArray[np.float32]]:
        (name,) = (output.name for output in network.graph.output)
        activations = Activations(network, [name])
        return [activations.of(images)[name] for images in shown]

    own = outputs(onnx.load_model_from_string(content))
    harms = {}
    for layer in layers:
        network = onnx.load_model_from_string(content)
        (node,) = (node for node in network.graph.node if node.name == layer.node.name)
        alone = replace(layer, node=node)
        _rewrite(network.graph, [alone], found, {node.name: _rounded(alone, {})})
        pairs = zip(outputs(network), own, strict=True)
        harms[node.name] = sum(float(np.square(rounded - output).sum()) for rounded, output in pairs)
    harm, work = sum(harms.values()), sum(layer.work for layer in layers)
    return {layer.node.name for layer in layers if harms[layer.node.name] * work <= most_harm * layer.work * harm}


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


def _layers(network: onnx.ModelProto, images: NDArray[np.float32]) -> list[_Layer]:
    """The convolutions to round, in the order of the graph."""
    constants, users = constants_of(network.graph), users_of(network.graph)
    of_weights = [node for node in network.graph.node if node.op_type in ("Conv", "ConvTranspose", "MatMul", "Gemm")]
    inner = [node for node in of_weights[1:-1] if node.op_type == "Conv" and node.input[1] in constants]
    plain = [node for node in inner if attributes_of(node).get("group", 1) == 1]
    # Weights that several nodes use stay as they are, and so does padding that only the engine works out.
    plain = [
        node
        for node in plain
        if own_initializer(network.graph, node.input[1]) and "auto_pad" not in attributes_of(node)
    ]
    plain = [node for node in plain if constants[node.input[1]].ndim == 4]
    if not plain:
        return []
    outputs = Activations(network, [node.output[0] for node in plain]).of(images)
    places = {node.name: outputs[node.output[0]][0, 0].size for node in plain}
    work = {node.name: places[node.name] * constants[node.input[1]].size for node in plain}
    heavy = [node for node in plain if places[node.name] > 1 and work[node.name] > LEAST_SHARE * sum(work.values())]
    return [_layer(node, work[node.name], constants, users) for node in heavy]


def _layer(
    node: onnx.NodeProto, work: int, constants: dict[str, NDArray[Any]], users: dict[str, list[onnx.NodeProto]]
) -> _Layer:
    weights = np.asarray(constants[node.input[1]], np.float32)
    bias = np.asarray(constants[node.input[2]] if len(node.input) > 2 else np.zeros(len(weights)), np.float32)
    gains, output, removed = np.ones(len(weights), np.float32), node.output[0], None
    (behind,) = users.get(output, []) if len(users.get(output, [])) == 1 else (None,)
    if behind is not None and behind.op_type == "BatchNormalization":
        weight, shift, mean, variance = (np.asarray(constants[name], np.float32) for name in behind.input[1:5])
        gains = weight / np.sqrt(variance + attributes_of(behind).get("epsilon", 1e-5))
        bias, output, removed = shift + (bias - mean) * gains, behind.output[0], behind
        (behind,) = users.get(output, []) if len(users.get(output, [])) == 1 else (None,)
    if behind is not None and behind.op_type == "Relu":
        output = behind.output[0]
    attributes = attributes_of(node)
    convolution = Convolution(
        node.name,
        node.input[0],
        output,
        weights,
        np.ones(weights.shape[1], np.float32),
        attributes.get("strides", [1, 1]),
        attributes.get("dilations", [1, 1]),
        attributes.get("pads", [0, 0, 0, 0]),
    )
    return _Layer(convolution, node, bias, gains.astype(np.float32), removed, work)


def _rewrite(graph: onnx.GraphProto, layers: Sequence[_Layer], found: _Ranges, rounded: dict[str, Rounded]) -> None:
    """Puts the roundings into the graph, and the weights on their levels."""
    by_node = {layer.node.name: layer for layer in layers}
    removed = {layer.removed.name for layer in layers if layer.removed is not None}
    given_by_graph = {output.name for output in graph.output}
    makers = {layer.convolution.output: layer for layer in layers if layer.convolution.output not in given_by_graph}
    parts = RoundingNodes()
    nodes: list[onnx.NodeProto] = []
    # What nodes take instead of a layer's output, and what each layer takes instead of its input.
    behind: dict[str, str] = {}
    before: dict[str, tuple[str, Range]] = {}

    def round_activation(name: str) -> None:
        takers = [layer for layer in layers if layer.convolution.input == name]
        if name in makers:
            known = found.behind[makers[name].node.name]
            behind[name] = parts.activation(name, known, ROUNDED if takers else ROUNDED_OUTPUT)
        for number, taker in enumerate(takers):
            if name in makers:
                before[taker.node.name] = behind[name], known
                continue
            known, factors = found.before[taker.node.name], taker.convolution.factors
            suffix = f"{ROUNDED}.{number}" if number else ROUNDED
            before[taker.node.name] = parts.activation(name, known, suffix, factors), known
        nodes.extend(parts.taken())

    for tensor in graph.input:
        round_activation(tensor.name)
    for node in graph.node:
        if node.name in removed:
            continue
        layer = by_node.get(node.name)
        # Others take floats where there are any: sums are nearer, and ONNX Runtime's pooling ten times as fast.
        # Behind a rounded convolution there are none: it is computed in 8 bits if nothing takes its own output.
        for place, name in enumerate(node.input):
            node.input[place] = behind.get(name, name)
        if layer is not None:
            node.input[0], known = before[node.name]
            _round_layer(graph, parts, layer, rounded[node.name], known)
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
    weights = own_initializer(graph, wide)
    bias_tensor = own_initializer(graph, node.input[2]) if len(node.input) > 2 else None
    assert weights is not None
    factors = layer.convolution.factors
    values = rounded.weights.reshape(layer.convolution.weights.shape) / factors[:, None, None]
    weights.CopyFrom(numpy_helper.from_array(values.astype(numpy_helper.to_array(weights).dtype), weights.name))
    if layer.removed is None and bias_tensor is not None:
        # A bias of the network's own keeps its name, so that a training starts from what reading adds.
        bias_tensor.CopyFrom(numpy_helper.from_array(rounded.bias, bias_tensor.name))
        bias = bias_tensor.name
    else:
        bias = parts.constant(node.name + ".bias", rounded.bias)
    scales = gained(rounded.scales, layer.gains)
    inputs = [
        parts.weights(wide, rounded.scales, layer.gains, factors),
        parts.bias(bias, scales * np.float32(given.scale)),
    ]
    del node.input[1:]
    node.input.extend(inputs)
    if layer.removed is not None:
        node.output[0] = layer.removed.output[0]
