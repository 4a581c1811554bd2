"""keras-ocr's tools by their names, those of its first releases included."""

from ocrsmith.compat.keras_ocr.augmenting import augment
from ocrsmith.compat.keras_ocr.boxes import (
    BOXES_FORMATS,
    BoxesFormat,
    adjust_boxes,
    combine_line,
    drawAnnotations,
    drawBoxes,
    fix_line,
    flatten,
    get_rotated_box,
    get_rotated_width_height,
    warpBox,
)
from ocrsmith.compat.keras_ocr.data_generation import (
    convert_multiline_generator_to_single_line,
    font_supports_alphabet,
    get_text_generator,
)
from ocrsmith.compat.keras_ocr.data_generation import get_sentence_image_generator as get_image_generator
from ocrsmith.compat.keras_ocr.files import download_and_verify, get_default_cache_dir, sha256sum
from ocrsmith.compat.keras_ocr.pictures import fit, pad, read, read_and_fit, resize_image

__all__ = [
    "BOXES_FORMATS",
    "BoxesFormat",
    "adjust_boxes",
    "augment",
    "combine_line",
    "convert_multiline_generator_to_single_line",
    "download_and_verify",
    "drawAnnotations",
    "drawBoxes",
    "fit",
    "fix_line",
    "flatten",
    "font_supports_alphabet",
    "get_default_cache_dir",
    "get_image_generator",
    "get_rotated_box",
    "get_rotated_width_height",
    "get_text_generator",
    "pad",
    "read",
    "read_and_fit",
    "resize_image",
    "sha256sum",
    "warpBox",
]
