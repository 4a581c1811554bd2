"""The one preprocessing path: sizes, padding, order of channels, and the form that travels in a bundle."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrsmith.errors import BundleError
from ocrsmith.preprocess import DetectorInput, RecognizerInput


def crop(height: int, width: int, value: int = 200) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def test_aspect_is_kept_between_the_bounds() -> None:
    contract = RecognizerInput(height=32, min_width=16, max_width=128, width_multiple=16)
    assert contract.resize(crop(16, 40)).shape == (32, 80, 3)
    assert contract.resize(crop(64, 2)).shape == (32, 16, 3)
    assert contract.resize(crop(10, 1000)).shape == (32, 128, 3)


def test_batches_are_padded_at_the_right_with_the_pad_value() -> None:
    contract = RecognizerInput(height=32, width_multiple=16, pad_value=7)
    stack = contract.stack([contract.resize(crop(32, 20)), contract.resize(crop(32, 33))])
    assert stack.shape == (2, 32, 48, 3)
    assert (stack[0, :, :20] == 200).all() and (stack[0, :, 20:] == 7).all()


def test_batches_are_padded_to_one_of_few_widths() -> None:
    contract = RecognizerInput(height=48, max_width=400, width_multiple=8)
    # Twice the height, a quarter more each, up to multiples of 8; the widest input at most.
    assert sorted({contract.padded_width(width) for width in range(1, 401)}) == [96, 120, 152, 192, 240, 304, 384, 400]
    assert [contract.padded_width(width) for width in (0.5, 96, 96.2, 384, 385, 400)] == [96, 96, 120, 384, 400, 400]
    assert RecognizerInput(height=32, max_width=40, width_multiple=16).padded_width(10) == 48
    for fit in ("letterbox", "stretch"):
        assert RecognizerInput(height=31, max_width=200, width_multiple=1, fit=fit).padded_width(31) == 200  # type: ignore[arg-type]


@given(st.integers(8, 64), st.integers(1, 4000), st.sampled_from([1, 4, 8, 32]))
def test_a_padded_width_holds_its_crop_with_a_quarter_to_spare(height: int, width: int, multiple: int) -> None:
    contract = RecognizerInput(height=height, max_width=4000, width_multiple=multiple)
    padded = contract.padded_width(width)
    assert padded >= width and padded % multiple == 0
    assert padded <= max(2 * height, 1.25 * width) + 2 * multiple
    assert contract.padded_width(padded) == padded


def test_letterbox_and_stretch_give_the_fixed_size() -> None:
    for fit in ("letterbox", "stretch"):
        contract = RecognizerInput(height=31, max_width=200, fit=fit, pad_value=0)  # type: ignore[arg-type]
        assert contract.resize(crop(31, 50)).shape == (31, 200, 3)
    boxed = RecognizerInput(height=31, max_width=200, fit="letterbox", pad_value=0).resize(crop(31, 50))
    assert (boxed[:, 50:] == 0).all() and (boxed[:, :50] == 200).all()


def test_normalised_values_and_channel_order() -> None:
    pixel = np.array([[[[255, 0, 51]]]], np.uint8)
    rgb = RecognizerInput(mean=(0.5,) * 3, std=(0.5,) * 3).normalize(pixel)[0, :, 0, 0]
    bgr = RecognizerInput(mean=(0.5,) * 3, std=(0.5,) * 3, channels="bgr").normalize(pixel)[0, :, 0, 0]
    np.testing.assert_allclose(rgb, [1, -1, -0.6], atol=1e-6)
    np.testing.assert_allclose(bgr, rgb[::-1], atol=1e-6)
    grey = RecognizerInput(mean=(0.0,), std=(1.0,), channels="gray").normalize(pixel)
    assert grey.shape == (1, 1, 1, 1)
    assert float(grey[0, 0, 0, 0]) == pytest.approx(0.299 + 0.114 * 0.2, abs=1e-6)
    imagenet = DetectorInput().normalize(pixel)[0, :, 0, 0]
    np.testing.assert_allclose(imagenet, [(1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225], atol=1e-5)


def test_pages_are_padded_to_the_multiple() -> None:
    contract = DetectorInput(multiple=32)
    stack = contract.stack([contract.resize(crop(100, 50), 0.5), contract.resize(crop(33, 10), 1.0)])
    assert stack.shape == (2, 64, 32, 3)
    assert (stack[0, :50, :25] == 200).all() and (stack[0, 50:] == 0).all()


@given(st.integers(1, 300), st.integers(1, 2000))
def test_steps_follow_the_resized_width(height: int, width: int) -> None:
    contract = RecognizerInput(height=32, min_width=16, max_width=640, step_px=4)
    resized = contract.resize(crop(height, width))
    assert resized.shape[0] == 32 and 16 <= resized.shape[1] <= 640
    assert 1 <= contract.num_steps(resized.shape[1]) <= 160


def test_the_json_form_comes_back_and_unknown_keys_are_refused() -> None:
    for contract in (RecognizerInput(mean=(0.1, 0.2, 0.3)), DetectorInput(multiple=64)):
        form = json.loads(json.dumps(contract.to_dict()))
        assert type(contract).from_dict(form) == contract
        with pytest.raises(BundleError, match="newer"):
            type(contract).from_dict({**form, "colour": 1})
