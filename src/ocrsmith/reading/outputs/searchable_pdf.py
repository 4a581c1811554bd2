"""A PDF of the pictures with the text laid invisibly over them, so that it selects, searches and copies.

The text is drawn in render mode 3 (ISO 32000-1, 9.3.6: neither filled nor stroked) with a font of one bare glyph to
which every character is mapped, as Tesseract's and OCRmyPDF's are: any Unicode text copies rightly whatever its script,
and nothing but the mapping is embedded.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ocrsmith import __version__
from ocrsmith.geometry import Quad
from ocrsmith.images import encode_image
from ocrsmith.reading.orientation import upright_page
from ocrsmith.reading.page import Line, Page

# A TrueType font made with fontTools (head, hhea, maxp, hmtx, loca, glyf), deflated. Its one glyph is a line of no area
# from (0, -0.2) to (0.5, 0.8) em: pdfium leaves out a text whose only glyph has no extent.
_BLANK_FONT = zlib.decompress(
    base64.b64decode(
        "eNpjYGRgYGBjcGBgYlBIz6lMe+N77ydQ5AcQi2WkJqYkcjtbANk5QGyWARRgFWPUA7KXALFKRm5JBeMXBhB4ATIlJz85kYEbzP8A4ucmVhQw"
        "sAAhA8MJIFZgANkFxH1el+7E89t8ZWBmfsGAAf5bMH5hVgAymIFuggCgHmaF/0B3QGwDkoxomhjBIkxACJFhQjcV6k4I4IaYCbUJyBJlZPxy"
        "AuwYAOdkJa4="
    )
)
_ADVANCE = 0.5
_DESCENT = 0.2

_TO_UNICODE = b"""/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
1 beginbfrange
<0000> <FFFF> <0000>
endbfrange
endcmap
CMapName currentdict /CMap defineresource pop
end
end"""


class _Objects:
    """The numbered objects of a PDF file."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def add(self, body: str | bytes) -> int:
        self.bodies.append(body.encode("ascii") if isinstance(body, str) else body)
        return len(self.bodies)

    def add_stream(self, data: bytes, entries: str = "", *, deflate: bool = True) -> int:
        if deflate:
            data, entries = zlib.compress(data, 6), entries + " /Filter /FlateDecode"
        return self.add(f"<< /Length {len(data)} {entries} >>\nstream\n".encode("ascii") + data + b"\nendstream")

    def file(self, root: int, info: int) -> bytes:
        out = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
        places = []
        for number, body in enumerate(self.bodies, 1):
            places.append(len(out))
            out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
        start = len(out)
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
        out += b"".join(b"%010d 00000 n \n" % place for place in places)
        out += b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\n" % (len(places) + 1, root, info)
        return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def pdf_output(pages: Sequence[Page], dpi: float = 200.0, quality: int = 85) -> bytes:
    """One PDF page a page: its picture as JPEG (blank where the page carries none) under its invisible text.

    A page that lies turned in its picture is set upright: few programs select turned text line by line.

    Args:
        dpi: px of the picture per inch of paper.
        quality: of the JPEG, 1 to 100.
    """
    objects = _Objects()
    root, tree = objects.add(b""), objects.add(b"")
    info = objects.add(f"<< /Producer (ocrsmith {__version__}) >>")
    font = _font(objects)
    kids = []
    for page in map(upright_page, pages):
        width, height = (side * 72.0 / dpi for side in page.size)
        resources = f"/Font << /F1 {font} 0 R >>"
        content = b""
        if page.image is not None:
            resources += f" /XObject << /Im1 {_picture(objects, page.image, quality)} 0 R >>"
            content = f"q {width:.3f} 0 0 {height:.3f} 0 0 cm /Im1 Do Q\n".encode("ascii")
        stream = objects.add_stream(content + _text(page, 72.0 / dpi))
        kids.append(
            objects.add(
                f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 {width:.3f} {height:.3f}] "
                f"/Resources << {resources} >> /Contents {stream} 0 R >>"
            )
        )
    listed = " ".join(f"{kid} 0 R" for kid in kids)
    objects.bodies[tree - 1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{listed}] >>".encode("ascii")
    objects.bodies[root - 1] = f"<< /Type /Catalog /Pages {tree} 0 R >>".encode("ascii")
    return objects.file(root, info)


def _font(objects: _Objects) -> int:
    file = objects.add_stream(_BLANK_FONT, f"/Length1 {len(_BLANK_FONT)}")
    descriptor = objects.add(
        "<< /Type /FontDescriptor /FontName /OcrsmithBlank /Flags 5 /FontBBox [0 -200 500 800] /ItalicAngle 0 "
        f"/Ascent 800 /Descent -200 /CapHeight 800 /StemV 80 /FontFile2 {file} 0 R >>"
    )
    # Every code goes to glyph 1, the bare one.
    glyphs = objects.add_stream(np.ones(65536, ">u2").tobytes())
    system = "<< /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
    descendant = objects.add(
        f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /OcrsmithBlank /CIDSystemInfo {system} "
        f"/FontDescriptor {descriptor} 0 R /DW {int(1000 * _ADVANCE)} /CIDToGIDMap {glyphs} 0 R >>"
    )
    mapping = objects.add_stream(_TO_UNICODE)
    return objects.add(
        f"<< /Type /Font /Subtype /Type0 /BaseFont /OcrsmithBlank /Encoding /Identity-H "
        f"/DescendantFonts [{descendant} 0 R] /ToUnicode {mapping} 0 R >>"
    )


def _picture(objects: _Objects, image: NDArray[np.uint8], quality: int) -> int:
    height, width = image.shape[:2]
    entries = (
        f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceRGB "
        "/BitsPerComponent 8 /Filter /DCTDecode"
    )
    return objects.add_stream(encode_image(image, ".jpg", quality=quality), entries, deflate=False)


def _text(page: Page, points_per_px: float) -> bytes:
    parts = ["BT 3 Tr"]
    for line in page.lines:
        parts += _line(line, page.size[1], points_per_px)
    return "\n".join([*parts, "ET"]).encode("ascii")


def _line(line: Line, page_height: int, points_per_px: float) -> list[str]:
    """Each word in its own quad, and a space in each gap, so that copied words stay apart."""
    parts = []
    for index, word in enumerate(line.words):
        parts.append(_run(word.text, word.quad, page_height, points_per_px))
        if index + 1 < len(line.words):
            following = line.words[index + 1].quad
            gap = np.array([word.quad[1], following[0], following[3], word.quad[2]], np.float32)
            parts.append(_run(" ", gap, page_height, points_per_px))
    return parts


def _run(text: str, quad: Quad, page_height: int, points_per_px: float) -> str:
    """A text stretched from the quad's left side to its right, its baseline a fifth of the height above the foot."""
    points = np.asarray(quad, np.float64) * points_per_px
    points[:, 1] = page_height * points_per_px - points[:, 1]
    foot = points[2] - points[3]
    up = points[0] - points[3]
    size = max(0.5, float(np.hypot(*up)))
    width = max(0.05, float(np.hypot(*foot)))
    angle = math.atan2(foot[1], foot[0])
    cos, sin = math.cos(angle), math.sin(angle)
    x, y = points[3] + up * _DESCENT
    codes = text.encode("utf-16-be")
    stretch = 100.0 * width / (len(codes) / 2 * _ADVANCE * size)
    return (
        f"/F1 {size:.3f} Tf {stretch:.3f} Tz {cos:.5f} {sin:.5f} {-sin:.5f} {cos:.5f} {x:.3f} {y:.3f} Tm "
        f"<{codes.hex().upper()}> Tj"
    )
