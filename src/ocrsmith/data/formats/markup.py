"""XML from strangers, read safely: no document type, so no entities, no outside files and no entity bombs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from ocrsmith.data.formats.icdar import picture_of
from ocrsmith.data.formats.labelled import BadLabel, Problem
from ocrsmith.data.formats.pictures import FilePicture, PictureFinder
from ocrsmith.samples import TextInstance

Element = ElementTree.Element
MAX_BYTES = 256 * 1024 * 1024
MAX_DEPTH = 200
# Not a name that XML allows, so that no file's own attribute is ever hidden.
_LINE = "\0line"


def parse_xml(data: bytes) -> Element:
    """The root element, tags without their namespaces, each knowing its line (`line_of`).

    Raises:
        BadLabel: not well formed, nested past 200 levels, or with a document type declaration.
    """
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise BadLabel(f"the XML is nested more than {MAX_DEPTH} levels deep")
        plain = {name.rpartition(" ")[2]: value for name, value in attributes.items()}
        builder.start(tag.rpartition(" ")[2], {**plain, _LINE: str(parser.CurrentLineNumber)})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag.rpartition(" ")[2])

    def refuse(*_: object) -> None:
        raise BadLabel("the XML declares a document type, which could hold entity bombs; remove the <!DOCTYPE ...>")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise BadLabel(f"the XML is not well formed ({error})") from None
    except (LookupError, ValueError) as error:
        if isinstance(error, BadLabel):
            raise
        raise BadLabel(f"the XML's encoding cannot be read ({error})") from None
    return builder.close()


def read_xml(path: Path, problems: list[Problem]) -> Element | None:
    """The root element of a file, or None after noting the problem."""
    try:
        if path.stat().st_size > MAX_BYTES:
            problems.append(Problem(path, None, f"the file is larger than {MAX_BYTES:,} bytes"))
            return None
        return parse_xml(path.read_bytes())
    except BadLabel as error:
        problems.append(Problem(path, None, str(error)))
    except OSError as error:
        problems.append(Problem(path, None, f"the file cannot be read ({error.strerror})"))
    return None


def labelled_elements(
    files: Sequence[Path],
    finder: PictureFinder,
    problems: list[Problem],
    pictures: Callable[[Element], Sequence[tuple[Element, str]]],
    *,
    by_stem: bool = True,
) -> Iterator[tuple[Path, Element, FilePicture]]:
    """(file, element, picture) of every picture that XML files label.

    What does not parse, or names a picture that is not there, becomes a problem.

    Args:
        pictures: a root -> the elements that stand for pictures, with the pictures' names; may raise BadLabel.
        by_stem: a picture that is not found by its name may be the one that is called as the label file is.
    """
    for file in files:
        root = read_xml(file, problems)
        if root is None:
            continue
        try:
            named = pictures(root)
        except BadLabel as error:
            problems.append(Problem(file, line_of(root), str(error)))
            continue
        for element, name in named:
            picture = finder.find(name, file) or (picture_of(file, finder) if by_stem else None)
            if picture is None:
                problems.append(Problem(file, line_of(element), f"the picture {name!r} does not exist"))
            else:
                yield file, element, picture


def line_of(element: Element) -> int:
    """The line where the element starts."""
    return int(element.get(_LINE, "1"))


def collect_instances(
    elements: Sequence[Element], make: Callable[[Element], TextInstance], file: Path, problems: list[Problem]
) -> tuple[TextInstance, ...]:
    """`make` of every element; one that does not parse becomes a problem at its line."""
    instances = []
    for element in elements:
        try:
            instances.append(make(element))
        except BadLabel as error:
            problems.append(Problem(file, line_of(element), str(error)))
    return tuple(instances)


def number_of(element: Element, name: str) -> float:
    """A numeric attribute; raises BadLabel where it is absent or no number."""
    return to_number(element.get(name), f"<{element.tag}> {name}")


def to_number(text: str | None, what: str) -> float:
    """A number from text; raises BadLabel naming `what`."""
    try:
        return float(text or "")
    except ValueError:
        raise BadLabel(f"{what} is {text!r}; a number was expected") from None


def point_list(text: str | None) -> list[tuple[float, float]]:
    """Points from "x,y x,y", "x,y;x,y" or "x y x y"; raises BadLabel."""
    numbers = [to_number(piece, "a coordinate") for piece in (text or "").replace(";", " ").replace(",", " ").split()]
    if len(numbers) % 2 or len(numbers) < 6:
        raise BadLabel(f"the points {text!r} are not at least three pairs of numbers")
    return list(zip(numbers[::2], numbers[1::2]))
