"""What stands in the graph of an ONNX network: its constants, attributes, and who uses a tensor."""

from __future__ import annotations

from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper


def constants_of(graph: onnx.GraphProto) -> dict[str, NDArray[Any]]:
    """Initialisers, and what their casts and second names give."""
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
        if node.op_type == "Cast" and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]].astype(
                helper.tensor_dtype_to_np_dtype(attributes_of(node)["to"])
            )
    return found


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """A node's attributes as Python's values, by their names."""
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def users_of(graph: onnx.GraphProto) -> dict[str, list[onnx.NodeProto]]:
    """The nodes that take each tensor."""
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    return users


def gelu_inputs(network: onnx.ModelProto) -> set[str]:
    """Tensors that go into x * (1 + erf(x / sqrt(2))) / 2 and nowhere else."""
    users = users_of(network.graph)
    found = set()
    for name, nodes in users.items():
        divided = [node for node in nodes if node.op_type == "Div"]
        through = [user for node in divided for user in users.get(node.output[0], [])]
        is_gelu = {user.op_type for user in through} == {"Erf"}
        if is_gelu and len(nodes) == 2 and {node.op_type for node in nodes} == {"Div", "Mul"}:
            found.add(name)
    return found


def own_initializer(graph: onnx.GraphProto, name: str) -> onnx.TensorProto | None:
    """The initialiser behind a name, where nothing else uses it."""
    made = {node.output[0]: node for node in graph.node if node.op_type in ("Cast", "Identity")}
    users = users_of(graph)
    while len(users[name]) == 1 and name in made:
        name = made[name].input[0]
    own = [tensor for tensor in graph.initializer if tensor.name == name and len(users[name]) == 1]
    return own[0] if own else None
