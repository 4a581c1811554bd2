"""Every layout that is written is read back the same, and a killed run goes on."""

from __future__ import annotations

import gc
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
from ocrsmith.errors import InputError, LabelError, StorageError
from ocrsmith.geometry import box_quad
from ocrsmith.images import encode_image, read_image
from ocrsmith.samples import Character, LineSample, PageSample, TextInstance
from ocrsmith.synth.world import Tally

PAGE_FORMATS = ["jsonl", "icdar", "paddleocr", "webdataset", "parquet"]
CROP_FORMATS = ["jsonl", "paddleocr", "crops", "lmdb", "webdataset", "parquet"]
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


@pytest.mark.parametrize("format", ["jsonl", "webdataset", "parquet"])
def test_characters_come_back(tmp_path: Path, format: str) -> None:
    characters = (Character("7", box_quad(1, 1, 4, 9)), Character("°C", box_quad(5, 1, 9, 9)))
    write_dataset([page(0, TextInstance(box_quad(1, 1, 9, 9), "7°C", characters))], tmp_path, format)
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


def test_a_partial_parquet_file_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "part-000000.parquet.part").write_bytes(b"half")
    write_dataset([crop(0)], tmp_path, "parquet")
    assert [p.name for p in tmp_path.iterdir()] == ["part-000000.parquet"]


def test_parquet_s_own_library_reads_what_is_written(tmp_path: Path) -> None:
    words = [
        TextInstance(box_quad(1, 1, 9, 9), "a b", (Character("a b", box_quad(1, 1, 9, 9)),)),
        TextInstance(box_quad(0, 0, 4, 4), "c"),
    ]
    write_dataset([page(0, *words), page(1)], tmp_path / "pages", "parquet")
    write_dataset([crop(index) for index in range(70)], tmp_path / "crops", "parquet", per_shard=66)
    parquet = pytest.importorskip("pyarrow.parquet")
    first, second = parquet.read_table(tmp_path / "pages").to_pylist()
    assert read_image(first["image"]["bytes"]).shape == (20, 30, 3) and second["words"] == []
    assert [word["text"] for word in first["words"]] == ["a b", "c"]
    assert first["words"][0]["characters"] == [{"text": "a b", "quad": [[1, 1], [9, 1], [9, 9], [1, 9]]}]
    assert first["words"][1]["characters"] is None
    parts = sorted((tmp_path / "crops").iterdir())
    # A file a shard; what a reader loads for one picture is a row group of 64.
    assert [parquet.ParquetFile(part).metadata.num_rows for part in parts] == [66, 4]
    assert parquet.ParquetFile(parts[0]).metadata.num_row_groups == 2
    assert parquet.read_table(tmp_path / "crops").column("text").to_pylist() == [f"text {index}" for index in range(70)]


def test_parquet_of_others_is_read(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    data = encode_image(crop(5).image)
    parquet.write_table(
        pyarrow.table({"id": [1, 2], "image": [data, None], "text": ["x", "y"]}), tmp_path / "a.parquet"
    )
    parquet.write_table(pyarrow.table({"label": ["x"]}), tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_bytes(b"PAR1 not really")
    found = read_labels(tmp_path)
    assert [entry.text for entry in found.entries] == ["x", "y"] and found.entries[0].image()[0, 0, 0] == 5
    with pytest.raises(InputError, match="has no bytes"):
        found.entries[1].image()
    assert [
        next(part for part in ("columns are label", "not a Parquet file") if part in problem.reason)
        for problem in found.problems
    ] == ["columns are label", "not a Parquet file"]


def test_parquet_holds_pages_or_crops(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="a folder of its own"):
        write_dataset([crop(0), page(1)], tmp_path, "parquet")
    assert [entry.text for entry in read_labels(tmp_path).entries] == ["text 0"]


# That library leaves shards open until they are collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_s_own_library_reads_the_shards(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    write_dataset([crop(index) for index in range(5)], tmp_path / "crops", "webdataset", per_shard=3)
    shards = [str(path) for path in sorted((tmp_path / "crops").glob("*.tar"))]
    samples = list(webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8"))
    assert [sample["txt"] for sample in samples] == [f"text {index}" for index in range(5)]
    assert [int(sample["png"][0, 0, 0]) for sample in samples] == list(range(5))
    write_dataset([page(0, TextInstance(box_quad(1, 1, 9, 9), "a"))], tmp_path / "pages", "webdataset")
    (sample,) = webdataset.WebDataset(str(tmp_path / "pages" / "shard-000000.tar"), shardshuffle=False).decode("rgb8")
    assert sample["json"]["words"][0]["text"] == "a"
    gc.collect()


def test_lmdb_s_own_library_reads_what_is_written(tmp_path: Path) -> None:
    lmdb = pytest.importorskip("lmdb")
    write_dataset([crop(index) for index in range(3)], tmp_path, "lmdb")
    with lmdb.open(str(tmp_path), readonly=True, lock=False) as environment, environment.begin() as transaction:
        assert transaction.get(b"num-samples") == b"3" and transaction.get(b"label-000000003") == b"text 2"
        assert read_image(transaction.get(b"image-000000001"))[0, 0, 0] == 0


class Indexed:
    """A world by its index alone, with a tally."""

    def __init__(self, pages: bool = False) -> None:
        self.tally, self.pages = Tally(), pages

    def __getitem__(self, index: int) -> LineSample | PageSample:
        sample = page(index, TextInstance(box_quad(1, 1, 9, 9), f"w{index}")) if self.pages else crop(index)
        if index % 3 == 0:
            self.tally.refused["NoRoomError"] += 1
        self.tally.count(sample)
        return sample

    def check_patience(self) -> None:
        """Never lost."""

    def __iter__(self) -> Iterator[LineSample | PageSample]:
        return (self[index] for index in itertools.count())


@pytest.mark.parametrize("format", WRITERS)
def test_any_number_of_workers_writes_the_same(tmp_path: Path, format: str) -> None:
    def written(workers: int, count: int) -> tuple[Indexed, dict[str, bytes]]:
        folder, world = tmp_path / f"{workers}", Indexed(pages=format not in CROP_FORMATS)
        told: list[int] = []
        write_dataset(world, folder, format, count=count, per_shard=5, workers=workers, progress=told.append)  # type: ignore[arg-type]
        assert told == list(range(told[0], count + 1)) if told else True
        return world, {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.suffix != ".mdb"}

    alone, files = written(0, 21)
    shared, same = written(2, 21)
    assert files == same
    assert shared.tally == alone.tally and alone.tally.samples == 21 and alone.tally.refused["NoRoomError"] == 7
    # It goes on with workers where it stopped without, and the other way round.
    assert written(0, 30)[1] == written(2, 30)[1]
    assert [e.image()[0, 0, 0] for e in read_labels(tmp_path / "2").entries] == list(range(30)) or format == "icdar"


def test_samples_without_indices_cannot_be_shared(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="without indices"):
        write_dataset(iter([crop(0)]), tmp_path, workers=2)


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


@pytest.mark.parametrize("format", ["jsonl", "lmdb", "webdataset", "parquet"])
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
        ("words", TextInstance(box, "a"), "words"),
        ("lines", TextInstance(box, "a b"), "lines"),
        ("boxes", TextInstance(box, ""), "boxes"),
        ("characters", TextInstance(box, "a", (Character("a", box),)), "characters"),
    ):
        write_dataset([page(0, instance)], tmp_path / name)
        summary = describe(read_labels(tmp_path / name))
        assert summary.level == level
        taught = {"characters": "fully supervised", "boxes": None}.get(level, "weakly supervised")
        crafts = [fit for fit in summary.fits() if fit.startswith("detector craft")]
        assert len(crafts) == (taught is not None) and all(taught in fit for fit in crafts)
        assert any(fit.startswith("detector db") for fit in summary.fits())
        assert any(fit.startswith("recognizer") for fit in summary.fits()) == (level != "boxes")
