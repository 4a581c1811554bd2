"""The parts of a bundle: a detector or a recogniser with all that is needed to run it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import BundleError
from ocrsmith.preprocess import DetectorInput, RecognizerInput
from ocrsmith.reading.calibration import Calibration
from ocrsmith.reading.craft_maps import CraftThresholds
from ocrsmith.reading.db_maps import DbThresholds
from ocrsmith.reading.rereading import RereadingRule
from ocrsmith.reading.scaling import ScaleRule
from ocrsmith.reading.spaces import SPACE, SpaceRule


@dataclass(frozen=True)
class DetectorPart:
    """A bundle's detector: how its input is made and its output understood.

    `output` is "maps" (CRAFT), "probabilities" or "logits" (DB). `architecture`, where the manifest tells it, is what
    builds the network again: {"name", "settings"} of `ocrsmith.models.registry`.
    """

    kind: str
    input: DetectorInput
    thresholds: CraftThresholds | DbThresholds
    scale: ScaleRule
    output: str
    network: bytes
    architecture: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class RecognizerPart:
    """A bundle's recogniser; `output` is "logits", "log_probabilities" or "probabilities".

    Attributes:
        crop_margin: what a detection is grown by before it is cut out, a share of its height; words keep to the
            detection itself.
        spaces: where given, puts spaces into gaps of the ink where the network wrote none.
        calibration: where given, what confidences become once everything is decided; `min_confidence` is on its scale.
        architecture: as of `DetectorPart`.
        rereading: where given, doubtful crops are read again at other widths.
    """

    kind: str
    input: RecognizerInput
    alphabet: Alphabet
    output: str
    min_confidence: float
    network: bytes
    spaces: SpaceRule | None = None
    crop_margin: float = 0.0
    calibration: Calibration | None = None
    architecture: Mapping[str, Any] | None = None
    rereading: RereadingRule | None = None


def detector_part(form: Mapping[str, Any], network: bytes) -> DetectorPart:
    """The manifest's "detector" and its network; BundleError, KeyError, TypeError or ValueError on a bad form."""
    kind = form["kind"]
    thresholds: CraftThresholds | DbThresholds
    if kind == "craft":
        thresholds = CraftThresholds(**form.get("thresholds", {}))
    elif kind == "db":
        thresholds = DbThresholds(**form.get("thresholds", {}))
    else:
        raise BundleError(f"A detector of kind {kind!r} came. 'craft' or 'db' was expected: update ocrsmith.")
    output = form.get("output", "maps" if kind == "craft" else "probabilities")
    if output not in ("maps", "probabilities", "logits"):
        raise BundleError(f"A detector's output came as {output!r}. 'maps', 'probabilities' or 'logits' was expected.")
    return DetectorPart(
        kind,
        DetectorInput.from_dict(form["input"]),
        thresholds,
        ScaleRule(**form.get("scale", {})),
        output,
        network,
        form.get("network"),
    )


def recognizer_part(form: Mapping[str, Any], network: bytes) -> RecognizerPart:
    """The manifest's "recognizer" and its network; raises as `detector_part`, and AlphabetError."""
    kind, output = form.get("kind", "ctc"), form["output"]
    if kind != "ctc":
        raise BundleError(f"A recogniser of kind {kind!r} came. 'ctc' was expected: update ocrsmith.")
    if output not in ("logits", "log_probabilities", "probabilities"):
        raise BundleError(
            f"A recogniser's output came as {output!r}. 'logits', 'log_probabilities' or 'probabilities' was expected."
        )
    alphabet = Alphabet.from_dict(form["alphabet"])
    spaces = SpaceRule(**form["spaces"]) if form.get("spaces") is not None else None
    if spaces is not None and SPACE not in alphabet:
        raise BundleError("A recogniser came with a rule for spaces, and its alphabet has none. Leave one of them out.")
    return RecognizerPart(
        kind,
        RecognizerInput.from_dict(form["input"]),
        alphabet,
        output,
        float(form.get("min_confidence", 0.0)),
        network,
        spaces,
        float(form.get("crop_margin", 0.0)),
        Calibration.from_dict(form["calibration"]) if form.get("calibration") is not None else None,
        form.get("network"),
        RereadingRule(**form["rereading"]) if form.get("rereading") is not None else None,
    )
