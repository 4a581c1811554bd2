"""The public names: a list that changes only on purpose, loaded when they are first used."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import ocrsmith

PUBLIC = [
    *("Alphabet", "Bundle", "Character", "Line", "LineSample", "Materials", "OcrsmithError", "Page", "PageSample"),
    *("Reader", "Recipe", "RunResult", "TextInstance", "Word", "World", "__version__", "build_detector"),
    *("build_recognizer", "describe", "evaluate_reader", "export_bundle", "find_fonts", "list_models", "load_recipe"),
    *("load_start_weights", "read_image", "read_labels", "train", "write_dataset", "write_image"),
]


def test_the_list_of_public_names() -> None:
    assert ocrsmith.__all__ == PUBLIC
    assert set(PUBLIC) <= set(dir(ocrsmith))


@pytest.mark.parametrize("name", PUBLIC)
def test_each_name_is_there_and_documented(name: str) -> None:
    value: Any = getattr(ocrsmith, name)
    assert name == "__version__" or (value.__name__ == name and value.__doc__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Raeder'"):
        _ = ocrsmith.Raeder


def test_importing_loads_nothing_else() -> None:
    script = (
        "import sys; before = set(sys.modules); import ocrsmith; "
        "new = {name.partition('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names); "
        "sys.exit(str(new - {'ocrsmith'}) if new - {'ocrsmith'} else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
