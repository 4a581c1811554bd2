"""Inference engines: one network's bytes in, arrays through.

ONNX Runtime always, OpenVINO and PyTorch where they are installed.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import EngineError, first_line
from ocrsmith.reading.openvino_engine import KEPT_KERNELS, OpenVinoEngine, openvino_pays
from ocrsmith.settings import num_threads

# Names a user types -> ONNX Runtime's execution providers; full provider names are taken as they are.
PROVIDERS = {
    "onnxruntime": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
}


class Engine(Protocol):
    """A loaded network with one input and one output; any batch and spatial size that its graph allows.

    Attributes:
        num_streams: how many inputs `run_each` computes side by side.
    """

    name: str
    num_streams: int = 1

    def run(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        """(B, C, H, W) float32 -> the network's output; raises EngineError where the network refuses it."""
        ...

    def run_each(self, arrays: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """The output of each input, in order; inputs are asked for as streams get free."""
        for array in arrays:
            yield self.run(array)

    def release_buffers(self) -> None:
        """Frees the buffers between the layers, made for the largest input so far; the next run makes its own."""
        return None


def open_engine(
    model: bytes | Path,
    engine: str = "auto",
    threads: int | None = None,
    architecture: Mapping[str, Any] | None = None,
    alphabet: Alphabet | None = None,
    kept_kernels: int = KEPT_KERNELS,
    streams: int = 1,
) -> Engine:
    """Loads an ONNX network.

    Args:
        model: the file's bytes, or its path.
        engine: "auto" (OpenVINO on a CPU with bfloat16 where it is installed, else ONNX Runtime), "onnxruntime",
            "openvino", "cuda", "tensorrt", "coreml", "directml", an ONNX Runtime provider's full name, or "pytorch",
            which is slow and for debugging.
        threads: at most so many; None takes `ocrsmith.settings.num_threads()`.
        architecture, alphabet: of the bundle's part, for "pytorch", which builds the network anew.
        kept_kernels: how many OpenVINO keeps of those that it makes for shapes of inputs.
        streams: how many inputs OpenVINO computes at once with `Engine.run_each`, each on its share of the threads.
            Many small inputs are done sooner side by side than each on all threads.

    Raises:
        EngineError: the engine is unknown or not installed, or the network cannot be loaded.
    """
    content = model.read_bytes() if isinstance(model, Path) else bytes(model)
    count = num_threads() if threads is None else threads
    if count < 1:
        raise EngineError(f"{count} threads were asked for. Give at least 1.")
    if engine == "auto":
        engine = "openvino" if openvino_pays() else "onnxruntime"
    if engine == "openvino":
        return OpenVinoEngine(content, count, kept_kernels, min(streams, count))
    if engine == "pytorch":
        return _pytorch_engine(content, count, architecture, alphabet)
    provider = PROVIDERS.get(engine, engine)
    if not provider.endswith("ExecutionProvider"):
        raise EngineError(
            f"The engine {engine!r} is unknown. Use 'auto', 'openvino', 'pytorch', "
            f"{', '.join(map(repr, PROVIDERS))}, or the full name of an ONNX Runtime provider."
        )
    return OnnxRuntimeEngine(content, count, provider)


class OnnxRuntimeEngine(Engine):
    """ONNX Runtime on one provider; the CPU stands behind it for operators that the provider lacks."""

    def __init__(self, content: bytes, threads: int, provider: str = "CPUExecutionProvider") -> None:
        available = onnxruntime.get_available_providers()
        if provider not in available:
            raise EngineError(
                f"ONNX Runtime has no {provider} here; it has {', '.join(available)}. Install the onnxruntime package "
                "for that device, or read with engine='onnxruntime'."
            )
        self._opened_with = content, threads, provider
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Spinning workers burn the cores that decoding and cropping need between two runs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Memory patterns keep one plan for every size of page; the arena alone keeps the buffers of the largest tile,
        # and without it a detector takes 1.7 times as long.
        options.enable_mem_pattern = False
        # Processors without VNNI add pairs of 8-bit products in 16 bits, which overflow; this way they do not, but take
        # half as long again where there is VNNI.
        if not _has_vnni():
            options.add_session_config_entry("session.x64quantprecision", "1")
        behind = [] if provider == "CPUExecutionProvider" else ["CPUExecutionProvider"]
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=[provider, *behind])
        except _onnxruntime_errors() as error:
            raise EngineError(
                f"ONNX Runtime could not load the network ({first_line(error)}). The bundle may be damaged or need a "
                "newer onnxruntime."
            ) from None
        self._input = self._session.get_inputs()[0].name
        self.name = "onnxruntime" if provider == "CPUExecutionProvider" else f"onnxruntime {provider}"

    def __reduce__(self) -> tuple[type[OnnxRuntimeEngine], tuple[bytes, int, str]]:
        """A process that unpickles it loads the network anew."""
        return OnnxRuntimeEngine, self._opened_with

    def run(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Engine.run`."""
        try:
            return np.asarray(self._session.run(None, {self._input: array})[0], dtype=np.float32)
        except _onnxruntime_errors() as error:
            raise EngineError(
                f"The network refused an input of shape {array.shape} ({first_line(error)}). Its preprocessing "
                "contract does not fit it."
            ) from None


def _pytorch_engine(
    content: bytes, threads: int, architecture: Mapping[str, Any] | None, alphabet: Alphabet | None
) -> Engine:
    """The networks live on a floor below, whose PyTorch the reading install lacks: opened by name, as OpenVINO is."""
    missing = [name for name in ("torch", "onnx") if importlib.util.find_spec(name) is None]
    if missing:
        raise EngineError(
            f"The engine 'pytorch' needs {' and '.join(missing)}. Run: pip install \"ocrsmith[train]\", or read with "
            "engine='onnxruntime'."
        )
    if architecture is None:
        raise EngineError(
            "The bundle does not say which network it holds, so PyTorch cannot build it. Export it with this ocrsmith, "
            "or read with engine='onnxruntime'."
        )
    module: Any = importlib.import_module("ocrsmith.models.torch_engine")
    engine: Engine = module.TorchEngine(content, architecture["name"], architecture["settings"], alphabet, threads)
    return engine


@functools.cache
def _has_vnni() -> bool:
    """Whether the processor is known to multiply 8 bits and add in 32 (AVX512-VNNI, AVX-VNNI); Linux alone tells."""
    try:
        return "vnni" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def _onnxruntime_errors() -> tuple[type[Exception], ...]:
    """The error classes of ONNX Runtime, which share no base of their own; RuntimeError stands in for the rest."""
    states: Any = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    named = [value for value in vars(states).values() if isinstance(value, type) and issubclass(value, Exception)]
    return (*named, RuntimeError, ValueError)
