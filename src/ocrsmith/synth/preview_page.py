"""Seeing a world as one self-contained HTML page: samples with their quads, plans, tallies, sizes and contrasts."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import jinja2
import numpy as np
from markupsafe import Markup

from ocrsmith.errors import StorageError
from ocrsmith.images import draw_polygons, encode_image
from ocrsmith.samples import Image, LineSample, PageSample
from ocrsmith.synth.preview import CHARACTER_COLOUR, drawn_labels
from ocrsmith.synth.preview_counts import SampleCounts, count_samples, histogram_svg

_MOST_ROWS = 40
_PAGE_CELL_PX, _LINE_CELL_PX = 380, 300
# Lower pictures are lines, and shown enlarged.
_LINE_PX, _LINE_ZOOM = 96, 3


class PlannedWorld(Protocol):
    """What can be previewed: `ocrsmith.synth.world.World`, or anything with its plans and samples."""

    def labelled(self, index: int) -> tuple[Any, PageSample | LineSample]:
        """What a sample was rendered from (a frozen dataclass or a JSON-able form), and the sample; a line may come as
        a page of one text with its characters."""
        ...


@dataclass(frozen=True)
class _Shown:
    index: int
    picture: str
    caption: str
    plan: str


@dataclass(frozen=True)
class _Tally:
    title: str
    rows: list[tuple[str, int]]
    more: int


def write_preview(
    world: PlannedWorld,
    path: str | Path,
    count: int = 24,
    reference: Iterable[PageSample | LineSample] = (),
    *,
    start: int = 0,
    title: str = "Preview of a world",
) -> Path:
    """Writes `count` samples from `start` on to one HTML page that needs no other file and runs no script.

    Args:
        reference: a user's own labelled pictures (any reader of `ocrsmith.data` gives them); the sizes and contrasts
            of their texts are drawn beside the world's, measured in the same way.

    Returns:
        The path. Raises StorageError where it cannot be written, and what the world raises.
    """
    counts, shown = SampleCounts(), []
    for index in range(start, start + count):
        plan, sample = world.labelled(index)
        form = _form(plan)
        counts.add(sample, form)
        shown.append(_shown(index, sample, form))
    own = count_samples(reference)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ocrsmith.synth"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    page = environment.get_template("preview.html.j2").render(
        title=title,
        start=start,
        samples=shown,
        cell_px=_PAGE_CELL_PX if counts.texts > count else _LINE_CELL_PX,
        num_texts=counts.texts,
        num_characters=counts.characters.total(),
        num_ignored=counts.ignored,
        reference_count=own.texts,
        histograms=_histograms(counts, own),
        tallies=_tallies(counts, world),
    )
    path = Path(path)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"The preview {path} cannot be written ({error}). Choose another place.") from None
    return path


def _shown(index: int, sample: PageSample | LineSample, form: Any) -> _Shown:
    if isinstance(sample, LineSample):
        image, caption = sample.image, sample.text
    elif sample.image.shape[0] <= _LINE_PX:
        image, caption = _enlarged_line(sample), "".join(instance.text for instance in sample.instances)
    else:
        ignored = sum(instance.ignore for instance in sample.instances)
        image, caption = drawn_labels(sample), f"{len(sample.instances)} texts, {ignored} ignored"
    encoded = base64.b64encode(encode_image(image, ".jpg", quality=88)).decode("ascii")
    plan = json.dumps(form, ensure_ascii=False, indent=1) if form is not None else ""
    return _Shown(index, f"data:image/jpeg;base64,{encoded}", caption, plan)


def _enlarged_line(sample: PageSample) -> Image:
    """A line as it is, and below it the same with its characters' quads, which would hide a line of 32 px."""
    size = (_LINE_ZOOM * sample.image.shape[1], _LINE_ZOOM * sample.image.shape[0])
    image: Image = cv2.resize(sample.image, size, interpolation=cv2.INTER_NEAREST)  # type: ignore[assignment]
    quads = [_LINE_ZOOM * c.quad for instance in sample.instances for c in instance.characters or ()]
    return np.concatenate([image, draw_polygons(image, quads, CHARACTER_COLOUR)])


def _form(plan: Any) -> Any:
    """A plan as JSON gives it back: lists and dictionaries."""
    if is_dataclass(plan) and not isinstance(plan, type):
        plan = asdict(plan)
    return json.loads(json.dumps(plan, ensure_ascii=False, default=str))


def _histograms(counts: SampleCounts, own: SampleCounts) -> list[dict[str, Any]]:
    pairs = (
        ("Height of texts in px", counts.heights, own.heights, "logarithmic"),
        ("Contrast of ink and ground, 0 to 255", counts.contrasts, own.contrasts, ""),
        ("Characters a text", list(counts.lengths.elements()), list(own.lengths.elements()), "whole"),
    )
    return [
        {
            "title": title,
            "svg": Markup(histogram_svg(first, second, logarithmic=axis == "logarithmic", whole=axis == "whole")),
        }
        for title, first, second, axis in pairs
    ]


def _tallies(counts: SampleCounts, world: PlannedWorld) -> list[_Tally]:
    tally = getattr(world, "tally", None)
    tables: list[tuple[str, Mapping[Any, int]]] = [
        ("Fonts, texts of each", counts.fonts),
        ("Characters", counts.characters),
        ("Draws refused, by cause", getattr(tally, "refused", {})),
        ("Given up within samples, by cause", getattr(tally, "inner", {})),
    ]
    rows = []
    for title, table in tables:
        ordered = sorted(table.items(), key=lambda item: (-item[1], str(item[0])))
        listed = [("space" if name == " " else str(name), number) for name, number in ordered[:_MOST_ROWS]]
        rows.append(_Tally(title, listed, len(ordered) - len(listed)))
    return rows
