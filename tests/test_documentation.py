"""The documentation cannot lie: its command lines parse, its imports resolve, and blocks marked to run do run.

A Python block behind the line `<!-- run -->` is executed, in an empty folder.
"""

from __future__ import annotations

import ast
import functools
import importlib
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ocrsmith.cli import app as app_module
from ocrsmith.cli import run

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(?P<run><!-- run -->\n+)?^```(?P<language>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(*languages: str) -> list[Any]:
    found = []
    for page in PAGES:
        for match in BLOCK.finditer(page.read_text(encoding="utf-8")):
            if match["language"] in languages:
                line = page.read_text(encoding="utf-8").count("\n", 0, match.start()) + 1
                found.append(pytest.param(match["body"], bool(match["run"]), id=f"{page.name}:{line}"))
    return found


def command_lines(body: str) -> list[list[str]]:
    """The arguments of every `ocrsmith ...` in a block; pipes and redirections are cut off, remarks dropped."""
    found = []
    for line in body.replace("\\\n", " ").splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        while "|" in words:
            words = words[words.index("|") + 1 :]
        words = words[: next((i for i, word in enumerate(words) if word.startswith((">", "&"))), None)]
        if words and words[0] == "ocrsmith":
            found.append(words[1:])
    return found


def inert(function: Callable[..., Any]) -> Callable[..., None]:
    """A command that parses as `function` does, and does nothing."""

    @functools.wraps(function)
    def nothing(*_: Any, **__: Any) -> None:
        pass

    return nothing


def test_command_lines_are_found_in_every_dress() -> None:
    body = "$ ocrsmith read a.png > b.txt\ncat a | ocrsmith read -  # a remark\nocrsmith read \\\n  'c d.png'\nls\n"
    assert command_lines(body) == [["read", "a.png"], ["read", "-"], ["read", "c d.png"]]


@pytest.mark.parametrize(("body", "_"), blocks("sh", "bash", "console", "shell"))
def test_command_lines_parse(
    body: str, _: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    groups = [group.typer_instance for group in app_module.app.registered_groups]
    for each in (app_module.app, *groups):
        assert each is not None
        for command in each.registered_commands:
            assert command.callback is not None
            monkeypatch.setattr(command, "callback", inert(command.callback))
    for arguments in command_lines(body):
        assert run(arguments) == 0, f"ocrsmith {shlex.join(arguments)}: {capfd.readouterr().err}"


@pytest.mark.parametrize(("body", "runs"), blocks("python", "py"))
def test_python_blocks_compile_and_import(
    body: str, runs: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = ast.parse(body)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ocrsmith"):
            module = importlib.import_module(node.module or "")
            missing = [alias.name for alias in node.names if not hasattr(module, alias.name)]
            assert not missing, f"{node.module} has no {missing}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                importlib.import_module(alias.name)
    if runs:
        monkeypatch.chdir(tmp_path)
        exec(compile(tree, "<block>", "exec"), {"__name__": "__main__"})


def test_named_files_are_there() -> None:
    links = [
        (page, target)
        for page in PAGES
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    ]
    absent = [f"{page.name}: {target}" for page, target in links if not (page.parent / target).exists()]
    assert not absent
