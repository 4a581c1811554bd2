"""`ocrsmith read`, on a bundle that reads colours."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageGrab

from ocrsmith.cli.read import Format, Orientation, TextLayer
from ocrsmith.cli.reading_run import MOST_FAILURES_SHOWN
from ocrsmith.images import encode_image, read_image, write_image
from ocrsmith.reading.orientation import ORIENTATIONS
from ocrsmith.reading.outputs import FORMATS
from ocrsmith.reading.text_layer import LAYER_CHOICES

TEXT = "ab a\nb\n"
Run = Callable[..., Any]


@pytest.fixture
def page(tmp_path: Path, colours: np.ndarray) -> Path:
    return write_image(tmp_path / "page.png", colours)


@pytest.fixture
def book(tmp_path: Path, colours: np.ndarray) -> Path:
    """A TIFF of three pages, the second one empty."""
    pages = [Image.fromarray(image) for image in (colours, np.full_like(colours, 255), colours[50:])]
    pages[0].save(tmp_path / "book.tiff", save_all=True, append_images=pages[1:])
    return tmp_path / "book.tiff"


def test_the_formats_are_those_of_the_outputs() -> None:
    assert [each.value for each in Format] == list(FORMATS)


def test_one_picture_prints_its_text(ocrsmith: Run, tiny_bundle: Path, page: Path) -> None:
    done = ocrsmith("read", page, "--model", tiny_bundle)
    assert (done.code, done.text, done.errors) == (0, TEXT, "")


@pytest.mark.parametrize("name", [each.value for each in Format])
def test_every_format_writes_a_file(ocrsmith: Run, tiny_bundle: Path, page: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / "deep" / "result"
    assert ocrsmith("read", page, "-m", tiny_bundle, "-f", name, "-o", target).code == 0
    assert target.stat().st_size > 0
    assert not list(target.parent.glob("*.part"))


def test_json_of_several_pictures_is_one_document(ocrsmith: Run, tiny_bundle: Path, page: Path) -> None:
    done = ocrsmith("read", page, page, "-m", tiny_bundle, "-f", "json")
    form = json.loads(done.text)
    assert [entry["text"] for entry in form["pages"]] == ["ab a\nb"] * 2
    assert form["pages"][0]["source"] == str(page)


def test_texts_of_several_pictures_are_headed(ocrsmith: Run, tiny_bundle: Path, page: Path) -> None:
    done = ocrsmith("read", page, page, "-m", tiny_bundle)
    assert done.text == f"==> {page} <==\n{TEXT}" * 2


def test_folders_are_searched_and_files_keep_apart(
    ocrsmith: Run, tiny_bundle: Path, colours: np.ndarray, tmp_path: Path
) -> None:
    for folder in ("one", "two/deep"):
        write_image(tmp_path / "in" / folder / "scan.png", colours)
    (tmp_path / "in" / "notes.txt").write_text("not a picture")
    done = ocrsmith("read", tmp_path / "in", "-m", tiny_bundle, "--output-dir", tmp_path / "out")
    assert done.code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["scan.txt", "scan_2.txt"]


def test_globs_that_no_shell_expanded(ocrsmith: Run, tiny_bundle: Path, page: Path) -> None:
    assert ocrsmith("read", page.parent / "p*.png", "-m", tiny_bundle).text == TEXT
    done = ocrsmith("read", page.parent / "q*.png", "-m", tiny_bundle)
    assert (done.code, done.output) == (3, b"")
    assert "No file matches" in done.errors


def test_pages_of_a_document(ocrsmith: Run, tiny_bundle: Path, book: Path, tmp_path: Path) -> None:
    assert ocrsmith("read", book, "-m", tiny_bundle).text == f"{TEXT}\f\fb\n"
    assert ocrsmith("read", book, "-m", tiny_bundle, "--pages", "3").text == "b\n"
    done = ocrsmith("read", book, "-m", tiny_bundle, "-f", "page", "--output-dir", tmp_path / "out")
    assert done.code == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["book-1.page.xml", "book-2.page.xml", "book-3.page.xml"]


def test_a_page_that_is_not_there(ocrsmith: Run, tiny_bundle: Path, book: Path) -> None:
    done = ocrsmith("read", book, "-m", tiny_bundle, "--pages", "2-4")
    assert done.code == 3
    assert "has 3 pages" in done.errors


def test_several_pages_in_a_format_of_one(ocrsmith: Run, tiny_bundle: Path, book: Path, tmp_path: Path) -> None:
    done = ocrsmith("read", book, "-m", tiny_bundle, "-f", "page", "-o", tmp_path / "book.xml")
    assert done.code == 3
    assert "--output-dir" in done.errors


def test_standard_input(tiny_bundle: Path, colours: np.ndarray) -> None:
    command = [sys.executable, "-m", "ocrsmith", "read", "-", "-m", str(tiny_bundle)]
    done = subprocess.run(command, input=encode_image(colours), capture_output=True, check=False)
    assert (done.returncode, done.stdout.decode(), done.stderr.decode()) == (0, TEXT, "")


def test_drawn_boxes(ocrsmith: Run, tiny_bundle: Path, book: Path, tmp_path: Path) -> None:
    assert ocrsmith("read", book, "-m", tiny_bundle, "--draw", tmp_path / "boxes.png").code == 0
    assert {path.name for path in tmp_path.glob("boxes*")} == {"boxes.png", "boxes-2.png", "boxes-3.png"}
    assert read_image(tmp_path / "boxes.png").shape == (120, 200, 3)


def test_one_bad_file_stops_nothing(ocrsmith: Run, tiny_bundle: Path, page: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(page.read_bytes()[:100])
    done = ocrsmith("read", bad, page, tmp_path / "absent.png", "-m", tiny_bundle)
    assert done.code == 15
    assert done.text == f"==> {page} <==\n{TEXT}"
    assert done.errors.count("not read: ") == 2
    assert done.errors.endswith("error: 2 of 3 sources could not be read.\n")
    assert "Traceback" not in done.errors


def test_the_only_bad_file_exits_with_its_own_code(ocrsmith: Run, tiny_bundle: Path, tmp_path: Path) -> None:
    done = ocrsmith("read", tmp_path / "absent.png", "-m", tiny_bundle)
    assert (done.code, done.output) == (3, b"")
    assert done.errors.startswith("error: The picture ") and done.errors.count("\n") == 1


def test_many_bad_files_are_counted(ocrsmith: Run, tiny_bundle: Path, tmp_path: Path) -> None:
    done = ocrsmith("read", *(tmp_path / f"{i}.png" for i in range(MOST_FAILURES_SHOWN + 5)), "-m", tiny_bundle)
    assert done.errors.count("not read: ") == MOST_FAILURES_SHOWN
    assert "and 5 more" in done.errors


def test_characters_and_confidence(ocrsmith: Run, tiny_bundle: Path, page: Path) -> None:
    assert ocrsmith("read", page, "-m", tiny_bundle, "--characters", "b").text.split() == ["b", "b"]
    assert ocrsmith("read", page, "-m", tiny_bundle, "--min-confidence", "1.0").text == ""


def test_timings_go_to_standard_error(ocrsmith: Run, tiny_bundle: Path, page: Path) -> None:
    done = ocrsmith("read", page, "-m", tiny_bundle, "--timings", "--engine", "onnxruntime", "--threads", "1")
    assert done.text == TEXT
    assert "1 page" in done.errors and "detector" in done.errors and "ms a page" in done.errors


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--model", "no such bundle"], 10, "No bundle"),
        (["--engine", "abacus"], 13, "unknown"),
        (["--format", "docx"], 2, "docx"),
        (["--threads", "0"], 2, "threads"),
        (["--output", "a", "--output-dir", "b"], 2, "not both"),
        (["--skip-existing"], 2, "--output-dir"),
        (["--jobs", "0"], 2, "jobs"),
        (["--text-layer", "maybe"], 2, "maybe"),
        (["--orientation", "askew"], 2, "askew"),
        (["--pages", "a-b"], 3, "1-3,7"),
        (["--pages", "1-999999999"], 3, "and page 999999999 was asked for"),
        (["--output", "."], 14, "--output-dir"),
        (["--output-dir", __file__], 14, "is no folder"),
    ],
)
def test_wrong_lines(ocrsmith: Run, tiny_bundle: Path, page: Path, arguments: list[str], code: int, says: str) -> None:
    done = ocrsmith("read", page, *([] if "--model" in arguments else ["-m", tiny_bundle]), *arguments)
    assert (done.code, done.output) == (code, b"")
    assert says in done.errors and "Traceback" not in done.errors


def test_a_file_that_cannot_be_written(ocrsmith: Run, tiny_bundle: Path, page: Path, tmp_path: Path) -> None:
    done = ocrsmith("read", page, "-m", tiny_bundle, "-o", page / "below" / "a-file.txt")
    assert done.code == 14
    assert done.errors.startswith("error: ") and done.errors.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk(tiny_bundle: Path, page: Path) -> None:
    command = [sys.executable, "-m", "ocrsmith", "read", str(page), "-m", str(tiny_bundle)]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 14
    assert done.stderr.decode().startswith("error: Standard output could not be written")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGPIPE")
def test_a_reader_that_goes_away(tiny_bundle: Path, page: Path) -> None:
    command = [sys.executable, "-m", "ocrsmith", "read", *[str(page)] * 3, "-m", str(tiny_bundle)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), errors) == (141, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_on_a_terminal_no_bar_stands_in_a_text_s_line(tiny_bundle: Path, page: Path) -> None:
    import pty

    def shown(*arguments: str) -> str:
        control, terminal = pty.openpty()
        command = [sys.executable, "-m", "ocrsmith", "read", str(page), "-m", str(tiny_bundle), *arguments]
        with subprocess.Popen(command, stdout=terminal, stderr=terminal, env=os.environ | {"TERM": "xterm"}):
            os.close(terminal)
            seen = b""
            # Linux ends a terminal that nobody writes to any more with an error, other systems with nothing.
            with contextlib.suppress(OSError):
                while part := os.read(control, 4096):
                    seen += part
        os.close(control)
        return seen.decode().replace("\r\n", "\n")

    assert shown() == TEXT
    assert "Reading" in shown("--output", str(page.with_suffix(".txt")))


def test_pixels_are_let_go_where_the_format_shows_none(tiny_bundle: Path, colours: np.ndarray, page: Path) -> None:
    from ocrsmith.cli.reading_run import Destination, ReadingRun
    from ocrsmith.reading.reader import Reader

    run = ReadingRun(Destination("json", page.parent / "all.json"))
    run.read_all([Reader(tiny_bundle)], run.find([str(page)] * 2))
    assert [held.image for held in run.held] == [None, None]


def test_several_jobs_keep_the_order(ocrsmith: Run, tiny_bundle: Path, colours: np.ndarray, tmp_path: Path) -> None:
    paths = [write_image(tmp_path / f"{i}.png", colours[(50 if i % 2 else 0) :]) for i in range(9)]
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    one = ocrsmith("read", *paths, bad, "-m", tiny_bundle)
    three = ocrsmith("read", *paths, bad, "-m", tiny_bundle, "--jobs", "3")
    assert (three.code, three.output, three.errors) == (15, one.output, one.errors)
    assert one.text.count("==> ") == 9


def test_jobs_on_a_document_that_breaks_off(ocrsmith: Run, tiny_bundle: Path, book: Path) -> None:
    done = ocrsmith("read", book, book, "-m", tiny_bundle, "--jobs", "2", "--pages", "1,9")
    assert (done.code, done.output) == (15, b"")
    assert done.errors.count("has 3 pages") == 2


def test_what_is_there_is_skipped(ocrsmith: Run, tiny_bundle: Path, colours: np.ndarray, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write_image(tmp_path / "in" / folder / "scan.png", colours)
    (tmp_path / "in" / "bad.png").write_bytes(b"no picture")
    command = ("read", tmp_path / "in", "-m", tiny_bundle, "--output-dir", tmp_path / "out", "--skip-existing")
    first = ocrsmith(*command)
    assert first.code == 15
    assert "2 of 3 sources read, 2 pages" in first.errors and "0 skipped, 1 failed" in first.errors
    (tmp_path / "out" / "scan.txt").write_text("kept")
    (tmp_path / "out" / "scan_2.txt").unlink()
    second = ocrsmith(*command)
    assert "1 of 3 sources read" in second.errors and "1 skipped, 1 failed" in second.errors
    assert (tmp_path / "out" / "scan.txt").read_text() == "kept"
    assert (tmp_path / "out" / "scan_2.txt").read_text() == TEXT


def test_a_document_that_was_cut_off_is_read_again(
    ocrsmith: Run, tiny_bundle: Path, book: Path, tmp_path: Path
) -> None:
    command = ("read", book, "-m", tiny_bundle, "-f", "page", "--output-dir", tmp_path / "out", "--skip-existing")
    assert ocrsmith(*command).code == 0
    # The first page is written last.
    (tmp_path / "out" / "book-1.page.xml").unlink()
    assert "0 skipped" not in ocrsmith(*command).errors
    assert (tmp_path / "out" / "book-1.page.xml").exists()
    assert "1 skipped" in ocrsmith(*command).errors


def test_a_document_that_breaks_off_is_not_taken_for_read(
    ocrsmith: Run, tiny_bundle: Path, colours: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "book.tif"
    first = Image.fromarray(colours)
    first.save(path, save_all=True, append_images=[first.rotate(180)], compression="tiff_deflate")
    whole = path.read_bytes()
    with Image.open(path) as opened:
        opened.seek(1)
        strip = opened.tag_v2[273][0]
    path.write_bytes(whole[:strip] + b"damage" + whole[strip + 6 :])
    command = ("read", path, "-m", tiny_bundle, "--output-dir", tmp_path / "out", "--skip-existing")
    for _ in range(2):
        done = ocrsmith(*command)
        assert (done.code, "Traceback" in done.errors) == (3, False)
        assert (tmp_path / "out" / "book.incomplete.txt").read_text() == TEXT
    path.write_bytes(whole)
    assert ocrsmith(*command).code == 0
    assert (tmp_path / "out" / "book.txt").read_text().startswith(TEXT + "\f")


def test_what_came_as_bytes_is_told_by_its_source(tiny_bundle: Path) -> None:
    command = [sys.executable, "-m", "ocrsmith", "read", "-", "-m", str(tiny_bundle)]
    done = subprocess.run(command, input=b"no picture", capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.startswith(b"error: standard input: the picture is in no format that is known")


def test_names_of_results_do_not_collide(ocrsmith: Run, tiny_bundle: Path, colours: np.ndarray, tmp_path: Path) -> None:
    for name in ("a/scan.png", "b/scan.png", "c/scan_2.png", "d/SCAN.png"):
        write_image(tmp_path / "in" / name, colours)
    assert ocrsmith("read", tmp_path / "in", "-m", tiny_bundle, "--output-dir", tmp_path / "out").code == 0
    assert len({path.name.lower() for path in (tmp_path / "out").iterdir()}) == 4


def test_the_clipboard(ocrsmith: Run, tiny_bundle: Path, page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageGrab, "grabclipboard", lambda: Image.open(page))
    assert ocrsmith("read", "--clipboard", "-m", tiny_bundle).text == TEXT
    monkeypatch.setattr(ImageGrab, "grabclipboard", lambda: None)
    assert ocrsmith("read", "--clipboard", "-m", tiny_bundle).code == 3


def test_a_web_address_that_nobody_answers(ocrsmith: Run, tiny_bundle: Path) -> None:
    done = ocrsmith("read", "http://127.0.0.1:9/a.png", "-m", tiny_bundle)
    assert (done.code, done.output) == (3, b"")
    assert "could not be reached" in done.errors


def test_a_text_layer(ocrsmith: Run, tiny_bundle: Path, page: Path, tmp_path: Path) -> None:
    target = tmp_path / "page.pdf"
    assert ocrsmith("read", page, "-m", tiny_bundle, "-f", "pdf", "-o", target).code == 0
    used = ocrsmith("read", target, "-m", tiny_bundle, "--text-layer", "use", "--timings")
    assert used.text == TEXT
    assert "recognizer" not in used.errors
    checked = ocrsmith("read", target, "-m", tiny_bundle, "--text-layer", "check")
    assert checked.text == TEXT
    assert "100% of words agree with the text layer" in checked.errors


def test_the_choices_are_those_of_the_reader() -> None:
    assert tuple(each.value for each in Orientation) == ORIENTATIONS
    assert tuple(each.value for each in TextLayer) == LAYER_CHOICES
