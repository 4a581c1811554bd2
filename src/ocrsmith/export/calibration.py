"""A bundle with its confidences set right: the same networks, a calibration in the manifest."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ocrsmith.errors import BundleError
from ocrsmith.reading.bundle import Bundle, write_bundle
from ocrsmith.reading.calibration import Calibration


def uncalibrated(bundle: Bundle) -> Bundle:
    """The bundle with the network's own confidences, no word dropped: what a calibration is fitted on.

    Raises:
        BundleError: it has no recogniser.
    """
    if bundle.recognizer is None:
        raise _no_recognizer(bundle)
    return replace(bundle, recognizer=replace(bundle.recognizer, calibration=None, min_confidence=0.0))


def write_calibrated(
    bundle: Bundle, path: str | Path, calibration: Calibration, about: Mapping[str, Any] | None = None
) -> Path:
    """Writes the bundle with another calibration; the threshold below which words are dropped keeps its place.

    Args:
        about: what it was fitted on and what it measured, for the card.

    Raises:
        BundleError: the bundle has no recogniser.
        StorageError: the file cannot be written.
    """
    if bundle.recognizer is None:
        raise _no_recognizer(bundle)
    manifest = copy.deepcopy(bundle.manifest)
    form = manifest["recognizer"]
    raw = _raw_threshold(bundle.recognizer.min_confidence, bundle.recognizer.calibration)
    form["calibration"] = calibration.to_dict()
    # As it is written, so that the same words stay.
    form["min_confidence"] = float(Calibration.from_dict(form["calibration"]).word(raw))
    manifest["card"] = {**bundle.card, "calibration": dict(about or {})}
    networks = {"detector": bundle.detector_bytes, "recognizer": bundle.recognizer_bytes}
    files = {manifest[role]["file"]: network for role, network in networks.items() if network is not None}
    return write_bundle(path, manifest, files)


def _raw_threshold(threshold: float, calibration: Calibration | None) -> float:
    """Where a threshold lies on the network's own scale."""
    if calibration is None or threshold <= 0:
        return threshold
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if float(calibration.word(middle)) < threshold else (low, middle)
    return high


def _no_recognizer(bundle: Bundle) -> BundleError:
    return BundleError(f"The bundle {bundle.name!r} has no recogniser, so no confidences. Give one that reads.")
