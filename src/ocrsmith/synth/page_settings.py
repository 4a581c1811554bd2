"""How documents are drawn: one frozen table of bounds and shares, checked when made."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ocrsmith.errors import RecipeError

# Paper sizes in points of 1/72 inch (ISO 216; ANSI Letter; till rolls of 58 and 80 mm), with how often each is drawn.
SHEETS: dict[str, tuple[float, float, float]] = {
    "a4": (595.0, 842.0, 5.0),
    "letter": (612.0, 792.0, 2.0),
    "a5": (420.0, 595.0, 1.5),
    "a5_across": (595.0, 420.0, 0.5),
    "a6_across": (420.0, 298.0, 0.7),
}
ROLLS_POINTS = (164.0, 227.0)


@dataclass(frozen=True)
class PageSettings:
    """Bounds of what a page draws. Pairs are (least, most); names ending in _share are 0 to 1.

    Attributes:
        width, height: px of the picture: a crop of the page, or all of it where it is smaller.
        dpi: px an inch of paper, drawn evenly on a logarithmic scale.
        body_points: em of the running text; headings are larger, notes smaller.
        least_px: least em in the picture; smaller print is enlarged to it.
        sheets: which of SHEETS; receipts bring their own.
        article, letter, form, table, receipt, notice: weights of the layouts.
        whole_share: pages shown whole, at the dpi that the picture's size leaves, their print enlarged to `least_px`.
        tilt_share: pages photographed rather than scanned: turned, in perspective, with what lies round them.
        skew_degrees: most turn of such a page; tilt_degrees: most lean about the x and y axis.
        bend_share: pages whose sheet is curled, folded, wavy or crumpled. bend_strength: how far at most, 0 to 1.
        plain_share: pages on even paper, as born digital or well scanned.
        colour_share: pages whose print is not black.
        shade_share: pages with bands, boxes and table heads in colour.
        seal_share: stamps that are round.
        stamp_share: pages with stamps; note_share: pages with handwriting-like notes over or beside the print.
        contrast_floor: least difference of ink and paper in CIE L*.
        legible_px: least height of a line's tallest character; lower lines are marked `ignore`.
    """

    width: int = 640
    height: int = 640
    dpi: tuple[float, float] = (85.0, 220.0)
    body_points: tuple[float, float] = (7.0, 13.0)
    least_px: float = 8.0
    sheets: tuple[str, ...] = tuple(SHEETS)
    article: float = 4.0
    letter: float = 2.0
    form: float = 2.5
    table: float = 2.0
    receipt: float = 2.0
    notice: float = 1.5
    whole_share: float = 0.2
    tilt_share: float = 0.4
    skew_degrees: float = 6.0
    tilt_degrees: float = 14.0
    bend_share: float = 0.12
    bend_strength: float = 0.7
    plain_share: float = 0.35
    colour_share: float = 0.3
    shade_share: float = 0.4
    stamp_share: float = 0.15
    note_share: float = 0.12
    seal_share: float = 0.3
    contrast_floor: float = 40.0
    legible_px: float = 5.0

    def __post_init__(self) -> None:
        wrong = []
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_share") and not 0 <= value <= 1:
                wrong.append(f"{field.name} is {value}, not in 0 to 1")
            if field.name == "bend_strength" and not 0 < value <= 1:
                wrong.append(f"bend_strength is {value}, not above 0 and at most 1")
            if field.name in ("dpi", "body_points") and (len(value) != 2 or not 0 < value[0] <= value[1]):
                wrong.append(f"{field.name} is {value}, not two positive numbers with the lesser first")
        if min(self.width, self.height) < 64 or max(self.width, self.height) > 8192:
            wrong.append(f"the picture is {self.width} x {self.height} px, not 64 to 8,192 a side")
        if self.least_px < 6:
            wrong.append(f"least_px is {self.least_px}, below 6")
        if not self.sheets or not set(self.sheets) <= set(SHEETS):
            wrong.append(f"sheets is {self.sheets}, not one or more of {', '.join(SHEETS)}")
        weights = list(self.layouts.values())
        if min(weights) < 0 or sum(weights) <= 0:
            wrong.append(f"the layouts' weights are {weights}; none may be negative, one must be positive")
        if not 0 <= self.tilt_degrees <= 45 or not 0 <= self.skew_degrees <= 180:
            wrong.append("tilt_degrees must be 0 to 45, skew_degrees 0 to 180")
        if wrong:
            raise RecipeError("The page's settings are out of range: " + "; ".join(wrong) + ".")

    @property
    def layouts(self) -> dict[str, float]:
        """The layouts' weights by name."""
        return {name: getattr(self, name) for name in ("article", "letter", "form", "table", "receipt", "notice")}
