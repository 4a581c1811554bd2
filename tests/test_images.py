"""Reading every kind of picture into the same RGB bytes, and refusing what is none."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage
from PIL import ImageOps

from ocrsmith.errors import InputError, StorageError
from ocrsmith.images import contact_sheet, draw_polygons, encode_image, read_image, write_image

RED = np.full((4, 6, 3), (255, 0, 0), np.uint8)


def encoded(picture: PillowImage.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def test_rgb_comes_back_from_bytes_path_file_and_array(tmp_path: Path) -> None:
    path = write_image(tmp_path / "deep" / "a.png", RED)
    for source in (path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes()), RED, PillowImage.fromarray(RED)):
        np.testing.assert_array_equal(read_image(source), RED)
    assert not list(tmp_path.rglob("*.part"))


def test_alpha_is_laid_on_white() -> None:
    half = np.dstack([RED, np.full((4, 6), 0, np.uint8)])
    assert (read_image(half) == 255).all()
    assert (read_image(encoded(PillowImage.fromarray(half, "RGBA"))) == 255).all()


def test_one_bit_sixteen_bit_palette_and_cmyk() -> None:
    white = PillowImage.new("1", (3, 2), 1)
    assert (read_image(encoded(white)) == 255).all()
    deep = PillowImage.fromarray(np.full((2, 3), 65535, np.uint16))
    assert (read_image(encoded(deep)) == 255).all()
    assert (read_image(np.full((2, 3), 257, np.uint16)) == 1).all()
    palette = PillowImage.fromarray(RED).convert("P")
    assert (read_image(encoded(palette)) == RED).all()
    cmyk = read_image(encoded(PillowImage.fromarray(RED).convert("CMYK"), "JPEG", quality=100))
    assert abs(cmyk.astype(int) - RED).max() < 12


def test_exif_turns_the_picture_and_the_first_frame_is_taken() -> None:
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    turned = read_image(encoded(PillowImage.fromarray(RED), "JPEG", exif=exif))
    assert turned.shape == (6, 4, 3)
    frames = [PillowImage.new("RGB", (5, 5), colour) for colour in ("red", "blue")]
    first = read_image(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert first[0, 0].tolist() == [254, 0, 0] or first[0, 0].tolist() == [255, 0, 0]


def test_a_kind_that_opencv_alone_reads() -> None:
    bright = np.full((4, 6, 3), (0.0, 0.0, 1.0), np.float32)
    hdr = bytes(cv2.imencode(".hdr", bright)[1])
    assert abs(read_image(hdr).astype(int) - RED).max() <= 2
    for bad in (hdr[:20], hdr[:-8], hdr.replace(b"-Y 4", b"-Y 99999999")):
        with pytest.raises(InputError):
            read_image(io.BytesIO(bad))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "PPM", "JPEG2000", "TGA", "ICO", "PCX"])
def test_kinds_of_files(kind: str) -> None:
    large = PillowImage.fromarray(np.full((32, 32, 3), (255, 0, 0), np.uint8))
    found = read_image(encoded(large, kind))
    assert found.shape == (32, 32, 3)
    assert abs(found.astype(int) - (255, 0, 0)).max() <= 4


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "I;16", "F"])
def test_modes_of_pillow(mode: str) -> None:
    picture = PillowImage.new(mode, (5, 4))
    found = read_image(picture)
    assert found.shape == (4, 5, 3)
    assert found.dtype == np.uint8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation(orientation: int) -> None:
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8, :16] = 255
    stored = PillowImage.fromarray(upright)
    # What a camera did to the picture: each turn back is undone by the tag.
    done = {
        2: PillowImage.Transpose.FLIP_LEFT_RIGHT,
        3: PillowImage.Transpose.ROTATE_180,
        4: PillowImage.Transpose.FLIP_TOP_BOTTOM,
        5: PillowImage.Transpose.TRANSPOSE,
        6: PillowImage.Transpose.ROTATE_90,
        7: PillowImage.Transpose.TRANSVERSE,
        8: PillowImage.Transpose.ROTATE_270,
    }
    if orientation in done:
        stored = stored.transpose(done[orientation])
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    found = read_image(encoded(stored, "PNG", exif=exif))
    np.testing.assert_array_equal(found, upright)


@pytest.mark.parametrize("bad", [b"", b"not a picture", encoded(PillowImage.fromarray(RED))[:40]])
def test_damage_is_said(bad: bytes) -> None:
    with pytest.raises(InputError):
        read_image(bad)


def test_absent_folders_and_bombs_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_image(tmp_path / "absent.png")
    with pytest.raises(InputError, match="is a folder"):
        read_image(tmp_path)
    with pytest.raises(InputError, match="at most 10"):
        read_image(encoded(PillowImage.fromarray(RED)), max_pixels=10)
    with pytest.raises(InputError, match="larger than 10"):
        read_image(RED, max_pixels=10)


@pytest.mark.parametrize("shape", [(4,), (4, 6, 2), (0, 6, 3), (4, 6, 3, 1)])
def test_arrays_of_other_shapes_are_said(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="shape"):
        read_image(np.zeros(shape, np.uint8))
    with pytest.raises(InputError, match="float64"):
        read_image(np.zeros((4, 6, 3)))


def test_what_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="could not be written"):
        write_image(tmp_path / "file" / "a.png", RED)
    with pytest.raises(StorageError, match="xyz"):
        encode_image(RED, ".xyz")


def test_drawing_leaves_the_picture_alone_and_sheets_hold_all() -> None:
    drawn = draw_polygons(RED, [[[1, 1], [4, 1], [4, 3], [1, 3]]], (0, 0, 255))
    assert (RED == (255, 0, 0)).all() and (drawn != RED).any()
    sheet = contact_sheet([RED] * 5, 2, ["one"], cell=(10, 8))
    assert sheet.shape == (3 * (8 + 24), 2 * 14, 3)
    assert contact_sheet([], 2).shape[2] == 3


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 60))
def test_damaged_bytes_are_an_image_or_an_input_error(noise: bytes, cut: int) -> None:
    whole = encoded(PillowImage.fromarray(RED), "BMP")
    for data in (noise, whole[:cut] + noise, whole[: len(whole) - cut]):
        with contextlib.suppress(InputError):
            assert read_image(data).dtype == np.uint8


@pytest.mark.parametrize("orientation", [1, 6])
def test_webp_files_are_what_pillow_decodes(tmp_path: Path, orientation: int) -> None:
    picture = PillowImage.fromarray(np.random.default_rng(3).integers(0, 256, (20, 30, 3), np.uint8))
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.webp"
    picture.save(path, quality=80, exif=exif)
    with PillowImage.open(path) as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    assert expected.shape == ((20, 30, 3) if orientation == 1 else (30, 20, 3))
    np.testing.assert_array_equal(read_image(path), expected)


def test_webp_file_cut_short_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    PillowImage.fromarray(np.random.default_rng(3).integers(0, 256, (90, 90, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match="damaged"):
        read_image(path)
