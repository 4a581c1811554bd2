"""The network of `english_g2`: the released tensors all have a place, one layer by hand, and it reads."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import WeightsError
from ocrsmith.models.start_weights import find_start_weights
from ocrsmith.models.vgg_bilstm import ENGLISH_G2_CHARACTERS, VggBiLSTM
from ocrsmith.models.weights import load_start_weights


@pytest.fixture(scope="module")
def english() -> VggBiLSTM:
    try:
        find_start_weights("english_g2")
    except WeightsError as error:
        pytest.skip(str(error))
    model = VggBiLSTM(Alphabet(ENGLISH_G2_CHARACTERS))
    report = load_start_weights(model, "english_g2")
    assert not report.missing and not report.unexpected and not report.new_characters
    assert len(report.loaded) == 44
    return model.eval()


def read(model: VggBiLSTM, text: str) -> str:
    picture = Image.new("RGB", (40 + 22 * len(text), 60), "white")
    ImageDraw.Draw(picture).text((12, 8), text, font=ImageFont.load_default(size=36), fill="black")
    crop = model.input.resize(np.asarray(picture))
    with torch.inference_mode():
        best = model(torch.from_numpy(model.input.normalize(model.input.stack([crop]))))[0].argmax(dim=1).tolist()
    return model.alphabet.decode(id_ for index, id_ in enumerate(best) if index == 0 or best[index - 1] != id_)


@pytest.mark.parametrize("text", ["Hello 4271", "Forge-9", "OCR"])
def test_it_reads_a_rendered_word(english: VggBiLSTM, text: str) -> None:
    assert read(english, text) == text


def test_with_fewer_characters_it_still_reads_them(english: VggBiLSTM) -> None:
    model = VggBiLSTM(Alphabet("0123456789"))
    report = load_start_weights(model, "english_g2")
    assert report.kept_characters == tuple("0123456789")
    assert read(model.eval(), "40718") == "40718"


def test_the_first_convolution_by_hand(english: VggBiLSTM) -> None:
    state = torch.load(find_start_weights("english_g2"), map_location="cpu", weights_only=True)
    kernel = state["module.FeatureExtraction.ConvNet.0.weight"].numpy()
    bias = state["module.FeatureExtraction.ConvNet.0.bias"].numpy()
    picture = np.random.default_rng(0).uniform(-1, 1, (64, 8)).astype(np.float32)
    padded = np.pad(picture, 1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    expected = np.maximum(np.einsum("hwij,oij->ohw", windows, kernel[:, 0]) + bias[:, None, None], 0)
    with torch.inference_mode():
        found = english.backbone[:2](torch.from_numpy(picture)[None, None])[0].numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_the_first_step_of_the_second_lstm_by_hand(english: VggBiLSTM) -> None:
    weights = {
        name: value.detach().numpy() for name, value in english.context[1].rnn.named_parameters() if "_l0" in name
    }
    step = np.random.default_rng(1).normal(size=256).astype(np.float32)
    gates = weights["weight_ih_l0"] @ step + weights["bias_ih_l0"] + weights["bias_hh_l0"]
    enter, _, cell, leave = np.split(gates, 4)

    def sigmoid(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-x))

    expected = sigmoid(leave) * np.tanh(sigmoid(enter) * np.tanh(cell))
    with torch.inference_mode():
        found = english.context[1].rnn(torch.from_numpy(step)[None, None])[0][0, 0, :256].numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
