"""The page of packaged models says what the bundles' cards say."""

from __future__ import annotations

import runpy
from pathlib import Path

TOOL = Path(__file__).parents[1] / "tools" / "docs" / "make_models_page.py"


def test_the_page_of_models_is_current() -> None:
    tool = runpy.run_path(str(TOOL))
    assert tool["PAGE"].read_text(encoding="utf-8") == tool["page"](), "run python tools/docs/make_models_page.py"
