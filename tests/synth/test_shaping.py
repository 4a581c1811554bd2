"""Shaping: a box a cluster, true to the pixels."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrsmith.errors import FontError, SynthesisError
from ocrsmith.synth.bidi import directional_runs
from ocrsmith.synth.glyphs import BoundedCache
from ocrsmith.synth.shaping import ShapedRun, shape

FOLDER = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
SANS = SimpleNamespace(path=FOLDER / "DejaVuSans.ttf", index=0)
SERIF = SimpleNamespace(path=FOLDER / "DejaVuSerif.ttf", index=0)


def texts(run: ShapedRun) -> list[str]:
    return [cluster.text for cluster in run.clusters]


def ink_columns(run: ShapedRun, left: float, right: float) -> tuple[float, float]:
    """The first and past-the-last inked column within a span."""
    start = max(0, int(np.floor(left)))
    columns = np.flatnonzero((run.mask[:, start : int(np.ceil(right))] > 100).any(axis=0))
    return start + columns[0], start + columns[-1] + 1


@pytest.mark.parametrize("size_px", [8, 12.5, 20, 47, 200])
def test_boxes_hug_the_ink(size_px: float) -> None:
    run = shape(SANS, "HTIL", size_px, letter_spacing_px=4)
    for _, (left, top, right, bottom) in run.clusters:
        first, past = ink_columns(run, left - 1, right + 1)
        assert abs(first - left) <= 1.01 and abs(past - right) <= 1.01
        assert top >= -0.01 and bottom <= run.mask.shape[0] + 0.01


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("abcfilVAToy .,'-1234é "), min_size=1, max_size=20), st.floats(6, 80), st.floats(-1, 8))
def test_clusters_spell_the_text_and_boxes_are_proper(text: str, size_px: float, spacing_px: float) -> None:
    run = shape(SERIF, text, size_px, letter_spacing_px=spacing_px)
    assert "".join(texts(run)) == text
    assert run.boxes.shape == (len(run.clusters), 4) and run.quads.shape == (len(run.clusters), 4, 2)
    assert (run.boxes[:, 2] > run.boxes[:, 0]).all() and (run.boxes[:, 3] > run.boxes[:, 1]).all()


def test_a_ligature_is_one_cluster_and_spacing_parts_it() -> None:
    assert texts(shape(SANS, "office", 30)) == ["o", "ffi", "c", "e"]
    assert texts(shape(SANS, "office", 30, letter_spacing_px=1)) == list("office")
    assert texts(shape(SANS, "office", 30, features={"liga": False})) == list("office")


def test_a_combining_mark_joins_its_letter() -> None:
    run = shape(SANS, "xe\u0301x", 40)
    assert texts(run) == ["x", "e\u0301", "x"]
    assert run.clusters[1].box[1] < run.clusters[0].box[1]


def test_a_space_has_its_advance() -> None:
    run = shape(SANS, "a b", 100)
    left, top, right, bottom = run.clusters[1].box
    assert right - left == pytest.approx(31.8, abs=0.2)  # DejaVu Sans: 651 of 2048 units
    assert bottom - top == pytest.approx(54.7, abs=0.5)  # x-height: 1120 of 2048 units
    assert bottom == run.origin[1]


def test_only_a_space() -> None:
    run = shape(SANS, " ", 20)
    assert texts(run) == [" "] and run.mask.max() == 0 and run.mask.size > 0


def test_right_to_left_is_in_logical_order() -> None:
    run = shape(SANS, "שלום", 40)
    assert texts(run) == list("שלום")
    assert (np.diff(run.boxes[:, 0]) < 0).all()


def test_numbers_in_right_to_left_text_run_to_the_right() -> None:
    run = shape(SANS, "של 12", 40)
    assert texts(run) == list("של 12")
    lefts = run.boxes[:, 0]
    assert lefts[3] < lefts[4] < lefts[2] < lefts[1] < lefts[0]


@pytest.mark.parametrize(
    "text, runs",
    [
        ("abc 12", [(0, 6, "ltr")]),
        ("é", [(0, 1, "ltr")]),
        ("של", [(0, 2, "rtl")]),
        ("a של b", [(0, 2, "ltr"), (2, 4, "rtl"), (4, 6, "ltr")]),
        ("של ab", [(3, 5, "ltr"), (0, 3, "rtl")]),
        ("של 1.5 ב", [(6, 8, "rtl"), (3, 6, "ltr"), (0, 3, "rtl")]),
    ],
)
def test_directional_runs(text: str, runs: list[tuple[int, int, str]]) -> None:
    assert directional_runs(text) == runs


def test_vertical_text_goes_down() -> None:
    run = shape(SANS, "abc", 40, direction="ttb")
    assert texts(run) == list("abc")
    assert (np.diff(run.boxes[:, 1]) > 0).all()
    assert run.mask.shape[0] > run.mask.shape[1]


def test_letter_spacing_widens_the_advance_by_the_gaps() -> None:
    plain = shape(SANS, "abcd", 40, features={"liga": False, "clig": False})
    assert shape(SANS, "abcd", 40, letter_spacing_px=5).advance_px == pytest.approx(plain.advance_px + 15, abs=0.1)


def test_tofu_is_refused_by_name() -> None:
    with pytest.raises(FontError, match=r"no glyph for '漢' \(U\+6F22\)"):
        shape(SANS, "a漢", 20)


def test_bad_fonts_and_sizes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.ttf").write_bytes(b"not a font")
    with pytest.raises(FontError, match="cannot be opened"):
        shape(SimpleNamespace(path=tmp_path / "bad.ttf", index=0), "a", 20)
    with pytest.raises(FontError, match="cannot be read"):
        shape(SimpleNamespace(path=tmp_path / "absent.ttf", index=0), "a", 20)
    with pytest.raises(SynthesisError, match="empty text"):
        shape(SANS, "", 20)
    with pytest.raises(SynthesisError, match="2 to 2,000 px"):
        shape(SANS, "a", 1)
    with pytest.raises(SynthesisError, match="At most 32,000 px"):
        shape(SANS, "w" * 400, 400)


def test_a_mask_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValueError, match="read-only"):
        shape(SANS, "a", 20).mask[:] = 0


def test_caches_are_bounded_and_keep_what_was_used_last() -> None:
    cache: BoundedCache[int] = BoundedCache(10)
    for key in range(5):
        cache.put(key, key, 4)
        cache.get(3) if key > 3 else None
    assert len(cache) == 2 and cache.weight == 8 and cache.get(4) == 4 and cache.get(0) is None
    cache.put("huge", 1, 100)
    assert len(cache) == 1


def _mask_bytes(text: str) -> bytes:
    return shape(SANS, text, 33).mask.tobytes()


def test_a_forked_child_draws_the_same() -> None:
    here = [_mask_bytes(text) for text in ("ab", "new text", "ab")]
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.map(_mask_bytes, ["ab", "new text", "ab"]) == here
