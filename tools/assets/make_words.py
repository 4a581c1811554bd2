"""Makes src/ocrsmith/assets/words/english.tsv.xz: English words and names with relative frequencies.

    apt-get download scowl && dpkg-deb -x scowl_*.deb build/scowl
    pip download --no-deps -d build symspellpy better-profanity
    npm pack cuss --pack-destination build
    python tools/assets/make_words.py --scowl build/scowl --symspell build/symspellpy-*.whl \\
        --cuss build/cuss-*.tgz --profanity build/better_profanity-*.whl

Counts come from symspellpy's list (MIT; Google Books Ngram counts, CC BY 3.0, of words that SCOWL has). SCOWL's own
words and names are added; those without a count get the median count of the counted words of their level.

Slurs and obscenities are left out: pictures of drawn words are shown to people. What counts as one is said by two lists
that are read and not carried, cuss and better-profanity (both MIT); some harmless words go with them.
"""

from __future__ import annotations

import argparse
import lzma
import re
import statistics
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

ASSETS = Path(__file__).resolve().parents[2] / "src" / "ocrsmith" / "assets" / "words"
COUNTS = "symspellpy/frequency_dictionary_en_82_765.txt"
PROFANITY = "better_profanity/profanity_wordlist.txt"
LEVELS = (10, 20, 35, 40, 50, 55, 60, 70)
KINDS = ("words", "upper", "proper-names", "contractions")
MAX_BYTES = 1_000_000
# As cuss rates: 0 is hardly ever meant badly (Niger, cocktail), 1 may be, 2 is.
HARMLESS, SURE = 0, 2
INFLECTIONS = ("s", "es", "ed", "ing", "er", "ers")


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


def cuss_ratings(archive: Path) -> dict[str, int]:
    """Word -> how surely it is offensive, from the English list of the npm package."""
    with tarfile.open(archive) as package:
        listing = package.extractfile("package/index.js")
        assert listing is not None, "the package cuss has no index.js"
        text = listing.read().decode("utf-8")
    return {word: int(rating) for word, rating in re.findall(r"^  '?([^':]+)'?: (\d),?$", text, re.MULTILINE)}


def profane_words(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {line.strip().lower() for line in archive.read(PROFANITY).decode("utf-8").splitlines() if line.strip()}


def offensive(words: Iterable[str], ratings: dict[str, int], profane: set[str]) -> set[str]:
    """Those of `words` that cuss is sure of or better-profanity has, and inflections of those that cuss knows too.

    A stem must be among `words`, and none of them with an e: "spaced" comes from "space".
    """
    spelt = {word: word.lower() for word in words}
    known = set(spelt.values())
    listed = {word for word, rating in ratings.items() if rating == SURE}
    listed |= {word for word in profane if ratings.get(word) != HARMLESS}
    stems = {word for word in listed & known if word in ratings}

    def inflected(word: str) -> bool:
        for ending in INFLECTIONS:
            stem = word.removesuffix(ending)
            if (
                stem != word
                and stem in stems
                and (not stem.endswith("s") if ending == "s" else stem + "e" not in known)
            ):
                return True
        return False

    def is_offensive(word: str) -> bool:
        return word in listed or (ratings.get(word) != HARMLESS and inflected(word))

    return {word for word, lowered in spelt.items() if is_offensive(lowered)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scowl", type=Path, required=True, help="folder of the unpacked Debian package")
    parser.add_argument("--symspell", type=Path, required=True, help="wheel of symspellpy")
    parser.add_argument("--cuss", type=Path, required=True, help="tgz of the npm package cuss")
    parser.add_argument("--profanity", type=Path, required=True, help="wheel of better-profanity")
    arguments = parser.parse_args()
    merged = merge(scowl_words(arguments.scowl), counted_words(arguments.symspell))
    left_out = offensive(merged, cuss_ratings(arguments.cuss), profane_words(arguments.profanity))
    merged = {word: count for word, count in merged.items() if word not in left_out}
    total = sum(merged.values())
    ordered = sorted(merged.items(), key=lambda item: (-item[1], item[0]))
    # Per million, in four digits: more would only be noise that does not pack.
    text = "".join(f"{word}\t{count / total * 1e6:.4g}\n" for word, count in ordered)
    packed = lzma.compress(text.encode("utf-8"), preset=9 | lzma.PRESET_EXTREME)
    if len(packed) > MAX_BYTES:
        raise SystemExit(f"The words take {len(packed)} bytes; at most {MAX_BYTES} were allowed.")
    ASSETS.mkdir(parents=True, exist_ok=True)
    (ASSETS / "english.tsv.xz").write_bytes(packed)
    print(f"{len(ordered)} words, {len(packed) / 1e6:.2f} MB; {len(left_out)} offensive ones left out")


if __name__ == "__main__":
    main()
