"""Makes the packaged photograph of real seven-segment displays and its labels.

Source: the PyPI package luma.led_matrix 1.9.0 (sdist), doc/images/IMG_2810.JPG, MIT licence. Run on the unpacked file:

    pip download --no-deps --no-binary :all: luma.led_matrix==1.9.0
    tar xzf luma_led_matrix-1.9.0.tar.gz
    python tools/samples/make_displays.py luma_led_matrix-1.9.0/doc/images/IMG_2810.JPG
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np

from ocrsmith.images import read_image, write_image
from ocrsmith.settings import package_assets_dir

SHA256 = "0ee62924397675939bbce3ce0b5966851b5ba29915fa36e694a7b049bc816414"
# Corners of the lit digits, measured by hand on the photograph, px.
READINGS = {
    "15594.305": [[676, 77], [931, 81], [929, 122], [675, 118]],
    "00000746": [[652, 161], [930, 166], [928, 209], [650, 203]],
    "2663.964": [[687, 253], [932, 258], [930, 300], [685, 297]],
}


def main(source: Path) -> None:
    """Writes the page, one crop a display, and both label files."""
    if hashlib.sha256(source.read_bytes()).hexdigest() != SHA256:
        raise SystemExit(f"{source} is not the photograph that the labels belong to.")
    folder = package_assets_dir() / "samples"
    pages, lines = folder / "display_photos", folder / "display_crops"
    for made in (pages, lines):
        (made / "images").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, pages / "images" / "led_board.jpg")
    words = [{"polygon": quad, "text": text, "ignore": False} for text, quad in READINGS.items()]
    label = {"image": "images/led_board.jpg", "words": words}
    (pages / "labels.jsonl").write_text(json.dumps(label) + "\n", encoding="utf-8")
    image = read_image(source)
    rows = []
    for number, (text, quad) in enumerate(READINGS.items(), 1):
        (left, top), (right, bottom) = np.min(quad, axis=0) - 8, np.max(quad, axis=0) + 8
        name = f"images/led_{number}.png"
        write_image(lines / name, np.ascontiguousarray(image[top:bottom, left:right]))
        rows.append(json.dumps({"image": name, "text": text}))
    (lines / "labels.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
