"""Weights that keras-ocr saved (Keras 2, HDF5): its CRAFT and its CRNN, converted to this package's names.

The layout, as `model.save_weights("x.h5")` wrote it: attribute `layer_names`, a group a layer, and in it attribute
`weight_names` and the arrays. h5py is needed only here.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ocrsmith.errors import WeightsError
from ocrsmith.models.craft import Craft
from ocrsmith.models.crnn import CRNN

Layers = dict[str, list[tuple[str, NDArray[np.float32]]]]
State = dict[str, Tensor]

_BATCH_NORM_NAMES = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
_TRANSFORMER_LAYERS = ("conv_1", "conv_2", "dense", "affine")


def read_keras_layers(path: Path) -> Layers:
    """{layer: [(short weight name such as "kernel", array), ...]} of a Keras 2 HDF5 file.

    Raises:
        WeightsError: h5py is not installed, or the file is not such a file.
    """
    if importlib.util.find_spec("h5py") is None:
        raise WeightsError(
            f"Reading {path} needs the package h5py, which is not installed. Install it: pip install 'ocrsmith[keras]'."
        )
    import h5py

    try:
        with h5py.File(path, "r") as file:
            # A whole saved model keeps its weights one group below.
            root = file.get("model_weights", file)
            return {name: weights for name in _names(root, "layer_names") if (weights := _weights_of(root[name]))}
    except (OSError, KeyError) as error:
        raise WeightsError(
            f"The file {path} is not weights as Keras 2 saves them ({error}). "
            "Save them in keras-ocr with model.save_weights('weights.h5')."
        ) from None


def _names(group: Any, attribute: str) -> list[str]:
    return [name.decode() if isinstance(name, bytes) else str(name) for name in group.attrs[attribute]]


def _weights_of(group: Any) -> list[tuple[str, NDArray[np.float32]]]:
    names = _names(group, "weight_names")
    return [(name.rsplit("/", 1)[-1].split(":")[0], np.asarray(group[name], np.float32)) for name in names]


def keras_state(path: Path, model: nn.Module) -> State:
    """The state dictionary, in `model`'s own names, of a file that keras-ocr saved from the same kind of network."""
    layers = read_keras_layers(path)
    if isinstance(model, Craft):
        return craft_state(layers)
    if isinstance(model, CRNN):
        return crnn_state(layers)
    raise WeightsError(
        f"The file {path} is a Keras file, and a {type(model).__name__} was to read it. "
        "Keras files are read into the networks that keras-ocr has: craft and crnn."
    )


def craft_state(layers: Layers) -> State:
    """keras-ocr names CRAFT's layers as the PyTorch checkpoint does (`basenet.slice1.0`); only the axes differ."""
    state: State = {}
    for layer, weights in layers.items():
        for name, array in weights:
            own = _BATCH_NORM_NAMES.get(name, "weight" if name == "kernel" else name)
            # Keras's kernels are (height, width, in, out).
            state[f"{layer}.{own}"] = _tensor(array.transpose(3, 2, 0, 1) if name == "kernel" else array)
    return state


def crnn_state(layers: Layers) -> State:
    """The CRNN's: kernels with height and width exchanged, LSTMs in PyTorch's layout, the blank from last to first."""
    state: State = {}
    for layer, weights in layers.items():
        arrays = dict(weights)
        if layer.startswith("lstm_"):
            own = f"backbone.{layer.removesuffix('_back')}.{'back' if layer.endswith('_back') else 'ahead'}"
            state |= _lstm(own, arrays)
        elif layer.startswith("fc_12"):
            state["head.weight"] = _tensor(np.roll(arrays["kernel"].T, 1, axis=0))
            state["head.bias"] = _tensor(np.roll(arrays["bias"], 1))
        elif layer.startswith(("conv_", "bn_", "fc_")):
            state |= _plain(f"backbone.{layer}", weights)
        elif len(weights) == 2 * len(_TRANSFORMER_LAYERS):
            # The localisation network is a model in the model; its inner layers are numbered by session, so their
            # order tells which is which.
            for index, own in enumerate(_TRANSFORMER_LAYERS):
                state |= _plain(f"backbone.transformer.{own}", weights[2 * index : 2 * index + 2])
        else:
            state |= _plain(layer, weights)
    return state


def _plain(own: str, weights: list[tuple[str, NDArray[np.float32]]]) -> State:
    state: State = {}
    for name, array in weights:
        if name == "kernel":
            state[f"{own}.weight"] = _tensor(array.transpose(3, 2, 1, 0) if array.ndim == 4 else array.T)
        else:
            state[f"{own}.{_BATCH_NORM_NAMES.get(name, name)}"] = _tensor(array)
    return state


def _lstm(own: str, arrays: dict[str, NDArray[np.float32]]) -> State:
    # Both order the gates input, forget, cell, output. PyTorch has a second bias, which stays zero.
    return {
        f"{own}.weight_ih_l0": _tensor(arrays["kernel"].T),
        f"{own}.weight_hh_l0": _tensor(arrays["recurrent_kernel"].T),
        f"{own}.bias_ih_l0": _tensor(arrays["bias"]),
        f"{own}.bias_hh_l0": torch.zeros(len(arrays["bias"])),
    }


def _tensor(array: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.array(array, dtype=np.float32, order="C"))
