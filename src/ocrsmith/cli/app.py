"""The program: its commands, and what becomes of errors. No traceback reaches a user unless --debug asks for it."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Annotated, NoReturn

import typer

from ocrsmith import __version__
from ocrsmith.cli import assets, calibrate, describe, evaluate, export, models, read, synth, train, tune
from ocrsmith.cli.terminal import CLOSED_PIPE, examples, note
from ocrsmith.errors import OcrsmithError, StorageError

INTERRUPTED = 130
DEBUG = "--debug"
# Top-level modules of the optional installs -> the extra of pyproject.toml that brings them.
EXTRAS = {
    **dict.fromkeys(
        (
            *("torch", "pytorch_lightning", "pydantic", "safetensors", "onnx", "onnxscript", "tensorboard"),
            *("shapely", "rapidfuzz", "jinja2", "matplotlib", "uharfbuzz", "freetype", "fontTools"),
        ),
        "train",
    ),
    "lmdb": "formats",
    "h5py": "keras",
    "openvino": "fast",
}
_FULL = (errno.ENOSPC, errno.EDQUOT)

app = typer.Typer(
    name="ocrsmith",
    help="Forge your own OCR: an alphabet, fonts and backgrounds go in; a trained, measured reader comes out.",
    epilog=examples(
        "ocrsmith read scan.png                         read a picture",
        "ocrsmith synth recipe.toml --preview a.png     see what a recipe draws",
        "ocrsmith train recipe.toml                     make a reader of your own",
        "ocrsmith read -m runs/NAME/NAME.ocrsmith a.png  and read with it",
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
train.register(app)
synth.register(app)
read.register(app)
evaluate.register(app)
calibrate.register(app)
tune.register(app)
export.register(app)
models.register(app)
assets.register(app)
describe.register(app)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"ocrsmith {__version__}")
        raise typer.Exit


@app.callback()
def _everywhere(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option(DEBUG, help="Show the traceback of an error; may stand anywhere on the line.")
    ] = False,
) -> None:
    pass


def main() -> NoReturn:
    """The entry point of the program `ocrsmith`."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs a command line and returns its exit code: 0, 2 for a wrong line, 130 for an interrupt, else the error's.

    An error that nobody foresaw is raised on; `main`'s process then prints one line of it and exits with 1.
    """
    debug = DEBUG in arguments
    if debug:
        arguments = [argument for argument in arguments if argument != DEBUG]
    else:
        sys.excepthook = _unforeseen
    with _terminated_as_interrupted():
        return _run(arguments, debug)


def _run(arguments: list[str], debug: bool) -> int:
    try:
        app(args=arguments, prog_name="ocrsmith")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if code == INTERRUPTED:
            note("interrupted")
        return code
    except KeyboardInterrupt:
        note("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        return CLOSED_PIPE
    except (OcrsmithError, ImportError, OSError, MemoryError) as error:
        if debug:
            raise
        known = _as_ocrsmith_error(error)
        note(f"error: {known}")
        return known.exit_code
    return 0


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """`timeout`, `kill` and a machine that shuts down ask as Ctrl-C does: what is done is kept, and said."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    process = os.getpid()

    def interrupt(number: int, frame: FrameType | None) -> None:
        if os.getpid() == process:
            raise KeyboardInterrupt
        # A forked worker takes this handler along, and is to end without a word.
        os._exit(128 + number)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _as_ocrsmith_error(error: OcrsmithError | ImportError | OSError | MemoryError) -> OcrsmithError:
    if isinstance(error, OcrsmithError):
        return error
    if isinstance(error, ImportError):
        module = (error.name or "").partition(".")[0]
        if module in EXTRAS:
            return OcrsmithError(
                f'This needs {module}, which is not installed. Run: pip install "ocrsmith[{EXTRAS[module]}]"'
            )
        return OcrsmithError(f"A library could not be loaded ({error}). Install ocrsmith again.")
    if isinstance(error, MemoryError):
        return OcrsmithError("The memory is used up. Shrink the pictures or the batch, or free some memory.")
    if error.errno in _FULL:
        where = f" at {error.filename}" if error.filename else ""
        return StorageError(f"The disk is full{where}. Free some space and run the same command again.")
    return StorageError(f"A file could not be used ({error}). Check the path and its rights.")


def _unforeseen(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    lines = str(error).splitlines()
    note(
        f"error: ocrsmith failed where it should not have ({kind.__name__}: {lines[0] if lines else ''}). "
        f"Run the same command with {DEBUG} and report what it prints."
    )
