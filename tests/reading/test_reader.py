from __future__ import annotations

import io
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from tiny_networks import BLUE, GREEN, RED

import ocrsmith.reading.reader as reader_module
from ocrsmith.errors import AlphabetError, BundleError, InputError
from ocrsmith.geometry import bounds
from ocrsmith.images import encode_image
from ocrsmith.reading.bundle import Bundle
from ocrsmith.reading.page import Page
from ocrsmith.reading.reader import Reader


@pytest.fixture(scope="module")
def reader(make_bundle: Callable[..., Path]) -> Reader:
    return Reader(make_bundle("db"), engine="onnxruntime", threads=1)


def test_a_page(reader: Reader, colour_page: np.ndarray) -> None:
    page = reader.read(colour_page)
    assert page.text == "ab a\nb"
    assert [word.text for word in page.words] == ["ab", "a", "b"]
    assert page.size == (200, 120)
    assert all(word.confidence > 0.99 for word in page.words)
    assert {"load", "detector", "boxes", "crops", "recognizer", "order"} <= set(page.timings)


def test_words_and_characters_lie_where_they_are(reader: Reader, colour_page: np.ndarray) -> None:
    ab, a, b = reader.read(colour_page).words
    # One step is 8 px of this page; the gap lies from 52 to 68.
    assert bounds(ab.polygon) == pytest.approx((20, 16, 52, 32), abs=1)
    assert bounds(a.polygon) == pytest.approx((68, 16, 84, 32), abs=1)
    assert bounds(b.polygon) == pytest.approx((20, 64, 36, 80), abs=1)
    assert [c.text for c in ab.characters] == ["a", "b"]
    assert bounds(ab.characters[0].quad) == pytest.approx((20, 16, 36, 32), abs=1)


def test_a_crop_margin_moves_no_word(make_bundle: Callable[..., Path], colour_page: np.ndarray) -> None:
    plain = make_bundle("db")
    form = {**Bundle.load(plain).manifest["recognizer"], "crop_margin": 0.25}
    wide = Reader(make_bundle("db", recognizer=form), engine="onnxruntime", threads=1)
    ab, a, b = wide.read(colour_page).words
    # A step is now 12 px of the page: characters are marked less finely.
    assert bounds(ab.polygon) == pytest.approx((20, 16, 52, 32), abs=6)
    assert bounds(a.polygon) == pytest.approx((68, 16, 84, 32), abs=6)
    assert bounds(b.polygon)[1::2] == pytest.approx((64, 80), abs=1)


def test_craft(make_bundle: Callable[..., Path], colour_page: np.ndarray) -> None:
    craft = Reader(make_bundle("craft"), engine="onnxruntime", threads=1)
    found = craft.detect(colour_page)
    assert len(found) == 2
    left, top, right, bottom = bounds(found[0].polygon)
    assert (left, top) <= (20, 16)
    assert (right, bottom) >= (83, 31)
    assert craft.read(colour_page).text == "ab a\nb"


def test_a_reader_goes_to_another_process(reader: Reader, colour_page: np.ndarray) -> None:
    # What `pool.map(reader.read, pictures)` sends.
    read = pickle.loads(pickle.dumps(reader.read))
    assert read(colour_page).text == "ab a\nb"


def test_every_kind_of_source(reader: Reader, colour_page: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    path.write_bytes(encode_image(colour_page))
    sources = [path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes()), PillowImage.fromarray(colour_page)]
    assert [page.text for page in reader.read_many(sources)] == ["ab a\nb"] * len(sources)
    assert reader.read(path).source == str(path)


def test_an_empty_page(reader: Reader) -> None:
    page = reader.read(np.full((50, 50, 3), 255, np.uint8))
    assert page.text == ""
    assert page.words == ()
    assert Page.from_dict(page.to_dict()).to_dict() == page.to_dict()


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (3, 3)])
def test_tiny_and_thin_pictures(reader: Reader, shape: tuple[int, int]) -> None:
    assert reader.read(np.zeros((*shape, 3), np.uint8)).size == (shape[1], shape[0])


def test_whole_if_empty(make_bundle: Callable[..., Path]) -> None:
    # Too faint a colour for the detector, enough for the recogniser.
    image = np.full((16, 32, 3), 255, np.uint8)
    image[:, :16] = RED
    strict = {"binary": 1.5}
    with_rule = Reader(make_bundle("db", whole_if_empty=True), engine="onnxruntime", detector_thresholds=strict)
    without = Reader(make_bundle("db"), engine="onnxruntime", detector_thresholds=strict)
    assert with_rule.read(image).text == "a"
    assert without.read(image).text == ""


def test_without_a_detector_the_picture_is_one_line(make_bundle: Callable[..., Path]) -> None:
    lines = Reader(make_bundle(None), engine="onnxruntime")
    image = np.concatenate([np.full((16, 16, 3), c, np.uint8) for c in (GREEN, BLUE, RED)], axis=1)
    assert lines.read(image).text == "b a"
    with pytest.raises(BundleError, match="no detector"):
        lines.detect(image)


def test_recognize_keeps_the_order_of_crops_of_any_width(reader: Reader) -> None:
    rng = np.random.default_rng(5)
    texts = ["".join(rng.choice(["ab", "ba"], int(n))) for n in rng.integers(1, 60, 50)]
    colours = {"a": RED, "b": GREEN}
    crops = [np.concatenate([np.full((8, 8, 3), colours[c], np.uint8) for c in text], axis=1) for text in texts]
    found = reader.recognize(crops)
    assert [recognized.text for recognized in found] == [text.replace("aa", "a").replace("bb", "b") for text in texts]
    assert reader.recognize([]) == []


def test_text_that_runs_down_is_turned(reader: Reader) -> None:
    page = np.full((200, 100, 3), 255, np.uint8)
    for index, colour in enumerate((RED, GREEN, RED, GREEN)):
        page[20 + 16 * index : 36 + 16 * index, 40:56] = colour
    assert reader.read(page).text in ("abab", "baba")


def test_min_confidence_drops_words(make_bundle: Callable[..., Path], colour_page: np.ndarray) -> None:
    assert Reader(make_bundle(), engine="onnxruntime", min_confidence=1.1).read(colour_page).words == ()


def test_allowed_characters(make_bundle: Callable[..., Path], colour_page: np.ndarray) -> None:
    only_b = Reader(make_bundle(), engine="onnxruntime", characters="b", min_confidence=0.0)
    assert set(only_b.read(colour_page).text) <= {"b", "\n"}
    with pytest.raises(AlphabetError):
        Reader(make_bundle(), engine="onnxruntime", characters="z").read(colour_page)


def test_unknown_settings_are_named(make_bundle: Callable[..., Path]) -> None:
    with pytest.raises(BundleError, match="unclip_ratio"):
        Reader(make_bundle(), engine="onnxruntime", detector_thresholds={"unclip": 2})


def test_tiles_give_what_the_whole_page_gives(make_bundle: Callable[..., Path]) -> None:
    rng = np.random.default_rng(3)
    page = np.full((700, 900, 3), 255, np.uint8)
    for top in range(10, 660, 50):
        left = int(rng.integers(5, 60))
        while left < 780:
            width = 16 * int(rng.integers(1, 5))
            page[top : top + 16, left : left + width] = RED
            left += width + 60
    settings = {"max_side": 2000}
    whole = Reader(make_bundle(), engine="onnxruntime", scale={**settings, "tile_side": 2048, "tile_overlap": 0})
    tiled = Reader(make_bundle(), engine="onnxruntime", scale={**settings, "tile_side": 256, "tile_overlap": 64})
    expected, found = whole.detect(page), tiled.detect(page)
    assert len(found) == len(expected) > 40
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(one.polygon, other.polygon)


def test_one_bad_picture_does_not_stop_the_rest(reader: Reader, colour_page: np.ndarray, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"not a picture")
    failed = []
    pages = list(
        reader.read_many([colour_page, bad, colour_page], lambda source, error: failed.append((source, error)))
    )
    assert len(pages) == 2
    assert [source for source, _ in failed] == [bad]
    with pytest.raises(InputError):
        list(reader.read_many([bad]))


def test_free_memory_goes_back_every_so_many_pages(
    make_bundle: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back: list[str] = []
    own = Reader(make_bundle())
    assert own._detector is not None and own._recognizer is not None
    monkeypatch.setattr(own._detector.engine, "release_buffers", lambda: given_back.append("detector"))
    monkeypatch.setattr(own._recognizer.engine, "release_buffers", lambda: given_back.append("recognizer"))
    monkeypatch.setattr(reader_module, "give_back_memory", lambda: given_back.append("heap"))
    for _ in range(33):
        own.read(np.full((16, 16, 3), 255, np.uint8))
    # What the engines release goes back with the rest.
    assert given_back == ["detector", "recognizer", "heap"] * 2


def test_reading_works_without_pytorch(
    make_bundle: Callable[..., Path], tmp_path: Path, colour_page: np.ndarray
) -> None:
    path = tmp_path / "page.png"
    path.write_bytes(encode_image(colour_page))
    program = (
        "import sys\n"
        "for name in ('torch', 'pytorch_lightning', 'onnx', 'shapely', 'matplotlib', 'fontTools', 'uharfbuzz'):\n"
        "    sys.modules[name] = None\n"
        "import ocrsmith.reading, ocrsmith.reading.outputs\n"
        "from ocrsmith.reading.reader import Reader\n"
        "print(Reader(sys.argv[1], engine='onnxruntime', threads=1).read(sys.argv[2]).text)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(make_bundle()), str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "ab a\nb\n"
