"""A bundle whose recogniser lies between PP-OCRv6 small as it comes and one that was trained from it.

    python tools/bundles/mix_english.py runs/english/english.ocrsmith 0.1 --out english.ocrsmith

The share is that of the trained weights; see `ocrsmith.training.mixing` for why the middle is better than the end. The
detector and how both read are those of `make_english.py`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from make_english import START, card, english_alphabet, export

from ocrsmith.reading.bundle import Bundle
from ocrsmith.training.fitting import clone_state
from ocrsmith.training.mixing import Mixing
from ocrsmith.training.networks import start_network

CHANGES = (
    "PP-OCRv6 small as converted to ONNX by RapidOCR 3.10; here rebuilt in PyTorch, its recogniser's head cut to the "
    "alphabet, large weights stored in 16 bits. The detector was not trained. The recogniser was tuned on the drawn "
    "lines of the recipe `english` (words, numbers, codes, plates, seven-segment displays; no real picture), and its "
    "weights moved {share:.0%} of the way from the start to the tuned ones."
)


def mix(trained: Path, share: float, path: Path) -> Path:
    """Writes the bundle; raises WeightsError where the start's package is missing, BundleError for other networks."""
    torch.set_num_threads(2)
    alphabet, lacking = english_alphabet()
    detector = start_network("detector", alphabet, start=START)
    recognizer = start_network("recognizer", alphabet, start=START)
    tuned = start_network("recognizer", alphabet, start=str(trained.resolve()))
    state = Mixing().mixed(clone_state(recognizer.model), clone_state(tuned.model), share)
    # As the bundle stores them: the proof then shows what the export changes, and not what 16 bits do.
    stored = {name: value.half().to(value) if value.ndim >= 2 else value for name, value in state.items()}
    recognizer.model.load_state_dict(stored)
    about = {**card(detector, recognizer, lacking), "modifications": CHANGES.format(share=share)}
    return export(path, detector, recognizer, about)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trained", type=Path, help="the bundle that `ocrsmith train english` wrote")
    parser.add_argument("share", type=float, help="of the trained weights, 0 to 1")
    parser.add_argument("--out", type=Path, default=Path("english.ocrsmith"), help="the file to write")
    options = parser.parse_args()
    path = mix(options.trained, options.share, options.out)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, {len(Bundle.load(path).card)} entries in its card")


if __name__ == "__main__":
    main()
