"""A light CTC recogniser for two cores: plain 3x3 convolutions, no recurrence, any width.

The layout follows what trains fast on a CPU: dense convolutions in bfloat16 and channels_last reach far more of a
core's arithmetic than depthwise ones, and a stack of dilated one-dimensional convolutions stands where CRNN (Shi et
al., TPAMI 2017, section 2) has its bidirectional LSTMs, which run step by step. Trained with CTC (Graves et al., ICML
2006).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ocrsmith.alphabet import Alphabet
from ocrsmith.models.ctc_head import head_for_alphabet
from ocrsmith.preprocess import RecognizerInput


class ConvNormRelu(nn.Sequential):
    """Convolution without bias, batch normalisation, ReLU; the size is kept at stride 1."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1)) -> None:
        padding = ((kernel[0] - 1) // 2, (kernel[1] - 1) // 2)
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class ContextBlock(nn.Module):
    """A residual one-dimensional convolution over the CTC steps, seeing `reach` steps to each side."""

    def __init__(self, channels: int, kernel: int, dilation: int) -> None:
        super().__init__()
        padding = (0, dilation * (kernel // 2))
        self.widen = nn.Conv2d(channels, channels, (1, kernel), padding=padding, dilation=(1, dilation), bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, 1, T) -> (B, C, 1, T)."""
        return features + self.mix(torch.relu(self.norm(self.widen(features))))


class LightCTC(nn.Module):
    """images (B, 3, 32, W), W a multiple of 8 -> logits (B, W / 4, K).

    Args:
        alphabet: gives K = alphabet.num_classes; id 0 is the blank.
        widths: channels of the four stages, at 16, 8, 4 and 1 rows.
        context: dilations of the blocks over the steps, each of kernel 5.
        dropout: of the features before the head, in training only.
    """

    kind = "ctc"

    def __init__(
        self,
        alphabet: Alphabet,
        *,
        widths: tuple[int, int, int, int] = (24, 64, 96, 128),
        context: tuple[int, ...] = (1, 2, 4),
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        one, two, three, four = widths
        self.alphabet = alphabet
        self.input = RecognizerInput(
            height=32, min_width=32, max_width=2048, width_multiple=16, pad_value=127, step_px=4
        )
        self.backbone = nn.Sequential(
            ConvNormRelu(3, one, (3, 3), (2, 2)),  # 16 rows, W/2
            ConvNormRelu(one, two, (3, 3), (2, 2)),  # 8 rows, W/4
            ConvNormRelu(two, two, (3, 3)),
            nn.MaxPool2d((2, 1)),  # 4 rows
            ConvNormRelu(two, three, (3, 3)),
            nn.Conv2d(three, four, (4, 1), bias=False),  # 1 row: every column sees its whole height
            nn.BatchNorm2d(four),
            nn.ReLU(inplace=True),
            *[ContextBlock(four, 5, dilation) for dilation in context],
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(four, alphabet.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """images (B, 3, 32, W) normalised float -> logits (B, W / 4, K)."""
        features = self.backbone(images).squeeze(2).transpose(1, 2)
        return self.head(self.dropout(features))

    def replace_alphabet(self, alphabet: Alphabet) -> None:
        """Gives the head the classes of `alphabet`; rows of the blank and of shared characters are kept."""
        self.head = head_for_alphabet(self.head, self.alphabet, alphabet)
        self.alphabet = alphabet
