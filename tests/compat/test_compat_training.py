"""Training as Keras scripts call it: histories, callbacks, real Keras objects by name, frozen layers, feeds."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from ocrsmith.compat.keras_ocr import callbacks, recognition
from ocrsmith.compat.keras_ocr.detection import Detector
from ocrsmith.compat.keras_ocr.feeds import Feed
from ocrsmith.compat.keras_ocr.optimizers import optimizer_settings
from ocrsmith.errors import InputError, LabelError, OcrsmithError, RecipeError

SMALL: dict[str, Any] = {"filters": (4, 4, 4, 4, 8, 8, 8), "rnn_units": (8, 8), "stn": False, "dropout": 0.0}


@pytest.fixture()
def recognizer() -> recognition.Recognizer:
    torch.manual_seed(0)
    return recognition.Recognizer(alphabet="ab", weights=None, build_params=SMALL)


def batches(recognizer: recognition.Recognizer, size: int = 2) -> Any:
    def scenes() -> Any:
        for index in itertools.count():
            yield np.full((31, 200, 3), 40 * (index % 5), np.uint8), "ab"[index % 2]

    return recognizer.get_batch_generator(scenes(), size)


def test_fit_gives_a_history_and_learns(recognizer: recognition.Recognizer, capsys: Any) -> None:
    model = recognizer.training_model
    history = model.fit(
        batches(recognizer), steps_per_epoch=4, epochs=3, validation_data=batches(recognizer), validation_steps=2
    )
    assert history.epoch == [0, 1, 2] and set(history.history) == {"loss", "val_loss"}
    assert history.history["loss"][-1] < history.history["loss"][0] and model.history is history
    assert "Epoch 3/3" in capsys.readouterr().out
    more = model.fit_generator(generator=batches(recognizer), steps_per_epoch=1, epochs=5, initial_epoch=4, verbose=0)
    assert more.epoch == [4] and capsys.readouterr().out == ""
    assert model.evaluate(batches(recognizer), steps=2) > 0 and model.train_on_batch(*next(batches(recognizer))) > 0


def test_a_frozen_backbone_stays_as_it_was(recognizer: recognition.Recognizer) -> None:
    for layer in recognizer.backbone.layers:
        layer.trainable = False
    before, head = recognizer.backbone.get_weights(), recognizer.model.get_layer("head").get_weights()
    recognizer.training_model.fit(batches(recognizer), steps_per_epoch=2, verbose=0)
    for old, new in zip(before, recognizer.backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert (head[0] != recognizer.model.get_layer("head").get_weights()[0]).any()


def test_a_detector_learns_from_its_batches() -> None:
    torch.manual_seed(0)
    detector = Detector(weights=None)
    box = np.array([[8, 8], [24, 8], [24, 24], [8, 24]], np.float32)
    scene = (np.full((32, 32, 3), 200, np.uint8), [[(box, "a")]])
    for loss in (None, "mse"):
        detector.model.compile(optimizer="adam", loss=loss)
        history = detector.model.fit(
            detector.get_batch_generator(itertools.repeat(scene), 2), steps_per_epoch=1, verbose=0, workers=0
        )
        assert np.isfinite(history.history["loss"][0])


def run_epochs(callback: Any, values: list[float]) -> tuple[SimpleNamespace, int]:
    """A model whose weights are the epoch's number, and the epochs that ran."""
    model = SimpleNamespace(stop_training=False, epoch=0, restored=None)
    model.get_weights = lambda: [model.epoch]
    model.set_weights = lambda weights: setattr(model, "restored", weights)
    callback.set_model(model)
    callback.on_train_begin({})
    for epoch, value in enumerate(values):
        model.epoch = epoch
        callback.on_epoch_end(epoch, {"val_loss": value})
        if model.stop_training:
            break
    callback.on_train_end({})
    return model, model.epoch + 1


def test_early_stopping_waits_its_patience_and_restores_the_best() -> None:
    stopping = callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    model, ran = run_epochs(stopping, [3, 1, 2, 2, 0])
    assert (ran, model.restored, stopping.stopped_epoch) == (4, [1], 3)
    model, ran = run_epochs(callbacks.EarlyStopping(patience=1), [3, 2, 1])
    assert (ran, model.restored) == (3, None)
    _, ran = run_epochs(callbacks.EarlyStopping(patience=1, min_delta=0.5), [3, 2.6, 1])
    assert ran == 2
    _, ran = run_epochs(callbacks.EarlyStopping(patience=1, start_from_epoch=2), [1, 2, 3, 4, 5])
    assert ran == 4
    with pytest.raises(RecipeError, match="validation_steps"):
        callbacks.EarlyStopping().on_epoch_end(0, {"loss": 1.0})


def test_callbacks_write_logs_checkpoints_and_events(recognizer: recognition.Recognizer, tmp_path: Path) -> None:
    given = [
        callbacks.EarlyStopping(patience=5, restore_best_weights=True),
        callbacks.CSVLogger(tmp_path / "log.csv", append=True),
        callbacks.ModelCheckpoint(tmp_path / "w_{epoch:02d}-{val_loss:.1f}.safetensors"),
        callbacks.TensorBoard(tmp_path / "events"),
    ]
    for _ in range(2):
        recognizer.training_model.fit(
            batches(recognizer), steps_per_epoch=1, epochs=2, validation_data=batches(recognizer), validation_steps=1,
            callbacks=given, verbose=0, workers=0,
        )  # fmt: skip
    rows = (tmp_path / "log.csv").read_text().split()
    assert rows[0] == "epoch,loss,val_loss" and [row[0] for row in rows[1:]] == list("0101")
    assert {path.name[:4] for path in tmp_path.glob("w_*")} == {"w_01", "w_02"}
    assert list((tmp_path / "events" / "train").iterdir()) and list((tmp_path / "events" / "validation").iterdir())
    with pytest.raises(RecipeError, match="'val_acc'"):
        recognizer.training_model.fit(
            batches(recognizer), steps_per_epoch=1, callbacks=[callbacks.ModelCheckpoint("{val_acc}")], verbose=0
        )


def keras_object(name: str, **attributes: Any) -> Any:
    """An object as Keras's own would look, by its class's name and its attributes."""
    return type(name, (), attributes)()


def test_real_keras_callbacks_are_recognised_by_name_and_settings() -> None:
    early = callbacks.as_callback(
        keras_object("EarlyStopping", monitor="val_loss", min_delta=-0.5, patience=7, verbose=0, baseline=None,
                     monitor_op=np.less, restore_best_weights=True, start_from_epoch=1)
    )  # fmt: skip
    assert (early.patience, early.min_delta, early.sign, early.start_from_epoch) == (7, 0.5, -1.0, 1)
    logger = callbacks.as_callback(keras_object("CSVLogger", filename="a.csv", sep=";", append=True))
    assert (logger.filename, logger.separator, logger.append) == (Path("a.csv"), ";", True)
    checkpoint = callbacks.as_callback(
        keras_object("ModelCheckpoint", filepath="a.h5", monitor="val_acc", verbose=0, save_best_only=True,
                     save_weights_only=False, monitor_op=np.greater, save_freq="epoch")
    )  # fmt: skip
    assert (checkpoint.filepath, checkpoint.save_best_only, checkpoint.sign) == ("a.h5", True, 1.0)
    assert callbacks.as_callback(keras_object("TensorBoard", log_dir="logs")).log_dir == Path("logs")
    with pytest.raises(RecipeError, match="Use EarlyStopping, CSVLogger"):
        callbacks.as_callback(keras_object("Odd"))


def test_callbacks_of_ones_own_are_called(recognizer: recognition.Recognizer) -> None:
    class Own:
        def __init__(self) -> None:
            self.seen: list[str] = []

        def set_model(self, model: Any) -> None:
            self.model = model

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.seen.append(f"begin {epoch}")

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seen.append(f"end {epoch} {sorted(logs)}")
            self.model.optimizer.lr = 1e-5
            self.model.stop_training = True

    own = Own()
    history = recognizer.training_model.fit(batches(recognizer), steps_per_epoch=1, epochs=9, callbacks=own, verbose=0)
    assert own.seen == ["begin 0", "end 0 ['loss']"] and history.epoch == [0]

    class Reaching:
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            raise AttributeError("no _train_counter")

    with pytest.raises(OcrsmithError, match="Reaching needs something that only Keras has"):
        recognizer.training_model.fit(batches(recognizer), steps_per_epoch=1, callbacks=[Reaching()], verbose=0)


def test_arrays_are_batched_and_split(recognizer: recognition.Recognizer) -> None:
    x, y = next(batches(recognizer, 8))
    history = recognizer.training_model.fit(x, y, batch_size=3, validation_split=0.25, epochs=2, verbose=0)
    assert len(history.history["val_loss"]) == 2
    with pytest.raises(LabelError, match="as many of each"):
        recognizer.training_model.fit(x, y[:3], verbose=0)


def test_what_cannot_be_fitted_says_what_to_do(recognizer: recognition.Recognizer) -> None:
    with pytest.raises(InputError, match="without steps_per_epoch"):
        recognizer.training_model.fit(batches(recognizer))
    with pytest.raises(InputError, match="Nothing came"):
        recognizer.training_model.fit()
    with pytest.raises(RecipeError, match=r"Use detector\.model or recognizer\.training_model"):
        recognizer.model.batch_loss(None)
    recognizer.model.optimizer = None
    with pytest.raises(RecipeError, match="compile"):
        recognizer.model.torch_optimizer()


def test_a_generator_that_ends_ends_the_training(recognizer: recognition.Recognizer) -> None:
    short = itertools.islice(batches(recognizer), 3)
    with pytest.warns(UserWarning, match="ran out of batches"):
        history = recognizer.training_model.fit(short, steps_per_epoch=2, epochs=5, verbose=0)
    assert history.epoch == [0, 1]


@pytest.mark.parametrize("ahead", [0, 3])
def test_a_feed_goes_on_with_the_generator_and_leaves_it_open(ahead: int) -> None:
    source = (number for number in itertools.count(1))
    feed = Feed(source, 2, ahead)
    assert [*feed, *feed] == [1, 2, 3, 4]
    feed.close()
    assert next(source) >= 5 and threading.active_count() < 50


def test_errors_of_the_scripts_generator_arrive_from_the_thread() -> None:
    def broken() -> Any:
        yield 1
        raise KeyError("a font")

    feed = Feed(broken(), 5, 2)
    with pytest.raises(KeyError, match="a font"):
        list(feed)
    feed.close()


def test_optimisers_by_name_and_by_keras_object() -> None:
    for name in ("Adam", "RMSprop", "SGD", "adamw", "Nadam", "adagrad", "adadelta", "adamax"):
        built = optimizer_settings(name).build([torch.nn.Parameter(torch.zeros(2))])
        assert isinstance(built, torch.optim.Optimizer)
    given = optimizer_settings(keras_object("RMSprop", learning_rate=0.1, rho=0.8, epsilon=1e-6, momentum=0.0))
    assert (given.name, given.lr, given.settings) == ("rmsprop", 0.1, {"eps": 1e-6, "alpha": 0.8})
    adam = optimizer_settings(keras_object("Adam", learning_rate=0.1, beta_1=0.5, beta_2=0.9, epsilon=1e-7))
    assert adam.settings["betas"] == (0.5, 0.9)
    assert isinstance(adam.build([torch.nn.Parameter(torch.zeros(2))]), torch.optim.Adam)
    with pytest.raises(RecipeError, match="fixed learning rate"):
        optimizer_settings(keras_object("Adam", learning_rate=object()))
