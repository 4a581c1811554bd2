"""keras-ocr's detector: its maps and boxes against keras-ocr's, its weights, its batches, its defects mended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ocrsmith.compat.keras_ocr as keras_ocr
from ocrsmith.compat.keras_ocr import detection, files
from ocrsmith.errors import DownloadError, InputError, LabelError, RecipeError, WeightsError
from ocrsmith.images import read_image
from ocrsmith.models.start_weights import find_start_weights


def quad(left: float, top: float, right: float, bottom: float) -> Any:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


WORD = [(quad(10, 10, 26, 40), "a"), (quad(28, 10, 44, 40), "b")]


@pytest.fixture(scope="module")
def keras_dir(shared_dir: Path) -> Path:
    return shared_dir / "fixtures" / "keras_ocr"


@pytest.fixture(scope="module")
def random_detector() -> detection.Detector:
    torch.manual_seed(0)
    return detection.Detector(weights=None)


def test_target_maps_are_keras_ocrs(keras_dir: Path) -> None:
    expected = np.load(keras_dir / "targets.npz")
    lines = json.loads((keras_dir / "targets_lines.json").read_text())
    heatmap = detection.get_gaussian_heatmap(512, 1.5)
    # Measured: 0 and 0.
    np.testing.assert_array_equal(heatmap, expected["heatmap"])
    np.testing.assert_allclose(detection.compute_maps(heatmap, 256, 256, lines), expected["maps"], atol=1 / 255)
    with pytest.raises(InputError, match="even"):
        detection.compute_maps(heatmap, 255, 256, lines)


def test_boxes_are_keras_ocrs(keras_dir: Path) -> None:
    expected = np.load(keras_dir / "craft_io.npz")
    # Measured: 0 for both.
    np.testing.assert_allclose(detection.getBoxes(expected["maps"])[0], expected["boxes"], atol=0.5)
    own = detection.getBoxes(expected["maps"], variant="keras_ocr")[0]
    np.testing.assert_allclose(own, expected["boxes"], atol=1e-3)


def test_the_released_weights_give_keras_ocrs_maps_and_boxes(
    keras_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_OCR_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("OCRSMITH_CACHE_DIR", str(tmp_path))
    pytest.importorskip("easyocr_en_models")
    detector = detection.Detector()
    image, expected = read_image(keras_dir / "craft_input.png"), np.load(keras_dir / "craft_io.npz")
    maps = detector.model.predict(detection.compute_input(image)[None])
    # Measured: 4.8e-7.
    np.testing.assert_allclose(maps, expected["maps"], rtol=0, atol=5e-6)
    np.testing.assert_allclose(detection.getBoxes(maps)[0], expected["boxes"], atol=0.5)


def test_inputs_invert_and_maps_are_shown() -> None:
    image = np.random.default_rng(0).integers(0, 256, (4, 5, 3)).astype(np.uint8)
    np.testing.assert_array_equal(detection.invert_input(detection.compute_input(image)), image)
    shown = detection.map_to_rgb(np.full((2, 2, 2), [0.5, 2.0], np.float32))
    assert shown.shape == (2, 2, 3) and shown[0, 0].tolist() == [127, 255, 0]


def test_text_below_a_link_is_kept_and_every_piece_counts() -> None:
    # Two letters with a link over all of them: keras-ocr clears what is link and text, which leaves nothing of them.
    maps = np.zeros((1, 40, 80, 2), np.float32)
    maps[0, 10:30, 10:26, 0] = maps[0, 10:30, 50:66, 0] = 0.9
    maps[0, 12:28, 8:68, 1] = 0.9
    (box,) = detection.getBoxes(maps)[0]
    left, right = box[:, 0].min(), box[:, 0].max()
    # Both pieces, in px of the input: 20 to 132 and what dilation adds.
    assert left <= 20 and right >= 130
    # keras-ocr's variant finds nothing where text and link are the same.
    maps[..., 1] = maps[..., 0]
    assert len(detection.getBoxes(maps)[0]) == 2 and len(detection.getBoxes(maps, variant="keras_ocr")[0]) == 0
    with pytest.raises(LabelError, match="predict"):
        detection.getBoxes(maps[0])


def test_training_targets_are_the_published_ones_unless_asked_otherwise(random_detector: detection.Detector) -> None:
    image = np.full((64, 64, 3), 255, np.uint8)
    (_, published) = next(random_detector.get_batch_generator(iter([(image, [WORD])] * 2), batch_size=1))
    (_, own) = next(random_detector.get_batch_generator(iter([(image, [WORD])]), 1, heatmap_distance_ratio=1.5))
    np.testing.assert_allclose(own[0], detection.compute_maps(detection.get_gaussian_heatmap(512, 1.5), 64, 64, [WORD]))
    # Beyond the box, which ends at row 20 of the maps, keras-ocr's heatmap is cut off and the published one is not.
    assert own[0, 21, 9, 0] == 0 < published[0, 21, 9, 0]
    # Overlapping letters: the greater, not the sum.
    pair = [(quad(10, 10, 40, 40), "a"), (quad(14, 10, 44, 40), "b")]
    y, first, second = (
        next(random_detector.get_batch_generator(iter([(image, [line])]), 1))[1][0, ..., 0]
        for line in (pair, pair[:1], pair[1:])
    )
    np.testing.assert_allclose(y, np.maximum(first, second), atol=1e-6)
    assert (y <= 1).all()


def test_batches_are_padded_to_32_and_carry_confidences_of_pixels(random_detector: detection.Detector) -> None:
    image = np.zeros((50, 70, 3), np.uint8)
    X, y = next(random_detector.get_batch_generator(iter([(image, "ab", [WORD])]), 1))
    assert X.shape == (1, 64, 96, 3) and y.shape == (1, 32, 48, 2)
    assert detection.invert_input(X)[0, 60, 90].tolist() == [255, 255, 255]
    trusted = np.ones((50, 70), np.float32)
    trusted[:, 35:] = 0.25
    X, y, weights = next(random_detector.get_batch_generator(iter([(image, [WORD], trusted), (image, [], 0.5)]), 2))
    assert weights.shape == (2, 32, 48) and weights[0, 4, [10, 30, 40]].tolist() == [1, 0.25, 1]
    assert (weights[1] == 0.5).all() and not y[1].any()


def test_pictures_of_different_and_odd_sizes_are_detected_together(random_detector: detection.Detector) -> None:
    found = random_detector.detect([np.zeros((33, 47, 3), np.uint8), np.zeros((64, 32, 3), np.uint8)])
    assert [boxes.shape[1:] for boxes in found] == [(4, 2), (4, 2)]
    maps = random_detector.model.predict(np.zeros((2, 33, 47, 3), np.float32))
    assert maps.shape == (2, 16, 23, 2)
    with pytest.raises(LabelError, match="None, 3"):
        random_detector.model.predict(np.zeros((33, 47, 3)))


def test_weights_go_through_every_kind_of_file(random_detector: detection.Detector, tmp_path: Path) -> None:
    for name in ("craft.h5", "craft.safetensors", "craft"):
        if name.endswith(".h5"):
            pytest.importorskip("h5py")
        written = random_detector.model.save_weights(tmp_path / name)
        other = detection.Detector(weights=tmp_path / name)
        assert written.is_file()
        for ours, theirs in zip(random_detector.model.get_weights(), other.model.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(WeightsError, match="exists"):
        random_detector.model.save_weights(tmp_path / "craft", overwrite=False)
    with pytest.raises(WeightsError, match=r"\.safetensors, or \.h5"):
        random_detector.model.save_weights(tmp_path / "craft.pth")


def test_wrong_names_and_paths_say_what_to_do(tmp_path: Path, random_detector: detection.Detector) -> None:
    with pytest.raises(WeightsError, match=r"known name .clovaai_general. nor a file"):
        detection.Detector(weights="clovai_general")
    with pytest.raises(RecipeError, match="backbone_name='vgg'"):
        detection.Detector(weights=None, backbone_name="efficientnetb0")
    with pytest.raises(RecipeError, match="Use one of adam"):
        detection.Detector(weights=None, optimizer="adem")
    with pytest.raises(WeightsError, match="do not exist"):
        random_detector.model.load_weights(tmp_path / "absent.h5")


def test_without_package_cache_and_connection_the_message_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_OCR_CACHE_DIR", str(tmp_path))

    def refuse(*_: Any) -> None:
        raise DownloadError("not reachable.")

    monkeypatch.setattr(detection, "load_start_weights", refuse)
    with pytest.raises(DownloadError, match=r"put craft_mlt_25k\.h5 into"):
        detection.Detector()


def test_a_file_in_keras_ocrs_cache_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_OCR_CACHE_DIR", str(tmp_path))
    name = find_file_of_package()
    (tmp_path / "craft_mlt_25k.pth").symlink_to(name)
    taken: list[Any] = []
    monkeypatch.setattr(detection, "load_start_weights", lambda network, source: taken.append(source))
    detection.Detector(load_from_torch=True)
    assert taken == [tmp_path / "craft_mlt_25k.pth"] and files.get_default_cache_dir() == str(tmp_path)


def find_file_of_package() -> Path:
    pytest.importorskip("easyocr_en_models")
    return find_start_weights("clovaai_general")


def test_layers_and_names() -> None:
    detector = detection.Detector(weights=None)
    assert detector.model.count_params() == 20_770_466
    assert detector.model.layers[0].name == "basenet.slice1.0"
    detector.model.trainable = False
    assert not detector.model.trainable
    with pytest.raises(RecipeError, match="Every layer is frozen"):
        detector.model.torch_optimizer()
    upsampled = detection.UpsampleLike()((torch.zeros(1, 2, 4, 4), torch.zeros(1, 1, 8, 6)))
    assert upsampled.shape == (1, 2, 8, 6)
    assert isinstance(detection.build_torch_model(), torch.nn.Module)
    assert keras_ocr.detection.drawBoxes is keras_ocr.tools.drawBoxes


def test_normalisation_keeps_nine_tenths_of_its_statistics() -> None:
    norms = [m for m in detection.Detector(weights=None).model.network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    # PyTorch's momentum is the share of the new: keras-ocr gave Keras the same number, which there is that of the old.
    assert norms and {norm.momentum for norm in norms} == {0.1}
