from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_networks import GREEN, PLAIN, RED

from ocrsmith.geometry import bounds
from ocrsmith.preprocess import RecognizerInput
from ocrsmith.reading.bundle import Bundle
from ocrsmith.reading.reader import Reader
from ocrsmith.reading.windows import MOST_WINDOWS, join_windows, line_width, reads_windows, window_starts

RULE = RecognizerInput(height=8, min_width=4, max_width=128, width_multiple=4, step_px=4, **PLAIN)


def test_which_contracts_read_in_windows() -> None:
    assert reads_windows(RULE)
    # A display's contract, stretched ones, and networks that drop steps squeeze.
    assert not reads_windows(RecognizerInput(height=48, max_width=240))
    assert not reads_windows(RecognizerInput(height=8, max_width=128, fit="stretch"))
    assert not reads_windows(RecognizerInput(height=8, max_width=128, lost_steps=2))


@given(st.integers(1, 5000))
def test_windows_cover_a_line(width: int) -> None:
    width = line_width(width, RULE)
    starts = window_starts(width, RULE)
    assert starts[0] == 0
    assert all(start % RULE.step_px == 0 for start in starts)
    assert len(starts) <= MOST_WINDOWS
    ends = [min(start + RULE.max_width, width) for start in starts]
    assert ends[-1] == width
    assert all(end - start >= 4 * RULE.height for end, start in zip(ends, starts[1:]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=40, max_size=150))
def test_joined_windows_are_the_whole_line(classes: list[int]) -> None:
    whole = np.eye(4, dtype=np.float32)[classes]
    starts = list(range(0, max(1, len(classes) - 12), 20))
    windows = [whole[start : start + 32] for start in starts]
    np.testing.assert_array_equal(join_windows(windows, starts, [3]), whole)


def test_windows_that_disagree_are_cut_where_both_are_silent() -> None:
    # The second window sees the first letter of the overlap cut in half, as something else.
    first = np.eye(4, dtype=np.float32)[[1, 0, 2, 0, 1, 1, 0, 2, 0, 1]]
    second = np.eye(4, dtype=np.float32)[[2, 1, 0, 2, 0, 1, 0, 2, 0]]
    joined = join_windows([first, second], [0, 4], [])
    assert joined.argmax(axis=1).tolist() == [1, 0, 2, 0, 1, 1, 0, 2, 0, 1, 0, 2, 0]


@pytest.mark.parametrize("count", [20, 60, 97])
def test_a_long_line_loses_nothing(make_bundle: Callable[..., Path], count: int) -> None:
    form = {**Bundle.load(make_bundle(None)).manifest["recognizer"], "input": RULE.to_dict()}
    reader = Reader(make_bundle(None, recognizer=form), engine="onnxruntime", threads=1)
    text = "".join("ab"[int(n) % 2] for n in np.arange(count))
    line = np.concatenate([np.full((8, 8, 3), RED if c == "a" else GREEN, np.uint8) for c in text], axis=1)
    (word,) = reader.read(line).words
    assert word.text == text
    assert bounds(word.characters[-1].quad)[2] == pytest.approx(8 * count, abs=5)
    assert bounds(word.characters[count // 2].quad)[0] == pytest.approx(8 * (count // 2), abs=5)
    # Short and long crops in one call keep their order.
    short = line[:, :16]
    assert [each.text for each in reader.recognize([short, line, short])] == ["ab", text, "ab"]
