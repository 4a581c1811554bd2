"""From a PyTorch network to an ONNX file that any engine runs and that a later training can start from.

Nothing is folded or fused: every tensor of the state dictionary stays in the file under its own name. Engines fold when
they load, and `ocrsmith.models.onnx_state` reads the tensors back.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ocrsmith.errors import OcrsmithError, StorageError
from ocrsmith.models.onnx_state import ALIASES, exported_keys
from ocrsmith.models.torch_engine import output_kind
from ocrsmith.preprocess import DetectorInput, RecognizerInput

OPSET = 17
INPUT = "images"
# Small tensors stay 32 bits wide: biases and normalisation weigh little, and variances pass float16's 65,504.
SMALLEST_HALF = 1024
# The exporter puts the wrapper's attribute before every parameter's name.
_PREFIX = "network."


class _WithProbabilities(nn.Module):
    """The network, and behind it what makes its outputs probabilities; CRAFT's maps are linear already."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.kind = output_kind(network)

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.network(images)
        if self.kind == "maps":
            return output
        return torch.sigmoid(output) if output.ndim == 4 else torch.softmax(output, dim=-1)


def example_images(network: nn.Module, batch: int = 2, seed: int = 0) -> Tensor:
    """Noise that has passed the network's own preprocessing: (B, C, H, W) float32 of an allowed size."""
    contract = network.input
    rng = np.random.default_rng(seed)
    if isinstance(contract, RecognizerInput):
        wide = contract.max_width if contract.fit != "pad" else max(contract.min_width, 4 * contract.height)
        pictures = [rng.integers(0, 256, (contract.height, wide, 3), dtype=np.uint8) for _ in range(batch)]
        pictures = [contract.resize(picture) for picture in pictures]
    elif isinstance(contract, DetectorInput):
        side = 4 * contract.multiple
        pictures = [rng.integers(0, 256, (side, side + contract.multiple, 3), dtype=np.uint8) for _ in range(batch)]
    else:
        raise OcrsmithError(
            f"The network {type(network).__name__} says no input contract: its `.input` is {type(contract).__name__}, "
            "where RecognizerInput or DetectorInput was expected."
        )
    return torch.from_numpy(contract.normalize(contract.stack(pictures)))


def export_network(model: nn.Module, path: str | Path, *, half_precision: bool = False) -> Path:
    """Writes a network as ONNX: "images" (B, C, H, W) float32 in; "maps" or "probabilities" out.

    Batch and width are free, for a detector height too; a recogniser of fixed width has that width. The model is left
    on its device and in its mode.

    Args:
        half_precision: large weights are stored in 16 bits with a cast behind each, which engines undo when they load;
            the file is half as large, and the arithmetic stays float32.

    Raises:
        OcrsmithError: a tensor of the state dictionary did not reach the file.
        StorageError: the file cannot be written.
    """
    graph = _trace(model)
    _name_as_in_state(graph, model)
    if half_precision:
        _store_half(graph)
    onnx.checker.check_model(graph)
    target = Path(path)
    try:
        target.write_bytes(graph.SerializeToString())
    except OSError as error:
        raise StorageError(f"The network {target} could not be written ({error}). Check space and rights.") from None
    return target


def _trace(model: nn.Module) -> onnx.ModelProto:
    """The graph by PyTorch's tracing exporter, which keeps names and sizes free, and takes a second where the other
    takes half a minute."""
    kind = output_kind(model)
    devices = {parameter.device for parameter in model.parameters()}
    was_training = model.training
    wrapper = _WithProbabilities(model).cpu().eval()
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), torch.no_grad():
            # It is announced as superseded, and warns of every Python number that it holds for constant. What it holds
            # wrongly for constant is found by running other sizes through both: see export.parity.
            warnings.simplefilter("ignore")
            traced = Path(folder) / "traced.onnx"
            torch.onnx.export(
                wrapper,
                (example_images(model),),
                traced,
                dynamo=False,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=[kind],
                dynamic_axes={INPUT: _free_axes(model), kind: _free_output_axes(model)},
                # Neither folding nor the fusing of normalisation into convolutions: names and values must stay.
                do_constant_folding=False,
                training=torch.onnx.TrainingMode.PRESERVE,
            )
            return onnx.load(traced)
    finally:
        model.train(was_training)
        if devices:
            model.to(devices.pop())


def _free_axes(model: nn.Module) -> dict[int, str]:
    if isinstance(model.input, DetectorInput):
        return {0: "batch", 2: "height", 3: "width"}
    return {0: "batch", 3: "width"} if _is_free(model) else {0: "batch"}


def _free_output_axes(model: nn.Module) -> dict[int, str]:
    if isinstance(model.input, DetectorInput):
        return {0: "batch", 2: "map_height", 3: "map_width"}
    return {0: "batch", 1: "steps"} if _is_free(model) else {0: "batch"}


def _is_free(model: nn.Module) -> bool:
    """Whether a recogniser takes any width."""
    return isinstance(model.input, RecognizerInput) and model.input.fit == "pad"


def _name_as_in_state(graph: onnx.ModelProto, model: nn.Module) -> None:
    """Renames initialisers to their keys in the state dictionary, and checks that each key is there."""
    names = {tensor.name: tensor.name.removeprefix(_PREFIX) for tensor in graph.graph.initializer}
    for tensor in graph.graph.initializer:
        tensor.name = names[tensor.name]
    for node in graph.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = names.get(name, name)
    stored = {tensor.name: tensor for tensor in graph.graph.initializer}
    state = model.state_dict()
    aliases: dict[str, str] = {}
    lost: list[str] = []
    for key in exported_keys(model):
        if key in stored:
            continue
        twin = _equal_tensor(state[key], stored)
        if twin is None:
            lost.append(key)
        else:
            aliases[key] = twin
    if lost:
        raise OcrsmithError(
            f"The tensors {lost[:5]} of {type(model).__name__} ({len(lost)} in all) are not in its ONNX graph, so that "
            "no training could start from it. Every parameter must be used in forward, as it is."
        )
    if aliases:
        entry = graph.metadata_props.add()
        entry.key, entry.value = ALIASES, json.dumps(aliases)


def _equal_tensor(value: Tensor, stored: dict[str, onnx.TensorProto]) -> str | None:
    """The initialiser that holds the same numbers: the exporter stores equal tensors once."""
    wanted = value.detach().cpu().numpy()
    for name, tensor in stored.items():
        if tuple(tensor.dims) == wanted.shape and np.array_equal(numpy_helper.to_array(tensor), wanted):
            return name
    return None


def _store_half(graph: onnx.ModelProto) -> None:
    """Large float32 initialisers become float16 under their own names, with one cast to float32 each."""
    halved: dict[str, str] = {}
    kept = list(graph.graph.initializer)
    del graph.graph.initializer[:]
    casts = []
    for tensor in kept:
        values = numpy_helper.to_array(tensor) if tensor.data_type == TensorProto.FLOAT else None
        if values is not None and values.size >= SMALLEST_HALF and np.abs(values).max() < np.finfo(np.float16).max:
            wide = tensor.name + ".float32"
            halved[tensor.name] = wide
            casts.append(helper.make_node("Cast", [tensor.name], [wide], name=wide, to=TensorProto.FLOAT))
            tensor = numpy_helper.from_array(values.astype(np.float16), tensor.name)
        graph.graph.initializer.append(tensor)
    nodes = list(graph.graph.node)
    for node in nodes:
        for place, name in enumerate(node.input):
            node.input[place] = halved.get(name, name)
    del graph.graph.node[:]
    graph.graph.node.extend([*casts, *nodes])
