from __future__ import annotations

import importlib.util
import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from tiny_networks import ctc_network, db_network

from ocrsmith.errors import EngineError
from ocrsmith.reading import openvino_engine
from ocrsmith.reading.engines import open_engine

ENGINES = [
    "onnxruntime",
    pytest.param(
        "openvino",
        marks=pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="OpenVINO is not installed"),
    ),
]


@pytest.mark.parametrize("engine", ENGINES)
def test_any_size_runs_and_outputs_are_kept(engine: str) -> None:
    opened = open_engine(db_network(), engine, threads=1)
    assert opened.name.startswith(engine)
    outputs = []
    for height, width in ((32, 32), (64, 96), (32, 32)):
        image = np.zeros((1, 3, height, width), np.float32)
        image[0, 0, :, : width // 2] = len(outputs) / 4
        outputs.append(opened.run(image))
        assert outputs[-1].shape == (1, 1, height, width)
    # An engine that hands out its own buffer would have written the third result over the first.
    assert [output[0, 0, 0, 0] for output in outputs] == [0.0, 0.25, 0.5]


@pytest.mark.parametrize("engine", ENGINES)
def test_batches_of_any_size(engine: str) -> None:
    opened = open_engine(ctc_network(), engine, threads=1)
    for count, width in ((1, 16), (3, 40)):
        assert opened.run(np.ones((count, 3, 8, width), np.float32)).shape == (count, width // 4, 4)


def test_auto_opens_something() -> None:
    assert open_engine(db_network(), threads=1).name


@pytest.mark.parametrize(
    ("engine", "message"),
    [("tensorflow", "is unknown"), ("NoSuchExecutionProvider", "has no NoSuchExecutionProvider")],
)
def test_absent_engines(engine: str, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        open_engine(db_network(), engine)


def test_cuda_is_named_where_it_is_absent() -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has CUDA")
    with pytest.raises(EngineError, match="CUDAExecutionProvider"):
        open_engine(db_network(), "cuda")


@pytest.mark.parametrize("engine", ENGINES)
def test_bytes_that_are_no_network(engine: str) -> None:
    with pytest.raises(EngineError, match="could not load"):
        open_engine(b"not a network", engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_input_that_does_not_fit(engine: str) -> None:
    with pytest.raises(EngineError, match="refused"):
        open_engine(db_network(), engine, threads=1).run(np.zeros((1, 5, 32, 32), np.float32))


def test_no_threads() -> None:
    with pytest.raises(EngineError, match="at least 1"):
        open_engine(db_network(), "onnxruntime", threads=0)


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="OpenVINO is not installed")
def test_openvino_keeps_large_networks_compiled_and_only_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCRSMITH_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(openvino_engine, "_CACHED_FROM_BYTES", 0)
    monkeypatch.setattr(openvino_engine, "_MOST_CACHED", 1)
    image = np.full((1, 3, 32, 32), 0.5, np.float32)
    folder = tmp_path / "openvino"
    first = open_engine(db_network(), "openvino", threads=1).run(image)
    assert len(list(folder.glob("*.blob"))) == 1
    assert (open_engine(db_network(), "openvino", threads=1).run(image) == first).all()
    open_engine(ctc_network(), "openvino", threads=1)
    assert len(list(folder.glob("*.blob"))) == 2
    open_engine(ctc_network(), "openvino", threads=1)
    assert len(list(folder.glob("*.blob"))) == 1


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "openvino").write_text("a file where a folder was expected")
    monkeypatch.setenv("OCRSMITH_CACHE_DIR", str(tmp_path))
    assert openvino_engine._compiled_folder() is None


@pytest.mark.parametrize("streams", [1, 2, 4])
def test_side_by_side_in_order(streams: int) -> None:
    pytest.importorskip("openvino")
    network = open_engine(ctc_network(), "openvino", 2, streams=streams)
    assert network.num_streams == min(2, streams)
    rng = np.random.default_rng(0)
    inputs = [rng.random((1 + number % 2, 3, 8, 16 + 8 * number), dtype=np.float32) for number in range(7)]
    expected = [network.run(array) for array in inputs]
    found = list(network.run_each(iter(inputs)))
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))
    assert list(network.run_each([])) == []


def test_what_was_left_in_the_middle_is_no_hindrance() -> None:
    pytest.importorskip("openvino")
    network = open_engine(ctc_network(), "openvino", 2, streams=2)
    array = np.zeros((1, 3, 8, 16), np.float32)
    begun = network.run_each([array] * 5)
    first = next(begun)
    begun.close()  # type: ignore[attr-defined]
    wrong = network.run_each([array, np.zeros((1, 9, 8, 16), np.float32)])
    with pytest.raises(EngineError, match="refused an input of shape"):
        list(wrong)
    assert np.array_equal(network.run(array), first)


@pytest.mark.parametrize("engine", ENGINES)
def test_threads_share_an_engine(engine: str) -> None:
    network = open_engine(ctc_network(), engine, 2, streams=2)
    rng = np.random.default_rng(0)
    inputs = [[rng.random((1, 3, 8, 256 * size), dtype=np.float32) for size in (1, 2, 3)] for _ in range(16)]
    expected = [list(network.run_each(few)) for few in inputs]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda few: list(network.run_each(few)), inputs))
    for some, others in zip(found, expected, strict=True):
        assert all(np.array_equal(one, other) for one, other in zip(some, others, strict=True))


@pytest.mark.parametrize("engine", ENGINES)
def test_pickled_it_is_loaded_anew(engine: str) -> None:
    network = open_engine(ctc_network(), engine, 2, streams=2)
    array = np.random.default_rng(0).random((1, 3, 8, 64), dtype=np.float32)
    other = pickle.loads(pickle.dumps(network))
    assert (other.name, other.num_streams) == (network.name, network.num_streams)
    assert np.array_equal(other.run(array), network.run(array))


def test_an_engine_is_asked_for_more_while_it_computes() -> None:
    pytest.importorskip("openvino")
    network = open_engine(ctc_network(), "openvino", 2, streams=2)
    array = np.random.default_rng(0).random((1, 3, 8, 64), dtype=np.float32)
    (alone,) = network.run_each([array])
    seen = [network.run(array) for _ in network.run_each([array] * 3)]
    assert len(seen) == 3
    assert all(np.array_equal(one, alone) for one in seen)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="the system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_is_told_to_open_its_own() -> None:
    pytest.importorskip("openvino")
    network = open_engine(ctc_network(), "openvino", 2, streams=2)
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def read() -> None:
        try:
            network.run(np.zeros((1, 3, 8, 16), np.float32))
        except EngineError as error:
            sender.send(str(error))

    process = context.Process(target=read)
    process.start()
    try:
        assert receiver.poll(30), "the forked process waits for threads that it does not have"
        assert "processes that read and not before" in receiver.recv()
    finally:
        process.kill()
        process.join()


def test_an_engine_without_streams_takes_one_after_the_other() -> None:
    network = open_engine(ctc_network(), "onnxruntime", 1, streams=4)
    assert network.num_streams == 1
    inputs = [np.full((1, 3, 8, 16), value, np.float32) for value in (0.1, 0.9)]
    found = list(network.run_each(inputs))
    assert np.array_equal(found[1], network.run(inputs[1]))


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_released_buffers_are_made_anew(engine: str) -> None:
    if engine == "openvino":
        pytest.importorskip("openvino")
    network = open_engine(db_network(), engine, 2, streams=2)
    image = np.random.default_rng(0).random((1, 3, 64, 96), dtype=np.float32)
    expected = network.run(image)
    network.release_buffers()
    assert np.array_equal(network.run(image), expected)


def test_buffers_in_use_are_not_released() -> None:
    pytest.importorskip("openvino")
    network = open_engine(db_network(), "openvino", 2, streams=2)
    images = [np.full((1, 3, 256, 256), value, np.float32) for value in (0.2, 0.4, 0.6, 0.8)]
    expected = [network.run(image) for image in images]
    found = []
    for output in network.run_each(images):
        network.release_buffers()
        found.append(output)
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))
