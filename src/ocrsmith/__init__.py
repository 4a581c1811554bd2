"""ocrsmith: forge your own OCR from an alphabet, fonts and backgrounds."""

__version__ = "0.1.0"
