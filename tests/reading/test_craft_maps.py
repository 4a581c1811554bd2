from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ocrsmith.geometry import intersection_over_union, signed_area
from ocrsmith.reading.craft_maps import CraftThresholds, boxes_from_maps, characters_from_region


def maps_with(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (60, 100)) -> np.ndarray:
    """Region maps of 0.9 in (left, top, right, bottom) boxes, without affinity."""
    maps = np.zeros((*size, 2), np.float32)
    for left, top, right, bottom in boxes:
        maps[top:bottom, left:right, 0] = 0.9
    return maps


def test_one_word_is_dilated_by_the_papers_rule() -> None:
    # 20 x 4 pixels: niter = int(sqrt(80 * 4 / 80) * 2) = 4, so a kernel of 5 adds 2 pixels on every side.
    found = boxes_from_maps(maps_with((30, 20, 50, 24)))
    assert len(found) == 1
    assert found[0].polygon.tolist() == [[56, 36], [102, 36], [102, 50], [56, 50]]
    assert found[0].score == pytest.approx(0.9)


def test_nothing_is_found_on_an_empty_page() -> None:
    assert boxes_from_maps(np.zeros((32, 32, 2), np.float32)) == []


@pytest.mark.parametrize(
    ("name", "box", "thresholds"),
    [
        ("smaller than ten pixels", (10, 10, 13, 13), CraftThresholds()),
        ("never above the text threshold", (10, 10, 30, 20), CraftThresholds(text=0.95)),
    ],
)
def test_dropped(name: str, box: tuple[int, int, int, int], thresholds: CraftThresholds) -> None:
    assert boxes_from_maps(maps_with(box), thresholds) == [], name


def test_affinity_joins_two_characters_into_one_word() -> None:
    maps = maps_with((20, 20, 28, 30), (34, 20, 42, 30))
    assert len(boxes_from_maps(maps)) == 2
    maps[23:27, 28:34, 1] = 0.8
    joined = boxes_from_maps(maps)
    assert len(joined) == 1
    left, right = joined[0].polygon[:, 0].min() / 2, joined[0].polygon[:, 0].max() / 2
    # Both pieces count although the link between them is erased and the dilation does not close the gap.
    assert left <= 20
    assert right >= 41


def test_pixels_that_are_link_only_do_not_grow_the_box() -> None:
    maps = maps_with((20, 20, 40, 26))
    maps[15:40, 29:31, 1] = 0.9
    tall = boxes_from_maps(maps)[0].polygon
    # Affinity reaches row 40; the box stays near the text's rows, 20 to 26, and its dilation.
    assert tall[:, 1].max() / 2 < 32


def test_a_square_is_taken_upright() -> None:
    maps = np.zeros((64, 64, 2), np.float32)
    rows, columns = np.mgrid[:64, :64]
    maps[..., 0] = np.where((rows - 32) ** 2 + (columns - 32) ** 2 <= 100, 0.9, 0)
    quad = boxes_from_maps(maps)[0].polygon
    assert quad[0, 1] == quad[1, 1]
    assert quad[1, 0] == quad[2, 0]


@pytest.mark.parametrize("degrees", [-40, -20, 10, 35])
def test_a_rotated_word_keeps_its_direction(degrees: int) -> None:
    region = np.zeros((200, 200), np.float32)
    corners = cv2.boxPoints(((100.0, 100.0), (90.0, 20.0), float(degrees)))
    cv2.fillPoly(region, [np.round(corners).astype(np.int32)], 0.9)
    quad = boxes_from_maps(np.stack([region, np.zeros_like(region)], axis=-1), stride=1)[0].polygon
    across = quad[1] - quad[0]
    assert np.degrees(np.arctan2(across[1], across[0])) == pytest.approx(degrees, abs=2)
    assert signed_area(quad) > 0


def test_text_at_the_edge_stays_finite() -> None:
    found = boxes_from_maps(maps_with((0, 0, 100, 4), (0, 50, 20, 60)))
    assert len(found) == 2
    assert all(np.isfinite(d.polygon).all() for d in found)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 60), st.integers(2, 40), st.integers(3, 30), st.integers(4, 14))
def test_every_box_holds_its_pixels(left: int, top: int, width: int, height: int) -> None:
    found = boxes_from_maps(maps_with((left, top, left + width, top + height)), stride=1)
    assert len(found) == 1
    box = found[0].polygon
    assert box[:, 0].min() <= left
    assert box[:, 0].max() >= min(99, left + width - 1)
    assert box[:, 1].min() <= top
    assert box[:, 1].max() >= min(59, top + height - 1)


def test_real_maps_give_the_box_of_keras_ocr(shared_dir: Path) -> None:
    with np.load(shared_dir / "fixtures" / "keras_ocr" / "craft_io.npz") as arrays:
        maps, expected = arrays["maps"][0], arrays["boxes"]
    found = boxes_from_maps(maps)
    assert len(found) == len(expected)
    assert intersection_over_union(found[0].polygon, expected[0]) > 0.95
    assert len(characters_from_region(maps[..., 0])) == 9


def test_characters_are_split_at_the_valley_between_their_peaks() -> None:
    rows, columns = np.mgrid[:40, :80]
    region = np.zeros((40, 80), np.float32)
    for centre in (20, 40, 60):
        region = np.maximum(region, np.exp(-((rows - 20) ** 2 + (columns - centre) ** 2) / 50).astype(np.float32))
    found = characters_from_region(region, stride=2)
    assert [round(float(d.polygon[:, 0].mean()) / 2) for d in found] == pytest.approx([20, 40, 60], abs=1)
    assert characters_from_region(np.zeros((10, 10), np.float32)) == []


def arc(bend_px: float, size: tuple[int, int] = (120, 240), thickness: int = 14) -> np.ndarray:
    """Region maps of a band whose middle lies `bend_px` above its ends."""
    maps = np.zeros((*size, 2), np.float32)
    x = np.arange(30, 210)
    y = 80 - bend_px * (1 - ((x - 119.5) / 90) ** 2)
    for column, centre in zip(x, y):
        maps[round(centre - thickness / 2) : round(centre + thickness / 2), column, 0] = 0.9
    return maps


POLYGONS = CraftThresholds(shape="polygon")


def test_a_curved_word_becomes_a_polygon_that_follows_it() -> None:
    maps = arc(50)
    polygon = boxes_from_maps(maps, POLYGONS, stride=1)[0].polygon
    quad = boxes_from_maps(maps, stride=1)[0].polygon
    assert polygon.shape == (14, 2) and signed_area(polygon) > 0
    filled, boxed = (
        cv2.fillPoly(np.zeros((120, 240), np.uint8), [p.round().astype(np.int32)], 1) for p in (polygon, quad)
    )
    inside = maps[..., 0] > 0
    assert filled[inside].mean() > 0.97
    # The rectangle round the arc holds more than twice its ink, the polygon little more than its dilation.
    assert boxed.sum() > 2 * inside.sum() and filled.sum() < 1.75 * inside.sum()
    # The upper points come first, from left to right, then the lower ones back.
    assert (np.diff(polygon[:7, 0]) > 0).all() and (np.diff(polygon[7:, 0]) < 0).all()


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_curved_word_is_followed_whichever_way_it_runs(turns: int) -> None:
    maps = np.ascontiguousarray(np.rot90(arc(50), turns))
    polygon = boxes_from_maps(maps, POLYGONS, stride=2)[0].polygon / 2
    filled = cv2.fillPoly(np.zeros(maps.shape[:2], np.uint8), [polygon.round().astype(np.int32)], 1)
    assert polygon.shape == (14, 2) and filled[maps[..., 0] > 0].mean() > 0.97 and signed_area(polygon) > 0


@pytest.mark.parametrize(
    "maps",
    [
        pytest.param(arc(2), id="nearly straight"),
        pytest.param(maps_with((30, 20, 50, 24)), id="straight"),
        pytest.param(maps_with((30, 20, 40, 30)), id="square"),
        pytest.param(maps_with((30, 20, 90, 21)), id="one row of pixels"),
        pytest.param(maps_with((30, 20, 90, 40), (30, 40, 50, 60)), id="a corner"),
    ],
)
def test_what_is_not_curved_stays_a_quad(maps: np.ndarray) -> None:
    found, quads = boxes_from_maps(maps, POLYGONS), boxes_from_maps(maps)
    assert len(found) == len(quads) == 1
    if len(found[0].polygon) == 4:
        np.testing.assert_array_equal(found[0].polygon, quads[0].polygon)


def test_link_alone_is_no_word_even_below_the_low_text_threshold() -> None:
    maps = np.zeros((40, 60, 2), np.float32)
    maps[10:20, 10:40] = 0.35, 0.9  # region under low_text, joined by affinity alone
    assert boxes_from_maps(maps, CraftThresholds(text=0.3)) == []


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.3, 0.8))
@example(43496, 0.5)
def test_the_runs_give_what_the_dilated_pixels_give(seed: int, text: float) -> None:
    """Each component by itself, dilated as a picture: a rectangle as small, round all of its pixels."""
    noise = np.random.default_rng(seed).random((40, 60, 2)).astype(np.float32)
    maps = cv2.GaussianBlur(noise, (0, 0), 2.0)
    maps = (maps - maps.min()) / np.ptp(maps)
    thresholds = CraftThresholds(text=text, low_text=0.55, link=0.6, min_area=4)
    is_text = maps[..., 0] > 0.55
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        (is_text | (maps[..., 1] > 0.6)).astype(np.uint8), connectivity=4
    )
    expected = []
    for label in range(1, count):
        mask = (labels == label) & is_text
        w, h, pixels = stats[label, 2:5]
        if not mask.any() or pixels < 4 or maps[..., 0][mask].max() < text:
            continue
        grow = int(np.sqrt(pixels * min(w, h) / (w * h)) * 2)
        dilated = cv2.dilate(mask.astype(np.uint8), np.ones((1 + grow, 1 + grow), np.uint8))
        points = np.argwhere(dilated)[:, ::-1].astype(np.int32)
        expected.append((float(maps[..., 0][mask].max()), points))
    found = boxes_from_maps(maps, thresholds, stride=1)
    assert [d.score for d in found] == pytest.approx([score for score, _ in expected])
    for detection, (_, points) in zip(found, expected):
        (_, _), (w, h), _ = cv2.minAreaRect(points)
        if abs(1 - max(w, h) / (min(w, h) + 1e-5)) > 0.1 and min(w, h) > 0:
            assert cv2.contourArea(detection.polygon) == pytest.approx(w * h, rel=1e-3)
            # Two rectangles may be equally small; either holds every pixel.
            outline = cv2.convexHull(points)[:, 0].astype(np.float32).tolist()
            assert min(cv2.pointPolygonTest(detection.polygon, point, True) for point in outline) > -0.05
