"""keras-ocr's detector: CRAFT, its weights by name or path, its batch generator and its boxes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ocrsmith.compat.keras_ocr import files, weight_files
from ocrsmith.compat.keras_ocr.boxes import as_line, drawBoxes, fix_line
from ocrsmith.compat.keras_ocr.keras_model import KerasModel, as_tensor, micro_batches
from ocrsmith.compat.keras_ocr.maps import (
    compute_input,
    compute_maps,
    get_gaussian_heatmap,
    getBoxes,
    invert_input,
    map_to_rgb,
)
from ocrsmith.compat.keras_ocr.pictures import read
from ocrsmith.data.craft_targets import craft_targets
from ocrsmith.errors import DownloadError, RecipeError, WeightsError
from ocrsmith.geometry import enclosing_quad
from ocrsmith.losses.craft import craft_loss
from ocrsmith.models.craft import Craft, Vgg16Backbone
from ocrsmith.models.weights import load_start_weights
from ocrsmith.samples import Character, TextInstance

__all__ = [
    "PRETRAINED_WEIGHTS",
    "Detector",
    "UpsampleLike",
    "build_efficientnet_backbone",
    "build_keras_model",
    "build_torch_model",
    "build_vgg_backbone",
    "compute_input",
    "compute_maps",
    "drawBoxes",
    "getBoxes",
    "get_gaussian_heatmap",
    "invert_input",
    "load_torch_weights",
    "map_to_rgb",
]

# keras-ocr's own table: (name, whether it is PyTorch's file) -> where it is.
PRETRAINED_WEIGHTS: dict[tuple[str, bool], dict[str, str]] = {
    ("clovaai_general", True): {
        "url": files.RELEASE + "craft_mlt_25k.pth",
        "filename": "craft_mlt_25k.pth",
        "sha256": "4a5efbfb48b4081100544e75e1e2b57f8de3d84f213004b14b85fd4b3748db17",
    },
    ("clovaai_general", False): {
        "url": files.RELEASE + "craft_mlt_25k.h5",
        "filename": "craft_mlt_25k.h5",
        "sha256": "7283ce2ff05a0617e9740c316175ff3bacdd7215dbdf1a726890d5099431f899",
    },
}
_MULTIPLE = 32
# Pixels that the detector sees at once: four pages of 1024 x 1024, about 2 GB of features.
_MOST_PIXELS = 4 * 1024 * 1024


class Detector:
    """Finds words.

    Args:
        weights: "clovaai_general", a file (`.h5` as keras-ocr saved it, `.pth`, `.safetensors`), or None for none.
        load_from_torch: asks for the PyTorch file of the name; both hold the same numbers, and whichever is at hand is
            taken.
        optimizer: for `model.fit`: a name, or a Keras optimiser object.
        backbone_name: "vgg"; there never were weights for another.

    Raises:
        WeightsError, DownloadError: weights that are absent, do not fit, or are not what was expected.
    """

    def __init__(
        self,
        weights: str | Path | None = "clovaai_general",
        load_from_torch: bool = False,
        optimizer: Any = "adam",
        backbone_name: str = "vgg",
    ) -> None:
        self.model = build_keras_model(None, backbone_name)
        self.model.compile(optimizer=optimizer)
        if weights is not None:
            _load(self.model.network, str(weights), load_from_torch)

    def get_batch_generator(
        self,
        image_generator: Iterable[Any],
        batch_size: int = 8,
        heatmap_size: int | None = None,
        heatmap_distance_ratio: float | None = None,
    ) -> Iterator[Any]:
        """Endless batches (X, y[, weights]) for `model.fit`.

        X (B, H, W, 3) is normalised, y (B, H/2, W/2, 2) holds region and affinity in 0..1. Pictures are padded white
        to multiples of 32 and to the batch's largest.

        Args:
            image_generator: yields (image, lines), (image, sentence, lines) or (image, lines, confidence); the
                confidence is a number, or a map (H, W) in 0..1, and gives weights (B, H/2, W/2).
            heatmap_size, heatmap_distance_ratio: where one of them is given, targets are drawn by keras-ocr's own
                rules (`compute_maps`, 512 and 1.5 by default); else as CRAFT's authors publish them.
        """
        heatmap = None
        if heatmap_size is not None or heatmap_distance_ratio is not None:
            heatmap = get_gaussian_heatmap(heatmap_size or 512, heatmap_distance_ratio or 1.5)
        source = iter(image_generator)
        while True:
            samples = [_sample(entry) for _, entry in zip(range(batch_size), source)]
            if not samples:
                return
            yield _batch(samples, heatmap)

    def detect(
        self,
        images: Iterable[Any],
        detection_threshold: float = 0.7,
        text_threshold: float = 0.4,
        link_threshold: float = 0.4,
        size_threshold: float = 10,
        **kwargs: Any,
    ) -> list[NDArray[np.float32]]:
        """For each picture its boxes (N, 4, 2) px, clockwise; pictures may differ in size.

        Args:
            images: pictures (H, W, 3), or what `tools.read` takes.
            detection_threshold: CRAFT's text threshold; text_threshold: CRAFT's low text.
            kwargs: go to `model.predict`.
        """
        pictures = [read(image) for image in images]
        found: list[NDArray[np.float32]] = [np.zeros((0, 4, 2), np.float32)] * len(pictures)
        sizes: dict[tuple[int, ...], list[int]] = {}
        for index, picture in enumerate(pictures):
            sizes.setdefault(picture.shape[:2], []).append(index)
        for (height, width), members in sizes.items():
            for part in micro_batches(len(members), height * width, _MOST_PIXELS):
                stack = np.stack([compute_input(pictures[index]) for index in members[part]])
                maps = self.model.predict(stack, **{"batch_size": len(stack), **kwargs})
                boxes = getBoxes(maps, detection_threshold, text_threshold, link_threshold, size_threshold)
                for index, quads in zip(members[part], boxes, strict=True):
                    found[index] = quads
        return found


def build_keras_model(weights_path: str | Path | None = None, backbone_name: str = "vgg") -> KerasModel:
    """CRAFT as a model with `predict` and `fit`; weights from a file, or random."""
    if backbone_name != "vgg":
        build_efficientnet_backbone(backbone_name)
    network = Craft().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if weights_path is not None:
        weight_files.load(network, weights_path)

    def run(batch: Tensor) -> Tensor:
        return _forward(network, batch)

    def loss(batch: Any) -> Tensor:
        x, y, weight = batch if len(batch) == 3 else (*batch, None)
        device = next(network.parameters()).device
        maps, targets = _forward(network, as_tensor(x, device)).float(), as_tensor(y, device)
        confidence = torch.ones(maps.shape[:3], device=device)
        if weight is not None:
            given = as_tensor(weight, device)
            confidence = confidence * given.reshape(given.shape + (1,) * (3 - given.ndim))
        if model.loss in ("mse", "mean_squared_error"):
            return (((maps - targets) ** 2).mean(dim=3) * confidence).mean()
        return craft_loss(maps.permute(0, 3, 1, 2), targets.permute(0, 3, 1, 2), confidence)

    model = KerasModel(network, run, (None, None, None, 3), (None, None, None, 2), loss=loss, name="detector")
    return model


def build_torch_model(weights_path: str | Path | None = None) -> nn.Module:
    """CRAFT as a PyTorch module, (B, 3, H, W) -> (B, 2, H/2, W/2); keras-ocr's gave channels last and its features."""
    network = Craft()
    if weights_path is not None:
        weight_files.load(network, weights_path)
    return network.eval()


def load_torch_weights(model: KerasModel, weights_path: str | Path) -> KerasModel:
    """Loads the authors' `.pth` into a model and returns it."""
    weight_files.load(model.network, weights_path)
    return model


def build_vgg_backbone(inputs: Any = None) -> nn.Module:
    """VGG16's slices, images (B, 3, H, W) -> features at strides 2, 4, 8, 16 and the deepest."""
    return Vgg16Backbone()


def build_efficientnet_backbone(inputs: Any = None, backbone_name: Any = None, imagenet: bool = True) -> nn.Module:
    """keras-ocr's other backbone, for which no weights were ever released; raises RecipeError saying what to use."""
    raise RecipeError(
        f"The backbone {backbone_name or inputs!r} is not here: keras-ocr never had weights for it. Use "
        "backbone_name='vgg', or ocrsmith.models.registry.build_detector('craft_light') for a light one."
    )


class UpsampleLike(nn.Module):
    """Resizes features (B, C, h, w) to another's height and width, bilinearly."""

    def forward(self, inputs: tuple[Tensor, Tensor]) -> Tensor:
        """(features, like) -> features at the size of `like`."""
        features, like = inputs
        return F.interpolate(features, size=like.shape[2:], mode="bilinear", align_corners=False)


def _forward(network: nn.Module, batch: Tensor) -> Tensor:
    """(B, H, W, 3) of any size -> (B, H // 2, W // 2, 2); the edge is repeated up to a multiple of 32 and cut off."""
    _, height, width, _ = batch.shape
    images = batch.permute(0, 3, 1, 2)
    below, right = -height % _MULTIPLE, -width % _MULTIPLE
    if below or right:
        images = F.pad(images, (0, right, 0, below), mode="replicate").contiguous(memory_format=torch.channels_last)
    maps: Tensor = network(images)
    return maps[:, :, : height // 2, : width // 2].permute(0, 2, 3, 1)


def _load(network: nn.Module, weights: str, load_from_torch: bool) -> None:
    if (weights, load_from_torch) not in PRETRAINED_WEIGHTS:
        if weight_files.weights_path(weights).is_file():
            weight_files.load(network, weights)
            return
        names = sorted({name for name, _ in PRETRAINED_WEIGHTS})
        raise WeightsError(
            f"The detector's weights came as {weights!r}, which is neither a known name ({', '.join(names)}) nor a "
            "file. Check the spelling or the path; None starts from nothing."
        )
    for torch_file in (load_from_torch, not load_from_torch):
        entry = PRETRAINED_WEIGHTS[weights, torch_file]
        cached = Path(files.get_default_cache_dir()).expanduser() / entry["filename"]
        if cached.is_file() and files.sha256sum(cached) == entry["sha256"]:
            load_start_weights(network, cached)
            return
    entry = PRETRAINED_WEIGHTS[weights, load_from_torch]
    try:
        load_start_weights(network, weights)
    except DownloadError as error:
        raise DownloadError(
            f"{error} Without a connection, put {entry['filename']} into {files.get_default_cache_dir()}, or pass its "
            "path as weights."
        ) from None


def _sample(entry: Any) -> tuple[NDArray[np.uint8], list[Any], Any]:
    """(image, lines, confidence) from any of the three spellings."""
    if len(entry) == 2:
        return entry[0], list(entry[1]), None
    image, second, third = entry
    return (image, list(third), None) if isinstance(second, str) else (image, list(second), third)


def _batch(samples: list[tuple[NDArray[np.uint8], list[Any], Any]], heatmap: NDArray[np.uint8] | None) -> Any:
    height, width = (-(-max(s[0].shape[axis] for s in samples) // _MULTIPLE) * _MULTIPLE for axis in (0, 1))
    stack = np.full((len(samples), height, width, 3), 255, np.uint8)
    targets = np.zeros((len(samples), height // 2, width // 2, 2), np.float32)
    weights = np.ones((len(samples), height // 2, width // 2), np.float32)
    for index, (image, lines, confidence) in enumerate(samples):
        stack[index, : image.shape[0], : image.shape[1]] = image
        if heatmap is not None:
            targets[index] = compute_maps(heatmap, height, width, lines)
        else:
            maps, trusted = craft_targets([_instance(line) for line in lines if len(line)], height, width)
            targets[index] = maps.transpose(1, 2, 0)
            weights[index] = trusted
        if confidence is not None:
            weights[index] *= _confidence_map(confidence, height, width)
    if any(confidence is not None for _, _, confidence in samples):
        return compute_input(stack), targets, weights
    return compute_input(stack), targets


def _instance(line: Any) -> TextInstance:
    entries, _ = fix_line([(box, character) for box, character in as_line(line)])
    characters = tuple(Character(character or "?", box) for box, character in entries)
    quad = enclosing_quad([character.quad for character in characters])
    return TextInstance(quad, "".join(character.text for character in characters), characters)


def _confidence_map(confidence: Any, height: int, width: int) -> Any:
    """A number as it is; a map (H, W) padded with 1 to the batch's size and taken at every second pixel."""
    values = np.asarray(confidence, np.float32)
    if values.ndim == 0:
        return values
    padded = np.ones((height, width), np.float32)
    padded[: values.shape[0], : values.shape[1]] = values
    return padded[::2, ::2]
