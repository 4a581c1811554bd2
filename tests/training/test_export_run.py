"""Bundles from what a run left on disk, whether it came to its end or not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_runs import DETECTOR_SETTINGS, RECOGNIZER_SETTINGS, least
from torch import nn

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import BundleError, InputError
from ocrsmith.export.bundle import NetworkToExport, export_bundle
from ocrsmith.models.onnx_state import load_state_from_onnx
from ocrsmith.models.registry import build_detector, build_recognizer
from ocrsmith.models.weights import save_weights
from ocrsmith.reading.bundle import Bundle
from ocrsmith.training.export_run import export_bundle_anew, export_run, export_weights
from ocrsmith.training.recipe import Recipe

DIGITS = Alphabet("0123456789")


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return build_recognizer("light_ctc", DIGITS, **RECOGNIZER_SETTINGS)


def weights_of(bundle: Path) -> dict[str, torch.Tensor]:
    content = Bundle.load(bundle).recognizer_bytes
    assert content is not None
    model = network(0)
    load_state_from_onnx(model, content, bundle.name)
    return model.state_dict()


@pytest.fixture
def recipe() -> Recipe:
    return least(recognizer={"settings": RECOGNIZER_SETTINGS})


def test_a_finished_run_is_exported_from_its_full_precision_weights(tmp_path: Path) -> None:
    model = network(1)
    to_export = NetworkToExport(model, "light_ctc", RECOGNIZER_SETTINGS, {"min_confidence": 0.25})
    export_bundle(tmp_path / "tiny.ocrsmith", recognizer=to_export, card={"licence": "CC0-1.0"}, whole_if_empty=True)
    save_weights(model, tmp_path / "recognizer" / "model.safetensors")
    written = export_run(tmp_path, tmp_path / "out" / "again.ocrsmith", half_precision=False)
    bundle = Bundle.load(written)
    assert (bundle.name, bundle.whole_if_empty, bundle.card["licence"]) == ("again", True, "CC0-1.0")
    assert bundle.recognizer is not None and bundle.recognizer.min_confidence == 0.25
    found, expected = weights_of(written), model.state_dict()
    assert all(torch.equal(found[key], expected[key]) for key in expected if "num_batches" not in key)


def test_a_stopped_run_is_exported_with_its_recipe(tmp_path: Path, recipe: Recipe) -> None:
    model = network(2)
    save_weights(model, tmp_path / "recognizer" / "model.safetensors")
    written = export_run(tmp_path, tmp_path / "early.ocrsmith", recipe=recipe, half_precision=False)
    found, expected = weights_of(written), model.state_dict()
    assert all(torch.equal(found[key], expected[key]) for key in expected if "num_batches" not in key)


def test_a_stopped_run_reads_as_its_bundle_would(tmp_path: Path) -> None:
    table = {"settings": DETECTOR_SETTINGS, "image_size": 64, "thresholds": {"text": 0.25}}
    recipe = least(detector=table)
    save_weights(build_detector("craft_light", **DETECTOR_SETTINGS), tmp_path / "detector" / "model.safetensors")
    part = Bundle.load(export_run(tmp_path, tmp_path / "early.ocrsmith", recipe=recipe)).manifest["detector"]
    assert part["scale"] == {"min_side": 64}
    assert part["thresholds"]["text"] == 0.25
    untrained = least(detector={**table, "share": 0})
    part = Bundle.load(export_run(tmp_path, tmp_path / "start_only.ocrsmith", recipe=untrained)).manifest["detector"]
    assert "scale" not in part


def test_a_bundle_is_written_anew_as_it_reads(tmp_path: Path) -> None:
    model = network(4)
    reading = {"min_confidence": 0.25, "input": {"max_width": 96}}
    old = export_bundle(
        tmp_path / "old.ocrsmith",
        recognizer=NetworkToExport(model, "light_ctc", RECOGNIZER_SETTINGS, reading),
        card={"licence": "CC0-1.0"},
        half_precision=False,
    )
    # Weights of another network beside it are not its own.
    save_weights(network(5), tmp_path / "recognizer" / "model.safetensors")
    written = export_bundle_anew(old, tmp_path / "new.ocrsmith", half_precision=False)
    before, after = Bundle.load(old), Bundle.load(written)
    assert (after.name, after.card["licence"]) == ("new", "CC0-1.0")
    assert after.manifest["recognizer"] == before.manifest["recognizer"]
    found, expected = weights_of(written), model.state_dict()
    assert all(torch.equal(found[key], expected[key]) for key in expected if "num_batches" not in key)


def test_a_bundle_in_8_bits_is_not_written_anew(tmp_path: Path) -> None:
    export = NetworkToExport(network(6), "light_ctc", RECOGNIZER_SETTINGS, {"precision": "int8"})
    small = export_bundle(tmp_path / "small.ocrsmith", recognizer=export)
    with pytest.raises(InputError, match="8 bits"):
        export_bundle_anew(small, tmp_path / "x.ocrsmith")


def test_the_bundle_of_the_start_is_no_result(tmp_path: Path, recipe: Recipe) -> None:
    export_bundle(tmp_path / "start.ocrsmith", recognizer=NetworkToExport(network(3), "light_ctc", RECOGNIZER_SETTINGS))
    with pytest.raises(InputError, match="no finished run"):
        export_run(tmp_path, tmp_path / "x.ocrsmith")
    with pytest.raises(InputError, match="no weights of the recipe tiny"):
        export_run(tmp_path, tmp_path / "x.ocrsmith", recipe=recipe)


def test_start_weights_keep_their_alphabet_unless_told(tmp_path: Path) -> None:
    first = export_bundle(
        tmp_path / "first.ocrsmith", recognizer=NetworkToExport(network(4), "light_ctc", RECOGNIZER_SETTINGS)
    )
    whole = Bundle.load(export_weights(tmp_path / "whole.ocrsmith", recognizer=str(first)))
    cut = Bundle.load(export_weights(tmp_path / "cut.ocrsmith", recognizer=str(first), alphabet=Alphabet("17")))
    assert whole.recognizer is not None and whole.recognizer.alphabet == DIGITS
    assert cut.recognizer is not None and cut.recognizer.alphabet == Alphabet("17")


def test_a_bundles_part_is_read_with_as_the_bundle_says(tmp_path: Path) -> None:
    reading = {"min_confidence": 0.25, "crop_margin": 0.1}
    export = NetworkToExport(network(4), "light_ctc", RECOGNIZER_SETTINGS, reading)
    first = export_bundle(tmp_path / "first.ocrsmith", recognizer=export)
    part = Bundle.load(export_weights(tmp_path / "x.ocrsmith", recognizer=str(first))).recognizer
    assert part is not None and (part.min_confidence, part.crop_margin) == (0.25, 0.1)


def test_nothing_to_export(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="without a detector and without a recogniser"):
        export_weights(tmp_path / "x.ocrsmith")


def test_weights_that_do_not_say_their_characters(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="--alphabet"):
        export_weights(tmp_path / "x.ocrsmith", recognizer="kurapan_notop")
