"""Which network a recipe means, and its start: from nothing, from start weights, or from a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import nn

from ocrsmith.alphabet import Alphabet, show
from ocrsmith.errors import BundleError, WeightsError
from ocrsmith.models.onnx_state import load_state_from_onnx
from ocrsmith.models.registry import build_detector, build_recognizer
from ocrsmith.models.start_weights import START_WEIGHTS
from ocrsmith.models.weights import WeightsReport, load_start_weights
from ocrsmith.reading.bundle import SUFFIX, Bundle, find_bundle

Role = Literal["detector", "recognizer"]
NO_START = "none"
# Of a part of a bundle's manifest, what the network itself does not say.
READING_KEYS = ("thresholds", "scale", "min_confidence", "crop_margin", "spaces", "calibration", "rereading")
DEFAULT_NETWORKS: dict[Role, str] = {"detector": "craft_light", "recognizer": "light_ctc"}


@dataclass(frozen=True)
class StartReport:
    """Where a network's first weights came from, for the log, the report and the card.

    Attributes:
        source: "none", a name or a file's name.
        kept_characters, new_characters: of the alphabet, whose rows of the head were known, and whose start new.
    """

    source: str
    licence: str = ""
    attribution: str = ""
    kept_characters: tuple[str, ...] = ()
    new_characters: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.source == NO_START:
            return "from nothing"
        new = f", new: {show(self.new_characters)}" if self.new_characters else ""
        known = f", {len(self.kept_characters)} characters known{new}" if self.kept_characters or new else ""
        return f"from {self.source}{known}"


@dataclass(frozen=True, eq=False)
class StartedNetwork:
    """A network ready to be trained: `name` and `settings` build it again.

    `reading` is how the bundle that it started from reads with it; None where it started from no bundle.
    """

    model: nn.Module
    name: str
    settings: dict[str, Any]
    start: StartReport
    reading: dict[str, Any] | None = None


def start_bundle(start: str, folder: Path = Path()) -> Path | None:
    """The file of the bundle that `start` names, by a path or by name; None where it names no bundle.

    Raises:
        BundleError: a path that ends in .ocrsmith and is not there.
    """
    if start == NO_START or start in {entry.name for entry in START_WEIGHTS}:
        return None
    beside = folder / Path(start).expanduser()
    if beside.is_file():
        return beside if beside.suffix == SUFFIX else None
    try:
        return find_bundle(start)
    except BundleError:
        if start.endswith(SUFFIX):
            raise
        return None


def network_name(
    role: Role, model: str, settings: dict[str, Any], start: str, folder: Path
) -> tuple[str, dict[str, Any]]:
    """The registry's name and the settings that a recipe means: its own, else the start's, else the default.

    Raises:
        BundleError: the start bundle has no such part, or does not say its network.
        WeightsError: the recipe names another network than the bundle's.
    """
    bundle = start_bundle(start, folder)
    if bundle is not None:
        return _bundle_network(role, bundle, model, settings)
    if model:
        return model, settings
    kinds = ("ctc",) if role == "recognizer" else ("craft", "db")
    named = [entry.network for entry in START_WEIGHTS if entry.name == start and entry.kind in kinds]
    return (named[0] if named else DEFAULT_NETWORKS[role]), settings


def _bundle_network(role: Role, path: Path, model: str, settings: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    part = Bundle.load(path).manifest.get(role)
    network = part.get("network") if part else None
    if not network:
        lack = f"has no {role}" if not part else f"does not say which network its {role} is"
        raise BundleError(f"The bundle {path.name} {lack}, so it cannot be a start. Give one that ocrsmith exported.")
    asked = (model or network["name"], settings or network["settings"])
    if asked != (network["name"], network["settings"]):
        raise WeightsError(
            f"The recipe's {role} is {model!r} with {settings}, that of the bundle {path.name} is {network['name']!r} "
            f"with {network['settings']}. Leave model and settings out to take the bundle's, or start from another."
        )
    return network["name"], dict(network["settings"])


def start_network(
    role: Role,
    alphabet: Alphabet,
    *,
    model: str = "",
    settings: dict[str, Any] | None = None,
    start: str = NO_START,
    folder: Path = Path(),
) -> StartedNetwork:
    """Builds a network and gives it its start.

    Args:
        alphabet: of a recogniser; rows of characters that the start knows are kept.
        model, settings: the registry's; where `model` is empty, those of the start, or the default.
        start: "none", start weights by name, a weights file, or a bundle by name or file.
        folder: where relative paths are taken from.

    Raises:
        RecipeError: an unknown network or setting.
        WeightsError, BundleError: a start that is absent or does not fit.
    """
    name, chosen = network_name(role, model, dict(settings or {}), start, folder)
    bundle_path = start_bundle(start, folder)
    if bundle_path is not None:
        return _from_bundle(role, bundle_path, name, chosen, alphabet)
    network = build_detector(name, **chosen) if role == "detector" else build_recognizer(name, alphabet, **chosen)
    if start == NO_START:
        return StartedNetwork(network, name, chosen, StartReport(NO_START))
    beside = folder / Path(start).expanduser()
    found: WeightsReport = load_start_weights(network, beside if beside.is_file() else start)
    report = StartReport(
        found.name or Path(found.source).name,
        found.licence,
        found.attribution,
        found.kept_characters,
        found.new_characters,
    )
    return StartedNetwork(network, name, chosen, report)


def _from_bundle(role: Role, path: Path, name: str, settings: dict[str, Any], alphabet: Alphabet) -> StartedNetwork:
    bundle = Bundle.load(path)
    part = bundle.manifest[role]
    reading = {key: part[key] for key in READING_KEYS if key in part}
    licence, attribution = str(bundle.card.get("licence", "")), str(bundle.card.get("attribution", ""))
    if role == "detector":
        network = build_detector(name, **settings)
        load_state_from_onnx(network, bundle.detector_bytes or b"", path.name)
        return StartedNetwork(network, name, settings, StartReport(path.stem, licence, attribution), reading)
    known = Alphabet.from_dict(bundle.manifest["recognizer"]["alphabet"])
    network = build_recognizer(name, known, **settings)
    load_state_from_onnx(network, bundle.recognizer_bytes or b"", path.name)
    if known != alphabet:
        network.replace_alphabet(alphabet)  # type: ignore[operator]
    if " " not in alphabet:
        reading.pop("spaces", None)  # a rule that puts in what the alphabet does not write
    kept = tuple(character for character in alphabet.characters if character in known)
    new = tuple(character for character in alphabet.characters if character not in known)
    return StartedNetwork(network, name, settings, StartReport(path.stem, licence, attribution, kept, new), reading)
