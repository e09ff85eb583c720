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


def find_backend(name: str) -> Backend:
    """A backend by its name, or by another that people call it.

    Raises:
        UsageError: Where there is none, or what it needs is not installed.
    """
    name = name.lower()
    names = {alias: backend.name for backend in BACKENDS.values() for alias in backend.aliases}
    backend = BACKENDS.find(names.get(name, name))
    if missing := backend.missing():
        packages = " ".join(missing)
        install = f"python -m pip install {packages}"
        raise UsageError(
            f"the backend {backend.name} needs {packages}, which is not installed",
            hint=f"python -m pip install 'archprof[{backend.extra}]', or {install}" if backend.extra else install,
        )
    return backend
