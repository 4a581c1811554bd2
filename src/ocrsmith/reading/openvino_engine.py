"""OpenVINO on the CPU: several inputs side by side, kernels kept, networks in 8 bits as it wants them."""

from __future__ import annotations

import collections
import contextlib
import functools
import importlib
import importlib.util
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocrsmith.errors import EngineError, first_line
from ocrsmith.settings import cache_dir

# Ends the names of what a network in 8 bits computes behind a layer for ONNX Runtime alone, see export.quantization.
ROUNDED_OUTPUT = ".rounded_behind"
# Networks of at least so many bytes are kept compiled between processes, and so many of them: the newest.
_CACHED_FROM_BYTES = 2**20
_MOST_CACHED = 12

# OpenVINO makes kernels for each new shape of an input, some 32 for one of a recogniser, 5 MB a stream. So many are
# those of 30 shapes: lines up to 3,200 px come in 24, longer ones in windows of the same. Where some are
# made again and again, pages take up to a quarter longer: docs/experiments.md.
KEPT_KERNELS = 1000


class OpenVinoEngine:
    """OpenVINO on the CPU, compiled once with dynamic sizes; bfloat16 where the CPU computes in it."""

    def __init__(self, content: bytes, threads: int, kept_kernels: int = KEPT_KERNELS, streams: int = 1) -> None:
        if importlib.util.find_spec("openvino") is None:
            raise EngineError(
                "OpenVINO is not installed. Run: pip install openvino, or read with engine='onnxruntime'."
            )
        self._opened_with = content, threads, kept_kernels, streams
        core = _openvino_core()
        self.uses_bfloat16 = cpu_has_bfloat16(core)
        config = {
            "INFERENCE_NUM_THREADS": str(threads),
            "NUM_STREAMS": str(streams),
            "PERFORMANCE_HINT": "LATENCY" if streams == 1 else "THROUGHPUT",
            "CPU_RUNTIME_CACHE_CAPACITY": str(kept_kernels),
            "INFERENCE_PRECISION_HINT": "bf16" if self.uses_bfloat16 else "f32",
        }
        folder = _compiled_folder() if len(content) >= _CACHED_FROM_BYTES else None
        if folder is not None:
            config["CACHE_DIR"] = str(folder)
        try:
            model = core.read_model(content)
            _take_out_rounded_outputs(model)
            compiled = core.compile_model(model, "CPU", config)
        except RuntimeError as error:
            raise EngineError(
                f"OpenVINO could not load the network ({first_line(error)}). Read with engine='onnxruntime'."
            ) from None
        self.num_streams = streams
        self._process = os.getpid()
        self._compiled = compiled
        # Requests that no thread uses: a thread takes one from here, or a new one, and brings it back.
        self._idle: collections.deque[Any] = collections.deque()
        self.name = "openvino bf16" if self.uses_bfloat16 else "openvino"

    def __reduce__(self) -> tuple[type[OpenVinoEngine], tuple[bytes, int, int, int]]:
        """A process that unpickles it loads the network anew."""
        return OpenVinoEngine, self._opened_with

    def run(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Engine.run`."""
        (output,) = self.run_each([array])
        return output

    def run_each(self, arrays: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """See `Engine.run_each`; computing goes on while an output is looked at."""
        # With their inputs, which they read where they lie.
        busy: collections.deque[tuple[Any, NDArray[np.float32]]] = collections.deque()
        try:
            for array in arrays:
                if len(busy) == self.num_streams:
                    yield self._finished(busy)
                busy.append((self._free_request(), array))
                with _refusals(array):
                    busy[-1][0].start_async([array], share_inputs=True)
            while busy:
                yield self._finished(busy)
        finally:
            for request, _ in busy:
                with contextlib.suppress(RuntimeError):
                    request.wait()
                self._idle.append(request)

    def _free_request(self) -> Any:
        if os.getpid() != self._process:
            # Its threads stayed behind: a request would be waited for without an end.
            raise EngineError(
                "OpenVINO cannot be used in a process forked from the one that opened it. Open the reader in the "
                "processes that read and not before, start them with 'spawn', or read with engine='onnxruntime'."
            )
        try:
            return self._idle.popleft()
        except IndexError:
            return self._compiled.create_infer_request()

    def _finished(self, busy: collections.deque[tuple[Any, NDArray[np.float32]]]) -> NDArray[np.float32]:
        """What the request gives that was started first."""
        output = _openvino_output(*busy[0])
        self._idle.append(busy.popleft()[0])
        return output

    def release_buffers(self) -> None:
        """See `Engine.release_buffers`."""
        # OpenVINO refuses while another thread computes, whose buffers are needed.
        with contextlib.suppress(RuntimeError):
            self._compiled.release_memory()


@contextlib.contextmanager
def _refusals(array: NDArray[np.float32]) -> Iterator[None]:
    """OpenVINO's errors as ours."""
    try:
        yield
    except RuntimeError as error:
        raise EngineError(f"OpenVINO refused an input of shape {array.shape} ({first_line(error)}).") from None


def _openvino_output(request: Any, array: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a started request gives for its input."""
    with _refusals(array):
        request.wait()
    # The request's output buffer is used again by its next run.
    return np.array(request.get_output_tensor().data, dtype=np.float32)


@functools.cache
def _openvino_core() -> Any:
    """One for the whole process: where the last one is given up, OpenVINO unloads libraries that still have threads."""
    return importlib.import_module("openvino").Core()


def _take_out_rounded_outputs(model: Any) -> None:
    """Layers of a network in 8 bits give floating point, which OpenVINO rounds at the next layer's input alone."""
    for node in model.get_ops():
        if node.get_friendly_name().endswith(ROUNDED_OUTPUT):
            # Multiply, Subtract, Convert, Convert and FakeQuantize are what QuantizeLinear and its inverse became.
            source = node
            while source.get_type_name() != "FakeQuantize":
                source = source.input_value(0).get_node()
            node.output(0).replace(source.input_value(0))


def _compiled_folder() -> Path | None:
    """Where OpenVINO keeps what it compiled, which saves two thirds of its start; None where it cannot be written."""
    folder = cache_dir() / "openvino"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        kept = sorted(folder.glob("*.blob"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in kept[_MOST_CACHED:]:
            path.unlink(missing_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def cpu_has_bfloat16(core: Any) -> bool:
    """Whether OpenVINO's CPU device computes in bfloat16 (AVX512-BF16 or AMX)."""
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def openvino_pays() -> bool:
    """Whether it is installed and computes in bfloat16 here, which makes it faster than ONNX Runtime."""
    if importlib.util.find_spec("openvino") is None:
        return False
    return cpu_has_bfloat16(_openvino_core())
