"""keras-ocr's CRNN against what keras-ocr itself computed, with the same weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import WeightsError
from ocrsmith.models.crnn import CRNN, SpatialTransformer
from ocrsmith.models.weights import load_start_weights

pytest.importorskip("h5py")


@pytest.fixture(scope="module")
def keras_dir(shared_dir: Path) -> Path:
    return shared_dir / "fixtures" / "keras_ocr"


def small(keras_dir: Path, *, stn: bool, alphabet: str | None = None) -> CRNN:
    form: dict[str, Any] = json.loads((keras_dir / "crnn_small.json").read_text())
    settings = {**form["build_params"], "stn": stn}
    settings["filters"], settings["rnn_units"] = tuple(settings["filters"]), tuple(settings["rnn_units"])
    return CRNN(Alphabet(alphabet or form["alphabet"]), **settings)


@pytest.mark.parametrize("kind", ["stn", "plain"])
def test_features_and_probabilities_agree(keras_dir: Path, kind: str) -> None:
    model = small(keras_dir, stn=kind == "stn")
    report = load_start_weights(model, keras_dir / f"crnn_small_{kind}.h5")
    assert not report.missing and not report.unexpected
    expected = np.load(keras_dir / f"crnn_small_{kind}_io.npz")
    images = torch.from_numpy(np.ascontiguousarray(expected["images"].transpose(0, 3, 1, 2)))
    model.eval()
    with torch.inference_mode():
        features = model.backbone(images).numpy()
        probabilities = model(images).softmax(dim=2).numpy()
    # Measured: 4.8e-7 on features up to 0.64, 2.2e-8 on probabilities up to 0.049.
    np.testing.assert_allclose(features, expected["features"], rtol=0, atol=5e-6)
    np.testing.assert_allclose(np.roll(probabilities, -1, axis=2), expected["probabilities"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["stn", "plain"])
def test_a_file_without_a_head_leaves_the_head_new(keras_dir: Path, kind: str) -> None:
    model = small(keras_dir, stn=kind == "stn", alphabet="xyz!")
    before = model.head.weight.detach().clone()
    report = load_start_weights(model, keras_dir / f"crnn_small_{kind}_notop.h5")
    assert report.missing == ("head.weight", "head.bias")
    assert report.new_characters == ("x", "y", "z", "!")
    torch.testing.assert_close(model.head.weight.detach(), before)


def test_another_alphabet_keeps_the_rows_of_shared_characters(keras_dir: Path) -> None:
    whole, cut = small(keras_dir, stn=False), small(keras_dir, stn=False, alphabet="9a!")
    load_start_weights(whole, keras_dir / "crnn_small_plain.h5")
    report = load_start_weights(cut, keras_dir / "crnn_small_plain.h5", alphabet=whole.alphabet)
    assert (report.kept_characters, report.new_characters) == (("9", "a"), ("!",))
    torch.testing.assert_close(cut.head.weight[:3], whole.head.weight[[0, 10, 11]])


def test_an_unknown_alphabet_of_another_size_is_refused(keras_dir: Path) -> None:
    with pytest.raises(WeightsError, match=r"writes 36 characters.*has 2.*Pass alphabet="):
        load_start_weights(small(keras_dir, stn=False, alphabet="ab"), keras_dir / "crnn_small_plain.h5")


def test_another_width_is_refused_by_name(keras_dir: Path) -> None:
    model = CRNN(Alphabet("ab"), filters=(8, 8, 16, 16, 24, 24, 24), rnn_units=(16, 16), width=100)
    with pytest.raises(WeightsError, match=r"transformer.dense.weight \(64, 11200\) instead of \(64, 5600\)"):
        load_start_weights(model, keras_dir / "crnn_small_stn_notop.h5")


def test_the_untrained_transformer_stretches_and_drops_the_last_row_and_column() -> None:
    transformer = SpatialTransformer(1, 3, 3)
    features = torch.arange(9.0).reshape(1, 1, 3, 3)
    with torch.inference_mode():
        out = transformer(features)[0, 0]
    # Places 0, 1.5 and 3 of 0..2: the middle lies between 1 and 2, the last is outside.
    torch.testing.assert_close(out, torch.tensor([[0.0, 1.5, 0.0], [4.5, 6.0, 0.0], [0.0, 0.0, 0.0]]))
    with pytest.raises(ValueError, match=r"built for features of \(3, 3\)"):
        transformer(torch.zeros(1, 1, 3, 4))
