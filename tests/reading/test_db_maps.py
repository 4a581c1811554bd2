from __future__ import annotations

import cv2
import numpy as np
import pytest

from ocrsmith.geometry import area, bounds, box_quad, intersection_over_union
from ocrsmith.reading.db_maps import DbThresholds, boxes_from_map
from ocrsmith.reading.detections import Detection


def map_with(*boxes: tuple[int, int, int, int], value: float = 0.9) -> np.ndarray:
    probabilities = np.zeros((120, 200), np.float32)
    for left, top, right, bottom in boxes:
        probabilities[top:bottom, left:right] = value
    return probabilities


def test_a_rectangle_is_grown_by_area_times_ratio_over_perimeter() -> None:
    # The binary map's one-pixel dilation makes the outline 40 x 10 between pixel centres; D = 400 * 1.5 / 100 = 6.
    found = boxes_from_map(map_with((50, 50, 90, 60)), DbThresholds(unclip_ratio=1.5))
    assert len(found) == 1
    np.testing.assert_allclose(found[0].polygon, [[44, 44], [96, 44], [96, 66], [44, 66]], atol=0.01)
    assert found[0].score == pytest.approx(0.9 * 400 / 451, abs=0.02)


def test_stride_scales_to_input_pixels() -> None:
    once = boxes_from_map(map_with((50, 50, 90, 60)))[0].polygon
    np.testing.assert_allclose(boxes_from_map(map_with((50, 50, 90, 60)), stride=4)[0].polygon, once * 4)


@pytest.mark.parametrize(
    ("name", "probabilities", "thresholds"),
    [
        ("empty", np.zeros((32, 32), np.float32), DbThresholds()),
        ("weak", map_with((50, 50, 90, 60), value=0.45), DbThresholds()),
        ("too thin", map_with((50, 50, 90, 51)), DbThresholds()),
    ],
)
def test_nothing_is_found(name: str, probabilities: np.ndarray, thresholds: DbThresholds) -> None:
    assert boxes_from_map(probabilities, thresholds) == [], name


def test_a_hole_is_not_text_but_text_in_a_hole_is() -> None:
    ring = map_with((20, 20, 180, 100))
    ring[25:95, 25:175] = 0
    ring[55:65, 80:120] = 0.9
    found = boxes_from_map(ring, DbThresholds(box=0.0))
    # The ring's outer outline and the word inside; the hole's own outline is no third.
    assert len(found) == 2


def test_most_candidates_are_the_largest() -> None:
    found = boxes_from_map(map_with((10, 10, 20, 20), (50, 50, 120, 70)), DbThresholds(max_candidates=1))
    assert len(found) == 1
    assert bounds(found[0].polygon)[0] > 30


@pytest.mark.parametrize("degrees", [-30, 15, 40])
def test_rotated(degrees: int) -> None:
    probabilities = np.zeros((200, 200), np.float32)
    corners = cv2.boxPoints(((100.0, 100.0), (100.0, 12.0), float(degrees)))
    cv2.fillPoly(probabilities, [np.round(corners).astype(np.int32)], 0.9)
    quad = boxes_from_map(probabilities)[0].polygon
    across = quad[1] - quad[0]
    assert np.degrees(np.arctan2(across[1], across[0])) == pytest.approx(degrees, abs=2)


def test_a_polygon_follows_a_curve_more_closely_than_its_quad() -> None:
    probabilities = np.zeros((200, 300), np.float32)
    cv2.ellipse(probabilities, (150, 190), (120, 150), 0, 200, 340, 0.9, 14)
    polygon = boxes_from_map(probabilities, DbThresholds(shape="polygon", box=0.1))[0].polygon
    quad = boxes_from_map(probabilities, DbThresholds(box=0.1))[0].polygon
    assert len(polygon) > 6
    assert area(polygon) < 0.7 * area(quad)


def test_a_straight_polygon_agrees_with_the_quad() -> None:
    probabilities = map_with((50, 50, 150, 60))
    polygon = boxes_from_map(probabilities, DbThresholds(shape="polygon"))[0]
    quad = boxes_from_map(probabilities)[0]
    assert intersection_over_union(polygon.quad, quad.polygon) > 0.9


def test_detections_made_at_once_are_checked_as_each_alone() -> None:
    quads = [box_quad(0, 0, 4, 2), box_quad(1, 1, 9, 3)]
    found = Detection.of(quads, [0.5, 1.0])
    assert [(d.polygon.tolist(), d.score) for d in found] == [(quads[0].tolist(), 0.5), (quads[1].tolist(), 1.0)]
    assert Detection.of([], []) == []
    with pytest.raises(ValueError, match="NaN"):
        Detection.of([quads[0], np.full((4, 2), np.nan, np.float32)], [0.5, 0.5])


@pytest.mark.parametrize("degrees", [0, 3, 45, 90])
def test_scores_are_the_mean_inside_the_smallest_rectangle(degrees: int) -> None:
    rng = np.random.default_rng(0)
    probabilities = np.zeros((120, 160), np.float32)
    outline = cv2.boxPoints(((80.0, 60.0), (70.0, 20.0), float(degrees))).astype(np.int32)
    cv2.fillConvexPoly(probabilities, outline, 1.0)
    probabilities *= rng.uniform(0.5, 1, probabilities.shape).astype(np.float32)
    (found,) = boxes_from_map(probabilities, DbThresholds(dilate=False))
    contours, _ = cv2.findContours((probabilities > 0.3).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    mask = np.zeros(probabilities.shape, np.uint8)
    cv2.fillConvexPoly(mask, cv2.boxPoints(cv2.minAreaRect(contours[0])).astype(np.int32), 1)
    assert found.score == pytest.approx(float(probabilities[mask == 1].mean()), abs=1e-6)
