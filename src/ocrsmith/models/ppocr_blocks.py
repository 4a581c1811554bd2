"""The blocks that both PP-OCRv6 networks are built from: stem, mixing block, squeeze-and-excitation, backbone.

The layout is read from the graphs that PaddleOCR exports (PP-OCRv6, PaddlePaddle, Apache-2.0; the family descends from
PP-LCNet, Cui et al., arXiv 2109.15099). Batch normalisation and parallel branches were folded into the convolutions
before export, so that every convolution here has a bias and no normalisation follows it: fine-tune at a small learning
rate.

Modules are registered in the order in which they run, which is how `ppocr_weights` lays the file's tensors into them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def gate(values: Tensor, slope: float) -> Tensor:
    """The hard sigmoid clip(slope * x + 0.5, 0, 1); its slope is 1/6 in the backbone and 0.2 in the detector's neck."""
    return torch.clamp(values * slope + 0.5, 0.0, 1.0)


class SqueezeExcite(nn.Module):
    """Channel weights in 0..1 from the mean over the picture (Hu et al., CVPR 2018, section 3), times the features."""

    def __init__(self, channels: int, *, slope: float = 1 / 6) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // 4, 1)
        self.expand = nn.Conv2d(channels // 4, channels, 1)
        self.slope = slope

    def weights(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, 1, 1), in 0..1."""
        mean = features.mean(dim=(2, 3), keepdim=True)
        return gate(self.expand(F.relu(self.reduce(mean))), self.slope)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return features * self.weights(features)


class Stem(nn.Module):
    """(B, 3, H, W) -> (B, C, H/4, W/4): two strided convolutions, with a pooled and a convolved branch between them."""

    def __init__(self, hidden: int, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, hidden, 3, stride=2, padding=1)
        self.branch_in = nn.Conv2d(hidden, hidden // 2, 2)
        self.branch_out = nn.Conv2d(hidden // 2, hidden, 2)
        self.merge = nn.Conv2d(2 * hidden, hidden, 3, stride=2, padding=1)
        self.last = nn.Conv2d(hidden, channels, 1)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, C, H/4, W/4)."""
        features = F.relu(self.first(images))
        # The 2x2 windows keep the size by one more row below and column at the right.
        branch = F.relu(self.branch_in(F.pad(features, (0, 1, 0, 1))))
        branch = F.relu(self.branch_out(F.pad(branch, (0, 1, 0, 1))))
        pooled = F.max_pool2d(F.pad(features, (0, 1, 0, 1)), 2, stride=1)
        return F.relu(self.last(F.relu(self._merge(pooled, branch))))

    def _merge(self, pooled: Tensor, branch: Tensor) -> Tensor:
        """`merge` of both side by side, as a sum of their shares: engines add for nothing and copy slowly."""
        hidden = pooled.shape[1]
        of_pooled, of_branch = self.merge.weight[:, :hidden], self.merge.weight[:, hidden:]
        summed = F.conv2d(pooled, of_pooled, self.merge.bias, stride=2, padding=1)
        return summed + F.conv2d(branch, of_branch, None, stride=2, padding=1)


class MixingBlock(nn.Module):
    """A depthwise 3x3 convolution mixes places, then two 1x1 convolutions mix channels.

    Where stride and channels stay, the channel mixing is residual. With `squeeze` a squeeze-and-excitation stands
    between the two.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: tuple[int, int] = (1, 1), squeeze: bool = False) -> None:
        super().__init__()
        self.places = nn.Conv2d(inputs, inputs, 3, stride, padding=1, groups=inputs)
        self.squeeze = SqueezeExcite(inputs) if squeeze else nn.Identity()
        self.widen = nn.Conv2d(inputs, 2 * inputs, 1)
        self.narrow = nn.Conv2d(2 * inputs, outputs, 1)
        self.residual = inputs == outputs and stride == (1, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H/stride, W/stride)."""
        places = self.squeeze(self.places(features))
        mixed = self.narrow(F.gelu(self.widen(places)))
        return places + mixed if self.residual else mixed


@dataclass(frozen=True)
class Stage:
    """One stage of the backbone.

    Attributes:
        channels: of its output.
        squeeze: one flag a block that keeps the size: whether it has a squeeze-and-excitation.
        stride: (down, right) of the block that opens the stage; None where the stage opens without one.
    """

    channels: int
    squeeze: tuple[bool, ...]
    stride: tuple[int, int] | None = None


class Backbone(nn.Module):
    """(B, 3, H, W) -> the output of every stage, shallow first."""

    def __init__(self, stem_channels: int, stages: tuple[Stage, ...]) -> None:
        super().__init__()
        channels = stages[0].channels
        self.stem = Stem(stem_channels, channels)
        self.stages = nn.ModuleList()
        for stage in stages:
            blocks: list[nn.Module] = []
            if stage.stride is not None:
                blocks.append(MixingBlock(channels, stage.channels, stride=stage.stride))
            blocks += [MixingBlock(stage.channels, stage.channels, squeeze=squeeze) for squeeze in stage.squeeze]
            self.stages.append(nn.Sequential(*blocks))
            channels = stage.channels
        self.channels = tuple(stage.channels for stage in stages)

    def forward(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) -> one (B, C, h, w) a stage."""
        features = self.stem(images)
        outputs: list[Tensor] = []
        for stage in self.stages:
            features = stage(features)
            outputs.append(features)
        return outputs
