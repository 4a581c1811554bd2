"""The packaged bundle on PyTorch itself: what ONNX Runtime reads in float32, and clear words where it cannot be."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ocrsmith.errors import EngineError
from ocrsmith.images import read_image
from ocrsmith.reading.bundle import Bundle
from ocrsmith.reading.engines import open_engine
from ocrsmith.reading.reader import Reader
from ocrsmith.settings import package_assets_dir

BUNDLES = package_assets_dir() / "bundles"
PICTURES = sorted((package_assets_dir() / "samples").rglob("*.jpg")) + sorted(
    (package_assets_dir() / "samples").rglob("*.png")
)


@pytest.mark.parametrize("picture", PICTURES[:2], ids=lambda path: path.stem)
def test_pytorch_reads_what_onnx_runtime_reads(picture: Path) -> None:
    if not (BUNDLES / "seven_segment.ocrsmith").is_file():
        pytest.skip("the bundle seven_segment is not packaged")
    pytest.importorskip("torch")
    scale = {"max_side": 480, "min_side": 320}
    image = read_image(picture)
    with_onnx, with_torch = (
        # In 32 bits: PyTorch does not round activations, as a network in 8 bits does on the other engines.
        Reader("seven_segment", engine=name, threads=1, scale=scale)
        for name in ("onnxruntime", "pytorch")
    )
    expected, found = with_onnx.read(image), with_torch.read(image)
    assert found.text == expected.text != ""
    for one, other in zip(expected.words, found.words, strict=True):
        np.testing.assert_allclose(other.polygon, one.polygon, atol=0.5)
        assert other.confidence == pytest.approx(one.confidence, abs=0.01)


def test_without_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    known = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "torch" else known(name, *rest)
    )
    with pytest.raises(EngineError, match=r'needs torch\. Run: pip install "ocrsmith\[train\]"'):
        open_engine(b"", "pytorch", 1)


def test_a_bundle_that_does_not_say_its_network(make_bundle: Callable[..., Path]) -> None:
    with pytest.raises(EngineError, match="does not say which network"):
        Reader(make_bundle("db"), engine="pytorch")


def test_another_network_than_the_file_holds(make_bundle: Callable[..., Path]) -> None:
    form = Bundle.load(make_bundle(None)).manifest["recognizer"]
    other = make_bundle(None, recognizer={**form, "network": {"name": "light_ctc", "settings": {}}})
    with pytest.raises(EngineError, match="PyTorch cannot read with this bundle: The network in the bundle"):
        Reader(other, engine="pytorch")
