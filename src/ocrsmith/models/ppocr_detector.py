"""The PP-OCRv6 small detector: a convolutional backbone, a feature pyramid with large kernels, a DB head.

Differentiable binarisation: Liao et al., AAAI 2020. The pyramid's squeeze-and-excitation with a shortcut is PP-OCRv3's
RSE-FPN, its 7x7 kernels PP-OCRv4's LK-PAN in depthwise form (PaddleOCR, Apache-2.0). 2.45 M parameters. The exported
file holds the probability branch alone: DB's threshold branch serves training, and was dropped. `with_threshold=True`
adds a new one.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ocrsmith.models.ppocr_blocks import Backbone, SqueezeExcite, Stage
from ocrsmith.preprocess import DetectorInput

# Strides 4, 8, 16, 32. Squeeze-and-excitation in every other block.
STAGES = (
    Stage(48, (True, False)),
    Stage(96, (True, False), stride=(2, 2)),
    Stage(192, (True, False, True, False), stride=(2, 2)),
    Stage(384, (True, False), stride=(2, 2)),
)


class ShortcutSqueeze(nn.Module):
    """A 1x1 convolution, after a depthwise one of `kernel` x `kernel` where given, plus itself squeezed and excited."""

    def __init__(self, inputs: int, outputs: int, kernel: int | None = None) -> None:
        super().__init__()
        self.places = (
            nn.Identity() if kernel is None else nn.Conv2d(inputs, inputs, kernel, padding=kernel // 2, groups=inputs)
        )
        self.project = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.squeeze = SqueezeExcite(outputs, slope=0.2)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H, W)."""
        projected = self.project(self.places(features))
        # One product instead of one and a sum: both are passes over the largest features of the network.
        return projected * (1.0 + self.squeeze.weights(projected))


class Pyramid(nn.Module):
    """Features of four scales, shallow first -> (B, channels, H/4, W/4): each scale's share, put side by side."""

    def __init__(self, inputs: tuple[int, ...], channels: int) -> None:
        super().__init__()
        # Deep first, as it runs: each scale is added to the next finer one.
        self.laterals = nn.ModuleList([ShortcutSqueeze(width, channels) for width in reversed(inputs)])
        share = channels // len(inputs)
        self.smooth = nn.ModuleList([ShortcutSqueeze(channels, share, kernel=7) for _ in inputs])

    def forward(self, features: list[Tensor]) -> Tensor:
        """One (B, C, h, w) a scale -> (B, channels, H/4, W/4)."""
        merged: list[Tensor] = []
        for lateral, scale in zip(self.laterals, reversed(features), strict=True):
            own = lateral(scale)
            merged.append(own + F.interpolate(merged[-1], scale_factor=2.0, mode="nearest") if merged else own)
        last = len(merged) - 1
        shares = [
            F.interpolate(smooth(scale), scale_factor=float(2 ** (last - index)), mode="nearest")
            if index < last
            else smooth(scale)
            for index, (smooth, scale) in enumerate(zip(self.smooth, merged, strict=True))
        ]
        return torch.cat(shares, dim=1)


class MapHead(nn.Module):
    """(B, C, H/4, W/4) -> (B, 1, H, W) logits: a convolution and two transposed ones that each double the size.

    A transposed convolution of 2x2 at stride 2 gives each place four places of its own, so that two in a row are two
    1x1 convolutions at a quarter of the size, to 4 and then to 16 places a place, that are laid out at the end. They
    are computed like that: engines have their fast kernels for it, in bfloat16 too, where transposed ones are slow.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // 4, 3, padding=1)
        self.enlarge = nn.ConvTranspose2d(channels // 4, channels // 4, 2, stride=2)
        self.last = nn.ConvTranspose2d(channels // 4, 1, 2, stride=2)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H/4, W/4) -> (B, 1, H, W)."""
        channels = self.enlarge.in_channels
        reduced = F.relu(self.reduce(features))
        # (in, out, 2, 2) -> (row, column, out, in): four quarters of channels, one a place.
        quarters = self.enlarge.weight.permute(2, 3, 1, 0).reshape(4 * channels, channels, 1, 1)
        halfway = F.relu(F.conv2d(reduced, quarters, _repeated_bias(self.enlarge, 4)))
        return F.pixel_shuffle(F.conv2d(halfway, self._sixteenths(), _repeated_bias(self.last, 16)), 4)

    def _sixteenths(self) -> Tensor:
        """(16, 4 C, 1, 1): from the four quarters of channels, each to its own four places, in rows of the 4x4.

        A place's row is 2 row + row', its column 2 column + column', where (row, column) are of the first enlargement.
        """
        channels = self.last.in_channels
        own = torch.eye(2, device=self.last.weight.device, dtype=self.last.weight.dtype)
        # Axes: row, row', column, column', row in, column in, channel.
        spread = (
            own.reshape(2, 1, 1, 1, 2, 1, 1)
            * own.reshape(1, 1, 2, 1, 1, 2, 1)
            * self.last.weight.reshape(channels, 2, 2).permute(1, 2, 0).reshape(1, 2, 1, 2, 1, 1, channels)
        )
        return spread.reshape(16, 4 * channels, 1, 1)


def _repeated_bias(layer: nn.ConvTranspose2d, times: int) -> Tensor:
    assert layer.bias is not None
    return layer.bias.repeat(times)


class PPOCRDetector(nn.Module):
    """images (B, 3, H, W), sides multiples of 32 -> logits (B, 1, H, W) of being text, before the sigmoid.

    Args:
        with_threshold: adds DB's threshold branch, which `training_maps` computes; the released file has
            none, so that it starts new.
    """

    kind: Literal["db"] = "db"

    def __init__(self, *, with_threshold: bool = False) -> None:
        super().__init__()
        # BGR, (value / 255 - 0.5) / 0.5.
        self.input = DetectorInput(
            multiple=32, map_stride=1, pad_value=127, channels="bgr", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)
        )
        self.backbone = Backbone(24, STAGES)
        self.neck = Pyramid(self.backbone.channels, 96)
        self.head = MapHead(96)
        self.threshold_head = MapHead(96) if with_threshold else None

    def features(self, images: Tensor) -> Tensor:
        """images (B, 3, H, W) -> (B, 96, H/4, W/4), what the heads read."""
        return self.neck(self.backbone(images))

    def forward(self, images: Tensor) -> Tensor:
        """images (B, 3, H, W) normalised float -> logits (B, 1, H, W)."""
        return self.head(self.features(images))

    def training_maps(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Probability logits and, where the network has the branch, threshold logits, (B, 1, H, W) both."""
        features = self.features(images)
        return self.head(features), None if self.threshold_head is None else self.threshold_head(features)
