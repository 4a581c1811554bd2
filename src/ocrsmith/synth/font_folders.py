"""Where font files lie: the operating system's folders, and a folder's files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ocrsmith.synth.font_files import FONT_SUFFIXES


def system_font_folders() -> list[Path]:
    """Where this operating system keeps installed fonts; only folders that exist."""
    home = Path.home()
    if sys.platform == "win32":
        windows = Path(os.environ.get("WINDIR", r"C:\Windows"))
        local = Path(os.environ.get("LOCALAPPDATA", str(home / "AppData" / "Local")))
        folders = [windows / "Fonts", local / "Microsoft" / "Windows" / "Fonts"]
    elif sys.platform == "darwin":
        folders = [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library" / "Fonts"]
    else:
        data_home = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
        data_dirs = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
        folders = [data_home / "fonts", home / ".fonts", *(Path(part) / "fonts" for part in data_dirs.split(":"))]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def font_files_in(root: Path) -> list[Path]:
    """A named file is taken whatever its ending; in folders only files with a font's ending are."""
    if root.is_file():
        return [root]
    return sorted(path for path in root.rglob("*") if path.suffix.lower() in FONT_SUFFIXES and path.is_file())
