"""Reading needs the reading install alone: no PyTorch, no font libraries, none of what the extras bring.

Runs where everything is installed, with the extras kept from being imported, and by `.ci/run` once more where they are
truly absent.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from ocrsmith.settings import package_assets_dir

EXTRAS = [
    *("torch", "torchvision", "torchmetrics", "pytorch_lightning", "lightning", "tensorboard", "safetensors"),
    *("onnx", "onnxscript", "shapely", "rapidfuzz", "jinja2", "matplotlib", "uharfbuzz", "freetype", "fontTools"),
    *("lmdb", "h5py", "openvino", "rapidocr", "scipy", "skimage", "pandas"),
]
WITHOUT_EXTRAS = f"""
import importlib.machinery, sys
class WithoutExtras(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition('.')[0] in {EXTRAS!r} else super().find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(importlib.machinery.PathFinder)] = WithoutExtras
"""
ENGLISH = package_assets_dir() / "bundles" / "english.ocrsmith"
needs_english = pytest.mark.skipif(not ENGLISH.is_file(), reason="the bundle english is not packaged")


def python(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_EXTRAS + script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A white page with "Reading 2026" in a packaged font."""
    page = Image.new("RGB", (640, 160), "white")
    font = ImageFont.truetype(str(package_assets_dir() / "fonts" / "files" / "Alegreya-Regular.ttf"), 64)
    ImageDraw.Draw(page).text((40, 40), "Reading 2026", "black", font)
    path = tmp_path_factory.mktemp("pictures") / "page.png"
    page.save(path)
    return path


def test_every_module_of_the_reading_path_loads() -> None:
    script = """
import importlib, pkgutil
import ocrsmith.reading, ocrsmith.cli.reading_run
for module in pkgutil.walk_packages(ocrsmith.reading.__path__, 'ocrsmith.reading.'):
    importlib.import_module(module.name)
from ocrsmith import Alphabet, Bundle, Page, Reader, read_image, write_image
"""
    done = python(script)
    assert (done.returncode, done.stderr) == (0, "")


@needs_english
def test_reads_from_python(picture: Path) -> None:
    done = python("import ocrsmith; print(ocrsmith.Reader().read(sys.argv[1]).text)", str(picture))
    assert (done.returncode, done.stderr) == (0, "")
    assert {"Reading", "2026"} <= set(done.stdout.split())


@needs_english
def test_reads_from_the_command_line(picture: Path) -> None:
    done = python("from ocrsmith.cli import run; sys.exit(run(sys.argv[1:]))", "read", str(picture))
    assert (done.returncode, done.stderr) == (0, "")
    assert {"Reading", "2026"} <= set(done.stdout.split())


def test_what_needs_the_training_install_says_so() -> None:
    done = python("from ocrsmith.cli import run; sys.exit(run(sys.argv[1:]))", "train", "seven_segment")
    assert done.returncode == 1
    assert done.stderr.startswith("error: This needs ") and 'pip install "ocrsmith[train]"' in done.stderr


def test_models_are_listed_without_the_training_install() -> None:
    done = python("from ocrsmith.cli import run; sys.exit(run(sys.argv[1:]))", "models")
    assert done.returncode == 0
    assert "Bundles" in done.stdout and 'pip install "ocrsmith[train]"' in done.stderr
