"""Where font files lie: a folder's fonts by their endings, and the system's folders that exist."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ocrsmith.synth.font_folders import font_files_in, system_font_folders


def test_a_folder_gives_what_ends_like_a_font_and_a_file_itself(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.ttf", "a.OTF", "deep/c.ttc", "readme.txt", "font"):
        (tmp_path / name).touch()
    assert font_files_in(tmp_path) == [tmp_path / name for name in ("a.OTF", "b.ttf", "deep/c.ttc")]
    assert font_files_in(tmp_path / "font") == [tmp_path / "font"]
    (tmp_path / "empty").mkdir()
    assert font_files_in(tmp_path / "empty") == []


def test_system_folders_are_those_that_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_DATA_DIRS", f"{tmp_path / 'shared'}:{tmp_path / 'gone'}:{tmp_path / 'shared'}")
    for folder in ("own/fonts", "shared/fonts", "home"):
        (tmp_path / folder).mkdir(parents=True)
    assert system_font_folders() == [tmp_path / "own" / "fonts", tmp_path / "shared" / "fonts"]
