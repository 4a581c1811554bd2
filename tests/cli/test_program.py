"""The program as a whole: its help, its start, and what becomes of errors."""

from __future__ import annotations

import errno
import functools
import importlib.util
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ocrsmith as package
from ocrsmith.cli import app as app_module
from ocrsmith.cli import read as read_module
from ocrsmith.errors import AlphabetError, OcrsmithError

Run = Callable[..., Any]
COMMANDS = ["train", "synth", "read", "evaluate", "tune", "calibrate", "export", "describe"]
GROUPS = {"models": ["fetch", "card"], "assets": ["fonts", "fetch"]}


def python(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, **options)


def test_help_names_every_command(ocrsmith: Run) -> None:
    done = ocrsmith("--help")
    assert done.code == 0
    assert all(f" {name} " in done.text for name in [*COMMANDS, *GROUPS])


@pytest.mark.parametrize("name", [*COMMANDS, *GROUPS])
def test_every_help_teaches_by_example(ocrsmith: Run, name: str) -> None:
    done = ocrsmith(name, "--help")
    assert done.code == 0
    assert "Examples" in done.text and f"ocrsmith {name}" in done.text


def test_version(ocrsmith: Run) -> None:
    assert ocrsmith("--version").text == f"ocrsmith {package.__version__}\n"


@pytest.mark.parametrize("arguments", [["frobnicate"], ["read", "--nope", "a.png"], ["train"], ["synth", "a.toml"]])
def test_wrong_lines_exit_with_2(ocrsmith: Run, arguments: list[str]) -> None:
    done = ocrsmith(*arguments)
    assert done.code == 2
    assert "Traceback" not in done.errors


def test_the_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; from ocrsmith.cli import run; code = run(['--help']); "
        "heavy = {'torch', 'cv2', 'numpy', 'onnxruntime', 'pypdfium2', 'PIL', 'openvino'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else code)"
    )
    done = python("-c", script)
    assert (done.returncode, done.stderr) == (0, "")


def raising(error: BaseException) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Makes the program raise an error where a command would run."""
    return lambda error: monkeypatch.setattr(app_module, "app", raising(error))


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (OcrsmithError("It went wrong."), 1, "error: It went wrong."),
        (AlphabetError("No such letter."), 4, "error: No such letter."),
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), 14, "error: The disk is full at /data/x."),
        (PermissionError(errno.EACCES, "Permission denied", "/root/x"), 14, "error: A file could not be used"),
        (MemoryError(), 1, "error: The memory is used up."),
        (
            ModuleNotFoundError("No module named 'torch'", name="torch"),
            1,
            'error: This needs torch, which is not installed. Run: pip install "ocrsmith[train]"',
        ),
        (
            ModuleNotFoundError("gone", name="lmdb"),
            1,
            "error: This needs lmdb, which is not installed. Run: pip install",
        ),
        (ImportError("libGL.so.1: cannot open"), 1, "error: A library could not be loaded (libGL.so.1: cannot open)."),
        (KeyboardInterrupt(), 130, "interrupted"),
        (SystemExit(130), 130, "interrupted"),
    ],
)
def test_errors_are_one_line(
    ocrsmith: Run, failing: Callable[[BaseException], None], error: BaseException, code: int, line: str
) -> None:
    failing(error)
    done = ocrsmith("read")
    assert done.code == code
    assert done.errors.startswith(line) and done.errors.count("\n") == 1


def test_a_closed_pipe_is_silent(ocrsmith: Run, failing: Callable[[BaseException], None]) -> None:
    failing(BrokenPipeError())
    done = ocrsmith("read")
    assert (done.code, done.errors) == (141, "")


def test_debug_shows_the_traceback_wherever_it_stands(tmp_path: Path) -> None:
    for arguments in (
        ["--debug", "describe", str(tmp_path / "absent")],
        ["describe", str(tmp_path / "absent"), "--debug"],
    ):
        done = python("-m", "ocrsmith", *arguments)
        assert done.returncode == 1
        assert "Traceback" in done.stderr and "InputError" in done.stderr


def test_an_unforeseen_error_is_one_line_too() -> None:
    script = (
        "import sys; from ocrsmith.cli import app, main\n"
        "def fail(*_, **__): raise ZeroDivisionError('a\\nb')\n"
        "import ocrsmith.cli.app as module; module.app = fail; sys.argv = ['ocrsmith']; main()"
    )
    done = python("-c", script)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ocrsmith failed where it should not have (ZeroDivisionError: a).")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a child")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_exits_with_130(number: signal.Signals) -> None:
    script = (
        "import sys, time; import ocrsmith.cli.app as module\n"
        "def wait(*_, **__): print('ready', flush=True); time.sleep(60)\n"
        "module.app = wait; sys.argv = ['ocrsmith']; module.main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What a shell starts in the background ignores the signal, and so would its children.
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stderr.read() == "interrupted\n"
    assert process.returncode == 130


def test_commands_of_the_training_install_say_what_to_install(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('torch', 'pytorch_lightning', 'shapely', 'rapidfuzz')))\n"
        "from ocrsmith.cli import run; sys.exit(run(sys.argv[1:]))"
    )
    for arguments in (["train", "seven_segment"], ["evaluate", "english", str(tmp_path)], ["models", "fetch", "x"]):
        done = python("-c", script, *arguments)
        assert done.returncode == 1
        assert done.stderr.endswith('pip install "ocrsmith[train]"\n') and done.stderr.count("\n") == 1


def test_the_page_of_commands_is_current() -> None:
    maker = Path(__file__).parents[2] / "tools" / "docs" / "make_cli_page.py"
    spec = importlib.util.spec_from_file_location("make_cli_page", maker)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), "run python tools/docs/make_cli_page.py"


def test_every_command_is_registered_with_examples() -> None:
    registered = {command.callback.__name__ for command in app_module.app.registered_commands if command.callback}
    assert registered == set(COMMANDS)
    assert {group.name for group in app_module.app.registered_groups} == set(GROUPS)
    assert read_module.EPILOG.count("\n") >= 3
