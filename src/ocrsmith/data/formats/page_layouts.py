"""XML of whole pages: PAGE (PRImA, 2013 to 2019) and ALTO (Library of Congress, 2 to 4).

Words are taken where a page has any, lines where it has none; glyphs become characters where they spell the word.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ocrsmith.data.formats.labelled import BadLabel, Kind, LabelledPicture, Problem, make_instance
from ocrsmith.data.formats.markup import Element, collect_instances, labelled_elements, line_of, number_of, point_list
from ocrsmith.data.formats.pictures import FilePicture, PictureFinder
from ocrsmith.errors import InputError
from ocrsmith.geometry import box_quad
from ocrsmith.samples import TextInstance

PAGE = "page_xml"
ALTO = "alto"
Points = list[tuple[float, float]]


def read_page(
    files: Sequence[Path], finder: PictureFinder, problems: list[Problem]
) -> tuple[Kind, list[LabelledPicture]]:
    """Reads PAGE files: `<Coords points>` and `<TextEquiv><Unicode>`."""
    entries = []
    for file, page, picture in labelled_elements(files, finder, problems, _page_picture):
        elements = _lowest(page, "Word", "TextLine")
        entries.append(LabelledPicture(picture, collect_instances(elements, _page_instance, file, problems)))
    return "pages", entries


def _page_picture(root: Element) -> list[tuple[Element, str]]:
    page = root.find("Page")
    if page is None:
        raise BadLabel(f"the root <{root.tag}> holds no <Page>")
    return [(page, page.get("imageFilename", ""))]


def _lowest(page: Element, word: str, line: str) -> list[Element]:
    return list(page.iter(word)) or list(page.iter(line))


def _page_points(element: Element) -> Points:
    coords = element.find("Coords")
    if coords is None:
        raise BadLabel(f"the <{element.tag}> has no <Coords>")
    if coords.get("points") is None:  # before 2013 every point was an element
        return [(number_of(p, "x"), number_of(p, "y")) for p in coords.findall("Point")]
    return point_list(coords.get("points"))


def _page_text(element: Element) -> str:
    """The text of lowest index, which PAGE makes the preferred one."""
    options = sorted(element.findall("TextEquiv"), key=lambda option: option.get("index", "0"))
    return (options[0].findtext("Unicode") or "") if options else ""


def _page_instance(element: Element) -> TextInstance:
    text = _page_text(element)
    glyphs = [(_page_text(glyph), _page_points(glyph)) for glyph in element.findall("Glyph")]
    return make_instance(_page_points(element), text, characters=_spelling(glyphs, text))


def _spelling(glyphs: list[tuple[str, Points]], text: str) -> list[tuple[str, Points]] | None:
    """The glyphs where they have four corners and spell the text; they are never a reason to lose a word."""
    spelt = "".join(glyph for glyph, _ in glyphs) == text
    return glyphs if glyphs and spelt and all(len(points) == 4 and glyph for glyph, points in glyphs) else None


def read_alto(
    files: Sequence[Path], finder: PictureFinder, problems: list[Problem]
) -> tuple[Kind, list[LabelledPicture]]:
    """Reads ALTO files; a measurement unit other than the pixel is scaled by the picture's own width."""
    entries = []
    for file, root, picture in labelled_elements(files, finder, problems, _alto_picture):
        pages = root.findall("Layout/Page")
        if len(pages) != 1:
            problems.append(Problem(file, line_of(root), f"{len(pages)} <Page> elements; one a file is read"))
            continue
        try:
            scale = _alto_scale(root, pages[0], picture)
        except (BadLabel, InputError) as error:
            problems.append(Problem(file, line_of(pages[0]), str(error)))
            continue

        def make(element: Element, scale: float = scale) -> TextInstance:
            return _alto_instance(element, scale)

        elements = [e for e in _lowest(pages[0], "String", "TextLine") if e.tag == "TextLine" or e.get("CONTENT")]
        entries.append(LabelledPicture(picture, collect_instances(elements, make, file, problems)))
    return "pages", entries


def _alto_picture(root: Element) -> list[tuple[Element, str]]:
    return [(root, (root.findtext("Description/sourceImageInformation/fileName") or "").strip())]


def _alto_scale(root: Element, page: Element, picture: FilePicture) -> float:
    unit = (root.findtext("Description/MeasurementUnit") or "pixel").strip()
    if unit == "pixel":
        return 1.0
    width = number_of(page, "WIDTH")
    if width <= 0:
        raise BadLabel(f"the page's WIDTH is {width:g}, so that its unit {unit!r} cannot be turned into pixels")
    return picture.size()[0] / width


def _alto_points(element: Element, scale: float) -> Points:
    polygon = element.find("Shape/Polygon")
    if polygon is not None:
        points = point_list(polygon.get("POINTS"))
    else:
        left, top, width, height = (number_of(element, name) for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
        points = [(float(x), float(y)) for x, y in box_quad(left, top, left + width, top + height)]
    return [(x * scale, y * scale) for x, y in points]


def _alto_instance(element: Element, scale: float) -> TextInstance:
    text = element.get("CONTENT", "")
    glyphs = [(glyph.get("CONTENT", ""), _alto_points(glyph, scale)) for glyph in element.findall("Glyph")]
    return make_instance(_alto_points(element, scale), text, characters=_spelling(glyphs, text))
