"""keras-ocr's recogniser: a CRNN with a spatial transformer, its weights by name or path, its batch generator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ocrsmith.alphabet import Alphabet
from ocrsmith.compat.keras_ocr import files, weight_files
from ocrsmith.compat.keras_ocr.boxes import warpBox
from ocrsmith.compat.keras_ocr.keras_model import KerasModel, as_tensor
from ocrsmith.compat.keras_ocr.pictures import fit, read
from ocrsmith.data.batches import ctc_steps_needed
from ocrsmith.errors import LabelError, RecipeError, TextDoesNotFitError, WeightsError
from ocrsmith.models.crnn import CRNN
from ocrsmith.reading.ctc import decode_batch

DEFAULT_BUILD_PARAMS: dict[str, Any] = {
    "height": 31,
    "width": 200,
    "color": False,
    "filters": (64, 128, 256, 256, 512, 512, 512),
    "rnn_units": (128, 128),
    "dropout": 0.25,
    "rnn_steps_to_discard": 2,
    "pool_size": 2,
    "stn": True,
}
DEFAULT_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
PRETRAINED_WEIGHTS: dict[str, dict[str, Any]] = {
    "kurapan": {
        "alphabet": DEFAULT_ALPHABET,
        "build_params": DEFAULT_BUILD_PARAMS,
        "weights": {
            "notop": {
                "url": files.RELEASE + "crnn_kurapan_notop.h5",
                "filename": "crnn_kurapan_notop.h5",
                "sha256": "027fd2cced3cbea0c4f5894bb8e9e85bac04f11daf96b8fdcf1e4ee95dcf51b9",
            },
            "top": {
                "url": files.RELEASE + "crnn_kurapan.h5",
                "filename": "crnn_kurapan.h5",
                "sha256": "a7d8086ac8f5c3d6a0a828f7d6fbabcaf815415dd125c32533013f85603be46d",
            },
        },
    }
}
_CROPS_AT_ONCE = 64


def swish(x: Any, beta: float = 1) -> Any:
    """x * sigmoid(beta * x), of a tensor or an array."""
    return x * torch.sigmoid(beta * x) if isinstance(x, Tensor) else x / (1 + np.exp(-beta * np.asarray(x)))


def CTCDecoder() -> Any:
    """A function from probabilities (B, T, K), the blank last, to greedy ids (B, T) padded with -1."""

    def decode(y_pred: Any) -> NDArray[np.int64]:
        probabilities = np.asarray(y_pred)
        best = probabilities.argmax(axis=2)
        decoded = np.full(best.shape, -1, np.int64)
        for row, ids in zip(decoded, best, strict=True):
            first = np.concatenate([[True], ids[1:] != ids[:-1]])
            kept = ids[first & (ids != probabilities.shape[2] - 1)]
            row[: len(kept)] = kept
        return decoded

    return decode


@dataclass(frozen=True)
class BuiltModels:
    """The four models over one network; they unpack as keras-ocr's `build_model` returned them."""

    backbone: KerasModel
    model: KerasModel
    training_model: KerasModel
    prediction_model: KerasModel

    def __iter__(self) -> Iterator[KerasModel]:
        return (getattr(self, field.name) for field in fields(self))


def build_model(
    alphabet: str,
    height: int,
    width: int,
    color: bool,
    filters: Sequence[int],
    rnn_units: Sequence[int],
    dropout: float,
    rnn_steps_to_discard: int,
    pool_size: int,
    stn: bool = True,
) -> BuiltModels:
    """(backbone, model, training_model, prediction_model) of a CRNN with random weights.

    Raises:
        AlphabetError: a repeated character, or none.
        RecipeError: sizes that cannot be built.
    """
    try:
        network = CRNN(
            Alphabet(alphabet),
            height=height,
            width=width,
            color=color,
            filters=tuple(filters),
            rnn_units=(rnn_units[0], rnn_units[1]),
            dropout=dropout,
            rnn_steps_to_discard=rnn_steps_to_discard,
            pool_size=pool_size,
            stn=stn,
        )
    except (ValueError, IndexError) as error:
        raise RecipeError(f"The recognizer cannot be built with these build_params. {error}") from None
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    features = width // pool_size**2
    steps = features - rnn_steps_to_discard
    image_shape = (None, height, width, 3 if color else 1)

    def probabilities(batch: Tensor) -> Tensor:
        # keras-ocr has the blank last.
        return torch.softmax(network(batch.permute(0, 3, 1, 2)).float(), dim=2).roll(-1, dims=2)

    def ids(batch: Tensor) -> Tensor:
        return torch.from_numpy(CTCDecoder()(probabilities(batch).cpu().numpy()))

    def loss(batch: Any) -> Tensor:
        return _ctc_loss(network, batch)

    return BuiltModels(
        backbone=KerasModel(
            network,
            lambda batch: network.backbone(batch.permute(0, 3, 1, 2)),
            image_shape,
            (None, features, 2 * rnn_units[1]),
            visible=network.backbone,
            top=False,
            name="backbone",
        ),
        model=KerasModel(network, probabilities, image_shape, (None, steps, len(alphabet) + 1), name="model"),
        training_model=KerasModel(
            network,
            probabilities,
            [image_shape, (None, steps), (None, 1), (None, 1)],
            (None, 1),
            loss=loss,
            name="training_model",
        ),
        prediction_model=KerasModel(network, ids, image_shape, (None, steps), name="prediction_model"),
    )


def _ctc_loss(network: CRNN, batch: Any) -> Tensor:
    """The mean over texts of CTC's negative log likelihood, as Keras counts it; weights where the batch has them."""
    (images, labels, input_length, label_length), *rest = batch
    device = next(network.parameters()).device
    logits = network(as_tensor(images, device).permute(0, 3, 1, 2))
    log_probs = F.log_softmax(logits.float(), dim=2).transpose(0, 1)
    # keras-ocr's ids count from 0 with the blank last, the network's have the blank at 0; -1 pads.
    targets = torch.as_tensor(np.asarray(labels, np.int64) + 1, device=device)
    lengths = torch.as_tensor(np.asarray(input_length, np.int64).reshape(-1))
    target_lengths = torch.as_tensor(np.asarray(label_length, np.int64).reshape(-1))
    losses = F.ctc_loss(log_probs, targets, lengths, target_lengths, reduction="none", zero_infinity=True)
    if len(rest) > 1 and rest[1] is not None:
        losses = losses * as_tensor(rest[1], device).reshape(-1)
    return losses.mean()


class Recognizer:
    """Reads crops of single words.

    Args:
        alphabet: the characters; that of the weights by default.
        weights: "kurapan", a file (`.h5` as keras-ocr saved it, `.safetensors`, `.pth`), or None for none. With an
            alphabet other than the weights' own, the backbone's alone are loaded.
        build_params: `build_model`'s arguments; missing ones are `DEFAULT_BUILD_PARAMS`.
        optimizer, include_top: as keras-ocr's first releases took them. `include_top=False` loads the backbone alone,
            True asks for the head too; None decides by the alphabet.
        architecture: single build parameters (`width=200, height=31, stn=True, ...`), as in those releases.

    Raises:
        RecipeError: an unknown build parameter.
        WeightsError, DownloadError: weights that are absent or do not fit.
    """

    def __init__(
        self,
        alphabet: str | None = None,
        weights: str | Path | None = "kurapan",
        build_params: dict[str, Any] | None = None,
        optimizer: Any = None,
        include_top: bool | None = None,
        **architecture: Any,
    ) -> None:
        known = PRETRAINED_WEIGHTS.get(str(weights))
        params = {**DEFAULT_BUILD_PARAMS, **(known["build_params"] if known else {}), **(build_params or {})}
        params |= architecture
        unknown = sorted(set(params) - set(DEFAULT_BUILD_PARAMS))
        if unknown:
            raise RecipeError(
                f"The recognizer has no build parameter {', '.join(unknown)}. It has {', '.join(DEFAULT_BUILD_PARAMS)}."
            )
        self.alphabet = alphabet or (known["alphabet"] if known else DEFAULT_ALPHABET)
        self.blank_label_idx = len(self.alphabet)
        built = build_model(self.alphabet, **params)
        self.backbone, self.model, self.training_model, self.prediction_model = built
        if weights is not None:
            self._load(str(weights), known, include_top)
        self.compile(**({} if optimizer is None else {"optimizer": optimizer}))

    def _load(self, weights: str, known: dict[str, Any] | None, include_top: bool | None) -> None:
        network = self.model.network
        if known is None:
            if not weight_files.weights_path(weights).is_file():
                raise WeightsError(
                    f"The recognizer's weights came as {weights!r}, which is neither a known name "
                    f"({', '.join(PRETRAINED_WEIGHTS)}) nor a file. Check the spelling or the path; None starts from "
                    "nothing."
                )
            weight_files.load(network, weights)
            return
        same = self.alphabet == known["alphabet"]
        if include_top and not same:
            raise WeightsError(
                f"include_top=True came with the alphabet {self.alphabet!r}, where {weights} was trained on "
                f"{known['alphabet']!r}. Leave include_top out to take the backbone's weights alone."
            )
        entry = known["weights"]["top" if same and include_top is not False else "notop"]
        path = files.download_and_verify(entry["url"], entry["sha256"], filename=entry["filename"], verbose=False)
        weight_files.load(network, path)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compiles the training model: optimizer "RMSprop" unless another is given."""
        if not args and "optimizer" not in kwargs:
            kwargs["optimizer"] = "RMSprop"
        self.training_model.compile(*args, **kwargs)

    def get_batch_generator(
        self, image_generator: Iterable[Any], batch_size: int = 8, lowercase: bool = False
    ) -> Iterator[Any]:
        """Endless batches ((images, labels, input_length, label_length), y[, weights]) for `training_model.fit`.

        Images are (B, H, W, 1 or 3) in 0..1, labels (B, T) ids padded with -1, both lengths and y (B, 1).

        Args:
            image_generator: yields (image, text), (image, text, weight) or (image, sentence, lines).

        Raises, while it is drawn from:
            LabelError: an empty text, two spaces in a row, or an image of another size than the model's.
            AlphabetError: characters that the alphabet lacks; they are named.
            TextDoesNotFitError: a text longer than the model's steps can write.
        """
        source = iter(image_generator)
        steps = self.training_model.input_shape[1][1]
        while True:
            samples = [_line_sample(entry) for _, entry in zip(range(batch_size), source)]
            if not samples:
                return
            images = np.stack([self._input(image, exact=True) for image, _, _ in samples])
            labels = np.full((len(samples), steps), -1, np.int64)
            lengths = np.zeros((len(samples), 1), np.int64)
            for row, (_, text, _) in enumerate(samples):
                ids = self._encode(text.lower() if lowercase else text, steps)
                labels[row, : len(ids)] = ids
                lengths[row] = len(ids)
            inputs = (images, labels, np.full((len(samples), 1), steps, np.int64), lengths)
            y = np.zeros((len(samples), 1), np.float32)
            if samples[0][2] is None:
                yield inputs, y
            else:
                yield inputs, y, np.array([weight for _, _, weight in samples], np.float32)

    def _encode(self, text: str, steps: int) -> NDArray[np.int64]:
        if not text.strip() or "  " in text:
            raise LabelError(
                f"A text came as {text!r}. It must not be empty and not hold two spaces in a row: filter such texts "
                "out of the image generator."
            )
        ids = self._network_alphabet().encode(text)
        if ctc_steps_needed(ids) > steps:
            raise TextDoesNotFitError(
                f"The text {text!r} needs {ctc_steps_needed(ids)} CTC steps (one a character, one more between equal "
                f"neighbours), and the model has {steps}. Lower max_string_length, or build a wider model."
            )
        return ids - 1

    def _network_alphabet(self) -> Alphabet:
        alphabet: Alphabet = self.model.network.alphabet  # type: ignore[assignment]
        return alphabet

    def _input(self, image: NDArray[np.uint8], *, exact: bool = False) -> NDArray[np.float32]:
        """(h, w, 3) or (h, w) uint8 -> (H, W, C) in 0..1, letterboxed on black."""
        _, height, width, channels = self.model.input_shape
        if exact and image.shape[:2] != (height, width):
            raise LabelError(
                f"A crop of {image.shape[0]} x {image.shape[1]} px came, the model reads {height} x {width}. Make them "
                "with convert_image_generator_to_recognizer_input(target_height=..., target_width=...), or tools.fit."
            )
        fitted = image if exact else fit(image, width=width, height=height, cval=0)
        if channels == 1 and fitted.ndim == 3 and fitted.shape[2] == 3:
            fitted = cv2.cvtColor(fitted, cv2.COLOR_RGB2GRAY)
        elif channels == 3 and fitted.ndim == 2:
            fitted = np.repeat(fitted[..., None], 3, axis=2)
        return np.asarray(fitted, np.float32).reshape(height, width, channels) / np.float32(255)

    def recognize(self, image: Any) -> str:
        """The text of one crop: a picture, or what `tools.read` takes."""
        return self._read(np.stack([self._input(read(image))]))[0]

    def recognize_from_boxes(
        self, images: Any = None, box_groups: Any = None, *, boxes: Any = None, image: Any = None, **kwargs: Any
    ) -> Any:
        """Reads what is in boxes.

        `(images, box_groups)` gives for each picture a list of texts. `(boxes=..., image=...)`, as keras-ocr's first
        releases had it, gives (text, box) pairs of one picture. kwargs go to `model.predict`.
        """
        if boxes is not None or image is not None:
            if boxes is None or image is None:
                raise LabelError("recognize_from_boxes came with one of boxes= and image=. Give both.")
            texts = self.recognize_from_boxes([image], [boxes], **kwargs)[0]
            return list(zip(texts, boxes, strict=True))
        pictures = [read(picture) for picture in images]
        if len(pictures) != len(box_groups):
            raise LabelError(f"{len(pictures)} pictures came with {len(box_groups)} groups of boxes. Give one each.")
        texts = []
        crops: list[NDArray[np.float32]] = []
        total = sum(len(group) for group in box_groups)
        _, height, width, _ = self.model.input_shape
        for picture, group in zip(pictures, box_groups, strict=True):
            for box in group:
                crops.append(self._input(warpBox(picture, box, height, width), exact=True))
                if len(crops) == _CROPS_AT_ONCE:
                    texts += self._read(np.stack(crops), **kwargs)
                    crops = []
        if crops:
            texts += self._read(np.stack(crops), **kwargs)
        remaining = iter(texts)
        assert len(texts) == total
        return [[next(remaining) for _ in group] for group in box_groups]

    def _read(self, crops: NDArray[np.float32], **kwargs: Any) -> list[str]:
        probabilities = self.model.predict(crops, **{"batch_size": _CROPS_AT_ONCE, **kwargs})
        decoded = decode_batch(np.roll(probabilities, 1, axis=2), None, self._network_alphabet())
        return [line.text for line in decoded]


def _line_sample(entry: Any) -> tuple[NDArray[np.uint8], str, float | None]:
    """(image, text, weight) from any of the spellings; lines of the old one are already in its sentence."""
    if len(entry) == 2:
        return entry[0], entry[1], None
    image, text, third = entry
    return (image, text, None) if isinstance(third, (list, tuple)) else (image, text, float(third))
