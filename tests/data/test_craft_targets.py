"""CRAFT's targets: a Gaussian's known values, affinity between known characters, and every rule of confidence."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrsmith.data.craft_targets import affinity_quads, craft_targets
from ocrsmith.geometry import box_quad, enclosing_quad
from ocrsmith.samples import Character, TextInstance


def word(text: str, quads: list, **settings) -> TextInstance:  # type: ignore[no-untyped-def, type-arg]
    return TextInstance(enclosing_quad(quads), text, tuple(map(Character, text, quads)), **settings)


def row(text: str, left: float = 40, top: float = 40, size: float = 20) -> TextInstance:
    return word(text, [box_quad(left + i * size, top, left + (i + 1) * size, top + size) for i in range(len(text))])


def test_a_character_is_one_at_its_centre_and_a_quarter_at_its_edge() -> None:
    (region, affinity), confidence = craft_targets([row("a", 40, 40, 41)], 128, 128, stride=1)
    assert region[60, 60] == pytest.approx(1.0)
    # The edge lies at 1 / 1.5 of the grown quad, whose sigma is 0.4: exp(-(2 / 3)^2 / 0.32). Half a pixel within:
    assert region[60, 40] == pytest.approx(math.exp(-((20 / 20.5 / 1.5) ** 2) / 0.32), abs=1e-4)
    assert region[60, 40] == pytest.approx(0.26, abs=0.01)
    assert region[60, 29] == 0 < region[60, 30] < 0.06
    assert not affinity.any() and (confidence == 1).all()


def test_the_maps_have_half_the_size_and_lie_over_the_page() -> None:
    (region, _), confidence = craft_targets([row("a", 40, 60, 20)], 96, 160)
    assert region.shape == confidence.shape == (48, 80)
    # The centre, (50, 70) px, is the corner of four map pixels.
    assert region[34:36, 24:26].min() == region.max() > 0.95


def test_it_is_the_template_warped() -> None:
    quad = np.float32([[40, 30], [90, 50], [80, 120], [30, 110]])
    (region, _), _ = craft_targets([word("a", [quad])], 160, 160, stride=1)
    axis = (np.arange(400) + 0.5) / 200 - 1
    squared = axis[:, None] ** 2 + axis**2
    template = np.where(squared <= 1, np.exp(-squared / 0.32), 0).astype(np.float32)
    grown = quad.mean(axis=0) + 1.5 * (quad - quad.mean(axis=0))
    # OpenCV's pixel 0 has its centre at 0, ours at 0.5.
    matrix = cv2.getPerspectiveTransform(box_quad(-0.5, -0.5, 399.5, 399.5), (grown - 0.5).astype(np.float32))
    warped = cv2.warpPerspective(template, matrix, (160, 160))
    inside = region > 0.06  # at the circle's edge the template jumps from 0.044 to 0
    np.testing.assert_allclose(region[inside], warped[inside], rtol=0, atol=0.01)


def test_affinity_lies_between_neighbours_of_a_word_only() -> None:
    (_, affinity), _ = craft_targets([row("ab cd")], 96, 192, stride=1)
    centres = {x: affinity[50, x] for x in (60, 80, 100, 120)}
    assert centres[60] > 0.9 and centres[120] > 0.9
    assert centres[80] == centres[100] == 0


def test_affinity_quads_are_made_of_the_triangles_centroids() -> None:
    quads = np.stack([box_quad(0, 0, 6, 12), box_quad(6, 0, 12, 12)])
    expected = [[3, 2], [9, 2], [9, 10], [3, 10]]
    np.testing.assert_allclose(affinity_quads(quads, np.zeros(2, np.int64))[0], expected, atol=1e-5)


def test_a_word_that_runs_down_is_linked_downwards() -> None:
    quads = np.stack([box_quad(0, 0, 12, 6), box_quad(0, 6, 12, 12)])
    expected = [[2, 3], [10, 3], [10, 9], [2, 9]]
    np.testing.assert_allclose(affinity_quads(quads, np.zeros(2, np.int64))[0], expected, atol=1e-5)


def test_where_two_meet_the_greater_value_stands() -> None:
    one, two = row("a", 40), row("b", 50)
    apart = np.maximum(craft_targets([one], 128, 128)[0], craft_targets([two], 128, 128)[0])
    np.testing.assert_array_equal(craft_targets([one, two], 128, 128)[0], apart)


def test_a_character_mostly_outside_is_no_target_and_not_trusted() -> None:
    quads = [box_quad(-12, 40, 8, 60), box_quad(8, 40, 28, 60), box_quad(28, 40, 48, 60)]
    (region, affinity), confidence = craft_targets([word("abc", quads)], 96, 96, stride=1)
    assert region[50, 0] < 0.1 and region[50, 18] > 0.95
    assert affinity[50, 8] == 0 and affinity[50, 28] > 0.9
    assert confidence[50, 3] == 0 and confidence[50, 18] == 1


def test_a_character_half_inside_is_cut_at_the_border() -> None:
    (region, _), confidence = craft_targets([word("a", [box_quad(-9, 40, 11, 60)])], 96, 96, stride=1)
    assert region[50, 1] > 0.95 and (confidence == 1).all()


def test_a_dropped_character_is_not_bridged() -> None:
    flat = np.float32([[60, 50], [61, 50], [61, 50], [60, 50]])
    quads = [box_quad(40, 40, 60, 60), flat, box_quad(61, 40, 81, 60)]
    (region, affinity), _ = craft_targets([word("abc", quads)], 128, 128)
    assert region.any() and not affinity.any()


def test_confidence_is_the_least_where_polygons_meet() -> None:
    ignored = TextInstance(box_quad(20, 20, 60, 60), "###", None, ignore=True)
    unsure = word("a", [box_quad(40, 20, 90, 60)], confidence=0.5)
    boxed = TextInstance(box_quad(100, 20, 120, 60), "word", None)
    for order in ([ignored, unsure, boxed], [boxed, unsure, ignored]):
        (region, _), confidence = craft_targets(order, 96, 128, stride=1)
        assert [confidence[40, x] for x in (30, 50, 80, 95, 110)] == [0, 0, 0.5, 1, 0]
        assert region[40, 65] > 0.95


def test_an_empty_page_and_empty_texts() -> None:
    for instances in ([], [TextInstance(box_quad(0, 0, 9, 9), "", ())], [word(" ", [box_quad(1, 1, 9, 9)])]):
        maps, confidence = craft_targets(instances, 64, 32)
        assert maps.shape == (2, 32, 16) and not maps.any() and (confidence == 1).all()


def test_one_character_as_large_as_the_page() -> None:
    (region, _), _ = craft_targets([word("a", [box_quad(0, 0, 1024, 1024)])], 1024, 1024)
    assert region.max() > 0.999 and region[256, 0] == pytest.approx(0.25, abs=0.01)


corner = st.floats(-300, 300, width=32)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[corner] * 8), min_size=1, max_size=4))
def test_any_quads_at_all_give_values_from_zero_to_one(corners: list[tuple[float, ...]]) -> None:
    quads = [np.array(c, np.float32).reshape(4, 2) for c in corners]
    instance = TextInstance(box_quad(0, 0, 9, 9), "a" * len(quads), tuple(Character("a", quad) for quad in quads))
    maps, confidence = craft_targets([instance], 64, 96)
    assert maps.shape == (2, 32, 48) and np.isfinite(maps).all() and maps.min() >= 0 and maps.max() <= 1
    assert set(np.unique(confidence)) <= {0.0, 1.0}


def test_affinity_quads_are_grown_too() -> None:
    # Characters of 60 x 120 px side by side: the link's quad is 60 x 80 about (100, 100), see the triangles above.
    quads = [box_quad(40, 40, 100, 160), box_quad(100, 40, 160, 160)]
    (_, affinity), _ = craft_targets([word("ab", quads)], 200, 200, stride=1)
    assert affinity[99:101, 99:101].min() > 0.999
    # Half a pixel within the quad's right edge and its lower edge, which lie at 1 / 1.5 of the grown quad.
    for row, column, distance in ((100, 129, 29.5 / 45), (139, 100, 39.5 / 60)):
        assert affinity[row, column] == pytest.approx(math.exp(-(distance**2) / 0.32), abs=1e-3)
    assert affinity[100, 146] == 0 and affinity[161, 100] == 0  # outside 45 and 60 px


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_word_has_the_turned_maps(turns: int) -> None:
    (region, affinity), _ = craft_targets([row("abc", 40, 60, 20)], 160, 160, stride=1)
    # A quarter turn clockwise sends (x, y) to (160 - y, x); each character keeps its own top left first.
    quads = [box_quad(40 + 20 * i, 60, 60 + 20 * i, 80) for i in range(3)]
    for _ in range(turns):
        quads = [np.stack([160 - q[:, 1], q[:, 0]], axis=1) for q in quads]
    maps, _ = craft_targets([word("abc", quads)], 160, 160, stride=1)
    np.testing.assert_allclose(maps[0], np.rot90(region, -turns), atol=1e-5)
    np.testing.assert_allclose(maps[1], np.rot90(affinity, -turns), atol=1e-5)


def test_a_vertical_word_of_upright_letters_has_affinity_between_them() -> None:
    quads = [box_quad(40, 20 + 30 * i, 64, 50 + 30 * i) for i in range(3)]
    (region, affinity), _ = craft_targets([word("abc", quads)], 128, 128, stride=1)
    assert [affinity[y, 52] > 0.99 for y in (50, 80, 35, 65)] == [True, True, False, False]
    assert [region[y, 52] > 0.99 for y in (35, 65, 95)] == [True] * 3


def test_one_character_words_have_no_affinity() -> None:
    (region, affinity), _ = craft_targets([row("a", 20), row("b", 60)], 96, 96)
    assert region.max() > 0.95 and not affinity.any()


def test_a_quad_that_crosses_itself_far_off_the_page_is_harmless() -> None:
    # Three corners in one place and one far away: the homography's horizon runs through the page.
    for far in (1e3, 1e5, 3e7):
        quad = np.float32([[0, 0], [0, 0], [0, 1e-3], [-far, 64]])
        maps, _ = craft_targets([word("a", [quad])], 64, 96)
        assert np.isfinite(maps).all() and maps.max() <= 1
