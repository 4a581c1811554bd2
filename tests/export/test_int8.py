"""Networks in 8 bits: near to their own, measured before they are written, refused where they read worse."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from ocrsmith.alphabet import Alphabet
from ocrsmith.data.formats import LabelledFolder, read_labels
from ocrsmith.errors import EngineError, InputError
from ocrsmith.export import int8
from ocrsmith.export.int8 import write_int8
from ocrsmith.images import write_image
from ocrsmith.preprocess import RecognizerInput
from ocrsmith.reading.bundle import Bundle, write_bundle
from ocrsmith.reading.reader import Reader

sys.path.append(str(Path(__file__).parents[1] / "reading"))
from tiny_networks import GREEN, PLAIN, RED, ctc_network


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    form = {
        "recognizer": {
            "kind": "ctc",
            "input": RecognizerInput(height=8, min_width=4, width_multiple=4, step_px=4, **PLAIN).to_dict(),
            "alphabet": Alphabet("ab ").to_dict(),
            "output": "logits",
            "network": {"name": "tiny", "settings": {}},
        },
        "card": {"licence": "MIT", "parity": {"recognizer": [{"engine": "onnxruntime"}]}},
    }
    return Bundle.load(write_bundle(tmp_path / "tiny.ocrsmith", form, {"recognizer.onnx": ctc_network()}))


@pytest.fixture
def crops(tmp_path: Path) -> LabelledFolder:
    """Eight crops of one letter."""
    rows = []
    for number in range(8):
        image = np.full((8, 12, 3), 255, np.uint8)
        image[:, 4:8] = RED if number % 4 < 2 else GREEN
        write_image(tmp_path / "crops" / f"{number}.png", image)
        rows.append(json.dumps({"image": f"{number}.png", "text": "a" if number % 4 < 2 else "b"}))
    (tmp_path / "crops" / "labels.jsonl").write_text("\n".join(rows))
    return read_labels(tmp_path / "crops")


def test_a_bundle_tells_what_eight_bits_cost(bundle: Bundle, crops: LabelledFolder, tmp_path: Path) -> None:
    stages: list[str] = []
    path, cost = write_int8(bundle, tmp_path / "small.ocrsmith", crops, largest_loss=0.0, progress=stages.append)
    assert (cost.before, cost.after, cost.loss, cost.num_counted) == (1.0, 1.0, 0.0, 4)
    assert stages == ["rounding the recognizer", "measuring"]
    small = Bundle.load(path)
    assert small.name == "small"
    assert small.manifest["recognizer"]["precision"] == "int8"
    assert small.card["licence"] == "MIT"
    # Proved before it was rounded.
    assert small.card["parity"] == {"recognizer": [{"engine": "onnxruntime"}]}
    assert small.manifest["recognizer"]["network"] == {"name": "tiny", "settings": {}}
    assert small.card["int8"]["parts"] == ["recognizer"]
    assert small.card["int8"]["after"] == 1.0
    assert [text.text for text in Reader(small, engine="onnxruntime").recognize([crops.entries[0].image()])] == ["a"]
    with pytest.raises(InputError, match="in 8 bits already"):
        write_int8(small, tmp_path / "again.ocrsmith", crops, largest_loss=0.0)


def test_what_reads_worse_is_refused(
    bundle: Bundle, crops: LabelledFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    colours = onnx.load_model_from_string(ctc_network())
    (weights,) = (tensor for tensor in colours.graph.initializer if tensor.name == "colours")
    values = onnx.numpy_helper.to_array(weights)[[0, 2, 1, 3]]
    weights.CopyFrom(onnx.numpy_helper.from_array(values.copy(), "colours"))
    monkeypatch.setattr(int8, "quantize_network", lambda content, inputs: colours.SerializeToString())
    with pytest.raises(EngineError, match=r"falls from 1\.000 to 0\.000 on 4 of crops; at most 0\.01"):
        write_int8(bundle, tmp_path / "small.ocrsmith", crops, largest_loss=0.01)
    assert not (tmp_path / "small.ocrsmith").exists()
    path, cost = write_int8(bundle, tmp_path / "small.ocrsmith", crops, largest_loss=1.0)
    assert path.is_file() and cost.loss == 1.0


def test_too_little_to_go_by(bundle: Bundle, crops: LabelledFolder, tmp_path: Path) -> None:
    few = LabelledFolder(crops.path, crops.format, crops.kind, crops.entries[:3])
    with pytest.raises(InputError, match="3 labelled pictures"):
        write_int8(bundle, tmp_path / "small.ocrsmith", few, largest_loss=0.0)
    with pytest.raises(InputError, match="none of"):
        write_int8(bundle, tmp_path / "small.ocrsmith", crops, parts=["detector"], largest_loss=0.0)
