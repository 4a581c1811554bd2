"""The PP-OCRv6 small recogniser: a convolutional backbone, two attention blocks over the columns, a CTC head.

The neck is the light SVTR encoder of PP-OCRv3 and later (SVTR: Du et al., IJCAI 2022, arXiv 2205.00159); the output
is trained with CTC (Graves et al., ICML 2006). 3.00 M parameters and 121 for each class
(5.27 M with the original's 18,710).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ocrsmith.alphabet import Alphabet
from ocrsmith.models.ctc_head import head_for_alphabet
from ocrsmith.models.ppocr_blocks import Backbone, Stage
from ocrsmith.preprocess import RecognizerInput

# Rows of features: 12, 12, 6, 3. Squeeze-and-excitation in every other block.
STAGES = (
    Stage(96, (True, False, False)),
    Stage(192, (True, False, True, False, True, False), stride=(2, 1)),
    Stage(384, (True, False), stride=(2, 1)),
)


class ConvNormSwish(nn.Sequential):
    """A convolution without bias, batch normalisation, x * sigmoid(x)."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int] = (1, 1), groups: int = 1) -> None:
        padding = (kernel[0] // 2, kernel[1] // 2)
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, padding=padding, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
            nn.SiLU(),
        )


class AttentionBlock(nn.Module):
    """Self-attention and a two-layer perceptron over the columns, both residual and normalised first."""

    def __init__(self, channels: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(channels)
        self.query_key_value = nn.Linear(channels, 3 * channels)
        self.attention_out = nn.Linear(channels, channels)
        self.widen_norm = nn.LayerNorm(channels)
        self.widen = nn.Linear(channels, 2 * channels)
        self.narrow = nn.Linear(2 * channels, channels)
        self.num_heads = num_heads
        self.dropout = nn.Dropout(dropout)

    def _attend(self, columns: Tensor) -> Tensor:
        batch, steps, channels = columns.shape
        split = self.query_key_value(columns).reshape(batch, steps, 3, self.num_heads, channels // self.num_heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value)
        return self.attention_out(attended.transpose(1, 2).reshape(batch, steps, channels))

    def forward(self, columns: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        columns = columns + self.dropout(self._attend(self.attention_norm(columns)))
        widened = F.silu(self.widen(self.widen_norm(columns)))
        return columns + self.dropout(self.narrow(self.dropout(widened)))


class ColumnEncoder(nn.Module):
    """(B, C, 1, T) -> (B, T, C'): a shortcut, and beside it columns that see their neighbours, then all others."""

    def __init__(
        self, inputs: int, channels: int, *, num_blocks: int = 2, num_heads: int = 8, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.shortcut = ConvNormSwish(inputs, channels)
        self.reduce = ConvNormSwish(inputs, channels)
        self.neighbours = ConvNormSwish(channels, channels, (1, 7), groups=channels)
        self.blocks = nn.Sequential(*[AttentionBlock(channels, num_heads, dropout) for _ in range(num_blocks)])
        self.norm = nn.LayerNorm(channels, eps=1e-6)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, 1, T) -> (B, T, C')."""
        reduced = self.reduce(features)
        local = reduced + self.neighbours(reduced)
        columns = self.norm(self.blocks(local.squeeze(2).transpose(1, 2)))
        return columns + self.shortcut(features).squeeze(2).transpose(1, 2)


class PPOCRRecognizer(nn.Module):
    """images (B, 3, 48, W) -> logits (B, W / 8, K), W a multiple of 8.

    Args:
        alphabet: gives K = alphabet.num_classes; id 0 is the blank.
        dropout: in the attention blocks, in training only.
    """

    kind = "ctc"

    def __init__(self, alphabet: Alphabet, *, dropout: float = 0.1) -> None:
        super().__init__()
        self.alphabet = alphabet
        # BGR, (value / 255 - 0.5) / 0.5 and padding with 0 after that: grey 127.5, of which 127 is 0.004 away.
        self.input = RecognizerInput(
            height=48, min_width=16, max_width=3200, width_multiple=8, pad_value=127, channels="bgr", step_px=8
        )
        self.backbone = Backbone(48, STAGES)
        self.neck = ColumnEncoder(STAGES[-1].channels, 120, dropout=dropout)
        self.head = nn.Linear(120, alphabet.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """images (B, 3, 48, W) normalised float -> logits (B, W / 8, K), before any softmax."""
        features = F.avg_pool2d(self.backbone(images)[-1], (3, 2))
        return self.head(self.neck(features))

    def replace_alphabet(self, alphabet: Alphabet) -> None:
        """Gives the head the classes of `alphabet`; rows of the blank and of shared characters are kept."""
        self.head = head_for_alphabet(self.head, self.alphabet, alphabet)
        self.alphabet = alphabet
