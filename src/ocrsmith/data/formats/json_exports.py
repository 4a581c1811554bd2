"""JSON files that hold a whole set: COCO-Text, and Label Studio's export.

COCO-Text (Veit et al., 2016, https://bgshih.github.io/cocotext): `imgs`, `anns` with `bbox` [x, y, width, height] or
`mask` / `polygon` [x, y, ...], `utf8_string`, `legibility`; the plain COCO lists `images` and `annotations` with the
same keys are read too. Illegible words, and words without a text, are not scored.

Label Studio (https://labelstud.io/guide/export, JSON): rectangles and polygons in per cent of the picture, texts in the
text area of the same region.
"""

from __future__ import annotations

import json
import math
import urllib.parse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ocrsmith.data.formats.labelled import BadLabel, Kind, LabelledPicture, Problem, checked_polygon, make_instance
from ocrsmith.data.formats.pictures import PictureFinder
from ocrsmith.geometry import box_quad
from ocrsmith.samples import TextInstance

COCO_TEXT = "coco_text"
LABEL_STUDIO = "label_studio"


def format_of(data: Any) -> str | None:
    """Which of the two a JSON value is, or None; raises BadLabel for Label Studio's JSON-MIN."""
    if isinstance(data, dict) and ("imgs" in data or "images" in data) and ("anns" in data or "annotations" in data):
        return COCO_TEXT
    first = data[0] if isinstance(data, list) and data else None
    if isinstance(first, dict) and isinstance(first.get("data"), dict):
        return LABEL_STUDIO
    if isinstance(first, dict) and "annotation_id" in first:
        raise BadLabel("the file is Label Studio's JSON-MIN, which does not tell whose text is whose; export as JSON")
    return None


def load_json(path: Path) -> Any:
    """The value of a file; raises BadLabel."""
    try:
        return json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise BadLabel(f"the file cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise BadLabel(f"the file is not JSON ({error})") from None


def read(files: Sequence[Path], finder: PictureFinder, problems: list[Problem]) -> tuple[Kind, list[LabelledPicture]]:
    """Reads files of either kind."""
    entries: list[LabelledPicture] = []
    for file in files:
        try:
            data = load_json(file)
            kind = format_of(data)
            if kind == COCO_TEXT:
                entries += _read_coco(data, file, finder, problems)
            elif kind == LABEL_STUDIO:
                entries += _read_label_studio(data, file, finder, problems)
            else:
                raise BadLabel("the JSON is neither COCO-Text nor an export of Label Studio")
        except BadLabel as error:
            problems.append(Problem(file, None, str(error)))
    return "pages", entries


def _rows(value: Any) -> Iterable[tuple[str, Any]]:
    """(id, row) of COCO-Text's dictionaries and of COCO's lists."""
    if isinstance(value, dict):
        return ((str(key), row) for key, row in value.items())
    if isinstance(value, list):
        return (
            (str(row.get("id", index)) if isinstance(row, dict) else str(index), row) for index, row in enumerate(value)
        )
    return ()


def _read_coco(
    data: dict[str, Any], file: Path, finder: PictureFinder, problems: list[Problem]
) -> list[LabelledPicture]:
    found: dict[str, list[TextInstance]] = {}
    for key, row in _rows(data.get("anns", data.get("annotations"))):
        try:
            instance = _coco_instance(row)
            found.setdefault(str(row.get("image_id")), []).append(instance)
        except BadLabel as error:
            problems.append(Problem(file, None, f"annotation {key}: {error}"))
    entries = []
    for key, row in _rows(data.get("imgs", data.get("images"))):
        name = row.get("file_name") if isinstance(row, dict) else None
        picture = finder.find(name, file) if isinstance(name, str) else None
        if picture is None:
            problems.append(Problem(file, None, f"image {key}: the picture {name!r} does not exist"))
        else:
            entries.append(LabelledPicture(picture, tuple(found.get(key, ()))))
    return entries


def _coco_instance(row: Any) -> TextInstance:
    if not isinstance(row, dict):
        raise BadLabel("it is not an object")
    points = row.get("mask") or row.get("polygon") or row.get("segmentation")
    if isinstance(points, list) and len(points) == 1 and isinstance(points[0], list):
        points = points[0]  # COCO wraps a polygon in a list of polygons
    if not isinstance(points, list) or len(points) < 6:
        try:
            left, top, width, height = (float(value) for value in row["bbox"])
        except (KeyError, TypeError, ValueError, OverflowError):
            raise BadLabel("neither a polygon nor a bbox of four numbers is there") from None
        points = box_quad(left, top, left + width, top + height)
    text = row.get("utf8_string", row.get("text", ""))
    if not isinstance(text, str):
        raise BadLabel(f"the text came as {type(text).__name__}")
    ignore = row.get("legibility", "legible") != "legible" or bool(row.get("iscrowd")) or not text
    return make_instance(points, text, ignore=ignore)


def _read_label_studio(
    tasks: list[Any], file: Path, finder: PictureFinder, problems: list[Problem]
) -> list[LabelledPicture]:
    entries = []
    for index, task in enumerate(tasks):
        try:
            name = _task_picture(task)
            picture = finder.find(name, file)
            if picture is None:
                raise BadLabel(f"the picture {name!r} does not exist")
            regions: dict[str, list[dict[str, Any]]] = {}
            for result in _results(task):
                regions.setdefault(str(result.get("id")), []).append(result)
            instances = []
            for key, results in regions.items():
                try:
                    instance = _region_instance(results)
                    if instance is not None:
                        instances.append(instance)
                except BadLabel as error:
                    problems.append(Problem(file, None, f"task {index}, region {key}: {error}"))
            entries.append(LabelledPicture(picture, tuple(instances)))
        except BadLabel as error:
            problems.append(Problem(file, None, f"task {index}: {error}"))
    return entries


def _task_picture(task: Any) -> str:
    data = task.get("data") if isinstance(task, dict) else None
    if isinstance(data, dict):
        for key in ("ocr", "image", *data):
            value = data.get(key)
            if isinstance(value, str) and value:
                url = urllib.parse.urlsplit(value)
                local = urllib.parse.parse_qs(url.query).get("d")  # /data/local-files/?d=folder/name.png
                return local[0] if local else urllib.parse.unquote(url.path).lstrip("/")
    raise BadLabel("no picture is named in its data")


def _results(task: dict[str, Any]) -> list[dict[str, Any]]:
    annotations = [a for a in task.get("annotations") or [] if isinstance(a, dict) and not a.get("was_cancelled")]
    # Several people may have labelled a task; the first one's labels are taken, as two sets would double each word.
    results = annotations[0].get("result", []) if annotations else []
    return [result for result in results if isinstance(result, dict) and isinstance(result.get("value"), dict)]


def _region_instance(results: list[dict[str, Any]]) -> TextInstance | None:
    shape = next((r for r in results if "points" in r["value"] or "width" in r["value"]), None)
    if shape is None:
        return None  # a choice or a rating of the whole page
    value = shape["value"]
    try:
        width, height = float(shape["original_width"]), float(shape["original_height"])
        if "points" in value:
            points = [(x * width / 100, y * height / 100) for x, y in value["points"]]
        else:
            points = _turned_box(value, width, height)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadLabel(f"its shape does not parse ({error!r})") from None
    texts = [text for r in results for text in _as_list(r["value"].get("text")) if isinstance(text, str)]
    # "labels" of a labels control, "rectanglelabels" or "polygonlabels" where the shapes have their own.
    labels = {
        str(label).lower()
        for r in results
        for key, value in r["value"].items()
        if key.endswith("labels")
        for label in _as_list(value)
    }
    return make_instance(
        checked_polygon(points), texts[0] if texts else "", ignore=bool({"ignore", "illegible"} & labels)
    )


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _turned_box(value: dict[str, Any], width: float, height: float) -> list[tuple[float, float]]:
    """Label Studio turns a rectangle about its top left corner, clockwise, in pixels."""
    left, top = float(value["x"]) * width / 100, float(value["y"]) * height / 100
    across, down = float(value["width"]) * width / 100, float(value["height"]) * height / 100
    angle = math.radians(float(value.get("rotation", 0)))
    cos, sin = math.cos(angle), math.sin(angle)
    corners = ((0.0, 0.0), (across, 0.0), (across, down), (0.0, down))
    return [(left + x * cos - y * sin, top + x * sin + y * cos) for x, y in corners]
