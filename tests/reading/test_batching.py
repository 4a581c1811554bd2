from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ocrsmith.reading.batching import BATCH_SIZES, CALL_PX, GROWTH, MAX_BATCH_WIDTH_PX, batches, rung
from ocrsmith.reading.openvino_engine import KEPT_KERNELS

WIDTHS = st.lists(st.floats(1, 5000), max_size=60)


def test_rungs() -> None:
    assert [rung(width, 8) for width in (1, 8, 9, 41, 56, 57, 73)] == [8, 8, 16, 56, 56, 72, 96]
    assert rung(0.5, 4) == 4


@given(st.floats(1, 10000), st.sampled_from([1, 4, 8, 16, 32]))
def test_a_rung_holds_its_width_without_much_padding(width: float, multiple: int) -> None:
    padded = rung(width, multiple)
    assert padded >= width
    assert padded % multiple == 0
    assert padded < max(GROWTH * width, width) + 2 * multiple
    assert rung(padded, multiple) == padded


def test_few_shapes_for_any_page() -> None:
    """As many as OpenVINO keeps the kernels of, some 32 a shape."""
    widths = {rung(width, 8) for width in range(16, 3201)}
    shapes = [(size, px) for size in BATCH_SIZES for px in widths if size == 1 or size * px <= MAX_BATCH_WIDTH_PX]
    assert len(shapes) == 36
    assert len(shapes) * 32 < KEPT_KERNELS


@given(WIDTHS)
def test_every_crop_is_in_one_batch_that_holds_it(widths: list[float]) -> None:
    made = list(batches(widths, 8))
    assert sorted(index for indexes, _ in made for index in indexes) == list(range(len(widths)))
    for indexes, padded in made:
        assert len(indexes) in BATCH_SIZES
        assert all(widths[index] <= padded for index in indexes)
        assert len(indexes) == 1 or len(indexes) * padded <= MAX_BATCH_WIDTH_PX
    # Widest first, so that the largest buffer is asked for once.
    firsts = [widths[indexes[0]] for indexes, _ in made]
    assert firsts == sorted(firsts, reverse=True)


@given(WIDTHS)
def test_no_more_costly_than_one_by_one(widths: list[float]) -> None:
    cost = sum(CALL_PX + len(indexes) * padded for indexes, padded in batches(widths, 8))
    assert cost <= sum(CALL_PX + rung(width, 8) for width in widths)


def test_alike_crops_share_a_batch_and_a_long_line_stands_alone() -> None:
    assert [(len(indexes), padded) for indexes, padded in batches([118] * 5, 8)] == [(4, 120), (1, 120)]
    assert batches([40, 1500, 38, 39, 40], 8) == [([1], 1856), ([0, 4, 3, 2], 40)]
    assert batches([]) == []


def test_a_network_of_one_width_is_given_no_more() -> None:
    assert batches([200] * 4, 1, most=200) == [([0, 1, 2, 3], 200)]


def test_streams_have_batches_of_like_cost() -> None:
    # One call for four costs 100 + 1,216 px; one by one, two calls side by side, they are done after 2 x (100 + 304).
    assert batches([300] * 4, 8) == [([0, 1, 2, 3], 304)]
    assert batches([300] * 4, 8, streams=2) == [([index], 304) for index in range(4)]
    assert batches([118], 8, streams=2) == [([0], 120)]
    assert batches([], streams=2) == []


@given(WIDTHS, st.integers(2, 4))
def test_streams_are_done_no_later(widths: list[float], streams: int) -> None:
    def done(made: list[tuple[list[int], int]]) -> float:
        busy = [0.0] * streams
        for indexes, padded in made:
            busy[busy.index(min(busy))] += CALL_PX + len(indexes) * padded
        return max(busy)

    made = batches(widths, 8, streams=streams)
    assert sorted(index for indexes, _ in made for index in indexes) == list(range(len(widths)))
    assert done(made) <= done(batches(widths, 8))
