from __future__ import annotations

import contextlib
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageGrab

from ocrsmith.errors import InputError
from ocrsmith.images import encode_image
from ocrsmith.reading.outputs import pdf_output
from ocrsmith.reading.page import Page
from ocrsmith.reading.reader import Reader
from ocrsmith.reading.sources import fetched, from_clipboard, is_url, url_stem


class Handler(http.server.BaseHTTPRequestHandler):
    files: dict[str, bytes]

    def do_GET(self) -> None:
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "file:///etc/hostname")
            self.end_headers()
        elif self.path == "/round":
            self.send_response(302)
            self.send_header("Location", "/round")
            self.end_headers()
        elif self.path in ("/gigabyte", "/short"):
            self.send_response(200)
            self.send_header("Content-Length", "1000000000" if self.path == "/gigabyte" else "20")
            self.end_headers()
            self.wfile.write(b"x" * 10)
        elif self.path == "/slow":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(40):
                    self.wfile.write(b"x" * 10)
                    time.sleep(0.05)
        elif self.path in self.files:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.files[self.path])
        else:
            self.send_error(404)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def server(colour_page: np.ndarray) -> Iterator[str]:
    size = (colour_page.shape[1], colour_page.shape[0])
    document = pdf_output([Page((), size, {}, colour_page)] * 2, dpi=200)
    kind = type("Served", (Handler,), {"files": {"/a%20sign.png": encode_image(colour_page), "/two.pdf": document}})
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()
    thread.join()


def test_a_web_address_is_read(make_bundle: Callable[..., Path], server: str) -> None:
    reader = Reader(make_bundle(), engine="onnxruntime", threads=1)
    page = reader.read(server + "/a%20sign.png")
    assert (page.text, page.source) == ("ab a\nb", server + "/a%20sign.png")
    pages = list(reader.read_document(server + "/two.pdf", "2"))
    assert [(page.text, page.source) for page in pages] == [("ab a\nb", server + "/two.pdf#2")]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/absent.png", "404 Not Found"),
        ("/elsewhere", "302"),
        ("/round", "infinite loop"),
        ("/gigabyte", "1,000,000,000 bytes"),
        ("/short", "broke off after 10 of 20 bytes"),
    ],
)
def test_what_a_server_refuses(server: str, path: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as raised:
        fetched(server + path)
    assert server + path in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_address_that_does_not_parse() -> None:
    with pytest.raises(InputError, match="does not parse"):
        fetched("http://[::1")
    assert url_stem("http://[::1") == "download"


def test_bounds_of_size_and_time(server: str) -> None:
    with pytest.raises(InputError, match="at most 100"):
        fetched(server + "/a%20sign.png", max_bytes=100)
    started = time.monotonic()
    with pytest.raises(InputError, match="was not there after"):
        fetched(server + "/slow", max_seconds=0.3)
    assert time.monotonic() - started < 1.9


def test_nobody_listens() -> None:
    with pytest.raises(InputError, match="could not be reached"):
        fetched("http://127.0.0.1:9/x.png", max_seconds=2)


def test_only_web_addresses_are_fetched(tmp_path: Path) -> None:
    for source in (tmp_path, "a.png", b"http://", "ftp://x/y", np.zeros((2, 2), np.uint8)):
        assert not is_url(source)
        assert fetched(source) is source
    assert is_url("HTTPS://example.org/x")
    assert url_stem("https://example.org/a/sign.final.jpg?x=1") == "sign.final"
    assert url_stem("https://example.org:80/") == "example.org_80"


def test_the_clipboard(monkeypatch: pytest.MonkeyPatch) -> None:
    held = PillowImage.new("RGBA", (3, 2), (255, 0, 0, 255))
    monkeypatch.setattr(ImageGrab, "grabclipboard", lambda: held)
    (image,) = from_clipboard()
    assert isinstance(image, np.ndarray)
    assert image.shape == (2, 3, 3)
    monkeypatch.setattr(ImageGrab, "grabclipboard", lambda: ["a.png", "b.png"])
    assert from_clipboard() == [Path("a.png"), Path("b.png")]
    monkeypatch.setattr(ImageGrab, "grabclipboard", lambda: None)
    with pytest.raises(InputError, match="no picture"):
        from_clipboard()


def test_no_clipboard_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise NotImplementedError("wl-paste or xclip is required")

    monkeypatch.setattr(ImageGrab, "grabclipboard", refuse)
    with pytest.raises(InputError, match="xclip"):
        from_clipboard()
