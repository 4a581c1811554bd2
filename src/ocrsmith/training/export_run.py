"""A bundle from what lies on disk: a run's weights, another bundle's, or start weights by name, without training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import BundleError, InputError
from ocrsmith.export.bundle import NetworkToExport, export_bundle
from ocrsmith.models.ppocr_weights import full_alphabet
from ocrsmith.models.start_weights import find_start_weights, start_weights_entry
from ocrsmith.models.weights import load_start_weights
from ocrsmith.reading.bundle import SUFFIX, Bundle, find_bundle
from ocrsmith.training.history import read_best
from ocrsmith.training.networks import READING_KEYS, Role, StartedNetwork, start_bundle, start_network
from ocrsmith.training.recipe import Recipe
from ocrsmith.training.recipe_loading import load_recipe
from ocrsmith.training.run_networks import ROLES, networks_to_export, start_networks

# The bundle of the start, which a run leaves beside its own.
_START_BUNDLE = f"start{SUFFIX}"


def export_run(
    folder: str | Path,
    path: str | Path,
    *,
    recipe: Recipe | str | Path | None = None,
    name: str | None = None,
    half_precision: bool = True,
) -> Path:
    """Exports a run's networks anew.

    Args:
        folder: of a run.
        path: of the bundle to write.
        recipe: of the run, for one that was stopped before it had a bundle: its best checkpoints so far are taken, and
            the start for a network that has none.
        name: of the bundle; the path's stem by default.
        half_precision: weights are stored in 16 bits and computed with in 32.

    Raises:
        InputError: no run in the folder, or an unfinished one without `recipe`.
        BundleError, WeightsError, EngineError, StorageError: as `export_bundle` and the loading of weights.
    """
    root = Path(folder)
    bundles = sorted(found for found in root.glob("*" + SUFFIX) if found.name != _START_BUNDLE)
    if recipe is None and bundles:
        networks, card, whole = _networks_of_bundle(bundles[0], root)
    elif recipe is not None:
        loaded = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
        networks, card, whole = (
            _networks_of_run(loaded, root),
            {"licence": loaded.licence},
            loaded.export.whole_if_empty,
        )
    else:
        raise InputError(
            f"{root} holds no finished run. Give the folder of one, or the run's recipe too: its best checkpoints are "
            "then exported."
        )
    return _written(path, networks, card, name, half_precision, whole_if_empty=whole)


def export_bundle_anew(
    source: str | Path, path: str | Path, *, name: str | None = None, half_precision: bool = True
) -> Path:
    """Exports a bundle's networks anew: the same weights, thresholds and card, in the graphs of this version.

    A bundle that an older version wrote gains by it what this one's networks compute faster.

    Args:
        source: a bundle by name or file.
        path, name, half_precision: as for `export_run`.

    Raises:
        InputError: a network in 8 bits, whose rounding is part of its graph.
        BundleError, WeightsError, EngineError, StorageError: as `export_bundle` and the loading of weights.
    """
    found = find_bundle(source)
    networks, card, whole = _networks_of_bundle(found)
    return _written(path, networks, card, name, half_precision, whole_if_empty=whole)


def export_weights(
    path: str | Path,
    *,
    detector: str | None = None,
    recognizer: str | None = None,
    alphabet: Alphabet | None = None,
    name: str | None = None,
    half_precision: bool = True,
) -> Path:
    """Makes a bundle that reads with start weights as they are; a bundle's part is read with as that bundle says.

    Args:
        path: of the bundle to write.
        detector, recognizer: start weights by name, or a bundle whose part is taken.
        alphabet: what the recogniser is cut down to; all that its weights know by default.
        name, half_precision: as for `export_run`.

    Raises:
        BundleError: neither was given, or a recogniser that does not say its characters.
        WeightsError, EngineError, StorageError: as `export_bundle` and the loading of weights.
    """
    networks: dict[Role, NetworkToExport] = {}
    licences: dict[str, dict[str, str]] = {}
    for role, start in zip(ROLES, (detector, recognizer)):
        if start is None:
            continue
        letters = Alphabet(" ")  # a detector has none
        if role == "recognizer":
            letters = alphabet or _known_alphabet(start)
        network = start_network(role, letters, start=start)
        networks[role] = _to_export(network, network.reading)
        report = network.start
        licences[role] = {"source": report.source, "licence": report.licence, "attribution": report.attribution}
    card = {
        "description": "Start weights as they are, without training.",
        "licence": " and ".join(dict.fromkeys(start["licence"] for start in licences.values())),
        "attribution": "; ".join(dict.fromkeys(start["attribution"] for start in licences.values())),
        "start": licences,
    }
    return _written(path, networks, card, name, half_precision)


def _written(
    path: str | Path,
    networks: Mapping[Role, NetworkToExport],
    card: Mapping[str, Any],
    name: str | None,
    half_precision: bool,
    *,
    whole_if_empty: bool = False,
) -> Path:
    return export_bundle(
        path,
        detector=networks.get("detector"),
        recognizer=networks.get("recognizer"),
        name=name or Path(path).stem,
        card=card,
        whole_if_empty=whole_if_empty,
        half_precision=half_precision,
    )


def _known_alphabet(start: str) -> Alphabet:
    """Every character that a recogniser's start weights write."""
    entry = start_weights_entry(start, "ctc")
    if entry is not None and entry.characters:
        return Alphabet(entry.characters)
    if entry is not None and entry.filename.endswith(".onnx"):
        return full_alphabet(find_start_weights(entry.name, "ctc"))
    bundle = start_bundle(start)
    if bundle is not None:
        recognizer = Bundle.load(bundle).recognizer
        if recognizer is not None:
            return recognizer.alphabet
    raise BundleError(f"{start} does not say which characters it writes. Give alphabet (--alphabet).")


def _to_export(network: StartedNetwork, reading: Mapping[str, Any] | None = None) -> NetworkToExport:
    return NetworkToExport(network.model, network.name, network.settings, reading or {})


def _networks_of_bundle(
    bundle: Path, run: Path | None = None
) -> tuple[dict[Role, NetworkToExport], dict[str, Any], bool]:
    """A bundle's networks, with the weights that its run kept in full precision where it kept them."""
    loaded = Bundle.load(bundle)
    networks: dict[Role, NetworkToExport] = {}
    for role in ROLES:
        part = loaded.manifest.get(role)
        if part is None:
            continue
        if part.get("precision") == "int8":
            raise InputError(
                f"The {role} of {bundle} computes in 8 bits, which cannot be written anew. Give its bundle of before."
            )
        letters = loaded.recognizer.alphabet if loaded.recognizer is not None else Alphabet(" ")
        network = start_network(role, letters, start=str(bundle.resolve()))
        weights = None if run is None else run / role / "model.safetensors"
        if weights is not None and weights.is_file():
            load_start_weights(network.model, weights)
        reading = {key: part[key] for key in READING_KEYS if key in part}
        # The whole contract: a width that is read with alone is not the network's own.
        networks[role] = _to_export(network, {**reading, "input": part["input"]})
    return networks, loaded.card, loaded.whole_if_empty


def _networks_of_run(recipe: Recipe, run: Path) -> dict[Role, NetworkToExport]:
    """The best that a run has come to so far."""
    networks = start_networks(recipe, recipe.make_alphabet())
    found: list[Role] = []
    for role, network in networks.items():
        weights, checkpoint = run / role / "model.safetensors", run / role / "best.ckpt"
        if weights.is_file():
            load_start_weights(network.model, weights)
        elif checkpoint.is_file():
            network.model.load_state_dict(read_best(checkpoint)[0])
        else:
            continue
        found.append(role)
    if not found:
        raise InputError(f"{run} holds no weights of the recipe {recipe.name}. Give the folder that it was trained in.")
    # A network whose share of the minutes is nothing was saved as it started.
    return networks_to_export(recipe, networks, trained=[role for role in found if getattr(recipe, role).share > 0])
