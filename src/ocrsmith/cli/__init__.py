"""The command line: each command parses, calls what the floors below do, and prints."""

from __future__ import annotations

from ocrsmith.cli.app import main, run

__all__ = ["main", "run"]
