"""Fixtures that several floors share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of real pictures and reference outputs beside the checkout; tests that need it skip without it."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the folder of real pictures and fixtures is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def segment_font() -> str:
    """A packaged seven-segment font."""
    folder = Path(__file__).resolve().parents[1] / "src" / "ocrsmith" / "assets" / "fonts"
    found = sorted(folder.rglob("SevenSegmentClassic-Regular.ttf"))
    if not found:
        pytest.skip("the packaged fonts are not built")
    return str(found[0])
