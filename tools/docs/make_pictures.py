"""Makes the README's picture: readings as they are drawn for training, and the packaged photograph as it is read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ocrsmith.images import draw_polygons, read_image, write_image
from ocrsmith.reading.reader import Reader
from ocrsmith.samples import Image
from ocrsmith.settings import package_assets_dir
from ocrsmith.training.recipe_loading import load_recipe
from ocrsmith.training.worlds import Materials

TARGET = Path(__file__).resolve().parents[2] / "docs" / "pictures" / "seven_segment.jpg"
WIDTH, CROP, COLUMNS, CROPS = 1200, (192, 48), 6, 24


def fitted(image: Image, width: int, height: int) -> Image:
    """The picture inside a white cell."""
    scale = min(width / image.shape[1], height / image.shape[0])
    small = cv2.resize(image, (max(1, int(image.shape[1] * scale)), max(1, int(image.shape[0] * scale))))
    cell = np.full((height + 8, width + 8, 3), 255, np.uint8)
    top, left = (cell.shape[0] - small.shape[0]) // 2, (cell.shape[1] - small.shape[1]) // 2
    cell[top : top + small.shape[0], left : left + small.shape[1]] = small
    return cell


def main() -> None:
    """Writes the picture."""
    recipe = load_recipe("seven_segment")
    assert recipe.recognizer is not None
    world = Materials(recipe).recognizer_world(recipe.recognizer, "train")
    cells = [fitted(world[index].image, *CROP) for index in range(CROPS)]
    sheet = np.vstack([np.hstack(cells[i : i + COLUMNS]) for i in range(0, CROPS, COLUMNS)])
    photograph = read_image(package_assets_dir() / "samples" / "display_photos" / "images" / "led_board.jpg")
    page = Reader("seven_segment").read(photograph)
    drawn = draw_polygons(photograph, [word.polygon for word in page.words], (255, 220, 0), 2)
    for word in page.words:
        left, top = word.polygon.min(axis=0)
        corner = (int(left), int(top) - 6)
        cv2.putText(drawn, word.text, corner, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 5, cv2.LINE_AA)
        cv2.putText(drawn, word.text, corner, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 220, 0), 2, cv2.LINE_AA)
    scale = sheet.shape[1] / drawn.shape[1]
    shown = cv2.resize(drawn, (sheet.shape[1], round(drawn.shape[0] * scale)), interpolation=cv2.INTER_AREA)
    write_image(TARGET, np.vstack([sheet, shown]))


if __name__ == "__main__":
    main()
