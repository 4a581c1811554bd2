"""What of a network is trained, and how fast: frozen parts, weight decay, learning rates by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import nn

from ocrsmith.errors import RecipeError


def freeze_part(model: nn.Module, name: str) -> None:
    """Switches the gradients of one part off; raises RecipeError naming the parts where there is none of that name."""
    _part(model, name, "freeze").requires_grad_(False)


def parameter_groups(
    model: nn.Module, learning_rate: float, weight_decay: float, factors: Mapping[str, float] | None = None
) -> list[dict[str, Any]]:
    """An optimiser's groups, frozen parameters left out.

    Args:
        learning_rate: of parts without a factor.
        weight_decay: of matrices and kernels; biases and normalisation have none.
        factors: on the learning rate, by the names of parts ("backbone", "backbone.stem"); a parameter in two of them
            has the product.

    Raises:
        RecipeError: the model has no part of that name.
    """
    factors = factors or {}
    for name in factors:
        _part(model, name, "learning_rate_factors")
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            factor = 1.0
            for part, own in factors.items():
                factor *= own if name.startswith(part + ".") else 1.0
            groups.setdefault((factor, parameter.ndim >= 2), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": weight_decay if decays else 0.0, "lr": learning_rate * factor}
        for (factor, decays), parameters in sorted(groups.items(), key=_largest_first)
    ]


def adamw(groups: list[dict[str, Any]], learning_rate: float) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter, ICLR 2019), in one pass over the parameters: a fifth of the time on a CPU."""
    return torch.optim.AdamW(groups, lr=learning_rate, fused=True)


def clip_gradients(model: nn.Module, largest_norm: float | int | None) -> None:
    """Scales the gradients so that their norm over all parameters is at most `largest_norm`.

    Lightning leaves a fused optimiser's gradients alone, since one might unscale 16-bit gradients on its own; here
    they are float32 or bfloat16, and never scaled.
    """
    if largest_norm:
        torch.nn.utils.clip_grad_norm_(model.parameters(), float(largest_norm), foreach=True)


class OptimizedModule(pl.LightningModule):
    """How detectors and recognisers alike are optimised; their batches are moved by themselves, part by part."""

    model: nn.Module
    learning_rate: float
    weight_decay: float
    learning_rate_factors: Mapping[str, float]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW (Loshchilov and Hutter, ICLR 2019)."""
        groups = parameter_groups(self.model, self.learning_rate, self.weight_decay, self.learning_rate_factors)
        return adamw(groups, self.learning_rate)

    def configure_gradient_clipping(
        self,
        optimizer: Any,
        gradient_clip_val: float | int | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clips the norm of all gradients together."""
        clip_gradients(self.model, gradient_clip_val)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Leaves the batch as it is: `forward` and `loss` move what they need."""
        return batch


def _largest_first(group: tuple[tuple[float, bool], Sequence[nn.Parameter]]) -> tuple[float, bool]:
    # The log shows the first group's rate.
    (factor, decays), _ = group
    return -factor, not decays


def _part(model: nn.Module, name: str, key: str) -> nn.Module:
    parts = dict(model.named_modules())
    if not name or name not in parts:
        outer = ", ".join(part for part, _ in model.named_children())
        raise RecipeError(
            f"{key} came with {name!r}, which the network {type(model).__name__} does not have. Its parts are {outer}, "
            "and what those hold, as in 'backbone.stem'."
        )
    return parts[name]
