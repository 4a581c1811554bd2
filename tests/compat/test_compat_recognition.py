"""keras-ocr's recogniser and pipeline: against keras-ocr's outputs, its files, its batches, its defects mended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ocrsmith.compat.keras_ocr as keras_ocr
from ocrsmith.compat.keras_ocr import recognition, weight_files
from ocrsmith.errors import AlphabetError, LabelError, RecipeError, TextDoesNotFitError, WeightsError

SMALL: dict[str, Any] = {"filters": (4, 4, 4, 4, 8, 8, 8), "rnn_units": (8, 8), "stn": False}
ALPHABET = "abcdeh lo"


def small(alphabet: str = ALPHABET, **settings: Any) -> recognition.Recognizer:
    torch.manual_seed(0)
    return recognition.Recognizer(alphabet=alphabet, weights=None, build_params={**SMALL, **settings})


def entries(*texts: str) -> Any:
    image = np.full((31, 200, 3), 128, np.uint8)
    return iter([(image, text) for text in texts])


@pytest.fixture(scope="module")
def keras_dir(shared_dir: Path) -> Path:
    pytest.importorskip("h5py")
    return shared_dir / "fixtures" / "keras_ocr"


def from_keras(keras_dir: Path, kind: str, *, notop: bool = False, **settings: Any) -> recognition.Recognizer:
    form = json.loads((keras_dir / "crnn_small.json").read_text())
    params = {**form["build_params"], "stn": kind == "stn"}
    path = keras_dir / f"crnn_small_{kind}{'_notop' * notop}.h5"
    settings = {"alphabet": form["alphabet"], "weights": str(path), **settings}
    return recognition.Recognizer(build_params=params, **settings)


@pytest.mark.parametrize("kind", ["stn", "plain"])
def test_outputs_are_keras_ocrs(keras_dir: Path, kind: str) -> None:
    recognizer, io = from_keras(keras_dir, kind), np.load(keras_dir / f"crnn_small_{kind}_io.npz")
    # Measured: probabilities 4.5e-8, features 1.1e-6.
    np.testing.assert_allclose(recognizer.model.predict(io["images"]), io["probabilities"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(recognizer.backbone.predict(io["images"]), io["features"], rtol=0, atol=5e-6)
    np.testing.assert_array_equal(recognizer.prediction_model.predict(io["images"]), io["decoded"])
    np.testing.assert_array_equal(recognition.CTCDecoder()(io["probabilities"]), io["decoded"])


@pytest.mark.parametrize("kind", ["stn", "plain"])
@pytest.mark.parametrize("notop", [False, True])
def test_files_are_written_as_keras_ocr_writes_them(keras_dir: Path, tmp_path: Path, kind: str, notop: bool) -> None:
    import h5py

    recognizer = from_keras(keras_dir, kind)
    written = (recognizer.backbone if notop else recognizer.model).save_weights(tmp_path / "own.h5")

    def arrays(path: Path) -> dict[tuple[str, str], Any]:
        def text(name: Any) -> str:
            return name.decode() if isinstance(name, bytes) else str(name)

        with h5py.File(path) as file:
            layers = [text(name) for name in file.attrs["layer_names"]]
            return {(k, text(n)): np.array(file[k][n]) for k in layers for n in file[k].attrs["weight_names"]}

    def plain(name: str) -> str:
        # The localisation network and its layers are numbered by session.
        return name.split("/")[0].rstrip("_0123456789") if name.startswith(("conv2d", "dense", "model")) else name

    own, theirs = arrays(written), arrays(keras_dir / f"crnn_small_{kind}{'_notop' * notop}.h5")
    names = [[(plain(layer), plain(name)) for layer, name in table] for table in (own, theirs)]
    assert names[0] == names[1]
    for (_, ours), (_, expected) in zip(own.items(), theirs.items(), strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_another_alphabet_takes_the_backbone_alone(keras_dir: Path) -> None:
    recognizer = from_keras(keras_dir, "plain", notop=True, alphabet="ab")
    whole = from_keras(keras_dir, "plain")
    for ours, theirs in zip(recognizer.backbone.get_weights(), whole.backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(WeightsError, match="writes 36 characters"):
        from_keras(keras_dir, "plain", alphabet="ab")
    with pytest.raises(WeightsError, match="belong to a network of another size"):
        recognition.Recognizer(alphabet="ab", weights=keras_dir / "crnn_small_plain_notop.h5")


@pytest.mark.parametrize(
    ("alphabet", "top", "kind"), [(None, None, "top"), (None, False, "notop"), ("ab", None, "notop")]
)
def test_kurapan_is_loaded_with_or_without_its_head(
    monkeypatch: pytest.MonkeyPatch, alphabet: str | None, top: bool | None, kind: str
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(recognition.files, "download_and_verify", lambda url, *_, **__: asked.append(url) or "file")
    monkeypatch.setattr(weight_files, "load", lambda network, path: None)
    recognizer = recognition.Recognizer(
        width=200, height=31, stn=True, alphabet=alphabet, weights="kurapan", optimizer="RMSprop", include_top=top
    )
    assert asked == [recognition.PRETRAINED_WEIGHTS["kurapan"]["weights"][kind]["url"]]
    assert recognizer.blank_label_idx == len(recognizer.alphabet)
    assert recognizer.model.input_shape == (None, 31, 200, 1)
    assert recognizer.training_model.input_shape[1] == (None, 48)
    assert recognizer.training_model.optimizer is not None and recognizer.training_model.optimizer.name == "rmsprop"


def test_wrong_settings_say_what_to_do() -> None:
    with pytest.raises(WeightsError, match=r"known name .kurapan. nor a file"):
        recognition.Recognizer(weights="kurupan")
    with pytest.raises(RecipeError, match="no build parameter wide"):
        recognition.Recognizer(weights=None, wide=200)
    with pytest.raises(RecipeError, match="7 convolutions"):
        recognition.Recognizer(weights=None, filters=(8, 8))
    with pytest.raises(AlphabetError, match="repeats"):
        recognition.Recognizer(alphabet="aab", weights=None)
    with pytest.raises(WeightsError, match="include_top=True came with the alphabet"):
        recognition.Recognizer(alphabet="ab", include_top=True)


def test_batches_have_keras_ocrs_shapes() -> None:
    recognizer = small()
    (images, labels, steps, lengths), y = next(recognizer.get_batch_generator(entries("Hello", "a"), 2, lowercase=True))
    assert images.shape == (2, 31, 200, 1) and images.max() == pytest.approx(128 / 255)
    assert labels.shape == (2, 48) and labels[0, :6].tolist() == [5, 4, 7, 7, 8, -1]
    assert steps.ravel().tolist() == [48, 48] and lengths.ravel().tolist() == [5, 1] and y.shape == (2, 1)
    image = np.zeros((31, 200, 3), np.uint8)
    weighted = next(recognizer.get_batch_generator(iter([(image, "a", 0.5)]), 1))
    assert len(weighted) == 3 and weighted[2].tolist() == [0.5]
    old = next(recognizer.get_batch_generator(iter([(image, "a", [[]])]), 1))
    assert len(old) == 2


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", LabelError, "must not be empty"),
        ("a  b", LabelError, "two spaces"),
        ("axb", AlphabetError, r"'x' \(U\+0078\)"),
        ("ab" * 25, TextDoesNotFitError, "needs 50 CTC steps"),
        # 25 equal characters need a blank between any two: keras-ocr lets them pass, and the loss becomes infinite.
        ("a" * 25, TextDoesNotFitError, "needs 49 CTC steps"),
    ],
)
def test_texts_that_cannot_be_taught_are_refused(text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        next(small().get_batch_generator(entries(text), 1))


def test_a_crop_of_another_size_is_refused() -> None:
    with pytest.raises(LabelError, match="32 x 200 px came, the model reads 31 x 200"):
        next(small().get_batch_generator(iter([(np.zeros((32, 200, 3), np.uint8), "a")]), 1))


def test_the_loss_is_the_mean_negative_log_likelihood() -> None:
    recognizer = small("a")
    recognizer.model.network.eval()
    batch = next(recognizer.get_batch_generator(entries("a"), 1))
    probabilities = recognizer.model.predict(batch[0][0])[0]
    a, blank = probabilities[:, 0].astype(np.float64), probabilities[:, 1].astype(np.float64)
    # All alignments of "a": blanks, a run of a, blanks.
    total = sum(np.prod(blank[:i]) * np.prod(a[i:j]) * np.prod(blank[j:]) for i in range(48) for j in range(i + 1, 49))
    with torch.inference_mode():
        assert float(recognizer.training_model.batch_loss(batch)) == pytest.approx(-np.log(total), rel=1e-4)


def test_boxes_are_read_in_both_spellings_and_empty_groups_are_lists_of_their_own() -> None:
    recognizer = small()
    image = np.random.default_rng(0).integers(0, 255, (60, 120, 3)).astype(np.uint8)
    box = np.array([[5, 5], [100, 5], [100, 30], [5, 30]], np.float32)
    texts = recognizer.recognize_from_boxes([image, image], [[box, box], []])
    assert len(texts[0]) == 2 and texts[1] == []
    nothing = recognizer.recognize_from_boxes([image, image], [[], []])
    nothing[0].append("x")
    assert nothing[1] == []
    pairs = recognizer.recognize_from_boxes(boxes=np.stack([box]), image=image)
    assert pairs[0][0] == texts[0][0] and pairs[0][1] is not None
    assert isinstance(recognizer.recognize(image), str)
    with pytest.raises(LabelError, match="one each"):
        recognizer.recognize_from_boxes([image], [])
    with pytest.raises(LabelError, match="Give both"):
        recognizer.recognize_from_boxes(boxes=[box])


def test_the_pipeline_places_boxes_on_the_picture_itself() -> None:
    class Finds:
        def detect(self, images: Any, **settings: Any) -> Any:
            assert settings == {"size_threshold": 5} and images[0].shape == (80, 200, 3)
            return [np.array([[[20, 20], [120, 20], [120, 60], [20, 60]]], np.float32)]

    pipeline = keras_ocr.pipeline.Pipeline(detector=Finds(), recognizer=small(), scale=2)  # type: ignore[arg-type]
    image = np.full((40, 100, 3), 255, np.uint8)
    results = pipeline.recognize([image, image], detection_kwargs={"size_threshold": 5})
    assert len(results) == 2 and results[0][0][1].tolist() == [[10, 10], [60, 10], [60, 30], [10, 30]]
    assert len(pipeline.recognize(image, detection_kwargs={"size_threshold": 5})) == 1


def test_layers_freeze_and_weights_travel(tmp_path: Path) -> None:
    recognizer, other = small(), small()
    names = [layer.name for layer in recognizer.backbone.layers]
    assert names[:4] == ["conv_1", "conv_2", "conv_3", "bn_3"] and "fc_9" in names
    for layer in recognizer.backbone.layers:
        layer.trainable = False
    assert not recognizer.backbone.trainable and recognizer.model.get_layer("head").trainable
    other.model.set_weights(recognizer.model.get_weights())
    recognizer.model.save_weights(tmp_path / "weights")
    other.model.load_weights(tmp_path / "weights")
    image = np.zeros((1, 31, 200, 1), np.float32)
    np.testing.assert_array_equal(other.model.predict(image), recognizer.model.predict(image))
    with pytest.raises(WeightsError, match="of other shapes"):
        other.model.set_weights(recognizer.model.get_weights()[:-1])
    with pytest.raises(WeightsError, match="No layer is called 'x'"):
        other.model.get_layer("x")
    printed: list[str] = []
    other.model.summary(printed.append)
    assert printed[-1].startswith("Total")


def test_swish_is_x_times_its_sigmoid() -> None:
    assert recognition.swish(np.array([0.0, 2.0])).tolist() == pytest.approx([0, 2 / (1 + np.exp(-2))])
    assert float(recognition.swish(torch.tensor(2.0))) == pytest.approx(2 / (1 + np.exp(-2)))


def test_a_new_spatial_transformer_starts_as_the_identity() -> None:
    recognizer = small(stn=True)
    affine = recognizer.model.network.backbone.transformer.affine
    assert not affine.weight.any() and affine.bias.tolist() == [1, 0, 0, 0, 1, 0]
