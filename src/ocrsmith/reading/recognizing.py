"""Crops -> texts, in bounded batches of similar width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ocrsmith.reading.alignment import place_characters
from ocrsmith.reading.bundle_parts import RecognizerPart
from ocrsmith.reading.ctc import softmax
from ocrsmith.reading.decoding import Decoder
from ocrsmith.reading.engines import Engine, open_engine
from ocrsmith.reading.page import Recognized
from ocrsmith.reading.spaces import SPACE, insert_spaces
from ocrsmith.samples import Image

# Bounds on one batch: crops, px of padded width, and padding as a share of its widest crop.
MAX_BATCH = 32
MAX_BATCH_WIDTH_PX = 8192
MAX_PADDING = 0.25


class CropRecognizer:
    """A bundle's recogniser on an engine."""

    def __init__(self, part: RecognizerPart, engine: str = "auto", threads: int | None = None) -> None:
        self.part = part
        self.engine: Engine = open_engine(part.network, engine, threads)
        self.decoder = Decoder(part.alphabet)

    def recognize(self, crops: Sequence[Image], decoder: Decoder | None = None) -> list[Recognized]:
        """One text a crop, in the crops' order; crops are (h, w, 3) uint8 RGB of any size."""
        decoder = decoder or self.decoder
        results: list[Recognized | None] = [None] * len(crops)
        heights = self.part.input.height
        # Resized crops of a page are a few MB; only the order needs all of their widths.
        widths = [crop.shape[1] * heights / max(1, crop.shape[0]) for crop in crops]
        for indexes in batches(widths):
            resized = [self.part.input.resize(crops[index]) for index in indexes]
            written = [self._written_width(crops[index], image) for index, image in zip(indexes, resized)]
            for index, result in zip(indexes, self._run(resized, written, decoder)):
                results[index] = result
        return [result for result in results if result is not None]

    def _written_width(self, crop: Image, resized: Image) -> float:
        """px of a resized crop that show the crop and not a letterbox's filling."""
        if self.part.input.fit != "letterbox":
            return resized.shape[1]
        return max(1.0, crop.shape[1] * min(resized.shape[1] / crop.shape[1], resized.shape[0] / crop.shape[0]))

    def _run(self, resized: Sequence[Image], written: Sequence[float], decoder: Decoder) -> list[Recognized]:
        stack = self.part.input.stack(resized)
        probabilities = self._probabilities(self.engine.run(self.part.input.normalize(stack)))
        lost = self.part.input.lost_steps
        step_px = stack.shape[2] / (probabilities.shape[1] + lost)
        # One step past the crop's end: recurrent networks may write their last character late.
        lengths = [min(probabilities.shape[1], int(np.ceil(crop.shape[1] / step_px)) + 1) for crop in resized]
        decoded = decoder.decode_batch(probabilities, lengths)
        rule = self.part.spaces
        if rule is not None and decoder.adds_spaces:
            spaces = probabilities[..., int(self.part.alphabet.encode(SPACE)[0])]
            decoded = [
                insert_spaces(text, image, step_px, rule, row[:length], lost / 2)
                for text, image, row, length in zip(decoded, resized, spaces, lengths)
            ]
        return [place_characters(text, step_px / width, lost / 2) for text, width in zip(decoded, written)]

    def _probabilities(self, output: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.part.output == "logits":
            return softmax(output)
        return np.exp(output) if self.part.output == "log_probabilities" else output


def batches(widths: Sequence[float]) -> Iterator[list[int]]:
    """Indexes of crops in batches, widest first, within the bounds above."""
    order = sorted(range(len(widths)), key=lambda index: -widths[index])
    batch: list[int] = []
    for index in order:
        widest = widths[batch[0]] if batch else 0.0
        full = len(batch) == MAX_BATCH or (len(batch) + 1) * widest > MAX_BATCH_WIDTH_PX
        # Crops of a few letters always share a batch: their padding is small in px.
        if batch and (full or widest - widths[index] > max(64.0, MAX_PADDING * widest)):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
