"""The VGG-BiLSTM-CTC recogniser of EasyOCR's second generation, which `english_g2` was trained for.

Feature extractor and sequence model of CRNN (Shi et al., TPAMI 2017) in the form of the four-stage framework of Baek et
al., "What Is Wrong With Scene Text Recognition Model Comparisons?", ICCV 2019, without its first stage.
"""

from __future__ import annotations

from torch import Tensor, nn

from ocrsmith.alphabet import Alphabet
from ocrsmith.models.ctc_head import head_for_alphabet
from ocrsmith.preprocess import RecognizerInput

# What the 96 rows behind the blank write, in their order.
ENGLISH_G2_CHARACTERS = (
    "0123456789!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ €ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

# The released checkpoint's names for the three parts.
_RELEASED_NAMES = {"FeatureExtraction.ConvNet.": "backbone.", "SequenceModeling.": "context.", "Prediction.": "head."}


class BidirectionalLSTM(nn.Module):
    """A bidirectional LSTM and a linear layer that joins its two directions."""

    def __init__(self, inputs: int, units: int, outputs: int) -> None:
        super().__init__()
        self.rnn = nn.LSTM(inputs, units, bidirectional=True, batch_first=True)
        self.linear = nn.Linear(2 * units, outputs)

    def forward(self, steps: Tensor) -> Tensor:
        """(B, T, inputs) -> (B, T, outputs)."""
        joined: Tensor = self.linear(self.rnn(steps)[0])
        return joined


def vgg_features(outputs: int) -> nn.Sequential:
    """(B, 1, 64, W) -> (B, outputs, 3, W / 4 - 1); layers numbered as in the checkpoint."""
    one, two, three, four = outputs // 8, outputs // 4, outputs // 2, outputs
    return nn.Sequential(
        nn.Conv2d(1, one, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),  # 32 rows
        nn.Conv2d(one, two, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),  # 16 rows
        nn.Conv2d(two, three, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(three, three, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d((2, 1)),  # 8 rows
        nn.Conv2d(three, four, 3, padding=1, bias=False),
        nn.BatchNorm2d(four),
        nn.ReLU(inplace=True),
        nn.Conv2d(four, four, 3, padding=1, bias=False),
        nn.BatchNorm2d(four),
        nn.ReLU(inplace=True),
        nn.MaxPool2d((2, 1)),  # 4 rows
        nn.Conv2d(four, four, 2),  # 3 rows, one column lost
        nn.ReLU(inplace=True),
    )


class VggBiLSTM(nn.Module):
    """images (B, 1, 64, W) -> logits (B, W / 4 - 1, K); 3.8 M parameters at the defaults of `english_g2`.

    Args:
        alphabet: gives K = alphabet.num_classes; id 0 is the blank.
        channels: of the features; units: of each direction of the two LSTMs.
    """

    kind = "ctc"

    def __init__(self, alphabet: Alphabet, *, channels: int = 256, units: int = 256) -> None:
        super().__init__()
        self.alphabet = alphabet
        self.input = RecognizerInput(
            height=64,
            min_width=16,
            max_width=2048,
            width_multiple=16,
            channels="gray",
            mean=(0.5,),
            std=(0.5,),
            step_px=4,
            lost_steps=1,
            repeat_edge=True,
        )
        self.backbone = vgg_features(channels)
        self.context = nn.Sequential(BidirectionalLSTM(channels, units, units), BidirectionalLSTM(units, units, units))
        self.head = nn.Linear(units, alphabet.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """images (B, 1, 64, W) in -1..1 -> logits (B, W / 4 - 1, K), before any softmax."""
        columns = self.backbone(images).mean(dim=2).transpose(1, 2)
        logits: Tensor = self.head(self.context(columns))
        return logits

    def replace_alphabet(self, alphabet: Alphabet) -> None:
        """Gives the head the classes of `alphabet`; rows of the blank and of shared characters are kept."""
        self.head = head_for_alphabet(self.head, self.alphabet, alphabet)
        self.alphabet = alphabet

    @staticmethod
    def own_name(released: str) -> str:
        """The name here of a tensor of the released checkpoint; names that are already ours come back unchanged."""
        for theirs, own in _RELEASED_NAMES.items():
            if released.startswith(theirs):
                return own + released.removeprefix(theirs)
        return released
