"""CRAFT with a VGG16 backbone: the character region and affinity detector, key for key as its authors released it.

Baek et al., "Character Region Awareness for Text Detection", CVPR 2019, section 3.1 and figure 2; parameter names and
layer order as in the released checkpoint `craft_mlt_25k.pth` (`clovaai_general`, MIT).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from ocrsmith.preprocess import DetectorInput

_Plan = tuple[int | Literal["pool"], ...]


def _vgg_slice(first_number: int, in_channels: int, plan: _Plan) -> nn.Sequential:
    """Layers numbered as in the checkpoint: one number a pooling, three a convolution, its normalisation and ReLU.

    A pooling stands before the ReLU that it follows there: the same values and gradients, from a quarter of the pixels.
    """
    named: list[tuple[str, nn.Module]] = []
    number, channels = first_number, in_channels
    for entry in plan:
        if entry == "pool":
            after_relu = bool(named)
            named.insert(len(named) - after_relu, (str(number), nn.MaxPool2d(2)))
            number += 1
            continue
        named.append((str(number), nn.Conv2d(channels, entry, 3, padding=1)))
        named.append((str(number + 1), nn.BatchNorm2d(entry)))
        named.append((str(number + 2), nn.ReLU(inplace=True)))
        number, channels = number + 3, entry
    return nn.Sequential(OrderedDict(named))


class Vgg16Backbone(nn.Module):
    """VGG16-BN cut into the five slices that CRAFT taps.

    The reference cuts each slice after a normalisation, and the next slice begins with a ReLU in place, which changes
    the tapped feature too. So the taps of slices 1 to 3 are after a ReLU, and the tap of slice 4, which a pooling
    follows, is not. Here the ReLU stands at the end of slices 1 to 3, where it takes effect.
    """

    def __init__(self) -> None:
        super().__init__()
        self.slice1 = _vgg_slice(0, 3, (64, 64, "pool", 128, 128))
        self.slice2 = _vgg_slice(13, 128, ("pool", 256, 256))
        self.slice3 = _vgg_slice(20, 256, (256, "pool", 512, 512))
        self.slice4 = _vgg_slice(30, 512, (512, "pool", 512, 512))[:-1]
        self.slice5 = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1),
            nn.Conv2d(512, 1024, 3, padding=6, dilation=6),
            nn.Conv2d(1024, 1024, 1),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """(B, 3, H, W) -> features at strides 2, 4, 8, 16 with 128, 256, 512, 512 channels, and 1024 at stride 16."""
        stride2 = self.slice1(images)
        stride4 = self.slice2(stride2)
        stride8 = self.slice3(stride4)
        stride16 = self.slice4(stride8)
        return stride2, stride4, stride8, stride16, self.slice5(stride16)


class UpConv(nn.Module):
    """A 1x1 convolution that mixes, a 3x3 that narrows, each with normalisation and ReLU (figure 2's UpConv block).

    The reference enlarges the coarse features, joins them to the fine ones and mixes both. Here each part is mixed by
    its own columns of the same weights, the coarse one before it is enlarged, and the results are added: the same sums,
    at a quarter of the coarse part's arithmetic and without a copy of the joined features.
    """

    def __init__(
        self,
        coarse_channels: int,
        fine_channels: int,
        mid_channels: int,
        out_channels: int,
        *,
        enlarge: bool = True,
    ) -> None:
        super().__init__()
        self.enlarge = enlarge
        self.conv = nn.Sequential(
            nn.Conv2d(coarse_channels + fine_channels, mid_channels, 1),
            nn.BatchNorm2d(mid_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(mid_channels, out_channels, 3, padding=1),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """(B, coarse, h', w') and (B, fine, h, w) -> (B, out, h, w); h' = h and w' = w where nothing is enlarged."""
        mixing: nn.Conv2d = self.conv[0]  # type: ignore[assignment]
        channels = mixing.in_channels - fine.shape[1]
        mixed = F.conv2d(coarse, mixing.weight[:, :channels])
        if self.enlarge:
            mixed = F.interpolate(mixed, size=fine.shape[2:], mode="bilinear", align_corners=False)
        result: Tensor = self.conv[1:](mixed + F.conv2d(fine, mixing.weight[:, channels:], mixing.bias))
        return result


class Craft(nn.Module):
    """CRAFT, 20.8 M parameters. Region and affinity scores are linear, about 0 to 1: no sigmoid, as released."""

    kind: ClassVar[Literal["craft"]] = "craft"

    def __init__(self) -> None:
        super().__init__()
        self.input = DetectorInput(multiple=32, map_stride=2)
        self.basenet = Vgg16Backbone()
        self.upconv1 = UpConv(1024, 512, 512, 256, enlarge=False)
        self.upconv2 = UpConv(256, 512, 256, 128)
        self.upconv3 = UpConv(128, 256, 128, 64)
        self.upconv4 = UpConv(64, 128, 64, 32)
        self.conv_cls = nn.Sequential(
            nn.Conv2d(32, 32, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 16, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(16, 16, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(16, 2, 1),
        )
        self._initialise()

    def _initialise(self) -> None:
        # VGG's own plain normal start dies in 13 layers without an ImageNet start; He et al. 2015 keeps the variance.
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) normalised by `.input`, H and W multiples of 16 -> (B, 2, H/2, W/2) region, affinity, linear."""
        stride2, stride4, stride8, stride16, deepest = self.basenet(images)
        features = self.upconv1(deepest, stride16)
        for upconv, fine in ((self.upconv2, stride8), (self.upconv3, stride4), (self.upconv4, stride2)):
            features = upconv(features, fine)
        maps: Tensor = self.conv_cls(features)
        return maps
