"""The README opens with its two commands, its recipe is a recipe, and every figure is filled in."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from ocrsmith.training.recipe_loading import parse_recipe

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_recipe_is_one() -> None:
    recipes = [parse_recipe(tomllib.loads(block)) for block in blocks("toml")]
    assert recipes and recipes[0].make_alphabet().covers("B-AB 1234")


def test_the_first_block_is_the_two_commands_and_they_are_executable() -> None:
    commands = [line.split("#")[0].strip() for line in blocks("sh")[0].splitlines()]
    assert commands == ["./scripts/train", "./scripts/test"]
    for command in commands:
        assert (ROOT / command).stat().st_mode & 0o111, command


def test_no_figure_is_a_placeholder() -> None:
    assert not re.search(r"@[A-Z]", README)
