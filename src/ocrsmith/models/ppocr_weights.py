"""Weights of PP-OCRv6 small from the ONNX files that the PyPI package `rapidocr` ships (Apache-2.0).

The exporter kept no module names worth mapping, but it writes nodes in the order in which they run. The modules here
are registered in that same order, so the file's tensors are laid into the state dict one after the other, each shape
checked.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import WeightsError
from ocrsmith.models.ppocr_recognizer import PPOCRRecognizer

Array = NDArray[np.float32]


@dataclass(frozen=True)
class LoadedWeights:
    """What a file gave to a network.

    Attributes:
        num_tensors: tensors that were laid into the network.
        kept_characters: how many of the alphabet's characters have a trained row; new_characters: those without.
    """

    num_tensors: int
    kept_characters: int = 0
    new_characters: tuple[str, ...] = ()


def load_ppocr_onnx(model: nn.Module, path: str | Path) -> LoadedWeights:
    """Lays the weights of a PP-OCRv6 small file into `model`.

    A recogniser's head takes the rows of its own alphabet's characters out of the file's 18,710; characters that the
    file lacks keep the rows they have. `models.start_weights.find_start_weights("ppocr_v6_small", model.kind)` is the
    verified file.

    Raises:
        WeightsError: no such file, not an ONNX file, or tensors that do not fit.
    """
    source = Path(path)
    file = _read(source)
    tensors = list(_weights_in_order(file.graph))
    loaded = LoadedWeights(len(tensors))
    if isinstance(model, PPOCRRecognizer):
        characters = source_characters(file)
        if len(characters) != len(tensors[-1]):
            raise WeightsError(
                f"{source} lists {len(characters)} classes and its last layer has {len(tensors[-1])}. "
                "A PP-OCRv6 recogniser's file, whole and unchanged, was expected."
            )
        rows = _head_rows(model.alphabet, characters)
        kept = np.flatnonzero(rows >= 0)
        tensors[-2:] = _cut_head(model.head, tensors[-2:], rows)
        new = tuple(character for character, row in zip(model.alphabet.characters, rows[1:], strict=True) if row < 0)
        loaded = LoadedWeights(len(tensors), len(kept) - 1, new)
    _lay(tensors, model, source)
    return loaded


def source_characters(graph: onnx.ModelProto) -> list[str]:
    """The file's classes in order, "" for the blank: the metadata's lines between the blank and the space."""
    listed = {entry.key: entry.value for entry in graph.metadata_props}.get("character")
    if listed is None:
        raise WeightsError(
            "The ONNX file lists no characters, so it is no PP-OCR recogniser. Give a recogniser's file."
        )
    return ["", *listed.split("\n"), " "]


def full_alphabet(path: str | Path) -> Alphabet:
    """A recogniser's file's characters: 18,705 of 18,709, since NFC makes four of them others (U+212B is U+00C5)."""
    graph = _read(Path(path))
    normalised = (unicodedata.normalize("NFC", character) for character in source_characters(graph)[1:])
    return Alphabet(tuple(dict.fromkeys(normalised)))


def _read(path: Path) -> onnx.ModelProto:
    if not path.is_file():
        raise WeightsError(f"There is no weights file {path}. Give the path of a PP-OCRv6 small ONNX file.")
    try:
        return onnx.load(path)
    except DecodeError as error:
        raise WeightsError(f"{path} cannot be read as ONNX ({error}). Fetch the file again.") from error


def _weights_in_order(graph: onnx.GraphProto) -> Iterator[Array]:
    """The tensors that are weights, in the order in which the nodes that use them run.

    Constants of the arithmetic (a GELU's square root of two, LayerNorm's epsilon, an attention's scale) are scalars or
    belong to other operations; a convolution's bias stands in an Add as (1, C, 1, 1).
    """
    initialisers = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        for name in node.input:
            if name not in initialisers:
                continue
            value = numpy_helper.to_array(initialisers[name])
            if node.op_type in ("Conv", "ConvTranspose", "BatchNormalization"):
                yield value
            elif node.op_type == "MatMul":
                yield value.T
            elif node.op_type == "Add" and value.ndim in (1, 4):
                yield value.reshape(-1)
            elif node.op_type == "Mul" and value.ndim == 1 and value.size > 1:
                yield value


def _head_rows(alphabet: Alphabet, characters: list[str]) -> NDArray[np.int64]:
    """(K,) int64: the file's row of the blank and of each character, -1 for those it lacks.

    Where two of the file's characters are one under NFC, the row of the one that is written so is taken.
    """
    rows = {unicodedata.normalize("NFC", character): row for row, character in enumerate(characters)}
    rows.update({character: row for row, character in enumerate(characters) if row > 0})
    return np.array([0, *(rows.get(character, -1) for character in alphabet.characters)], dtype=np.int64)


def _cut_head(head: nn.Linear, tensors: list[Array], rows: NDArray[np.int64]) -> list[Array]:
    """Weight and bias for `head`: the file's rows where it has them, the head's own elsewhere."""
    weight, bias = tensors
    own_weight = head.weight.detach().float().cpu().numpy().copy()
    # A new character must not win before it is learnt: its bias is the lowest that the file has among the kept ones.
    known = rows >= 0
    own_bias = np.full(len(rows), bias[rows[known]].min(), np.float32)
    own_weight[known], own_bias[known] = weight[rows[known]], bias[rows[known]]
    return [own_weight, own_bias]


def _lay(tensors: list[Array], model: nn.Module, source: Path) -> None:
    """Copies tensor after tensor into the state dict, in its order."""
    state = model.state_dict()
    # The threshold branch is for training alone and was not exported.
    names = [
        name for name in state if not name.endswith("num_batches_tracked") and not name.startswith("threshold_head")
    ]
    if len(names) != len(tensors):
        raise WeightsError(
            f"{source} holds {len(tensors)} weights, {type(model).__name__} has {len(names)}. "
            "A PP-OCRv6 small file that belongs to this network was expected: the detector's or the recogniser's."
        )
    for name, tensor in zip(names, tensors, strict=True):
        if tensor.shape != tuple(state[name].shape):
            raise WeightsError(
                f"{source} has shape {tensor.shape} where {type(model).__name__} has {name} "
                f"{tuple(state[name].shape)}. "
                "A file of the PP-OCRv6 small family was expected."
            )
        state[name] = torch.from_numpy(np.array(tensor, dtype=np.float32))
    model.load_state_dict(state)
