"""keras-ocr's device settings, read from MEMORY_GROWTH and MEMORY_ALLOCATED."""

from __future__ import annotations

import os

import torch

from ocrsmith.errors import RecipeError


def configure() -> None:
    """Bounds this process's share of each GPU by MEMORY_ALLOCATED, where it is set and there is one.

    MEMORY_ALLOCATED is a share 0..1 of the memory, or a number of MiB above 1. MEMORY_GROWTH needs nothing: PyTorch
    takes memory as it needs it.

    Raises:
        RecipeError: a MEMORY_ALLOCATED that is no number above 0.
    """
    named = os.environ.get("MEMORY_ALLOCATED", "")
    if not named:
        return
    try:
        wanted = float(named)
    except ValueError:
        wanted = 0.0
    if not wanted > 0:
        raise RecipeError(
            f"MEMORY_ALLOCATED came as {named!r}. Set a share of the GPU's memory in 0..1, or a number of MiB."
        )
    for device in range(torch.cuda.device_count()):
        total = torch.cuda.get_device_properties(device).total_memory / 1024**2
        torch.cuda.set_per_process_memory_fraction(min(1.0, wanted if wanted <= 1 else wanted / total), device)
