"""keras-ocr's CRNN with a spatial transformer, so that its `kurapan` weights and its users' own files keep reading.

A convolutional recurrent network (Shi et al., TPAMI 2017) whose features pass a spatial transformer (Jaderberg et al.,
NIPS 2015); layer names as in keras-ocr 0.9.3. The network sees the crop upside down, its width as Keras's first axis:
here the picture is turned once at the entry and the converted kernels have their axes exchanged.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ocrsmith.alphabet import Alphabet
from ocrsmith.models.ctc_head import head_for_alphabet
from ocrsmith.preprocess import RecognizerInput

# Keras's defaults, 0.001 and 0.99; PyTorch counts momentum from the other end.
_EPSILON, _MOMENTUM = 1e-3, 0.01


class SpatialTransformer(nn.Module):
    """Predicts an affine map from the features and resamples them by it.

    The localisation layer is sized by the features, so the width that it was built for is fixed (keras-ocr issue 88).
    It starts as the identity.
    """

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.size = (height, width)
        self.conv_1 = nn.Conv2d(channels, 16, 5, padding=2)
        self.conv_2 = nn.Conv2d(16, 32, 5, padding=2)
        self.dense = nn.Linear(32 * height * width, 64)
        self.affine = nn.Linear(64, 6)
        with torch.no_grad():
            self.affine.weight.zero_()
            self.affine.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]))

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, h, w), h and w those of the constructor."""
        if tuple(features.shape[2:]) != self.size:
            raise ValueError(
                f"The spatial transformer was built for features of {self.size} (height, width), these are "
                f"{tuple(features.shape[2:])}. Feed crops of the size that the network's `.input` names, or build it "
                "with stn=False for any width."
            )
        local = F.relu(self.conv_2(F.relu(self.conv_1(features))))
        flat = local.permute(0, 3, 2, 1).flatten(1)  # width, height, channel: Keras's order
        theta = self.affine(F.relu(self.dense(flat))).reshape(-1, 2, 3)
        return _resample(features, theta)


def _resample(features: Tensor, theta: Tensor) -> Tensor:
    """Bilinear sampling as keras-ocr does it: -1..1 is spread over 0..size, so the identity stretches by size/(size-1).

    There every neighbour is clipped to the border before it is weighed, so that the weights of a point outside
    [0, size - 1) cancel: it is zero, and so are the last row and column under the identity. Row 0 of theta gives the
    place along the height, row 1 along the width, since Keras's first axis is the width.
    """
    batch, _, height, width = features.shape
    theta = theta.float()
    along_h = torch.linspace(-1.0, 1.0, height, device=features.device)
    along_w = torch.linspace(-1.0, 1.0, width, device=features.device)
    grid_h, grid_w = torch.meshgrid(along_h, along_w, indexing="ij")
    grid = torch.stack([grid_h, grid_w, torch.ones_like(grid_h)]).reshape(3, -1)
    sizes = torch.tensor([height, width], device=features.device, dtype=torch.float32).reshape(1, 2, 1)
    places_px = 0.5 * (theta @ grid + 1.0) * sizes  # (B, 2, h * w)
    inside = ((places_px >= 0) & (places_px < sizes - 1)).all(dim=1).reshape(batch, 1, height, width)
    normalised = (2.0 * places_px / (sizes - 1) - 1.0).reshape(batch, 2, height, width)
    sampling_grid = normalised.flip(1).permute(0, 2, 3, 1)  # grid_sample wants (x, y)
    sampled = F.grid_sample(features.float(), sampling_grid, padding_mode="border", align_corners=True)
    return (sampled * inside).to(features.dtype)


class KerasBidirectional(nn.Module):
    """A forward and a backward LSTM, the backward one's steps left in the order in which it ran.

    keras-ocr joins the two without turning the second back (`go_backwards=True`), so step t joins the forward state at
    t with the backward state at T - 1 - t. Trained weights expect that.
    """

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.ahead = nn.LSTM(inputs, units, batch_first=True)
        self.back = nn.LSTM(inputs, units, batch_first=True)
        for lstm in (self.ahead, self.back):
            inputs_weight, recurrent_weight, bias, second_bias = lstm.parameters()
            nn.init.xavier_uniform_(inputs_weight)
            nn.init.orthogonal_(recurrent_weight)
            # Keras has one bias, and starts the forget gate's at 1 (Jozefowicz et al., ICML 2015).
            nn.init.zeros_(bias)
            nn.init.ones_(bias[units : 2 * units])
            nn.init.zeros_(second_bias)

    def forward(self, steps: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, inputs) -> two of (B, T, units)."""
        return self.ahead(steps)[0], self.back(steps.flip(1))[0]


class CRNNBackbone(nn.Module):
    """Everything before the head: what keras-ocr calls the backbone, and saves as `_notop.h5`."""

    def __init__(
        self,
        channels: int,
        height: int,
        width: int,
        filters: tuple[int, ...],
        rnn_units: tuple[int, int],
        pool_size: int,
        stn: bool,
    ) -> None:
        super().__init__()
        inputs = channels
        for number, outputs in enumerate(filters, start=1):
            conv = nn.Conv2d(inputs, outputs, 3, padding=1)
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
            self.add_module(f"conv_{number}", conv)
            if number in (3, 5, 7):
                self.add_module(f"bn_{number}", nn.BatchNorm2d(outputs, eps=_EPSILON, momentum=_MOMENTUM))
            inputs = outputs
        self.pool = nn.MaxPool2d(pool_size)
        rows, columns = height // pool_size**2, width // pool_size**2
        self.transformer = SpatialTransformer(filters[6], rows, columns) if stn else None
        self.fc_9 = nn.Linear(rows * filters[6], rnn_units[0])
        self.lstm_10 = KerasBidirectional(rnn_units[0], rnn_units[0])
        self.lstm_11 = KerasBidirectional(rnn_units[0], rnn_units[1])

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) in 0..1 -> (B, W / pool_size^2, 2 * rnn_units[1])."""
        features = images.flip(2)
        for number in range(1, 8):
            features = F.relu(self.get_submodule(f"conv_{number}")(features))
            if number in (3, 5, 7):
                features = self.get_submodule(f"bn_{number}")(features)
            if number in (3, 5):
                features = self.pool(features)
        if self.transformer is not None:
            features = self.transformer(features)
        steps = F.relu(self.fc_9(features.permute(0, 3, 2, 1).flatten(2)))
        ahead, back = self.lstm_10(steps)
        return torch.cat(self.lstm_11(ahead + back), dim=2)


class CRNN(nn.Module):
    """images (B, 1 or 3, height, width) -> logits (B, width / pool_size^2 - rnn_steps_to_discard, K).

    The arguments are keras-ocr's build parameters, and their defaults are those of the `kurapan` weights. Without the
    spatial transformer (`stn=False`) any width may be fed.
    """

    kind = "ctc"

    def __init__(
        self,
        alphabet: Alphabet,
        *,
        height: int = 31,
        width: int = 200,
        color: bool = False,
        filters: tuple[int, ...] = (64, 128, 256, 256, 512, 512, 512),
        rnn_units: tuple[int, int] = (128, 128),
        dropout: float = 0.25,
        rnn_steps_to_discard: int = 2,
        pool_size: int = 2,
        stn: bool = True,
    ) -> None:
        super().__init__()
        if len(filters) != 7 or len(rnn_units) != 2:
            raise ValueError(
                f"filters came with {len(filters)} and rnn_units with {len(rnn_units)} numbers; this network has 7 "
                "convolutions and 2 pairs of LSTMs."
            )
        if min(height, width) < pool_size**2:
            raise ValueError(f"{height} x {width} px leave nothing after pooling by {pool_size} twice. Make it larger.")
        channels = 3 if color else 1
        self.alphabet = alphabet
        self.rnn_steps_to_discard = rnn_steps_to_discard
        self.input = RecognizerInput(
            height=height,
            min_width=1,
            max_width=width,
            width_multiple=1,
            fit="letterbox",
            pad_value=0,
            channels="rgb" if color else "gray",
            mean=(0.0,) * channels,
            std=(1.0,) * channels,
            step_px=pool_size**2,
            lost_steps=rnn_steps_to_discard,
        )
        self.backbone = CRNNBackbone(channels, height, width, tuple(filters), rnn_units, pool_size, stn)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * rnn_units[1], alphabet.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """images (B, C, H, W) in 0..1 -> logits (B, T, K), before any softmax; id 0 is the blank."""
        logits: Tensor = self.head(self.dropout(self.backbone(images)))
        return logits[:, self.rnn_steps_to_discard :]

    def replace_alphabet(self, alphabet: Alphabet) -> None:
        """Gives the head the classes of `alphabet`; rows of the blank and of shared characters are kept."""
        self.head = head_for_alphabet(self.head, self.alphabet, alphabet)
        self.alphabet = alphabet
