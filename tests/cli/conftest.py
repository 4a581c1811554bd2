"""A tiny bundle to read with, and a way to run a command line in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ocrsmith.alphabet import Alphabet
from ocrsmith.cli import run as run_command_line
from ocrsmith.preprocess import DetectorInput, RecognizerInput
from ocrsmith.reading.bundle import write_bundle

sys.path.append(str(Path(__file__).parents[1] / "reading"))
from tiny_networks import BLUE, GREEN, PLAIN, RED, ctc_network, db_network


@dataclass(frozen=True)
class Outcome:
    """What a command line came to."""

    code: int
    output: bytes
    errors: str

    @property
    def text(self) -> str:
        return self.output.decode()


@pytest.fixture
def ocrsmith(capfdbinary: pytest.CaptureFixture[bytes]) -> Iterator[Callable[..., Outcome]]:
    """Runs a command line: `ocrsmith("read", path)`."""
    hook = sys.excepthook

    def run(*arguments: object) -> Outcome:
        capfdbinary.readouterr()
        code = run_command_line([str(argument) for argument in arguments])
        captured = capfdbinary.readouterr()
        return Outcome(code, captured.out, captured.err.decode())

    yield run
    sys.excepthook = hook


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reads colours: red is "a", green is "b", blue is a space."""
    form = {
        "detector": {
            "kind": "db",
            "input": DetectorInput(map_stride=1, **PLAIN).to_dict(),
            "thresholds": {"unclip_ratio": 0.0},
            "scale": {"min_side": 64, "max_side": 640},
        },
        "recognizer": {
            "kind": "ctc",
            "input": RecognizerInput(height=8, min_width=4, width_multiple=4, step_px=4, **PLAIN).to_dict(),
            "alphabet": Alphabet("ab ").to_dict(),
            "output": "logits",
            "min_confidence": 0.5,
        },
        "card": {"licence": "CC0-1.0", "description": "Reads colours."},
    }
    networks = {"detector.onnx": db_network(), "recognizer.onnx": ctc_network()}
    return write_bundle(tmp_path_factory.mktemp("bundle") / "tiny.ocrsmith", form, networks)


@pytest.fixture
def colours() -> np.ndarray:
    """A white page of 200x120 with "ab a" above and "b" below."""
    page = np.full((120, 200, 3), 255, np.uint8)
    for x, colour in zip((20, 36, 52, 68), (RED, GREEN, BLUE, RED)):
        page[16:32, x : x + 16] = colour
    page[64:80, 20:36] = GREEN
    return page
