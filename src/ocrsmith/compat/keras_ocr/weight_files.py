"""Saving and loading weights as Keras scripts do: `.h5` in keras-ocr's own layout, or safetensors.

An `.h5` written here holds the layers, names and axes that keras-ocr 0.9.3 saves, so that both packages read it; only
this ending needs h5py. A path without a known ending, as Keras scripts use for TensorFlow's own format, is written as
safetensors with that ending added.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ocrsmith.errors import StorageError, WeightsError
from ocrsmith.models.craft import Craft
from ocrsmith.models.crnn import CRNN
from ocrsmith.models.weights import READERS, WeightsReport, load_start_weights
from ocrsmith.models.weights import save_weights as save_safetensors

KERAS_SUFFIXES = frozenset({".h5", ".hdf5"})
_SAFETENSORS = ".safetensors"
_BATCH_NORM = (
    ("weight", "gamma"),
    ("bias", "beta"),
    ("running_mean", "moving_mean"),
    ("running_var", "moving_variance"),
)
# keras-ocr's CRNN in its order, layers without weights included; Keras matches files to models by this order.
_CRNN_BEFORE = [
    *("input_1", "permute", "lambda", "conv_1", "conv_2", "conv_3", "bn_3", "maxpool_3"),
    *("conv_4", "conv_5", "bn_5", "maxpool_5", "conv_6", "conv_7", "bn_7"),
]
_CRNN_TRANSFORMER = ["model", "lambda_1"]
_CRNN_AFTER = ["reshape", "fc_9", "lstm_10", "lstm_10_back", "add", "lstm_11", "lstm_11_back", "concatenate"]
_CRNN_TOP = ["dropout", "fc_12", "lambda_2"]
_INNER_LAYERS = {"conv_1": "conv2d", "conv_2": "conv2d_1", "dense": "dense", "affine": "dense_1"}

Arrays = list[tuple[str, NDArray[np.float32]]]


def weights_path(path: str | Path) -> Path:
    """The file that a script's path stands for."""
    target = Path(path).expanduser()
    known = target.suffix.lower() in {*READERS, *KERAS_SUFFIXES}
    return target if known else target.with_name(target.name + _SAFETENSORS)


def save(network: nn.Module, path: str | Path, *, top: bool = True) -> Path:
    """Writes a network's weights, by the path's ending; `top=False` leaves a recogniser's head out (`.h5` only).

    Raises:
        WeightsError: an `.h5` without h5py, or a PyTorch ending.
        StorageError: the file cannot be written.
    """
    target = weights_path(path)
    if target.suffix.lower() in KERAS_SUFFIXES:
        return _save_keras(network, target, top)
    if target.suffix.lower() != _SAFETENSORS:
        raise WeightsError(f"{target} was to be written. Use an ending of .safetensors, or .h5 for keras-ocr.")
    return save_safetensors(network, target)


def load(network: nn.Module, path: str | Path) -> WeightsReport:
    """Loads weights that `save` or keras-ocr wrote, or PyTorch's; raises WeightsError where they do not fit."""
    target = weights_path(path)
    if not target.is_file():
        raise WeightsError(
            f"The weights {target} do not exist. Give the path of a file (.h5, .safetensors or .pth), a known name "
            "such as 'clovaai_general' or 'kurapan', or None to start from nothing."
        )
    return load_start_weights(network, target)


def _save_keras(network: nn.Module, target: Path, top: bool) -> Path:
    if importlib.util.find_spec("h5py") is None:
        raise WeightsError(
            f"Writing {target} needs the package h5py, which is not installed. Install it (pip install "
            "'ocrsmith[keras]'), or give a path that ends in .safetensors."
        )
    import h5py

    layers = _crnn_layers(network, top) if isinstance(network, CRNN) else _craft_layers(network)
    partial = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(partial, "w") as file:
            file.attrs["backend"], file.attrs["keras_version"] = "tensorflow", "2.15.0"
            _set_names(file, "layer_names", list(layers))
            for layer, arrays in layers.items():
                group = file.create_group(layer)
                _set_names(group, "weight_names", [name for name, _ in arrays])
                for name, array in arrays:
                    group.create_dataset(name, data=np.ascontiguousarray(array))
        partial.replace(target)
    except OSError as error:
        raise StorageError(f"The weights {target} could not be written ({error}). Check space and rights.") from None
    return target


def _set_names(group: Any, attribute: str, names: list[str]) -> None:
    group.attrs[attribute] = np.array([name.encode() for name in names], dtype="S") if names else np.zeros(0, "S1")


def _state(network: nn.Module) -> dict[str, NDArray[np.float32]]:
    return {key: value.detach().float().cpu().numpy() for key, value in network.state_dict().items()}


def _craft_layers(network: nn.Module) -> dict[str, Arrays]:
    if not isinstance(network, Craft):
        raise WeightsError(f"A {type(network).__name__} cannot be written as .h5. Give a path with .safetensors.")
    state = _state(network)
    names = dict.fromkeys(key.rsplit(".", 1)[0] for key in state)
    return {name: _layer(name, name, state, (2, 3, 1, 0)) for name in names}


def _crnn_layers(network: CRNN, top: bool) -> dict[str, Arrays]:
    state = _state(network)
    order = _CRNN_BEFORE + (_CRNN_TRANSFORMER if network.backbone.transformer is not None else []) + _CRNN_AFTER
    layers: dict[str, Arrays] = {name: [] for name in order + (_CRNN_TOP if top else [])}
    for name in layers:
        if name.startswith(("conv_", "bn_", "fc_9")):
            layers[name] = _layer(name, f"backbone.{name}", state, (3, 2, 1, 0))
        elif name.startswith("lstm_"):
            part = "back" if name.endswith("_back") else "ahead"
            layers[name] = _lstm(name, f"backbone.{name.removesuffix('_back')}.{part}", state)
        elif name == "model":
            for own, inner in _INNER_LAYERS.items():
                layers[name] += _layer(inner, f"backbone.transformer.{own}", state, (3, 2, 1, 0))
    if top:
        # The blank goes from first to last.
        kernel, bias = np.roll(state["head.weight"], -1, axis=0).T, np.roll(state["head.bias"], -1)
        layers["fc_12"] = [("fc_12/kernel:0", kernel), ("fc_12/bias:0", bias)]
    return layers


def _layer(name: str, own: str, state: dict[str, NDArray[np.float32]], axes: tuple[int, ...]) -> Arrays:
    """A convolution, normalisation or dense layer; `axes` turns (out, in, h, w) into what Keras has."""
    if f"{own}.running_mean" in state:
        return [(f"{name}/{keras}:0", state[f"{own}.{torch}"]) for torch, keras in _BATCH_NORM]
    weight = state[f"{own}.weight"]
    kernel = weight.transpose(axes) if weight.ndim == 4 else weight.T
    return [(f"{name}/kernel:0", kernel), (f"{name}/bias:0", state[f"{own}.bias"])]


def _lstm(name: str, own: str, state: dict[str, NDArray[np.float32]]) -> Arrays:
    return [
        (f"{name}/lstm_cell/kernel:0", state[f"{own}.weight_ih_l0"].T),
        (f"{name}/lstm_cell/recurrent_kernel:0", state[f"{own}.weight_hh_l0"].T),
        # Keras has one bias where PyTorch has two.
        (f"{name}/lstm_cell/bias:0", state[f"{own}.bias_ih_l0"] + state[f"{own}.bias_hh_l0"]),
    ]
