from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import BundleError, StorageError
from ocrsmith.reading import bundle as bundles
from ocrsmith.reading.bundle import Bundle, write_bundle
from ocrsmith.reading.craft_maps import CraftThresholds


def rewrite(path: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """Copies a bundle with its entries changed."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return target


def with_manifest(**changes: object) -> Callable[[dict[str, bytes]], None]:
    def change(entries: dict[str, bytes]) -> None:
        manifest = json.loads(entries["manifest.json"])
        manifest.update(changes)
        entries["manifest.json"] = json.dumps(manifest).encode()

    return change


def test_round_trip(make_bundle: Callable[..., Path]) -> None:
    path = make_bundle("craft", card={"licence": "CC0"}, whole_if_empty=True)
    loaded = Bundle.load(path)
    assert loaded.name == "tiny"
    assert loaded.card == {"licence": "CC0"}
    assert loaded.whole_if_empty
    assert loaded.manifest["format_version"] == 1
    assert loaded.detector is not None
    assert loaded.detector.thresholds == CraftThresholds()
    assert loaded.detector.scale.min_side == 64
    assert loaded.recognizer is not None
    assert loaded.recognizer.alphabet == Alphabet("ab ")
    assert loaded.recognizer_bytes is not None


def test_a_rule_for_spaces_needs_the_space(make_bundle: Callable[..., Path]) -> None:
    loaded = Bundle.load(make_bundle())
    form = {**loaded.manifest["recognizer"], "spaces": {"least": 0.4}, "crop_margin": 0.1}
    part = Bundle.load(make_bundle(recognizer=form)).recognizer
    assert part is not None
    assert part.crop_margin == 0.1
    assert part.spaces is not None
    assert part.spaces.least == 0.4
    with pytest.raises(BundleError, match="alphabet has none"):
        make_bundle(recognizer={**form, "alphabet": Alphabet("abc").to_dict()})


def test_the_same_contents_are_the_same_file(make_bundle: Callable[..., Path]) -> None:
    assert make_bundle().read_bytes() == make_bundle().read_bytes()


def test_a_bundle_may_lack_a_part(make_bundle: Callable[..., Path]) -> None:
    loaded = Bundle.load(make_bundle(None))
    assert loaded.detector is None
    assert loaded.detector_bytes is None


def test_names_are_looked_up_in_the_package_and_the_cache(
    make_bundle: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCRSMITH_CACHE_DIR", str(tmp_path))
    (tmp_path / "bundles").mkdir()
    (tmp_path / "bundles" / "mine.ocrsmith").write_bytes(make_bundle().read_bytes())
    assert Bundle.load("mine").recognizer is not None
    with pytest.raises(BundleError, match=r"Known names: .*mine"):
        Bundle.load("yours")
    with pytest.raises(BundleError, match="No bundle"):
        Bundle.load("../bundles/mine")


def damaged_network(entries: dict[str, bytes]) -> None:
    entries["recognizer.onnx"] = entries["recognizer.onnx"][:-1] + b"?"


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("a flipped byte", damaged_network, "sha256"),
        ("a missing network", lambda e: e.pop("detector.onnx"), "lacks 'detector.onnx'"),
        ("no manifest", lambda e: e.pop("manifest.json"), "no manifest.json"),
        ("not JSON", lambda e: e.update({"manifest.json": b"{"}), "not JSON"),
        ("not an object", lambda e: e.update({"manifest.json": b"[]"}), "format_version"),
        ("path traversal", lambda e: e.update({"../evil": b""}), "paths"),
        ("an absolute path", lambda e: e.update({"/evil": b""}), "paths"),
        ("many entries", lambda e: e.update({f"e{i}": b"" for i in range(20)}), "entries"),
        ("a newer format", with_manifest(format_version=99), "Update ocrsmith"),
        ("an empty bundle", with_manifest(detector=None, recognizer=None), "neither"),
        ("an unknown detector", with_manifest(detector={"kind": "east"}), "without file"),
        ("a recogniser that is a list", with_manifest(recognizer=[1]), "without file"),
    ],
)
def test_damage(
    make_bundle: Callable[..., Path],
    tmp_path: Path,
    name: str,
    change: Callable[[dict[str, bytes]], None],
    message: str,
) -> None:
    path = rewrite(make_bundle(), tmp_path / "damaged.ocrsmith", change)
    with pytest.raises(BundleError, match=message):
        Bundle.load(path)


def test_files_that_are_no_archives(tmp_path: Path, make_bundle: Callable[..., Path]) -> None:
    whole = make_bundle().read_bytes()
    for name, data in {"empty": b"", "text": b"hello", "short": whole[: len(whole) // 2]}.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(BundleError, match="not a whole bundle"):
            Bundle.load(path)


def test_a_zip_bomb_is_not_unpacked(
    make_bundle: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "MAX_NETWORK_BYTES", 1000)
    path = tmp_path / "bomb.ocrsmith"
    with zipfile.ZipFile(make_bundle()) as archive:
        manifest = archive.read("manifest.json")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", manifest)
        archive.writestr("detector.onnx", bytes(10_000_000))
    with pytest.raises(BundleError, match="more than 1,000 bytes"):
        Bundle.load(path)


def test_writing_checks_what_it_is_given(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="neither"):
        write_bundle(tmp_path / "x.ocrsmith", {}, {})
    with pytest.raises(BundleError, match="needs the file"):
        write_bundle(tmp_path / "x.ocrsmith", {"recognizer": {"kind": "ctc"}}, {})
    with pytest.raises(BundleError, match="without a part"):
        write_bundle(tmp_path / "x.ocrsmith", {}, {"detector.onnx": b""})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_way(make_bundle: Callable[..., Path], tmp_path: Path) -> None:
    loaded = Bundle.load(make_bundle(None))
    assert loaded.recognizer_bytes is not None
    (tmp_path / "taken.ocrsmith").mkdir()
    with pytest.raises(StorageError, match="could not be written"):
        write_bundle(
            tmp_path / "taken.ocrsmith",
            {"recognizer": loaded.manifest["recognizer"]},
            {"recognizer.onnx": loaded.recognizer_bytes},
        )
    assert [found.name for found in tmp_path.iterdir()] == ["taken.ocrsmith"]
