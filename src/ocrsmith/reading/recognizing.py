"""Crops -> texts, in bounded batches of similar width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ocrsmith.reading.alignment import place_characters
from ocrsmith.reading.batching import batches
from ocrsmith.reading.bundle_parts import RecognizerPart
from ocrsmith.reading.ctc import softmax
from ocrsmith.reading.decoding import Decoder
from ocrsmith.reading.engines import Engine, open_engine
from ocrsmith.reading.page import Recognized
from ocrsmith.reading.spaces import SPACE, correct_spaces
from ocrsmith.reading.windows import read_windows, reads_windows
from ocrsmith.samples import Image


class CropRecognizer:
    """A bundle's recogniser on an engine."""

    def __init__(self, part: RecognizerPart, engine: str = "auto", threads: int | None = None) -> None:
        self.part = part
        self.engine: Engine = open_engine(part.network, engine, threads, part.architecture, part.alphabet)
        self.decoder = Decoder(part.alphabet)

    def recognize(self, crops: Sequence[Image], decoder: Decoder | None = None) -> list[Recognized]:
        """One text a crop, in the crops' order; crops are (h, w, 3) uint8 RGB of any size."""
        decoder = decoder or self.decoder
        results: list[Recognized | None] = [None] * len(crops)
        rule = self.part.input
        # Resized crops of a page are a few MB; only the order needs all of their widths.
        widths = [crop.shape[1] * rule.height / max(1, crop.shape[0]) for crop in crops]
        most = rule.max_width if reads_windows(rule) else np.inf
        for index in (index for index, width in enumerate(widths) if width > most):
            results[index] = self._read_long(crops[index], decoder)
        rest = [index for index, result in enumerate(results) if result is None]
        for places, padded in self._batches([self._resized_width(widths[index]) for index in rest]):
            indexes = [rest[place] for place in places]
            resized = [rule.resize(crops[index]) for index in indexes]
            written = [self._written_width(crops[index], image) for index, image in zip(indexes, resized)]
            for index, result in zip(indexes, self._run(resized, padded, written, decoder)):
                results[index] = result
        return [result for result in results if result is not None]

    def _batches(self, widths: Sequence[float]) -> Iterator[tuple[list[int], int]]:
        rule = self.part.input
        return batches(widths, rule.width_multiple, rule.batch_width([rule.max_width]))

    def _resized_width(self, width: float) -> float:
        """px of the resized crop that is this wide at the network's height with its aspect kept."""
        rule = self.part.input
        return min(max(width, rule.min_width), rule.max_width) if rule.fit == "pad" else rule.max_width

    def _written_width(self, crop: Image, resized: Image) -> float:
        """px of a resized crop that show the crop and not a letterbox's filling."""
        if self.part.input.fit != "letterbox":
            return resized.shape[1]
        return max(1.0, crop.shape[1] * min(resized.shape[1] / crop.shape[1], resized.shape[0] / crop.shape[0]))

    def _read_long(self, crop: Image, decoder: Decoder) -> Recognized:
        """One line that is wider at the network's height than its input, in overlapping windows."""
        spaces = [int(self.part.alphabet.encode(SPACE)[0])] if SPACE in self.part.alphabet else []
        resized, joined, step_px = read_windows(
            crop, self.part.input, lambda images: self._probabilities(self.engine.run(images)), spaces
        )
        return self._decoded(joined[None], [resized], [resized.shape[1]], step_px, decoder)[0]

    def _run(
        self, resized: Sequence[Image], padded: int, written: Sequence[float], decoder: Decoder
    ) -> list[Recognized]:
        stack = self.part.input.stack(resized, padded)
        probabilities = self._probabilities(self.engine.run(self.part.input.normalize(stack)))
        step_px = stack.shape[2] / (probabilities.shape[1] + self.part.input.lost_steps)
        return self._decoded(probabilities, resized, written, step_px, decoder)

    def _decoded(
        self,
        probabilities: NDArray[np.float32],
        resized: Sequence[Image],
        written: Sequence[float],
        step_px: float,
        decoder: Decoder,
    ) -> list[Recognized]:
        lost = self.part.input.lost_steps
        # One step past the crop's end: recurrent networks may write their last character late.
        lengths = [min(probabilities.shape[1], int(np.ceil(crop.shape[1] / step_px)) + 1) for crop in resized]
        decoded = decoder.decode_batch(probabilities, lengths)
        rule = self.part.spaces
        if rule is not None and decoder.adds_spaces:
            spaces = probabilities[..., int(self.part.alphabet.encode(SPACE)[0])]
            decoded = [
                correct_spaces(text, image, step_px, rule, row[:length], lost / 2)
                for text, image, row, length in zip(decoded, resized, spaces, lengths)
            ]
        return [place_characters(text, step_px / width, lost / 2) for text, width in zip(decoded, written)]

    def _probabilities(self, output: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.part.output == "logits":
            return softmax(output)
        return np.exp(output) if self.part.output == "log_probabilities" else output
