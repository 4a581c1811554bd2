from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ocrsmith.preprocess import RecognizerInput
from ocrsmith.reading.batching import BATCH_SIZES, CALL_PX, MAX_BATCH_WIDTH_PX, batches
from ocrsmith.reading.openvino_engine import KEPT_KERNELS

ENGLISH = RecognizerInput(height=48, max_width=3200, width_multiple=8)
WIDTHS = st.lists(st.integers(1, 3200).map(ENGLISH.padded_width), max_size=60)


def test_few_shapes_for_any_page() -> None:
    """As many as OpenVINO keeps the kernels of, some 32 a shape."""
    widths = {ENGLISH.padded_width(width) for width in range(1, 3201)}
    shapes = [(size, px) for size in BATCH_SIZES for px in widths if size == 1 or size * px <= MAX_BATCH_WIDTH_PX]
    assert len(shapes) == 24
    assert len(shapes) * 32 < KEPT_KERNELS


@given(WIDTHS)
def test_every_crop_is_in_one_batch_that_holds_it(widths: list[int]) -> None:
    made = list(batches(widths))
    assert sorted(index for indexes, _ in made for index in indexes) == list(range(len(widths)))
    for indexes, padded in made:
        assert len(indexes) in BATCH_SIZES
        assert max(widths[index] for index in indexes) == padded
        assert len(indexes) == 1 or len(indexes) * padded <= MAX_BATCH_WIDTH_PX
    # Widest first, so that the largest buffer is asked for once.
    firsts = [widths[indexes[0]] for indexes, _ in made]
    assert firsts == sorted(firsts, reverse=True)


@given(WIDTHS)
def test_no_more_costly_than_one_by_one(widths: list[int]) -> None:
    cost = sum(CALL_PX + len(indexes) * padded for indexes, padded in batches(widths))
    assert cost <= sum(CALL_PX + width for width in widths)


def test_alike_crops_share_a_batch_and_a_long_line_stands_alone() -> None:
    assert [(len(indexes), padded) for indexes, padded in batches([120] * 5)] == [(4, 120), (1, 120)]
    assert batches([96, 1856, 96, 96, 96]) == [([1], 1856), ([0, 2, 3, 4], 96)]
    assert batches([]) == []


def test_streams_have_batches_of_like_cost() -> None:
    # One call for four costs 100 + 1,216 px; one by one, two calls side by side, they are done after 2 x (100 + 304).
    assert batches([304] * 4) == [([0, 1, 2, 3], 304)]
    assert batches([304] * 4, streams=2) == [([index], 304) for index in range(4)]
    assert batches([120], streams=2) == [([0], 120)]
    assert batches([], streams=2) == []


@given(WIDTHS, st.integers(2, 4))
def test_streams_are_done_no_later(widths: list[int], streams: int) -> None:
    def done(made: list[tuple[list[int], int]]) -> float:
        busy = [0.0] * streams
        for indexes, padded in made:
            busy[busy.index(min(busy))] += CALL_PX + len(indexes) * padded
        return max(busy)

    made = batches(widths, streams)
    assert sorted(index for indexes, _ in made for index in indexes) == list(range(len(widths)))
    assert done(made) <= done(batches(widths))
