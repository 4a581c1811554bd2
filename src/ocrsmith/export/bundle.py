"""Two networks and what is known of them -> one bundle file, proved against PyTorch before it is written."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ocrsmith.errors import BundleError
from ocrsmith.export.onnx import export_network
from ocrsmith.export.parity import prove
from ocrsmith.models.torch_engine import output_kind
from ocrsmith.reading.bundle import write_bundle


@dataclass(frozen=True)
class NetworkToExport:
    """A trained network and how it is read.

    Attributes:
        model: with `.input`, `.kind` and, for a recogniser, `.alphabet`.
        registry_name, settings: what `models.registry` builds it from again, so that a training can start from it.
        reading: the manifest's further keys: thresholds and scale of a detector, min_confidence of a recogniser; and
            "input", the keys of the network's input contract that reading changes.
        proof_inputs: real inputs for the proof, each (B, C, H, W) float32 normalised; None takes noise.
    """

    model: nn.Module
    registry_name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    reading: Mapping[str, Any] = field(default_factory=dict)
    proof_inputs: Sequence[Tensor] | None = None


def export_bundle(
    path: str | Path,
    *,
    detector: NetworkToExport | None = None,
    recognizer: NetworkToExport | None = None,
    name: str | None = None,
    card: Mapping[str, Any] | None = None,
    whole_if_empty: bool = False,
    half_precision: bool = True,
    largest_difference: float = 0.02,
) -> Path:
    """Writes a bundle and returns its path. The proofs go into the card under "parity".

    Raises:
        BundleError: neither network was given.
        EngineError: an exported network differs from PyTorch's by more than `largest_difference`.
        StorageError: the file cannot be written.
    """
    networks = {"detector": detector, "recognizer": recognizer}
    given = {part: network for part, network in networks.items() if network is not None}
    if not given:
        raise BundleError("A bundle came without a detector and without a recogniser. Give at least one.")
    manifest: dict[str, Any] = {"whole_if_empty": whole_if_empty}
    if name is not None:
        manifest["name"] = name
    files: dict[str, bytes] = {}
    parity: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for part, network in given.items():
            exported = export_network(network.model, Path(folder) / f"{part}.onnx", half_precision=half_precision)
            proofs = prove(network.model, exported, inputs=network.proof_inputs, largest_difference=largest_difference)
            parity[part] = [proof.to_dict() for proof in proofs]
            manifest[part] = _part(network)
            files[f"{part}.onnx"] = exported.read_bytes()
    manifest["card"] = {**(card or {}), "parity": parity}
    return write_bundle(path, manifest, files)


def _part(network: NetworkToExport) -> dict[str, Any]:
    model, reading = network.model, dict(network.reading)
    form: dict[str, Any] = {
        "kind": model.kind,
        "input": {**model.input.to_dict(), **reading.pop("input", {})},  # type: ignore[operator, union-attr]
        "output": output_kind(model),
        "network": {"name": network.registry_name, "settings": dict(network.settings)},
        **reading,
    }
    if hasattr(model, "alphabet"):
        form["alphabet"] = model.alphabet.to_dict()  # type: ignore[operator, union-attr]
    return form
