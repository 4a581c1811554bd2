"""CRAFT's region and affinity maps from a light backbone, for training and reading on a CPU.

Targets and output are those of CRAFT (Baek et al., CVPR 2019); the body is a small residual network of plain 3x3
convolutions (He et al., CVPR 2016) with a feature pyramid that adds instead of concatenating (Lin et al., CVPR 2017).
Plain convolutions because a CPU core runs them nearer to its arithmetic than depthwise ones, above all in bfloat16 and
channels_last: a depthwise variant with half the parameters took 1.5 times as long a training step on two busy cores.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from ocrsmith.preprocess import DetectorInput


class ConvNormRelu(nn.Sequential):
    """A 3x3 convolution without bias, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions whose result is added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNormRelu(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        # Starts as the identity, so that depth costs nothing at first (Goyal et al., arXiv 1706.02677, section 5.1).
        nn.init.zeros_(self.norm.weight)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, h, w)."""
        return F.relu(features + self.norm(self.second(self.first(features))))


class LightBackbone(nn.Module):
    """images (B, 3, H, W) -> features at strides 2, 4, 8, 16, 32 of the pixels with `widths` channels."""

    def __init__(self, widths: tuple[int, ...], depths: tuple[int, ...]) -> None:
        super().__init__()
        self.stem = ConvNormRelu(3, widths[0], stride=2)
        self.stages = nn.ModuleList(
            nn.Sequential(ConvNormRelu(inputs, outputs, stride=2), *[ResidualBlock(outputs) for _ in range(depth)])
            for inputs, outputs, depth in zip(widths, widths[1:], depths)
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """From fine to coarse."""
        features = [self.stem(images)]
        for stage in self.stages:
            features.append(stage(features[-1]))
        return features


class CraftLight(nn.Module):
    """images (B, 3, H, W), H and W multiples of 32 -> (B, 2, H/2, W/2) region and affinity, linear.

    Args:
        widths: channels at strides 2, 4, 8, 16 and 32.
        depths: residual blocks at strides 4, 8, 16 and 32.
        decoder_channels: of the pyramid.
    """

    kind: ClassVar[Literal["craft"]] = "craft"

    def __init__(
        self,
        *,
        widths: tuple[int, int, int, int, int] = (16, 32, 48, 96, 160),
        depths: tuple[int, int, int, int] = (0, 1, 2, 2),
        decoder_channels: int = 48,
    ) -> None:
        super().__init__()
        self.input = DetectorInput(multiple=32, map_stride=2)
        self.backbone = LightBackbone(tuple(widths), tuple(depths))
        self.laterals = nn.ModuleList(nn.Conv2d(channels, decoder_channels, 1) for channels in widths[1:])
        self.smooths = nn.ModuleList(ConvNormRelu(decoder_channels, decoder_channels) for _ in widths[2:])
        self.narrow = nn.Conv2d(decoder_channels, widths[0], 1)
        self.head = nn.Sequential(ConvNormRelu(widths[0], 16), nn.Conv2d(16, 2, 1))

    def forward(self, images: Tensor) -> Tensor:
        """images (B, 3, H, W) normalised by `.input` -> (B, 2, H/2, W/2)."""
        finest, *features = self.backbone(images)
        merged = self.laterals[-1](features[-1])
        # From coarse to fine: each finer feature is added to the enlarged sum of the coarser ones.
        for index in reversed(range(len(self.smooths))):
            merged = self.smooths[index](self.laterals[index](features[index]) + _doubled(merged))
        maps: Tensor = self.head(finest + _doubled(self.narrow(merged)))
        return maps


def _doubled(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=False)
