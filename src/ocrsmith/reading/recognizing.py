"""Crops -> texts, in bounded batches of similar width."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocrsmith.alphabet import BLANK_ID
from ocrsmith.reading.alignment import place_texts
from ocrsmith.reading.batching import batches
from ocrsmith.reading.bundle_parts import RecognizerPart
from ocrsmith.reading.ctc import softmax
from ocrsmith.reading.decoding import Decoder
from ocrsmith.reading.engines import Engine, open_engine
from ocrsmith.reading.page import Recognized
from ocrsmith.reading.spaces import SPACE, correct_texts
from ocrsmith.reading.windows import read_windows, reads_windows
from ocrsmith.reading.word_edges import move_to_gaps
from ocrsmith.samples import Image

# Of a page's batches so many are computed side by side, each on one thread or more: threads that share a batch wait for
# each other at every layer.
MOST_STREAMS = 4


class _Seen(NamedTuple):
    """A crop that the network has seen.

    Attributes:
        crop: which of the crops.
        image: resized to the network's height.
        written: px of the image's width that show the crop.
        step_px: px of the image a CTC step.
        steps: how many steps are the crop's, the rest is padding.
        spaces: (steps,) the probability of a space, of the blank where the alphabet has none.
    """

    crop: int
    image: Image
    written: float
    step_px: float
    steps: int
    spaces: NDArray[np.float32]


class CropRecognizer:
    """A bundle's recogniser on an engine."""

    def __init__(self, part: RecognizerPart, engine: str = "auto", threads: int | None = None) -> None:
        self.part = part
        self.engine: Engine = open_engine(
            part.network, engine, threads, part.architecture, part.alphabet, streams=MOST_STREAMS
        )
        self.decoder = Decoder(part.alphabet)
        self._space = int(part.alphabet.encode(SPACE)[0]) if SPACE in part.alphabet else None

    def recognize(self, crops: Sequence[Image], decoder: Decoder | None = None) -> list[Recognized]:
        """One text a crop, in the crops' order; crops are (h, w, 3) uint8 RGB of any size."""
        decoder = decoder or self.decoder
        seen: list[_Seen] = []

        def batches_seen() -> Iterator[tuple[NDArray[np.float32], list[int]]]:
            for probabilities, batch in self._seen(crops):
                seen.extend(batch)
                yield probabilities, [one.steps for one in batch]

        decoded = decoder.decode_batches(batches_seen())
        first_step = self.part.input.lost_steps / 2
        rule = self.part.spaces
        images, steps_px = [one.image for one in seen], [one.step_px for one in seen]
        if rule is not None and decoder.adds_spaces:
            decoded = correct_texts(decoded, images, steps_px, rule, [one.spaces for one in seen], first_step)
        widths_px = [one.written for one in seen]
        placed = place_texts(decoded, [px / width for px, width in zip(steps_px, widths_px)], first_step)
        placed = move_to_gaps(placed, decoded, images, steps_px, widths_px, first_step)
        results = dict(zip((one.crop for one in seen), placed, strict=True))
        return [results[index] for index in range(len(crops))]

    def _seen(self, crops: Sequence[Image]) -> Iterator[tuple[NDArray[np.float32], list[_Seen]]]:
        """Batch by batch what the network makes of the crops: probabilities (B, T, K), and B crops."""
        rule = self.part.input
        # Resized crops of a page are a few MB; only the order needs all of their widths.
        widths = [crop.shape[1] * rule.height / max(1, crop.shape[0]) for crop in crops]
        most = rule.max_width if reads_windows(rule) else np.inf
        rest = []
        for index, width in enumerate(widths):
            if width > most:
                yield self._see_long(index, crops[index])
            else:
                rest.append(index)
        waiting: deque[tuple[list[int], list[Image], int]] = deque()

        def inputs() -> Iterator[NDArray[np.float32]]:
            shapes = [rule.padded_width(max(widths[index], rule.min_width)) for index in rest]
            for places, padded in batches(shapes, self.engine.num_streams):
                indexes = [rest[place] for place in places]
                resized = [rule.resize(crops[index]) for index in indexes]
                waiting.append((indexes, resized, padded))
                yield rule.normalize(rule.stack(resized, padded))

        for output in self.engine.run_each(inputs()):
            indexes, resized, padded = waiting.popleft()
            written = [self._written_width(crops[index], image) for index, image in zip(indexes, resized)]
            probabilities = self._probabilities(output)
            step_px = padded / (probabilities.shape[1] + rule.lost_steps)
            yield probabilities, self._batch_seen(probabilities, indexes, resized, written, step_px)

    def _written_width(self, crop: Image, resized: Image) -> float:
        """px of a resized crop that show the crop and not a letterbox's filling."""
        if self.part.input.fit != "letterbox":
            return resized.shape[1]
        return max(1.0, crop.shape[1] * min(resized.shape[1] / crop.shape[1], resized.shape[0] / crop.shape[0]))

    def _see_long(self, index: int, crop: Image) -> tuple[NDArray[np.float32], list[_Seen]]:
        """One line that is wider at the network's height than its input, in overlapping windows."""
        spaces = [] if self._space is None else [self._space]
        resized, joined, step_px = read_windows(
            crop,
            self.part.input,
            lambda inputs: map(self._probabilities, self.engine.run_each(inputs)),
            spaces,
            self.engine.num_streams,
        )
        return joined[None], self._batch_seen(joined[None], [index], [resized], [resized.shape[1]], step_px)

    def _batch_seen(
        self,
        probabilities: NDArray[np.float32],
        indexes: Sequence[int],
        resized: Sequence[Image],
        written: Sequence[float],
        step_px: float,
    ) -> list[_Seen]:
        # Copied: a view would hold all classes of all batches of a page.
        spaces = probabilities[..., BLANK_ID if self._space is None else self._space].copy()
        batch = []
        for index, image, width, row in zip(indexes, resized, written, spaces):
            # One step past the crop's end: recurrent networks may write their last character late.
            steps = min(probabilities.shape[1], math.ceil(image.shape[1] / step_px) + 1)
            batch.append(_Seen(index, image, width, step_px, steps, row[:steps]))
        return batch

    def _probabilities(self, output: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.part.output == "logits":
            return softmax(output)
        return np.exp(output) if self.part.output == "log_probabilities" else output
