"""PP-OCRv6 small against ONNX Runtime on the released files, and as networks that train."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import nn

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import WeightsError
from ocrsmith.losses.db import db_loss
from ocrsmith.models.ppocr_blocks import Stem
from ocrsmith.models.ppocr_detector import MapHead, PPOCRDetector
from ocrsmith.models.ppocr_recognizer import PPOCRRecognizer
from ocrsmith.models.ppocr_weights import full_alphabet, load_ppocr_onnx, source_characters
from ocrsmith.models.start_weights import Kind, find_start_weights

DIGITS = Alphabet("0123456789.-")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def released(kind: Kind) -> Path:
    try:
        return find_start_weights("ppocr_v6_small", kind)
    except WeightsError as error:
        pytest.skip(str(error))


def run_onnx(path: Path, images: NDArray[np.float32]) -> NDArray[np.float32]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options).run(None, {"x": images})[0]


def written(text: str, width: int, height: int) -> NDArray[np.uint8]:
    image = np.full((height, width, 3), (200, 215, 230), np.uint8)
    cv2.putText(image, text, (12, height // 2 + 12), cv2.FONT_HERSHEY_DUPLEX, 1.1, (30, 20, 10), 2, cv2.LINE_AA)
    return image


def greedy(model: PPOCRRecognizer, image: NDArray[np.uint8]) -> str:
    crop = model.input.normalize(model.input.stack([model.input.resize(image)]))
    with torch.inference_mode():
        ids = model(torch.from_numpy(crop))[0].argmax(dim=-1).numpy()
    return model.alphabet.decode(ids[np.append(True, ids[1:] != ids[:-1])])


def test_detector_agrees_with_the_released_file() -> None:
    path = released("db")
    model = PPOCRDetector().eval()
    assert load_ppocr_onnx(model, path).num_tensors == 162
    images = model.input.normalize(written("READ ME", 256, 96)[None])
    with torch.inference_mode():
        probabilities = torch.sigmoid(model(torch.from_numpy(images))).numpy()
    expected = run_onnx(path, images)
    assert expected.max() > 0.9
    # Measured on a photograph of 640 x 480 px: 4.5e-6.
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=5e-5)


def test_recognizer_agrees_with_the_released_file() -> None:
    path = released("ctc")
    alphabet = full_alphabet(path)
    assert len(alphabet) == 18_705
    model = PPOCRRecognizer(alphabet).eval()
    loaded = load_ppocr_onnx(model, path)
    assert (loaded.num_tensors, loaded.kept_characters, loaded.new_characters) == (151, 18_705, ())
    images = model.input.normalize(model.input.stack([model.input.resize(written("Read me 42", 260, 48))]))
    with torch.inference_mode():
        probabilities = torch.softmax(model(torch.from_numpy(images)), dim=-1).numpy()
    ids = {character: id_ for id_, character in enumerate(source_characters(onnx.load(path)))}
    expected = run_onnx(path, images)[:, :, [0, *(ids[character] for character in alphabet.characters)]]
    # Measured on word photographs: 3.5e-6.
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=5e-5)


def test_a_cut_head_reads_and_says_what_is_new() -> None:
    path = released("ctc")
    model = PPOCRRecognizer(Alphabet("0123456789.-\ue000")).eval()
    loaded = load_ppocr_onnx(model, path)
    assert loaded.kept_characters == 12
    assert loaded.new_characters == ("\ue000",)
    assert greedy(model, written("31.4159", 200, 48)) == "31.4159"


def test_cutting_a_loaded_head_is_the_same_as_loading_a_cut_one() -> None:
    path = released("ctc")
    cut = PPOCRRecognizer(Alphabet("abc0123456789.-"))
    load_ppocr_onnx(cut, path)
    cut.replace_alphabet(DIGITS)
    direct = PPOCRRecognizer(DIGITS)
    load_ppocr_onnx(direct, path)
    assert cut.alphabet == DIGITS
    torch.testing.assert_close(cut.state_dict(), direct.state_dict(), rtol=0, atol=0)


def test_new_characters_never_win_before_they_are_learnt() -> None:
    model = PPOCRRecognizer(DIGITS)
    with torch.no_grad():
        model.head.bias.copy_(torch.arange(13.0))
    model.replace_alphabet(Alphabet("9x"))
    assert model.head.bias.tolist() == [0.0, 10.0, 0.0]


def test_files_that_do_not_fit_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no weights file"):
        load_ppocr_onnx(PPOCRDetector(), tmp_path / "absent.onnx")
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"not a network")
    with pytest.raises(WeightsError, match="cannot be read as ONNX"):
        load_ppocr_onnx(PPOCRDetector(), damaged)
    weight = numpy_helper.from_array(np.zeros((2, 2), np.float32), "w")
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [], [], [weight])
    onnx.save(helper.make_model(graph), tmp_path / "foreign.onnx")
    with pytest.raises(WeightsError, match="holds 1 weights, PPOCRDetector has 162"):
        load_ppocr_onnx(PPOCRDetector(), tmp_path / "foreign.onnx")
    with pytest.raises(WeightsError, match="lists no characters"):
        load_ppocr_onnx(PPOCRRecognizer(DIGITS), tmp_path / "foreign.onnx")


@pytest.mark.parametrize(("width", "steps"), [(8, 1), (64, 8), (192, 24)])
def test_recognizer_shapes(width: int, steps: int) -> None:
    model = PPOCRRecognizer(DIGITS).eval()
    assert model(torch.zeros(2, 3, 48, width)).shape == (2, steps, 13)
    assert model.input.num_steps(width) == steps


@pytest.mark.parametrize("with_threshold", [False, True])
def test_detector_shapes(with_threshold: bool) -> None:
    model = PPOCRDetector(with_threshold=with_threshold).eval()
    assert model(torch.zeros(2, 3, 32, 64)).shape == (2, 1, 32, 64)
    assert (model.training_maps(torch.zeros(1, 3, 32, 32))[1] is not None) == with_threshold


def test_numbers_of_parameters() -> None:
    assert sum(p.numel() for p in PPOCRDetector().parameters()) == 2_453_353
    without_head = sum(p.numel() for p in PPOCRRecognizer(DIGITS).parameters()) - 121 * 13
    assert without_head + 121 * 18_710 == 5_266_910


@pytest.mark.parametrize("build", [PPOCRDetector, lambda: PPOCRRecognizer(DIGITS)])
def test_saved_and_loaded_it_computes_the_same(build: type[nn.Module], tmp_path: Path) -> None:
    model, other = build().eval(), build().eval()
    torch.save(model.state_dict(), tmp_path / "state.pt")
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    images = torch.randn(1, 3, 48 if isinstance(model, PPOCRRecognizer) else 32, 64)
    torch.testing.assert_close(model(images), other(images), rtol=0, atol=0)
    with torch.autocast("cpu", torch.bfloat16):
        assert model(images).isfinite().all()


def test_a_step_lowers_each_loss() -> None:
    detector, recognizer = PPOCRDetector(with_threshold=True), PPOCRRecognizer(DIGITS, dropout=0.0)
    kernel = torch.zeros(1, 64, 64)
    kernel[:, 20:30, 10:50] = 1.0
    pages, lines = torch.randn(1, 3, 64, 64), torch.randn(2, 3, 48, 64)

    def detect() -> torch.Tensor:
        logits, thresholds = detector.training_maps(pages)
        return db_loss(logits, thresholds, kernel, torch.ones_like(kernel), 0.3 + 0.4 * kernel, kernel)

    def recognize() -> torch.Tensor:
        steps = recognizer(lines).log_softmax(-1).transpose(0, 1)
        return nn.functional.ctc_loss(steps, torch.tensor([[1, 2], [3, 4]]), torch.tensor([8, 8]), torch.tensor([2, 2]))

    for model, loss in ((detector, detect), (recognizer, recognize)):
        optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
        first = loss()
        for _ in range(3):
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
        assert loss() < first


def test_the_head_is_two_transposed_convolutions() -> None:
    head = MapHead(16)
    features = torch.randn(2, 16, 3, 5)
    with torch.inference_mode():
        expected = head.last(torch.relu(head.enlarge(torch.relu(head.reduce(features)))))
        maps = head(features)
    assert maps.shape == (2, 1, 12, 20)
    torch.testing.assert_close(maps, expected, rtol=0, atol=1e-5)


def test_the_stem_merges_both_branches_side_by_side() -> None:
    stem = Stem(4, 6)
    pooled, branch = torch.randn(2, 4, 8, 12), torch.randn(2, 4, 8, 12)
    with torch.inference_mode():
        merged = stem._merge(pooled, branch)
        torch.testing.assert_close(merged, stem.merge(torch.cat((pooled, branch), dim=1)), rtol=0, atol=1e-5)
    assert merged.shape == (2, 4, 4, 6)
