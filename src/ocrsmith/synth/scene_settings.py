"""How rich a photo scene is: one frozen table of bounds and shares, checked when made."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ocrsmith.errors import RecipeError


@dataclass(frozen=True)
class PhotoSettings:
    """Bounds of what a photo scene draws. Pairs are (least, most); names ending in _share are 0 to 1.

    Attributes:
        width, height: px of the picture.
        blocks: how many blocks of text are tried.
        line_weights: weights of one, two, three, ... lines in a block.
        font_size_px: em, drawn evenly on a logarithmic scale.
        margin_px: kept free round each block.
        rotation_degrees: most about the x, y and z axis.
        upright_share: blocks that are not turned at all. quarter_turn_share: blocks turned by 90 degrees.
        panel_share: blocks on a plate. cut_share: blocks let over the edge.
        arch_share, wave_share, circle_share: single lines bent to an arch, to waves, or round a circle, as on seals and
            signs. vertical_share: short texts whose characters stand below one another.
        ligature_share: blocks whose font may join letters.
        spacing_share: blocks with letter spacing. letter_spacing: em.
        line_height: distance of baselines, shares of the em.
        contrast_floor: least difference of brightness (0..255) between ink and ground when drawn.
        low_contrast_share: blocks whose ink is as faint as the floor allows rather than any.
        legible_contrast: least difference measured in the finished picture; text below it is marked `ignore`.
        legible_px: least height of a line in the picture; lower ones are marked `ignore`.
        rich_share: inks with everything that `appearance` knows: textures, relief, glow, hollow letters, blending.
        gradient_share, outline_share, shadow_share, translucent_share: of the other inks, those with each.
        shapes: how many distractors (rules, boxes, curves) are drawn under the text.
        calm_share: blocks that look for the calm parts; the others go anywhere free.
        redraws: how often a block is drawn again before it is given up.
    """

    width: int = 640
    height: int = 640
    blocks: tuple[int, int] = (3, 10)
    line_weights: tuple[float, ...] = (6.0, 2.0, 1.0, 0.5)
    font_size_px: tuple[float, float] = (14.0, 72.0)
    margin_px: float = 6.0
    rotation_degrees: tuple[float, float, float] = (35.0, 35.0, 20.0)
    upright_share: float = 0.35
    quarter_turn_share: float = 0.03
    panel_share: float = 0.25
    arch_share: float = 0.05
    wave_share: float = 0.03
    circle_share: float = 0.03
    vertical_share: float = 0.03
    cut_share: float = 0.03
    ligature_share: float = 0.8
    spacing_share: float = 0.2
    letter_spacing: tuple[float, float] = (-0.03, 0.3)
    line_height: tuple[float, float] = (1.05, 1.6)
    contrast_floor: float = 45.0
    low_contrast_share: float = 0.15
    legible_contrast: float = 12.0
    legible_px: float = 5.0
    rich_share: float = 0.2
    gradient_share: float = 0.1
    outline_share: float = 0.08
    shadow_share: float = 0.12
    translucent_share: float = 0.15
    shapes: tuple[int, int] = (0, 5)
    calm_share: float = 0.85
    redraws: int = 4

    def __post_init__(self) -> None:
        wrong = []
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_share") and not 0 <= value <= 1:
                wrong.append(f"{field.name} is {value}, not in 0 to 1")
            pair = field.name in ("blocks", "font_size_px", "letter_spacing", "line_height", "shapes")
            if pair and (len(value) != 2 or value[0] > value[1]):
                wrong.append(f"{field.name} is {value}, not two numbers with the lesser first")
        if min(self.width, self.height) < 32 or max(self.width, self.height) > 8192:
            wrong.append(f"the picture is {self.width} x {self.height} px, not 32 to 8,192 a side")
        if self.font_size_px[0] < 4:
            wrong.append(f"font_size_px starts at {self.font_size_px[0]}, below 4")
        if self.blocks[0] < 1:
            wrong.append("blocks starts below 1")
        if len(self.rotation_degrees) != 3 or any(not 0 <= angle <= 75 for angle in self.rotation_degrees[:2]):
            wrong.append(f"rotation_degrees is {self.rotation_degrees}, not three angles, the first two 0 to 75")
        if not self.line_weights or min(self.line_weights) < 0 or sum(self.line_weights) <= 0:
            wrong.append("line_weights has no positive weight")
        if sum(self.bends.values()) > 1:
            wrong.append(f"the shares of bent lines sum to {sum(self.bends.values()):g}, past 1")
        if self.redraws < 0:
            wrong.append("redraws is negative")
        if wrong:
            raise RecipeError("The photo scene's settings are out of range: " + "; ".join(wrong) + ".")

    @property
    def bends(self) -> dict[str, float]:
        """The shares of bent single lines, by the kind of bend."""
        return {"arch": self.arch_share, "wave": self.wave_share, "circle": self.circle_share}
