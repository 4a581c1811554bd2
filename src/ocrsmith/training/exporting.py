"""The end of a run: its networks in one bundle, in 8 bits where the recipe says so, as sure as they are right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ocrsmith.export.bundle import export_bundle
from ocrsmith.training.calibrating import calibrate_bundle, calibration_seconds
from ocrsmith.training.cards import card_of
from ocrsmith.training.fitting import FitResult
from ocrsmith.training.networks import Role, StartedNetwork
from ocrsmith.training.recipe import Recipe
from ocrsmith.training.rounding import round_bundle
from ocrsmith.training.run_networks import networks_to_export
from ocrsmith.training.worlds import Materials

# Keys of what `export_trained` leaves that the user is told, in the order in which it happens.
TOLD = ("rounding", "calibration")


def export_trained(
    path: Path,
    recipe: Recipe,
    networks: Mapping[Role, StartedNetwork],
    fits: Mapping[str, FitResult],
    materials: Materials,
    spent: Callable[[], float],
) -> dict[str, str]:
    """Writes the bundle and gives its name, with sentences under the keys of `TOLD`.

    Args:
        fits: of the networks that were trained.
        spent: the run's seconds so far; a share of them goes into the calibration.

    Raises:
        EngineError: an exported network differs from PyTorch's. StorageError: the file cannot be written.
    """
    table = recipe.export
    parts = networks_to_export(recipe, networks, trained=fits)
    export_bundle(
        path,
        detector=parts.get("detector"),
        recognizer=parts.get("recognizer"),
        name=table.name or recipe.name,
        card=card_of(recipe, {role: network.start for role, network in networks.items()}, fits),
        whole_if_empty=table.whole_if_empty,
        half_precision=table.half_precision,
        largest_difference=table.largest_difference,
    )
    left = {"bundle": path.name}
    if recipe.recognizer is not None and table.int8:
        left["rounding"] = round_bundle(path, materials)
    # A recogniser that was not trained is as sure as its start.
    if recipe.recognizer is not None and "recognizer" in fits:
        left["calibration"] = calibrate_bundle(path, recipe.recognizer, materials, calibration_seconds(spent()))
    return left
