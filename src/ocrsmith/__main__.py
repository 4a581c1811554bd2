"""`python -m ocrsmith` is the command `ocrsmith`."""

from __future__ import annotations

from ocrsmith.cli import main

main()
