"""Every layout that is written is read back the same, and a killed run goes on."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrsmith.alphabet import Alphabet
from ocrsmith.data.formats import WRITERS, describe, open_writer, read_labels, write_dataset
from ocrsmith.errors import LabelError, StorageError
from ocrsmith.geometry import box_quad
from ocrsmith.samples import Character, LineSample, PageSample, TextInstance

PAGE_FORMATS = ["jsonl", "icdar", "paddleocr", "webdataset"]
CROP_FORMATS = ["jsonl", "paddleocr", "crops", "lmdb", "webdataset"]
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8).filter(
    lambda text: text not in ("###", "*")
)
QUADS = st.tuples(*[st.integers(-40, 4000)] * 2, *[st.integers(1, 400)] * 2).map(
    lambda b: box_quad(b[0], b[1], b[0] + b[2], b[1] + b[3] / 4)
)


def crop(index: int, text: str = "") -> LineSample:
    return LineSample(np.full((6, 9, 3), index % 256, np.uint8), text or f"text {index}")


def page(index: int, *instances: TextInstance) -> PageSample:
    return PageSample(np.full((20, 30, 3), index % 256, np.uint8), instances)


@pytest.mark.parametrize("format", CROP_FORMATS)
@settings(max_examples=8, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
def test_crops_come_back(tmp_path_factory: pytest.TempPathFactory, format: str, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("crops")
    write_dataset([crop(i, text) for i, text in enumerate(texts)], folder, format, per_shard=2)
    found = read_labels(folder)
    assert (found.kind, found.problems) == ("crops", ())
    assert [entry.text for entry in found.entries] == texts
    assert [int(entry.image()[0, 0, 0]) for entry in found.entries] == list(range(len(texts)))
    assert found.entries[0].source.size() == (9, 6)


@pytest.mark.parametrize("format", PAGE_FORMATS)
@settings(max_examples=8, deadline=None)
@given(pages=st.lists(st.lists(st.tuples(QUADS, TEXTS, st.booleans()), max_size=3), min_size=1, max_size=3))
def test_pages_come_back(
    tmp_path_factory: pytest.TempPathFactory, format: str, pages: list[list[tuple[np.ndarray, str, bool]]]
) -> None:
    folder = tmp_path_factory.mktemp("pages")
    samples = [page(i, *(TextInstance(q, t, ignore=flag) for q, t, flag in words)) for i, words in enumerate(pages)]
    if format == "icdar" and not any(pages):
        return  # text files without a line say nothing of their format
    write_dataset(samples, folder, format, per_shard=2)
    found = read_labels(folder)
    assert (found.kind, found.problems, len(found)) == ("pages", (), len(samples))
    for sample, entry in zip(samples, found.entries):
        assert [i.ignore for i in entry.instances] == [i.ignore for i in sample.instances]
        for before, after in zip(sample.instances, entry.instances):
            np.testing.assert_allclose(after.polygon, before.polygon, atol=0.01)
            assert after.text == before.text or before.ignore
        np.testing.assert_array_equal(entry.image(), sample.image)


def test_characters_come_back(tmp_path: Path) -> None:
    characters = (Character("7", box_quad(1, 1, 4, 9)), Character("°C", box_quad(5, 1, 9, 9)))
    write_dataset([page(0, TextInstance(box_quad(1, 1, 9, 9), "7°C", characters))], tmp_path)
    (instance,) = read_labels(tmp_path).entries[0].instances
    assert instance.characters is not None
    assert [c.text for c in instance.characters] == ["7", "°C"]
    np.testing.assert_allclose(instance.characters[1].quad, characters[1].quad)


@pytest.mark.parametrize("format", WRITERS)
def test_a_killed_run_goes_on(tmp_path: Path, format: str) -> None:
    samples = [
        crop(i) if format in CROP_FORMATS else page(i, TextInstance(box_quad(1, 1, 9, 9), "a")) for i in range(7)
    ]

    def dying() -> Iterator[LineSample | PageSample]:
        yield from samples[:5]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dataset(dying(), tmp_path, format, per_shard=2)
    result = write_dataset(iter(samples), tmp_path, format, per_shard=2)
    assert result.num_skipped == 5 and result.num_written == 2
    assert write_dataset(samples, tmp_path, format).num_written == 0
    assert sorted(int(e.image()[0, 0, 0]) for e in read_labels(tmp_path).entries) == list(range(7))


def test_half_a_line_is_cut_off(tmp_path: Path) -> None:
    write_dataset([crop(0), crop(1)], tmp_path)
    with (tmp_path / "labels.jsonl").open("a") as labels:
        labels.write('{"image": "images/0000')
    assert write_dataset([crop(0), crop(1), crop(2)], tmp_path).num_skipped == 2
    assert [entry.text for entry in read_labels(tmp_path).entries] == ["text 0", "text 1", "text 2"]


def test_a_partial_shard_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "shard-000000.tar.part").write_bytes(b"half")
    write_dataset([crop(0)], tmp_path, "webdataset")
    assert [p.name for p in tmp_path.iterdir()] == ["shard-000000.tar"]


def test_samples_that_are_there_are_not_made_again(tmp_path: Path) -> None:
    asked: list[int] = []

    class World:
        def __getitem__(self, index: int) -> LineSample:
            asked.append(index)
            return crop(index)

        def __iter__(self) -> Iterator[LineSample]:
            return (self[i] for i in itertools.count())

    write_dataset(World(), tmp_path, count=3)
    result = write_dataset(World(), tmp_path, count=5)
    assert (result.num_written, result.num_skipped) == (2, 3)
    assert asked == [0, 1, 2, 3, 4]


def test_refusals(tmp_path: Path) -> None:
    for format, sample in (("icdar", crop(0)), ("lmdb", page(0)), ("crops", page(0))):
        with pytest.raises(LabelError), open_writer(tmp_path / format, format) as writer:
            writer.write(sample)
    with pytest.raises(LabelError, match="cannot be written"):
        open_writer(tmp_path, "docx")
    with pytest.raises(StorageError, match="not empty"):
        open_writer(tmp_path, "jsonl", resume=False)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be made"):
        open_writer(tmp_path / "file" / "folder", "jsonl")


def test_line_feeds_do_not_break_lists(tmp_path: Path) -> None:
    write_dataset([crop(0, "a\tb\nc")], tmp_path, "crops")
    assert [entry.text for entry in read_labels(tmp_path).entries] == ["a b c"]


@pytest.mark.parametrize("format", ["jsonl", "lmdb", "webdataset"])
def test_entries_travel_to_workers(tmp_path: Path, format: str) -> None:
    write_dataset([crop(3)], tmp_path, format)
    entry = pickle.loads(pickle.dumps(read_labels(tmp_path).entries[0]))
    assert entry.image()[0, 0, 0] == 3 and entry.text == "text 3"


def test_a_cut_shard_keeps_its_beginning(tmp_path: Path) -> None:
    write_dataset([crop(i) for i in range(4)], tmp_path, "webdataset")
    shard = tmp_path / "shard-000000.tar"
    shard.write_bytes(shard.read_bytes()[:5000])
    found = read_labels(tmp_path)
    assert 1 <= len(found) < 4 and found.problems


def test_summary_of_pages(tmp_path: Path) -> None:
    words = [
        TextInstance(box_quad(0, 0, 10, 5), "ab"),
        TextInstance([[0, 0], [8, 4], [4, 12], [-4, 8]], "c"),
        TextInstance(box_quad(0, 0, 4, 4), "", ignore=True),
    ]
    write_dataset([page(0, *words), page(1)], tmp_path)
    (tmp_path / "labels.jsonl").open("a").close()
    summary = describe(read_labels(tmp_path), Alphabet("ab"))
    assert (summary.num_pictures, summary.num_empty_pages, summary.num_instances) == (2, 1, 3)
    assert (summary.num_legible, summary.num_ignored, summary.level) == (2, 1, "words")
    assert (summary.num_upright_boxes, summary.num_quads, summary.num_polygons) == (2, 1, 0)
    assert summary.missing == {"c": 1} and summary.num_texts_not_covered == 1
    assert summary.heights_px is not None and summary.heights_px.least == 5.0
    assert any("weakly" in fit for fit in summary.fits())
    assert "2 pages with jsonl labels" in str(summary) and "U+0063" in str(summary)


def test_summary_of_crops_names_pictures_that_do_not_open(tmp_path: Path) -> None:
    write_dataset([crop(0, "a b"), crop(1, "é")], tmp_path, "crops")
    (tmp_path / "images" / "00000001.png").write_bytes(b"not a picture")
    summary = describe(read_labels(tmp_path))
    assert summary.num_unreadable_pictures == 1 and "00000001.png" in str(summary)
    assert summary.characters == {" ": 1, "a": 1, "b": 1, "é": 1}
    assert summary.fits() == ("recognizer: every crop has its text",)


def test_summary_levels(tmp_path: Path) -> None:
    box = box_quad(0, 0, 9, 9)
    for name, instance, level in (
        ("lines", TextInstance(box, "a b"), "lines"),
        ("boxes", TextInstance(box, ""), "boxes"),
        ("characters", TextInstance(box, "a", (Character("a", box),)), "characters"),
    ):
        write_dataset([page(0, instance)], tmp_path / name)
        summary = describe(read_labels(tmp_path / name))
        assert summary.level == level
        assert ("craft" in " ".join(summary.fits())) == (level == "characters")
