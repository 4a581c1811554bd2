"""The public data sets that keras-ocr reads, and generators over labelled pictures.

A detector's label is (path, lines, confidence), a recogniser's (path, box or None, text). Addresses and checksums are
those of keras-ocr 0.9.3.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocrsmith.compat.keras_ocr import files
from ocrsmith.compat.keras_ocr.augmenting import augment
from ocrsmith.compat.keras_ocr.boxes import Line, adjust_boxes, combine_line, warpBox
from ocrsmith.compat.keras_ocr.pictures import fit, read
from ocrsmith.errors import DownloadError, InputError, LabelError
from ocrsmith.samples import Image
from ocrsmith.synth.keras_ocr_assets import safe_unzip

DetectorLabel = tuple[str, list[Any], float]
RecognizerLabel = tuple[str, NDArray[np.float32] | None, str]

# name -> address and checksum; change an entry to use a mirror of your own.
SOURCES: dict[str, tuple[str, str | None]] = {
    "cocotext.v2.zip": (
        "https://github.com/bgshih/cocotext/releases/download/dl/cocotext.v2.zip",
        "1444893ce7dbcd8419b2ec9be6beb0dba9cf8a43bf36cab4293d5ba6cecb7fb1",
    ),
    "Challenge1_Training_Task3_Images_GT.zip": (
        files.RELEASE + "Challenge1_Training_Task3_Images_GT.zip",
        "8ede0639f5a8031d584afd98cee893d1c5275d7f17863afc2cba24b13c932b07",
    ),
    "Challenge1_Test_Task3_Images.zip": (
        files.RELEASE + "Challenge1_Test_Task3_Images.zip",
        "8f781b0140fd0bac3750530f0924bce5db3341fd314a2fcbe9e0b6ca409a77f0",
    ),
    "Challenge1_Test_Task3_GT.txt": (
        files.RELEASE + "Challenge1_Test_Task3_GT.txt",
        "fce7f1228b7c4c26a59f13f562085148acf063d6690ce51afc395e0a1aabf8be",
    ),
    "Challenge2_Training_Task12_Images.zip": (
        files.RELEASE + "Challenge2_Training_Task12_Images.zip",
        "7a57d1699fbb92db3ad82c930202938562edaf72e1c422ddd923860d8ace8ded",
    ),
    "Challenge2_Training_Task2_GT.zip": (
        files.RELEASE + "Challenge2_Training_Task2_GT.zip",
        "4cedd5b1e33dc4354058f5967221ac85dbdf91a99b30f3ab1ecdf42786a9d027",
    ),
    "ImagesPart1.zip": (
        "https://www.mediafire.com/file/snekaezeextc3ee/ImagesPart1.zip/file",
        "1968894ef93b97f3ef4c97880b6dce85b1851f4d778e253f4e7265b152a4986f",
    ),
    "ImagesPart2.zip": (
        "https://www.mediafire.com/file/i2snljkfm4t2ojm/ImagesPart2.zip/file",
        "5651b9137e877f731bfebb2a8b75042e26baa389d2fb1cfdbb9e3da343757241",
    ),
    "mlt2019_dataset.json": (files.RELEASE + "mlt2019_dataset.json", None),
}
COCO_IMAGES = "http://images.cocodataset.org/train2014/"


def _folder(cache_dir: str | Path | None, name: str) -> Path:
    return Path(cache_dir or files.get_default_cache_dir()).expanduser() / name


def _get(name: str, folder: Path) -> Path:
    url, sha256 = SOURCES[name]
    try:
        return Path(files.download_and_verify(url, sha256, folder, filename=name))
    except DownloadError as error:
        raise DownloadError(f"{error} Or get {name} with a browser and put it into {folder}.") from None


def _unzipped(name: str, folder: Path) -> Path:
    target = folder / Path(name).stem
    return target if target.is_dir() else safe_unzip(_get(name, folder), target)


def _check_split(split: str, known: tuple[str, ...]) -> None:
    if split not in known:
        raise InputError(f"split came as {split!r}. Use one of {', '.join(known)}.")


def get_cocotext_recognizer_dataset(
    split: str = "train",
    cache_dir: str | Path | None = None,
    limit: int | None = None,
    legible_only: bool = False,
    english_only: bool = False,
    return_raw_labels: bool = False,
) -> Any:
    """COCO-Text's words, their pictures downloaded one by one.

    Args:
        split: "train", "val" or "trainval".
        limit: pictures, at most.
        return_raw_labels: returns (labels, (COCO-Text's own dictionary, folder of the pictures)).
    """
    _check_split(split, ("train", "val", "trainval"))
    folder = _folder(cache_dir, "coco-text")
    with zipfile.ZipFile(_get("cocotext.v2.zip", folder)) as archive:
        raw = json.loads(archive.read("cocotext.v2.json"))
    chosen = [number for number, picture in raw["imgs"].items() if picture["set"] in split][:limit]
    images = folder / "images"
    names = [raw["imgs"][number]["file_name"] for number in chosen]
    with ThreadPoolExecutor() as pool:
        paths = list(
            pool.map(lambda name: files.download_and_verify(COCO_IMAGES + name, None, images, verbose=False), names)
        )
    labels: list[RecognizerLabel] = []
    for number, path in zip(chosen, paths, strict=True):
        for annotation in (raw["anns"][str(index)] for index in raw["imgToAnns"].get(number, ())):
            if english_only and annotation["language"] != "english":
                continue
            if legible_only and annotation["legibility"] != "legible":
                continue
            points = np.asarray(annotation["mask"], np.float32).reshape(-1, 2)
            labels.append((path, points, annotation["utf8_string"]))
    return (labels, (raw, str(images))) if return_raw_labels else labels


def get_born_digital_recognizer_dataset(
    split: str = "train", cache_dir: str | Path | None = None
) -> list[RecognizerLabel]:
    """ICDAR's born-digital words, cropped already, so that boxes are None; split "train", "test" or "traintest"."""
    _check_split(split, ("train", "test", "traintest"))
    folder = _folder(cache_dir, "borndigital")
    labels: list[RecognizerLabel] = []
    if split.startswith("train"):
        train = _unzipped("Challenge1_Training_Task3_Images_GT.zip", folder)
        labels += _born_digital(train / "gt.txt", train)
    if split.endswith("test"):
        test = _unzipped("Challenge1_Test_Task3_Images.zip", folder)
        labels += _born_digital(_get("Challenge1_Test_Task3_GT.txt", folder), test)
    return labels


def _born_digital(path: Path, folder: Path) -> list[RecognizerLabel]:
    """Rows of `word_1.png, "text"`; the text may hold commas and quotes."""
    labels: list[RecognizerLabel] = []
    for number, row in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        name, comma, text = row.partition(",")
        if not row.strip():
            continue
        if not comma:
            raise LabelError(f'{path}, line {number}: {row!r} does not parse. `name.png, "text"` was expected.')
        labels.append((str(folder / name.strip()), None, text.strip()[1:-1]))
    return labels


def get_icdar_2013_recognizer_dataset(cache_dir: str | Path | None = None) -> list[RecognizerLabel]:
    """ICDAR 2013's training words with the boxes round their characters."""
    return [
        (path, *combine_line(line))
        for path, lines, _ in get_icdar_2013_detector_dataset(cache_dir, skip_illegible=True)
        for line in lines
    ]


def get_icdar_2013_detector_dataset(
    cache_dir: str | Path | None = None, skip_illegible: bool = False
) -> list[DetectorLabel]:
    """ICDAR 2013's 229 training pictures with a box a character; a character is "" where it cannot be read."""
    folder = _folder(cache_dir, "icdar2013")
    images = _unzipped("Challenge2_Training_Task12_Images.zip", folder)
    truth = _unzipped("Challenge2_Training_Task2_GT.zip", folder)
    labels: list[DetectorLabel] = []
    for path in sorted(truth.rglob("*.txt")):
        lines = [line for line in _icdar_2013_lines(path, skip_illegible) if line]
        labels.append((str(images / f"{path.name.split('_')[0]}.jpg"), lines, 1))
    return labels


def _icdar_2013_lines(path: Path, skip_illegible: bool) -> list[Line]:
    """Rows of colour and centre, five numbers, the box, four, and the character in quotes; an empty row ends a word."""
    lines: list[Line] = [[]]
    for number, row in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if row.startswith("#"):
            continue
        parts = row.split(" ", 9)
        if not row.strip():
            lines.append([])
            continue
        try:
            x1, y1, x2, y2 = (float(part) for part in parts[5:9])
            character = parts[9].strip()[1:-1]
        except (ValueError, IndexError):
            raise LabelError(
                f'{path}, line {number}: {row!r} does not parse. `R G B x y left top right bottom "c"` was expected.'
            ) from None
        if character or not skip_illegible:
            box = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], np.float32)
            lines[-1].append((box, character))
    return lines


def get_icdar_2019_semisupervised_dataset(cache_dir: str | Path | None = None) -> list[DetectorLabel]:
    """ICDAR 2019's Latin pictures with boxes that keras-ocr's author had a detector draw; characters are None.

    The confidence is the share of a picture's text that was found; pictures with half or less are left out.
    """
    folder = _folder(cache_dir, "icdar2019")
    for name in ("ImagesPart1.zip", "ImagesPart2.zip"):
        if not (folder / Path(name).stem).is_dir():
            safe_unzip(_get(name, folder), folder / f"{Path(name).stem}.unpacked")
            inner = folder / f"{Path(name).stem}.unpacked" / Path(name).stem
            inner.replace(folder / Path(name).stem)
            inner.parent.rmdir()
    raw = json.loads(_get("mlt2019_dataset.json", folder).read_text(encoding="utf-8"))["dataset"]
    labels: list[DetectorLabel] = []
    for entry in raw:
        if entry["percent_complete"] <= 0.5:
            continue
        lines = [
            [(np.maximum(np.asarray(box, np.float32), 0), None) for box in line["line"]]
            for line in entry["lines"]
            if line["line"]
        ]
        path = folder / entry["filepath"]
        if not path.is_file() and path.with_suffix(".gif").is_file():
            path = path.with_suffix(".gif")  # keras-ocr turned these into JPEG; they are read as they are here
        labels.append((str(path), lines, float(entry["percent_complete"])))
    return labels


def get_detector_image_generator(
    labels: Sequence[DetectorLabel],
    width: int,
    height: int,
    augmenter: Any = None,
    area_threshold: float = 0.5,
    focused: bool = False,
    min_area: float | None = None,
    shuffle: bool = True,
    seed: int | None = None,
) -> Iterator[Any]:
    """Endless (image (height, width, 3), lines) of labelled pictures; (image, lines, confidence) where any is below 1.

    Args:
        augmenter, area_threshold, min_area: see `tools.augment`.
        focused: cuts a window of the size out round a line, instead of shrinking the whole picture.
        shuffle: draws a new order each time round; `seed` makes it the same again.
    """
    entries = _checked(labels)
    rng = np.random.default_rng(seed)
    weighted = any(confidence != 1 for _, _, confidence in entries)

    def generate() -> Iterator[Any]:
        while True:
            for index in rng.permutation(len(entries)) if shuffle else range(len(entries)):
                path, lines, confidence = entries[index]
                image = read(path)
                if augmenter is not None:
                    image, lines = augment(lines, augmenter, image, "lines", None, area_threshold, min_area)
                if focused and lines:
                    image, lines = _focus(image, lines, width, height, area_threshold, min_area, rng)
                fitted, scale = fit(image, width=width, height=height, return_scale=True)
                lines = adjust_boxes(lines, scale=scale, boxes_format="lines")
                yield (fitted, lines, confidence) if weighted else (fitted, lines)

    return generate()


def _focus(
    image: Image,
    lines: list[Line],
    width: int,
    height: int,
    area_threshold: float,
    min_area: float | None,
    rng: np.random.Generator,
) -> tuple[Image, list[Line]]:
    """A window of (height, width) about a line drawn at random, and what of the lines lies in it."""
    box, _ = combine_line(lines[int(rng.integers(len(lines)))])
    centre = box.mean(axis=0)
    room = np.maximum(np.array([image.shape[1] - width, image.shape[0] - height]), 0)
    left, top = np.clip(centre - (width / 2, height / 2), 0, room).astype(int)

    def window(image: Image, keypoints: NDArray[np.float32]) -> tuple[Image, NDArray[np.float32]]:
        return image[top : top + height, left : left + width], keypoints - np.array([left, top], np.float32)

    cut: tuple[Image, list[Line]] = augment(lines, window, image, "lines", None, area_threshold, min_area)
    return cut


def get_recognizer_image_generator(
    labels: Sequence[RecognizerLabel],
    height: int,
    width: int,
    alphabet: str,
    augmenter: Any = None,
    shuffle: bool = True,
    seed: int | None = None,
) -> Iterator[tuple[Image, str]]:
    """Endless (crop (height, width, 3), text); characters outside the alphabet are dropped, empty texts passed over.

    Raises:
        LabelError: no labels, or none with a character of the alphabet.
    """
    entries = [
        (path, box, "".join(character for character in text if character in alphabet).strip())
        for path, box, text in _checked(labels)
    ]
    entries = [entry for entry in entries if entry[2] and "  " not in entry[2]]
    if not entries:
        raise LabelError(f"None of {len(labels)} labels has a text of the alphabet {alphabet!r}. Widen the alphabet.")
    rng = np.random.default_rng(seed)

    def generate() -> Iterator[tuple[Image, str]]:
        while True:
            for index in rng.permutation(len(entries)) if shuffle else range(len(entries)):
                path, box, text = entries[index]
                image = read(path)
                if box is not None:
                    image = warpBox(image, box, target_height=height, target_width=width)
                else:
                    image = fit(image, width=width, height=height, cval=0)
                if augmenter is not None:
                    image, _ = augment([], augmenter, image)
                yield image, text

    return generate()


def _checked(labels: Sequence[Any]) -> list[Any]:
    if not len(labels):
        raise LabelError("No labels came. Give at least one (path, lines, confidence) or (path, box, text).")
    return list(labels)
