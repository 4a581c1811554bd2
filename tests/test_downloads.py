"""Downloads from a server on loopback: whole, resumed, cut short, changed, absent."""

from __future__ import annotations

import hashlib
import http.server
import io
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocrsmith.downloads import download_and_verify
from ocrsmith.errors import DownloadError, StorageError
from ocrsmith.synth.keras_ocr_assets import keras_ocr_backgrounds, safe_unzip

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """Files by path; counts requests and remembers their Range."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {"/model.bin": CONTENT}
        self.ranges: list[str | None] = []
        self.understands_ranges = True
        self.cut_after: int | None = None
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers.get("Range")
                server.ranges.append(asked)
                body = server.files.get(self.path)
                if body is None:
                    self.send_error(404)
                    return
                start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and server.understands_ranges else 0
                if start >= len(body) > 0:
                    self.send_error(416)
                    return
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(body) - start))
                self.end_headers()
                self.wfile.write(body[start : server.cut_after])

            def log_message(self, format: str, *args: object) -> None:
                return

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    running = Server()
    yield running
    running.close()


def test_comes_once_and_then_from_the_cache(server: Server, tmp_path: Path) -> None:
    first = download_and_verify(server.url + "/model.bin", SHA256, tmp_path / "new")
    again = download_and_verify(server.url + "/model.bin", SHA256.upper(), tmp_path / "new")
    assert first == again == tmp_path / "new" / "model.bin"
    assert first.read_bytes() == CONTENT
    assert server.ranges == [None]
    assert [p.name for p in first.parent.iterdir()] == ["model.bin"]


def test_a_harmed_file_in_the_cache_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"harmed")
    assert download_and_verify(server.url + "/model.bin", SHA256, tmp_path).read_bytes() == CONTENT


def test_an_interrupted_download_goes_on(server: Server, tmp_path: Path) -> None:
    server.cut_after = 1000
    with pytest.raises(DownloadError, match=r"broke off after 1,000 of 10,240 bytes|could not be reached"):
        download_and_verify(server.url + "/model.bin", SHA256, tmp_path)
    assert (tmp_path / "model.bin.part").stat().st_size == 1000
    server.cut_after = None
    assert download_and_verify(server.url + "/model.bin", SHA256, tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000-"]


def test_a_server_without_ranges_sends_the_whole_again(server: Server, tmp_path: Path) -> None:
    server.understands_ranges = False
    (tmp_path / "model.bin.part").write_bytes(CONTENT[:500])
    assert download_and_verify(server.url + "/model.bin", SHA256, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("left", [b"other bytes", CONTENT + b"more", CONTENT])
def test_a_part_of_another_file_is_thrown_away(server: Server, tmp_path: Path, left: bytes) -> None:
    (tmp_path / "model.bin.part").write_bytes(left)
    assert download_and_verify(server.url + "/model.bin", SHA256, tmp_path).read_bytes() == CONTENT


def test_changed_bytes_are_refused_and_not_kept(server: Server, tmp_path: Path) -> None:
    server.files["/model.bin"] = b"<html>log in first</html>"
    with pytest.raises(DownloadError, match=f"{SHA256} was expected"):
        download_and_verify(server.url + "/model.bin", SHA256, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_absent_file_names_the_answer(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="answered 404"):
        download_and_verify(server.url + "/gone.bin", SHA256, tmp_path)


def test_an_empty_file(server: Server, tmp_path: Path) -> None:
    server.files["/empty"] = b""
    assert download_and_verify(server.url + "/empty", hashlib.sha256(b"").hexdigest(), tmp_path).stat().st_size == 0


def test_too_large_is_refused(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="at most 100 were expected"):
        download_and_verify(server.url + "/model.bin", SHA256, tmp_path, max_bytes=100)


def test_offline_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(DownloadError, match=r"could not be reached .*give its path"):
        download_and_verify("http://127.0.0.1:9/model.bin", SHA256, tmp_path, timeout_seconds=2)


@pytest.mark.parametrize(
    ("url", "sha256", "filename", "message"),
    [
        ("file:///etc/passwd", SHA256, None, "neither http nor https"),
        ("http://127.0.0.1/a", "abc", None, "64 hexadecimal"),
        ("http://127.0.0.1/", SHA256, None, "no name"),
        ("http://127.0.0.1/a", SHA256, "../a", "no name"),
        ("http://127.0.0.1/%2e%2e", SHA256, None, "no name"),
    ],
)
def test_bad_requests(tmp_path: Path, url: str, sha256: str, filename: str | None, message: str) -> None:
    with pytest.raises(DownloadError, match=message):
        download_and_verify(url, sha256, tmp_path, filename)


def test_a_cache_that_is_a_file(server: Server, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(StorageError, match="could not be written"):
        download_and_verify(server.url + "/model.bin", SHA256, tmp_path / "cache")


def zip_of(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def test_keras_ocr_files_unpack_once(server: Server, tmp_path: Path) -> None:
    server.files["/backgrounds.zip"] = zip_of({"a.jpg": b"picture", "deep/b.jpg": b"picture 2"})
    sha256 = hashlib.sha256(server.files["/backgrounds.zip"]).hexdigest()
    for _ in range(2):
        folder = keras_ocr_backgrounds(tmp_path, release=server.url + "/", sha256=sha256)
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.jpg")) == ["a.jpg", "deep/b.jpg"]
    assert len(server.ranges) == 1


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "..\\evil", "C:/evil"])
def test_no_member_leaves_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.zip").write_bytes(zip_of({"good": b"1", name: b"2"}))
    with pytest.raises(DownloadError, match="leaves its folder"):
        safe_unzip(tmp_path / "a.zip", tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]


def test_bombs_and_damage(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(zip_of({f"{i}": b"0" * 1000 for i in range(5)}))
    with pytest.raises(DownloadError, match="holds 5 files"):
        safe_unzip(archive, tmp_path / "out", max_files=4)
    with pytest.raises(DownloadError, match="more bytes"):
        safe_unzip(archive, tmp_path / "out", max_bytes=4999)
    archive.write_bytes(archive.read_bytes()[:100])
    with pytest.raises(DownloadError, match="no whole ZIP"):
        safe_unzip(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()
