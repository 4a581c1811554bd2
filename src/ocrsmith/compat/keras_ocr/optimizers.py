"""Optimisers by Keras's names, settings and defaults, as PyTorch's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from ocrsmith.errors import RecipeError

# Keras's name: PyTorch's class, the settings that differ from PyTorch's defaults, Keras's default learning rate.
_KNOWN: dict[str, tuple[type[torch.optim.Optimizer], dict[str, Any], float]] = {
    "adam": (torch.optim.Adam, {"eps": 1e-7}, 1e-3),
    "adamw": (torch.optim.AdamW, {"eps": 1e-7, "weight_decay": 0.004}, 1e-3),
    "adamax": (torch.optim.Adamax, {"eps": 1e-7}, 1e-3),
    "nadam": (torch.optim.NAdam, {"eps": 1e-7, "momentum_decay": 0.0}, 1e-3),
    "rmsprop": (torch.optim.RMSprop, {"alpha": 0.9, "eps": 1e-7}, 1e-3),
    "adagrad": (torch.optim.Adagrad, {"initial_accumulator_value": 0.1, "eps": 1e-7}, 1e-3),
    "adadelta": (torch.optim.Adadelta, {"rho": 0.95, "eps": 1e-7}, 1e-3),
    "sgd": (torch.optim.SGD, {}, 0.01),
}
# Keras's settings on an optimiser object, and PyTorch's name of each, where its class takes it.
_SETTINGS = {
    "epsilon": "eps",
    "rho": "alpha",
    "momentum": "momentum",
    "weight_decay": "weight_decay",
    "nesterov": "nesterov",
}


@dataclass
class OptimizerSettings:
    """What a model was compiled with. `learning_rate` may be set between epochs; `lr` is its old name."""

    name: str
    learning_rate: float
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def lr(self) -> float:
        """The learning rate."""
        return self.learning_rate

    @lr.setter
    def lr(self, value: float) -> None:
        self.learning_rate = float(value)

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """PyTorch's optimiser over these parameters."""
        optimizer, fixed, _ = _KNOWN[self.name]
        return optimizer(list(parameters), lr=self.learning_rate, **{**fixed, **self.settings})  # type: ignore[call-arg]


def optimizer_settings(optimizer: Any) -> OptimizerSettings:
    """Settings from a name in any case ("adam", "RMSprop") or a Keras optimiser object, which is read, not run.

    Raises:
        RecipeError: one that is not known; the message names those that are.
    """
    if isinstance(optimizer, OptimizerSettings):
        return optimizer
    name = (optimizer if isinstance(optimizer, str) else type(optimizer).__name__).lower()
    if name not in _KNOWN:
        raise RecipeError(
            f"The optimizer came as {optimizer if isinstance(optimizer, str) else type(optimizer).__name__!r}. "
            f"Use one of {', '.join(_KNOWN)}, or a Keras optimizer of one of these names."
        )
    _, fixed, rate = _KNOWN[name]
    if isinstance(optimizer, str):
        return OptimizerSettings(name, rate)
    rate = _number(getattr(optimizer, "learning_rate", getattr(optimizer, "lr", rate)))
    settings: dict[str, Any] = {
        own: value if isinstance(value, bool) else _number(value)
        for keras, own in _SETTINGS.items()
        if (value := getattr(optimizer, keras, None)) is not None
        and (own in fixed or (name == "sgd" and own in ("momentum", "nesterov")))
    }
    if "betas" not in fixed and getattr(optimizer, "beta_1", None) is not None:
        settings["betas"] = (_number(optimizer.beta_1), _number(getattr(optimizer, "beta_2", 0.999)))
    return OptimizerSettings(name, rate, settings)


def _number(value: Any) -> float:
    """A Python number from a Keras variable or a number; a schedule object has none and is refused."""
    plain = value.numpy() if hasattr(value, "numpy") else value
    try:
        return float(plain)
    except (TypeError, ValueError):
        raise RecipeError(
            f"The optimizer's {type(plain).__name__} is no number. Give a fixed learning rate; for a schedule, set "
            "model.optimizer.learning_rate from a callback's on_epoch_begin."
        ) from None
