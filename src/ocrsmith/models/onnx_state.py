"""A network's state dictionary out of an ONNX file that ocrsmith exported: what makes a bundle good as a start.

Such a file keeps every tensor of the state dictionary as an initialiser under the tensor's own name, in its own layout,
as float32 or float16. Tensors that the exporter stored once for several names stand in the metadata `ocrsmith_aliases`.
"""

from __future__ import annotations

import json

import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from torch import Tensor, nn

from ocrsmith.errors import WeightsError

ALIASES = "ocrsmith_aliases"
# BatchNorm's counter of batches: it has no part in inference and no place in an ONNX file.
UNEXPORTED_SUFFIX = "num_batches_tracked"


def exported_keys(model: nn.Module) -> list[str]:
    """The keys of a network's state dictionary that an export must hold."""
    return [key for key in model.state_dict() if not key.endswith(UNEXPORTED_SUFFIX)]


def state_from_onnx(content: bytes) -> dict[str, Tensor]:
    """The named float tensors of an exported network, as float32.

    Raises:
        WeightsError: not an ONNX file.
    """
    try:
        graph = onnx.load_model_from_string(content)
    except DecodeError as error:
        raise WeightsError(f"The network cannot be read as ONNX ({error}). Export or copy it again.") from None
    stored = {
        tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()).float()
        for tensor in graph.graph.initializer
        if tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
    }
    metadata = {entry.key: entry.value for entry in graph.metadata_props}
    aliases: dict[str, str] = json.loads(metadata.get(ALIASES, "{}"))
    return stored | {key: stored[name].clone() for key, name in aliases.items() if name in stored}


def load_state_from_onnx(model: nn.Module, content: bytes, source: str) -> tuple[str, ...]:
    """Fills a network with the tensors of an exported one of the same kind and size; returns the keys.

    Raises:
        WeightsError: tensors that are absent or of other shapes; the message names them.
    """
    state = state_from_onnx(content)
    own = model.state_dict()
    wanted = exported_keys(model)
    wrong = [
        f"{key} is {tuple(state[key].shape) if key in state else 'absent'} instead of {tuple(own[key].shape)}"
        for key in wanted
        if key not in state or state[key].shape != own[key].shape
    ]
    if wrong:
        shown = "; ".join(wrong[:5]) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        raise WeightsError(
            f"The network in {source} does not fit {type(model).__name__}: {shown}. Build the network with the model "
            "and settings that the bundle's manifest names."
        )
    model.load_state_dict({key: state[key] for key in wanted}, strict=False)
    return tuple(wanted)
