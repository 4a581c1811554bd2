"""A bundle of tiny networks and a page for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_networks import BLUE, GREEN, PLAIN, RED, craft_network, ctc_network, db_network

from ocrsmith.alphabet import Alphabet
from ocrsmith.preprocess import DetectorInput, RecognizerInput
from ocrsmith.reading.bundle import write_bundle


@pytest.fixture(scope="session")
def make_bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes a tiny bundle: `make_bundle(kind="db", **manifest)`; `kind` None leaves the detector out."""

    def make(kind: str | None = "db", **manifest: object) -> Path:
        files = {"recognizer.onnx": ctc_network()}
        form: dict[str, object] = {
            "recognizer": {
                "kind": "ctc",
                "input": RecognizerInput(height=8, min_width=4, width_multiple=4, step_px=4, **PLAIN).to_dict(),
                "alphabet": Alphabet("ab ").to_dict(),
                "output": "logits",
                "min_confidence": 0.5,
            },
            **manifest,
        }
        if kind is not None:
            files["detector.onnx"] = craft_network() if kind == "craft" else db_network()
            thresholds = {} if kind == "craft" else {"unclip_ratio": 0.0}
            stride = 2 if kind == "craft" else 1
            form["detector"] = {
                "kind": kind,
                "input": DetectorInput(map_stride=stride, **PLAIN).to_dict(),
                "thresholds": thresholds,
                "scale": {"min_side": 64, "max_side": 640},
            }
        path = tmp_path_factory.mktemp("bundle") / "tiny.ocrsmith"
        return write_bundle(path, form, files)

    return make


@pytest.fixture
def colour_page() -> np.ndarray:
    """A white page of 200x120 with "ab a" at (20, 16) and "b" at (20, 64), each letter 16x16 with a white gap of 8."""
    page = np.full((120, 200, 3), 255, np.uint8)
    page[16:32, 20:36] = RED
    page[16:32, 36:52] = GREEN
    page[16:32, 52:68] = BLUE
    page[16:32, 68:84] = RED
    page[64:80, 20:36] = GREEN
    return page
