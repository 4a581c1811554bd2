"""keras-ocr's generators, data sets, evaluation and configuration."""

from __future__ import annotations

import functools
import hashlib
import http.server
import itertools
import json
import string
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

import ocrsmith.compat.keras_ocr as keras_ocr
from ocrsmith.compat.keras_ocr import config, data_generation, datasets, evaluation, tools
from ocrsmith.errors import AlphabetError, DownloadError, FontError, InputError, LabelError, RecipeError, SynthesisError
from ocrsmith.images import write_image

FONTS = Path(data_generation.__file__).parents[2] / "assets" / "fonts" / "files"
FONT = FONTS / "Asap-Regular.ttf"
ALPHABET = string.digits + string.ascii_letters + "!?. "


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("archives")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", folder
        server.shutdown()
        thread.join()


def scenes(**changes: Any) -> Any:
    texts = data_generation.get_text_generator(alphabet=ALPHABET, seed=1)
    settings: dict[str, Any] = {"font_size": (14, 20), "margin": 5, "rotationZ": (-10, 10), "seed": 3}
    return data_generation.get_image_generator(
        height=96, width=160, font_groups={ALPHABET: [FONT]}, text_generator=texts, **{**settings, **changes}
    )


def test_texts_keep_to_the_alphabet_and_come_again() -> None:
    texts = data_generation.get_text_generator(alphabet="abcde ", max_string_length=8, seed=5)
    drawn = list(itertools.islice(texts, 50))
    assert all(set(text) <= set("abcde ") and 0 < len(text) <= 8 for text in drawn)
    again = data_generation.get_text_generator(alphabet="abcde ", max_string_length=8, seed=5)
    assert list(itertools.islice(again, 50)) == drawn
    lower = data_generation.get_text_generator(alphabet=ALPHABET, lowercase=True)
    assert all(text == text.lower() for text in itertools.islice(lower, 20))
    assert next(data_generation.get_text_generator(alphabet="01"))
    with pytest.raises(InputError, match="At least 1"):
        data_generation.get_text_generator(max_string_length=0)


def test_scenes_have_boxes_on_their_ink() -> None:
    image, lines = next(scenes())
    assert image.shape == (96, 160, 3) and lines
    ink = (image < 128).any(axis=2)
    covered = np.zeros(ink.shape, np.uint8)
    for box in (box for line in lines for box, _ in line):
        cv2.fillPoly(covered, [np.round(box).astype(np.int32)], 1)
    covered = cv2.dilate(covered, np.ones((3, 3), np.uint8))
    assert ink.sum() > 50 and ink[covered == 0].sum() <= 0.02 * ink.sum()
    np.testing.assert_array_equal(next(scenes())[0], image)


def test_a_dark_ground_gets_light_ink_within_the_margin() -> None:
    image, _ = next(scenes(backgrounds=[np.zeros((50, 60, 3), np.uint8)], margin=20, rotationZ=0))
    assert image.max() == 255 and not image[:20].any() and not image[:, :20].any()


def test_first_releases_generators_yield_a_sentence_and_five_part_lines() -> None:
    texts = tools.get_text_generator(alphabet=ALPHABET, seed=1)
    source = tools.get_image_generator(
        height=96, width=160, font_groups={ALPHABET: [FONT]}, text_generator=texts, font_size=16, seed=3
    )
    _, sentence, lines = next(source)
    assert isinstance(sentence, str) and len(lines[0][0]) == 5 and len(lines[0][0][0]) == 2
    assert sentence.startswith("".join(entry[-1] for entry in lines[0]))
    crop, text, moved = next(tools.convert_multiline_generator_to_single_line(source, 10, 100, 20, margin=1))
    assert crop.shape == (20, 100, 3) and "".join(entry[-1] for entry in moved[0]) == text
    corners = np.array([point for entry in moved[0] for point in entry[:4]])
    assert corners.min() > -3 and corners[:, 1].max() < 23
    assert keras_ocr.data_generation.convert_lines_to_paragraph(lines).replace("\n", " ") == sentence


def test_lines_become_crops_that_fit_their_steps() -> None:
    box = np.array([[0, 0], [5, 0], [5, 8], [0, 8]], np.float32)
    line = [(box + np.float32([6 * i, 0]), c) for i, c in enumerate(" aa  bb ")]
    image = np.zeros((20, 60, 3), np.uint8)
    for steps, text in ((99, "aa bb"), (5, "aa b"), (4, "aa"), (2, "a")):
        source = data_generation.convert_image_generator_to_recognizer_input(iter([(image, [[], line])]), steps, 60, 10)
        crop, read = next(source)
        assert read == text and crop.shape == (10, 60, 3)


@pytest.mark.parametrize("use_ligatures", [False, True])
def test_ligatures_keep_a_box_for_every_letter(use_ligatures: bool) -> None:
    picture, lines = data_generation.draw_text_image(
        "office fly", 20, 60, 200, {"abcdefghijklmnopqrstuvwxyz": FONT}, use_ligatures=use_ligatures, color=(1, 2, 3)
    )
    assert picture.shape == (60, 200, 4) and picture[..., :3].reshape(-1, 3).max(axis=0).tolist() == [1, 2, 3]
    assert "".join(c for line in lines for _, c in line) == "office fly"
    lefts = [float(box[0, 0]) for box, _ in lines[0]]
    assert lefts == sorted(lefts)


def test_drawing_refuses_what_it_cannot_draw() -> None:
    with pytest.raises(AlphabetError, match="no alphabet of the fonts has"):
        data_generation.draw_text_image("ab1", 20, 60, 200, {"ab": FONT})
    with pytest.raises(FontError, match="without fonts"):
        data_generation.get_image_generator(96, 96, {"a": []}, iter("a"))
    with pytest.raises(InputError, match="backgrounds came empty"):
        data_generation.get_image_generator(96, 96, {"a": [FONT]}, iter("a"), backgrounds=[])
    with pytest.raises(SynthesisError, match="Lower font_size"):
        next(scenes(font_size=200))


def test_a_turn_about_z_is_a_turn() -> None:
    matrix = data_generation.get_rotation_matrix(100, 60, thetaZ=90)
    moved = matrix @ [60, 30, 1]
    np.testing.assert_allclose(moved[:2] / moved[2], [50, 40], atol=1e-9)
    np.testing.assert_allclose(data_generation.get_rotation_matrix(100, 60), np.eye(3), atol=1e-12)


def test_the_largest_even_region_is_found_and_carried_through_a_matrix() -> None:
    image = np.zeros((60, 100, 3), np.uint8)
    image[:, 60:] = 255
    contour, dark = data_generation.get_maximum_uniform_contour(image, 10)
    assert contour is not None and dark and abs(cv2.contourArea(contour) - 59 * 58) < 300
    grey = np.full((60, 100, 3), 128, np.uint8)
    assert data_generation.get_maximum_uniform_contour(grey, 10) == (None, None)
    shift = np.array([[1, 0, 20], [0, 1, 0], [0, 0, 1]], np.float64)
    square = [[40, 10], [60, 10], [60, 30], [40, 30]]
    moved = data_generation.compute_transformed_contour(100, 60, 5, shift, square)
    assert moved is not None and moved.min(axis=0).tolist() == [20, 10] and moved.max(axis=0).tolist() == [40, 30]
    assert data_generation.compute_transformed_contour(100, 60, 50, shift, square) is None


def test_fonts_and_backgrounds_come_from_the_cache_that_the_variable_names(
    served: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, folder = served
    monkeypatch.setenv("KERAS_OCR_CACHE_DIR", str(tmp_path))
    image = write_image(tmp_path / "b.png", np.zeros((4, 4, 3), np.uint8))
    names = {"fonts": [(FONT, "asap/A.ttf"), (FONT, "asap/B.ttf")], "backgrounds": [(image, "b.png")]}
    for name, members in names.items():
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            for path, inside in members:
                archive.write(path, inside)
            archive.writestr("broken/C.ttf", b"no font") if name == "fonts" else None
    (folder / "small.txt").write_text("asap/B.ttf\n")
    served_as = {"fonts": "fonts.zip", "backgrounds": "backgrounds.zip", "small_caps": "small.txt"}
    for name, file in served_as.items():
        sha = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        monkeypatch.setitem(data_generation.ARCHIVES, name, {"url": address + file, "sha256": sha})
    assert [Path(path).name for path in data_generation.get_fonts()] == ["A.ttf", "B.ttf"]
    assert [Path(path).name for path in data_generation.get_fonts(exclude_smallcaps=True)] == ["A.ttf"]
    assert data_generation.get_fonts(alphabet="漢") == []
    (background,) = data_generation.get_backgrounds()
    assert Path(background).is_relative_to(tmp_path)
    monkeypatch.setitem(data_generation.ARCHIVES, "fonts", {"url": address + "fonts.zip", "sha256": "0" * 64})
    with pytest.raises(DownloadError, match="Nothing was kept"):
        data_generation.get_fonts()


def test_data_sets_are_read(served: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address, folder = served
    row = '255 0 0 5 5 {} 2 {} 8 "{}"\n'
    truth = row.format(1, 4, "h") + row.format(5, 8, "i") + "\n" + row.format(20, 24, "") + '# "x"\n'
    raw = {
        "imgs": {"7": {"set": "train", "file_name": "c.png"}, "8": {"set": "val", "file_name": "d.png"}},
        "imgToAnns": {"7": [1, 2]},
        "anns": {
            "1": {
                "mask": [0, 0, 9, 0, 9, 4, 0, 4],
                "utf8_string": "hi",
                "language": "english",
                "legibility": "legible",
            },
            "2": {"mask": [0, 0, 9, 0, 9, 4, 0, 4], "utf8_string": "?", "language": "n/a", "legibility": "illegible"},
        },
    }
    write_image(folder / "c.png", np.zeros((8, 9, 3), np.uint8))
    contents: dict[str, dict[str, Any]] = {
        "Challenge1_Training_Task3_Images_GT.zip": {"gt.txt": '\ufeffw1.png, "a, b"\n', "w1.png": b""},
        "Challenge2_Training_Task12_Images.zip": {"100.jpg": b""},
        "Challenge2_Training_Task2_GT.zip": {"100_GT.txt": truth},
        "cocotext.v2.zip": {"cocotext.v2.json": json.dumps(raw)},
    }
    for name, members in contents.items():
        with zipfile.ZipFile(folder / name, "w") as archive:
            for inside, content in members.items():
                archive.writestr(inside, content)
        sha = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        monkeypatch.setitem(datasets.SOURCES, name, (address + name, sha))
    monkeypatch.setattr(datasets, "COCO_IMAGES", address)
    ((path, box, text),) = datasets.get_born_digital_recognizer_dataset(cache_dir=tmp_path)
    assert (Path(path).name, box, text) == ("w1.png", None, "a, b")
    ((path, lines, confidence),) = datasets.get_icdar_2013_detector_dataset(tmp_path)
    assert Path(path).name == "100.jpg" and confidence == 1
    assert [[c for _, c in line] for line in lines] == [["h", "i"], [""]]
    ((_, quad, word),) = datasets.get_icdar_2013_recognizer_dataset(tmp_path)
    assert word == "hi" and quad is not None and quad.tolist() == [[1, 2], [8, 2], [8, 8], [1, 8]]
    labels, (kept, _) = datasets.get_cocotext_recognizer_dataset(cache_dir=tmp_path, return_raw_labels=True)
    assert [text for *_, text in labels] == ["hi", "?"] and kept == raw
    assert len(datasets.get_cocotext_recognizer_dataset(cache_dir=tmp_path, english_only=True)) == 1
    with pytest.raises(InputError, match="train, val, trainval"):
        datasets.get_cocotext_recognizer_dataset(split="all")


def test_labelled_pictures_become_scenes_and_crops(tmp_path: Path) -> None:
    path = str(write_image(tmp_path / "a.png", np.full((40, 80, 3), 200, np.uint8)))
    box = np.array([[10, 10], [30, 10], [30, 20], [10, 20]], np.float32)
    plain = datasets.get_detector_image_generator([(path, [[(box, "a")]], 1)], width=160, height=160, shuffle=False)
    image, lines = next(plain)
    assert image.shape == (160, 160, 3) and lines[0][0][0][2].tolist() == [60, 40]
    weak = datasets.get_detector_image_generator([(path, [[(box, None)]], 0.6)], width=40, height=20, focused=True)
    image, lines, confidence = next(weak)
    assert image.shape == (20, 40, 3) and confidence == 0.6 and np.ptp(lines[0][0][0], axis=0).tolist() == [20, 10]
    detector = keras_ocr.detection.Detector(weights=None)
    assert len(next(detector.get_batch_generator(weak, 1))) == 3
    crops = datasets.get_recognizer_image_generator([(path, box, "a1b!"), (path, None, "!")], 20, 60, alphabet="ab1")
    crop, text = next(crops)
    assert text == "a1b" and crop.shape == (20, 60, 3)
    with pytest.raises(LabelError, match="None of 1 labels"):
        datasets.get_recognizer_image_generator([(path, None, "!")], 20, 60, alphabet="ab")
    with pytest.raises(LabelError, match="at least one"):
        datasets.get_detector_image_generator([], 8, 8)


def entry(left: float, text: str, **more: Any) -> dict[str, Any]:
    return {"vertices": [[left, 0], [left + 10, 0], [left + 10, 10], [left, 10]], "text": text, **more}


def test_scores_match_one_to_one() -> None:
    true = {"a": [entry(0, "hello"), entry(50, "gone"), entry(90, "dim", ignore=True)]}
    # Twice the same word on one truth: keras-ocr counts both as right.
    pred = {"a": [entry(0, "hello"), entry(1, "hello"), entry(91, "dim"), entry(50, "zzzz")]}
    results, (precision, recall) = evaluation.score(true, pred)
    assert results["a"] == {"true_positives": [(0, 0)], "false_positives": [1, 3], "false_negatives": [1]}
    assert (precision, recall) == (pytest.approx(1 / 3), 0.5)
    table = str.maketrans("z", "g")
    assert evaluation.score(true, pred, similarity_threshold=0.25, translator=table)[1][1] == 1.0
    assert evaluation.score({"a": []}, {"a": []})[1] == (0.0, 0.0)
    with pytest.raises(LabelError, match="b"):
        evaluation.score({"a": []}, {"b": []})


def test_overlap_of_boxes_and_corners() -> None:
    assert evaluation.iou_score([0, 0, 10, 10], [5, 0, 15, 10]) == pytest.approx(1 / 3)
    assert evaluation.iou_score([[0, 0], [10, 0], [10, 10], [0, 10]], [0, 0, 10, 10]) == pytest.approx(1)
    with pytest.raises(LabelError, match="corners"):
        evaluation.iou_score([0, 0], [0, 0, 1, 1])


def test_memory_is_bounded_by_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    set_to: list[float] = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: type("P", (), {"total_memory": 2**30}))
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda share, _: set_to.append(share))
    for value in ("0.25", "512", ""):
        monkeypatch.setenv("MEMORY_ALLOCATED", value)
        config.configure()
    assert set_to == [0.25, 0.5]
    monkeypatch.setenv("MEMORY_ALLOCATED", "much")
    with pytest.raises(RecipeError, match="share of the GPU"):
        config.configure()
