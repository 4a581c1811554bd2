"""Writes docs/cli.md from the commands themselves: python tools/docs/make_cli_page.py"""

from __future__ import annotations

import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from typer.models import ArgumentInfo, OptionInfo

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
HEAD = """# The command line

Made by `tools/docs/make_cli_page.py` from the commands' own help. Results go to standard output, progress and errors to
standard error. `--debug`, anywhere on the line, shows the traceback of an error.
"""
KINDS = {str: "TEXT", int: "INTEGER", float: "NUMBER", Path: "PATH"}


def page() -> str:
    """The page in Markdown."""
    from ocrsmith import errors
    from ocrsmith.cli.app import app

    parts = [HEAD, *_examples(app.info.epilog)]
    for command in app.registered_commands:
        parts += _command(command, "ocrsmith", 2)
    for group in app.registered_groups:
        inner = group.typer_instance
        assert inner is not None
        parts += [f"## ocrsmith {group.name}\n", f"{inner.info.help}\n", *_examples(inner.info.epilog)]
        for command in inner.registered_commands:
            parts += _command(command, f"ocrsmith {group.name}", 3)
    return "\n".join([*parts, _exit_codes(errors.__doc__ or "")]).rstrip() + "\n"


def _command(command: Any, before: str, level: int) -> Iterator[str]:
    function: Callable[..., Any] = command.callback
    arguments, options = _parameters(function)
    usage = [f"{name}..." if many else name if needed else f"[{name}]" for name, _, needed, many in arguments]
    name = f"{before} {command.name or function.__name__}"
    yield f"{'#' * level} {name}\n"
    yield f"`{' '.join([name, *usage, '[OPTIONS]'])}`\n"
    yield f"{command.help or inspect.getdoc(function)}\n"
    yield from _table(["argument", ""], [(f"`{name}`", text) for name, text, _, _ in arguments])
    yield from _table(["option", "", "default"], options)
    # Commands of a group share the group's examples.
    if level == 2:
        yield from _examples(command.epilog)


def _parameters(
    function: Callable[..., Any],
) -> tuple[list[tuple[str, str, bool, bool]], list[tuple[str, str, str]]]:
    """Arguments as (name, help, needed, many) and options as (names with kind, help, default)."""
    arguments, options = [], []
    hints = typing.get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        kind, *extras = typing.get_args(hints[name])
        needed = parameter.default is inspect.Parameter.empty
        for info in extras:
            text = info.help or ""
            if isinstance(info, ArgumentInfo):
                arguments.append((name.upper(), text, needed, typing.get_origin(kind) is list))
            elif isinstance(info, OptionInfo):
                # Within Annotated the first name given to typer.Option lands in `default`.
                given = [each for each in (info.default, *(info.param_decls or ())) if isinstance(each, str)]
                shown = ", ".join(f"`{each}`" for each in given or [f"--{name.replace('_', '-')}"])
                options.append((f"{shown}{_kind(kind)}", text, _default(info, parameter.default)))
    return arguments, options


def _kind(kind: Any) -> str:
    """What an option takes; nothing for a flag."""
    if isinstance(kind, types.UnionType):
        kind = next(each for each in typing.get_args(kind) if each is not type(None))
    if typing.get_origin(kind) is list:
        return _kind(typing.get_args(kind)[0]) + ", repeatable"
    if kind is bool:
        return ""
    if issubclass(kind, Enum):
        return " " + ", ".join(str(each.value) for each in kind)
    return f" {KINDS[kind]}"


def _default(info: OptionInfo, default: Any) -> str:
    if default is inspect.Parameter.empty:
        return "needed"
    if isinstance(info.show_default, str):
        return info.show_default
    if default is None or default is False:
        return ""
    return f"`{getattr(default, 'value', default)}`"


def _table(columns: list[str], rows: list[Any]) -> Iterator[str]:
    if rows:
        lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
        yield "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def _examples(epilog: str | None) -> Iterator[str]:
    if epilog:
        _, *lines = epilog.splitlines()
        yield "```sh\n" + "\n".join(_commented(line.strip().replace("\\[", "[")) for line in lines) + "\n```\n"


def _commented(line: str) -> str:
    """An example with its remark, which stands behind two spaces or more, as a comment."""
    command, space, remark = re.split(r"(\s{2,}|$)", line, maxsplit=1)
    return f"{command}{space}# {remark}" if remark else command


def _exit_codes(docstring: str) -> str:
    """The tree of `ocrsmith.errors`, as it stands in its docstring."""
    found = re.search(r"\n\n((?:    .*\n)+)\n(.*)", docstring, re.DOTALL)
    assert found is not None, "the tree of errors is no longer in the docstring of ocrsmith.errors"
    return f"## Exit codes\n\n```text\n{found[1]}```\n\n{' '.join(found[2].split())}\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
