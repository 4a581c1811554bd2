"""DB's targets: sizes that follow from D = A (1 - r^2) / L, and the way back through the shipping post-processing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrsmith.data.db_targets import db_targets
from ocrsmith.geometry import box_quad, intersection_over_union
from ocrsmith.reading.db_maps import boxes_from_map
from ocrsmith.samples import TextInstance


def word(left: float, top: float, right: float, bottom: float, *, ignore: bool = False) -> TextInstance:
    return TextInstance(box_quad(left, top, right, bottom), "word", ignore=ignore)


def test_a_box_is_shrunk_by_the_papers_distance() -> None:
    # 100 x 40: D = 4000 x 0.84 / 280 = 12, so 76 x 16 are left.
    targets = db_targets([word(20, 30, 120, 70)], 100, 150)
    rows, columns = np.nonzero(targets.probability)
    assert (columns.min(), columns.max() + 1, rows.min(), rows.max() + 1) == pytest.approx((32, 108, 42, 58), abs=1)
    assert targets.probability.sum() == pytest.approx(76 * 16, rel=0.1)
    assert targets.probability_mask.min() == 1.0
    assert all(
        m.dtype == np.float32 and m.shape == (100, 150)
        for m in (targets.probability, targets.probability_mask, targets.threshold, targets.threshold_mask)
    )


def test_the_threshold_falls_from_the_border_over_the_distance() -> None:
    targets = db_targets([word(20, 30, 120, 70)], 100, 150)
    # Column 70 is far from the ends: its pixel centres lie half a pixel off the side at y = 30.
    assert targets.threshold[30, 70] == pytest.approx(0.7 - 0.4 * 0.5 / 12, abs=1e-4)
    assert targets.threshold[36, 70] == pytest.approx(0.7 - 0.4 * 6.5 / 12, abs=1e-4)
    assert targets.threshold[24, 70] == pytest.approx(0.7 - 0.4 * 5.5 / 12, abs=1e-4)
    assert targets.threshold[50, 70] == pytest.approx(0.3, abs=1e-4)
    assert targets.threshold[5, 5] == pytest.approx(0.3, abs=1e-6)
    assert targets.threshold_mask[20, 70] == 1.0
    assert targets.threshold_mask[15, 70] == 0.0


@pytest.mark.parametrize("instance", [word(20, 30, 120, 70, ignore=True), word(20, 30, 60, 33)])
def test_ignored_and_tiny_text_is_masked(instance: TextInstance) -> None:
    targets = db_targets([instance], 100, 150)
    assert targets.probability.max() == 0.0
    assert targets.probability_mask[31, 40] == 0.0
    assert targets.probability_mask[80, 40] == 1.0
    assert targets.threshold_mask.max() == 0.0


def test_an_ignored_neighbour_hides_no_known_text() -> None:
    targets = db_targets([word(20, 30, 120, 70), word(0, 0, 150, 100, ignore=True)], 100, 150)
    assert targets.probability_mask[50, 70] == 1.0
    assert targets.probability_mask[5, 5] == 0.0


@pytest.mark.parametrize(
    "instances", [[], [word(-50, -50, -10, -10)], [word(10, 10, 10, 10)], [word(500, 500, 600, 600)]]
)
def test_pages_without_text_on_them(instances: list[TextInstance]) -> None:
    targets = db_targets(instances, 32, 64)
    assert targets.probability.max() == 0.0
    assert targets.threshold == pytest.approx(np.full((32, 64), 0.3))


def test_text_that_leaves_the_page_is_cut_to_it() -> None:
    targets = db_targets([word(-1000, 10, 50, 50)], 64, 64)
    whole = db_targets([word(0, 10, 50, 50)], 64, 64)
    np.testing.assert_array_equal(targets.probability, whole.probability)


@settings(max_examples=30, deadline=None)
@given(
    left=st.floats(20, 60), top=st.floats(20, 60), width=st.floats(30, 150), height=st.floats(20, 40),
    degrees=st.floats(-40, 40),
)  # fmt: skip
def test_the_shipping_boxes_give_the_text_back(
    left: float, top: float, width: float, height: float, degrees: float
) -> None:
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    quad = (box_quad(0, 0, width, height) - (width / 2, height / 2)) @ turn + (left + 100, top + 100)
    targets = db_targets([TextInstance(quad.astype(np.float32), "word")], 288, 288)
    found = boxes_from_map(targets.probability)
    assert len(found) == 1
    # Outlines are filled too, as in the maps that PP-OCR was trained on: half a pixel a side, more on turned text.
    assert intersection_over_union(found[0].quad, quad) > 0.6
