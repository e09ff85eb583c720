"""What can run a model: a registry of backends, one file each. Nothing is imported here that help would wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.errors import UsageError
from archprof.registry import Registry

if TYPE_CHECKING:
    from archprof.latency.backends.interface import Backend

BACKENDS: Registry[Backend] = Registry(
    "backend",
    __name__,
    (
        "eager",
        "compile",
        "torchscript",
        "onnxruntime",
        "openvino",
    ),
)
"""By name, in the order in which they are shown; each is in the file of its name. A plugin may add its own."""


_ALIASES = {"torch": "eager", "pytorch": "eager", "jit": "torchscript", "onnx": "onnxruntime", "ort": "onnxruntime"}
"""Other names that people have for those of this package."""


def check_backend(name: str) -> None:
    """Refuse a name that no backend has, without importing any.

    Raises:
        UsageError: Where there is none.
    """
    BACKENDS.check(_own_name(name))


def find_backend(name: str) -> Backend:
    """A backend by its name, or by another that people call it.

    Raises:
        UsageError: Where there is none, or what it needs is not installed.
    """
    backend = BACKENDS.find(_own_name(name))
    if missing := backend.missing():
        packages = " ".join(missing)
        install = f"python -m pip install {packages}"
        raise UsageError(
            f"the backend {backend.name} needs {packages}, which is not installed",
            hint=f"python -m pip install 'archprof[{backend.extra}]', or {install}" if backend.extra else install,
        )
    return backend


def _own_name(name: str) -> str:
    """The name that a backend is registered under."""
    name = name.lower()
    others = {alias: backend.name for backend in BACKENDS.registered() for alias in backend.aliases}
    return {**others, **_ALIASES}.get(name, name)
