"""keras-ocr's tools: against what keras-ocr computed, and by numbers that a person can work out."""

from __future__ import annotations

import hashlib
import http.server
import io
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrsmith.compat.keras_ocr import tools
from ocrsmith.errors import DownloadError, InputError, LabelError
from ocrsmith.images import encode_image, read_image

SQUARE = np.array([[10, 10], [30, 10], [30, 20], [10, 20]], np.float32)


@pytest.fixture(scope="module")
def keras_dir(shared_dir: Path) -> Path:
    return shared_dir / "fixtures" / "keras_ocr"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("served")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}/", folder
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("index", [0, 1])
def test_rotated_boxes_and_warps_are_keras_ocrs(keras_dir: Path, index: int) -> None:
    image, expected = read_image(keras_dir / "craft_input.png"), np.load(keras_dir / "tools.npz")
    box = expected["boxes"][index]
    # Measured: 0. A margin's and a plain warp's greatest difference is one grey level, from another OpenCV.
    np.testing.assert_array_equal(tools.get_rotated_box(box)[0], expected[f"rotated_{index}"])
    plain = tools.warpBox(image, box, 31, 200).astype(int)
    margin = tools.warpBox(image, box, 31, 200, margin=4, cval=0).astype(int)
    assert abs(plain - expected[f"warp_{index}"]).max() <= 1
    assert abs(margin - expected[f"warp_margin_{index}"]).max() <= 1


def test_a_box_of_an_upright_rectangle_has_no_angle() -> None:
    corners, angle = tools.get_rotated_box(SQUARE[[2, 0, 3, 1]])
    np.testing.assert_allclose(corners, SQUARE)
    assert angle == pytest.approx(0)
    assert tools.get_rotated_width_height(corners) == (20, 10)


@settings(max_examples=30, deadline=None)
@given(st.floats(-40, 40), st.floats(20, 80), st.floats(5, 15))
def test_a_turned_rectangle_is_found_again(degrees: float, width: float, height: float) -> None:
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    box = np.array([[0, 0], [width, 0], [width, height], [0, height]]) @ rotation + 100
    np.testing.assert_allclose(tools.get_rotated_box(box)[0], box, atol=1e-3)


def test_points_without_an_area_are_refused_or_left() -> None:
    with pytest.raises(LabelError, match="span no area"):
        tools.get_rotated_box([[0, 0], [1, 1], [2, 2]])


def test_warping_letterboxes_from_the_top_left_and_gives_its_matrix() -> None:
    image = np.full((40, 40, 3), 200, np.uint8)
    crop, matrix = tools.warpBox(image, SQUARE, target_height=10, target_width=50, return_transform=True)
    assert crop.shape == (10, 50, 3) and (crop[:, :19] == 200).all() and (crop[:, 20:] == 0).all()
    np.testing.assert_allclose(matrix @ [30, 20, 1], [20, 10, 1], atol=1e-6)
    assert tools.warpBox(image[..., 0], SQUARE).shape == (10, 20)
    with pytest.raises(LabelError, match="Give both or neither"):
        tools.warpBox(image, SQUARE, target_height=10)


def line(*words: str, top: float = 0) -> list[Any]:
    text = "".join(words)
    return [(SQUARE / 10 + [3 * i, top], character) for i, character in enumerate(text)]


def test_both_spellings_of_a_line_are_one() -> None:
    old = [(*map(tuple, box.tolist()), character) for box, character in line("ab")]
    fixed, orientation = tools.fix_line(old[::-1])
    assert "".join(c for _, c in fixed) == "ab" and orientation == "horizontal"
    assert tools.combine_line(old)[1] == tools.combine_line(line("ab"))[1] == "ab"
    down = [(box[:, ::-1], character) for box, character in line("ab")]
    assert tools.fix_line(down)[1] == "vertical" and tools.fix_line([]) == ([], "horizontal")
    with pytest.raises(LabelError, match="3 parts"):
        tools.fix_line([(SQUARE, "a", 1)])


def test_a_combined_line_spans_its_characters() -> None:
    box, text = tools.combine_line(line("abc"))
    np.testing.assert_allclose(box, [[1, 1], [9, 1], [9, 2], [1, 2]], atol=1e-5)
    assert text == "abc"


@pytest.mark.parametrize("boxes_format", tools.BOXES_FORMATS)
def test_boxes_are_scaled_in_every_format(boxes_format: Any) -> None:
    given_boxes = {"boxes": [SQUARE], "lines": [[(SQUARE, "a")]], "predictions": [("a", SQUARE)]}[boxes_format]
    scaled = tools.adjust_boxes(given_boxes, 2, boxes_format)
    image = np.zeros((60, 80, 3), np.uint8)
    drawn = tools.drawBoxes(image, scaled, thickness=1, boxes_format=boxes_format)
    assert drawn[20, 40].any() and not drawn[30, 40].any() and not image.any()
    with pytest.raises(LabelError, match="boxes, lines, predictions"):
        tools.adjust_boxes(given_boxes, 2, "box")  # type: ignore[arg-type]


def test_pictures_are_fitted_padded_and_resized() -> None:
    image = np.full((10, 20, 3), 9, np.uint8)
    letterboxed, scale = tools.fit(image, 40, 40, cval=1, return_scale=True)
    assert scale == 2 and (letterboxed[:20] == 9).all() and (letterboxed[20:] == 1).all()
    assert (tools.fit(image, 40, 40, mode="crop") == 9).all()
    assert tools.pad(image, 25, 11).shape == (11, 25, 3)
    assert tools.resize_image(image, max_scale=2, max_size=30)[1] == 1.5
    assert tools.resize_image(image, max_scale=2, max_size=99)[0].shape == (20, 40, 3)
    with pytest.raises(InputError, match="letterbox"):
        tools.fit(image, 4, 4, mode="stretch")
    with pytest.raises(InputError, match="not be smaller"):
        tools.pad(image, 5, 5)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(1, 60),
    st.sampled_from(["letterbox", "crop"]),
)
def test_fit_gives_the_size_asked_for(h: int, w: int, height: int, width: int, mode: str) -> None:
    fitted = tools.fit(np.full((h, w, 3), 7, np.uint8), width, height, mode=mode)
    assert fitted.shape == (height, width, 3)
    if mode == "crop":
        assert (fitted == 7).all()


def test_augmenters_of_any_kind_move_boxes_and_drop_what_leaves() -> None:
    def shift(image: Any, keypoints: Any) -> Any:
        return np.roll(image, 15, axis=1), keypoints + np.float32([15, 0])

    image = np.zeros((40, 40, 3), np.uint8)
    moved_image, boxes = tools.augment([SQUARE, SQUARE - np.float32([10, 0])], shift, image=image)
    # The first has 15 of 20 px inside, and is cut at the edge.
    np.testing.assert_allclose(boxes[0], [[25, 10], [40, 10], [40, 20], [25, 20]])
    assert len(boxes) == 2 and moved_image.shape == image.shape
    assert len(tools.augment([SQUARE], shift, image=image, area_threshold=0.9)[1]) == 0
    lines = tools.augment([[(SQUARE, "a")]], lambda **k: k, boxes_format="lines", image_shape=(40, 40))
    assert lines[0][0][1] == "a"
    with pytest.raises(InputError, match="remove_invisible=False"):
        tools.augment([SQUARE], lambda image, keypoints: (image, keypoints[:1]), image=image)


def test_pictures_come_from_paths_buffers_and_addresses(server: tuple[str, Path]) -> None:
    address, folder = server
    image = np.random.default_rng(0).integers(0, 255, (6, 7, 3)).astype(np.uint8)
    data = encode_image(image)
    (folder / "a.png").write_bytes(data)
    for source in (str(folder / "a.png"), io.BytesIO(data), address + "a.png", image):
        np.testing.assert_array_equal(tools.read(source), image)
    with pytest.raises(DownloadError, match="answered 404"):
        tools.read(address + "b.png")
    with pytest.raises(InputError, match="does not exist"):
        tools.read("nowhere.png")


def test_downloads_honour_the_cache_variable_and_the_hash(
    server: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    address, folder = server
    (folder / "f.txt").write_bytes(b"abc")
    monkeypatch.setenv("KERAS_OCR_CACHE_DIR", str(tmp_path))
    sha = hashlib.sha256(b"abc").hexdigest()
    path = tools.download_and_verify(address + "f.txt", sha256=sha)
    assert Path(path).parent == tmp_path and tools.sha256sum(path) == sha
    assert "Downloading" in capsys.readouterr().out
    assert Path(tools.download_and_verify(address + "f.txt", filename="g.txt", verbose=False)).read_bytes() == b"abc"
    with pytest.raises(DownloadError, match="Nothing was kept"):
        tools.download_and_verify(address + "f.txt", sha256="0" * 64, filename="h.txt")
    with pytest.raises(DownloadError, match="answered 404"):
        tools.download_and_verify(address + "none.txt")
    with pytest.raises(InputError, match="Check the path"):
        tools.sha256sum(tmp_path / "absent")


def test_annotations_stand_beside_the_picture() -> None:
    pytest.importorskip("matplotlib").use("Agg")
    import matplotlib.pyplot

    axes = tools.drawAnnotations(
        np.zeros((40, 80, 3), np.uint8), [("left", SQUARE), ("right", SQUARE + np.float32([45, 0]))]
    )
    assert sorted(text.get_text() for text in axes.texts) == ["left", "right"]
    matplotlib.pyplot.close("all")
