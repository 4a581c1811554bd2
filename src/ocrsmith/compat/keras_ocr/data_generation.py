"""keras-ocr's data generation by its names: texts, fonts, backgrounds, scenes and the crops of their lines.

The generators of its first releases, which `tools` had, yield (image, sentence, lines) with lines of four points and a
character; see `get_sentence_image_generator` and `convert_multiline_generator_to_single_line`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from string import ascii_letters, digits
from typing import Any, Generic, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrsmith.alphabet import PRINTABLE_ASCII, Alphabet
from ocrsmith.compat.keras_ocr import files
from ocrsmith.compat.keras_ocr.augmenting import augment
from ocrsmith.compat.keras_ocr.boxes import Line, as_line, combine_line, fix_line, warpBox
from ocrsmith.compat.keras_ocr.contours import (
    compute_transformed_contour,
    get_maximum_uniform_contour,
    get_rotation_matrix,
)
from ocrsmith.compat.keras_ocr.pictures import read_and_fit
from ocrsmith.compat.keras_ocr.text_images import LIGATURES, draw_text, draw_text_image
from ocrsmith.errors import FontError, InputError, SynthesisError
from ocrsmith.geometry import transform_points
from ocrsmith.synth.backgrounds import PICTURE_SUFFIXES
from ocrsmith.synth.dictionary_text import DictionaryText, packaged_words
from ocrsmith.synth.font_files import FONT_SUFFIXES, inspect_file
from ocrsmith.synth.keras_ocr_assets import BACKGROUNDS_SHA256, FONTS_SHA256, SMALL_CAPS_SHA256, safe_unzip
from ocrsmith.synth.number_text import NumberText
from ocrsmith.synth.paint import blend
from ocrsmith.synth.texts import MixtureText, RandomText, TextGenerator

__all__ = [
    "LIGATURES",
    "compute_transformed_contour",
    "convert_image_generator_to_recognizer_input",
    "convert_lines_to_paragraph",
    "draw_text_image",
    "font_supports_alphabet",
    "get_backgrounds",
    "get_fonts",
    "get_image_generator",
    "get_maximum_uniform_contour",
    "get_rotation_matrix",
    "get_text_generator",
]

Item = TypeVar("Item")
Range = float | tuple[float, float]
# Where keras-ocr's archives are: change an entry to use a mirror of your own.
ARCHIVES: dict[str, dict[str, str]] = {
    "fonts": {"url": files.RELEASE + "fonts.zip", "sha256": FONTS_SHA256},
    "backgrounds": {"url": files.RELEASE + "backgrounds.zip", "sha256": BACKGROUNDS_SHA256},
    "small_caps": {"url": files.RELEASE + "fonts_smallcaps.txt", "sha256": SMALL_CAPS_SHA256},
}
# Scenes tried before a generator gives up: backgrounds without an even region, fonts too large for it.
_MOST_TRIES = 200
_LONGEST_SENTENCE = 80


class Drawn(Generic[Item]):
    """An endless iterator that several threads may draw from, unlike a Python generator."""

    def __init__(self, draw: Callable[[], Item]) -> None:
        self._draw = draw
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        with self._lock:
            return self._draw()


def get_text_generator(
    alphabet: str | None = None, lowercase: bool = False, max_string_length: int | None = None, seed: int | None = None
) -> Iterator[str]:
    """Endless sentences of English words, numbers and, where the alphabet has no words, random characters.

    Args:
        alphabet: what may be written; printable ASCII by default. Letters of a lower-case alphabet make words too.
        lowercase: writes in lower case.
        max_string_length: characters, at most.
        seed: makes the same texts again.

    Raises:
        AlphabetError: an alphabet that is empty or repeats a character.
        InputError: a length below 1.
    """
    if max_string_length is not None and max_string_length < 1:
        raise InputError(f"max_string_length came as {max_string_length}. At least 1 is needed.")
    characters = alphabet or PRINTABLE_ASCII
    if lowercase:
        characters = "".join(dict.fromkeys(character for character in characters if character.lower() == character))
    source = _texts(Alphabet(characters), max_string_length or _LONGEST_SENTENCE)
    rng = np.random.default_rng(seed)
    return Drawn(lambda: source.sample(rng))


def _texts(alphabet: Alphabet, longest: int) -> TextGenerator:
    words, frequencies = packaged_words("english")
    parts: list[tuple[TextGenerator, float]] = []
    try:
        sentence = DictionaryText(
            words, frequencies, alphabet, max_length=longest, single=0.1, several=0.5, sentence=0.4
        )
        parts.append((sentence, 8.0))
    except SynthesisError:
        # No word is left in this alphabet; random characters remain.
        parts.append((RandomText(alphabet, 1, min(longest, 12)), 8.0))
    if all(digit in alphabet for digit in digits) and longest >= 12:
        parts.append((NumberText(alphabet, max_length=longest), 1.0))
    parts.append((RandomText(alphabet, 1, min(longest, 12)), 1.0))
    return MixtureText(parts)


def _unpacked(name: str, cache_dir: str | Path | None) -> Path:
    folder = Path(cache_dir or files.get_default_cache_dir()).expanduser()
    entry = ARCHIVES[name]
    # Named by the hash too, so that another archive does not pass for this one.
    target = folder / f"{name}-{entry['sha256'][:12]}"
    if not target.is_dir():
        archive = files.download_and_verify(entry["url"], entry["sha256"], folder, filename=f"{name}.zip")
        safe_unzip(Path(archive), target)
    return target


def get_backgrounds(cache_dir: str | Path | None = None) -> list[str]:
    """The paths of keras-ocr's 1,035 backgrounds, downloaded at first; raises DownloadError, StorageError."""
    folder = _unpacked("backgrounds", cache_dir)
    return sorted(str(path) for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)


def get_fonts(
    cache_dir: str | Path | None = None, alphabet: str = ascii_letters + digits, exclude_smallcaps: bool = False
) -> list[str]:
    """The paths of those of keras-ocr's 2,746 fonts that draw the whole alphabet, downloaded at first.

    Args:
        exclude_smallcaps: leaves out those on keras-ocr's own list of fonts whose lower case is small capitals.
    """
    folder = _unpacked("fonts", cache_dir)
    left_out: set[str] = set()
    if exclude_smallcaps:
        entry = ARCHIVES["small_caps"]
        cache = Path(cache_dir or files.get_default_cache_dir()).expanduser()
        listed = files.download_and_verify(entry["url"], entry["sha256"], cache, filename="fonts_smallcaps.txt")
        left_out = set(Path(listed).read_text(encoding="utf-8").split("\n"))
    fonts = sorted(path for path in folder.rglob("*") if path.suffix.lower() in FONT_SUFFIXES)
    # The list names fonts by folder and file.
    kept = [path for path in fonts if "/".join(path.parts[-2:]) not in left_out]
    return [str(path) for path in kept if font_supports_alphabet(path, alphabet)]


def font_supports_alphabet(filepath: str | Path, alphabet: str) -> bool:
    """Whether a font draws every character (spaces need no glyph); False also for a file that is no font."""
    wanted = {ord(character) for character in alphabet if not character.isspace()}
    try:
        return any(wanted <= facts.code_points for facts in inspect_file(Path(filepath), sorted(wanted)))
    except FontError:
        return False


def convert_lines_to_paragraph(lines: Iterable[Any]) -> str:
    """The text of lines, one below the other."""
    return "\n".join("".join(character or "" for _, character in as_line(line)) for line in lines)


def _pick(choice: Range, rng: np.random.Generator) -> float:
    """A number as it is, a pair as one between."""
    if isinstance(choice, (tuple, list)):
        return float(rng.uniform(choice[0], choice[1]))
    return float(choice)


def get_image_generator(
    height: int,
    width: int,
    font_groups: Mapping[str, Sequence[str | Path]],
    text_generator: Iterator[str],
    font_size: Range = 18,
    backgrounds: Sequence[Any] | None = None,
    background_crop_mode: str = "crop",
    rotationX: Range = 0,
    rotationY: Range = 0,
    rotationZ: Range = 0,
    margin: int = 0,
    use_ligatures: bool = False,
    augmenter: Any = None,
    draw_contour: bool = False,
    draw_contour_text: bool = False,
    seed: int | None = None,
) -> Iterator[tuple[NDArray[np.uint8], list[Line]]]:
    """Endless scenes (image (height, width, 3), lines): black or white text on an even region of a background.

    Args:
        font_groups: alphabet -> font files; of each group one font is drawn for a scene.
        font_size: px, or a pair to draw from; rotations in degrees likewise.
        backgrounds: pictures or their paths; white where None.
        margin: px from the edge that stay free.
        augmenter: changes the background, see `tools.augment`; the text is laid on afterwards.
        draw_contour, draw_contour_text: outlines where text may stand.
        seed: makes the same scenes again, of the same texts.

    Raises:
        FontError: no font groups, or an empty one. InputError: an empty list of backgrounds.
        SynthesisError, while it is drawn from: no scene in 200 tries.
    """
    if not font_groups or not all(len(fonts) for fonts in font_groups.values()):
        raise FontError("font_groups came without fonts. Give {alphabet: [font files]}, each with one font at least.")
    if backgrounds is not None and not len(backgrounds):
        raise InputError("backgrounds came empty. Give pictures or their paths, or None for white.")
    rng = np.random.default_rng(seed)

    def attempt() -> tuple[NDArray[np.uint8], list[Line]] | None:
        size = _pick(font_size, rng)
        image: Any = np.full((height, width, 3), 255, np.uint8)
        if backgrounds is not None:
            chosen = backgrounds[int(rng.integers(len(backgrounds)))]
            image = read_and_fit(chosen, width=width, height=height, mode=background_crop_mode).copy()
        if augmenter is not None:
            image, _ = augment([], augmenter, image=image)
            image = np.ascontiguousarray(image)
        contour, dark = get_maximum_uniform_contour(image, size, margin)
        if contour is None:
            return None
        fonts = {group: listed[int(rng.integers(len(listed)))] for group, listed in font_groups.items()}
        angles = [_pick(rotation, rng) for rotation in (rotationX, rotationY, rotationZ)]
        matrix = get_rotation_matrix(width, height, *angles)
        text = next(text_generator)
        drawn = draw_text(text, size, height, width, fonts, matrix, contour, use_ligatures=use_ligatures)
        if not drawn.lines:
            return None
        blend(image, drawn.mask, (255, 255, 255) if dark else (0, 0, 0))
        if draw_contour or draw_contour_text:
            cv2.polylines(image, [contour.round().astype(np.int32)], True, (255, 0, 0), 2)
        return image, drawn.lines

    def draw() -> tuple[NDArray[np.uint8], list[Line]]:
        for _ in range(_MOST_TRIES):
            scene = attempt()
            if scene is not None:
                return scene
        raise SynthesisError(
            f"No scene came out in {_MOST_TRIES} tries: no background has an even region for letters of {font_size} "
            "px. Lower font_size or margin, or give calmer backgrounds."
        )

    return Drawn(draw)


def convert_image_generator_to_recognizer_input(
    image_generator: Iterable[Any], max_string_length: int, target_width: int, target_height: int, margin: int = 0
) -> Iterator[tuple[NDArray[np.uint8], str]]:
    """(crop (target_height, target_width, 3), text) of every line of a generator of scenes, in either spelling.

    Lines are cut so that they fit `max_string_length` CTC steps, a blank between equal neighbours included; spaces at
    their ends are dropped, and runs of them become one.
    """
    for image, line in _single_lines(image_generator, max_string_length):
        box, text = combine_line(line)
        yield warpBox(image, box, target_height, target_width, margin=margin, skip_rotate=True), text


def _single_lines(image_generator: Iterable[Any], max_steps: int) -> Iterator[tuple[NDArray[np.uint8], Line]]:
    for entry in image_generator:
        image, lines = entry[0], entry[2] if len(entry) > 2 and isinstance(entry[1], str) else entry[1]
        for line in lines:
            if len(line):
                fitting = _fitting(fix_line(line)[0], max_steps)
                if fitting:
                    yield image, fitting


def _fitting(line: Line, max_steps: int) -> Line:
    kept: Line = []
    steps = 0
    for box, character in line:
        if character == " " and (not kept or kept[-1][1] == " "):
            continue
        steps += 2 if kept and kept[-1][1] == character else 1
        if steps > max_steps:
            break
        kept.append((box, character))
    while kept and kept[-1][1] == " ":
        kept.pop()
    return kept


def _old_line(line: Line) -> list[tuple[Any, ...]]:
    """((x1, y1), (x2, y2), (x3, y3), (x4, y4), character) of each character."""
    return [(*((float(x), float(y)) for x, y in box), character) for box, character in line]


def get_sentence_image_generator(*args: Any, **kwargs: Any) -> Iterator[Any]:
    """`tools.get_image_generator` of the first releases: `get_image_generator`, yielding (image, sentence, lines)."""
    source = get_image_generator(*args, **kwargs)

    def draw() -> Any:
        image, lines = next(source)
        return image, " ".join(convert_lines_to_paragraph(lines).split("\n")), [_old_line(line) for line in lines]

    return Drawn(draw)


def convert_multiline_generator_to_single_line(
    multiline_generator: Iterable[Any], max_string_length: int, target_width: int, target_height: int, margin: int = 0
) -> Iterator[Any]:
    """`convert_image_generator_to_recognizer_input` of the first releases, yielding (image, sentence, lines)."""
    for image, line in _single_lines(multiline_generator, max_string_length):
        box, text = combine_line(line)
        crop, matrix = warpBox(
            image, box, target_height, target_width, margin=margin, return_transform=True, skip_rotate=True
        )
        moved = [(transform_points(quad, matrix), character) for quad, character in line]
        yield crop, text, [_old_line(moved)]
