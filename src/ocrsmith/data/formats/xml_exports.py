"""XML label files of annotation tools: Pascal VOC (one a picture) and CVAT ("CVAT for images 1.1", one a set)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from ocrsmith.data.formats.labelled import BadLabel, Kind, LabelledPicture, Problem, make_instance
from ocrsmith.data.formats.markup import (
    Element,
    collect_instances,
    labelled_elements,
    number_of,
    point_list,
    to_number,
)
from ocrsmith.data.formats.pictures import PictureFinder
from ocrsmith.geometry import box_quad
from ocrsmith.samples import TextInstance

VOC = "voc"
CVAT = "cvat"
# Names that say what a box is, not what is written in it.
CLASS_NAMES = frozenset(
    {"text", "word", "line", "textline", "text_line", "object", "plate", "number", "digits", "label"}
)
TEXT_NAMES = ("text", "transcription", "ocr", "value")
IGNORE_NAMES = frozenset({"ignore", "ignored", "illegible", "###"})


def read_voc(
    files: Sequence[Path], finder: PictureFinder, problems: list[Problem]
) -> tuple[Kind, list[LabelledPicture]]:
    """Reads `<annotation>` files; a text stands in `<text>` or `<transcription>`, else in `<name>`."""
    return "pages", [
        LabelledPicture(picture, collect_instances(root.findall("object"), _voc_instance, file, problems))
        for file, root, picture in labelled_elements(files, finder, problems, _voc_picture)
    ]


def _voc_picture(root: Element) -> list[tuple[Element, str]]:
    if root.tag != "annotation":
        raise BadLabel(f"the root is <{root.tag}>; <annotation> was expected")
    return [(root, (root.findtext("filename") or "").strip())]


def _voc_instance(element: Element) -> TextInstance:
    box = element.find("bndbox")
    if box is None:
        raise BadLabel("the <object> has no <bndbox>")
    left, top, right, bottom = (to_number(box.findtext(n), n) for n in ("xmin", "ymin", "xmax", "ymax"))
    if right <= left or bottom <= top:
        raise BadLabel(f"the box {left:g}, {top:g}, {right:g}, {bottom:g} has no area")
    name = (element.findtext("name") or "").strip()
    texts = [element.findtext(child) for child in TEXT_NAMES]
    text = next(
        (text for text in texts if text is not None), "" if name.lower() in CLASS_NAMES | IGNORE_NAMES else name
    )
    ignore = name.lower() in IGNORE_NAMES or (element.findtext("difficult") or "0").strip() == "1"
    return make_instance(box_quad(left, top, right, bottom), text.strip(), ignore=ignore)


def read_cvat(
    files: Sequence[Path], finder: PictureFinder, problems: list[Problem]
) -> tuple[Kind, list[LabelledPicture]]:
    """Reads `<annotations>` files: boxes (turned ones too) and polygons; the text is an attribute of that name."""
    entries = []
    for file, image, picture in labelled_elements(files, finder, problems, _cvat_pictures, by_stem=False):
        shapes = [child for child in image if child.tag in ("box", "polygon")]
        entries.append(LabelledPicture(picture, collect_instances(shapes, _cvat_instance, file, problems)))
    return "pages", entries


def _cvat_pictures(root: Element) -> list[tuple[Element, str]]:
    pictures = [(image, image.get("name", "")) for image in root.iter("image")]
    if not pictures:
        raise BadLabel('the file holds no <image>; the export "CVAT for images 1.1" was expected')
    return pictures


def _cvat_instance(element: Element) -> TextInstance:
    attributes = {a.get("name", "").lower(): (a.text or "").strip() for a in element.findall("attribute")}
    if element.tag == "polygon":
        points = point_list(element.get("points"))
    else:
        left, top, right, bottom = (number_of(element, name) for name in ("xtl", "ytl", "xbr", "ybr"))
        if right <= left or bottom <= top:
            raise BadLabel(f"the box {left:g}, {top:g}, {right:g}, {bottom:g} has no area")
        points = _turned(left, top, right, bottom, to_number(element.get("rotation", "0"), "rotation"))
    label = element.get("label", "").lower()
    ignore = label in IGNORE_NAMES or any(attributes.get(name, "").lower() == "true" for name in IGNORE_NAMES)
    text = next((attributes[name] for name in TEXT_NAMES if name in attributes), "")
    return make_instance(points, text, ignore=ignore)


def _turned(left: float, top: float, right: float, bottom: float, degrees: float) -> list[tuple[float, float]]:
    """CVAT turns a box about its centre, clockwise."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    x0, y0 = (left + right) / 2, (top + bottom) / 2
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return [(x0 + (x - x0) * cos - (y - y0) * sin, y0 + (x - x0) * sin + (y - y0) * cos) for x, y in corners]
