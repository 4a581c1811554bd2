"""A recipe's networks: as they start, and as parts of a bundle."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ocrsmith.alphabet import Alphabet
from ocrsmith.export.bundle import NetworkToExport
from ocrsmith.training.networks import Role, StartedNetwork, start_network
from ocrsmith.training.recipe import Recipe

# In the order in which they are trained.
ROLES: tuple[Role, ...] = ("detector", "recognizer")


def start_networks(recipe: Recipe, alphabet: Alphabet) -> dict[Role, StartedNetwork]:
    """Every network of the recipe with its start, in the order of `ROLES`; raises as `start_network`."""
    networks: dict[Role, StartedNetwork] = {}
    for role in ROLES:
        table = recipe.detector if role == "detector" else recipe.recognizer
        if table is not None:
            networks[role] = start_network(
                role, alphabet, model=table.model, settings=table.settings, start=table.start, folder=recipe.folder
            )
    return networks


def networks_to_export(
    recipe: Recipe, networks: Mapping[Role, StartedNetwork], *, trained: Collection[str] = ()
) -> dict[Role, NetworkToExport]:
    """The parts of a bundle, with what the recipe says of reading with them.

    `trained` are the roles of networks that are no longer as they started.
    """
    found: dict[Role, NetworkToExport] = {}
    for role, network in networks.items():
        reading: dict[str, Any] = {}
        if role == "detector" and recipe.detector is not None:
            reading = recipe.detector.reading(network.reading, trained=role in trained)
        elif role == "recognizer" and recipe.recognizer is not None:
            reading = recipe.recognizer.reading(network.reading)
        found[role] = NetworkToExport(network.model, network.name, network.settings, reading)
    return found
