"""What can run a model: a registry of backends, one file each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.errors import UsageError, did_you_mean
from archprof.latency.backends.compiled import Compiled
from archprof.latency.backends.eager import Eager
from archprof.latency.backends.onnxruntime import OnnxRuntime
from archprof.latency.backends.openvino import OpenVino
from archprof.latency.backends.torchscript import TorchScript

if TYPE_CHECKING:
    from archprof.latency.backends.interface import Backend

BACKENDS: dict[str, Backend] = {
    backend.name: backend for backend in (Eager(), Compiled(), TorchScript(), OnnxRuntime(), OpenVino())
}
"""Every backend by its name."""


_ALIASES = {"onnx": "onnxruntime", "ort": "onnxruntime", "pytorch": "eager", "torch": "eager", "jit": "torchscript"}


def find_backend(name: str) -> Backend:
    """A backend by its name, or by another that people call it.

    Raises:
        UsageError: Where there is none, or what it needs is not installed.
    """
    name = _ALIASES.get(name.lower(), name.lower())
    if name not in BACKENDS:
        raise UsageError(f"no backend {name!r}", hint=did_you_mean(name, BACKENDS) or f"there is {', '.join(BACKENDS)}")
    backend = BACKENDS[name]
    if missing := backend.missing():
        packages = " ".join(missing)
        raise UsageError(
            f"the backend {name} needs {packages}, which is not installed",
            hint=f"python -m pip install 'archprof[{backend.extra}]', or python -m pip install {packages}",
        )
    return backend
