"""Backgrounds: plans as JSON, the same pixels from the same plan, splits, damage, bounded memory."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ocrsmith.errors import InputError, SynthesisError
from ocrsmith.images import write_image
from ocrsmith.splits import split_of
from ocrsmith.synth.backgrounds import Backgrounds


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four photographs of one colour each, 40 x 30 px."""
    for index in range(4):
        write_image(tmp_path / "photos" / f"{index}.png", np.full((30, 40, 3), 50 * index, np.uint8))
    return tmp_path / "photos"


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_plan_is_json_and_renders_the_same(share: float) -> None:
    backgrounds = Backgrounds(procedural_share=share)
    for seed in range(12):
        plan = backgrounds.plan(rng(seed), 64, 48)
        image = backgrounds.render(plan)
        assert image.shape == (48, 64, 3)
        assert image.dtype == np.uint8
        assert image.flags.writeable
        again = Backgrounds(procedural_share=share).render(json.loads(json.dumps(plan)))
        assert np.array_equal(image, again)
        assert np.array_equal(image, backgrounds.sample(rng(seed), 64, 48))


def test_the_share_of_surfaces() -> None:
    backgrounds = Backgrounds(procedural_share=0.3)
    draw = rng()
    surfaces = sum("surface" in backgrounds.plan(draw, 32, 32) for _ in range(1000))
    # Four standard deviations of a binomial count with p = 0.3: 58.
    assert abs(surfaces - 300) < 58


def test_crops_keep_proportions(folder: Path) -> None:
    backgrounds = Backgrounds([folder], procedural_share=0)
    for seed in range(50):
        plan = backgrounds.plan(rng(seed), 200, 100)
        assert plan["crop_width"] / plan["crop_height"] == pytest.approx(2, rel=0.1)
        assert 20 <= plan["crop_width"] <= 40
        assert 0 <= plan["left"] <= 40 - plan["crop_width"]
        assert 0 <= plan["top"] <= 30 - plan["crop_height"]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 300), (300, 1), (7, 5)])
def test_odd_sizes(folder: Path, width: int, height: int) -> None:
    for share in (0.0, 1.0):
        backgrounds = Backgrounds([folder], procedural_share=share)
        for seed in range(20):
            assert backgrounds.sample(rng(seed), width, height).shape == (height, width, 3)


def test_splits_hold_whole_photographs() -> None:
    named = {split: set(Backgrounds(split=split).names) for split in ("train", "validation", "test")}
    assert min(map(len, named.values())) >= 10
    assert sum(map(len, named.values())) == len(set.union(*named.values()))


def test_a_user_s_files_split_by_name(tmp_path: Path) -> None:
    names = [f"{index}.png" for index in range(40)]
    for name in names:
        write_image(tmp_path / name, np.zeros((4, 4, 3), np.uint8))
    kept = {Path(name).name for name in Backgrounds([tmp_path], "test").names}
    assert kept == {name for name in names if split_of(name) == "test"}


def test_damaged_photographs_are_passed_over_and_noted(folder: Path) -> None:
    (folder / "broken.jpg").write_bytes(b"\xff\xd8broken")
    backgrounds = Backgrounds([folder], procedural_share=0, split="train")
    backgrounds._names = tuple(dict.fromkeys((*backgrounds.names, "photos/broken.jpg")))
    backgrounds._files["photos/broken.jpg"] = folder / "broken.jpg"
    for seed in range(40):
        backgrounds.sample(rng(seed), 8, 8)
    assert list(backgrounds.refused) == ["photos/broken.jpg"]


def test_only_damaged_photographs(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"broken")
    with pytest.raises(SynthesisError, match="1 of 1 background photographs cannot be read"):
        Backgrounds([tmp_path], procedural_share=0).sample(rng(), 8, 8)


def test_absent_empty_and_wrong(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        Backgrounds([tmp_path / "gone"])
    with pytest.raises(InputError, match="hold no pictures"):
        Backgrounds([tmp_path])
    with pytest.raises(InputError, match="came as 2"):
        Backgrounds(procedural_share=2)
    assert Backgrounds([], procedural_share=1).sample(rng(), 9, 9).shape == (9, 9, 3)
    with pytest.raises(InputError, match="names the photograph"):
        Backgrounds().render({"photograph": "other.jpg", "width": 4, "height": 4})
    with pytest.raises(InputError, match="names the surface"):
        Backgrounds().render({"surface": "lace", "seed": 1, "width": 4, "height": 4})


def test_the_cache_is_bounded(folder: Path) -> None:
    picture_bytes = 30 * 40 * 3
    backgrounds = Backgrounds([folder], procedural_share=0, cache_bytes=2 * picture_bytes)
    for seed in range(30):
        backgrounds.sample(rng(seed), 8, 8)
    assert backgrounds._cache._bytes <= 2 * picture_bytes
    assert len(backgrounds._cache._pictures) == min(2, len(backgrounds.names))
