"""Damaged pictures and PDFs: each is read or refused with an InputError, in bounded time and memory."""

from __future__ import annotations

import faulthandler
import gc
import io
import struct
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from ocrsmith.errors import InputError
from ocrsmith.images import encode_image
from ocrsmith.memory import give_back_memory
from ocrsmith.reading.outputs import pdf_output
from ocrsmith.reading.page import Page
from ocrsmith.reading.reader import Reader

FAST, ALL = 200, 2000
# A decoder written in C cannot be interrupted: past this the process tells where it hangs and ends.
HANG_S = 120.0
SLOWEST_S = 10.0
LEAK_MB = 120.0


def picture(colour_page: np.ndarray) -> PillowImage.Image:
    return PillowImage.fromarray(colour_page)


def saved(image: PillowImage.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.fixture
def seeds(colour_page: np.ndarray) -> dict[str, bytes]:
    """Whole files of every kind that is read, a few kilobytes each."""
    rgb = picture(colour_page)
    turned = PillowImage.Exif()
    turned[0x0112] = 6
    pages = [Page((), (200, 120), image=colour_page), Page((), (120, 200), image=np.rot90(colour_page).copy())]
    frames = {"save_all": True, "append_images": [rgb.rotate(90, expand=True), rgb]}
    grey16 = PillowImage.fromarray(np.asarray(rgb.convert("L"), np.uint16) * 257)
    return {
        "png": saved(rgb, "PNG"),
        "png palette": saved(rgb.convert("P"), "PNG"),
        "png alpha": saved(rgb.convert("RGBA"), "PNG"),
        "png 16 bit": saved(grey16, "PNG"),
        "png 1 bit": saved(rgb.convert("1"), "PNG"),
        "jpeg": saved(rgb, "JPEG", exif=turned),
        "jpeg progressive": saved(rgb, "JPEG", progressive=True),
        "jpeg cmyk": saved(rgb.convert("CMYK"), "JPEG"),
        "webp": saved(rgb, "WEBP"),
        "webp animated": saved(rgb, "WEBP", save_all=True, append_images=[rgb.rotate(180)]),
        "gif": saved(rgb, "GIF", **frames),
        "bmp": saved(rgb, "BMP"),
        "ppm": saved(rgb, "PPM"),
        "jp2": encode_image(colour_page, ".jp2"),
        "tiff": saved(rgb, "TIFF", **frames),
        "tiff deflate": saved(rgb, "TIFF", compression="tiff_deflate", **frames),
        "tiff lzw": saved(rgb, "TIFF", compression="tiff_lzw"),
        "tiff fax": saved(rgb.convert("1"), "TIFF", compression="group4"),
        "pdf": pdf_output(pages),
        "pdf flat": saved(rgb, "PDF", save_all=True, append_images=[rgb]),
    }


def flip_bits(data: bytes, rng: np.random.Generator) -> bytes:
    out = bytearray(data)
    for place in rng.integers(0, len(out), size=int(rng.integers(1, 20))):
        out[place] ^= 1 << int(rng.integers(8))
    return bytes(out)


def flip_bits_of_the_head(data: bytes, rng: np.random.Generator) -> bytes:
    head = min(len(data), 200)
    return flip_bits(data[:head], rng) + data[head:]


def cut_short(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: int(rng.integers(0, len(data)))]


def cut_out(data: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted(rng.integers(0, len(data) + 1, size=2))
    return data[:first] + data[last:]


def repeat_a_part(data: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted(rng.integers(0, len(data) + 1, size=2))
    return data[:last] + data[first:]


def fill_with_noise(data: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted(rng.integers(0, len(data) + 1, size=2))
    return data[:first] + rng.bytes(int(last - first)) + data[last:]


def extreme_number(data: bytes, rng: np.random.Generator) -> bytes:
    """A 16 or 32 bit field anywhere in the first kilobyte made huge, negative or nothing."""
    value = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\xff\xff")[rng.integers(5)]
    place = int(rng.integers(0, min(len(data), 1024)))
    return data[:place] + value + data[place + len(value) :]


def larger_digits(data: bytes, rng: np.random.Generator) -> bytes:
    """Numbers that stand as text (PDF, PPM) grow: sizes, offsets, lengths."""
    digits = [place for place, value in enumerate(data) if chr(value).isdigit() and value < 128]
    if not digits:
        return flip_bits(data, rng)
    out = bytearray(data)
    for place in rng.choice(digits, size=min(len(digits), 6)):
        out[place] = ord("9")
    return bytes(out)


DAMAGES: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (
    flip_bits,
    flip_bits_of_the_head,
    cut_short,
    cut_out,
    repeat_a_part,
    fill_with_noise,
    extreme_number,
    larger_digits,
)


def damaged(seeds: dict[str, bytes], count: int) -> Iterator[tuple[str, bytes]]:
    """(what it is, its bytes); the heads of other kinds are put before some."""
    kinds = sorted(seeds)
    for index in range(count):
        rng = np.random.default_rng([6, index])
        kind, damage = kinds[index % len(kinds)], DAMAGES[rng.integers(len(DAMAGES))]
        data, name = damage(seeds[kind], rng), f"{index}: {kind}, {damage.__name__}"
        if rng.random() < 0.1:
            other = kinds[rng.integers(len(kinds))]
            data, name = seeds[other][: int(rng.integers(4, 64))] + data[8:], f"{name}, begins as {other}"
        yield name, data


def resident_mb() -> float:
    status = Path("/proc/self/status")
    if not status.is_file():
        pytest.skip("memory is read from /proc")
    rows = dict(line.split(":", 1) for line in status.read_text("ascii").splitlines())
    return int(rows["VmRSS"].split()[0]) / 1024


def read_all(reader: Reader, data: bytes) -> str:
    try:
        return "read" if list(reader.read_document(data, dpi=72)) else "empty"
    except InputError:
        return "refused"


def fuzz(reader: Reader, seeds: dict[str, bytes], count: int) -> None:
    faulthandler.dump_traceback_later(HANG_S, exit=True)
    try:
        for data in seeds.values():
            assert read_all(reader, data) == "read"
        outcomes: Counter[str] = Counter()
        before = resident_mb()
        for name, data in damaged(seeds, count):
            began = time.perf_counter()
            outcomes[read_all(reader, data)] += 1
            seconds = time.perf_counter() - began
            assert seconds < SLOWEST_S, f"{name} took {seconds:.1f} s"
    finally:
        faulthandler.cancel_dump_traceback_later()
    assert sum(outcomes.values()) == count
    # Damage that nothing notices, or that everything refuses, would test nothing.
    assert min(outcomes["read"], outcomes["refused"]) > 0.15 * count, outcomes
    # What allocators keep grows a little with the number; a leak of each picture would be gigabytes.
    assert resident_mb() - before < LEAK_MB + 0.1 * count


def test_damaged_files(make_bundle: Callable[..., Path], seeds: dict[str, bytes]) -> None:
    fuzz(Reader(make_bundle(), engine="onnxruntime", threads=1), seeds, FAST)


@pytest.mark.slow
def test_two_thousand_damaged_files(make_bundle: Callable[..., Path], seeds: dict[str, bytes]) -> None:
    fuzz(Reader(make_bundle(), engine="onnxruntime", threads=1), seeds, ALL)


def png(width: int, height: int, depth: int, colour: int, body: bytes) -> bytes:
    """A PNG whose header says what it likes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


HUGE = {
    "a bomb of 3.6 gigapixels": png(60000, 60000, 1, 0, zlib.compress(bytes(7501 * 4000), 9)),
    "sides of 2^31 - 1": png(2**31 - 1, 2**31 - 1, 8, 2, zlib.compress(b"")),
    "one long row": png(2**31 - 1, 1, 8, 2, zlib.compress(bytes(1000))),
    "no width": png(0, 100, 8, 2, zlib.compress(b"")),
    "150 megapixels declared, nothing there": png(15000, 10000, 1, 0, b""),
    "a PPM of 10^16 pixels": b"P6 100000000 100000000 255\n" + bytes(100),
    "a BMP of 2^31 rows": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 154, 0, 0, 54, 40, 10, 2**31 - 1, 1, 24, *[0] * 6),
    "a GIF of 65535 x 65535": b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b"\x2c" + bytes(20),
    "a TIFF whose directory is itself": b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 0) + struct.pack("<I", 8),
    "a PDF that begins and ends": b"%PDF-1.7\n%%EOF\n",
}


@pytest.mark.parametrize("name", HUGE)
def test_sizes_that_are_not_believed(name: str, make_bundle: Callable[..., Path]) -> None:
    reader = Reader(make_bundle(), engine="onnxruntime", threads=1)
    before, began = resident_mb(), time.perf_counter()
    assert read_all(reader, HUGE[name]) in ("refused", "empty")
    assert time.perf_counter() - began < SLOWEST_S
    # An error and its frames may hold what was decoded until Python looks for cycles; that is no leak.
    gc.collect()
    give_back_memory()
    assert resident_mb() - before < LEAK_MB


def test_a_long_thin_picture_is_read(make_bundle: Callable[..., Path]) -> None:
    reader = Reader(make_bundle(), engine="onnxruntime", threads=1)
    assert read_all(reader, png(30000, 1, 1, 0, zlib.compress(bytes(3751), 9))) == "read"
