"""Both end-to-end examples run to their end, with zips from a server of this machine and small numbers."""

from __future__ import annotations

import hashlib
import http.server
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "src" / "ocrsmith" / "assets"
FONTS = ("DejaVuSans*.ttf", "Lato-*.ttf", "Roboto*.ttf", "Open*.ttf", "Asap-*.ttf", "Barlow-*.ttf")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """(address with a slash, sha256 by name) of small archives in keras-ocr's layout."""
    folder = tmp_path_factory.mktemp("release")
    fonts = sorted({path for pattern in FONTS for path in (ASSETS / "fonts" / "files").glob(pattern)})[:6]
    backgrounds = sorted((ASSETS / "backgrounds" / "files").glob("*.webp"))[:6]
    hashes = {}
    for name, members in (("fonts", fonts), ("backgrounds", backgrounds)):
        assert members, f"the packaged {name} are not there"
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            for member in members:
                archive.write(member, f"{member.stem}/{member.name}")
        hashes[name] = hashlib.sha256((folder / f"{name}.zip").read_bytes()).hexdigest()
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", hashes
        server.shutdown()
        thread.join()


def run(script: str, *arguments: str) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "examples" / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_the_keras_ocr_script_runs_to_its_end(release: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    address, hashes = release
    archives = [part for name, sha in hashes.items() for part in ("--archive", name, f"{address}{name}.zip", sha)]
    small = ["--size", "96", "--font-size", "14", "20", "--margin", "4", "--batch-size", "2", "--epochs", "1"]
    weights = ["--detector-weights", "none", "--recognizer-weights", "none", "--filters", *["8"] * 7]
    output = run("end_to_end_keras_ocr.py", "--out", str(tmp_path), "--steps", "2", *small, *weights, *archives)
    assert "Detector loss: [" in output and "Recognizer loss: [" in output and "Predicted: [" in output
    for name in ("detector.h5", "recognizer.h5", "first_scene.png", "first_crops.png", "predictions.png"):
        assert (tmp_path / name).is_file(), name
    assert (tmp_path / "detector.csv").read_text().startswith("epoch,loss,val_loss\n0,")


@pytest.mark.slow
def test_our_own_script_runs_to_its_end(release: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    address, hashes = release
    small = ["--size", "160", "--batch-size", "4", "--epochs", "1", "--steps", "2", "--workers", "0"]
    networks = ["--detector", "craft_light", "--detector-start", "none"]
    networks += ["--recognizer", "light_ctc", "--recognizer-start", "none"]
    archives = ["--release", address]
    archives += ["--fonts-sha256", hashes["fonts"], "--backgrounds-sha256", hashes["backgrounds"]]
    output = run("end_to_end_ocrsmith.py", "--out", str(tmp_path), *small, *networks, *archives)
    assert "stopped by steps" in output and "Read:" in output
    for name in ("end_to_end.ocrsmith", "read.png", "samples/pages.png", "samples/lines.png", "detector/metrics.csv"):
        assert (tmp_path / name).is_file(), name
