"""Reliability in bins, and the fit that sets confidences right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrsmith.errors import InputError
from ocrsmith.evaluation.calibration import (
    CalibrationCounts,
    Outcomes,
    character_outcomes,
    fit_halves,
    fit_platt,
    word_outcomes,
)
from ocrsmith.evaluation.curves import curve_svg
from ocrsmith.evaluation.text import EXACT, LETTERS_AND_DIGITS
from ocrsmith.reading.calibration import Calibration, Platt, log_odds


def test_ten_words_by_hand() -> None:
    # Four of five right where 0.9 was said, one of five where 0.6 was said: errors of 0.1 and 0.4, each half the words.
    pairs = [(0.9, True)] * 4 + [(0.9, False)] + [(0.6, True)] + [(0.6, False)] * 4
    counts = CalibrationCounts.from_pairs(pairs)
    assert counts.num_counted == 10
    assert counts.expected_error == pytest.approx(0.25)
    assert [(b.num, b.right) for b in counts.bins()] == [(5, 0.2), (5, 0.8)]
    assert counts.rows()[1] == ("0.90 to 0.95", "0.900", "0.800 (0.38 to 0.96)", "5")
    assert counts.curve().series["share right"] == ((0.6, 0.2), (pytest.approx(0.9), 0.8))
    assert curve_svg(counts.curve(), 0).startswith("<svg")


def test_nothing_counted_is_never_taken_for_good() -> None:
    assert CalibrationCounts().expected_error == 1.0
    assert CalibrationCounts().bins() == []


def test_the_ends_have_bins() -> None:
    counts = CalibrationCounts.from_pairs([(0.0, False), (1.0, True)])
    assert [(b.low, b.high) for b in counts.bins()] == [(0.0, 0.05), (0.95, 1.0)]
    assert counts.expected_error == 0.0


outcomes = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=40)


@settings(deadline=None)
@given(outcomes, outcomes)
def test_parts_add_up(first: list[tuple[float, bool]], second: list[tuple[float, bool]]) -> None:
    added = CalibrationCounts.from_pairs(first) + CalibrationCounts.from_pairs(second)
    whole = CalibrationCounts.from_pairs(first + second)
    assert (added.num, added.num_right) == (whole.num, whole.num_right)
    assert added.expected_error == pytest.approx(whole.expected_error)


def test_words_are_right_where_the_page_has_them() -> None:
    words = [("Total", 0.9), ("total", 0.4), ("12", 0.8), ("logo", 0.7), ("logo", 0.6), ("-", 0.5), ("tota1", 0.3)]
    found = word_outcomes(["TOTAL 12"], words, ["Logo"], rule=LETTERS_AND_DIGITS)
    # The second total is one too many, one logo is forgiven, the dash is no word.
    assert found == [(0.9, True), (0.8, True), (0.6, False), (0.4, False), (0.3, False)]
    assert word_outcomes([], [], rule=EXACT) == []


def test_characters_are_compared_by_alignment() -> None:
    read = [("K", 0.9), ("l", 0.8), ("t", 0.7), ("t", 0.6), ("x", 0.5), ("-", 0.4)]
    # "kltt" to "kitt": one is misread; the x is one too many.
    assert character_outcomes("Kitt", read, rule=LETTERS_AND_DIGITS) == [
        (0.9, True),
        (0.8, False),
        (0.7, True),
        (0.6, True),
        (0.5, False),
    ]
    assert character_outcomes("ab", [], rule=EXACT) == []
    assert character_outcomes("", [("a", 0.2)], rule=EXACT) == [(0.2, False)]


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (0.5, -0.4), (1.6, 0.7)])
def test_a_fit_finds_what_outcomes_were_drawn_from(slope: float, offset: float) -> None:
    rng = np.random.default_rng(0)
    said = rng.uniform(0.02, 0.98, 20_000)
    right = rng.uniform(size=len(said)) < Platt(slope, offset)(said)
    fitted = fit_platt(list(zip(said.tolist(), right.tolist())))
    assert (fitted.slope, fitted.offset) == pytest.approx((slope, offset), abs=0.06)
    before = CalibrationCounts.from_pairs(zip(said.tolist(), right.tolist()))
    after = Outcomes(tuple(zip(said.tolist(), right.tolist()))).under(Outcomes(tuple(zip(said, right))).calibration())
    assert after.expected_error < 0.02
    assert after.expected_error <= before.expected_error + 0.005


def test_odd_sets_have_a_fit() -> None:
    assert fit_platt([]) == Platt()
    assert fit_platt([(0.5, True)] * 19) == Platt()
    always = fit_platt([(0.999, True)] * 200)
    assert always.slope > 0
    assert 0.97 < float(always(0.999)) < 1
    never = fit_platt([(0.9999, False)] * 200)
    assert float(never(0.9999)) == pytest.approx(1 / 202)
    backwards = fit_platt([(0.9, False)] * 50 + [(0.2, True)] * 50)
    assert backwards.slope == 0.05


def test_log_odds() -> None:
    np.testing.assert_allclose(log_odds([0.5, 0.75]), [0, np.log(3)])
    assert np.isfinite(log_odds([0.0, 1.0])).all()


def test_a_fit_is_judged_by_the_half_that_it_has_not_seen() -> None:
    halves = [Outcomes(words=((0.9, True), (0.9, False)) * 30), Outcomes(words=((0.9, True), (0.9, False)) * 40)]
    fitted = fit_halves(halves, Calibration())
    # Half of the words said to be 90 % sure are right.
    assert fitted.before.expected_error == pytest.approx(0.4)
    assert fitted.after.expected_error < 0.02
    assert fitted.about(["drawn"])["held_out_error"]["words"] == 80
    assert (fitted.num_words, fitted.num_characters) == (140, 0)
    with pytest.raises(InputError, match="99 words were read, and at least 100 are needed"):
        fit_halves([Outcomes(words=((0.9, True),) * 99), Outcomes()], Calibration())
