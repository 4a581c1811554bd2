"""What scripts do with a Keras model (`predict`, `fit`, `layers`, `save_weights`, ...), over a PyTorch network.

Arrays go in and come out channels last, as Keras has them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from ocrsmith.compat.keras_ocr import training, weight_files
from ocrsmith.compat.keras_ocr.optimizers import OptimizerSettings, optimizer_settings
from ocrsmith.errors import LabelError, RecipeError, WeightsError
from ocrsmith.models.weights import WeightsReport

Shape = tuple[int | None, ...]
# A pass of more pixels leaves the processor's caches: 32 crops of 200 x 31 took 1.15 times the time of four times 8.
_MOST_PIXELS = 1 << 16


class Layer:
    """One layer with weights: its `name`, and whether it is `trainable`."""

    def __init__(self, name: str, module: nn.Module) -> None:
        self.name = name
        self.module = module

    @property
    def trainable(self) -> bool:
        """Whether training changes it. A frozen normalisation keeps its statistics too."""
        return any(parameter.requires_grad for parameter in self.module.parameters())

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self.module.requires_grad_(bool(value))

    def count_params(self) -> int:
        """How many numbers it has."""
        return sum(parameter.numel() for parameter in self.module.parameters())

    def get_weights(self) -> list[NDArray[Any]]:
        """Its arrays, in PyTorch's layout."""
        return [value.detach().cpu().numpy().copy() for value in self.module.state_dict().values()]

    def __repr__(self) -> str:
        return f"<Layer {self.name}, {'trainable' if self.trainable else 'frozen'}>"


class KerasModel:
    """A network as scripts see it.

    Args:
        network: what is trained and saved.
        run: (B, H, W, C) float32 tensor on the network's device -> the model's output, channels last.
        input_shape, output_shape: as Keras tells them, None for what is free; a list for several inputs.
        loss: a batch as the batch generators yield it -> its loss; None for models that are not trained directly.
        visible: the part of the network whose layers this model has; the whole by default.
        top: whether `.h5` files of this model hold the head.
    """

    def __init__(
        self,
        network: nn.Module,
        run: Callable[[Tensor], Tensor],
        input_shape: Any,
        output_shape: Shape,
        *,
        loss: Callable[[Any], Tensor] | None = None,
        visible: nn.Module | None = None,
        top: bool = True,
        name: str = "model",
    ) -> None:
        self.name = name
        self.network = network
        self.input_shape = input_shape
        self.output_shape = output_shape
        self.stop_training = False
        self.history: Any = None
        self.loss: str | None = None
        self.optimizer: OptimizerSettings | None = None
        self._run = run
        self._loss = loss
        self._visible = visible if visible is not None else network
        self._top = top
        self._torch_optimizer: torch.optim.Optimizer | None = None

    # Layers and weights.

    @property
    def layers(self) -> list[Layer]:
        """The layers with weights, from the input to the output."""
        return [
            Layer(name, module)
            for name, module in self._visible.named_modules()
            if next(module.parameters(recurse=False), None) is not None
        ]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by name or place; raises WeightsError naming those that there are."""
        layers = self.layers
        if index is not None:
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise WeightsError(f"No layer is called {name!r}. Known: {', '.join(layer.name for layer in layers)}.")

    @property
    def trainable(self) -> bool:
        """Whether any layer is trained; setting it freezes or frees all of them."""
        return any(layer.trainable for layer in self.layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._visible.requires_grad_(bool(value))

    def count_params(self) -> int:
        """How many numbers the layers have."""
        return sum(parameter.numel() for parameter in self._visible.parameters())

    def summary(self, print_fn: Callable[[str], Any] = print) -> None:
        """Prints a line a layer."""
        for layer in self.layers:
            print_fn(f"{layer.name:<40}{layer.count_params():>12,}{'' if layer.trainable else '  frozen'}")
        print_fn(f"{'Total':<40}{self.count_params():>12,}")

    def get_weights(self) -> list[NDArray[Any]]:
        """A copy of every array, in the order of PyTorch's state dictionary."""
        return [value.detach().cpu().numpy().copy() for value in self._visible.state_dict().values()]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Takes what `get_weights` gave; raises WeightsError where number or shapes differ."""
        own = self._visible.state_dict()
        shapes = [tuple(value.shape) for value in own.values()]
        given = [tuple(np.shape(array)) for array in weights]
        if given != shapes:
            raise WeightsError(f"{len(given)} arrays came for {len(shapes)}, or of other shapes. Give get_weights()'s.")
        self._visible.load_state_dict(
            {key: torch.as_tensor(np.asarray(w)) for key, w in zip(own, weights, strict=True)}
        )

    def save_weights(self, filepath: str | Path, overwrite: bool = True, **_: Any) -> Path:
        """Writes the weights: `.h5` as keras-ocr reads it (needs h5py), else safetensors. Returns the file."""
        target = weight_files.weights_path(filepath)
        if target.exists() and not overwrite:
            raise WeightsError(f"{target} exists. Give another path, or overwrite=True.")
        return weight_files.save(self.network, target, top=self._top)

    save = save_weights

    def load_weights(self, filepath: str | Path, **_: Any) -> WeightsReport:
        """Reads `.h5` (keras-ocr's too), `.safetensors` or `.pth`; raises WeightsError saying what does not fit."""
        return weight_files.load(self.network, filepath)

    # Prediction.

    def predict(
        self,
        x: ArrayLike,
        batch_size: int | None = None,
        verbose: Any = 0,
        steps: int | None = None,
        callbacks: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
    ) -> NDArray[Any]:
        """The outputs of (N, H, W, C), at most `batch_size` (32) at a time; the other arguments change nothing."""
        inputs = np.asarray(x)
        self._check_input(inputs)
        size = min(batch_size or 32, max(1, _MOST_PIXELS // max(1, math.prod(inputs.shape[1:3]))))
        parts = [self._predict(inputs[start : start + size]) for start in range(0, len(inputs), size)]
        return np.concatenate(parts) if parts else np.zeros((0, *(n or 0 for n in self.output_shape[1:])), np.float32)

    def predict_on_batch(self, x: ArrayLike) -> NDArray[Any]:
        """`predict` as one batch."""
        return self.predict(x, batch_size=max(1, len(np.asarray(x))))

    def __call__(self, x: ArrayLike, training: bool = False) -> NDArray[Any]:
        return self.predict(x)

    def _check_input(self, inputs: NDArray[Any]) -> None:
        wanted: Shape = self.input_shape[0] if isinstance(self.input_shape, list) else self.input_shape
        fits = inputs.ndim == len(wanted) and all(w in (None, n) for w, n in zip(wanted[1:], inputs.shape[1:]))
        if not fits:
            raise LabelError(
                f"An input of shape {inputs.shape} came. {tuple(wanted)} was expected, where None is free: "
                "a batch of pictures, channels last."
            )

    def _predict(self, inputs: NDArray[Any]) -> NDArray[Any]:
        device = training.default_device()
        self.network.to(device).eval()
        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(inputs, np.float32)).to(device)
            return self._run(batch).cpu().numpy()

    # Training.

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, **_: Any) -> None:
        """Sets optimiser and loss; metrics are not computed beside the loss."""
        self.optimizer = optimizer_settings(optimizer)
        self.loss = loss if isinstance(loss, str) else None
        self._torch_optimizer = None

    def batch_loss(self, batch: Any) -> Tensor:
        """The loss of a batch as the batch generators yield it; raises RecipeError for a model without one."""
        if self._loss is None:
            raise RecipeError(
                f"The {self.name} is not trained directly. Use detector.model or recognizer.training_model."
            )
        return self._loss(batch)

    def torch_optimizer(self) -> torch.optim.Optimizer:
        """The optimiser over what is trainable now; kept from one `fit` to the next, as Keras does.

        Raises:
            RecipeError: not compiled, or everything is frozen.
        """
        if self.optimizer is None:
            raise RecipeError("The model was not compiled. Call compile(optimizer=...) before fit.")
        trained = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        if not trained:
            raise RecipeError("Every layer is frozen. Set layer.trainable = True for some before fit.")
        kept = self._torch_optimizer
        if kept is None or {id(p) for g in kept.param_groups for p in g["params"]} != {id(p) for p in trained}:
            kept = self._torch_optimizer = self.optimizer.build(trained)
        return kept

    def fit(self, x: Any = None, y: Any = None, **settings: Any) -> Any:
        """Trains, driven by Lightning, and returns the History; see `ocrsmith.compat.keras_ocr.training.fit`."""
        return training.fit(self, x, y, **settings)

    def fit_generator(
        self, generator: Any, steps_per_epoch: int | None = None, epochs: int = 1, **settings: Any
    ) -> Any:
        """`fit` by its old name."""
        return self.fit(generator, steps_per_epoch=steps_per_epoch, epochs=epochs, **settings)

    def evaluate(self, x: Any = None, y: Any = None, steps: int | None = None, **settings: Any) -> float:
        """The mean loss over batches, without training."""
        return training.evaluate(self, x, y, steps=steps, **settings)

    evaluate_generator = evaluate

    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None) -> float:
        """One step; returns the loss."""
        device = training.default_device()
        self.network.to(device).train()
        optimizer = self.torch_optimizer()
        optimizer.zero_grad()
        with training.mixed_precision(device):
            loss = self.batch_loss((x, y) if sample_weight is None else (x, y, sample_weight))
        loss.backward()
        optimizer.step()
        return float(loss.detach())


def as_tensor(array: ArrayLike, device: torch.device) -> Tensor:
    """A float32 tensor on a device."""
    return torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(device, non_blocking=True)


def micro_batches(total: int, pixels: int, most_pixels: int) -> Iterator[slice]:
    """Slices of `total` pictures of so many pixels each, so that memory stays bounded."""
    size = max(1, math.floor(most_pixels / max(1, pixels)))
    for start in range(0, total, size):
        yield slice(start, start + size)
