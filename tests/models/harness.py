"""What every network has to do, tested once: a new network's test calls these with its own small settings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ocrsmith.alphabet import Alphabet
from ocrsmith.losses.craft import craft_loss
from ocrsmith.losses.ctc import ctc_loss
from ocrsmith.models.weights import load_start_weights, save_weights


def detector_images(model: nn.Module, height: int, width: int, batch: int = 2) -> Tensor:
    """A batch as `.input` makes it, from seeded noise."""
    stack = np.random.default_rng(0).integers(0, 256, (batch, height, width, 3), np.uint8)
    return torch.from_numpy(model.input.normalize(stack))  # type: ignore[operator, union-attr]


def recognizer_images(model: nn.Module, width: int, batch: int = 2) -> Tensor:
    """A batch of crops as `.input` makes it, from seeded noise."""
    contract = model.input
    stack = np.random.default_rng(0).integers(0, 256, (batch, contract.height, width, 3), np.uint8)  # type: ignore[union-attr]
    return torch.from_numpy(contract.normalize(stack))  # type: ignore[operator, union-attr]


def check_saves_and_loads(model: nn.Module, other: nn.Module, images: Tensor, folder: Path) -> None:
    """`other`, built alike but drawn anew, gives the same output after loading what `model` saved."""
    path = save_weights(model, folder / "weights.safetensors")
    report = load_start_weights(other, path)
    assert not report.missing and not report.unexpected and not report.new_characters
    with torch.inference_mode():
        torch.testing.assert_close(other.eval()(images), model.eval()(images), rtol=0, atol=0)


def check_runs_in_bfloat16(model: nn.Module, images: Tensor) -> None:
    """Under autocast, in channels_last, the output stays near that in float32."""
    model = model.eval()
    with torch.inference_mode():
        exact = model(images)
        with torch.autocast("cpu", torch.bfloat16):
            near = model(images.contiguous(memory_format=torch.channels_last)).float()
    assert torch.isfinite(near).all()
    assert (near - exact).abs().max() <= 0.1 * max(1.0, float(exact.abs().max()))


def check_trains_a_detector(model: nn.Module, images: Tensor) -> None:
    """One step of CRAFT's loss: every parameter gets a finite gradient, and the loss falls on the same batch."""
    shape = (len(images), 2, images.shape[2] // 2, images.shape[3] // 2)
    targets = torch.zeros(shape)
    targets[:, :, 4:12, 4:12] = 1.0
    confidence = torch.ones(shape[0], *shape[2:])

    def loss() -> Tensor:
        return craft_loss(model(images), targets, confidence, min_negatives=100)

    _check_loss_falls(model, loss)


def check_trains_a_recognizer(model: nn.Module, images: Tensor) -> None:
    """One step of CTC: every parameter gets a finite gradient, and the loss falls on the same batch."""
    ids = [[1, 2, 2]] * len(images)

    def loss() -> Tensor:
        logits = model(images)
        return ctc_loss(logits, ids, [logits.shape[1]] * len(images))

    _check_loss_falls(model, loss)


def _check_loss_falls(model: nn.Module, loss) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    losses = []
    for _ in range(4):
        optimizer.zero_grad()
        value = loss()
        value.backward()
        without = [name for name, p in model.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]
        assert not without, f"no finite gradient in {without}"
        optimizer.step()
        losses.append(float(value.detach()))
    assert np.isfinite(losses).all()
    assert min(losses[1:]) < losses[0], losses


def check_replaces_its_alphabet(model: nn.Module, images: Tensor) -> None:
    """Logits of the blank and of shared characters stay; the head has the new alphabet's classes."""
    old: Alphabet = model.alphabet  # type: ignore[assignment]
    with torch.inference_mode():
        before = model.eval()(images)
        new = Alphabet((*reversed(old.characters), "€"))
        model.replace_alphabet(new)  # type: ignore[operator]
        after = model(images)
    assert after.shape == (*before.shape[:2], new.num_classes)
    own, others = new.shared_ids(old)
    torch.testing.assert_close(after[..., own], before[..., others], rtol=1e-5, atol=1e-5)
