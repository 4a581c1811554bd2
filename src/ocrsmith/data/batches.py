"""From line samples to the recogniser's batches: resized, encoded, checked against CTC's steps, gathered by width.

Pixels stay uint8 until they are on the device that trains: a quarter of the bytes between processes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import TextDoesNotFitError
from ocrsmith.preprocess import RecognizerInput
from ocrsmith.samples import Image, LineSample

TOO_LONG = "text longer than its CTC steps"
OUTSIDE_ALPHABET = "text outside the alphabet"
EMPTY = "empty text"
NO_PLACE = -100  # what cross-entropy ignores


@dataclass(frozen=True, eq=False)
class RecognizerBatch:
    """What one training step of a recogniser is fed.

    Attributes:
        stack: (B, height, W, 3) uint8 RGB, padded at the right.
        ids: B arrays (L,) int64, without blanks.
        input_lengths: (B,) int64, the CTC steps that each line's own width gives.
        texts: B texts as the alphabet writes them.
        places: (B, T) int64, for each CTC step of the padded width the id of the character whose middle stands there,
            0 where none does, and `NO_PLACE` throughout a line whose characters' places are not known.
        refused: causes and counts of the samples that were left out on the way to this batch.
        source: of real crops kept apart for validation, the name of their set; else empty.
    """

    stack: NDArray[np.uint8]
    ids: tuple[NDArray[np.int64], ...]
    input_lengths: NDArray[np.int64]
    texts: tuple[str, ...]
    places: NDArray[np.int64]
    refused: dict[str, int] = field(default_factory=dict)
    source: str = ""

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, eq=False)
class EncodedLine:
    """A line that fits: `image` (height, w, 3) uint8 resized, `ids` (L,) int64, the normalised `text`.

    `middles` (L,) float32: the x of each id's character in the resized image, px; None where it is not known.
    """

    image: Image
    ids: NDArray[np.int64]
    text: str
    middles: NDArray[np.float32] | None = None


def ctc_steps_needed(ids: NDArray[np.int64]) -> int:
    """Steps that CTC needs to write `ids` (L,): one each, and a blank between two equal neighbours.

    Graves et al., "Connectionist Temporal Classification", ICML 2006, section 3.1.
    """
    return len(ids) + int(np.count_nonzero(ids[1:] == ids[:-1]))


def encode_line(sample: LineSample, alphabet: Alphabet, contract: RecognizerInput) -> EncodedLine | str:
    """A line resized and encoded, or the cause for which it cannot be trained on."""
    text = alphabet.normalize(sample.text)
    if not text.strip():
        return EMPTY
    if not alphabet.covers(text):
        return OUTSIDE_ALPHABET
    ids = alphabet.encode(text)
    image = contract.resize(sample.image)
    if ctc_steps_needed(ids) > contract.num_steps(image.shape[1]):
        return TOO_LONG
    return EncodedLine(image, ids, text, _middles(sample, len(ids), image.shape[1]))


def _middles(sample: LineSample, num_ids: int, width_px: int) -> NDArray[np.float32] | None:
    """Where each id's character stands; None without characters, or where a cluster is not one id."""
    if sample.characters is None or len(sample.characters) != num_ids:
        return None
    centres = np.array([character.quad[:, 0].mean() for character in sample.characters], np.float32)
    return centres * (width_px / sample.image.shape[1])


def collate_lines(
    lines: Sequence[EncodedLine],
    contract: RecognizerInput,
    refused: dict[str, int] | None = None,
    source: str = "",
) -> RecognizerBatch:
    """Stacks lines (at least one) into a batch as wide as the widest, rounded up to a few widths.

    Few widths, because a CPU compiles its kernels anew for each: with every multiple of 16 px a run spent its first
    minutes compiling, at 8 lines/s instead of 350.
    """
    widest = max(line.image.shape[1] for line in lines)
    stack = contract.stack([line.image for line in lines], contract.padded_width(widest))
    num_steps = contract.num_steps(stack.shape[2])
    return RecognizerBatch(
        stack=stack,
        places=np.stack([_places(line, num_steps, contract.step_px) for line in lines]),
        ids=tuple(line.ids for line in lines),
        input_lengths=np.array([contract.num_steps(line.image.shape[1]) for line in lines], dtype=np.int64),
        texts=tuple(line.text for line in lines),
        refused=refused or {},
        source=source,
    )


def _places(line: EncodedLine, num_steps: int, step_px: int) -> NDArray[np.int64]:
    """(num_steps,) ids at the characters' middles, see `RecognizerBatch.places`."""
    if line.middles is None:
        return np.full(num_steps, NO_PLACE, np.int64)
    places = np.zeros(num_steps, np.int64)
    places[np.clip((line.middles / step_px).astype(np.int64), 0, num_steps - 1)] = line.ids
    return places


@dataclass(frozen=True)
class LineBatches:
    """Turns a pool of line samples into batches of similar widths.

    The lines are sorted by width, cut into `num_batches` of nearly equal size, and the batches shuffled by the pool's
    own number, so that the order is the same everywhere and widths do not climb within a pool. Where lines were
    refused, the first others come twice.

    Args:
        alphabet, contract: what encodes and resizes.
        seed: of the shuffle.

    Raises:
        TextDoesNotFitError: fewer usable lines than batches; the message counts the causes.
    """

    alphabet: Alphabet
    contract: RecognizerInput
    seed: int = 0

    def __call__(self, samples: Sequence[LineSample], pool: int, num_batches: int) -> list[RecognizerBatch]:
        lines: list[EncodedLine] = []
        refused: Counter[str] = Counter()
        for sample in samples:
            line = encode_line(sample, self.alphabet, self.contract)
            if isinstance(line, str):
                refused[line] += 1
            else:
                lines.append(line)
        if len(lines) < num_batches:
            causes = ", ".join(f"{count} with {cause}" for cause, count in refused.most_common())
            raise TextDoesNotFitError(
                f"Of {len(samples)} lines only {len(lines)} can be trained on ({causes or 'none refused'}); "
                f"{num_batches} batches need at least one each. Ask for shorter texts or wider crops, or give the "
                "alphabet the characters that the texts hold."
            )
        # Batches of one size: kernels are compiled for it, so the places of refused lines are taken by others.
        lines += lines[: len(samples) - len(lines)]
        lines.sort(key=lambda line: line.image.shape[1])
        parts = [lines[part[0] : part[-1] + 1] for part in np.array_split(np.arange(len(lines)), num_batches)]
        order = np.random.default_rng([self.seed, pool]).permutation(num_batches)
        return [
            collate_lines(parts[place], self.contract, dict(refused) if first else None)
            for first, place in zip([True] + [False] * (num_batches - 1), order)
        ]
