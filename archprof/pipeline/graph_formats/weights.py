"""A file of weights without an architecture that could be built -> its profile: parameters by module, and no FLOPs."""

from __future__ import annotations

import platform
import sys
from itertools import accumulate
from typing import TYPE_CHECKING

from archprof.errors import UsageError
from archprof.pipeline.graph_formats import GRAPH_FORMATS
from archprof.records.conventions import DEFAULT
from archprof.records.profile import FORWARD_PASS, Coverage, Environment, Input, Module, Profile, Totals, Variant
from archprof.sources.checkpoint.contents import distinct
from archprof.sources.checkpoint.reader import read

if TYPE_CHECKING:
    from archprof.pipeline.request import Request
    from archprof.sources.checkpoint.contents import Checkpoint, Tensor


def profile(request: Request) -> Profile:
    """What a file of weights tells: its parameters, by the modules that the names of its tensors tell.

    Options about the input change nothing, because nothing runs.

    Raises:
        CheckpointError: Where it cannot be read.
        UsageError: Where a convention is asked for: each is a rule for what runs.
    """
    spec = request.spec
    assert spec.path is not None
    conventions = [name for name in request.conventions if name != DEFAULT]
    if conventions:
        raise UsageError(
            f"{spec.reference} holds weights, and no operations that {', '.join(conventions)} could count",
            hint="name the YAML or the function that makes the model",
        )
    checkpoint = read(spec.path)
    tensors = distinct(checkpoint.tensors)
    parameters = {name: tensor for name, tensor in tensors.items() if tensor.role != "buffer"}
    buffers = [tensor for tensor in tensors.values() if tensor.role == "buffer"]
    tree = _modules(checkpoint, parameters)
    parents = {module.path.rpartition(".")[0] for module in tree if module.path}
    return Profile(
        variant=Variant(
            name=spec.name,
            reference=spec.reference,
            origin=spec.origin,
            task=checkpoint.task,
            path=str(spec.path),
            nc=checkpoint.nc,
        ),
        input=Input(shapes=[], dtype=_dtype(parameters), batch=1, kind="tensors"),
        environment=Environment(
            device="meta",
            python=".".join(str(part) for part in sys.version_info[:3]),
            platform=platform.platform(),
            packages={},
            remarks=list(checkpoint.notes),
        ),
        totals=Totals(
            modules=len(tree),
            layers=sum(module.path not in parents for module in tree),
            parameters=sum(tensor.numel for tensor in parameters.values()),
            trainable_parameters=0,
            macs=0,
            flops=0,
            elementwise_flops=0,
            weight_bytes=sum(tensor.bytes for tensor in parameters.values()),
            activation_elements=0,
            activation_bytes=0,
            peak_activation_bytes=0,
            bytes_read=0,
            bytes_written=0,
            buffers=sum(tensor.numel for tensor in buffers),
            buffer_bytes=sum(tensor.bytes for tensor in buffers),
        ),
        coverage=Coverage(operations=1, counted=0, free=0, unknown={FORWARD_PASS: 1}),
        modules=tree if request.level == "full" else [],
    )


def _dtype(parameters: dict[str, Tensor]) -> str:
    """The dtypes that the weights are stored in, the commonest first."""
    elements: dict[str, int] = {}
    for tensor in parameters.values():
        elements[tensor.dtype] = elements.get(tensor.dtype, 0) + tensor.numel
    return " and ".join(sorted(elements, key=lambda dtype: -elements[dtype])) or "none"


def _modules(checkpoint: Checkpoint, parameters: dict[str, Tensor]) -> list[Module]:
    """Every module that the file has, or that a name of its tensors leads through, parents before children."""
    own = dict.fromkeys(checkpoint.modules, 0)
    for name in checkpoint.tensors:
        for path in accumulate(name.split(".")[:-1], lambda parent, part: f"{parent}.{part}"):
            own.setdefault(path, 0)
    own.setdefault("", 0)
    for name, tensor in parameters.items():
        own[name.rpartition(".")[0]] += tensor.numel
    totals = dict(own)
    for path in sorted(own, key=lambda path: -_depth(path)):
        if path:
            totals[path.rpartition(".")[0]] += totals[path]
    return [
        Module(
            path=path,
            type=_type(checkpoint, path),
            depth=_depth(path),
            calls=0,
            parameters=totals[path],
            own_parameters=own[path],
            macs=0,
            own_macs=0,
            elementwise_flops=0,
            own_elementwise_flops=0,
        )
        for path in _in_tree_order(own)
    ]


def _depth(path: str) -> int:
    return path.count(".") + 1 if path else 0


def _type(checkpoint: Checkpoint, path: str) -> str:
    """The class of a module; nothing where the file does not say it."""
    module = checkpoint.modules.get(path)
    return module.type.rpartition(".")[2] if module else ""


def _in_tree_order(paths: dict[str, int]) -> list[str]:
    """Paths with each module's children right behind it, in the file's order."""
    children: dict[str, list[str]] = {}
    for path in paths:
        if path:
            children.setdefault(path.rpartition(".")[0], []).append(path)
    ordered, stack = [], [""]
    while stack:
        path = stack.pop()
        ordered.append(path)
        stack.extend(reversed(children.get(path, [])))
    return ordered


GRAPH_FORMATS.register("weights", profile)
