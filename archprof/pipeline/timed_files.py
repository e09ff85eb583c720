"""Files that are graphs as models to be timed: how each format is loaded, and which backends run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.builder.built import Built
from archprof.builder.device import find_device
from archprof.errors import UsageError
from archprof.latency.backends import BACKENDS, find_backend
from archprof.latency.graph_file import prepare as prepare_onnx
from archprof.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor

    from archprof.builder.options import Options
    from archprof.records.profile import Profile
    from archprof.sources.spec import Spec

    Ready = tuple[Built, tuple[Tensor, ...]]

LOADERS: Registry[Callable[[Spec, Profile, Options], Ready]] = Registry("format of timed files")
"""Format of a file -> what loads it, and makes what it is run on."""


def prepare_file(spec: Spec, profile: Profile, options: Options) -> Ready:
    """A file to be timed, and what it is run on.

    Args:
        spec: The file.
        profile: What it was counted to cost, at the shapes that it is run on.
        options: Its inputs' sizes, and the device.

    Raises:
        RunError: Where it cannot be loaded.
    """
    return LOADERS[spec.graph_format or ""](spec, profile, options)


def check_backends(spec: Spec, backends: Iterable[str]) -> None:
    """See to it that a file is timed where it can run.

    Raises:
        UsageError: Where it is to be timed in a backend that takes modules, or has nothing that can be run.
    """
    if error := spec.no_operations():
        raise error
    if spec.graph_format is None:
        return
    if spec.graph_format != "onnx":  # any other becomes a module
        return
    for name in backends:
        if not find_backend(name).files:
            files = [name for name, backend in BACKENDS.items() if backend.files]
            raise UsageError(
                f"{spec.reference} is an ONNX file, which {name} does not run",
                hint=f"archprof bench {spec.reference} --backend {' or '.join(files)}",
            )


def _onnx(spec: Spec, profile: Profile, options: Options) -> Ready:
    return prepare_onnx(spec, profile)


def _exported_program(spec: Spec, profile: Profile, options: Options) -> Ready:
    """The program with the weights of the file, as one function."""
    from archprof.builder.program.graph_module import graph_module
    from archprof.pipeline.graph_formats.pt2 import load

    device = find_device(options.device)
    program = load(spec, options, str(device))
    module = graph_module(program).to(device)
    return Built(module=module, spec=spec, kind=profile.input.kind), program.inputs


LOADERS.register("onnx", _onnx)
LOADERS.register("pt2", _exported_program)
