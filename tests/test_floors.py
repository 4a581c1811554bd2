"""No file imports from a floor above its own: the table of ARCHITECTURE.md, held."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "ocrsmith"
FLOORS = {
    **dict.fromkeys(
        [
            "errors",
            "forks",
            "memory",
            "geometry",
            "alphabet",
            "samples",
            "images",
            "preprocess",
            "splits",
            "settings",
            "downloads",
            "assets",
        ],
        0,
    ),
    "synth": 1,
    "data": 2,
    "models": 3,
    "losses": 3,
    "reading": 4,
    "evaluation": 5,
    "export": 6,
    "training": 7,
    **dict.fromkeys(["cli", "serve", "compat", "__init__", "__main__"], 8),
}
# The reading path runs where PyTorch is not installed.
WITHOUT_TORCH = [name for name, floor in FLOORS.items() if floor in (0, 1, 2, 4, 5)]
FILES = sorted(PACKAGE.rglob("*.py"))


def floor_name(path: Path) -> str:
    part = path.relative_to(PACKAGE).parts[0]
    return part.removesuffix(".py")


def imported(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide which floor they go to"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    own = floor_name(path)
    assert own in FLOORS, f"{own} has no floor: add it to the table here and in ARCHITECTURE.md"
    for name in imported(path):
        if name.startswith("ocrsmith."):
            other = name.split(".")[1]
            if other in FLOORS:
                same_folder = other == own
                assert same_folder or FLOORS[other] < FLOORS[own] or FLOORS[own] in (0, 8), f"{path} imports {name}"
                assert FLOORS[other] <= FLOORS[own], f"{path} imports {name}"
        if own in WITHOUT_TORCH:
            assert name.split(".")[0] not in ("torch", "pytorch_lightning"), f"{path} imports {name}"
