"""Inference engines: one network's bytes in, arrays through.

ONNX Runtime always, OpenVINO and PyTorch where they are installed.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ocrsmith.alphabet import Alphabet
from ocrsmith.errors import EngineError
from ocrsmith.settings import cache_dir, num_threads

# Names a user types -> ONNX Runtime's execution providers; full provider names are taken as they are.
PROVIDERS = {
    "onnxruntime": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
}


# Ends the names of what a network in 8 bits computes behind a layer for ONNX Runtime alone, see export.quantization.
ROUNDED_OUTPUT = ".rounded_behind"
# Networks of at least so many bytes are kept compiled between processes, and so many of them: the newest.
_CACHED_FROM_BYTES = 2**20
_MOST_CACHED = 12

# OpenVINO makes kernels for each new shape of an input, seventeen or so for a shape of a recogniser with 4 MB. So many
# are those of the 118 shapes that `batching` makes of lines up to 4,000 px: fewer are made again and again.
KEPT_KERNELS = 2000


class Engine(Protocol):
    """A loaded network with one input and one output; any batch and spatial size that its graph allows."""

    name: str

    def run(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        """(B, C, H, W) float32 -> the network's output; raises EngineError where the network refuses it."""
        ...


def open_engine(
    model: bytes | Path,
    engine: str = "auto",
    threads: int | None = None,
    architecture: Mapping[str, Any] | None = None,
    alphabet: Alphabet | None = None,
    kept_kernels: int = KEPT_KERNELS,
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

    Raises:
        EngineError: the engine is unknown or not installed, or the network cannot be loaded.
    """
    content = model.read_bytes() if isinstance(model, Path) else bytes(model)
    count = num_threads() if threads is None else threads
    if count < 1:
        raise EngineError(f"{count} threads were asked for. Give at least 1.")
    if engine == "auto":
        engine = "openvino" if _openvino_pays() else "onnxruntime"
    if engine == "openvino":
        return OpenVinoEngine(content, count, kept_kernels)
    if engine == "pytorch":
        return _pytorch_engine(content, count, architecture, alphabet)
    provider = PROVIDERS.get(engine, engine)
    if not provider.endswith("ExecutionProvider"):
        raise EngineError(
            f"The engine {engine!r} is unknown. Use 'auto', 'openvino', 'pytorch', "
            f"{', '.join(map(repr, PROVIDERS))}, or the full name of an ONNX Runtime provider."
        )
    return OnnxRuntimeEngine(content, count, provider)


class OnnxRuntimeEngine:
    """ONNX Runtime on one provider; the CPU stands behind it for operators that the provider lacks."""

    def __init__(self, content: bytes, threads: int, provider: str = "CPUExecutionProvider") -> None:
        available = onnxruntime.get_available_providers()
        if provider not in available:
            raise EngineError(
                f"ONNX Runtime has no {provider} here; it has {', '.join(available)}. Install the onnxruntime package "
                "for that device, or read with engine='onnxruntime'."
            )
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
                f"ONNX Runtime could not load the network ({_first_line(error)}). The bundle may be damaged or need a "
                "newer onnxruntime."
            ) from None
        self._input = self._session.get_inputs()[0].name
        self.name = "onnxruntime" if provider == "CPUExecutionProvider" else f"onnxruntime {provider}"

    def run(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Engine.run`."""
        try:
            return np.asarray(self._session.run(None, {self._input: array})[0], dtype=np.float32)
        except _onnxruntime_errors() as error:
            raise EngineError(
                f"The network refused an input of shape {array.shape} ({_first_line(error)}). Its preprocessing "
                "contract does not fit it."
            ) from None


class OpenVinoEngine:
    """OpenVINO on the CPU, compiled once with dynamic sizes; bfloat16 where the CPU computes in it."""

    def __init__(self, content: bytes, threads: int, kept_kernels: int = KEPT_KERNELS) -> None:
        if importlib.util.find_spec("openvino") is None:
            raise EngineError(
                "OpenVINO is not installed. Run: pip install openvino, or read with engine='onnxruntime'."
            )
        core = _openvino_core()
        self.uses_bfloat16 = cpu_has_bfloat16(core)
        config = {
            "INFERENCE_NUM_THREADS": str(threads),
            "NUM_STREAMS": "1",
            "PERFORMANCE_HINT": "LATENCY",
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
                f"OpenVINO could not load the network ({_first_line(error)}). Read with engine='onnxruntime'."
            ) from None
        self._request = compiled.create_infer_request()
        self.name = "openvino bf16" if self.uses_bfloat16 else "openvino"

    def run(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Engine.run`."""
        try:
            result = self._request.infer([array], share_inputs=True)
        except RuntimeError as error:
            raise EngineError(f"OpenVINO refused an input of shape {array.shape} ({_first_line(error)}).") from None
        # The request's output buffer is used again by the next run.
        return np.array(result[0], dtype=np.float32)


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


@functools.cache
def _has_vnni() -> bool:
    """Whether the processor is known to multiply 8 bits and add in 32 (AVX512-VNNI, AVX-VNNI); Linux alone tells."""
    try:
        return "vnni" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def _openvino_pays() -> bool:
    if importlib.util.find_spec("openvino") is None:
        return False
    return cpu_has_bfloat16(_openvino_core())


def _onnxruntime_errors() -> tuple[type[Exception], ...]:
    """The error classes of ONNX Runtime, which share no base of their own; RuntimeError stands in for the rest."""
    states: Any = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    named = [value for value in vars(states).values() if isinstance(value, type) and issubclass(value, Exception)]
    return (*named, RuntimeError, ValueError)


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
