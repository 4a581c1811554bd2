"""Start weights: what is refused, and with which words."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import WeightsError
from ocrsmith.models.craft_light import CraftLight
from ocrsmith.models.light_ctc import LightCTC
from ocrsmith.models.weights import load_start_weights, save_weights


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(WeightsError, match="Did you mean 'clovaai_general'"):
        load_start_weights(CraftLight(), "clovai_general")


def test_weights_of_another_kind_are_refused_before_they_are_read() -> None:
    with pytest.raises(
        WeightsError, match=r"english_g2 belong to a ctc network, and this one is craft.*clovaai_general"
    ):
        load_start_weights(CraftLight(), "english_g2")


def test_a_pickle_with_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps(Path, protocol=2))
    with pytest.raises(WeightsError, match="nothing else is unpickled"):
        load_start_weights(CraftLight(), path)


@pytest.mark.parametrize("name", ["cut.pth", "cut.safetensors"])
def test_a_cut_off_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x02")
    with pytest.raises(WeightsError, match=r"cannot be read|is not safetensors"):
        load_start_weights(CraftLight(), tmp_path / name)


def test_a_foreign_ending_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"1")
    with pytest.raises(WeightsError, match=r"ends in '.bin'. Weights are read from .*\.safetensors"):
        load_start_weights(CraftLight(), tmp_path / "weights.bin")


def test_shapes_that_do_not_fit_are_named_and_nothing_is_changed(tmp_path: Path) -> None:
    path = save_weights(CraftLight(decoder_channels=32), tmp_path / "narrow.safetensors")
    model = CraftLight()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(
        WeightsError, match=r"laterals.0.weight \(32, 32, 1, 1\) instead of \(48, 32, 1, 1\).*and .* more"
    ):
        load_start_weights(model, path)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_weights_of_nothing_known_are_refused(tmp_path: Path) -> None:
    torch.save({"something": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match="nothing for this network: it begins with 'something'"):
        load_start_weights(CraftLight(), tmp_path / "other.pt")


def test_a_saved_recognizer_says_its_alphabet(tmp_path: Path) -> None:
    old = LightCTC(Alphabet("abc"))
    path = save_weights(old, tmp_path / "abc.safetensors")
    new = LightCTC(Alphabet("cé"))
    report = load_start_weights(new, path)
    assert (report.kept_characters, report.new_characters) == (("c",), ("é",))
    torch.testing.assert_close(new.head.weight[:2], old.head.weight[[0, 3]])
    assert "new characters: 'é'" in str(report)


def test_a_wrapped_state_of_a_training_script_is_read(tmp_path: Path) -> None:
    model = CraftLight()
    torch.save({"model": {f"module.{k}": v for k, v in model.state_dict().items()}}, tmp_path / "last.pth")
    assert not load_start_weights(CraftLight(), tmp_path / "last.pth").missing
