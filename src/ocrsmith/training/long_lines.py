"""Real lines wider than a recogniser's input, cut into overlapping pieces before they are trained on.

Reading shows a network such a line in overlapping windows, never squeezed; so does training. Which part of the text
stands in a piece follows from a forced alignment: the likeliest of all paths that write the label, by the network as it
starts (Graves et al., "Connectionist Temporal Classification", ICML 2006; the search is Viterbi's). It says between
which two columns a gap lies, and the picture says where in between there is no ink.

Where the network does not read a line as it is labelled nothing says where to cut: such a line stays whole.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ocrsmith.alphabet import BLANK_ID, Alphabet
from ocrsmith.data.line_pieces import Gap, LinePiece, cut_line
from ocrsmith.errors import StorageError
from ocrsmith.models.torch_engine import evaluating, read_output
from ocrsmith.preprocess import RecognizerInput
from ocrsmith.reading.automata import best_path, text_automaton
from ocrsmith.reading.ctc import collapse
from ocrsmith.reading.ink import gaps, ink_mask
from ocrsmith.reading.spaces import SPACE
from ocrsmith.reading.windows import OVERLAP, read_windows, reads_windows
from ocrsmith.samples import Image
from ocrsmith.training.real_samples import RealCrop

UNKNOWN_CHARACTERS = "characters that the start does not write"
NOT_READ = "the start does not read them as they are labelled"
NO_GAP = "no gaps to cut them at"
# The least mean of log probabilities a character of an alignment, in every piece of a line: see docs/experiments.md.
LEAST_MEAN = -1.5
# What a character costs that the network rules out: a single mistake in a label must not refuse a line.
_LEAST_PROBABILITY = 1e-4
# Where no column is without ink, a space is one that the network is as sure of as this.
_SURE_SPACE = 0.5


@dataclass(frozen=True, eq=False)
class AlignedLine:
    """Where a text stands in a line that shows it.

    Attributes:
        marks: (L,) float64, each character's column in the line, px: the middle of its steps.
        confidences: (L,) float32, the network's greatest probability of each character in its steps.
        step_scores: (T,) float64, the log probability of the alignment in each step, step_px px of the line each.
    """

    marks: NDArray[np.float64]
    confidences: NDArray[np.float32]
    step_scores: NDArray[np.float64]
    step_px: float

    def score(self, piece: LinePiece) -> float:
        """The mean log probability a character of a piece."""
        first, last = (round(end / self.step_px) for end in (piece.left_px, piece.right_px))
        return float(self.step_scores[first:last].sum()) / (piece.stop - piece.start)


def align(
    probabilities: NDArray[np.float32], ids: NDArray[np.int64], alphabet: Alphabet, step_px: float
) -> AlignedLine | None:
    """The likeliest alignment of a text, or None where it does not fit the steps.

    Args:
        probabilities: (T, K). ids: (L,) of the text, at least one.
        step_px: px of the line a step.
    """
    floored = np.maximum(probabilities, np.float32(_LEAST_PROBABILITY))
    path = best_path(floored, text_automaton(ids.tolist()))
    if path is None:
        return None
    chosen = floored[np.arange(len(path)), path]
    (text,) = collapse(path, chosen, alphabet, [len(path)])
    marks = text.character_steps.mean(axis=1) * step_px
    return AlignedLine(marks, text.character_confidences, np.log(chosen.astype(np.float64)), step_px)


def gaps_between(aligned: AlignedLine, line: Image, solid: NDArray[np.bool_]) -> list[Gap]:
    """Where a line may be cut: between each two neighbouring characters with a column without ink between their marks.

    The widest such gap is taken, at its middle. Words are also parted at a space that the network is sure of, in the
    middle of its steps, where ground or noise leaves no column without ink.

    Args:
        line: (h, w, 3), in whose px the marks are.
        solid: (L,) false for white space.
    """
    found, _ = gaps(ink_mask(line))
    places = np.flatnonzero(solid)
    cuts = []
    for left, right in zip(places.tolist(), places[1:].tolist()):
        first, last = aligned.marks[left], aligned.marks[right]
        inside = np.clip(found, first, last)
        widths = inside[:, 1] - inside[:, 0]
        if len(widths) and widths.max() >= 1:
            middle = float(inside[int(widths.argmax())].mean())
        elif right - left > 1 and aligned.confidences[left + 1 : right].max() >= _SURE_SPACE:
            middle = float(aligned.marks[left + 1 : right].mean())
        else:
            continue
        cuts.append(Gap(middle, left + 1, right))
    return cuts


@dataclass(eq=False)
class LongLines:
    """Cuts real lines into pieces, each line once in a run.

    What was found is written to a file, so that a run that was killed goes on with the same pieces.

    Args:
        model: the start, images (B, C, H, W) -> logits (B, T, K), with `.alphabet` and `.input`.
        new_characters: those of its alphabet that it does not write yet.

    Attributes:
        seconds: that it has taken, over all lives of the run.
    """

    model: nn.Module
    new_characters: Sequence[str] = ()
    seconds: float = 0.0
    _known: dict[str, list[list[int | str]] | str] = field(default_factory=dict)

    @property
    def contract(self) -> RecognizerInput:
        """What the network is fed."""
        return self.model.input  # type: ignore[return-value]

    @property
    def alphabet(self) -> Alphabet:
        """The network's."""
        return self.model.alphabet  # type: ignore[return-value]

    def is_long(self, crop: RealCrop, size: tuple[int, int]) -> bool:
        """Whether a crop of this (width, height) would be squeezed, though it is read in windows."""
        rule = self.contract
        left, top, right, bottom = crop.box(size)
        return reads_windows(rule) and round((right - left) * rule.height / (bottom - top)) > rule.max_width

    def cut(self, crop: RealCrop, size: tuple[int, int]) -> list[RealCrop] | str | None:
        """The pieces of a line whose text the alphabet covers, or why it stays whole; None where it is not long.

        Args:
            size: width and height of its picture, px.

        Raises:
            InputError: the picture cannot be decoded.
        """
        if not self.is_long(crop, size):
            return None
        key = json.dumps([str(crop.source.path), crop.source.name, crop.text, *size], ensure_ascii=False)
        if key not in self._known:
            began = time.monotonic()
            self._known[key] = self._cut(crop, size)
            self.seconds += time.monotonic() - began
        found = self._known[key]
        if isinstance(found, str):
            return found
        return [
            RealCrop(crop.source, str(text), crop.margin_px, (int(left), int(right))) for left, right, text in found
        ]

    def _cut(self, crop: RealCrop, size: tuple[int, int]) -> list[list[int | str]] | str:
        ids = self.alphabet.encode(crop.text)
        entries = [self.alphabet.characters[id_ - 1] for id_ in ids.tolist()]
        if set(entries) & set(self.new_characters):
            return UNKNOWN_CHARACTERS
        line = crop.image()
        aligned = self._aligned(line, ids)
        if aligned is None:
            return NOT_READ
        solid = np.array([not entry.isspace() for entry in entries])
        offset = crop.box(size)[0]
        pieces = cut_line(
            gaps_between(aligned, line, solid),
            line.shape[1],
            len(ids),
            self._widest(crop, size) - offset,
            OVERLAP * line.shape[0],
        )
        if pieces is None:
            return NO_GAP
        if any(aligned.score(piece) < LEAST_MEAN for piece in pieces):
            return NOT_READ
        cuts = [round(piece.left_px) + offset for piece in pieces[1:]]
        stops = [round(piece.right_px) + offset for piece in pieces[:-1]]
        texts = ["".join(entries[piece.start : piece.stop]) for piece in pieces]
        return [[*row] for row in zip([0, *cuts], [*stops, size[0]], texts)]

    def _widest(self, crop: RealCrop, size: tuple[int, int]) -> int:
        """px of a picture that are not squeezed, however much of the margin above and below is cut away."""
        _, top, _, bottom = crop.box(size, np.zeros(4))
        return (bottom - top) * self.contract.max_width // self.contract.height

    def _aligned(self, line: Image, ids: NDArray[np.int64]) -> AlignedLine | None:
        device = next(self.model.parameters()).device
        silent = self.alphabet.encode(SPACE).tolist() if SPACE in self.alphabet else [BLANK_ID]
        with evaluating(self.model):
            resized, probabilities, step_px = read_windows(
                line,
                self.contract,
                lambda inputs: (read_output(self.model, torch.from_numpy(images).to(device)) for images in inputs),
                silent,
            )
        return align(probabilities, ids, self.alphabet, step_px * line.shape[1] / resized.shape[1])

    def save(self, path: Path) -> None:
        """Writes what was found, whole or not at all; raises StorageError."""
        partial = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            form = {"seconds": self.seconds, "lines": self._known}
            partial.write_text(json.dumps(form, ensure_ascii=False, indent=0), encoding="utf-8")
            partial.replace(path)
        except OSError as error:
            raise StorageError(f"{path} could not be written ({error}). Check space and rights.") from None

    def load(self, path: Path) -> None:
        """Takes what `save` wrote; raises StorageError."""
        try:
            form = json.loads(path.read_text(encoding="utf-8"))
            self.seconds, self._known = float(form["seconds"]), dict(form["lines"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageError(f"The pieces {path} cannot be read ({error!r}). Start over with --restart.") from None
