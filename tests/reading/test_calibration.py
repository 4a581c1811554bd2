"""Calibrated confidences: monotone, kept in the bundle, applied when everything is decided."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrsmith.errors import BundleError
from ocrsmith.export.calibration import uncalibrated, write_calibrated
from ocrsmith.reading.bundle import Bundle
from ocrsmith.reading.bundle_parts import recognizer_part
from ocrsmith.reading.calibration import Calibration, Platt
from ocrsmith.reading.reader import Reader

FITTED = Calibration(Platt(0.5, -0.5), Platt(2.0, 0.25))


def test_a_platt_by_hand() -> None:
    # Log odds of 0.8 are ln 4; half of them ln 2; e^-ln 2 = 1/2.
    assert float(Platt(0.5, 0.0)(0.8)) == pytest.approx(2 / 3)
    assert float(Platt(1.0, np.log(3))(0.5)) == pytest.approx(0.75)
    assert Platt()([0.0, 0.123, 1.0]).tolist() == [0.0, 0.123, 1.0]
    assert float(Platt(0.5, 1.0)(0.0)) == 0.0


@given(st.floats(0.05, 5), st.floats(-3, 3), st.floats(0, 1), st.floats(0, 1))
def test_the_order_stays(slope: float, offset: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    first, second = Platt(slope, offset)([low, high])
    assert 0 <= first <= second <= 1


@pytest.mark.parametrize("values", [(0.0, 0.0), (-1.0, 0.0), (float("nan"), 0.0), (1.0, float("inf"))])
def test_bad_numbers_are_refused(values: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="slope must be above 0"):
        Platt(*values)


def test_a_form_comes_back() -> None:
    assert Calibration.from_dict(FITTED.to_dict()) == FITTED


def test_a_bundle_keeps_its_texts_and_its_threshold(
    make_bundle: Callable[..., Path], colour_page: np.ndarray, tmp_path: Path
) -> None:
    plain = Bundle.load(make_bundle())
    path = write_calibrated(plain, tmp_path / "sure.ocrsmith", FITTED, {"words": 7})
    bundle = Bundle.load(path)
    assert bundle.recognizer is not None and bundle.recognizer.calibration == FITTED
    assert bundle.card["calibration"] == {"words": 7}
    assert bundle.recognizer_bytes == plain.recognizer_bytes
    # The threshold of 0.5 lies at 1 / (1 + e^0.5) now.
    assert bundle.recognizer.min_confidence == pytest.approx(1 / (1 + np.exp(0.5)))
    before = Reader(plain, engine="onnxruntime").read(colour_page)
    after = Reader(bundle, engine="onnxruntime").read(colour_page)
    assert after.text == before.text
    for one, other in zip(before.words, after.words, strict=True):
        assert other.confidence == pytest.approx(float(FITTED.word(one.confidence)))
        assert [c.confidence for c in other.characters] == pytest.approx(
            FITTED.character([c.confidence for c in one.characters]).tolist()
        )
    crop = colour_page[12:36, 16:56]
    (raw,), (sure,) = (Reader(b, engine="onnxruntime").recognize([crop]) for b in (plain, bundle))
    assert sure.text == raw.text
    assert sure.confidence == pytest.approx(float(FITTED.word(raw.confidence)))
    assert Reader(uncalibrated(bundle), engine="onnxruntime").recognize([crop])[0].confidence == raw.confidence


def test_a_second_calibration_takes_the_place_of_the_first(make_bundle: Callable[..., Path], tmp_path: Path) -> None:
    once = write_calibrated(Bundle.load(make_bundle()), tmp_path / "a.ocrsmith", FITTED)
    twice = Bundle.load(write_calibrated(Bundle.load(once), tmp_path / "b.ocrsmith", Calibration()))
    assert twice.recognizer is not None
    assert twice.recognizer.min_confidence == pytest.approx(0.5, abs=1e-6)


def test_what_does_not_fit_is_told(make_bundle: Callable[..., Path], tmp_path: Path) -> None:
    bundle = Bundle.load(make_bundle())
    bundle.manifest["recognizer"]["calibration"] = {"word": {"slope": 1.0}}
    bundle.manifest["recognizer"]["min_confidence"] = 0.5
    with pytest.raises(KeyError):
        recognizer_part(bundle.manifest["recognizer"], b"")
    headless = Bundle(bundle.manifest, bundle.detector, None)
    with pytest.raises(BundleError, match="no recogniser"):
        write_calibrated(headless, tmp_path / "c.ocrsmith", FITTED)
